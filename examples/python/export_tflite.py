#!/usr/bin/env python3
"""Writes a fully quantised model of TensorFlow Lite for gradlet.

    python3 export_tflite.py MODEL.tflite OUT.safetensors

Prints the network's type and the line that loads it, to be pasted into a Rust program. The network in
Rust has the bits of TensorFlow Lite's reference kernels.

The model must be a chain of fully connected layers, convolutions, depthwise convolutions with or without a
padding before them, max and average pooling, global means, reshaping, and activations, in int8 throughout;
floats before and behind it are left out. A sequence is an image of one row or column, as Keras converts it.
Anything else is an error that names it.

Needs numpy, safetensors and ai-edge-litert (LiteRT, the new name of TensorFlow Lite).
"""

import argparse
import copy
import math
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from export import axes_of, leaky_relu, refuse_softmax, rust_strings, rust_type, shape_after
from export_steps import Activation, Conv, Dense, Flatten, Layer, NotPossible, Pool
from safetensors.numpy import save

TYPES = schema.TensorType


def names_of(enumeration):
    """The names of an enumeration of the schema by their numbers."""
    return {number: name for name, number in vars(enumeration).items() if not name.startswith("_")}


OPERATORS, FUSED = names_of(schema.BuiltinOperator), names_of(schema.ActivationFunctionType)
# By a table, but for softmax.
ACTIVATIONS = {"ELU": "Elu", "GELU": "Gelu", "HARD_SWISH": "HardSwish", "LEAKY_RELU": "LeakyRelu",
               "LOGISTIC": "Sigmoid", "SOFTMAX": "Softmax", "TANH": "Tanh"}
POOLINGS = {"AVERAGE_POOL_2D": "Mean", "MAX_POOL_2D": "Max"}
CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D")
RESHAPES = ("EXPAND_DIMS", "RESHAPE", "SQUEEZE")
# They compute the shape for a RESHAPE, which the file has too.
SHAPES = ("PACK", "SHAPE", "STRIDED_SLICE")
CLAMPS = {"RELU": "Relu", "RELU6": "Relu6"}
KNOWN = ("FULLY_CONNECTED", *CONVOLUTIONS, "PAD", *POOLINGS, "MEAN", *RESHAPES, *CLAMPS, *ACTIVATIONS)


@dataclass
class Model:
    """The first graph of a file."""

    model: object
    graph: object

    @staticmethod
    def of(file):
        model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(file, 0))
        if len(model.subgraphs) != 1:
            raise NotPossible(f"the model has {len(model.subgraphs)} graphs; gradlet has chains of layers")
        return Model(model, model.subgraphs[0])

    def name(self, operator):
        code = self.model.operatorCodes[operator.opcodeIndex]
        number = max(code.builtinCode, code.deprecatedBuiltinCode)
        custom = code.customCode.decode() if code.customCode else ""
        return OPERATORS.get(number, number) if not custom else f"the custom operator {custom}"

    def affine(self, tensor, place):
        """Scale and zero point of inputs or outputs."""
        it = self.graph.tensors[tensor]
        quantised = it.quantization
        if it.type != TYPES.INT8 or quantised is None or quantised.scale is None or len(quantised.scale) != 1:
            found = names_of(TYPES).get(it.type, it.type)
            raise NotPossible(f"{place}: a tensor of {found}, not of int8 with a scale; convert the model with "
                              "a representative dataset, TFLITE_BUILTINS_INT8 and int8 as its input and output")
        return np.float32(quantised.scale[0]), np.int8(quantised.zeroPoint[0])

    def constant(self, tensor, dtype, place):
        it = self.graph.tensors[tensor]
        data = self.model.buffers[it.buffer].data
        if data is None or it.type != {np.int8: TYPES.INT8, np.int32: TYPES.INT32}[dtype]:
            found = names_of(TYPES).get(it.type, it.type)
            raise NotPossible(f"{place}: {found} where gradlet has constants of {np.dtype(dtype).name}")
        return np.frombuffer(bytes(data), np.dtype(dtype).newbyteorder("<")).reshape(it.shape)

    def shape(self, tensor):
        """Without the batch, of which there is one."""
        return tuple(int(size) for size in self.graph.tensors[tensor].shape[1:])


