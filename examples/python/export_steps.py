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
class Conv:
    """Convolution of a sequence or an image. Weights are [outputs][group][kernel..].

    All else is one number for each dimension; `padding` is how many zeros are before the first.
    """

    name: str
    place: str
    weights: np.ndarray
    bias: np.ndarray | None
    step: tuple
    # "same", "causal", or numbers, which are as many on both sides.
    padding: object
    dilation: tuple
    activation: str = "Identity"

    def scale_inputs(self, scaling):
        if self.padding == "causal" or self.padding == "same" or any(self.padding):
            if np.any(scaling.shift):
                raise NotPossible(f"{scaling.place}: cannot be folded into {self.place}, whose "
                                  "padding is 0 after it; train without that padding, or put the "
                                  "normalisation behind a convolution")
        outputs, group = self.weights.shape[:2]
        ones = (1,) * len(self.step)
        factor, shift = (self.of_inputs(a, group, outputs) for a in (scaling.factor, scaling.shift))
        axes = tuple(range(1, self.weights.ndim))
        bias = 0 if self.bias is None else self.bias
        self.bias = bias + (self.weights * shift.reshape(-1, group, *ones)).sum(axes)
        self.weights = self.weights * factor.reshape(-1, group, *ones)

    def of_inputs(self, numbers, group, outputs):
        """Those of the channels that each output sees."""
        if np.size(numbers) == 1:
            return np.full((outputs, group), numbers)
        groups = numbers.size // group
        return np.repeat(np.reshape(numbers, (groups, group)), outputs // groups, 0)

    def scale_outputs(self, scaling):
        bias = 0 if self.bias is None else self.bias
        self.bias = bias * scaling.factor + scaling.shift
        self.weights = (self.weights.T * scaling.factor).T


@dataclass
class Pool:
    """`Max` or `Mean` of windows of `size`, or of everything if that is None."""

    place: str
    kind: str
    size: tuple | None = None
    step: tuple | None = None


@dataclass
class Flatten:
    """To a vector, in the order of PyTorch or of Keras."""

    place: str
    channels_last: bool


@dataclass
class Scaling:
    """`factor x + shift`, elementwise; both are as long as `x`, or one number for all.

    Of a sequence or an image, as long as there are channels.
    """

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
    # Of an input, with the channels last; None if the model does not know.
    shape: tuple | None = None


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
