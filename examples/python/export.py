#!/usr/bin/env python3
"""Writes the weights of a scikit-learn, Keras or PyTorch model for gradlet.

    python3 export.py MODEL OUT.safetensors [--f64]

MODEL is a file: `.joblib` or `.pkl` of a scikit-learn model, `.keras` or `.h5` of a Keras model.
(These files can run code: open only your own.) Prints the network's type and the line that loads it,
to be pasted into a Rust program.

In a program that has the model, call `export(model, "model.safetensors")` instead; it takes PyTorch
models too.

A model must be a chain of dense layers and activations. Scaling and batch normalisation become part
of the dense layers; dropout and flattening do nothing after training. Anything else is an error that
names it. Before anything is written, the weights to be written are run in NumPy and compared with the
model's own predictions.

Needs numpy and safetensors; the library of the model is imported by whatever holds the model.
"""

import argparse
import copy
import math
import re
import sys
import warnings
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np
from safetensors.numpy import save


class NotPossible(Exception):
    """The model cannot be exported; says what was found, where, and what to do."""


# ---- a model, as a list of steps -----------------------------------------------------------------


@dataclass
class Dense:
    """`f(weights x + bias)`. Weights are [outputs][inputs]; the name is that of its tensors."""

    name: str
    place: str
    weights: np.ndarray
    bias: np.ndarray | None = None
    activation: str = "Identity"

    def scale_inputs(self, scaling):
        shift = (self.weights * scaling.shift).sum(1)
        self.bias = shift if self.bias is None else self.bias + shift
        self.weights = self.weights * scaling.factor

    def scale_outputs(self, scaling):
        bias = 0.0 if self.bias is None else self.bias
        self.bias = bias * scaling.factor + scaling.shift
        self.weights = (self.weights.T * scaling.factor).T


@dataclass
class Scaling:
    """`factor x + shift`, elementwise."""

    place: str
    factor: np.ndarray
    shift: np.ndarray


@dataclass
class Activation:
    """By its name in gradlet."""

    place: str
    name: str


@dataclass
class Model:
    """Steps; what the model itself predicts for inputs, and the precision that it computes with."""

    steps: list
    predict: object
    epsilon: float
    classes: list | None = None
    inputs: list | None = None


HINTS = {
    "BatchNorm2d": "use BatchNorm1d",
    "LSTM": "gradlet has no recurrent layers",
    "LayerNorm": "it depends on each input; train with batch normalisation, which can be folded",
    "LayerNormalization": "it depends on each input; train with BatchNormalization",
    "LazyLinear": "call the model once, so that it has weights",
    "LogSoftmax": "export a model that ends in Softmax (probabilities) or before it (logits)",
    "ReLU6": "train with ReLU",
    "log_softmax": "export a model that ends in softmax (probabilities) or before it (logits)",
    "OptimizedModule": "give the model that was compiled, `model._orig_mod`",
    "dropout": "without `training=self.training` it drops units in predictions too",
}


def no_counterpart(place, kind):
    hint = HINTS.get(kind)
    return NotPossible(f"{place}: gradlet has no counterpart of {kind}" + f" ({hint})" * bool(hint))


def kind_of(thing, library):
    """The name of its class; with the module if the library does not have that class."""
    kind, module = type(thing).__name__, type(thing).__module__
    return kind if module.split(".")[0] == library else f"{module}.{kind}"


def leaky_relu(place, slope, f64):
    """The fraction with the smallest denominator that is `slope` in the numbers of the network."""
    number = np.float64 if f64 else np.float32
    for digits in range(1, 10):
        fraction = Fraction(float(slope)).limit_denominator(10**digits)
        numerator, denominator = fraction.numerator, fraction.denominator
        if 0 <= numerator < 2**32 and number(numerator) / number(denominator) == number(slope):
            return Activation(place, f"LeakyRelu<{numerator}, {denominator}>")
    raise NotPossible(f"{place}: the slope {slope} is no fraction of two whole numbers of 32 bits")


def only(place, kind, options):
    """Options that must have the one value that gradlet has."""
    for name, (found, allowed) in options.items():
        if found not in allowed:
            values = " or ".join(map(repr, allowed))
            raise NotPossible(f"{place}: {kind} with {name}={found!r}; gradlet has only {values}")