@dataclass
class Int8:
    """What a layer has in int8: quantisations, scales of weights, and the table of its activation."""

    input: tuple
    logits: tuple
    scales: np.ndarray
    output: tuple
    table: np.ndarray | None = None

    def tensors(self, layer):
        affine = {"input": self.input, "output": self.output}
        if layer.activation not in ("Identity", "Relu", "Relu6"):
            affine["logits"] = self.logits
        tensors = {"weight": layer.weights, "bias": layer.bias, "weight_scale": self.scales}
        for name, (scale, zero_point) in affine.items():
            tensors |= {f"{name}_scale": np.array([scale]), f"{name}_zero_point": np.array([zero_point])}
        if self.table is not None:
            tensors["table"] = self.table
        return {f"{layer.name}.{part}": np.ascontiguousarray(array) for part, array in tensors.items()}


@dataclass
class Network:
    """As in `export.py`; with what each layer with weights has in int8."""

    layers: list = field(default_factory=list)
    shapes: list = field(default_factory=list)
    int8: list = field(default_factory=list)
    # Of a PAD whose convolution is still to come: before and behind each dimension.
    padding: list | None = None


def network_of(model):
    graph, network = model.graph, Network()
    if len(graph.inputs) != 1 or len(graph.outputs) != 1:
        raise NotPossible(f"the model has {len(graph.inputs)} inputs and {len(graph.outputs)} outputs; "
                          "gradlet has one of each")
    tensor, kinds = graph.inputs[0], graph.tensors
    operators = [operator for operator in graph.operators
                 if model.name(operator) not in SHAPES or kinds[operator.outputs[0]].type != TYPES.INT32]
    names = [model.name(operator) for operator in operators]
    if names and names[0] == "QUANTIZE" and kinds[tensor].type == TYPES.FLOAT32:
        tensor = operators.pop(0).outputs[0]
    if names and names[-1] == "DEQUANTIZE":
        operators.pop()
    shape = squeezed(model.shape(tensor))
    for number, operator in enumerate(operators):
        name = model.name(operator)
        place = f"operator {number}, {name}"
        if name not in KNOWN:
            raise NotPossible(f"{place}: gradlet has no int8 form of it; it has {', '.join(KNOWN)}")
        if len(operator.outputs) != 1 or operator.inputs[0] != tensor:
            raise NotPossible(f"{place}: does not follow the operator before it; gradlet has chains of layers")
        before, tensor = tensor, operator.outputs[0]
        affine = [model.affine(t, place) for t in (before, tensor)]
        if network.padding and name not in (*CONVOLUTIONS, *RESHAPES):
            raise NotPossible(f"{place}: behind PAD; gradlet has padding in convolutions only")
        if name in RESHAPES:
            here, after = model.shape(before), model.shape(tensor)
            if len(after) == 1 and len(shape) > 1 and not network.padding:
                shape = add(network, Flatten(place, channels_last=True), shape)
            elif not network.layers and not network.padding and np.prod(here) == np.prod(after):
                shape = squeezed(after)
            elif [n for n in here if n > 1] != [n for n in after if n > 1]:
                raise NotPossible(f"{place}: from the shape {here} to {after}; gradlet has flattening only")
            unchanged(affine, place)
        elif name in POOLINGS:
            unchanged(affine, place)
            shape = pooling(model, operator, name, place, network, shape, affine)
        elif name == "MEAN":
            shape = mean(model, operator, place, network, shape, affine)
        elif name == "PAD":
            unchanged(affine, place)
            network.padding = padding_of(model, operator, place, shape)
        elif name in (*CONVOLUTIONS, "FULLY_CONNECTED"):
            shape = with_weights(model, operator, name, place, network, shape, affine)
        elif name in CLAMPS:
            clamp(model, operator, CLAMPS[name], place, network, affine)
        else:
            activate(model, operator, name, place, network, affine)
    if network.padding:
        raise NotPossible("the model ends in PAD; gradlet has padding in convolutions only")
    refuse_softmax([layer for layer in network.layers if isinstance(layer, Layer)])
    return network


