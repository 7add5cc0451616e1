"""Reads Keras 3: Sequential models, and functional ones that are a chain."""

import keras
import numpy as np
from export_steps import (
    Activation, Conv, Dense, Embedding, Flatten, Layer, LayerNorm, Model, NotPossible, Pool, Prelu,
    Recurrent, Scaling, batch_norm, kind_of, no_counterpart, only
)

FUNCTIONS = {
    "elu": "Elu",
    "gelu": "Gelu",
    "hard_sigmoid": "HardSigmoid",
    "hard_silu": "HardSwish",
    "hard_tanh": "HardTanh",
    "linear": "Identity",
    "relu": "Relu",
    "relu6": "Relu6",
    "selu": "Selu",
    "sigmoid": "Sigmoid",
    "silu": "Silu",
    "softmax": "Softmax",
    "softplus": "Softplus",
    "softsign": "Softsign",
    "tanh": "Tanh",
}

# Layers that do nothing after training.
NOTHING = {
    "ActivityRegularization",
    "AlphaDropout",
    "Dropout",
    "GaussianDropout",
    "GaussianNoise",
    "SpatialDropout1D",
    "SpatialDropout2D",
}

# Keras computes in 32 bits with the others.
EPSILONS = {"bfloat16": 2.0**-7, "float16": 2.0**-10, "float64": 2.0**-52}


def read(model):
    layers, steps = chain(model), []
    masked = False
    for layer, input_shape in layers:
        if kind_of(layer, "keras") == "Masking":
            only(f"layer {layer.name!r}", "Masking", [0], mask_value=layer.mask_value)
            masked = True
            continue
        found = steps_of(layer, input_shape)
        steps += found
        # What is masked there are its zeros, whatever their vector.
        masked = masked or getattr(layer, "mask_zero", False)
        if masked and found and isinstance(found[0], Recurrent):
            found[0].masked = True
            masked = found[0].all
    for number, step in enumerate(step for step in steps if isinstance(step, Layer)):
        step.name = str(number)
    # Reduced precision shows in the predictions, not in the weights.
    epsilon = max([EPSILONS.get(layer.compute_dtype, 2.0**-23) for layer, _ in layers], default=0)

    def predict(x):
        lengths = model.inputs[0].shape[1:]
        x = x if None in lengths else x.reshape(-1, *lengths)
        y = numbers(model(x, training=False))
        return y.reshape(len(y), -1) if y.ndim > 2 else y

    shape = tuple(model.inputs[0].shape[1:])
    return Model(steps, predict, epsilon, shape=None if None in shape else shape)


def chain(model):
    """The layers with the shapes of their inputs, in order; found from the output on."""
    place = f"model {model.name!r}"
    if not getattr(model, "outputs", None):
        if isinstance(model, keras.Sequential):
            raise NotPossible(f"{place}: not built, it has no weights; begin it with a keras.Input")
        raise NotPossible(f"{place}: what {type(model).__name__}.call does cannot be seen; "
                          "make a keras.Sequential of its layers")
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise NotPossible(f"{place}: {len(model.inputs)} inputs and {len(model.outputs)} outputs; "
                          "gradlet has chains of layers, with one of each")
    tensor, layers = model.outputs[0], []
    while True:
        layer, call, _ = tensor._keras_history[:3]
        # Masks, which Masking gives to all layers behind it, are no inputs.
        before = [t for t in layer._inbound_nodes[call].input_tensors if t.dtype != "bool"]
        if not before:
            return layers[::-1]
        if len(before) > 1:
            raise NotPossible(f"layer {layer.name!r}: {kind_of(layer, 'keras')} of {len(before)} "
                              "tensors; gradlet has chains of layers")
        tensor = before[0]
        is_model = isinstance(layer, keras.Model)
        layers += chain(layer)[::-1] if is_model else [(layer, tensor.shape)]