# ---- scikit-learn --------------------------------------------------------------------------------

SKLEARN = {
    "identity": "Identity",
    "logistic": "Sigmoid",
    "relu": "Relu",
    "softmax": "Softmax",
    "tanh": "Tanh",
}


def sklearn_model(model, f64):
    steps = list(sklearn_steps(model, type(model).__name__))
    network = model
    while not hasattr(network, "coefs_"):
        network = network.steps[-1][1] if hasattr(network, "steps") else network.regressor_
    outputs = network.coefs_[-1].shape[1]
    classes = getattr(network, "classes_", None)
    several_labels = outputs > 1 and network.out_activation_ == "logistic"

    def predict(x):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of names of features, which an array does not have
            if classes is None:
                return model.predict(x).reshape(len(x), -1)
            return model.predict_proba(x)[:, -outputs:]

    if classes is not None and len(classes) == 1:
        raise NotPossible(f"the classifier has seen only one class, {classes[0]}")
    classes = [f"label {i}" for i in range(outputs)] if several_labels else classes
    epsilon = max(np.finfo(weights.dtype).eps for weights in network.coefs_)
    return Model(steps, predict, epsilon, classes, getattr(model, "feature_names_in_", None))


def sklearn_steps(model, place):
    kind = kind_of(model, "sklearn")
    if kind.endswith("SearchCV"):
        raise NotPossible(f"{place}: a search is not a model; give its `best_estimator_`")
    if kind == "Pipeline":
        for name, step in model.steps:
            if step not in (None, "passthrough"):
                yield from sklearn_steps(step, f"step {name!r}")
    elif kind in ("StandardScaler", "MinMaxScaler", "MaxAbsScaler", "RobustScaler"):
        yield sklearn_scaling(model, kind, place)
    elif kind == "TransformedTargetRegressor":
        fitted(model, "regressor_", place)
        yield from sklearn_steps(model.regressor_, f"{place}.regressor_")
        place = f"{place}.transformer_"
        kind = kind_of(model.transformer_, "sklearn")
        if kind != "FunctionTransformer" or model.transformer_.inverse_func is not None:
            scaling = sklearn_scaling(model.transformer_, kind, place)
            yield Scaling(place, 1 / scaling.factor, -scaling.shift / scaling.factor)
    elif kind in ("MLPClassifier", "MLPRegressor"):
        fitted(model, "coefs_", place)
        last = len(model.coefs_) - 1
        for i, (weights, bias) in enumerate(zip(model.coefs_, model.intercepts_)):
            activation = model.out_activation_ if i == last else model.activation
            if activation not in SKLEARN:
                raise no_counterpart(f"{place}, layer {i}", f"the activation {activation}")
            # Its weights are [inputs][outputs].
            yield Dense(str(i), f"{place}, layer {i}", weights.T.astype(float), bias.astype(float))
            yield Activation(f"{place}, layer {i}", SKLEARN[activation])
    else:
        raise no_counterpart(place, kind)


def sklearn_scaling(model, kind, place):
    fitted(model, "n_features_in_", place)
    if kind == "MinMaxScaler":
        only(place, kind, {"clip": (model.clip, [False])})
        return Scaling(place, model.scale_, model.min_)
    if kind not in ("StandardScaler", "MaxAbsScaler", "RobustScaler"):
        raise no_counterpart(place, kind)
    centre = {"StandardScaler": "mean_", "RobustScaler": "center_"}.get(kind)
    uses_centre = centre and getattr(model, "with_mean", getattr(model, "with_centering", False))
    zero = np.zeros(model.n_features_in_)
    factor = 1 / (zero + 1 if model.scale_ is None else model.scale_)
    return Scaling(place, factor, -(getattr(model, centre) if uses_centre else zero) * factor)


def fitted(model, attribute, place):
    if not hasattr(model, attribute):
        raise NotPossible(f"{place}: not trained; call `fit` first")


# ---- Keras ---------------------------------------------------------------------------------------

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
    "tanh": "Tanh",
}

# Layers that do nothing after training.
KERAS_NOTHING = {
    "ActivityRegularization",
    "AlphaDropout",
    "Dropout",
    "Flatten",
    "GaussianDropout",
    "GaussianNoise",
    "InputLayer",
}


