"""Writes files with the Python library, for `tests/safetensors_out.rs`, which must write the same bytes.

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


def main():
    folder = Path(sys.argv[1])
    save_file(WORKED, folder / "plain.safetensors")
    save_file(tensors(NAMES, [2, 3, 1, 2, 1, 2], np.float32), folder / "names.safetensors")
    # 10 comes before 2.
    order = [str(2 * layer) for layer in range(11)]
    save_file(tensors(order, [1, 2] * 6, np.float64), folder / "order.safetensors")


if __name__ == "__main__":
    main()
