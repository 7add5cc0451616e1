#!/usr/bin/env python3
"""Writes the weights of a scikit-learn, Keras or PyTorch model for gradlet.

    python3 export.py MODEL OUT.safetensors [--f64]

MODEL is a file: `.joblib` or `.pkl` of a scikit-learn model, `.keras` or `.h5` of a Keras model.
(These files can run code: open only your own.) Prints the network's type and the line that loads
it, to be pasted into a Rust program.

In a program that has the model, call `export(model, "model.safetensors")` instead; it takes PyTorch
models too.

The model must be a chain of dense layers, convolutions, recurrent layers, layer normalisation, pooling,
flattening and activations. Scaling and batch normalisation are folded into the layers with weights;
dropout does nothing after training.
Anything else is an error that names it. What is to be written is first run in NumPy and compared
with the model's own predictions.

A PyTorch model of sequences or images does not know the length of its input: give
`shape=(128, 6)`, of 128 steps with 6 channels, or `shape=(28, 28, 1)`.

Needs numpy, safetensors, and the library of the model.
"""

import argparse
import math
import re
import sys
from dataclasses import dataclass, field
from fractions import Fraction
from importlib import import_module
from pathlib import Path

import numpy as np
from export_steps import (
    Conv, Dense, Embedding, Flatten, LastStep, Layer, LayerNorm, NotPossible, Pool, Prelu, Recurrent,
    Scaling
)
from safetensors.numpy import save

# ---- the network ---------------------------------------------------------------------------------

# Offsets of more than this many times the scale are not folded: it would lose over two digits.
FAR = 100


@dataclass
class Network:
    """Layers, with the shapes of their inputs, and the scaling that the model begins with.

    Of that, `(x - offset) / scale` is left in front if those are there.
    """

    layers: list = field(default_factory=list)
    shapes: list = field(default_factory=list)
    scaling: Scaling | None = None
    offset: np.ndarray | None = None
    scale: np.ndarray | None = None

    def with_weights(self):
        return [layer for layer in self.layers if isinstance(layer, Layer)]

    def masked(self):
        """Whether steps of zeros are left out."""
        return any(isinstance(layer, Recurrent) and layer.masked for layer in self.layers)


def network_of(steps, shape, number):
    """Folds activations into the layers before them, scalings into the layers before or after."""
    network, pending = Network(), None
    layers = network.layers
    shape = shape if begins_with_positions(steps) else None
    for step in steps:
        last = layers[-1] if layers else None
        if isinstance(step, Flatten):
            if shape is None or len(shape) == 1:
                continue
            if pending and np.size(pending.factor) > 1:
                steps_or_pixels = math.prod(shape[:-1])
                order = np.tile if step.channels_last else np.repeat
                pending = Scaling(pending.place, order(pending.factor, steps_or_pixels),
                                  order(pending.shift, steps_or_pixels))
        elif isinstance(step, Pool) and pending and step.kind == "Max":
            if not np.all(pending.factor > 0):
                raise NotPossible(f"{pending.place}: negative factors before the maximum of "
                                  f"{step.place}; move it behind that, and train again")
        if isinstance(step, LastStep) and isinstance(last, Recurrent) and len(last.directions) == 1:
            shape = shape_after(step, shape, last)
            last.all = False
        elif isinstance(step, (Flatten, LastStep, Layer, Pool)):
            if shape is None:
                shape = step.weights.shape[-1:]
            after = shape_after(step, shape, last)
            if isinstance(step, Layer) and pending:
                if not network.with_weights():
                    pending = scale_inputs(network, pending, shape, number)
                step.scale_inputs(pending)
                pending = None
            layers.append(step)
            network.shapes.append(shape)
            shape = after
        elif isinstance(step, Scaling):
            if pending:
                shift = pending.shift * step.factor + step.shift
                pending = Scaling(step.place, pending.factor * step.factor, shift)
            elif isinstance(last, (Conv, Dense)) and last.activation == "Identity":
                last.scale_outputs(step)
            else:
                pending = step
        elif step.name != "Identity":
            last = layer_to_activate(layers, step)
            if pending or not last or last.activation != "Identity":
                raise NotPossible(f"{step.place}: {step.name} without a dense layer or convolution "
                                  "right before it; put one there and train again")
            last.activation = step.name if step.name != "LeakyRelu" else leaky_relu(step, number)
    if pending and layers:
        raise NotPossible(f"{pending.place}: no dense layer next to it to fold it into; "
                          "move it, and train again")
    refuse_softmax(network.with_weights())
    return network


