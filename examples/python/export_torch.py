"""Reads PyTorch: any module whose `forward` is a chain of known layers and functions."""

import copy
import operator

import numpy as np
import torch
import torch.fx
from export_steps import (
    Activation, Conv, Dense, Embedding, Flatten, LastStep, Layer, LayerNorm, Model, NotPossible, Pool,
    Prelu, Recurrent, batch_norm, kind_of, no_counterpart, only
)
from torch import nn

# The name in gradlet, and the options that it has.
ACTIVATIONS = {
    "ELU": ("Elu", {"alpha": [1]}),
    "GELU": ("Gelu", {"approximate": ["none"]}),
    "Hardsigmoid": ("HardSigmoid", {}),
    "Hardswish": ("HardSwish", {}),
    "Hardtanh": ("HardTanh", {"min_val": [-1], "max_val": [1]}),
    "Identity": ("Identity", {}),
    "ReLU": ("Relu", {}),
    "ReLU6": ("Relu6", {}),
    "SELU": ("Selu", {}),
    "SiLU": ("Silu", {}),
    "Sigmoid": ("Sigmoid", {}),
    "Softmax": ("Softmax", {"dim": [-1, 1, None]}),
    "Softplus": ("Softplus", {"beta": [1], "threshold": [20]}),
    "Softsign": ("Softsign", {}),
    "Tanh": ("Tanh", {}),
}

# Functions of `torch`, `torch.nn.functional` and methods, as layers with the same options.
FUNCTIONS = {
    "elu": nn.ELU,
    # The layer begins at another dimension.
    "flatten": lambda start_dim=0, end_dim=-1: nn.Flatten(start_dim, end_dim),
    "gelu": nn.GELU,
    "hardsigmoid": nn.Hardsigmoid,
    "hardswish": nn.Hardswish,
    "hardtanh": nn.Hardtanh,
    "leaky_relu": nn.LeakyReLU,
    "relu": nn.ReLU,
    "relu6": nn.ReLU6,
    "selu": nn.SELU,
    "sigmoid": nn.Sigmoid,
    "silu": nn.SiLU,
    "softmax": nn.Softmax,
    "softplus": nn.Softplus,
    "softsign": nn.Softsign,
    "tanh": nn.Tanh,
}


def read(model):
    if type(model).__name__ in ("DataParallel", "OptimizedModule"):
        model = getattr(model, "_orig_mod", None) or model.module
    # In 64 bits, in which every number of fewer is exact; in the state for predictions.
    model = copy.deepcopy(model).cpu().double().eval()
    steps, axes = [], Axes()
    for call in chain(model):
        steps += steps_of(model, call, axes)
    if axes.states:
        raise NotPossible(f"{axes.states.place}: the model returns its outputs and its states; "
                          "let it return one of them, as `y` of `y, h = self.gru(x)`")
    names = set()
    for layer in (step for step in steps if isinstance(step, Layer)):
        # A layer that is used twice becomes two.
        while set(layer.names()) & names:
            layer.name += "_again"
        names.update(layer.names())

    def predict(x):
        usual = "NC", "NCL", "NCHW"
        order = axes.of_input or usual[x.ndim - 2]
        given = "N" + order.replace("N", "").replace("C", "") + "C"
        x = torch.from_numpy(x)
        # Indices are whole numbers.
        x = x.long() if order == "NL" else x.permute(*(given.index(axis) for axis in order))
        with torch.no_grad():
            y = model(x)
        order = axes.now if axes.of_input and len(axes.now) == y.ndim else usual[y.ndim - 2]
        given = "N" + order.replace("N", "").replace("C", "") + "C"
        y = y.permute(*(order.index(axis) for axis in given))
        return y.numpy().reshape(len(y), -1)

    return Model(steps, predict, 0)