def keras_model(model, f64):
    import keras

    steps, layers = [], keras_chain(model)
    for layer, input_shape in layers:
        steps += keras_steps(layer, input_shape, f64)
    number = 0
    for step in steps:
        if isinstance(step, Dense):
            step.name, number = str(number), number + 1
    # Reduced precision shows in the predictions, not in the weights.
    epsilon = max(2.0 ** -{"float16": 10, "bfloat16": 7, "float64": 52}.get(layer.compute_dtype, 23)
                  for layer, _ in layers)

    def predict(x):
        x = x.reshape(-1, *model.inputs[0].shape[1:])
        return np.asarray(keras.ops.convert_to_numpy(model(x, training=False)), float)

    return Model(steps, predict, epsilon)


def keras_chain(model):
    """Layers with the shapes of their inputs, from the input on; found from the output on."""
    place = model.name
    if not getattr(model, "outputs", None):
        if kind_of(model, "keras") == "Sequential":
            raise NotPossible(f"{place}: not built, it has no weights; begin it with an Input")
        raise NotPossible(f"{place}: what a model of your own calls cannot be seen; give a Sequential")
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise NotPossible(f"{place}: {len(model.inputs)} inputs and {len(model.outputs)} outputs, "
                          "which is no chain of layers")
    tensor, chain = model.outputs[0], []
    while True:
        layer, call, _ = tensor._keras_history[:3]
        before = layer._inbound_nodes[call].input_tensors
        if not before:
            return chain[::-1]
        if len(before) > 1:
            raise NotPossible(f"{place}: {layer.name} ({kind_of(layer, 'keras')}) takes "
                              f"{len(before)} inputs, so the model is no chain of layers")
        tensor = before[0]
        inner = hasattr(layer, "layers")
        chain += keras_chain(layer)[::-1] if inner else [(layer, tensor.shape)]


def keras_steps(layer, input_shape, f64):
    kind, place = kind_of(layer, "keras"), f"layer {layer.name!r}"
    numbers = lambda value: np.asarray(to_numpy(value), float)
    to_numpy = lambda value: sys.modules["keras"].ops.convert_to_numpy(value)
    if kind in KERAS_NOTHING:
        return []
    if len(input_shape) != 2 and kind != "Rescaling":
        raise NotPossible(f"{place}: {kind} of inputs of the shape {input_shape}; "
                          "put a Flatten before it, and train again")
    if kind == "Dense":
        only(place, kind, {"quantization_mode": (layer.quantization_mode, [None])})
        bias = numbers(layer.bias) if layer.use_bias else None
        dense = Dense("", place, numbers(layer.kernel).T, bias)
        return [dense, keras_activation(place, layer.activation, f64)]
    if kind == "BatchNormalization":
        only(place, kind, {"axis": (layer.axis, [-1, 1])})
        factor = (numbers(layer.moving_variance) + layer.epsilon) ** -0.5
        factor *= numbers(layer.gamma) if layer.scale else 1
        shift = numbers(layer.beta) if layer.center else 0
        return [Scaling(place, factor, shift - numbers(layer.moving_mean) * factor)]
    if kind == "Normalization":
        only(place, kind, {"invert": (layer.invert, [False])})
        epsilon = sys.modules["keras"].config.epsilon()
        factor = 1 / np.maximum(numbers(layer.variance).ravel() ** 0.5, epsilon)
        return [Scaling(place, factor, -numbers(layer.mean).ravel() * factor)]
    if kind == "Rescaling":
        return [Scaling(place, numbers(layer.scale), numbers(layer.offset))]
    if kind == "Activation":
        return [keras_activation(place, layer.activation, f64)]
    return [keras_activation(place, layer, f64)]


