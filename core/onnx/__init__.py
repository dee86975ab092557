"""ONNX graphs: checks of graphs from strangers, shapes, the tensor that heat maps are made of."""