def squeezed(shape):
    """Without a size of 1 in front of the channels: an image of one row or column is a sequence."""
    *lengths, channels = shape
    if 1 in lengths:
        lengths.remove(1)
    return (*lengths, channels)


def unchanged(affine, place):
    if affine[0] != affine[1]:
        raise NotPossible(f"{place}: its outputs have another scale or zero point than its inputs, "
                          f"{affine[1]} and {affine[0]}")


def add(network, step, shape):
    """Adds a layer; returns the shape behind it."""
    last = network.layers[-1] if network.layers else None
    network.layers.append(step)
    network.shapes.append(shape)
    return shape_after(step, shape, last)


def window(model, operator, shape, place, kernel, *others):
    """Pairs of numbers of an operator on images; for sequences, those of the axis with the steps."""
    here = model.shape(operator.inputs[0])
    if len(here) != 3 or len(shape) not in (2, 3):
        raise NotPossible(f"{place}: takes images, but there is the shape {here}")
    if len(shape) == 3:
        return kernel, *others
    axis = 0 if here[1] == 1 and kernel[1] == 1 else 1
    if here[1 - axis] != 1 or kernel[1 - axis] != 1:
        raise NotPossible(f"{place}: a kernel of {kernel} for a sequence of the shape {here}")
    return tuple((pair[axis],) for pair in (kernel, *others))