def keras_activation(place, activation, f64):
    """Of a function of `keras.activations`, or of a layer."""
    functions = sys.modules["keras"].activations
    name = getattr(activation, "__name__", "")
    if name and getattr(functions, name, None) is activation:
        if name == "leaky_relu":
            return leaky_relu(place, 0.2, f64)
        if name not in KERAS:
            raise no_counterpart(place, f"the activation {name}")
        return Activation(place, KERAS[name])
    if name:
        raise NotPossible(f"{place}: {activation.__module__}.{name} is a function that Keras does not "
                          "have, and what it computes cannot be seen; use the name of one of Keras's")
    kind = kind_of(activation, "keras")
    if kind == "ReLU":
        options = {"max_value": (activation.max_value, [None]), "threshold": (activation.threshold, [0])}
        only(place, kind, options)
        slope = activation.negative_slope
        return leaky_relu(place, slope, f64) if slope else Activation(place, "Relu")
    if kind == "LeakyReLU":
        return leaky_relu(place, activation.negative_slope, f64)
    if kind == "ELU":
        only(place, kind, {"alpha": (activation.alpha, [1])})
        return Activation(place, "Elu")
    if kind == "Softmax":
        only(place, kind, {"axis": (activation.axis, [-1, 1])})
        return Activation(place, "Softmax")
    raise no_counterpart(place, kind)


# ---- PyTorch -------------------------------------------------------------------------------------

# The name in gradlet, and the options that it has.
TORCH = {
    "ELU": ("Elu", {"alpha": [1]}),
    "GELU": ("Gelu", {"approximate": ["none"]}),
    "Hardsigmoid": ("HardSigmoid", {}),
    "Identity": ("Identity", {}),
    "ReLU": ("Relu", {}),
    "SiLU": ("Silu", {}),
    "Sigmoid": ("Sigmoid", {}),
    "Softmax": ("Softmax", {"dim": [-1, 1, None]}),
    "Softplus": ("Softplus", {"beta": [1], "threshold": [20]}),
    "Tanh": ("Tanh", {}),
}

TORCH_FUNCTIONS = {
    "elu": "ELU",
    "flatten": "Flatten",
    "gelu": "GELU",
    "hardsigmoid": "Hardsigmoid",
    "leaky_relu": "LeakyReLU",
    "relu": "ReLU",
    "sigmoid": "Sigmoid",
    "silu": "SiLU",
    "softmax": "Softmax",
    "softplus": "Softplus",
    "tanh": "Tanh",
}

TORCH_NOTHING = {"AlphaDropout", "Dropout", "FeatureAlphaDropout"}


def torch_model(model, f64):
    import torch

    # As in predictions, whatever the caller's model is in the middle of, and exact for every dtype.
    model = copy.deepcopy(model).cpu().eval()
    steps, names = [], set()
    for node in torch_chain(model):
        steps += torch_steps(model, node, names, f64)
    double = model.double()

    def predict(x):
        with torch.no_grad():
            return double(torch.from_numpy(x.astype(float))).numpy()

    return Model(steps, predict, 0.0)


def torch_chain(model):
    """The calls in `forward`, from the input on; found from the output on."""
    import torch.fx

    try:
        nodes = list(torch.fx.symbolic_trace(model).graph.nodes)
    except Exception as error:
        raise NotPossible(f"what {type(model).__name__}.forward does cannot be followed ({error}); "
                          "put its layers into an nn.Sequential") from None
    inputs = [node for node in nodes if node.op == "placeholder" and not node.args]
    node, chain = nodes[-1].args[0], []
    if len(inputs) != 1 or not isinstance(node, torch.fx.Node):
        raise NotPossible("`forward` takes several inputs or gives several outputs")
    while node.op != "placeholder":
        chain.append(node)
        # The others are sizes.
        before = node.all_input_nodes[:1] if is_flattening(node) else node.all_input_nodes
        if len(before) != 1:
            raise NotPossible(f"{node.name} ({node.target}) in `forward` takes {len(before)} "
                              "inputs, so the model is no chain of layers")
        node = before[0]
    return chain[::-1]


def is_flattening(node):
    """`x.view(-1, n)` or `x.view(x.size(0), -1)`: with rows as inputs, neither does anything."""
    return node.op == "call_method" and node.target in ("view", "reshape") and (
        len(node.args) == 3 and -1 in (a for a in node.args[1:] if isinstance(a, int)))