class Axes:
    """The axes of PyTorch's tensors: `NCL` for a convolution, `NLC` or `LNC` for a recurrent layer.

    Those of the input are known once the first layer says what it takes.
    """

    def __init__(self):
        self.of_input, self.now = None, None
        # The recurrent layer whose outputs and states these are, and which of them.
        self.states, self.part = None, None

    def need(self, place, wanted):
        if self.of_input is None:
            before = self.now or range(len(wanted))
            self.of_input = "".join(wanted[before.index(axis)] for axis in range(len(wanted)))
            self.now = wanted
        if self.now != wanted:
            raise NotPossible(f"{place} takes axes in the order {wanted}, but there are {self.now}; "
                              "permute them before it")

    def flatten(self, place):
        """Whether the channels are last."""
        if self.now and self.now[0] != "N":
            raise NotPossible(f"{place}: of permuted axes; flatten them as a layer leaves them")
        channels_last, self.now = self.now == "NLC", self.of_input and "NC"
        return channels_last


def chain(model):
    """The calls in `forward`, in order; found from the output on."""
    try:
        calls = list(torch.fx.symbolic_trace(model).graph.nodes)
    except Exception as error:
        reason = str(error).split(". ")[0]
        raise NotPossible(f"{type(model).__name__}.forward cannot be followed ({reason}); "
                          "make an nn.Sequential of its layers") from error
    inputs = [call for call in calls if call.op == "placeholder" and not call.args]
    call, found = calls[-1].args[0], []
    if len(inputs) != 1 or not isinstance(call, torch.fx.Node):
        raise NotPossible(f"{type(model).__name__}.forward has {len(inputs)} inputs and returns "
                          f"{call}; gradlet has chains of layers, with one of each")
    while call.op != "placeholder":
        found.append(call)
        if last_states(call):
            call = last_states(call)
            continue
        # What else is given for the shape are sizes.
        before = call.all_input_nodes[: 1 if only_reshapes(call) else None]
        if len(before) != 1:
            raise NotPossible(f"{call.name} in forward: {call.target} of {len(before)} tensors; "
                              "gradlet has chains of layers")
        call = before[0]
    return found[::-1]


def only_reshapes(call):
    """`x.view(-1, n)`, `x.view(x.size(0), -1)`, `x.squeeze(1)`: rows remain rows."""
    name, shape = getattr(call.target, "__name__", call.target), call.args[1:]
    if name == "squeeze":
        return 0 not in (*shape, call.kwargs.get("dim"))
    return name in ("view", "reshape") and len(shape) == 2 and -1 in shape


def last_states(call):
    """`torch.cat((h[-2], h[-1]), 1)`: returns `h`, of which these are the states of both directions."""
    if call.target is not torch.cat or len(call.args[0]) != 2:
        return None
    indices, of = [], set()
    for part in call.args[0]:
        if part.target is not operator.getitem:
            return None
        indices.append(part.args[1])
        of.add(part_of(part.args[0]))
    dim = (*call.args[1:], *call.kwargs.values())
    if len(of) > 1 or indices not in ([-2, -1], [0, 1]) or dim not in ((1,), (-1,)):
        return None
    return call.args[0][0].args[0]


def part_of(call):
    """What it is a part of and which, however often it was taken."""
    return (part_of(call.args[0]), call.args[1]) if call.target is operator.getitem else call