def begins_with_positions(steps):
    """Whether the network takes a sequence or an image, not a vector."""
    for step in steps:
        if isinstance(step, (Dense, Flatten)):
            return False
        if isinstance(step, (Conv, Embedding, LastStep, Pool, Recurrent)):
            return True
    return False


# A maximum of those is that of the maximum.
INCREASING = {
    "Elu", "HardSigmoid", "HardTanh", "LeakyRelu", "Relu", "Relu6", "Selu", "Sigmoid", "Softplus",
    "Softsign", "Tanh"
}


def layer_to_activate(layers, activation):
    """The last layer, or the one before a pooling or flattening that may as well come after it."""
    for layer in reversed(layers):
        if isinstance(layer, Layer):
            return layer
        increases = activation.name in INCREASING and activation.slope >= 0
        if isinstance(layer, Pool) and not (layer.kind == "Max" and increases):
            raise NotPossible(f"{activation.place}: {activation.name} right behind {layer.place}; "
                              "move it before the pooling, and train again")
        if isinstance(layer, (Flatten, LastStep)) and activation.name == "Softmax":
            return None
    return None


def shape_after(step, shape, last):
    """The shape of what a layer puts out."""
    if isinstance(step, Dense):
        inputs = step.weights.shape[1]
        if shape != (inputs,):
            before = f"{last.place} before it has" if last else "the model has"
            after = f"{shape[0]} outputs" if len(shape) == 1 else f"outputs of the shape {shape}"
            raise NotPossible(f"{step.place} takes {inputs} inputs, but {before} {after}")
        return (len(step.weights),)
    if isinstance(step, Flatten):
        return (math.prod(shape),)
    *lengths, channels = shape
    if isinstance(step, Embedding):
        if lengths or last:
            raise NotPossible(f"{step.place}: an embedding that is not the first layer, or of indices of the "
                              f"shape {shape}")
        return (*shape, step.weights.shape[1])
    if isinstance(step, (LayerNorm, Prelu)):
        if len(step.weights) != channels and not (isinstance(step, Prelu) and len(step.weights) == 1):
            raise NotPossible(f"{step.place} takes {len(step.weights)} channels, but there is the shape "
                              f"{shape}")
        return shape
    if isinstance(step, (LastStep, Recurrent)) and len(lengths) != 1:
        raise NotPossible(f"{step.place} takes sequences, but there is the shape {shape}")
    if isinstance(step, LastStep):
        return (channels,)
    if isinstance(step, Recurrent):
        if step.channels != channels:
            raise NotPossible(f"{step.place} takes {step.channels} channels, but there are {channels}")
        outputs = len(step.directions) * step.units
        return (*lengths, outputs) if step.all else (outputs,)
    if isinstance(step, Pool) and step.size is None:
        return (channels,)
    wanted = len(step.step)
    if len(lengths) != wanted:
        raise NotPossible(f"{step.place} takes inputs of {wanted + 1} dimensions with the channels, "
                          f"but there is the shape {shape}")
    if isinstance(step, Pool):
        for length, size, distance in zip(lengths, step.size, step.step):
            if length < size or (length - size) % distance:
                raise NotPossible(f"{step.place}: windows of {size} that are {distance} apart do not "
                                  f"cover {length}, what is left over is lost; change the sizes, "
                                  "and train again")
        positions = [(n - k) // s + 1 for n, k, s in zip(lengths, step.size, step.step)]
        return (*positions, channels)
    outputs, group, *kernel = step.weights.shape
    if channels % group or (channels // group) and outputs % (channels // group):
        raise NotPossible(f"{step.place} takes groups of {group} channels, but there are {channels}")
    positions = [axis[1] for axis in axes_of(step, lengths)]
    if min(positions) < 1:
        raise NotPossible(f"{step.place}: its kernel is longer than its input, {lengths}")
    return (*positions, outputs)


def axes_of(conv, lengths):
    """Of each dimension the zeros before the first and the number of positions."""
    axes = []
    for at, (length, step, dilation) in enumerate(zip(lengths, conv.step, conv.dilation)):
        width = (conv.weights.shape[2 + at] - 1) * dilation
        if conv.padding in ("same", "causal"):
            positions = -(-length // step)
            needed = max((positions - 1) * step + width + 1 - length, 0)
            axes.append((width if conv.padding == "causal" else needed // 2, positions))
        else:
            padding = conv.padding[at]
            axes.append((padding, (length + 2 * padding - width - 1) // step + 1))
    return axes


def scale_inputs(network, scaling, shape, number):
    """Begins the network; returns what is to be folded into the first layer."""
    network.scaling = scaling
    if np.abs(scaling.shift).max() <= FAR:
        return scaling
    if len(shape) > 1 or network.layers:
        raise NotPossible(f"{scaling.place}: its offset is more than {FAR} times its scale, folding "
                          "it would lose digits; scale the inputs before, and train again")
    inputs = shape[0]
    if not np.all(scaling.factor):
        raise NotPossible(f"{scaling.place}: multiplies an input by 0; train without that input")
    pair = -scaling.shift / scaling.factor, 1 / scaling.factor
    network.offset, network.scale = (np.broadcast_to(a, inputs).astype(number) for a in pair)
    # What rounding left of both.
    shift = scaling.factor * network.offset + scaling.shift
    return Scaling(scaling.place, scaling.factor * network.scale, shift)


def leaky_relu(step, number):
    """With the simplest fraction that is the slope in the numbers of the network."""
    for digits in range(1, 10):
        fraction = Fraction(float(step.slope)).limit_denominator(10**digits)
        numerator, denominator = fraction.numerator, fraction.denominator
        same = number(numerator) / number(denominator) == number(step.slope)
        if same and 0 <= numerator < 2**32:
            return f"LeakyRelu<{numerator}, {denominator}>" if numerator else "Relu"
    raise NotPossible(f"{step.place}: the slope {step.slope} is no fraction of 32-bit numbers; "
                      "train with one such as 0.01")


def refuse_softmax(layers):
    if not layers:
        raise NotPossible("the model has no layer with weights")
    *hidden, last = layers
    for layer in hidden:
        if layer.activation == "Softmax":
            raise NotPossible(f"{layer.place}: Softmax between two layers; gradlet has it "
                              "only after the last")
    if last.activation == "Softmax" and not isinstance(last, Dense):
        raise NotPossible(f"{last.place}: Softmax at each position; gradlet has it only after a "
                          "dense layer")
    if last.activation == "Softmax" and len(last.weights) == 1:
        raise NotPossible(f"{last.place}: Softmax of one unit is always 1; train with Sigmoid")


def tensors_of(network, number):
    """By their names, in the numbers that are written."""
    tensors = {}
    for layer in network.with_weights():
        for name, array in layer.tensors().items():
            if array is None:
                continue
            with np.errstate(over="ignore"):
                # Row by row in memory too: what is saved is the memory.
                tensor = np.ascontiguousarray(array, number)
            if not np.isfinite(tensor).all():
                raise NotPossible(f"{layer.place}: {name} is not finite in {tensor.dtype}; train again, "
                                  "with a smaller learning rate")
            tensors[name] = tensor
    return tensors


# ---- the same in NumPy ---------------------------------------------------------------------------

FUNCTIONS = {
    "Elu": lambda z: np.where(z > 0, z, np.expm1(z)),
    "Gelu": lambda z: z * np.vectorize(math.erfc)(-z / math.sqrt(2)) / 2,
    "HardSigmoid": lambda z: np.clip(z / 6 + 0.5, 0, 1),
    "HardSwish": lambda z: z * np.clip(z / 6 + 0.5, 0, 1),
    "HardTanh": lambda z: np.clip(z, -1, 1),
    "Identity": lambda z: z,
    "LeakyRelu": lambda z, slope: np.where(z > 0, z, z * slope),
    "Relu": lambda z: np.maximum(z, 0),
    "Relu6": lambda z: np.clip(z, 0, 6),
    "Selu": lambda z: 1.0507009873554805 * np.where(z > 0, z, 1.6732632423543772 * np.expm1(z)),
    "Sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "Silu": lambda z: z / (1 + np.exp(-z)),
    "Softmax": lambda z: (e := np.exp(z - z.max(-1, keepdims=True))) / e.sum(-1, keepdims=True),
    "Softplus": lambda z: np.maximum(z, 0) + np.log1p(np.exp(-abs(z))),
    "Softsign": lambda z: z / (1 + abs(z)),
    "Tanh": np.tanh,
}


def apply(activation, z):
    """The outputs, and a bound for the derivative."""
    name, *fraction = re.findall(r"\w+", activation)
    slope = [int(fraction[0]) / int(fraction[1])] if fraction else []
    # GELU's is 1.13.
    steepest = {"HardSwish": 1.5, "Selu": 1.76}.get(name, 1.13)
    return FUNCTIONS[name](z, *slope).astype(z.dtype), max(steepest, *slope, 0)


@np.errstate(all="ignore")
def forward(network, tensors, x, epsilon):
    """The outputs, and the standard deviation of their errors if each operation errs by epsilon."""
    y, error = x, 0 * x.astype(float)
    if network.scale is not None:
        y = (x - network.offset) / network.scale
        error = epsilon * (abs(y) + abs(x / network.scale))
    for layer in network.layers:
        if isinstance(layer, (Conv, Dense)):
            weights = tensors[f"{layer.name}.weight"]
            bias = tensors.get(f"{layer.name}.bias", x.dtype.type(0))
            variance = error**2 + (epsilon * y.astype(float)) ** 2
            variance = products(layer, weights.astype(float) ** 2, variance)
            variance = variance + (epsilon * bias.astype(float)) ** 2
            y, slope = apply(layer.activation, products(layer, weights, y) + bias)
            error = np.hypot(slope * variance**0.5, epsilon * abs(y))
        elif isinstance(layer, LayerNorm):
            centred = y - y.mean(-1, keepdims=True)
            scale = 1 / np.sqrt((centred**2).mean(-1, keepdims=True) + y.dtype.type(layer.epsilon))
            # Of the mean, and of the factor: those of all channels.
            error = scale * np.hypot(error, epsilon * abs(y).max(-1, keepdims=True))
            error = np.hypot(error, abs(centred * scale) * error.max(-1, keepdims=True))
            weights = tensors[f"{layer.name}.weight"]
            bias = tensors.get(f"{layer.name}.bias", x.dtype.type(0))
            error = np.hypot(error * abs(weights), epsilon * abs(bias))
            y, slope = apply(layer.activation, centred * scale * weights + bias)
            error = np.hypot(slope * error, epsilon * abs(y))
        elif isinstance(layer, Embedding):
            y, error = tensors[f"{layer.name}.weight"][y.astype(int)], 0
            error = np.zeros(y.shape)
        elif isinstance(layer, Prelu):
            slopes = tensors[f"{layer.name}.weight"]
            error = np.hypot(error * np.where(y > 0, 1, abs(slopes)), epsilon * abs(slopes * y))
            y = np.where(y > 0, y, slopes * y)
        elif isinstance(layer, Recurrent):
            y, error = recurrent(layer, tensors, y, error, epsilon)
        else:
            y, error = (rearranged(layer, a) for a in (y, error))
            error = np.hypot(error, epsilon * abs(y))
    return y, error


def products(layer, weights, x):
    """The sums of a layer, without the bias; channels are last."""
    if isinstance(layer, Dense):
        return x @ weights.T
    outputs, group, *kernel = weights.shape
    axes = axes_of(layer, x.shape[1:-1])
    groups = x.shape[-1] // group
    weights = weights.reshape(groups, outputs // groups, group, *kernel)
    y = np.zeros((len(x), *(positions for _, positions in axes), groups, outputs // groups), x.dtype)
    # As many zeros behind as the last position needs.
    padding = [(before, max((m - 1) * s + (k - 1) * d + 1 - before - n, 0))
               for (before, m), n, k, s, d in
               zip(axes, x.shape[1:-1], kernel, layer.step, layer.dilation)]
    x = np.pad(x, [(0, 0), *padding, (0, 0)])
    for tap in np.ndindex(*kernel):
        places = tuple(slice(t * d, t * d + (m - 1) * s + 1, s) for t, d, s, (_, m) in
                       zip(tap, layer.dilation, layer.step, axes))
        seen = x[(slice(None), *places)]
        seen = seen.reshape(*seen.shape[:-1], groups, group)
        y += np.einsum("...gc,goc->...go", seen, weights[(..., *tap)])
    return y.reshape(*y.shape[:-2], outputs)


@dataclass
class Rough:
    """Numbers with the variances of their errors, if each operation errs by epsilon."""

    value: np.ndarray
    variance: np.ndarray
    epsilon: float

    def new(self, value, variance):
        return Rough(value, variance + (self.epsilon * value.astype(float)) ** 2, self.epsilon)

    def __add__(self, other):
        return self.new(self.value + other.value, self.variance + other.variance)

    def __mul__(self, other):
        a, b = self.value.astype(float), other.value.astype(float)
        variance = self.variance * b**2 + other.variance * a**2
        return self.new(self.value * other.value, variance)

    def affine(self, weights, bias):
        """`weights x + bias`, cut into gates as long as the state."""
        bias = np.zeros(len(weights), weights.dtype) if bias is None else bias
        variance = (self.variance + (self.epsilon * self.value.astype(float)) ** 2)
        variance = variance @ (weights.T.astype(float) ** 2) + (self.epsilon * bias.astype(float)) ** 2
        return self.new(self.value @ weights.T + bias, variance)

    def gates(self, count):
        values, variances = (np.split(a, count, -1) for a in (self.value, self.variance))
        return [Rough(*pair, self.epsilon) for pair in zip(values, variances)]

    def apply(self, activation):
        y, slope = apply(activation, self.value)
        return self.new(y, self.variance * (slope * 0.25 if activation == "Sigmoid" else slope) ** 2)


def gru(layer, a, u, h, c):
    (r, z, n), (of_r, of_z, of_n) = a.gates(3), u.gates(3)
    r, z = (r + of_r).apply("Sigmoid"), (z + of_z).apply("Sigmoid")
    n = (n + r * of_n).apply("Tanh")
    one = Rough(1 - z.value, z.variance, z.epsilon)
    return one * n + z * h, c


def lstm(layer, a, u, h, c):
    i, f, g, o = (a + u).gates(4)
    c = f.apply("Sigmoid") * c + i.apply("Sigmoid") * g.apply("Tanh")
    return o.apply("Sigmoid") * c.apply("Tanh"), c


def rnn(layer, a, u, h, c):
    return (a + u).apply(layer.function), c


CELLS = {"Gru": gru, "Lstm": lstm, "Rnn": rnn}


def recurrent(layer, tensors, x, error, epsilon):
    """States and their errors: all, or the last of each direction."""
    directions = []
    for end in layer.ends():
        part = lambda name: tensors.get(f"{layer.name}.{name}_{end}")
        backwards = layer.reversed or end.endswith("reverse")
        zeros = np.zeros((len(x), layer.units), x.dtype)
        h = c = Rough(zeros, zeros.astype(float), epsilon)
        # Left out: steps of zeros at the beginning.
        padding = np.cumsum((x != 0).any(-1), 1) == 0
        states = []
        for step in range(x.shape[1])[::-1 if backwards else 1]:
            now = Rough(x[:, step], error[:, step] ** 2, epsilon)
            a = now.affine(part("weight_ih"), part("bias_ih"))
            u = h.affine(part("weight_hh"), part("bias_hh"))
            new = CELLS[layer.kind](layer, a, u, h, c)
            if layer.masked:
                skip = padding[:, step, None]
                new = [Rough(*(np.where(skip, getattr(old, part), getattr(new, part))
                               for part in ("value", "variance")), epsilon)
                       for old, new in zip((h, c), new)]
            h, c = new
            shown = h
            if layer.masked and layer.all:
                shown = Rough(np.where(skip, zeros, h.value), h.variance, epsilon)
            states.append((shown.value, shown.variance**0.5))
        states = states[::-1] if backwards and layer.all else states if layer.all else states[-1:]
        directions.append([np.stack(parts, 1) for parts in zip(*states)])
    y, error = (np.concatenate(parts, -1) for parts in zip(*directions))
    return (y, error) if layer.all else (y[:, 0], error[:, 0])


def rearranged(layer, x):
    """What a pooling or flattening makes of it."""
    if isinstance(layer, LastStep):
        return x[:, -1]
    if isinstance(layer, Flatten):
        x = x if layer.channels_last else np.moveaxis(x, -1, 1)
        return x.reshape(len(x), -1)
    function = np.max if layer.kind == "Max" else np.mean
    spatial = tuple(range(1, x.ndim - 1))
    if layer.size is None:
        return function(x, spatial)
    windows = np.lib.stride_tricks.sliding_window_view(x, layer.size, spatial)
    windows = windows[(slice(None), *(slice(None, None, step) for step in layer.step))]
    return function(windows, tuple(range(-len(spatial), 0)))


def check(network, tensors, model, number):
    """Compares what is to be written with the model, on inputs small and large of both signs."""
    draws = np.random.default_rng(1)
    shape = network.shapes[0]
    size = draws.uniform(-1, 1, (256, *(1 for _ in shape)))
    x = draws.standard_normal((256, *shape)) * 10**size
    if network.scaling:
        factor = network.scaling.factor
        x = (x - network.scaling.shift) / np.where(factor == 0, 1, factor)
    if isinstance(network.layers[0], Embedding):
        x = draws.integers(network.masked(), len(network.layers[0].weights), x.shape)
    if network.masked():
        for i, inputs in enumerate(x):
            inputs[: i % len(inputs)] = 0
    x = x.astype(number)
    # Libraries leave out what is below 1e-9, such as the tail of softplus.
    got, error = forward(network, tensors, x, max(np.finfo(number).eps, model.epsilon, 1e-10))
    got, error = (a.reshape(len(x), -1) for a in (got, error))
    want = model.predict(x.astype(float))
    if want.shape != got.shape:
        raise NotPossible(f"for inputs of the shape {x.shape} the model predicts {want.shape}, "
                          f"but its layers give {got.shape}")
    # Not `>`, which does not see NaN.
    wrong = ~(abs(got - want) <= 16 * error)
    if wrong.any():
        case, output = np.argwhere(wrong)[0]
        raise NotPossible(f"the layers do not compute what the model predicts: output {output} is "
                          f"{got[case, output]}, not {want[case, output]}, for the input "
                          f"{x[case].tolist()}; are there hooks, or layers of changed classes?")


# ---- the file, and the Rust that loads it --------------------------------------------------------


def rust_strings(texts):
    plain = lambda c: c.isprintable() and c not in '"\\'
    escaped = ("".join(c if plain(c) else f"\\u{{{ord(c):x}}}" for c in str(t)) for t in texts)
    return ", ".join(f'"{text}"' for text in escaped)


def rust_type(network, f64):
    layers = network.layers
    if len(layers) == 2 and all(isinstance(layer, Dense) for layer in layers):
        sizes = [*network.shapes[0], *(len(layer.weights) for layer in layers)]
        parts = [*sizes, *(layer.activation for layer in layers)] + ["f64"] * f64
        return f"Mlp<{', '.join(map(str, parts))}>"
    steps = "".join(f" => {rust_layer(*pair)}" for pair in zip(layers, network.shapes))
    return f"net![{'f64; ' * f64}{sizes_of(network.shapes[0])}{steps}]"


def sizes_of(sizes):
    return " x ".join(map(str, sizes))


def rust_layer(layer, shape):
    if isinstance(layer, Dense):
        return f"{len(layer.weights)} {layer.activation}"
    if isinstance(layer, Flatten):
        return "FlattenChannelsLast" if layer.channels_last else "Flatten"
    if isinstance(layer, Pool):
        if layer.size is None:
            return f"Global{layer.kind}"
        options = [sizes_of(layer.size)]
        if layer.step != layer.size:
            options.append(f"step {sizes_or_one(layer.step)}")
        return f"{layer.kind}Pool({', '.join(options)})"
    if isinstance(layer, LastStep):
        return "LastStep"
    if isinstance(layer, Embedding):
        return f"Embedding({', '.join(map(str, layer.weights.shape))})"
    if isinstance(layer, Prelu):
        return "PRelu" if len(layer.weights) == shape[-1] else "PRelu(1)"
    if isinstance(layer, LayerNorm):
        epsilon = f"(1 / {one_over(layer)})" if layer.epsilon != 1e-5 else ""
        return f"LayerNorm{epsilon} {layer.activation}"
    if isinstance(layer, Recurrent):
        options = {"all": layer.all, "bidirectional": len(layer.directions) == 2,
                   "reversed": layer.reversed, "masked": layer.masked}
        options = [str(layer.units), *(option for option, has in options.items() if has)]
        function = f" {layer.function}" if layer.function != "Tanh" else ""
        return f"{layer.kind}({', '.join(options)}){function}"
    outputs, group, *kernel = layer.weights.shape
    options, groups = [sizes_of(kernel)], shape[-1] // group
    kind = f"Conv{len(kernel)}d"
    if groups > 1 and group == 1 and outputs == groups:
        kind = "Depthwise"
    else:
        options.insert(0, str(outputs))
    if any(step > 1 for step in layer.step):
        options.append(f"step {sizes_or_one(layer.step)}")
    if layer.padding in ("same", "causal"):
        options.append(f"padding {layer.padding}")
    elif any(layer.padding):
        options.append(f"padding {sizes_or_one(layer.padding)}")
    if any(dilation > 1 for dilation in layer.dilation):
        options.append(f"dilation {sizes_or_one(layer.dilation)}")
    if groups > 1 and kind != "Depthwise":
        options.append(f"groups {groups}")
    return f"{kind}({', '.join(options)}) {layer.activation}"


def one_over(norm):
    """The whole number that epsilon is 1 / of."""
    number = round(1 / norm.epsilon) if norm.epsilon > 0 else 0
    if not 0 < number < 2**32 or abs(number * norm.epsilon - 1) > 1e-9:
        raise NotPossible(f"{norm.place}: its epsilon of {norm.epsilon} is not 1 / N; train with one such "
                          "as 1e-5")
    return number


def sizes_or_one(sizes):
    """Once if they are the same."""
    return str(sizes[0]) if len(set(sizes)) == 1 else sizes_of(sizes)


def rust_source(network, path, f64, model):
    lines = []
    if model.inputs is not None:
        lines.append(f"// The inputs are {rust_strings(model.inputs)}.")
    if network.masked():
        lines.append("// Zeros are left out at the beginning only, where `gradlet::pad_front` puts them.")
    lines.append(f"type Net = {rust_type(network, f64)};")
    file = rust_strings([Path(path).name])
    names = rust_strings(name for layer in network.with_weights() for name in layer.names())
    lines.append(f"static NET: Net = gradlet::load![include_bytes!({file}); {names}];")
    if network.scale is not None:
        offset, scale = (", ".join(map(str, array)) for array in (network.offset, network.scale))
        lines.append("/// For the inputs: `NET.forward(&SCALING.transform(&x))`.")
        scaling = "gradlet::preprocess::Scaling"
        lines.append(f"static SCALING: {scaling}<{len(network.scale)}{', f64' * f64}> =")
        lines.append(f"    {scaling}::new([{offset}], [{scale}]);")
    if model.classes is not None:
        one = len(network.with_weights()[-1].weights) == 1
        order = " in the order of the outputs"
        meaning = "; the output is the probability of the second" if one else order
        lines.append(f"/// The classes{meaning}.")
        classes = rust_strings(model.classes)
        lines.append(f"const CLASSES: [&str; {len(model.classes)}] = [{classes}];")
    return "\n".join(lines) + "\n"


def read(model):
    libraries = {kind.__module__.split(".")[0] for kind in type(model).__mro__}
    # On PyTorch, models of Keras are PyTorch modules too.
    for library in "sklearn", "keras", "torch":
        if library in libraries:
            return import_module(f"export_{library}").read(model)
    raise NotPossible(f"{type(model).__name__} is no model of scikit-learn, Keras 3 or PyTorch; "
                      "give the model itself: tensors do not say what network they belong to")


def export(model, path, f64=False, shape=None):
    """Writes the weights of `model` to `path`; returns the Rust that loads them.

    `shape` is that of an input with the channels last, `(128, 6)` or `(28, 28, 1)`; needed if the
    model takes sequences or images and does not say it itself.

    Raises `NotPossible` if the model has anything without a counterpart; nothing is written then.
    """
    number = np.float64 if f64 else np.float32
    model = read(model)
    shape = model.shape if shape is None else tuple(shape)
    if shape is None and begins_with_positions(model.steps):
        raise NotPossible("the length of the input is not known; call `export` with `shape=(128, 6)` "
                          "for 128 steps of 6 channels, or `shape=(28, 28, 1)` for an image")
    network = network_of(model.steps, shape, number)
    tensors = tensors_of(network, number)
    check(network, tensors, model, number)
    source = rust_source(network, path, f64, model)
    unfinished = Path(f"{path}.part")
    try:
        unfinished.write_bytes(save(tensors))
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return source


def load(path):
    """A model from its file."""
    suffix = Path(path).suffix
    if suffix in (".pt", ".pth"):
        raise NotPossible(f"{path}: call `export` in the PyTorch program that has the model")
    try:
        if suffix in (".joblib", ".pkl", ".pickle"):
            return import_module("joblib").load(path)
        if suffix in (".keras", ".h5"):
            return import_module("keras").saving.load_model(path, compile=False)
    except Exception as error:
        raise NotPossible(f"{path} cannot be read: {type(error).__name__}: {error}") from error
    raise NotPossible(f"{path}: only .joblib, .pkl, .pickle, .keras and .h5 are known")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", help="file of the model")
    parser.add_argument("output", help="file to be written, OUT.safetensors")
    parser.add_argument("--f64", action="store_true", help="keep 64 bits, for a network of f64")
    options = parser.parse_args()
    try:
        print(export(load(options.model), options.output, options.f64), end="")
    except (NotPossible, OSError) as reason:
        sys.exit(f"export.py: {reason}")


if __name__ == "__main__":
    main()