def torch_steps(model, node, names, f64):
    from torch import nn

    if is_flattening(node):
        return []
    if node.op == "call_module":
        module, place = model.get_submodule(node.target), f"layer {node.target!r}"
    else:
        place = f"{node.name} in `forward`"
        name = getattr(node.target, "__name__", str(node.target)).rstrip("_")
        arguments = {k: v for k, v in node.kwargs.items()
                     if k not in ("inplace", "_stacklevel") and (k, v) != ("dtype", None)}
        if name == "dropout" and arguments.get("training") is False:
            return []
        if name not in TORCH_FUNCTIONS:
            raise no_counterpart(place, name)
        if name == "flatten":
            # The function begins with another dimension than the module.
            arguments = {"start_dim": 0} | dict(zip(["start_dim", "end_dim"], node.args[1:])) | arguments
            module = nn.Flatten(**arguments)
        else:
            module = getattr(nn, TORCH_FUNCTIONS[name])(*node.args[1:], **arguments)
    kind = kind_of(module, "torch")
    if kind in ("Linear", "ParametrizedLinear"):
        # A layer that is used twice has one name; as weights of two layers it needs two.
        name = str(node.target) if node.target not in names else node.name
        names.add(name)
        bias = None if module.bias is None else torch_numbers(module.bias)
        return [Dense(name, place, torch_numbers(module.weight), bias)]
    if kind == "BatchNorm1d":
        if module.running_mean is None:
            raise NotPossible(f"{place}: {kind} without running statistics depends on each batch")
        factor = (torch_numbers(module.running_var) + module.eps) ** -0.5
        factor *= torch_numbers(module.weight) if module.affine else 1
        shift = torch_numbers(module.bias) if module.affine else 0
        return [Scaling(place, factor, shift - torch_numbers(module.running_mean) * factor)]
    if kind == "LeakyReLU":
        return [leaky_relu(place, module.negative_slope, f64)]
    if kind == "Flatten":
        only(place, kind, {"start_dim": (module.start_dim, [1]), "end_dim": (module.end_dim, [-1])})
        return []
    if kind in TORCH_NOTHING:
        return []
    if kind not in TORCH:
        raise no_counterpart(place, kind)
    name, options = TORCH[kind]
    only(place, kind, {option: (getattr(module, option), all) for option, all in options.items()})
    return [Activation(place, name)]


def torch_numbers(tensor):
    return tensor.detach().double().numpy()


# ---- the network ---------------------------------------------------------------------------------


@dataclass
class Network:
    """Dense layers; the scaling of the inputs, and whether it became part of the first layer."""

    layers: list = field(default_factory=list)
    scaling: Scaling | None = None
    folded: bool = True


# Where offsets are this many times the scale, folding loses two decimal digits.
FAR = 100


def network_of(steps):
    """Activations become part of the layer before, scalings of the layer before or after."""
    network, pending = Network(), None
    layers = network.layers
    for step in steps:
        last = layers[-1] if layers else None
        if isinstance(step, Dense):
            if last is not None and last.weights.shape[0] != step.weights.shape[1]:
                raise NotPossible(f"{step.place} takes {step.weights.shape[1]} inputs, but "
                                  f"{last.place} has {last.weights.shape[0]} outputs")
            if pending is not None and last is None:
                network.scaling, network.folded = pending, np.abs(pending.shift).max() <= FAR
            if pending is not None and network.folded | (last is not None):
                step.scale_inputs(pending)
            pending = None
            layers.append(step)
        elif isinstance(step, Scaling):
            if pending is not None:
                shift = pending.shift * step.factor + step.shift
                pending = Scaling(step.place, pending.factor * step.factor, shift)
            elif last is not None and last.activation == "Identity":
                last.scale_outputs(step)
            else:
                pending = step
        elif step.name != "Identity":
            if pending is not None:
                raise NotPossible(f"{pending.place}: no dense layer right before or after it, "
                                  "of which it could become part")
            if last is None or last.activation != "Identity":
                raise NotPossible(f"{step.place}: {step.name} without a dense layer right before it")
            last.activation = step.name
    if pending is not None and layers:
        raise NotPossible(f"{pending.place}: follows {layers[-1].activation}, and no dense layer "
                          "follows, so it can become part of none")
    refuse_bad_layers(layers)
    return network


