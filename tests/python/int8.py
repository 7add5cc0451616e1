"""Single layers in int8, by the reference kernels of LiteRT (TensorFlow Lite), for `tests/golden/quantized.rs`.

    pip install ai-edge-litert flatbuffers numpy
    python3 tests/python/int8.py > tests/golden/int8/layers.json

Each layer is a model of one operator, with random weights and inputs.
"""

import json

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

OPERATOR, OPTIONS = schema.BuiltinOperator, schema.BuiltinOptions
INT8, INT32 = schema.TensorType.INT8, schema.TensorType.INT32
random = np.random.default_rng(1)


def quantization(scales, zero_point=0, axis=0):
    scales = [float(scale) for scale in np.atleast_1d(scales)]
    it = schema.QuantizationParametersT()
    it.scale, it.zeroPoint, it.quantizedDimension = scales, [zero_point] * len(scales), axis
    return it


def tensor(shape, kind, quantized):
    it = schema.TensorT()
    it.shape, it.type, it.quantization = list(shape), kind, quantized
    return it


def outputs(operator, kind, options, tensors, data, inputs):
    """The outputs of a model of one operator, whose last tensor is its output; constants have data."""
    model, graph, code = schema.ModelT(), schema.SubGraphT(), schema.OperatorCodeT()
    code.builtinCode, code.deprecatedBuiltinCode = operator, operator
    code.version = 4 if len(tensors) > 2 else 2
    model.version, model.operatorCodes, model.buffers = 3, [code], [schema.BufferT()]
    for each, values in zip(tensors, data + [None]):
        buffer = schema.BufferT()
        if values is not None:
            buffer.data = np.frombuffer(values.tobytes(), np.uint8)
        model.buffers.append(buffer)
        each.buffer = len(model.buffers) - 1
    last = len(tensors) - 1
    graph.tensors, graph.inputs, graph.outputs = tensors, [0], [last]
    step = schema.OperatorT()
    step.opcodeIndex, step.inputs, step.outputs = 0, list(range(last)), [last]
    step.builtinOptionsType, step.builtinOptions = kind, options
    graph.operators, model.subgraphs = [step], [graph]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    interpreter = Interpreter(
        model_content=bytes(builder.Output()),
        experimental_op_resolver_type=OpResolverType.BUILTIN_REF,
    )
    interpreter.allocate_tensors()
    results = []
    for x in inputs:
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], x[None])
        interpreter.invoke()
        results.append(interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0])
    return results


def single(number):
    """A float32 in the fewest digits that give it back."""
    return json.loads(str(np.float32(number)))


def case(operator, kind, options, x, y, count=6, weights=None, scales=None, axis=0):
    """A layer from a shape, scale and zero point to another; with weights of a shape and scales."""
    (x_shape, x_scale, x_zero), (y_shape, y_scale, y_zero) = x, y
    x_scale, y_scale = np.float32(x_scale), np.float32(y_scale)
    inputs = [random.integers(-128, 128, x_shape, dtype=np.int8) for _ in range(count)]
    tensors, data = [tensor((1, *x_shape), INT8, quantization(x_scale, x_zero))], [None]
    result = {"input": [single(x_scale), x_zero], "output": [single(y_scale), y_zero]}
    if weights is not None:
        scales = np.atleast_1d(np.asarray(scales, np.float32))
        bias = random.integers(-2000, 2000, y_shape[-1], dtype=np.int32)
        values = random.integers(-127, 128, weights, dtype=np.int8)
        tensors.append(tensor(weights, INT8, quantization(scales, axis=axis)))
        tensors.append(tensor(bias.shape, INT32, quantization(scales * x_scale)))
        data += [values, bias]
        result |= {"scales": [single(scale) for scale in scales]}
        result |= {"weights": values.ravel().tolist(), "bias": bias.tolist()}
    tensors.append(tensor((1, *y_shape), INT8, quantization(y_scale, y_zero)))
    answers = outputs(operator, kind, options, tensors, data, inputs)
    result["cases"] = [[x.ravel().tolist(), y.ravel().tolist()] for x, y in zip(inputs, answers)]
    return result


def dense(scales, activation):
    options = schema.FullyConnectedOptionsT()
    options.fusedActivationFunction = activation
    x, y = ((24,), 0.037, 5), ((6,), 0.07, -3)
    kind = OPTIONS.FullyConnectedOptions
    return case(OPERATOR.FULLY_CONNECTED, kind, options, x, y, 20, (6, 24), scales)


def windows(options, step, activation):
    options.strideH, options.strideW = step
    options.fusedActivationFunction, options.padding = activation, schema.Padding.SAME
    return options


def convolution():
    options = windows(schema.Conv2DOptionsT(), (2, 1), NONE)
    options.dilationHFactor = options.dilationWFactor = 1
    x, y, scales = ((6, 5, 3), 0.037, 5), ((3, 5, 4), 0.06, -7), random.uniform(0.002, 0.004, 4)
    kind = OPTIONS.Conv2DOptions
    return case(OPERATOR.CONV_2D, kind, options, x, y, 6, (4, 3, 2, 3), scales)


def depthwise():
    options = windows(schema.DepthwiseConv2DOptionsT(), (1, 1), RELU6)
    options.depthMultiplier = options.dilationHFactor = options.dilationWFactor = 1
    x, y, scales = ((5, 5, 4), 0.037, 5), ((5, 5, 4), 0.04, -50), random.uniform(0.005, 0.02, 4)
    kind = OPTIONS.DepthwiseConv2DOptions
    return case(OPERATOR.DEPTHWISE_CONV_2D, kind, options, x, y, 4, (1, 3, 3, 4), scales, axis=3)


def pooling(operator, size):
    options = windows(schema.Pool2DOptionsT(), size, NONE)
    options.padding = schema.Padding.VALID
    options.filterHeight, options.filterWidth = size
    y = (4 // size[0], 4 // size[1], 3)
    kind = OPTIONS.Pool2DOptions
    return case(operator, kind, options, ((4, 4, 3), 0.05, 3), (y, 0.05, 3), 6)


def softmax():
    options = schema.SoftmaxOptionsT()
    options.beta = 1.0
    x, y = ((10,), 0.09, 4), ((10,), 1 / 256, -128)
    return case(OPERATOR.SOFTMAX, OPTIONS.SoftmaxOptions, options, x, y, 20)


def table(operator, scale, zero_point):
    x, y = ((64,), 0.05, 7), ((64,), scale, zero_point)
    return case(operator, OPTIONS.NONE, None, x, y, 8)


NONE, RELU, RELU6 = (getattr(schema.ActivationFunctionType, a) for a in ("NONE", "RELU", "RELU6"))
layers = {
    "how": "tests/python/int8.py: outputs of LiteRT's reference kernels (BUILTIN_REF)",
    "dense": dense(0.0031, NONE),
    "dense_per_channel": dense(random.uniform(0.002, 0.004, 6), RELU),
    "convolution": convolution(),
    "depthwise": depthwise(),
    "mean": pooling(OPERATOR.AVERAGE_POOL_2D, (2, 2)),
    "global_mean": pooling(OPERATOR.AVERAGE_POOL_2D, (4, 4)),
    "max": pooling(OPERATOR.MAX_POOL_2D, (2, 4)),
    "softmax": softmax(),
    "sigmoid": table(OPERATOR.LOGISTIC, 1 / 256, -128),
    "tanh": table(OPERATOR.TANH, 1 / 128, 0),
}
lines = [f' "{name}": {json.dumps(layer)}' for name, layer in layers.items()]
print("{\n" + ",\n".join(lines) + "\n}")
