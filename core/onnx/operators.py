"""The operators of ONNX that a graph may use: arithmetic on tensors, without control flow, chance, text or files."""

from __future__ import annotations

ELEMENTWISE = """
Abs Add And BitwiseAnd BitwiseNot BitwiseOr BitwiseXor Cast CastLike Ceil Celu Clip Cos Div Elu Equal Erf Exp Floor Gelu
Greater GreaterOrEqual HardSigmoid HardSwish Identity IsInf IsNaN LeakyRelu Less LessOrEqual Log Max Mean Min Mish Mod
Mul Neg Not Or PRelu Pow Reciprocal Relu Round Selu Shrink Sigmoid Sign Sin Softplus Softsign Sqrt Sub Sum SwiGLU Swish
Tanh ThresholdedRelu Where Xor
"""
LAYERS = """
Attention AveragePool BatchNormalization Conv ConvInteger ConvTranspose DeformConv Dropout Einsum Gemm GlobalAveragePool
GlobalLpPool GlobalMaxPool GroupNormalization Hardmax InstanceNormalization LRN LayerNormalization LogSoftmax
LpNormalization LpPool MatMul MatMulInteger MaxPool MeanVarianceNormalization RMSNormalization RotaryEmbedding Softmax
"""
REDUCTIONS = """
ArgMax ArgMin CumSum ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum
ReduceSumSquare TopK
"""
SHAPES = """
Concat Constant ConstantOfShape DepthToSpace Expand EyeLike Flatten Gather GatherElements GatherND GridSample OneHot Pad
Range Reshape Resize ScatterElements ScatterND Shape Size Slice SpaceToDepth Split Squeeze Tile Transpose Trilu
Unsqueeze Upsample
"""
QUANTISED = "DequantizeLinear DynamicQuantizeLinear QLinearConv QLinearMatMul QuantizeLinear"

ALLOWED = frozenset(" ".join((ELEMENTWISE, LAYERS, REDUCTIONS, SHAPES, QUANTISED)).split())

# what would learn, or answer differently each time
MOST_INPUTS = {"Dropout": 2}  # a third one switches training on
MOST_OUTPUTS = {"BatchNormalization": 1, "Dropout": 1}  # others are outputs of training
ZERO_ATTRIBUTES = {"BatchNormalization": "training_mode"}