def refuse_bad_layers(layers):
    if not layers:
        raise NotPossible("the model has no dense layers")
    for layer in layers[:-1]:
        if layer.activation == "Softmax":
            raise NotPossible(f"{layer.place}: Softmax between two layers; gradlet has it at the end")
    if layers[-1].activation == "Softmax" and layers[-1].weights.shape[0] == 1:
        raise NotPossible(f"{layers[-1].place}: Softmax of one unit is always 1; train with Sigmoid")


def tensors_of(network, number):
    tensors = {}
    for layer in network.layers:
        for kind, array in ("weight", layer.weights), ("bias", layer.bias):
            if array is None:
                continue
            with np.errstate(over="ignore"):
                # Row by row in memory too: what is saved is the memory.
                tensor = np.ascontiguousarray(array, number)
            if not np.isfinite(tensor).all():
                raise NotPossible(f"{layer.place}: the {kind} is not finite in {np.dtype(number)}")
            tensors[f"{layer.name}.{kind}"] = tensor
    return tensors


# ---- the same in NumPy ---------------------------------------------------------------------------

FUNCTIONS = {
    "Elu": lambda z: np.where(z > 0, z, np.expm1(z)),
    "Gelu": lambda z: z * np.vectorize(math.erfc)(-z / math.sqrt(2)) / 2,
    "HardSigmoid": lambda z: np.clip(z / 6 + 0.5, 0, 1),
    "Identity": lambda z: z,
    "Relu": lambda z: np.maximum(z, 0),
    "Sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "Silu": lambda z: z / (1 + np.exp(-z)),
    "Softmax": lambda z: (e := np.exp(z - z.max(1, keepdims=True))) / e.sum(1, keepdims=True),
    "Softplus": lambda z: np.maximum(z, 0) + np.log1p(np.exp(-abs(z))),
    "Tanh": np.tanh,
}


def apply(activation, z):
    """Outputs, and the largest slope."""
    if activation.startswith("LeakyRelu"):
        numerator, denominator = map(int, re.findall(r"\d+", activation.removeprefix("LeakyRelu")))
        slope = numerator / denominator
        return np.where(z > 0, z, z * z.dtype.type(slope)), max(1, slope)
    # GELU's is 1.13.
    return FUNCTIONS[activation](z).astype(z.dtype), 1.13


@np.errstate(all="ignore")
def forward(network, tensors, x, epsilon):
    """Outputs of what is to be written, and the standard deviation of their rounding errors."""
    y, error = x, 0 * x.astype(float)
    if not network.folded:
        offset, scale = offset_and_scale(network, x.dtype)
        y = (x - offset) / scale
        error = epsilon * (abs(y) + abs(offset / scale))
    for layer in network.layers:
        weights = tensors[f"{layer.name}.weight"]
        bias = tensors.get(f"{layer.name}.bias", x.dtype.type(0))
        squares = weights.T.astype(float) ** 2
        error = (error**2 + (epsilon * y.astype(float)) ** 2) @ squares
        error = np.sqrt(error + (epsilon * bias.astype(float)) ** 2)
        y, slope = apply(layer.activation, y @ weights.T + bias)
        error = np.hypot(slope * error, epsilon * abs(y))
    return y, error


def check(network, tensors, model, number):
    """Compares what is to be written with the model, on small and large inputs of both signs."""
    draws = np.random.default_rng(1)
    inputs = network.layers[0].weights.shape[1]
    x = draws.standard_normal((256, inputs)) * 10 ** draws.uniform(-1, 1, (256, 1))
    if network.scaling is not None:
        factor = network.scaling.factor
        x = (x - network.scaling.shift) / np.where(factor == 0, 1, factor)
    x = x.astype(number)
    # Libraries leave out what is below 1e-9, such as the tail of softplus.
    got, error = forward(network, tensors, x, max(np.finfo(number).eps, model.epsilon, 1e-10))
    want = model.predict(x)
    if want.shape != got.shape:
        raise NotPossible(f"for {x.shape} inputs the model gives {want.shape}, not {got.shape} outputs")
    # Not `>`, which is false for NaN.
    wrong = ~(abs(got - want) <= 16 * error)
    if wrong.any():
        case, output = np.argwhere(wrong)[0]
        raise NotPossible(
            f"what was to be written is not what the model computes: output {output} is "
            f"{got[case, output]} in place of {want[case, output]} for the input {x[case].tolist()}. "
            "Look for hooks or changed classes in the model; nothing was written"
        )


