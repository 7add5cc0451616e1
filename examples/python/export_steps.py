"""A model as a list of steps, which the readers of the libraries give to `export.py`."""

from dataclasses import dataclass

import numpy as np


class NotPossible(Exception):
    """The model cannot be exported; says what was found, where, and what to do."""


class Layer:
    """With weights: all have `weights` and `bias`, and a name that their tensors begin with."""

    def tensors(self):
        return {f"{self.name}.weight": self.weights, f"{self.name}.bias": self.bias}

    def names(self):
        """Those that `load!` takes."""
        return [self.name]

    def scale_inputs(self, scaling):
        raise NotPossible(f"{scaling.place}: cannot be folded into {self.place}; move it, and train "
                          "again")

    def scale_outputs(self, scaling):
        bias = 0 if self.bias is None else self.bias
        self.bias = bias * scaling.factor + scaling.shift
        self.weights = (self.weights.T * scaling.factor).T


@dataclass
class Dense(Layer):
    """`f(weights x + bias)`. Weights are [outputs][inputs]."""

    name: str
    place: str
    weights: np.ndarray
    bias: np.ndarray | None = None
    activation: str = "Identity"

    def scale_inputs(self, scaling):
        bias = 0 if self.bias is None else self.bias
        self.bias = bias + (self.weights * scaling.shift).sum(1)
        self.weights = self.weights * scaling.factor


@dataclass
class Conv(Layer):
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


@dataclass
class LayerNorm(Layer):
    """Over the channels, `weights` times what is normalised plus `bias`."""

    name: str
    place: str
    weights: np.ndarray
    bias: np.ndarray | None
    epsilon: float
    activation: str = "Identity"


@dataclass
class Recurrent(Layer):
    """`Gru`, `Lstm` or `Rnn`, with the equations, the gates and the names of PyTorch.

    Of each direction, the second being the reverse one, the weights of the input, those of the state,
    and the biases of both, which may be None.
    """

    name: str
    place: str
    kind: str
    directions: list
    # Its output is all states, not the last one.
    all: bool = False
    masked: bool = False
    # One direction, beginning with the last step.
    reversed: bool = False
    # Number of the layer, in a stack.
    number: int = 0
    function: str = "Tanh"
    # Nothing can be folded into it.
    activation = None

    @property
    def units(self):
        return self.directions[0][1].shape[1]

    @property
    def channels(self):
        return self.directions[0][0].shape[1]

    def ends(self):
        return [f"l{self.number}{end}" for end in ("", "_reverse")[:len(self.directions)]]

    def tensors(self):
        parts = "weight_ih", "weight_hh", "bias_ih", "bias_hh"
        return {
            f"{self.name}.{part}_{end}": array
            for end, arrays in zip(self.ends(), self.directions)
            for part, array in zip(parts, arrays)
        }

    def names(self):
        return [self.name if end == "l0" else f"{self.name}.*_{end}" for end in self.ends()]

    def scale_inputs(self, scaling):
        if self.masked:
            super().scale_inputs(scaling)
        for i, (weights, state, bias, of_state) in enumerate(self.directions):
            shift = (weights * scaling.shift).sum(1)
            bias = shift if bias is None else bias + shift
            self.directions[i] = weights * scaling.factor, state, bias, of_state


@dataclass
class Embedding(Layer):
    """Looks up rows of `weights`: one for each index, in PyTorch's order."""

    name: str
    place: str
    weights: np.ndarray
    bias = activation = None


@dataclass
class Prelu(Layer):
    """`max(0, x) + weights min(0, x)`: a slope for each channel, or one for all."""

    name: str
    place: str
    weights: np.ndarray
    bias = activation = None


@dataclass
class LastStep:
    """The last step of a sequence."""

    place: str


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
