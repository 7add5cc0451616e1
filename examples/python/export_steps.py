"""A model as a list of steps, which the readers of the libraries give to `export.py`."""

from dataclasses import dataclass

import numpy as np


class NotPossible(Exception):
    """The model cannot be exported; says what was found, where, and what to do."""


@dataclass
class Dense:
    """`f(weights x + bias)`. Weights are [outputs][inputs]; the name is that of its tensors."""

    name: str
    place: str
    weights: np.ndarray
    bias: np.ndarray | None = None
    activation: str = "Identity"

    def scale_inputs(self, scaling):
        bias = 0 if self.bias is None else self.bias
        self.bias = bias + (self.weights * scaling.shift).sum(1)
        self.weights = self.weights * scaling.factor

    def scale_outputs(self, scaling):
        bias = 0 if self.bias is None else self.bias
        self.bias = bias * scaling.factor + scaling.shift
        self.weights = (self.weights.T * scaling.factor).T


@dataclass
class Scaling:
    """`factor x + shift`, elementwise; both are as long as `x`, or one number for all."""

    place: str
    factor: np.ndarray
    shift: np.ndarray


@dataclass
class Activation:
    """By its name in gradlet; the slope is that of `LeakyRelu`."""

    place: str
    name: str
    slope: float = 0


@dataclass
class Model:
    """Its steps; what it predicts itself, and the relative error of one operation there."""

    steps: list
    predict: object
    epsilon: float
    classes: list | None = None
    inputs: list | None = None


def batch_norm(place, mean, variance, epsilon, gamma, beta):
    """With the statistics of training; gamma and beta may be None."""
    factor = (1 if gamma is None else gamma) / np.sqrt(variance + epsilon)
    return Scaling(place, factor, (0 if beta is None else beta) - mean * factor)


HINTS = {
    "LSTM": "give a dense network the last inputs as one vector",
    "LayerNorm": "train with BatchNorm1d, which can be folded into a dense layer",
    "LayerNormalization": "train with BatchNormalization, which can be folded into a dense layer",
    "LazyLinear": "call the model once, so that it has weights",
    "LogSoftmax": "export a model that ends in Softmax, or without for logits",
    "ReLU6": "train with ReLU",
    "dropout": "without `training=self.training` it drops units in predictions too",
    "log_softmax": "export a model that ends in softmax, or without for logits",
}


def no_counterpart(place, kind):
    hint = HINTS.get(kind, "README.md beside export.py lists what there is")
    return NotPossible(f"{place}: gradlet has no counterpart of {kind}; {hint}")


def only(place, kind, allowed, **options):
    """Options that must have one of the values that gradlet has."""
    for name, value in options.items():
        if value not in allowed:
            wanted = " or ".join(f"{name}={value!r}" for value in allowed)
            raise NotPossible(f"{place}: {kind} with {name}={value!r}; train with {wanted}")


def kind_of(thing, library):
    """The name of its class; with the module if the class is not the library's."""
    kind, module = type(thing).__name__, type(thing).__module__
    return kind if module.startswith(f"{library}.") else f"{module}.{kind}"
