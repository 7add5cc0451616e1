"""Does the tasks of the benchmark with Python libraries: `main.rs` starts it, and says what to do.

The only argument is a JSON file with the tasks. The first line of the answer tells which libraries there are;
after that each line of the input asks for something and is answered by a line.
"""

import importlib
import json
import os
import sys
import time
import warnings

# One core and one thread, before any library looks.
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
os.environ["JAX_PLATFORMS"] = "cpu"
for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NPROC"):
    os.environ[variable] = "1"
warnings.filterwarnings("ignore")

import numpy as np  # noqa: E402


class Task:
    """A network and its examples, as arrays."""

    def __init__(self, values):
        inputs, hidden, outputs = self.sizes = values["sizes"]
        self.kind, self.batch = values["kind"], values["batch"]
        self.rate = values["learning_rate"]
        self.x = np.array(values["inputs"], np.float32).reshape(-1, inputs)
        self.target = np.array(values["targets"], np.float32).reshape(-1, outputs)
        numbers, ends = np.array(values["start"], np.float32), [inputs * hidden, hidden, hidden * outputs]
        w1, b1, w2, b2 = np.split(numbers, np.cumsum(ends))
        self.start = [w1.reshape(inputs, hidden), b1, w2.reshape(hidden, outputs), b2]

    def batches(self):
        """The examples, in batches; a single example has one axis less."""
        x, target = (a.reshape(-1, self.batch, a.shape[1]) for a in (self.x, self.target))
        return (x[:, 0], target[:, 0]) if self.batch == 1 else (x, target)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


class NumPy:
    """The derivatives by hand."""

    def __init__(self, task):
        self.task, self.parameters = task, [a.copy() for a in task.start]
        x, target = (a.reshape(-1, task.batch, a.shape[1]) for a in (task.x, task.target))
        self.data = list(zip(x, target))

    def forward(self, x):
        w1, b1, w2, b2 = self.parameters
        z = x @ w1 + b1
        kind = self.task.kind
        h = sigmoid(z) if kind == "Sigmoid" else np.tanh(z) if kind == "TanhSigmoid" else np.maximum(z, 0)
        return h, h @ w2 + b2

    def step(self, x, target):
        h, z = self.forward(x)
        kind = self.task.kind
        if kind == "ReluSoftmax":
            z -= z.max(axis=1, keepdims=True)
            y = np.exp(z)
            total = y.sum(axis=1, keepdims=True)
            y /= total
            loss = (np.log(total) - (z * target).sum(axis=1, keepdims=True)).sum()
        elif kind == "TanhSigmoid":
            y = sigmoid(z)
            loss = (np.maximum(z, 0) - z * target + np.log1p(np.exp(-np.abs(z)))).sum()
        else:
            y = sigmoid(z)
            loss = 0.5 * ((y - target) ** 2).sum()
        d2 = y - target
        if kind == "Sigmoid":
            d2 *= y * (1 - y)
        d1 = d2 @ self.parameters[2].T
        d1 *= h * (1 - h) if kind == "Sigmoid" else 1 - h * h if kind == "TanhSigmoid" else h > 0
        rate = np.float32(self.task.rate / self.task.batch)
        for parameter, gradient in zip(self.parameters, (x.T @ d1, d1.sum(axis=0), h.T @ d2, d2.sum(axis=0))):
            parameter -= rate * gradient
        return loss

    def train(self, epochs):
        for _ in range(epochs):
            for x, target in self.data:
                self.step(x, target)

    def infer(self, epochs):
        for _ in range(epochs):
            for x, _ in self.data:
                _, z = self.forward(x)
                if self.task.kind == "ReluSoftmax":
                    y = np.exp(z - z.max(axis=1, keepdims=True))
                    y /= y.sum(axis=1, keepdims=True)
                else:
                    sigmoid(z)

    def weights(self):
        return self.parameters


class Jax:
    """All steps in one compiled loop."""

    def __init__(self, task):
        import jax
        from jax import lax, nn
        from jax import numpy as jnp

        self.jax, self.parameters = jax, [jnp.array(a) for a in task.start]
        x, target = (jnp.array(a) for a in task.batches())
        count = x.shape[0]
        hidden = {"Sigmoid": nn.sigmoid, "TanhSigmoid": jnp.tanh, "ReluSoftmax": nn.relu}[task.kind]

        def forward(parameters, x):
            w1, b1, w2, b2 = parameters
            return hidden(x @ w1 + b1) @ w2 + b2

        def loss(parameters, x, target):
            z = forward(parameters, x)
            if task.kind == "Sigmoid":
                losses = 0.5 * (nn.sigmoid(z) - target) ** 2
            elif task.kind == "TanhSigmoid":
                losses = jnp.maximum(z, 0) - z * target + jnp.log1p(jnp.exp(-jnp.abs(z)))
            else:
                losses = -target * nn.log_softmax(z)
            return losses.sum() / task.batch

        def step(i, state):
            parameters, total = state
            value, gradients = jax.value_and_grad(loss)(parameters, x[i % count], target[i % count])
            return [p - task.rate * g for p, g in zip(parameters, gradients)], total + value

        def inference(i, state):
            # Without the barrier, the output for an only batch would be computed once, before the loop.
            one, total = lax.optimization_barrier((x[i % count], state[1]))
            z = forward(state[0], one)
            return state[0], total + (nn.softmax(z) if task.kind == "ReluSoftmax" else nn.sigmoid(z))

        self.step = jax.jit(lambda p, epochs: lax.fori_loop(0, epochs * count, step, (p, 0.0)))
        nothing = jnp.zeros_like(target[0])
        self.inference = jax.jit(lambda p, epochs: lax.fori_loop(0, epochs * count, inference, (p, nothing)))
        # Compiles both.
        self.train(0)
        self.infer(0)

    def train(self, epochs):
        self.parameters = self.jax.block_until_ready(self.step(self.parameters, epochs))[0]

    def infer(self, epochs):
        self.jax.block_until_ready(self.inference(self.parameters, epochs))

    def weights(self):
        return [np.asarray(a) for a in self.parameters]


