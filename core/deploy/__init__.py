"""A model as a file for other programs and small machines: ONNX, OpenVINO, TorchScript, LiteRT."""
