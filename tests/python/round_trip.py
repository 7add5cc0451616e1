"""Trains networks in PyTorch, in turns with `tests/library/round_trip.rs`.

    python3 tests/python/round_trip.py begin FOLDER
    python3 tests/python/round_trip.py go_on FOLDER FROM [TO]
    python3 tests/python/round_trip.py load FOLDER

There are a dense network, two with convolutions and two with recurrent layers, each with a folder of
its own in FOLDER. `begin` writes first.safetensors, the weights, and first_steps.safetensors: 100 steps
of training from there. gradlet loads the weights, takes the same steps, compares each, and writes
first_written.safetensors. `go_on` with `first second` loads that, checks that it is where these steps ended and that the Python
library would write the same bytes, and does from there what `begin` does, under the name `second`;
without a second name it only checks. `load` loads saved.safetensors, which gradlet wrote, and compares
what the network answers with saved_cases.safetensors.

Without PyTorch, numpy trains the dense network by the same rule, and the others are skipped; the saved
network is that of `examples/python/export.py`.
"""

import importlib.util
import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import load, save, save_file

EXAMPLES = 24
STEPS = 100
LEARNING_RATE = 0.1
MOMENTUM = 0.9
# The same as in `tests/library/round_trip.rs`, relative to the largest number of a table.
CLOSE = 1e-6
# How far inputs of ReLU are from 0 and maxima from the next number, at least.
MARGIN = 2e-6
# How far the same steps in 64 bits or with sums in another order go elsewhere, at most: errors of
# rounding can grow from step to step.
GROWN = CLOSE / 2


def signs(numbers):
    """Whether the first two inputs have the same sign; the third says nothing."""
    inputs = numbers.uniform(-1, 1, (EXAMPLES, 3))
    return inputs, (inputs[:, 0] * inputs[:, 1] > 0).astype(int)


def patterns(*shape, classes=3):
    """A pattern for each class, in noise."""

    def examples(numbers):
        which = np.arange(EXAMPLES) % classes
        noise = numbers.uniform(-0.5, 0.5, (EXAMPLES, *shape))
        return numbers.uniform(-0.25, 0.25, (classes, *shape))[which] + noise, which

    return examples


def waves(numbers):
    """Sequences of two channels, with a frequency for each class, in noise."""
    which = np.arange(EXAMPLES) % 3
    phases = numbers.uniform(0, 2 * np.pi, (EXAMPLES, 1, 1)) + [[[0], [np.pi / 2]]]
    angles = phases + (which[:, None, None] + 1) * np.pi / 4 * np.arange(9)
    return np.sin(angles) + numbers.uniform(-0.25, 0.25, angles.shape), which


# Data, in PyTorch's order (channels first), and layers of torch.nn by name.
NETS = {
    "dense": (signs, [("Linear", 3, 4), ("Tanh",), ("Linear", 4, 2)]),
    "conv1d": (
        patterns(3, 16),
        [
            ("Conv1d", 3, 6, 3, 1, "same"),
            ("ReLU",),
            ("MaxPool1d", 2),
            ("Conv1d", 6, 5, 3),
            ("Tanh",),
            ("AdaptiveAvgPool1d", 1),
            ("Flatten",),
            ("Linear", 5, 3),
        ],
    ),
    "conv2d": (
        patterns(2, 6, 8),
        [
            ("Conv2d", 2, 4, 3, 1, "same"),
            ("ReLU",),
            ("MaxPool2d", 2),
            # Here PyTorch puts channels first, unlike gradlet's arrays.
            ("Flatten",),
            ("Linear", 48, 3),
        ],
    ),
    "gru": (
        waves,
        [
            ("ChannelsLast",),
            ("GRU", 2, 5, 1, True, True),
            ("LastStep",),
            ("Linear", 5, 3),
        ],
    ),
    "lstm": (
        waves,
        [
            ("ChannelsLast",),
            # In both directions.
            ("LSTM", 2, 4, 1, True, True, 0, True),
            ("LastStates",),
            ("Linear", 8, 3),
        ],
    ),
}


class Numpy:
    """3-4-2: tanh, softmax and cross-entropy, whole batches, gradient descent with momentum."""

    margin = np.inf
    library = f"numpy {np.__version__}"

    def __init__(self, _, tensors=None, number=np.float32):
        numbers = np.random.default_rng(1)
        if tensors is None:
            tensors = {
                "0.weight": numbers.uniform(-1, 1, (4, 3)),
                "0.bias": np.zeros(4),
                "2.weight": numbers.uniform(-1, 1, (2, 4)),
                "2.bias": np.zeros(2),
            }
        self.tensors = {name: array.astype(number) for name, array in tensors.items()}
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
        for name, gradient in gradients.items():
            self.velocity[name] = np.float32(MOMENTUM) * self.velocity[name] + gradient
            self.tensors[name] = self.tensors[name] - np.float32(LEARNING_RATE) * self.velocity[name]
        return loss

    def state(self):
        return {name: array.copy() for name, array in self.tensors.items()}

    def save(self, path):
        save_file(self.tensors, path)