class PyTorch:
    """Layers and optimizer of the library, eager, one thread."""

    def __init__(self, task):
        import torch
        from torch import nn

        torch.set_num_threads(1)
        self.torch, self.task = torch, task
        inputs, hidden, outputs = task.sizes
        activation = {"Sigmoid": nn.Sigmoid, "TanhSigmoid": nn.Tanh, "ReluSoftmax": nn.ReLU}[task.kind]
        self.net = nn.Sequential(nn.Linear(inputs, hidden), activation(), nn.Linear(hidden, outputs))
        with torch.no_grad():
            for parameter, value in zip(self.net.parameters(), task.start):
                parameter.copy_(torch.tensor(value.T))
        self.sgd = torch.optim.SGD(self.net.parameters(), lr=task.rate)
        loss = {"Sigmoid": nn.MSELoss, "TanhSigmoid": nn.BCEWithLogitsLoss, "ReluSoftmax": nn.CrossEntropyLoss}
        self.loss = loss[task.kind](reduction="sum")
        self.factor = (0.5 if task.kind == "Sigmoid" else 1.0) / task.batch
        self.data = [(torch.tensor(x), torch.tensor(target)) for x, target in zip(*task.batches())]

    def train(self, epochs):
        for _ in range(epochs):
            for x, target in self.data:
                y = self.net(x)
                if self.task.kind == "Sigmoid":
                    y = self.torch.sigmoid(y)
                loss = self.loss(y, target) * self.factor
                self.sgd.zero_grad()
                loss.backward()
                self.sgd.step()

    def infer(self, epochs):
        with self.torch.inference_mode():
            for _ in range(epochs):
                for x, _ in self.data:
                    y = self.net(x)
                    if self.task.kind == "ReluSoftmax":
                        self.torch.softmax(y, -1)
                    else:
                        self.torch.sigmoid(y)

    def weights(self):
        return [a.detach().numpy().T for a in self.net.parameters()]


class ScikitLearn:
    """`MLPClassifier`, which has no half squared error."""

    def __init__(self, task):
        from sklearn.neural_network import MLPClassifier

        if task.kind == "Sigmoid":
            raise NotImplementedError
        self.x = task.x.reshape(-1, task.batch, task.sizes[0])
        self.data = task.x, task.target.astype(int) if task.kind == "TanhSigmoid" else task.target.argmax(axis=1)
        self.net = MLPClassifier(
            (task.sizes[1],), activation="tanh" if task.kind == "TanhSigmoid" else "relu", solver="sgd", alpha=0,
            batch_size=task.batch, learning_rate_init=task.rate, shuffle=False, momentum=0,
            nesterovs_momentum=False, warm_start=True, n_iter_no_change=10**9, max_iter=1)
        self.net.fit(*self.data)
        w1, b1, w2, b2 = (a.copy() for a in task.start)
        self.net.coefs_, self.net.intercepts_ = [w1, w2], [b1, b2]

    def train(self, epochs):
        self.net.set_params(max_iter=epochs).fit(*self.data)

    def infer(self, epochs):
        for _ in range(epochs):
            for x in self.x:
                self.net.predict_proba(x)

    def weights(self):
        (w1, w2), (b1, b2) = self.net.coefs_, self.net.intercepts_
        return [w1, b1, w2, b2]


def main():
    with open(sys.argv[1]) as file:
        tasks = {name: Task(values) for name, values in json.load(file).items()}
    peers, missing, running = {}, [], {}
    for name, module, peer in (("JAX", "jax", Jax), ("NumPy by hand", "numpy", NumPy),
                               ("PyTorch", "torch", PyTorch), ("scikit-learn", "sklearn", ScikitLearn)):
        try:
            importlib.import_module(module)
            peers[name] = peer
        except (ImportError, OSError) as error:
            missing.append(f"{name} is left out: {error}")
    print(json.dumps({"peers": list(peers), "missing": missing}), flush=True)
    for line in sys.stdin:
        task, name, action, epochs = line.rstrip("\n").split("\t")
        try:
            if (task, name) not in running or action == "restart":
                running[task, name] = peers[name](tasks[task])
            peer = running[task, name]
        except NotImplementedError:
            print("-", flush=True)
            continue
        if action == "weights":
            print(json.dumps(np.concatenate([a.ravel() for a in peer.weights()]).tolist()), flush=True)
            continue
        start = time.process_time()  # of all threads, and other processes do not change it
        if action != "restart":
            getattr(peer, action)(int(epochs))
        print(time.process_time() - start, flush=True)


main()