# ---- the file, and the Rust that loads it --------------------------------------------------------


def rust_string(text):
    plain = lambda c: c.isprintable() and c not in '"\\'
    return '"' + "".join(c if plain(c) else f"\\u{{{ord(c):x}}}" for c in str(text)) + '"'


def rust_strings(texts):
    return ", ".join(map(rust_string, texts))


def rust_type(layers, f64):
    inputs = layers[0].weights.shape[1]
    sizes = [layer.weights.shape[0] for layer in layers]
    activations = [layer.activation for layer in layers]
    if len(layers) == 2:
        parts = [inputs, *sizes, *activations] + ["f64"] * f64
        return f"Mlp<{', '.join(map(str, parts))}>"
    steps = "".join(f" => {size} {name}" for size, name in zip(sizes, activations))
    return f"net![{'f64; ' if f64 else ''}{inputs}{steps}]"


def offset_and_scale(network, number):
    """As in gradlet: `(x - offset) / scale`."""
    scaling, inputs = network.scaling, network.layers[0].weights.shape[1]
    if not np.all(scaling.factor):
        raise NotPossible(f"{scaling.place}: a scale of 0 on an input; leave that input out")
    pair = -scaling.shift / scaling.factor, 1 / scaling.factor
    return [np.broadcast_to(array, inputs).astype(number) for array in pair]


def rust_source(network, path, f64, model):
    names = rust_strings(layer.name for layer in network.layers)
    lines = []
    if model.inputs is not None:
        lines.append(f"// Inputs: {rust_strings(model.inputs)}.")
    lines.append(f"type Net = {rust_type(network.layers, f64)};")
    file = f"include_bytes!({rust_string(Path(path).name)})"
    lines.append(f"static NET: Net = gradlet::load![{'f64; ' * f64}{file}; {names}];")
    if not network.folded:
        offset, scale = offset_and_scale(network, np.float64 if f64 else np.float32)
        lines.append("/// For the inputs: `NET.forward(&SCALING.transform(&x))`.")
        lines.append(f"static SCALING: gradlet::preprocess::Scaling<{len(scale)}{', f64' * f64}> =")
        numbers = [", ".join(map(str, array)) for array in (offset, scale)]
        lines.append(f"    gradlet::preprocess::Scaling::new([{numbers[0]}], [{numbers[1]}]);")
    if model.classes is not None:
        one = network.layers[-1].weights.shape[0] == 1
        order = "the output is the probability of the second" if one else "in the order of the outputs"
        lines.append(f"/// The classes, {order}.")
        lines.append(f"const CLASSES: [&str; {len(model.classes)}] = [{rust_strings(model.classes)}];")
    return "\n".join(lines) + "\n"


def read(model, f64):
    libraries = {kind.__module__.split(".")[0] for kind in type(model).__mro__}
    # On PyTorch, models of Keras are PyTorch modules too.
    for library, read in ("sklearn", sklearn_model), ("keras", keras_model), ("torch", torch_model):
        if library in libraries:
            return read(model, f64)
    raise NotPossible(f"a {type(model).__name__} is no model of scikit-learn, Keras 3 or PyTorch; "
                      "weights alone, as in a state_dict, do not say what network they are of")


def export(model, path, f64=False):
    """Writes the weights of `model` to `path`; returns the Rust that loads them.

    After an error, which is a `NotPossible`, nothing is written.
    """
    number = np.float64 if f64 else np.float32
    model = read(model, f64)
    network = network_of(model.steps)
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
    if suffix in (".joblib", ".pkl", ".pickle"):
        import joblib

        return joblib.load(path)
    if suffix in (".keras", ".h5"):
        import keras

        return keras.saving.load_model(path, compile=False)
    if suffix in (".pt", ".pth"):
        raise NotPossible(f"{path} of PyTorch: call `export` in the program that has the model")
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
    except (NotPossible, OSError, ImportError) as reason:
        sys.exit(f"export.py: {reason}")


if __name__ == "__main__":
    main()