def steps_of(layer, input_shape):
    kind, place = kind_of(layer, "keras"), f"layer {layer.name!r}"
    if kind in NOTHING:
        return []
    if kind == "Rescaling":
        return [Scaling(place, numbers(layer.scale), numbers(layer.offset))]
    if kind in ("Dense", "Normalization") and len(input_shape) != 2:
        raise NotPossible(f"{place}: {kind} of inputs of the shape {input_shape}, not of vectors; "
                          "put a Flatten before it and train again")
    if kind == "Dense":
        only(place, kind, [None], quantization_mode=layer.quantization_mode)
        bias = numbers(layer.bias) if layer.use_bias else None
        # Its weights are [inputs][outputs].
        return [Dense("", place, numbers(layer.kernel).T, bias), function(layer.activation, place)]
    if kind == "Embedding":
        only(place, kind, [None], quantization_mode=layer.quantization_mode)
        vectors = numbers(layer.embeddings)
        vectors[: int(layer.mask_zero)] = 0
        return [Embedding("", place, vectors)]
    if kind == "PReLU":
        slopes = numbers(layer.alpha)
        if slopes.size not in (1, slopes.shape[-1]):
            raise NotPossible(f"{place}: PReLU with slopes of the shape {slopes.shape}; train with one for "
                              "each channel, by shared_axes of all other axes")
        return [Prelu("", place, slopes.ravel())]
    if kind in ("Bidirectional", *RECURRENT):
        return [recurrent(layer, kind, place)]
    if kind == "LayerNormalization":
        only(place, kind, [-1, len(input_shape) - 1], axis=axis_of(layer))
        weights = numbers(layer.gamma) if layer.scale else np.ones(input_shape[-1])
        bias = numbers(layer.beta) if layer.center else None
        return [LayerNorm("", place, weights, bias, layer.epsilon)]
    if kind == "Flatten":
        return [Flatten(place, channels_last=True)]
    if kind in CONVOLUTIONS:
        return convolution(layer, kind, place)
    if kind in POOLINGS:
        only(place, kind, ["channels_last"], data_format=layer.data_format)
        if kind.startswith("Global"):
            only(place, kind, [False], keepdims=layer.keepdims)
            return [Pool(place, POOLINGS[kind])]
        only(place, kind, ["valid"], padding=layer.padding)
        size, step = (
            number if isinstance(number, tuple) else (number,) * (len(input_shape) - 2)
            for number in (layer.pool_size, layer.strides or layer.pool_size)
        )
        return [Pool(place, POOLINGS[kind], size, step)]
    if kind == "BatchNormalization":
        only(place, kind, [-1, len(input_shape) - 1], axis=layer.axis)
        gamma = numbers(layer.gamma) if layer.scale else None
        beta = numbers(layer.beta) if layer.center else None
        mean, variance = numbers(layer.moving_mean), numbers(layer.moving_variance)
        return [batch_norm(place, mean, variance, layer.epsilon, gamma, beta)]
    if kind == "Normalization":
        only(place, kind, [False], invert=layer.invert)
        deviation = np.maximum(numbers(layer.variance).ravel() ** 0.5, keras.config.epsilon())
        return [Scaling(place, 1 / deviation, -numbers(layer.mean).ravel() / deviation)]
    if kind == "Activation":
        return [function(layer.activation, place)]
    return [activation_layer(layer, kind, place)]


# Keras' order of the gates, in that of PyTorch; the functions of the gates and of the new state.
RECURRENT = {
    "GRU": ("Gru", [1, 0, 2]),
    "LSTM": ("Lstm", [0, 1, 2, 3]),
    "SimpleRNN": ("Rnn", [0]),
}


def recurrent(layer, kind, place, within=False):
    """A layer of one direction or, in Bidirectional, of both."""
    if kind == "Bidirectional":
        only(place, kind, ["concat"], merge_mode=layer.merge_mode)
        one, other = layer.forward_layer, layer.backward_layer
        kinds = [kind_of(part, "keras") for part in (one, other)]
        if not set(kinds) <= RECURRENT.keys():
            raise no_counterpart(place, f"Bidirectional of {kinds[0]}")
        forwards, backwards = (recurrent(part, kind, place, True) for part, kind in zip((one, other), kinds))
        same = lambda step: (step.kind, step.units, step.function, step.all)
        if same(forwards) != same(backwards) or forwards.reversed or not other.go_backwards:
            raise NotPossible(f"{place}: Bidirectional of two layers that differ; train with layers that "
                              "differ in their direction only")
        forwards.directions += backwards.directions
        return forwards
    name, order = RECURRENT[kind]
    cell = layer.cell
    only(place, kind, [False], stateful=layer.stateful)
    only(place, kind, [False], return_state=layer.return_state)
    if layer.return_sequences and layer.go_backwards and not within:
        raise NotPossible(f"{place}: {kind} with go_backwards=True returns its states in reverse; train "
                          "with Bidirectional, or with return_sequences=False")
    if kind == "GRU":
        # Without it the reset gate is before the product.
        only(place, kind, [True], reset_after=layer.reset_after)
    function_of_state = "Tanh"
    if kind == "SimpleRNN":
        function_of_state = function(layer.activation, place).name
    else:
        only(place, kind, ["tanh"], activation=layer.activation.__name__)
        only(place, kind, ["sigmoid"], recurrent_activation=layer.recurrent_activation.__name__)

    def gates(array):
        """The last axis in the order of PyTorch."""
        return np.concatenate([np.split(array, len(order), -1)[gate] for gate in order], -1)

    # Its weights are [inputs][outputs]; a GRU has one bias for the inputs and one for the state.
    biases = gates(np.atleast_2d(numbers(cell.bias))) if layer.use_bias else []
    bias, of_state = (*biases, None, None)[:2]
    direction = gates(numbers(cell.kernel)).T, gates(numbers(cell.recurrent_kernel)).T, bias, of_state
    return Recurrent("", place, name, [direction], all=layer.return_sequences,
                     reversed=layer.go_backwards, function=function_of_state)


