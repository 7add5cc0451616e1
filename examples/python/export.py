#!/usr/bin/env python3
"""Writes the weights of a scikit-learn, Keras or PyTorch model for gradlet.

    python3 export.py MODEL OUT.safetensors [--f64]

MODEL is a file: `.joblib` or `.pkl` of a scikit-learn MLPClassifier or MLPRegressor, `.keras` or
`.h5` of a Keras Sequential of Dense layers. (These files can run code: open only your own.) What is
printed is the network's type and the line that loads it, to be pasted into a Rust program.

In a program that has the model, call `export(model, "model.safetensors")` instead; it takes a PyTorch
`torch.nn.Sequential` too, whose `state_dict()` can also be saved directly.

Needs numpy and safetensors; the library of the model is imported by what holds the model.
"""

import argparse
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file


class NotPossible(Exception):
    """The model has something that gradlet does not have."""


# ---- what gradlet calls the activations ----------------------------------------------------------

SKLEARN = {
    "identity": "Identity",
    "logistic": "Sigmoid",
    "relu": "Relu",
    "softmax": "Softmax",
    "tanh": "Tanh",
}

KERAS = {
    "elu": "Elu",
    "gelu": "Gelu",
    "hard_sigmoid": "HardSigmoid",
    "linear": "Identity",
    "relu": "Relu",
    "sigmoid": "Sigmoid",
    "silu": "Silu",
    "softmax": "Softmax",
    "softplus": "Softplus",
    "swish": "Silu",
    "tanh": "Tanh",
}

TORCH = {
    "ELU": "Elu",
    "GELU": "Gelu",
    "Hardsigmoid": "HardSigmoid",
    "Identity": "Identity",
    "ReLU": "Relu",
    "SiLU": "Silu",
    "Sigmoid": "Sigmoid",
    "Softmax": "Softmax",
    "Softplus": "Softplus",
    "Tanh": "Tanh",
}


def leaky_relu(slope):
    fraction = Fraction(float(slope)).limit_denominator(10_000)
    if fraction < 0 or abs(float(fraction) - slope) > 1e-7 * slope:
        raise NotPossible(f"a slope of {slope}, which is no fraction of small numbers")
    return f"LeakyRelu<{fraction.numerator}, {fraction.denominator}>"


def known(names, name):
    if name not in names:
        raise NotPossible(f"the activation {name}")
    return names[name]


# ---- layers: (name, weights [outputs][inputs], bias [outputs] or None, activation) ---------------


def sklearn_layers(model):
    """Of an MLPClassifier or MLPRegressor; its weights are [inputs][outputs]."""
    last = len(model.coefs_) - 1
    for place, (weights, bias) in enumerate(zip(model.coefs_, model.intercepts_)):
        activation = model.out_activation_ if place == last else model.activation
        yield str(place), weights.T, bias, known(SKLEARN, activation)


def keras_layers(model):
    """Of a Sequential; its weights are [inputs][outputs]."""
    layers = []
    for layer in model.layers:
        kind = type(layer).__name__
        if kind == "Dense":
            weights = layer.get_weights()
            bias = weights[1] if layer.use_bias else None
            name = str(len(layers))
            layers.append([name, weights[0].T, bias, keras_activation(layer.activation)])
        elif kind in ("Activation", "ReLU", "LeakyReLU", "ELU", "Softmax"):
            add_activation(layers, keras_activation_layer(kind, layer))
        elif kind not in ("Dropout", "Flatten", "InputLayer"):
            raise NotPossible(f"a layer of the kind {kind}")
    return layers


def keras_activation(function):
    name = getattr(function, "__name__", str(function))
    return leaky_relu(0.2) if name == "leaky_relu" else known(KERAS, name)


def keras_activation_layer(kind, layer):
    config = layer.get_config()
    if kind == "Activation":
        return keras_activation(layer.activation)
    if kind == "LeakyReLU":
        return leaky_relu(config["negative_slope"])
    if kind == "ReLU":
        if config["max_value"] is not None or config["threshold"]:
            raise NotPossible("a ReLU with a maximum or a threshold")
        slope = config["negative_slope"]
        return leaky_relu(slope) if slope else "Relu"
    if kind == "ELU" and config.get("alpha", 1.0) != 1.0:
        raise NotPossible("an ELU whose alpha is not 1")
    return {"ELU": "Elu", "Softmax": "Softmax"}[kind]