def pooling(model, operator, name, place, network, shape, affine):
    options = operator.builtinOptions
    activation = fused(options, place, ["NONE", *CLAMPS] if name == "MAX_POOL_2D" else ["NONE"])
    if activation != "Identity":
        clamp(model, operator, activation, place, network, affine)
    size, step = (options.filterHeight, options.filterWidth), (options.strideH, options.strideW)
    size, step = window(model, operator, shape, place, size, step)
    # Padding that is none.
    if options.padding == schema.Padding.SAME:
        for length, width, distance in zip(shape, size, step):
            if (-(-length // distance) - 1) * distance + width > length:
                raise NotPossible(f"{place}: pads {shape} by windows of {size}; use padding='valid', and train "
                                  "again")
    whole = size == shape[:-1]
    return add(network, Pool(place, POOLINGS[name], None if whole else size, None if whole else step), shape)


def fused(options, place, allowed=("NONE", "RELU", "RELU6")):
    """The name in Rust of the activation of an operator."""
    name = FUSED.get(options.fusedActivationFunction)
    if name not in allowed:
        raise NotPossible(f"{place}: with the activation {name}; use one of {', '.join(allowed)}")
    return {"NONE": "Identity", "RELU": "Relu", "RELU6": "Relu6"}[name]


def with_weights(model, operator, name, place, network, shape, affine):
    options, tensors = operator.builtinOptions, list(operator.inputs)
    weights = model.constant(tensors[1], np.int8, place)
    quantised = model.graph.tensors[tensors[1]].quantization
    if np.any(quantised.zeroPoint):
        raise NotPossible(f"{place}: its weights have zero points other than 0; convert the model again, with "
                          "int8 in place of uint8")
    if weights.min() == -128:
        raise NotPossible(f"{place}: has a weight of -128; those of TensorFlow Lite are symmetric, -127 to 127")
    activation, number = fused(options, place), str(len(network.layers))
    if name == "FULLY_CONNECTED":
        if getattr(options, "weightsFormat", 0):
            raise NotPossible(f"{place}: with shuffled weights; convert the model again without them")
        if len(shape) > 1:
            if np.prod(shape) != weights.shape[1]:
                raise NotPossible(f"{place}: at each position of the shape {shape}; gradlet has it for vectors")
            shape = add(network, Flatten(place, channels_last=True), shape)
            number = str(len(network.layers))
        step = Dense(number, place, weights, None, activation)
    else:
        steps = options.strideH, options.strideW
        dilation = options.dilationHFactor, options.dilationWFactor
        # To [outputs][group][height][width].
        weights = np.moveaxis(weights, -1, 1)
        if name == "DEPTHWISE_CONV_2D":
            weights = np.moveaxis(weights, 1, 0)
        kernel, steps, dilation = window(model, operator, shape, place, weights.shape[2:], steps, dilation)
        weights = weights.reshape(*weights.shape[:2], *kernel)
        padding = "same" if options.padding == schema.Padding.SAME else (0,) * len(kernel)
        step = Conv(number, place, weights, None, steps, padding, dilation, activation)
        if network.padding:
            step.padding = folded(step, network.padding, shape)
            network.padding = None
    step.bias = np.zeros(len(step.weights), np.int32)
    if len(tensors) > 2 and tensors[2] >= 0:
        step.bias = model.constant(tensors[2], np.int32, place)
    scales = np.broadcast_to(np.array(quantised.scale, np.float32), len(step.weights))
    network.int8.append(Int8(affine[0], affine[1], scales, affine[1]))
    return add(network, step, shape)


def padding_of(model, operator, place, shape):
    """How many zeros are before and behind each dimension of a sequence or an image."""
    here = model.shape(operator.inputs[0])
    batch, *pads, channels = model.constant(operator.inputs[1], np.int32, place).tolist()
    if len(here) > len(shape) > 1:
        none = pads.pop(here.index(1))
    else:
        none = [0, 0]
    if len(shape) == 1 or any((*batch, *channels, *none)):
        raise NotPossible(f"{place}: pads something other than the steps of sequences or the rows and columns "
                          "of images; gradlet has padding in convolutions only")
    return pads


def folded(conv, pads, shape):
    """The padding of a convolution and of the PAD before it, if gradlet has it."""
    lengths = shape[:-1]
    padded = [length + sum(pair) for length, pair in zip(lengths, pads)]
    wanted = [(pair[0] + first, positions) for pair, (first, positions) in zip(pads, axes_of(conv, padded))]
    numbers = tuple(first for first, _ in wanted)
    widths = [(size - 1) * by for size, by in zip(conv.weights.shape[2:], conv.dilation)]
    for padding in ("same", *["causal"] * (len(lengths) == 1), numbers):
        found = axes_of(replace(conv, padding=padding), lengths)
        if found == wanted and all(first <= width for first, width in zip(numbers, widths)):
            return padding
    raise NotPossible(f"{conv.place}: with a PAD of {pads} before it, around {lengths}; gradlet has as many zeros "
                      "on both sides, less than the kernel, or those of padding='same', with the odd one behind")


def mean(model, operator, place, network, shape, affine):
    """The mean of all positions, as a depthwise convolution of the whole size with equal weights."""
    here, after = (model.shape(t) for t in (operator.inputs[0], operator.outputs[0]))
    axes = {int(axis) % (len(here) + 1) for axis in model.constant(operator.inputs[1], np.int32, place).flat}
    wanted = {axis for axis, length in enumerate(here[:-1], 1) if length > 1}
    if len(shape) == 1 or not wanted <= axes <= set(range(1, len(here))):
        raise NotPossible(f"{place}: over the dimensions {sorted(axes)} of {(1, *here)}; gradlet has the mean of all "
                          "steps of a sequence or of all rows and columns of an image")
    *sizes, channels = shape
    weight, bias, scale = weight_of_mean(math.prod(sizes), *affine, place)
    ones = (1,) * len(sizes)
    step = Conv(str(len(network.layers)), place, np.full((channels, 1, *sizes), weight, np.int8),
                np.full(channels, bias, np.int32), ones, (0,) * len(sizes), ones)
    network.int8.append(Int8(affine[0], affine[1], np.full(channels, scale), affine[1]))
    shape = add(network, step, shape)
    return add(network, Flatten(place, channels_last=True), shape) if len(after) == 1 else shape


def weight_of_mean(count, affine, outputs, place):
    """Weight, bias and scale of that convolution: with the bits of `MEAN`, for all sums that there are.

    The mean is that of TensorFlow Lite's `QuantizedMeanOrSum`, `kernels/internal/reference/reduce.h`. Like a
    convolution it rounds twice, but the factor may have a bit less, so the first time is coarser. For sums of
    one sign that is as if they were larger by up to 2, which a bias does too: in fractions, with a large weight.
    """
    scale, scale_y = float(affine[0]), float(outputs[0])
    sums = np.arange(-128 * count, 127 * count + 1) - count * int(affine[1])

    def means(sums, factor, exponent):
        z = ((sums << max(exponent, 0)) * factor + 2**30) >> 31
        down = max(-exponent, 0)
        z = (z + (1 << down >> 1) - ((z < 0) & (down > 0))) >> down
        return np.clip(z + int(outputs[1]), -128, 127)

    factor, exponent = multiplier(scale / scale_y)
    shift = min(count.bit_length() - 1, 31 + exponent)
    factor, exponent = (factor << shift) // count, exponent - shift
    wanted = means(sums, factor, exponent)
    # By what the first rounding brings each step of the outputs forward, as a number of sums.
    ahead = 2**30 / factor if exponent < 0 else 0
    for weight in (1, *range(127, 30, -1)):
        nearest = np.float32(1 / (count * weight))
        for scale_w in (nearest, np.nextafter(nearest, np.float32(1)), np.nextafter(nearest, np.float32(0))):
            by = multiplier(scale * float(scale_w) / scale_y)
            middle = round(weight * ahead - 2**30 / by[0])
            for bias in (middle, middle - 1, middle + 1):
                if np.array_equal(means(weight * sums + bias, *by), wanted):
                    return weight, bias, scale_w
    raise NotPossible(f"{place}: gradlet does not have its rounding of {count} numbers from {affine} to {outputs}, but "
                      "nearly always that from a zero point of -128, as behind ReLU; put ReLU before it and train "
                      "again, or use an average pooling of the whole size in its place and convert again")


def multiplier(real):
    """A factor as TensorFlow Lite has it: with 31 bits, and an exponent."""
    fraction, exponent = math.frexp(real)
    factor = math.floor(fraction * 2**31 + 0.5)
    return (factor, exponent) if factor < 2**31 else (2**30, exponent + 1)


def clamp(model, operator, kind, place, network, affine):
    """ReLU in the layer before it: a maximum of its outputs is the output of the maximum."""
    layers = [layer for layer in network.layers if not (isinstance(layer, Flatten) or is_max(layer))]
    if not layers or not isinstance(layers[-1], Layer) or layers[-1].activation != "Identity":
        raise NotPossible(f"{place}: without a layer right before it, or before max pooling, that has no other "
                          "activation; put one there and train again")
    layer, int8 = layers[-1], network.int8[-1]
    if affine[0] == affine[1]:
        layer.activation = kind
    elif kind == "Relu":
        # As a table, which `Relu` does not have.
        layer.activation, int8.output, int8.table = "LeakyRelu<0, 1>", affine[1], table(model, operator)
    else:
        raise NotPossible(f"{place}: its outputs have another scale or zero point than its inputs, {affine[1]} and "
                          f"{affine[0]}; make it the activation of the layer, and convert again")


def is_max(layer):
    return isinstance(layer, Pool) and layer.kind == "Max"


def activate(model, operator, name, place, network, affine):
    last = network.layers[-1] if network.layers else None
    if not isinstance(last, Layer) or last.activation != "Identity":
        raise NotPossible(f"{place}: without a layer right before it that has no other activation; put one "
                          "there and train again")
    int8, kind = network.int8[-1], ACTIVATIONS[name]
    int8.output = affine[1]
    if name == "SOFTMAX":
        if operator.builtinOptions.beta != 1 or affine[1] != (np.float32(1 / 256), np.int8(-128)):
            raise NotPossible(f"{place}: with a beta of {operator.builtinOptions.beta} and outputs of "
                              f"{affine[1]}; gradlet has 1, and a scale of 1/256 with a zero point of -128")
    else:
        int8.table = table(model, operator)
    if name == "LEAKY_RELU":
        step = Activation(place, "LeakyRelu", operator.builtinOptions.alpha)
        kind = leaky_relu(step, np.float32)
    last.activation = kind


def interpreter(content):
    """LiteRT, with its reference kernels; ELU has none."""
    for kernels in OpResolverType.BUILTIN_REF, OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES:
        try:
            it = Interpreter(model_content=content, experimental_op_resolver_type=kernels)
            break
        except ValueError as error:
            reason = error
    else:
        raise NotPossible(f"LiteRT cannot run it: {reason}")
    it.allocate_tensors()
    return it


def table(model, operator):
    """The outputs of an operator for all int8 numbers: what LiteRT computes, whatever its formula is."""
    one, graph = copy.deepcopy(model.model), schema.SubGraphT()
    graph.tensors = [copy.deepcopy(model.graph.tensors[t]) for t in (operator.inputs[0], operator.outputs[0])]
    one.buffers = [schema.BufferT()] * 3
    for number, tensor in enumerate(graph.tensors):
        tensor.shape, tensor.shapeSignature, tensor.buffer = [1, 256], None, number + 1
    step = copy.deepcopy(operator)
    step.inputs, step.outputs = [0], [1]
    graph.operators, graph.inputs, graph.outputs = [step], [0], [1]
    one.subgraphs, one.signatureDefs, one.metadata, one.metadataBuffer = [graph], None, None, None
    builder = flatbuffers.Builder(1024)
    builder.Finish(one.Pack(builder), b"TFL3")
    it = interpreter(bytes(builder.Output()))
    it.set_tensor(it.get_input_details()[0]["index"], np.arange(-128, 128).astype(np.int8)[None])
    it.invoke()
    return it.get_tensor(it.get_output_details()[0]["index"])[0]


def export(file, path):
    """Writes the model of the bytes of a `.tflite` file to `path`; returns the Rust that loads it.

    Raises `NotPossible` if the model has anything without a counterpart; nothing is written then.
    """
    if file[4:8] != b"TFL3":
        raise NotPossible("no file of TensorFlow Lite: it does not have TFL3 as its fifth to eighth byte")
    network = network_of(Model.of(file))
    layers = [layer for layer in network.layers if isinstance(layer, Layer)]
    tensors = {}
    for layer, int8 in zip(layers, network.int8):
        tensors |= int8.tensors(layer)
    Path(path).write_bytes(save(tensors))
    name, names = rust_strings([Path(path).name]), rust_strings(layer.name for layer in layers)
    return (f"type Net = Quantized<{rust_type(network, False)}>;\n"
            f"static NET: Net = gradlet::load![include_bytes!({name}); {names}];\n")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", help="file of the model, MODEL.tflite")
    parser.add_argument("output", help="file to be written, OUT.safetensors")
    options = parser.parse_args()
    try:
        print(export(Path(options.model).read_bytes(), options.output), end="")
    except (NotPossible, OSError) as reason:
        sys.exit(f"export_tflite.py: {reason}")


if __name__ == "__main__":
    main()
