"""Models of TensorFlow Lite, exported by `examples/python/export_tflite.py`, for `tests/golden/tflite.rs`.

    pip install ai-edge-litert numpy safetensors
    python3 tests/python/tflite.py FOLDER

Writes to FOLDER what the script makes of each model, and what LiteRT's reference kernels compute.
"""

import sys
import tempfile
from pathlib import Path

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from safetensors.numpy import load_file, save_file

sys.path.insert(0, str(Path(__file__).parents[2] / "examples/python"))
from export_tflite import NotPossible, export, interpreter

INT8, INT32, FLOAT32 = (getattr(schema.TensorType, name) for name in ("INT8", "INT32", "FLOAT32"))
VALID, SAME = schema.Padding.VALID, schema.Padding.SAME
NONE, RELU, RELU6 = (getattr(schema.ActivationFunctionType, name) for name in ("NONE", "RELU", "RELU6"))


class Builder:
    """A model as a chain of operators."""

    def __init__(self, shape, scale=0.03, zero_point=3, floats=False):
        self.random = np.random.default_rng(4)
        self.model, self.graph = schema.ModelT(), schema.SubGraphT()
        self.model.version, self.model.subgraphs = 3, [self.graph]
        self.model.operatorCodes, self.model.buffers = [], [schema.BufferT()]
        self.graph.tensors, self.graph.operators = [], []
        self.affine = scale, zero_point
        self.last = self.tensor(shape, INT8, *self.affine)
        self.graph.inputs = [self.last]
        if floats:
            self.graph.inputs = [self.tensor(shape, FLOAT32)]
            self.operator("QUANTIZE", [*self.graph.inputs], self.last, version=1)

    def tensor(self, shape, kind, scales=None, zero_point=0, axis=0, values=None):
        """Adds a tensor; its number."""
        it = schema.TensorT()
        it.shape, it.type = [1, *shape] if values is None else list(values.shape), kind
        if scales is not None:
            it.quantization = schema.QuantizationParametersT()
            it.quantization.scale = [float(np.float32(scale)) for scale in np.atleast_1d(scales)]
            it.quantization.zeroPoint = [zero_point] * len(it.quantization.scale)
            it.quantization.quantizedDimension = axis
        buffer = schema.BufferT()
        if values is not None:
            buffer.data = np.frombuffer(values.tobytes(), np.uint8)
        self.model.buffers.append(buffer)
        it.buffer = len(self.model.buffers) - 1
        self.graph.tensors.append(it)
        return len(self.graph.tensors) - 1

    def operator(self, name, inputs, output, options=None, version=2):
        code = schema.OperatorCodeT()
        code.builtinCode = getattr(schema.BuiltinOperator, name)
        code.deprecatedBuiltinCode, code.version = min(code.builtinCode, 127), version
        self.model.operatorCodes.append(code)
        step = schema.OperatorT()
        step.opcodeIndex, step.inputs, step.outputs = len(self.model.operatorCodes) - 1, inputs, [output]
        if options is not None:
            step.builtinOptions = options
            step.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__[:-1])
        self.graph.operators.append(step)
        return self

    def shape(self):
        return self.graph.tensors[self.last].shape[1:]

    def step(self, name, shape, affine, options=None, more=(), version=2):
        """An operator whose input is the last output."""
        self.affine = affine
        output = self.tensor(shape, INT8, *affine)
        self.operator(name, [self.last, *more], output, options, version)
        self.last = output
        return self

    def weights(self, shape, outputs, inputs, axis, per_channel, affine=None, bias=True):
        """Weights and biases, and a quantisation that the sums fit."""
        scales = self.random.uniform(0.002, 0.006, outputs if per_channel else 1).astype(np.float32)
        values = self.random.integers(-127, 128, shape, dtype=np.int8)
        more = [self.tensor((), INT8, scales, axis=axis, values=values), -1]
        if bias:
            bias = self.random.integers(-2000, 2000, outputs, dtype=np.int32)
            more[1] = self.tensor((), INT32, scales * np.float32(self.affine[0]), values=bias)
        sums = self.affine[0] * 0.004 * 73 * 73 * inputs**0.5
        return more, affine or (sums / 40, -20)

    def dense(self, outputs, fused=NONE, per_channel=False, affine=None, bias=True):
        inputs = int(np.prod(self.shape()))
        more, affine = self.weights((outputs, inputs), outputs, inputs, 0, per_channel, affine, bias)
        options = schema.FullyConnectedOptionsT()
        options.fusedActivationFunction = fused
        return self.step("FULLY_CONNECTED", (outputs,), affine, options, more, 4)

    def window(self, options, size, step, padding, fused):
        options.strideH, options.strideW = step
        options.padding, options.fusedActivationFunction = padding, fused
        if padding == SAME:
            return [-(-n // s) for n, s in zip(self.shape(), step)]
        return [(n - k) // s + 1 for n, k, s in zip(self.shape(), size, step)]

    def conv(self, outputs, size, step=(1, 1), padding=VALID, fused=RELU, depthwise=False):
        channels = self.shape()[-1]
        options = schema.DepthwiseConv2DOptionsT() if depthwise else schema.Conv2DOptionsT()
        options.dilationHFactor = options.dilationWFactor = 1
        if depthwise:
            options.depthMultiplier = outputs // channels
        positions = self.window(options, size, step, padding, fused)
        shape = (1, *size, outputs) if depthwise else (outputs, *size, channels)
        inputs = np.prod(size) * (1 if depthwise else channels)
        more, affine = self.weights(shape, outputs, inputs, 3 * depthwise, True)
        return self.step("DEPTHWISE_CONV_2D" if depthwise else "CONV_2D", (*positions, outputs), affine,
                         options, more, 3)

    def pool(self, name, size, step=None, padding=VALID, fused=NONE):
        options = schema.Pool2DOptionsT()
        options.filterHeight, options.filterWidth = size
        positions = self.window(options, size, step or size, padding, fused)
        return self.step(name, (*positions, self.shape()[-1]), self.affine, options)

    def reshape(self, *shape):
        values = np.array([1, *shape], np.int32)
        options = schema.ReshapeOptionsT()
        options.newShape = values
        more = [self.tensor((), INT32, values=values)]
        return self.step("RESHAPE", shape, self.affine, options, more, 1)

    def pad(self, *pads):
        """Before and behind each dimension but the batch."""
        more = [self.tensor((), INT32, values=np.array([(0, 0), *pads], np.int32))]
        shape = [n + sum(pair) for n, pair in zip(self.shape(), pads)]
        return self.step("PAD", shape, self.affine, schema.PadOptionsT(), more)

    def mean(self, affine, *axes, keep=False):
        options = schema.ReducerOptionsT()
        options.keepDims = keep
        more = [self.tensor((), INT32, values=np.array(axes, np.int32))]
        here = {axis % (len(self.shape()) + 1) for axis in axes}
        shape = [1 if axis in here else n for axis, n in enumerate(self.shape(), 1) if keep or axis not in here]
        return self.step("MEAN", shape, affine, options, more)

    def flatten(self):
        """As Keras does, with the batch of the input."""
        shape, (tensor,) = self.shape(), self.graph.inputs
        vectors = [self.tensor((), INT32, values=np.array([n], np.int32)) for n in (0, 1, 1, -1)]
        of_input, batch, both = (self.tensor((), INT32) for _ in range(3))
        inputs = len(self.graph.tensors[tensor].shape)
        for number, size in (of_input, [inputs]), (batch, []), (both, [2]), (vectors[3], []):
            self.graph.tensors[number].shape = size
        sizes, slices = schema.ShapeOptionsT(), schema.StridedSliceOptionsT()
        sizes.outType, slices.shrinkAxisMask = INT32, 1
        self.operator("SHAPE", [tensor], of_input, sizes, 1)
        self.operator("STRIDED_SLICE", [of_input, *vectors[:3]], batch, slices, 1)
        pack = schema.PackOptionsT()
        pack.valuesCount = 2
        self.operator("PACK", [batch, vectors[3]], both, pack, 1)
        return self.step("RESHAPE", (int(np.prod(shape)),), self.affine, schema.ReshapeOptionsT(), [both], 1)

    def apply(self, name, affine, options=None, version=2):
        return self.step(name, self.shape(), affine, options, version=version)

    def softmax(self):
        options = schema.SoftmaxOptionsT()
        options.beta = 1.0
        return self.apply("SOFTMAX", (1 / 256, -128), options)

    def build(self, floats=False):
        output = self.last
        if floats:
            output = self.tensor(self.shape(), FLOAT32)
            self.operator("DEQUANTIZE", [self.last], output)
        self.graph.outputs = [output]
        builder = flatbuffers.Builder(1024)
        builder.Finish(self.model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


def image(floats):
    """Convolutions, depthwise too, and an average; softmax."""
    it = Builder((9, 8, 3), floats=floats).conv(6, (3, 3), (2, 1), SAME, RELU6).conv(12, (3, 3), depthwise=True, fused=NONE)
    it.pool("MAX_POOL_2D", (1, 2)).conv(5, (1, 1), padding=SAME).pool("AVERAGE_POOL_2D", (3, 3))
    return it.reshape(5).dense(4, affine=(0.4, 5)).softmax().build(floats)


def sequence(floats):
    """As Keras converts Conv1D: an image of one row between two reshapes."""
    it = Builder((20, 4), floats=floats).reshape(1, 20, 4).conv(8, (1, 3), (1, 2), SAME).reshape(10, 8)
    it.reshape(10, 1, 8).pool("MAX_POOL_2D", (2, 1), padding=SAME).reshape(5, 8).reshape(1, 5, 8)
    it.conv(6, (1, 2), fused=NONE).apply("TANH", (1 / 128, 0)).reshape(4, 6)
    return it.reshape(24).dense(10, RELU, True).dense(3).build(floats)


def vector(floats):
    """Dense layers with tables."""
    options = schema.LeakyReluOptionsT()
    options.alpha = 0.1
    it = Builder((24,), floats=floats).dense(12, bias=False).apply("HARD_SWISH", (0.05, -100), version=1).dense(9)
    it.apply("LEAKY_RELU", (0.2, -90), options).dense(7, per_channel=True).apply("TANH", (1 / 128, 0))
    return it.dense(2).apply("LOGISTIC", (1 / 256, -128)).build(floats)


def padded(floats):
    """Paddings before convolutions, ReLU behind them, and the mean of all that is left."""
    it = Builder((16, 9, 2), floats=floats).pad((0, 1), (1, 1), (0, 0)).conv(4, (3, 3), (2, 2), fused=NONE)
    it.apply("RELU6", it.affine).pad((1, 1), (1, 1), (0, 0)).conv(8, (3, 3), (2, 1), depthwise=True, fused=NONE)
    it.pool("MAX_POOL_2D", (2, 2), (1, 1), fused=RELU).conv(6, (1, 1), fused=NONE).apply("RELU", (0.15, -128))
    return it.mean((0.06, -128), 1, 2).dense(5).build(floats)


def causal(floats):
    """As Keras converts Conv1D(padding="causal"), and a mean that keeps its dimensions."""
    it = Builder((18, 3), floats=floats).pad((2, 0), (0, 0)).reshape(1, 20, 3).conv(4, (1, 3), fused=NONE)
    it.mean((it.affine[0] / 3, 4), -2, keep=True).conv(3, (1, 1), fused=NONE)
    return it.flatten().build(floats)


def cases(model, count):
    """Inputs and outputs in int8."""
    shape = interpreter(model).get_input_details()[0]["shape"][1:]
    inputs = np.random.default_rng(5).integers(-128, 128, (count, *shape), dtype=np.int8)
    return {"input": inputs, "output": outputs(model, inputs)}


def outputs(model, inputs):
    """What LiteRT computes for each of them."""
    it = interpreter(model)
    start, end = it.get_input_details()[0], it.get_output_details()[0]
    results = []
    for x in inputs:
        it.set_tensor(start["index"], x[None])
        it.invoke()
        results.append(it.get_tensor(end["index"])[0])
    return np.array(results)


def refused(model, *texts):
    """Whether the script names what it does not know."""
    try:
        export(model, "/dev/null")
    except NotPossible as reason:
        assert all(text in str(reason) for text in texts), reason
    else:
        raise AssertionError(f"not refused: {texts}")


def check_refusals():
    it = Builder((8,)).dense(4)
    refused(it.apply("ABS", it.affine).build(), "operator 1, ABS", "no int8 form", "FULLY_CONNECTED")
    it = Builder((6, 6, 2)).conv(3, (3, 3))
    refused(it.mean((0.1, 3), 3).build(), "operator 1, MEAN", "[3] of (1, 4, 4, 3)", "all rows and columns")
    it = Builder((7, 7, 2)).conv(3, (3, 3))
    refused(it.mean(it.affine, 1, 2).build(), "operator 1, MEAN", "25 numbers", "-128", "average pooling")
    it = Builder((6, 6, 2)).pad((2, 0), (2, 0), (0, 0))
    refused(it.conv(3, (3, 3)).build(), "operator 1, CONV_2D", "[[2, 0], [2, 0]]", "(6, 6)", "padding='same'")
    it = Builder((6, 6, 2)).pad((2, 2), (2, 2), (0, 0))
    refused(it.conv(3, (2, 2)).build(), "operator 1, CONV_2D", "less than the kernel")
    refused(Builder((6, 6, 2)).pad((0, 0), (0, 0), (0, 1)).build(), "operator 0, PAD", "rows and columns")
    it = Builder((6, 6, 2)).pad((1, 1), (1, 1), (0, 0))
    refused(it.build(), "ends in PAD")
    refused(it.pool("MAX_POOL_2D", (2, 2)).build(), "operator 1, MAX_POOL_2D", "behind PAD")
    it = Builder((8,))
    refused(it.apply("RELU", it.affine).build(), "operator 0, RELU", "without a layer")
    it = Builder((6, 6, 2)).conv(3, (3, 3), fused=NONE).pool("AVERAGE_POOL_2D", (2, 2))
    refused(it.apply("RELU", it.affine).build(), "operator 2, RELU", "right before it")
    it = Builder((8,)).dense(4)
    refused(it.apply("RELU6", (0.03, -128)).build(), "operator 1, RELU6", "another scale")
    it = Builder((6, 6, 2)).conv(3, (3, 3)).pool("MAX_POOL_2D", (3, 3), padding=SAME)
    refused(it.dense(2).build(), "operator 1, MAX_POOL_2D", "padding='valid'")
    it = Builder((8,)).dense(4)
    refused(it.step("RESHAPE", (2, 2), it.affine).build(), "operator 1, RESHAPE", "(4,)", "(2, 2)")
    it = Builder((8,)).dense(4)
    it.graph.tensors[it.last].type = schema.TensorType.UINT8
    refused(it.build(), "operator 0, FULLY_CONNECTED", "UINT8", "representative dataset")
    refused(Builder((8,)).dense(4, schema.ActivationFunctionType.TANH).build(), "TANH", "RELU6")
    it = Builder((8,)).dense(4).softmax().dense(2)
    refused(it.build(), "Softmax between two layers")
    it = Builder((4, 4, 2)).pool("MAX_POOL_2D", (2, 2))
    refused(it.apply("TANH", (1 / 128, 0)).build(), "operator 1, TANH", "right before it")
    refused(b"PK\3\4 no such file", "no file of TensorFlow Lite")


def check_means():
    """A mean has, for all sums that there are, the bits of the convolution that it becomes."""
    for shape, affine, scale in ((2, 5), (0.03, -128), 0.03), ((5, 5), (0.1, -128), 0.02), ((8, 4), (0.07, 9), 0.05):
        count = shape[0] * shape[1]
        quotients, rest = np.divmod(np.arange(-128 * count, 127 * count + 1), count)
        x = (quotients + (np.arange(count)[:, None] < rest)).astype(np.int8)
        channels = x.shape[1]
        mean = Builder((*shape, channels), *affine).mean((scale, -20), 1, 2).build()
        with tempfile.TemporaryDirectory() as folder:
            export(mean, f"{folder}/mean")
            tensors = load_file(f"{folder}/mean")
        it = Builder((*shape, channels), *affine).conv(channels, shape, depthwise=True, fused=NONE)
        weight, bias = (it.graph.tensors[t] for t in it.graph.operators[0].inputs[1:])
        for tensor, values in (weight, np.moveaxis(tensors["0.weight"], 0, -1)), (bias, tensors["0.bias"]):
            it.model.buffers[tensor.buffer].data = np.frombuffer(values.tobytes(), np.uint8)
        weight.quantization.scale = tensors["0.weight_scale"].tolist()
        bias.quantization.scale = (tensors["0.weight_scale"] * np.float32(affine[0])).tolist()
        output = it.graph.tensors[it.last].quantization
        output.scale, output.zeroPoint = [float(np.float32(scale))], [-20]
        want, found = (outputs(model, x.reshape(1, *shape, channels)) for model in (mean, it.build()))
        assert np.array_equal(want.ravel(), found.ravel()), (shape, affine)


def main():
    folder = Path(sys.argv[1])
    check_refusals()
    check_means()
    for make in image, sequence, vector, padded, causal:
        name, file = f"tflite_{make.__name__}", folder / f"tflite_{make.__name__}.safetensors"
        source = export(make(floats=False), file)
        # Floats outside are left out.
        written = file.read_bytes()
        assert (source, written) == (export(make(floats=True), file), file.read_bytes())
        (folder / f"{name}.rs").write_text(source)
        found = cases(make(floats=False), 12)
        spread = len(np.unique(found["output"]))
        assert spread > 5, (name, spread)
        save_file(found, folder / f"{name}_cases.safetensors")


if __name__ == "__main__":
    main()
