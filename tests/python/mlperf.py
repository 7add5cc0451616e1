"""Two networks of MLPerf Tiny with random weights, by PyTorch, for `tests/golden/mlperf.rs`.

    python3 tests/python/mlperf.py > tests/golden/mlperf.json

The weights are those of `examples/firmware/devices/src/mlperf.rs`, to the bit. numpy computes the
same in float64, by the definitions of the layers, and must agree.
"""

import json

import numpy as np
import torch

# Layers in the order of gradlet's tensors. A convolution is (outputs, kernel, step, depthwise, ReLU).
SEPARABLE = [(64, (3, 3), 1, True, True), (64, (1, 1), 1, False, True)]
KEYWORDS = {
    "input": (49, 10, 1), "classes": 12, "normalised": False,
    "layers": [(64, (10, 4), 2, False, True), *SEPARABLE * 4],
}


def stage(outputs, step):
    """A residual block: two convolutions, and one beside them if it halves the image."""
    inner = [(outputs, (3, 3), step, False, True), (outputs, (3, 3), 1, False, False)]
    return {"inner": inner, "by": (outputs, (1, 1), 2, False, False) if step == 2 else None}


IMAGES = {
    "input": (32, 32, 3), "classes": 10, "normalised": False,
    "layers": [(16, (3, 3), 1, False, True), stage(16, 1), stage(32, 2), stage(64, 2)],
}
# As in training: batch normalisation behind each convolution, but for those beside others.
NORMALISED = {**IMAGES, "normalised": True}
EPSILON = 1e-3  # of Keras


class Numbers:
    """The generator of mlperf.rs: numbers in -1..1, of which all are exact in float32."""

    def __init__(self, seed):
        self.state = seed

    def array(self, *shape, middle=0.0, width=1.0):
        values = np.empty(int(np.prod(shape)), np.float32)
        for i in range(len(values)):
            self.state = (self.state * 1664525 + 1013904223) % 2**32
            values[i] = (self.state >> 8) / 2**23 - 1.0
        values = np.float32(middle) + np.float32(width) * values
        assert values.dtype == np.float32
        return values.reshape(shape)

    def weights(self, *shape):
        """In memory order, which ends in the outputs."""
        fan_in = np.float32(np.prod(shape[:-1]))
        return self.array(*shape, width=np.sqrt(np.float32(6.0) / fan_in))

    def small(self, n):
        return self.array(n, width=0.125)

    def near_one(self, n):
        return self.array(n, middle=1.0, width=0.25)


class Torch:
    """Images are tensors [1][C][H][W] of float32."""

    def tensor(self, array):
        return torch.from_numpy(np.ascontiguousarray(array))

    def image(self, x):
        return self.tensor(x.transpose(2, 0, 1)[None])

    def convolution(self, x, w, b, step, padding, groups):
        (top, bottom), (left, right) = padding
        x = torch.nn.functional.pad(x, (left, right, top, bottom))
        w = self.tensor(w.transpose(3, 2, 0, 1))
        return torch.nn.functional.conv2d(x, w, self.tensor(b), stride=step, groups=groups)

    def norm(self, x, weight, bias, mean, variance):
        statistics = (self.tensor(mean), self.tensor(variance))
        factors = (self.tensor(weight), self.tensor(bias))
        return torch.nn.functional.batch_norm(x, *statistics, *factors, eps=EPSILON)

    def relu(self, x):
        return torch.relu(x)

    def mean(self, x):
        return x.mean(dim=(2, 3))[0]

    def dense(self, x, w, b):
        return torch.nn.functional.linear(x, self.tensor(w.T), self.tensor(b))

    def softmax(self, x):
        return torch.softmax(x, dim=0)


class Float64:
    """Images are arrays [H][W][C]."""

    def image(self, x):
        return x.astype(np.float64)

    def convolution(self, x, w, b, step, padding, groups):
        x = np.pad(x, (*padding, (0, 0)))
        kh, kw, group, outputs = w.shape
        h, wide = (x.shape[0] - kh) // step + 1, (x.shape[1] - kw) // step + 1
        y = np.zeros((h, wide, outputs)) + b.astype(np.float64)
        for o in range(outputs):
            first = o // (outputs // groups) * group
            for i in range(kh):
                for j in range(kw):
                    rows = slice(i, i + (h - 1) * step + 1, step)
                    columns = slice(j, j + (wide - 1) * step + 1, step)
                    seen = x[rows, columns, first : first + group]
                    y[:, :, o] += seen @ w[i, j, :, o].astype(np.float64)
        return y

    def norm(self, x, weight, bias, mean, variance):
        weight, bias, mean, variance = (a.astype(np.float64) for a in (weight, bias, mean, variance))
        return (x - mean) / np.sqrt(variance + EPSILON) * weight + bias

    def relu(self, x):
        return np.maximum(x, 0.0)

    def mean(self, x):
        return x.mean(axis=(0, 1))

    def dense(self, x, w, b):
        return x @ w.astype(np.float64) + b.astype(np.float64)

    def softmax(self, x):
        e = np.exp(x - x.max())
        return e / e.sum()