def leads(x):
    """By how much the largest of each window of 2 (or 2 x 2) is larger than the next, unless it is 0."""
    dimensions = range(2, x.dim())
    for dimension in dimensions:
        x = x.unfold(dimension, 2, 2)
    first, second = x.flatten(2 + len(dimensions)).topk(2).values.unbind(-1)
    return (first - second)[first > 0]


def own_layers(torch):
    """Those that torch.nn lacks, by name: what is done between recurrent layers and others."""

    def layer(forward):
        return type("Layer", (torch.nn.Module,), {"forward": lambda _, x: forward(x)})

    return {
        "ChannelsLast": layer(lambda x: x.transpose(1, 2)),
        "LastStates": layer(lambda pair: torch.cat([*pair[1][0]], 1)),
        "LastStep": layer(lambda pair: pair[0][:, -1]),
    }


class Torch:
    """The same in PyTorch, for any layers."""

    def __init__(self, layers, tensors=None, number=np.float32):
        import torch

        # More of them wait for each other most of the time.
        torch.set_num_threads(1)
        self.torch, self.library = torch, f"PyTorch {torch.__version__}"
        torch.manual_seed(1)
        kinds = {**vars(torch.nn), **own_layers(torch)}
        layers = [kinds[layer](*sizes) for layer, *sizes in layers]
        self.net = torch.nn.Sequential(*layers)
        if tensors is not None:
            tensors = {name: torch.from_numpy(array.copy()) for name, array in tensors.items()}
            self.net.load_state_dict(tensors)
        self.number = number
        self.net.to(torch.float64 if number == np.float64 else torch.float32)
        self.optimizer = torch.optim.SGD(self.net.parameters(), LEARNING_RATE, MOMENTUM)
        # The smallest distance to where rounding decides which way a derivative goes.
        self.margin = np.inf
        for layer in self.net:
            if isinstance(layer, torch.nn.ReLU):
                layer.register_forward_hook(lambda _, inputs, __: self.decides(inputs[0].abs()))
            elif isinstance(layer, (torch.nn.MaxPool1d, torch.nn.MaxPool2d)):
                layer.register_forward_hook(lambda _, inputs, __: self.decides(leads(inputs[0])))

    def decides(self, margins):
        self.margin = min(self.margin, margins.min().item())

    def outputs(self, inputs):
        with self.torch.no_grad():
            return self.net(self.torch.from_numpy(inputs)).softmax(1).numpy()

    def step(self, inputs, targets):
        from_numpy = lambda array: self.torch.from_numpy(array.astype(self.number))
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


HAS_TORCH = importlib.util.find_spec("torch") is not None
model = Torch if HAS_TORCH else Numpy


def nets(folder):
    """Folder, data and layers of each network that can be trained here."""
    if not HAS_TORCH:
        print("no PyTorch here: numpy trains the dense network, the others are skipped")
    for name, net in NETS.items():
        if HAS_TORCH or name == "dense":
            yield folder / name, *net


def in_order_of_file(tensors):
    """All weights, as they follow each other in a file."""
    tensors = {name: np.ascontiguousarray(array, np.float32) for name, array in tensors.items()}
    file = save(tensors)
    return np.frombuffer(file[8 + int.from_bytes(file[:8], "little") :], np.float32)


def distance(got, want):
    """The largest difference, relative to the largest number."""
    return np.abs(got - want).max() / np.abs(want).max()


def take_steps(folder, name, examples, layers, tensors):
    """Writes weights, and what becomes of them. There are new data in each turn, drawn again until the
    two libraries have to take the same branches, whatever the rounding, and its errors remain small."""
    for seed in range(1000):
        inputs, classes = examples(np.random.default_rng([seed, *name.encode()]))
        inputs = inputs.astype(np.float32)
        targets = np.eye(classes.max() + 1, dtype=np.float32)[classes]
        # What momentum remembers is in no file.
        net, other = model(layers, tensors), model(layers, tensors)
        exact = model(layers, tensors, np.float64)
        outputs = net.outputs(inputs)
        losses, after, grown = [], [in_order_of_file(net.state())], 0
        for _ in range(STEPS):
            losses.append(net.step(inputs, targets))
            after.append(in_order_of_file(net.state()))
            exact.step(inputs, targets)
            other.step(inputs[::-1].copy(), targets[::-1].copy())
            for same in exact, other:
                grown = max(grown, distance(after[-1], in_order_of_file(same.state())))
        if net.margin > MARGIN and grown <= GROWN and losses[-1] < 0.9 * losses[0]:
            break
    else:
        raise AssertionError(f"{folder.name}: data always come to where rounding decides")
    model(layers, tensors).save(folder / f"{name}.safetensors")
    tables = {
        # gradlet's arrays have the channels last.
        "inputs": np.moveaxis(inputs, 1, -1),
        "targets": targets,
        "outputs": outputs,
        "losses": losses,
        "after": after[1:],
    }
    tables = {table: np.ascontiguousarray(array, np.float32) for table, array in tables.items()}
    save_file(tables, folder / f"{name}_steps.safetensors")
    moved = np.abs(after[-1] - after[0]).max()
    print(
        f"{folder.name} in {net.library}: loss {losses[0]:.4f} to {losses[-1]:.4f}, "
        f"weights moved by {moved:.2f}, draw {seed}"
    )
    assert losses[-1] < 0.9 * losses[0] and moved > 0.1, "nothing worth comparing"