def steps_of(model, call, axes):
    name = getattr(call.target, "__name__", call.target)
    if axes.states:
        return part_of_states(call, name, axes)
    if name in ("permute", "transpose"):
        order = [*range(3)]
        dims = call.args[1] if isinstance(call.args[1], tuple) else call.args[1:]
        if name == "permute":
            order = [dim % 3 for dim in dims]
        else:
            a, b = dims
            order[a], order[b] = order[b], order[a]
        if sorted(order) != [*range(3)] or axes.now and len(axes.now) != 3:
            raise no_counterpart(f"{call.name} in forward", f"{name}{dims}")
        now = axes.now or range(3)
        axes.now = [now[axis] for axis in order]
        axes.now = "".join(axes.now) if axes.of_input else axes.now
        return []
    if name == "getitem":
        if axes.now not in ("NLC", "LNC") or not is_last(call, axes.now.index("L")):
            raise NotPossible(f"{call.name} in forward: a part that is not the last step of a sequence; "
                              "take `y[:, -1]`, or with the steps first `y[-1]`")
        axes.now = "NC"
        return [LastStep(f"{call.name} in forward")]
    if only_reshapes(call):
        flattens = name != "squeeze"
        channels_last = axes.flatten(f"{call.name} in forward")
        return [Flatten(f"{call.name} in forward", channels_last)] if flattens else []
    if call.op == "call_module":
        module, place = model.get_submodule(call.target), f"layer {call.target!r}"
    else:
        module, place = module_for(call), f"{call.name} in forward"
    kind = kind_of(module, "torch.nn")
    if kind in ("GRU", "LSTM", "RNN"):
        return recurrent(module, kind, call, place, axes)
    if kind == "Embedding":
        only(place, kind, [None], max_norm=module.max_norm)
        axes.of_input, axes.now = "NL", "NLC"
        return [Embedding(call.target, place, numbers(module.weight))]
    if kind == "PReLU":
        if module.num_parameters > 1 and axes.now and axes.now[1] != "C":
            raise NotPossible(f"{place} has slopes for the second axis of {axes.now}, not for the channels; "
                              "permute them before it")
        return [Prelu(call.target, place, numbers(module.weight))]
    if kind == "LayerNorm":
        only(place, kind, [1], dimensions=len(module.normalized_shape))
        if axes.now and axes.now[-1] != "C":
            raise NotPossible(f"{place} normalises the last axis of {axes.now}, not the channels; "
                              "permute them before it")
        weights = None if module.weight is None else numbers(module.weight)
        weights = np.ones(module.normalized_shape) if weights is None else weights
        bias = None if module.bias is None else numbers(module.bias)
        return [LayerNorm(call.target, place, weights, bias, module.eps)]
    if kind in ("Linear", "ParametrizedLinear"):
        bias = None if module.bias is None else numbers(module.bias)
        return [Dense(call.target, place, numbers(module.weight), bias)]
    if kind in ("Conv1d", "Conv2d"):
        only(place, kind, ["zeros"], padding_mode=module.padding_mode)
        axes.need(place, "NCL" if kind == "Conv1d" else "NCHW")
        bias = None if module.bias is None else numbers(module.bias)
        padding = (0,) * len(module.stride) if module.padding == "valid" else module.padding
        return [Conv(call.target, place, numbers(module.weight), bias, module.stride, padding,
                     module.dilation)]
    if kind in ("MaxPool1d", "MaxPool2d", "AvgPool1d", "AvgPool2d"):
        dimensions = int(kind[-2])
        axes.need(place, ("NCL", "NCHW")[dimensions - 1])
        size, step, padding, dilation = (
            number if isinstance(number, tuple) else (number,) * dimensions
            for number in (module.kernel_size, module.stride, module.padding,
                           getattr(module, "dilation", 1))
        )
        only(place, kind, [(0,) * dimensions], padding=padding)
        only(place, kind, [(1,) * dimensions], dilation=dilation)
        only(place, kind, [None], divisor_override=getattr(module, "divisor_override", None))
        return [Pool(place, "Max" if kind[0] == "M" else "Mean", size, step)]
    if kind in ("AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AdaptiveMaxPool1d", "AdaptiveMaxPool2d"):
        only(place, kind, [1, (1,), (1, 1)], output_size=module.output_size)
        axes.need(place, ("NCL", "NCHW")[int(kind[-2]) - 1])
        return [Pool(place, "Max" if "Max" in kind else "Mean")]
    if kind in ("BatchNorm1d", "BatchNorm2d"):
        if axes.now and axes.now[:2] != "NC":
            raise NotPossible(f"{place} normalises the second axis of {axes.now}, not the channels; "
                              "permute them before it")
        if module.running_mean is None:
            raise NotPossible(f"{place}: {kind} without running statistics depends on the batch; "
                              "train with track_running_stats=True")
        gamma, beta = map(numbers, (module.weight, module.bias)) if module.affine else (None, None)
        mean, variance = numbers(module.running_mean), numbers(module.running_var)
        return [batch_norm(place, mean, variance, module.eps, gamma, beta)]
    if kind == "LeakyReLU":
        return [Activation(place, "LeakyRelu", module.negative_slope)]
    if kind == "Flatten":
        only(place, kind, [1], start_dim=module.start_dim)
        only(place, kind, [-1], end_dim=module.end_dim)
        return [Flatten(place, axes.flatten(place))]
    if kind in ("AlphaDropout", "Dropout", "Dropout1d", "Dropout2d", "FeatureAlphaDropout"):
        return []
    if kind not in ACTIVATIONS:
        raise no_counterpart(place, kind)
    name, options = ACTIVATIONS[kind]
    for option, allowed in options.items():
        only(place, kind, allowed, **{option: getattr(module, option)})
    return [Activation(place, name)]