def same(length, kernel, step):
    """Zeros before and behind, as TensorFlow has it: the odd one is behind."""
    positions = -(-length // step)
    zeros = max((positions - 1) * step + kernel - length, 0)
    return zeros // 2, zeros - zeros // 2


def build(network, numbers):
    """Draws the parameters; returns a function of a library and an input, and their number."""
    count = 0

    def drawn(array):
        nonlocal count
        count += array.size
        return array

    def convolution(shape, layer, normalised):
        """The shape behind it, and gradlet's layers: the convolution, and the normalisation."""
        h, w, channels = shape
        outputs, (kh, kw), step, depthwise, relu = layer
        group = 1 if depthwise else channels
        weights, bias = drawn(numbers.weights(kh, kw, group, outputs)), drawn(numbers.small(outputs))
        padding = same(h, kh, step), same(w, kw, step)
        after = (lambda on, y: on.relu(y)) if relu else (lambda on, y: y)

        def convolve(on, x):
            return on.convolution(x, weights, bias, step, padding, channels // group)

        behind = -(-h // step), -(-w // step), outputs
        if not normalised:
            return behind, [lambda on, x: after(on, convolve(on, x))]
        draw = [numbers.near_one, numbers.small, numbers.small, numbers.near_one]
        norm = [drawn(array(outputs)) for array in draw]
        return behind, [convolve, lambda on, x: after(on, on.norm(x, *norm))]

    def residual(shape, block):
        inner, at, by = [], shape, []
        for layer in block["inner"]:
            at, layers = convolution(at, layer, network["normalised"])
            inner += layers
        if block["by"]:
            _, by = convolution(shape, block["by"], False)

        def run(on, x):
            y = x
            for layer in inner:
                y = layer(on, y)
            for layer in by:
                x = layer(on, x)
            return on.relu(x + y)

        return at, [run]

    shape, layers = network["input"], []
    for layer in network["layers"]:
        if isinstance(layer, dict):
            shape, added = residual(shape, layer)
        else:
            shape, added = convolution(shape, layer, network["normalised"])
        layers += added
    weights = drawn(numbers.weights(shape[2], network["classes"]))
    bias = drawn(numbers.small(network["classes"]))

    def run(on, x):
        x, means = on.image(x), []
        for layer in layers:
            x = layer(on, x)
            means.append(on.mean(x))
        logits = on.dense(means[-1], weights, bias)
        # Of the first two layers, the means of the channels.
        found = {"first": means[0], "second": means[1], "logits": logits}
        return {**found, "outputs": on.softmax(logits)}

    return run, count


def golden(network, seed, parameters):
    numbers = Numbers(seed)
    run, count = build(network, numbers)
    assert count == parameters, count
    cases = []
    for _ in range(2):
        x = numbers.array(*network["input"])
        with torch.no_grad():
            found = {name: values.double().numpy() for name, values in run(Torch(), x).items()}
        for name, exact in run(Float64(), x).items():
            error = np.abs(found[name] - exact).max()
            assert error < 5e-6, (name, error)
        cases.append({name: values.tolist() for name, values in found.items()})
    return {"seed": seed, "parameters": count, "cases": cases}


def main():
    torch.set_num_threads(1)
    networks = {
        "keywords": golden(KEYWORDS, 1, 22_604),
        "images": golden(IMAGES, 2, 77_706),
        "normalised_images": golden(NORMALISED, 3, 78_666),
    }
    how = f"PyTorch {torch.__version__.split('+')[0]} in float32; made by tests/python/mlperf.py"
    text = json.dumps({"how": how, **networks}, indent=1)
    # A list of numbers on one line.
    print(text.replace(",\n     ", ", ").replace("[\n     ", "[").replace("\n    ]", "]"))


main()