def begin(folder):
    for folder, examples, layers in nets(folder):
        folder.mkdir()
        take_steps(folder, "first", examples, layers, model(layers).state())


def go_on(folder, before, after=None):
    for folder, examples, layers in nets(folder):
        written = (folder / f"{before}_written.safetensors").read_bytes()
        tensors = load(written)
        assert save({key: array.copy() for key, array in tensors.items()}) == written, "other bytes"
        steps = load((folder / f"{before}_steps.safetensors").read_bytes())
        off = distance(in_order_of_file(tensors), steps["after"][-1])
        assert off <= CLOSE, f"{folder.name}: after {STEPS} steps, weights are off by {off}"
        # What gradlet's network says, and what this one says with the same weights.
        said = load((folder / f"{before}_said.safetensors").read_bytes())["outputs"]
        inputs = np.ascontiguousarray(np.moveaxis(steps["inputs"], -1, 1))
        off_outputs = distance(said, model(layers, tensors).outputs(inputs))
        assert off_outputs <= CLOSE, f"{folder.name}: outputs are off by {off_outputs}"
        print(
            f"{folder.name}: after {STEPS} steps, weights differ by {off:.1e}, "
            f"outputs of the same weights by {off_outputs:.1e}"
        )
        if after:
            take_steps(folder, after, examples, layers, tensors)


def saved_in_torch(tensors, x):
    """What PyTorch answers with these weights; they must be all of its own, and no others."""
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.gru = nn.GRU(2, 3, num_layers=2, bidirectional=True, batch_first=True)
            self.norm = nn.LayerNorm(6)
            self.lstm = nn.LSTM(6, 4, num_layers=2, batch_first=True)
            self.rnn = nn.RNN(4, 3, bidirectional=True, batch_first=True)
            self.head = nn.Linear(6, 3)

        def forward(self, x):
            y, _ = self.lstm(self.norm(self.gru(x)[0]))
            _, h = self.rnn(y)
            return self.head(torch.cat((h[-2], h[-1]), 1))

    net = Net()
    state = {name: torch.from_numpy(array.copy()) for name, array in tensors.items()}
    net.load_state_dict(state, strict=True)
    with torch.no_grad():
        return net(torch.from_numpy(x)).numpy()


def saved_in_numpy(tensors, x):
    """The same by the functions that check an export."""
    sys.path.insert(0, str(Path(__file__).parents[2] / "examples" / "python"))
    from export import Network, forward
    from export_steps import Dense, LayerNorm, Recurrent

    unused = dict(tensors)

    def recurrent(name, kind, number, both, all=True):
        parts = "weight_ih", "weight_hh", "bias_ih", "bias_hh"
        ends = [f"l{number}{end}" for end in ("", "_reverse")[: 1 + both]]
        directions = [tuple(unused.pop(f"{name}.{part}_{end}") for part in parts) for end in ends]
        return Recurrent(name, name, kind, directions, all=all, number=number)

    def pair(name):
        return unused.pop(f"{name}.weight"), unused.pop(f"{name}.bias")

    layers = [
        *(recurrent("gru", "Gru", number, both=True) for number in range(2)),
        LayerNorm("norm", "norm", *pair("norm"), 1e-5),
        *(recurrent("lstm", "Lstm", number, both=False) for number in range(2)),
        recurrent("rnn", "Rnn", 0, both=True, all=False),
        Dense("head", "head", *pair("head")),
    ]
    assert not unused, f"more than is needed: {unused.keys()}"
    return forward(Network(layers), tensors, x, 0)[0]


def load_saved(folder):
    tensors, cases = (load((folder / f"{name}.safetensors").read_bytes()) for name in
                      ("saved", "saved_cases"))
    answers = (saved_in_torch if HAS_TORCH else saved_in_numpy)(tensors, cases["inputs"])
    off = distance(answers, cases["outputs"])
    assert off <= CLOSE, f"the outputs of the saved network are off by {off}"
    assert np.ptp(answers, 0).min() > 1e4 * CLOSE, f"outputs hardly differ: {answers}"
    library = "PyTorch" if HAS_TORCH else "numpy"
    print(f"{len(tensors)} saved tensors in {library}: outputs differ by {off:.1e}")


if __name__ == "__main__":
    command, folder, *names = sys.argv[1:]
    {"begin": begin, "go_on": go_on, "load": load_saved}[command](Path(folder), *names)
