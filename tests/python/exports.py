"""Trains models in scikit-learn, Keras and PyTorch, as far as they are installed, and exports them, for
`tests/exports.rs`.

    python3 tests/python/exports.py FOLDER

writes for each model NAME.safetensors, NAME.rs (the Rust that loads it), and NAME_cases.safetensors:
inputs, and what the model says to them.
"""

import importlib.util
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "examples" / "python"))
import numpy as np
from export import export, load
from safetensors.numpy import save_file

CASES = 16


def write(folder, name, model, inputs, predict, f64=False):
    source = export(model, folder / f"{name}.safetensors", f64)
    (folder / f"{name}.rs").write_text(source)
    number = np.float64 if f64 else np.float32
    inputs = np.ascontiguousarray(inputs[:CASES], number)
    outputs = np.asarray(predict(inputs), number).reshape(CASES, -1)
    # Named as layers, so that gradlet can load them.
    cases = {"inputs.weight": inputs, "outputs.weight": np.ascontiguousarray(outputs)}
    save_file(cases, folder / f"{name}_cases.safetensors")
    print(source, end="")


def sklearn_models(folder):
    import joblib
    from sklearn.datasets import load_iris
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    x, y = load_iris(return_X_y=True)
    x = (x - x.mean(0)) / x.std(0)
    order = np.random.default_rng(1).permutation(len(x))
    x, y = x[order], y[order]
    options = {"max_iter": 2000, "random_state": 1}

    # By way of its file, as from the command line.
    model = MLPClassifier(hidden_layer_sizes=(8,), activation="relu", **options).fit(x, y)
    with tempfile.TemporaryDirectory() as away:
        joblib.dump(model, Path(away) / "model.joblib")
        model = load(Path(away) / "model.joblib")
    write(folder, "sklearn_classes", model, x, model.predict_proba)

    model = MLPClassifier(
        hidden_layer_sizes=(5, 3), activation="logistic", solver="lbfgs", **options
    )
    model.fit(x, y == 1)
    yes = lambda x: model.predict_proba(x)[:, 1]
    write(folder, "sklearn_yes_or_no", model, x, yes)

    model = MLPRegressor(hidden_layer_sizes=(6,), activation="tanh", solver="lbfgs", **options)
    model.fit(x[:, :3], x[:, 3])
    write(folder, "sklearn_regression", model, x[:, :3], model.predict, f64=True)


def keras_models(folder):
    if importlib.util.find_spec("tensorflow") is None:
        os.environ.setdefault("KERAS_BACKEND", "torch")
    import keras
    from keras import layers

    keras.utils.set_random_seed(1)
    x = np.random.default_rng(1).standard_normal((256, 3)).astype(np.float32)
    y = (x[:, 0] * x[:, 1] > 0).astype(np.int32)
    model = keras.Sequential(
        [
            layers.Input((3,)),
            layers.Dense(6, activation="gelu"),
            layers.Dropout(0.1),
            layers.Dense(5, use_bias=False),
            layers.LeakyReLU(negative_slope=0.25),
            layers.Dense(4, activation="leaky_relu"),
            layers.Dense(2),
            layers.Softmax(),
        ]
    )
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
    model.fit(x, y, epochs=5, verbose=0)
    with tempfile.TemporaryDirectory() as away:
        model.save(Path(away) / "model.keras")
        model = load(Path(away) / "model.keras")
    write(folder, "keras", model, x, lambda x: model.predict(x, verbose=0))


def torch_models(folder):
    import torch
    from torch import nn

    torch.manual_seed(1)
    model = nn.Sequential(
        nn.Linear(3, 6), nn.SiLU(), nn.Dropout(), nn.Linear(6, 5), nn.ELU(), nn.Linear(5, 2)
    )
    model.eval()
    x = np.random.default_rng(1).standard_normal((CASES, 3)).astype(np.float32)
    write(folder, "torch", model, x, lambda x: model(torch.from_numpy(x)).detach().numpy())


def main():
    folder = Path(sys.argv[1])
    models = {"sklearn": sklearn_models, "keras": keras_models, "torch": torch_models}
    for library, function in models.items():
        if importlib.util.find_spec(library) is None:
            print(f"{library} is not installed")
        else:
            function(folder)


if __name__ == "__main__":
    main()
