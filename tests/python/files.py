"""Writes files with the Python library, for `tests/safetensors_out.rs` and
`tests/library/outside_files.rs`, which must write the same bytes.

    python3 tests/python/files.py FOLDER
"""

import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

# The weights of worked.safetensors, which has metadata besides.
WORKED = {
    "0.weight": np.array([[0.1, 0.2], [0.3, 0.4]], np.float32),
    "0.bias": np.array([0.55, 0.56], np.float32),
    "2.weight": np.array([[0.5, 0.6], [0.7, 0.8]], np.float32),
    "2.bias": np.array([0.66, 0.67], np.float32),
}
# Characters that JSON escapes and some that it does not; names of which one begins another.
NAMES = ["0", "0.a", 'a"\\/\x00\x01\x08\x0c\n\r\t\x1f\x7f', "é\U0001f600", ""]


def tensors(names, sizes, dtype):
    """Small numbers, each another."""
    numbers = np.random.default_rng(1)
    found = {}
    for name, inputs, outputs in zip(names, sizes, sizes[1:]):
        found[f"{name}.weight"] = numbers.standard_normal((outputs, inputs)).astype(dtype)
        found[f"{name}.bias"] = numbers.standard_normal(outputs).astype(dtype)
    return found


def sequence():
    """A convolution and a recurrent unit, with PyTorch's names and shapes; and what they make of an input."""
    numbers = np.random.default_rng(2)
    shapes = {
        "conv.weight": (3, 2, 4),
        "conv.bias": (3,),
        "gru.weight_ih_l0": (12, 3),
        "gru.weight_hh_l0": (12, 4),
        "gru.bias_ih_l0": (12,),
        "gru.bias_hh_l0": (12,),
    }
    found = {name: numbers.uniform(-1, 1, shape).astype(np.float32) for name, shape in shapes.items()}
    net = {name: array.astype(np.float64) for name, array in found.items()}
    x = numbers.uniform(-1, 1, (9, 2)).astype(np.float32)
    # torch.nn.Conv1d(2, 3, 4), by its definition: of each window the sum over channels and steps.
    features = [
        np.einsum("ock,kc->o", net["conv.weight"], x[t : t + 4].astype(np.float64)) + net["conv.bias"]
        for t in range(6)
    ]
    # torch.nn.GRU(3, 4), by its definition.
    h, states = np.zeros(4), []
    for step in features:
        inner = np.split(net["gru.weight_ih_l0"] @ step + net["gru.bias_ih_l0"], 3)
        outer = np.split(net["gru.weight_hh_l0"] @ h + net["gru.bias_hh_l0"], 3)
        r, z = (1 / (1 + np.exp(-(inner[gate] + outer[gate]))) for gate in (0, 1))
        n = np.tanh(inner[2] + r * outer[2])
        h = (1 - z) * n + z * h
        states.append(h)
    return found, {"x.weight": x, "states.weight": np.array(states, np.float32)}


def int8():
    """A convolution with tanh by a table, a dense layer with ReLU, and one with softmax, in int8."""
    numbers = np.random.default_rng(3)
    affine = [(1 / 64, 3), (1 / 32, -5), (1 / 128, 0), (1 / 16, -128), (1 / 8, 10), (1 / 256, -128)]
    of_input, of_sums, of_tanh, of_hidden, of_logits, of_output = affine
    found = {}

    def layer(name, shape, before, after, logits=None):
        outputs = shape[0]
        found[f"{name}.weight"] = numbers.integers(-127, 128, shape, np.int8)
        found[f"{name}.bias"] = numbers.integers(-1000, 1000, outputs, np.int32)
        found[f"{name}.weight_scale"] = numbers.uniform(0.001, 0.01, outputs).astype(np.float32)
        of = {"input": before, "output": after, "logits": logits}
        for part, (scale, zero_point) in ((part, pair) for part, pair in of.items() if pair):
            found[f"{name}.{part}_scale"] = np.array([scale], np.float32)
            found[f"{name}.{part}_zero_point"] = np.array([zero_point], np.int8)

    layer("conv", (3, 2, 3), of_input, of_tanh, of_sums)
    z = (np.arange(-128, 128) - of_sums[1]) * of_sums[0]
    found["conv.table"] = np.clip(np.round(128 * np.tanh(z)), -128, 127).astype(np.int8)
    layer("hidden", (4, 9), of_tanh, of_hidden)
    layer("output", (2, 4), of_hidden, of_output, of_logits)
    return found


def main():
    folder = Path(sys.argv[1])
    save_file(WORKED, folder / "plain.safetensors")
    save_file(tensors(NAMES, [2, 3, 1, 2, 1, 2], np.float32), folder / "names.safetensors")
    # 10 comes before 2.
    order = [str(2 * layer) for layer in range(11)]
    save_file(tensors(order, [1, 2] * 6, np.float64), folder / "order.safetensors")
    net, cases = sequence()
    save_file(net, folder / "sequence.safetensors")
    save_file(int8(), folder / "int8.safetensors")
    save_file(cases, folder / "sequence_cases.safetensors")


if __name__ == "__main__":
    main()
