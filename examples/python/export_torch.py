"""Reads PyTorch: any module whose `forward` is a chain of known layers and functions."""

import copy

import torch
import torch.fx
from export_steps import (
    Activation, Conv, Dense, Flatten, Model, NotPossible, Pool, batch_norm, kind_of, no_counterpart,
    only
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
    steps = []
    for call in chain(model):
        steps += steps_of(model, call)
    names = set()
    for dense in (step for step in steps if isinstance(step, (Conv, Dense))):
        # A layer that is used twice becomes two.
        while dense.name in names:
            dense.name += "_again"
        names.add(dense.name)

    def predict(x):
        # Channels come first in PyTorch.
        with torch.no_grad():
            y = model(torch.from_numpy(x).movedim(-1, 1)).movedim(1, -1)
        return y.numpy().reshape(len(x), -1)

    return Model(steps, predict, 0)


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


def steps_of(model, call):
    if only_reshapes(call):
        flattens = getattr(call.target, "__name__", call.target) != "squeeze"
        return [Flatten(f"{call.name} in forward", channels_last=False)] if flattens else []
    if call.op == "call_module":
        module, place = model.get_submodule(call.target), f"layer {call.target!r}"
    else:
        module, place = module_for(call), f"{call.name} in forward"
    kind = kind_of(module, "torch.nn")
    if kind in ("Linear", "ParametrizedLinear"):
        bias = None if module.bias is None else numbers(module.bias)
        return [Dense(call.target, place, numbers(module.weight), bias)]
    if kind in ("Conv1d", "Conv2d"):
        only(place, kind, ["zeros"], padding_mode=module.padding_mode)
        bias = None if module.bias is None else numbers(module.bias)
        padding = (0,) * len(module.stride) if module.padding == "valid" else module.padding
        return [Conv(call.target, place, numbers(module.weight), bias, module.stride, padding,
                     module.dilation)]
    if kind in ("MaxPool1d", "MaxPool2d", "AvgPool1d", "AvgPool2d"):
        dimensions = int(kind[-2])
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
        return [Pool(place, "Max" if "Max" in kind else "Mean")]
    if kind in ("BatchNorm1d", "BatchNorm2d"):
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
        return [Flatten(place, channels_last=False)]
    if kind in ("AlphaDropout", "Dropout", "Dropout1d", "Dropout2d", "FeatureAlphaDropout"):
        return []
    if kind not in ACTIVATIONS:
        raise no_counterpart(place, kind)
    name, options = ACTIVATIONS[kind]
    for option, allowed in options.items():
        only(place, kind, allowed, **{option: getattr(module, option)})
    return [Activation(place, name)]


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