def recurrent(module, kind, call, place, axes):
    """A layer for each of the stack; what follows says which of its outputs are used."""
    only(place, kind, [0], proj_size=module.proj_size)
    axes.need(place, "NLC" if module.batch_first else "LNC")
    parts = "weight_ih", "weight_hh", "bias_ih", "bias_hh"
    ends = ("", "_reverse")[: 1 + module.bidirectional]
    function = {"relu": "Relu"}.get(getattr(module, "nonlinearity", ""), "Tanh")
    layers = []
    for number in range(module.num_layers):
        directions = [
            tuple(numbers(tensor) if tensor is not None else None for tensor in
                  (getattr(module, f"{part}_l{number}{end}", None) for part in parts))
            for end in ends
        ]
        layers.append(Recurrent(call.target, place, kind.capitalize(), directions, all=True,
                                number=number, function=function))
    axes.states, axes.part = layers[-1], "all"
    return layers


def part_of_states(call, name, axes):
    """`y, h = self.gru(x)` or `y, (h, c) = self.lstm(x)`, and one of the two."""
    layer, place = axes.states, f"{call.name} in forward"
    one_layer = layer.number == 0 and len(layer.directions) == 1
    index = call.args[1] if name == "getitem" else None
    index = index[0] if isinstance(index, tuple) and set(index[1:]) <= {slice(None), ...} else index
    if axes.part == "all" and index == 0:
        axes.states = None
    elif axes.part == "all" and index == 1:
        axes.part = "h and c" if layer.kind == "Lstm" else "h"
    elif axes.part == "h and c" and index == 0:
        axes.part = "h"
    elif axes.part == "h" and (
        len(layer.directions) == 1 and (index == -1 or index == layer.number)
        or one_layer and name == "squeeze" and call.args[1:] == (0,)
        or last_states(call) and len(layer.directions) == 2
        and (layer.number == 0 or call.args[0][0].args[1] == -2)
    ):
        layer.all, axes.states, axes.now = False, None, "NC"
    else:
        what = "outputs and states" if axes.part == "all" else axes.part
        raise NotPossible(f"{place}: {name} of the {what} of {layer.place}; take all outputs, `y`, or "
                          "the last state, `y[:, -1]` or `h[-1]`, in both directions "
                          "`torch.cat((h[-2], h[-1]), 1)`")
    return []


def is_last(call, axis):
    """`y[:, -1]` or `y[-1]`, with that as the axis, and the others whole."""
    index = call.args[1] if isinstance(call.args[1], tuple) else (call.args[1],)
    wanted = (slice(None),) * axis + (-1,)
    return index[: axis + 1] == wanted and all(i in (slice(None), ...) for i in index[axis + 1 :])


def module_for(call):
    """The layer that does what a function does."""
    name = getattr(call.target, "__name__", str(call.target)).rstrip("_")
    unimportant = ("inplace", "_stacklevel")
    options = {key: value for key, value in call.kwargs.items() if key not in unimportant}
    if name == "dropout" and options.get("training") is False:
        return nn.Dropout()
    if name not in FUNCTIONS or options.pop("dtype", None) is not None:
        raise no_counterpart(f"{call.name} in forward", name)
    return FUNCTIONS[name](*call.args[1:], **options)


def numbers(tensor):
    return tensor.detach().numpy()
