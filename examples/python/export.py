#!/usr/bin/env python3
"""Writes the weights of a scikit-learn, Keras or PyTorch model for gradlet.

    python3 export.py MODEL OUT.safetensors [--f64]

MODEL is a file: `.joblib` or `.pkl` of a scikit-learn model, `.keras` or `.h5` of a Keras model.
(These files can run code: open only your own.) Prints the network's type and the line that loads
it, to be pasted into a Rust program.

In a program that has the model, call `export(model, "model.safetensors")` instead; it takes PyTorch
models too.

The model must be a chain of dense layers and activations. Scaling and batch normalisation are
folded into the dense layers; dropout and flattening do nothing after training. Anything else is an
error that names it. What is to be written is first run in NumPy and compared with the model's own
predictions.

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
from export_steps import Dense, NotPossible, Scaling
from safetensors.numpy import save

# ---- the network ---------------------------------------------------------------------------------

# Offsets of more than this many times the scale are not folded: it would lose over two digits.
FAR = 100


@dataclass
class Network:
    """Dense layers; the scaling that the model begins with.

    Of that, `(x - offset) / scale` is left in front if those are there.
    """

    layers: list = field(default_factory=list)
    scaling: Scaling | None = None
    offset: np.ndarray | None = None
    scale: np.ndarray | None = None


def network_of(steps, number):
    """Folds activations into the layers before them, scalings into the layers before or after."""
    network, pending = Network(), None
    layers = network.layers
    for step in steps:
        last = layers[-1] if layers else None
        if isinstance(step, Dense):
            refuse_other_size(last, step)
            if pending and not last:
                pending = scale_inputs(network, pending, step.weights.shape[1], number)
            if pending:
                step.scale_inputs(pending)
            pending = None
            layers.append(step)
        elif isinstance(step, Scaling):
            if pending:
                shift = pending.shift * step.factor + step.shift
                pending = Scaling(step.place, pending.factor * step.factor, shift)
            elif last and last.activation == "Identity":
                last.scale_outputs(step)
            else:
                pending = step
        elif step.name != "Identity":
            if pending or not last or last.activation != "Identity":
                raise NotPossible(f"{step.place}: {step.name} without a dense layer right before "
                                  "it; put one there and train again")
            last.activation = step.name if step.name != "LeakyRelu" else leaky_relu(step, number)
    if pending and layers:
        raise NotPossible(f"{pending.place}: no dense layer next to it to fold it into; "
                          "move it, and train again")
    refuse_softmax(layers)
    return network


def scale_inputs(network, scaling, inputs, number):
    """Begins the network; returns what is to be folded into the first layer."""
    network.scaling = scaling
    if np.abs(scaling.shift).max() <= FAR:
        return scaling
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


def refuse_other_size(last, layer):
    inputs = layer.weights.shape[1]
    if last and last.weights.shape[0] != inputs:
        raise NotPossible(f"{layer.place} takes {inputs} inputs, but {last.place} before it has "
                          f"{last.weights.shape[0]} outputs; gradlet has layers of vectors only")


def refuse_softmax(layers):
    if not layers:
        raise NotPossible("the model has no dense layer")
    *hidden, last = layers
    for layer in hidden:
        if layer.activation == "Softmax":
            raise NotPossible(f"{layer.place}: Softmax between two layers; gradlet has it "
                              "only after the last")
    if last.activation == "Softmax" and len(last.weights) == 1:
        raise NotPossible(f"{last.place}: Softmax of one unit is always 1; train with Sigmoid")


def tensors_of(network, number):
    """By their names, in the numbers that are written."""
    tensors = {}
    for layer in network.layers:
        for kind, array in ("weight", layer.weights), ("bias", layer.bias):
            if array is None:
                continue
            with np.errstate(over="ignore"):
                # Row by row in memory too: what is saved is the memory.
                tensor = np.ascontiguousarray(array, number)
            if not np.isfinite(tensor).all():
                raise NotPossible(f"{layer.place}: a {kind} is not finite in {tensor.dtype}; train "
                                  "again, with a smaller learning rate")
            tensors[f"{layer.name}.{kind}"] = tensor
    return tensors


# ---- the same in NumPy ---------------------------------------------------------------------------

FUNCTIONS = {
    "Elu": lambda z: np.where(z > 0, z, np.expm1(z)),
    "Gelu": lambda z: z * np.vectorize(math.erfc)(-z / math.sqrt(2)) / 2,
    "HardSigmoid": lambda z: np.clip(z / 6 + 0.5, 0, 1),
    "Identity": lambda z: z,
    "LeakyRelu": lambda z, slope: np.where(z > 0, z, z * slope),
    "Relu": lambda z: np.maximum(z, 0),
    "Sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "Silu": lambda z: z / (1 + np.exp(-z)),
    "Softmax": lambda z: (e := np.exp(z - z.max(1, keepdims=True))) / e.sum(1, keepdims=True),
    "Softplus": lambda z: np.maximum(z, 0) + np.log1p(np.exp(-abs(z))),
    "Tanh": np.tanh,
}


def apply(activation, z):
    """The outputs, and a bound for the derivative."""
    name, *fraction = re.findall(r"\w+", activation)
    slope = [int(fraction[0]) / int(fraction[1])] if fraction else []
    # GELU's is 1.13.
    return FUNCTIONS[name](z, *slope).astype(z.dtype), max(1.13, *slope, 0)


@np.errstate(all="ignore")
def forward(network, tensors, x, epsilon):
    """The outputs, and the standard deviation of their errors if each operation errs by epsilon."""
    y, error = x, 0 * x.astype(float)
    if network.scale is not None:
        y = (x - network.offset) / network.scale
        error = epsilon * (abs(y) + abs(x / network.scale))
    for layer in network.layers:
        weights = tensors[f"{layer.name}.weight"].T
        bias = tensors.get(f"{layer.name}.bias", x.dtype.type(0))
        variance = (error**2 + (epsilon * y.astype(float)) ** 2) @ weights.astype(float) ** 2
        variance += (epsilon * bias.astype(float)) ** 2
        y, slope = apply(layer.activation, y @ weights + bias)
        error = np.hypot(slope * variance**0.5, epsilon * abs(y))
    return y, error


def check(network, tensors, model, number):
    """Compares what is to be written with the model, on inputs small and large of both signs."""
    draws = np.random.default_rng(1)
    inputs = network.layers[0].weights.shape[1]
    x = draws.standard_normal((256, inputs)) * 10 ** draws.uniform(-1, 1, (256, 1))
    if network.scaling:
        factor = network.scaling.factor
        x = (x - network.scaling.shift) / np.where(factor == 0, 1, factor)
    x = x.astype(number)
    # Libraries leave out what is below 1e-9, such as the tail of softplus.
    got, error = forward(network, tensors, x, max(np.finfo(number).eps, model.epsilon, 1e-10))
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


def rust_type(layers, f64):
    inputs = layers[0].weights.shape[1]
    sizes = [len(layer.weights) for layer in layers]
    activations = [layer.activation for layer in layers]
    if len(layers) == 2:
        parts = [inputs, *sizes, *activations] + ["f64"] * f64
        return f"Mlp<{', '.join(map(str, parts))}>"
    steps = "".join(f" => {size} {name}" for size, name in zip(sizes, activations))
    return f"net![{'f64; ' * f64}{inputs}{steps}]"


def rust_source(network, path, f64, model):
    lines = []
    if model.inputs is not None:
        lines.append(f"// The inputs are {rust_strings(model.inputs)}.")
    lines.append(f"type Net = {rust_type(network.layers, f64)};")
    file, names = rust_strings([Path(path).name]), rust_strings(l.name for l in network.layers)
    file = f"{'f64; ' * f64}include_bytes!({file})"
    lines.append(f"static NET: Net = gradlet::load![{file}; {names}];")
    if network.scale is not None:
        offset, scale = (", ".join(map(str, array)) for array in (network.offset, network.scale))
        lines.append("/// For the inputs: `NET.forward(&SCALING.transform(&x))`.")
        scaling = "gradlet::preprocess::Scaling"
        lines.append(f"static SCALING: {scaling}<{len(network.scale)}{', f64' * f64}> =")
        lines.append(f"    {scaling}::new([{offset}], [{scale}]);")
    if model.classes is not None:
        one = len(network.layers[-1].weights) == 1
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


def export(model, path, f64=False):
    """Writes the weights of `model` to `path`; returns the Rust that loads them.

    Raises `NotPossible` if the model has anything without a counterpart; nothing is written then.
    """
    number = np.float64 if f64 else np.float32
    model = read(model)
    network = network_of(model.steps, number)
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