def torch_layers(model):
    """Of a torch.nn.Sequential; names as in its `state_dict()`."""
    layers = []
    for name, module in model.named_children():
        kind = type(module).__name__
        if kind == "Linear":
            bias = None if module.bias is None else module.bias.detach().cpu().numpy()
            layers.append([name, module.weight.detach().cpu().numpy(), bias, "Identity"])
        elif kind == "LeakyReLU":
            add_activation(layers, leaky_relu(module.negative_slope))
        elif kind in TORCH:
            exact = [("approximate", "none"), ("alpha", 1.0), ("beta", 1), ("threshold", 20)]
            for option, value in exact:
                if getattr(module, option, value) != value:
                    raise NotPossible(f"{kind} with {option}={getattr(module, option)}")
            add_activation(layers, TORCH[kind])
        elif kind not in ("Dropout", "Flatten"):
            raise NotPossible(f"a layer of the kind {kind}")
    return layers


def add_activation(layers, activation):
    """Of a layer of its own, which belongs to the layer before."""
    if not layers or layers[-1][3] != "Identity":
        raise NotPossible(f"{activation} without a dense layer before it")
    layers[-1][3] = activation


def layers_of(model):
    if hasattr(model, "coefs_"):
        layers = sklearn_layers(model)
    elif type(model).__name__ == "Sequential":
        # On PyTorch, models of Keras are PyTorch modules too.
        is_keras = hasattr(model, "get_config")
        layers = keras_layers(model) if is_keras else torch_layers(model)
    else:
        raise NotPossible(f"a model of the kind {type(model).__name__}, or one that is not trained")
    layers = list(layers)
    if not layers:
        raise NotPossible("a model without dense layers")
    if any(layer[3] == "Softmax" for layer in layers[:-1]):
        raise NotPossible("Softmax between two layers")
    return layers


# ---- the file, and the Rust that loads it --------------------------------------------------------


def rust_type(layers, f64=False):
    inputs = layers[0][1].shape[1]
    sizes = [weights.shape[0] for _, weights, _, _ in layers]
    activations = [activation for _, _, _, activation in layers]
    if len(layers) == 2:
        parts = [inputs, *sizes, *activations] + ["f64"] * f64
        return f"Mlp<{', '.join(map(str, parts))}>"
    steps = "".join(f" => {size} {name}" for size, name in zip(sizes, activations))
    return f"net![{'f64; ' if f64 else ''}{inputs}{steps}]"


def rust_source(layers, path, f64=False):
    names = ", ".join(f'"{name}"' for name, _, _, _ in layers)
    number = "f64; " if f64 else ""
    return (
        f"type Net = {rust_type(layers, f64)};\n"
        f'static NET: Net = gradlet::load![{number}include_bytes!("{Path(path).name}"); {names}];\n'
    )


def export(model, path, f64=False):
    """Writes the weights of `model` to `path`; returns the Rust that loads them."""
    layers = layers_of(model)
    tensors = {}
    for name, weights, bias, _ in layers:
        number = np.float64 if f64 else np.float32
        # Row by row in memory too: what is saved is the memory.
        tensors[f"{name}.weight"] = np.ascontiguousarray(weights, number)
        if bias is not None:
            tensors[f"{name}.bias"] = np.ascontiguousarray(bias, number)
    save_file(tensors, path)
    return rust_source(layers, path, f64)


def load(path):
    """A model from its file."""
    suffix = Path(path).suffix
    if suffix in (".joblib", ".pkl", ".pickle"):
        import joblib

        return joblib.load(path)
    if suffix in (".keras", ".h5"):
        import keras

        return keras.saving.load_model(path, compile=False)
    raise NotPossible(f"a file that ends in {suffix!r}: .joblib, .pkl, .keras and .h5 are known")


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
    except NotPossible as reason:
        sys.exit(f"export.py: gradlet has no counterpart of {reason}")


if __name__ == "__main__":
    main()
