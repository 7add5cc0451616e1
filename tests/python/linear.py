"""Least squares by numpy, for `tests/linear.rs`.

    python3 tests/python/linear.py > tests/golden/linear.json

The weights of the polynomial, which is badly conditioned, are those of exact fractions.
"""

import gzip
import json
from fractions import Fraction
from pathlib import Path

import numpy as np

DATA = Path(__file__).parents[2] / "examples" / "data"
rng = np.random.default_rng(7)


def layer(w, b):
    """Weights by outputs."""
    return {"w": w.T.tolist(), "b": b.tolist()}


def centred(x, t):
    means = x.mean(axis=0), t.mean(axis=0)
    w = np.linalg.lstsq(x - means[0], t - means[1], rcond=None)[0]
    return w, means[1] - means[0] @ w


def case(x, t):
    w, b = centred(x, t)
    error = ((x @ w + b - t) ** 2).mean(axis=0)
    return {"x": x.tolist(), "t": t.tolist(), **layer(w, b), "error": error.tolist()}


def numbers(rows, columns, offset=0.0):
    return np.round(rng.normal(size=(rows, columns)) + offset, 3)


def full_rank(rows, inputs, outputs, offset):
    x = numbers(rows, inputs, offset)
    return x, np.round(x @ numbers(inputs, outputs) + numbers(rows, outputs), 3)


def regularised(x, t, regularisation, forgetting, w, b):
    """With the bias as one input more, from the layer w, b."""
    phi = np.hstack([x, np.ones((len(x), 1))])
    start = np.vstack([w, b])
    weights = np.sqrt(forgetting ** np.arange(len(x) - 1, -1, -1.0))[:, None]
    strength = np.sqrt(forgetting ** len(x) * regularisation)
    rows = np.vstack([phi * weights, strength * np.eye(len(start))])
    targets = np.vstack([t * weights, strength * start])
    answer = np.linalg.lstsq(rows, targets, rcond=None)[0]
    return {
        "x": x.tolist(), "t": t.tolist(), "regularisation": regularisation,
        "forgetting": forgetting, "start": layer(w, b), **layer(answer[:-1], answer[-1]),
    }


def exactly(x, t):
    """The normal equations of [x, 1] in fractions."""
    rows = [[Fraction(v) for v in row] + [Fraction(1)] for row in x.tolist()]
    targets = [Fraction(v) for v in t[:, 0].tolist()]
    n = len(rows[0])
    a = [[sum(r[i] * r[j] for r in rows) for j in range(n)] for i in range(n)]
    for i in range(n):
        a[i].append(sum(r[i] * v for r, v in zip(rows, targets)))
    for i in range(n):
        a[i] = [v / a[i][i] for v in a[i]]
        for j in range(n):
            if j != i:
                a[j] = [v - a[j][i] * p for v, p in zip(a[j], a[i])]
    answer = np.array([[float(row[-1])] for row in a])
    return answer[:-1], answer[-1]


def polynomial():
    s = np.arange(1, 33) / 32
    x = s[:, None] ** np.arange(1, 9)
    t = np.round(np.sin(4 * s), 4)[:, None]
    w, b = exactly(x, t)
    c, d = x - x.mean(axis=0), t - t.mean(axis=0)
    normal = np.linalg.solve(c.T @ c, c.T @ d)
    off = lambda other: float(np.abs(other - w).max() / np.abs(w).max())
    return {
        "x": x.tolist(), "t": t.tolist(), **layer(w, b), "condition": float(np.linalg.cond(c)),
        "numpy_is_off_by": off(centred(x, t)[0]), "normal_equations_are_off_by": off(normal),
    }


def digits():
    """1797 pictures of 64 pixels, some of which are never lit; 1 for the right digit, else 0."""
    read = lambda name: gzip.decompress((DATA / f"digits8x8-{name}-ubyte.gz").read_bytes())
    x = np.frombuffer(read("images-idx3")[16:], np.uint8).reshape(-1, 64).astype(np.float64)
    t = np.eye(10)[np.frombuffer(read("labels-idx1")[8:], np.uint8)]
    w, b = centred(x, t)
    right = int(((x @ w + b).argmax(axis=1) == t.argmax(axis=1)).sum())
    return {**layer(w, b), "right": right, "rank": int(np.linalg.matrix_rank(x - x.mean(axis=0)))}


def main():
    one = full_rank(20, 4, 1, 3.0)
    several = full_rank(25, 3, 4, -1.0)
    x, t = full_rank(16, 3, 2, 1.0)
    nothing = np.zeros((3, 4)), np.zeros(4)
    start = numbers(3, 4), numbers(1, 4)[0]
    cases = {
        "id": "linear",
        "how": f"numpy {np.__version__}, tests/python/linear.py",
        "full_rank": {"one_output": case(*one), "several_outputs": case(*several)},
        "polynomial": polynomial(),
        "minimum_norm": {
            "duplicate": case(x[:, [0, 1, 0, 2]], t),
            "constant": case(np.insert(x, 1, 2.5, axis=1), t),
            "sum": case(np.hstack([x, x[:, :1] + x[:, 1:2]]), t),
            "few_examples": case(numbers(4, 7, 0.5), numbers(4, 2)),
            "one_example": case(numbers(1, 3), numbers(1, 2)),
        },
        "recursive": {
            "ridge": regularised(*several, 0.5, 1.0, *nothing),
            "from_a_layer": regularised(*several, 2.0, 1.0, *start),
            "forgetting": regularised(*several, 0.5, 0.9, *start),
        },
        "digits": digits(),
    }
    # One row a line.
    text = json.dumps(cases, indent=1)
    print(compact(text))


def compact(text):
    lines, inside = [], []
    for line in text.splitlines():
        number = line.strip().rstrip(",")
        if number.lstrip("-").replace(".", "").replace("e-", "").replace("e+", "").isdigit():
            inside.append(line.strip())
        else:
            if inside:
                lines[-1] += " ".join(inside) + line.strip()
                inside = []
            else:
                lines.append(line)
    return "\n".join(lines)


main()