def axis_of(layer):
    """A number, which Keras keeps as a list after building."""
    axis = layer.axis
    return axis[0] if isinstance(axis, (list, tuple)) and len(axis) == 1 else axis


CONVOLUTIONS = {
    "Conv1D", "Conv2D", "DepthwiseConv1D", "DepthwiseConv2D", "SeparableConv1D", "SeparableConv2D"
}

POOLINGS = {
    f"{where}{kind}Pooling{dimensions}D": name
    for where in ("", "Global")
    for kind, name in (("Max", "Max"), ("Average", "Mean"))
    for dimensions in (1, 2)
}


def convolution(layer, kind, place):
    only(place, kind, ["channels_last"], data_format=layer.data_format)
    bias = numbers(layer.bias) if layer.use_bias else None
    step, dilation, padding = layer.strides, layer.dilation_rate, layer.padding
    if not isinstance(step, tuple):
        step = (step,) * layer.rank
    if not isinstance(dilation, tuple):
        dilation = (dilation,) * layer.rank
    none = (0,) * len(step)
    padding = none if padding == "valid" else padding
    # Channels come last in Keras: [kernel..][group][outputs].
    if kind.startswith("Conv"):
        weights = np.moveaxis(numbers(layer.kernel), (-1, -2), (0, 1))
        steps = [Conv("", place, weights, bias, step, padding, dilation)]
    elif kind.startswith("Depthwise"):
        weights = depthwise(numbers(layer.kernel))
        steps = [Conv("", place, weights, bias, step, padding, dilation)]
    else:
        weights = depthwise(numbers(layer.depthwise_kernel))
        pointwise = np.moveaxis(numbers(layer.pointwise_kernel), (-1, -2), (0, 1))
        ones = (1,) * len(step)
        steps = [Conv("", place, weights, None, step, padding, dilation),
                 Conv("", place, pointwise, bias, ones, none, ones)]
    return [*steps, function(layer.activation, place)]


def depthwise(kernel):
    """From [kernel..][channels][filters of each]."""
    *window, channels, multiple = kernel.shape
    kernel = np.moveaxis(kernel.reshape(*window, channels * multiple), -1, 0)
    return kernel[:, None]


def function(activation, place):
    """An activation, given as a function or as a layer."""
    if isinstance(activation, keras.Layer):
        return activation_layer(activation, kind_of(activation, "keras"), place)
    name = getattr(activation, "__name__", repr(activation))
    if getattr(keras.activations, name, None) is not activation:
        raise NotPossible(f"{place}: the activation {activation.__module__}.{name} is none of "
                          "keras.activations; give one of those, or its name")
    if name == "leaky_relu":
        return Activation(place, "LeakyRelu", 0.2)
    if name not in FUNCTIONS:
        raise no_counterpart(place, f"the activation {name}")
    return Activation(place, FUNCTIONS[name])


def activation_layer(layer, kind, place):
    if kind == "ReLU":
        only(place, kind, [None, 6], max_value=layer.max_value)
        only(place, kind, [0], threshold=layer.threshold)
        slope = layer.negative_slope
        if layer.max_value is not None:
            only(place, kind, [0], negative_slope=slope)
            return Activation(place, "Relu6")
        return Activation(place, "LeakyRelu" if slope else "Relu", slope)
    if kind == "LeakyReLU":
        return Activation(place, "LeakyRelu", layer.negative_slope)
    if kind == "ELU":
        only(place, kind, [1], alpha=layer.alpha)
        return Activation(place, "Elu")
    if kind == "Softmax":
        only(place, kind, [-1, 1], axis=layer.axis)
        return Activation(place, "Softmax")
    raise no_counterpart(place, kind)


def numbers(tensor):
    return np.asarray(keras.ops.convert_to_numpy(tensor), float)
