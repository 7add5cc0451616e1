"""Trains a network in PyTorch, or in numpy by the same rule, in turns with `tests/library/round_trip.rs`.

    python3 tests/python/round_trip.py begin FOLDER
    python3 tests/python/round_trip.py go_on FOLDER FROM TO

`begin` trains a network and writes FOLDER/first.safetensors, the weights, and
FOLDER/first_steps.safetensors: 100 more steps of training. gradlet loads the weights, takes the same
steps, compares each, and writes first_written.safetensors. `go_on` with `first second` loads that,
checks that it is where these steps ended and that the Python library would write the same bytes, and
does from there what `begin` does, under the name `second`.
"""

import importlib.util
import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import load, save, save_file

SIZES = (3, 4, 2)
NAMES = ("0.weight", "0.bias", "2.weight", "2.bias")
EXAMPLES = 24
STEPS = 100
LEARNING_RATE = 0.1
MOMENTUM = 0.9
# Of weights, which are about 1, after 100 steps of 32 bits each.
CLOSE = 4e-6


def data():
    """Whether the first two inputs have the same sign; the third says nothing."""
    inputs = np.random.default_rng(7).uniform(-1, 1, (EXAMPLES, SIZES[0])).astype(np.float32)
    same = (inputs[:, 0] * inputs[:, 1] > 0).astype(np.int64)
    return inputs, np.eye(2, dtype=np.float32)[same]


class Numpy:
    """3-4-2: tanh, softmax and cross-entropy, whole batches, gradient descent with momentum."""

    library = f"numpy {np.__version__}"

    def __init__(self, tensors=None):
        numbers = np.random.default_rng(1)
        if tensors is None:
            tensors = {
                "0.weight": numbers.uniform(-1, 1, (SIZES[1], SIZES[0])),
                "0.bias": np.zeros(SIZES[1]),
                "2.weight": numbers.uniform(-1, 1, (SIZES[2], SIZES[1])),
                "2.bias": np.zeros(SIZES[2]),
            }
        self.tensors = {name: tensors[name].astype(np.float32) for name in NAMES}
        self.velocity = {name: np.zeros_like(array) for name, array in self.tensors.items()}

    def forward(self, inputs):
        t = self.tensors
        hidden = np.tanh(inputs @ t["0.weight"].T + t["0.bias"])
        logits = hidden @ t["2.weight"].T + t["2.bias"]
        logits -= logits.max(1, keepdims=True)
        exp = np.exp(logits)
        return hidden, logits, exp / exp.sum(1, keepdims=True)

    def outputs(self, inputs):
        return self.forward(inputs)[2]

    def step(self, inputs, targets):
        hidden, logits, outputs = self.forward(inputs)
        loss = -(targets * (logits - np.log(np.exp(logits).sum(1, keepdims=True)))).sum(1).mean()
        delta = (outputs - targets) / np.float32(len(inputs))
        hidden_delta = (delta @ self.tensors["2.weight"]) * (1 - hidden * hidden)
        gradients = {
            "0.weight": hidden_delta.T @ inputs,
            "0.bias": hidden_delta.sum(0),
            "2.weight": delta.T @ hidden,
            "2.bias": delta.sum(0),
        }
        for name in NAMES:
            self.velocity[name] = np.float32(MOMENTUM) * self.velocity[name] + gradients[name]
            self.tensors[name] = self.tensors[name] - np.float32(LEARNING_RATE) * self.velocity[name]
        return loss

    def state(self):
        return {name: array.copy() for name, array in self.tensors.items()}

    def save(self, path):
        save_file(self.tensors, path)


class Torch:
    """The same in PyTorch."""

    def __init__(self, tensors=None):
        import torch

        self.torch, self.library = torch, f"PyTorch {torch.__version__}"
        torch.manual_seed(1)
        linear = torch.nn.Linear
        self.net = torch.nn.Sequential(linear(*SIZES[:2]), torch.nn.Tanh(), linear(*SIZES[1:]))
        if tensors is not None:
            tensors = {name: torch.from_numpy(tensors[name].copy()) for name in NAMES}
            self.net.load_state_dict(tensors)
        self.optimizer = torch.optim.SGD(self.net.parameters(), LEARNING_RATE, MOMENTUM)

    def outputs(self, inputs):
        with self.torch.no_grad():
            return self.net(self.torch.from_numpy(inputs)).softmax(1).numpy()

    def step(self, inputs, targets):
        from_numpy = self.torch.from_numpy
        logits = self.net(from_numpy(inputs))
        loss = self.torch.nn.functional.cross_entropy(logits, from_numpy(targets))
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def state(self):
        return {name: array.numpy().copy() for name, array in self.net.state_dict().items()}

    def save(self, path):
        from safetensors.torch import save_file

        save_file(self.net.state_dict(), path)


def model(tensors=None):
    return (Numpy if importlib.util.find_spec("torch") is None else Torch)(tensors)


def take_steps(folder, name, net):
    """Writes weights, and what becomes of them."""
    inputs, targets = data()
    net.save(folder / f"{name}.safetensors")
    outputs = net.outputs(inputs)
    losses, after = [], []
    for _ in range(STEPS):
        losses.append(net.step(inputs, targets))
        after.append(np.concatenate([array.ravel() for array in net.state().values()]))
    # Named as layers, so that gradlet can load them.
    tables = {
        "inputs.weight": inputs,
        "targets.weight": targets,
        "outputs.weight": outputs,
        "losses.weight": np.array(losses)[:, None],
        "after.weight": np.array(after),
    }
    tables = {table: np.ascontiguousarray(array, np.float32) for table, array in tables.items()}
    save_file(tables, folder / f"{name}_steps.safetensors")
    moved = np.abs(after[-1] - after[0]).max()
    print(f"{net.library}: loss {losses[0]:.4f} to {losses[-1]:.4f}, weights moved by {moved:.2f}")
    assert losses[-1] < 0.9 * losses[0] and moved > 0.1, "nothing worth comparing"


def begin(folder):
    net = model()
    for _ in range(STEPS // 2):
        net.step(*data())
    # Without what momentum remembers, which no file has.
    take_steps(folder, "first", model(net.state()))


def go_on(folder, before, after):
    written = (folder / f"{before}_written.safetensors").read_bytes()
    tensors = load(written)
    assert save({name: array.copy() for name, array in tensors.items()}) == written, "other bytes"
    steps = load((folder / f"{before}_steps.safetensors").read_bytes())
    flat = np.concatenate([tensors[name].ravel() for name in NAMES])
    off = np.abs(flat - steps["after.weight"][-1]).max()
    assert off <= CLOSE, f"after {STEPS} steps, weights are off by {off}"
    # What gradlet's network says, and what this one says with the same weights.
    said = load((folder / f"{before}_said.safetensors").read_bytes())["outputs.weight"]
    net = model(tensors)
    off_outputs = np.abs(net.outputs(steps["inputs.weight"]) - said).max()
    assert off_outputs <= 5e-7, f"outputs are off by {off_outputs}"
    print(f"after {STEPS} steps, weights differ by {off:.1e}, outputs of the same by {off_outputs:.1e}")
    take_steps(folder, after, net)


if __name__ == "__main__":
    command, folder, *names = sys.argv[1:]
    {"begin": begin, "go_on": go_on}[command](Path(folder), *names)
