"""Exports models of scikit-learn, Keras and PyTorch, as far as these are installed, for
`tests/library/exports.rs`.

    python3 tests/python/exports.py FOLDER

writes for each model NAME.safetensors, NAME.rs (the Rust that loads it), and
NAME_cases.safetensors: inputs, and what the model predicts for them. Models without a counterpart
in gradlet must be refused with a message that names the place and the reason, and nothing written.
"""

import importlib.util
import os
import sys
import tempfile
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "examples" / "python"))
import numpy as np
from export import NotPossible, export, load
from safetensors.numpy import load_file, save_file

CASES = 16


def write(folder, name, model, inputs, predict, f64=False, shape=None):
    source = export(model, folder / f"{name}.safetensors", f64, shape)
    (folder / f"{name}.rs").write_text(source)
    number = np.float64 if f64 else np.float32
    inputs = np.ascontiguousarray(inputs[:CASES], number)
    outputs = np.asarray(predict(inputs), number).reshape(CASES, -1)
    inputs = inputs.reshape(CASES, -1)
    # Named as layers, so that gradlet can load them.
    cases = {"inputs.weight": inputs, "outputs.weight": np.ascontiguousarray(outputs)}
    save_file(cases, folder / f"{name}_cases.safetensors")
    print(source, end="")


def accepted(model, *parts, f64=False, shape=None):
    """Exported, with all of the parts in the Rust; returns the tensors."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.safetensors"
        source = export(model, path, f64, shape)
        for part in parts:
            assert part in source, f"no {part!r} in {source}"
        assert os.listdir(folder) == [path.name]
        return load_file(path)


def refused(model, *parts, shape=None):
    """Not exported, with all of the parts in the message, and a file that was there stays."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.safetensors"
        path.write_bytes(b"before")
        try:
            source = export(model, path, shape=shape)
        except NotPossible as reason:
            for part in parts:
                assert part in str(reason), f"no {part!r} in {reason}"
            print(f"refused: {reason}")
        else:
            raise AssertionError(f"exported as {source}")
        assert os.listdir(folder) == [path.name] and path.read_bytes() == b"before"


# ---- scikit-learn --------------------------------------------------------------------------------


def flowers():
    from sklearn.datasets import load_iris

    x, y = load_iris(return_X_y=True)
    order = np.random.default_rng(1).permutation(len(x))
    return x[order], y[order]


OPTIONS = {"max_iter": 2000, "random_state": 1}


def sklearn_models(folder):
    import joblib
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MinMaxScaler, StandardScaler

    raw, y = flowers()
    x = (raw - raw.mean(0)) / raw.std(0)

    # By way of its file, as from the command line.
    model = MLPClassifier(hidden_layer_sizes=(8,), activation="relu", **OPTIONS).fit(x, y)
    with tempfile.TemporaryDirectory() as away:
        joblib.dump(model, Path(away) / "model.joblib")
        model = load(Path(away) / "model.joblib")
    write(folder, "sklearn_classes", model, x, model.predict_proba)

    model = MLPClassifier(
        hidden_layer_sizes=(5, 3), activation="logistic", solver="lbfgs", **OPTIONS
    )
    model.fit(x, y == 1)
    yes = lambda x: model.predict_proba(x)[:, 1]
    write(folder, "sklearn_yes_or_no", model, x, yes)

    model = MLPRegressor(hidden_layer_sizes=(6,), activation="tanh", solver="lbfgs", **OPTIONS)
    model.fit(x[:, :3], x[:, 3])
    write(folder, "sklearn_regression", model, x[:, :3], model.predict, f64=True)

    # Labels that do not come in the order of their numbers.
    model = make_pipeline(StandardScaler(), MLPClassifier(hidden_layer_sizes=(8,), **OPTIONS))
    model.fit(raw, np.array(["versicolor", "virginica", "a \"quoted\\\nname"])[y])
    write(folder, "sklearn_pipeline", model, raw, model.predict_proba)

    # Two targets in units of their own, and inputs that are too far from 0 for folding.
    model = TransformedTargetRegressor(
        MLPRegressor(hidden_layer_sizes=(6,), **OPTIONS), transformer=StandardScaler()
    )
    model = make_pipeline(MinMaxScaler((-1, 1)), model)
    far = raw[:, :2] + [1000, 0]
    model.fit(far, 10 * raw[:, 2:] + 3)
    write(folder, "sklearn_scaling", model, far, lambda x: model.predict(x.astype(float)))

    sklearn_pipelines(raw, y)
    sklearn_refusals(raw, y)


def sklearn_pipelines(x, y):
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler

    few = {"hidden_layer_sizes": (4,), "max_iter": 20, "random_state": 1}
    scalers = [
        MaxAbsScaler(),
        RobustScaler(),
        RobustScaler(with_centering=False),
        RobustScaler(with_scaling=False),
        StandardScaler(with_mean=False),
        StandardScaler(with_std=False),
        "passthrough",
    ]
    for scaler in scalers:
        model = make_pipeline(MinMaxScaler(), scaler, MLPClassifier(**few)).fit(x, y)
        accepted(model, "Mlp<4, 4, 3, Relu, Softmax>")
        accepted(model, "Mlp<4, 4, 3, Relu, Softmax, f64>", f64=True)
    model = make_pipeline(StandardScaler(with_mean=False), MLPRegressor(**few)).fit(x, x[:, 0])
    accepted(model, "Mlp<4, 4, 1, Relu, Identity>")
    constant = np.hstack([x, np.full((len(x), 1), 7.0)])
    accepted(make_pipeline(StandardScaler(), MLPClassifier(**few)).fit(constant, y))
    accepted(TransformedTargetRegressor(MLPRegressor(**few)).fit(x, x[:, 0]), "1, Relu, Identity>")
    # 30, 10, 20 come out as 10, 20, 30.
    model = MLPClassifier(**few).fit(x, np.array([30, 10, 20])[y])
    accepted(model, '[&str; 3] = ["10", "20", "30"];')
    accepted(MLPClassifier(**few).fit(x, y == 1), '["False", "True"]', "probability of the second")
    model = MLPClassifier(**few).fit(x, np.stack([y == 0, y == 1], 1))
    accepted(model, "Mlp<4, 4, 2, Relu, Sigmoid>", '["label 0", "label 1"]')
    accepted(MLPClassifier(**few).fit(x.astype(np.float32), y), f64=True)
    linear = MLPRegressor(hidden_layer_sizes=(), max_iter=9).fit(x, x[:, :2])
    accepted(linear, "net![4 => 2 Identity]")
    model.feature_names_in_ = np.array(["length", "width", "a", "b"], object)
    accepted(model, '// The inputs are "length", "width", "a", "b".')


def sklearn_refusals(x, y):
    from sklearn.decomposition import PCA
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MinMaxScaler, StandardScaler

    few = {"hidden_layer_sizes": (4,), "max_iter": 20, "random_state": 1}
    refused(MLPClassifier(**few), "not trained", "fit")
    untrained = make_pipeline(StandardScaler(), MLPClassifier(**few))
    refused(untrained, "'standardscaler'", "not trained")
    search = GridSearchCV(MLPClassifier(**few), {"alpha": [1e-4]})
    refused(search, "best_estimator_")
    refused(search.fit(x, y), "best_estimator_")
    accepted(search.best_estimator_)
    refused(LogisticRegression().fit(x, y), "LogisticRegression")
    refused(make_pipeline(PCA(2), MLPClassifier(**few)).fit(x, y), "step 'pca'", "PCA")
    clip = make_pipeline(MinMaxScaler(clip=True), MLPClassifier(**few)).fit(x, y)
    refused(clip, "step 'minmaxscaler'", "clip=True")
    refused(MLPClassifier(**few).fit(x, 0 * y), "only")
    model = MLPRegressor(loss="poisson", **few).fit(x, x[:, 0])
    refused(model, "layer 1", "exp")
    model = MLPClassifier(**few).fit(x, y)
    model.coefs_[1][0, 0] = np.nan
    refused(model, "layer 1", "not finite")
    model.coefs_[1][0, 0] = 1e39
    refused(model, "layer 1", "not finite in float32")
    model = MLPClassifier(**few).fit(x, y)
    model.predict_proba = lambda x: MLPClassifier.predict_proba(model, x) + 1e-3
    refused(model, "do not compute what the model predicts", "output 0")
    refused({"0.weight": x}, "dict")
    refused(None, "NoneType")
    # As from the command line.
    for path, part in [("model.pt", "PyTorch"), ("model.onnx", ".joblib")]:
        try:
            load(path)
        except NotPossible as reason:
            assert part in str(reason)


# ---- Keras ---------------------------------------------------------------------------------------


def keras_models(folder):
    if importlib.util.find_spec("tensorflow") is None:
        os.environ.setdefault("KERAS_BACKEND", "torch")
    import keras
    from keras import layers

    print(f"Keras {keras.__version__} on {keras.backend.backend()}")
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

    # A layer twice, a model inside, and all that can be folded.
    shared, normalise = layers.Dense(3, activation="tanh"), layers.Normalization()
    normalise.adapt(10 * x + 5)
    inner = [layers.Input((3,)), layers.BatchNormalization(), layers.Dense(2), layers.ReLU()]
    inputs = keras.Input((3,))
    outputs = shared(shared(normalise(inputs)))
    outputs = layers.Dense(1, activation="sigmoid")(keras.Sequential(inner)(outputs))
    chain = keras.Model(inputs, outputs)
    chain.compile(optimizer=keras.optimizers.Adam(0.01), loss="binary_crossentropy")
    chain.fit(10 * x + 5, y, epochs=5, verbose=0)
    write(folder, "keras_chain", chain, 10 * x + 5, lambda x: chain.predict(x, verbose=0))

    # Channels last, where they are flattened too.
    image = keras.Sequential(
        [
            layers.Input((9, 6, 2)),
            layers.Conv2D(4, (3, 2), strides=2, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.SpatialDropout2D(0.1),
            layers.DepthwiseConv2D(3, padding="same", activation="tanh"),
            layers.SeparableConv2D(5, 2, activation="relu"),
            layers.AveragePooling2D(2, strides=(2, 1)),
            layers.BatchNormalization(),
            layers.Flatten(),
            layers.Dense(3, activation="softmax"),
        ]
    )
    x = np.random.default_rng(2).standard_normal((64, 9, 6, 2)).astype(np.float32)
    image.compile(optimizer=keras.optimizers.Adam(0.01), loss="sparse_categorical_crossentropy")
    image.fit(x, (x.sum((1, 2, 3)) > 0).astype(np.int32), epochs=5, verbose=0)
    write(folder, "keras_image", image, x, lambda x: image.predict(x, verbose=0))

    # Biases and normalisations that are not those before training.
    draws = np.random.default_rng(4)
    x = draws.standard_normal((64, 7, 2)).astype(np.float32)

    def write_recurrent(name, *steps):
        model = keras.Sequential([layers.Input((7, 2)), *steps])
        for weight in model.weights:
            weight.assign_add(draws.uniform(-0.5, 0.5, weight.shape))
        write(folder, name, model, x, lambda x: model.predict(x, verbose=0))

    write_recurrent(
        "keras_recurrent",
        layers.Bidirectional(layers.GRU(4, return_sequences=True)),
        layers.LayerNormalization(),
        layers.LSTM(3, return_sequences=True, dropout=0.1),
        layers.SimpleRNN(5),
        layers.Dense(3, activation="softmax"),
    )
    for i, inputs in enumerate(x):
        inputs[: i % 8] = 0
    write_recurrent(
        "keras_masked",
        layers.Masking(),
        layers.LSTM(3, return_sequences=True),
        layers.Bidirectional(layers.GRU(4)),
        layers.Dense(3),
    )

    keras_layers(keras, layers)
    keras_windows(keras, layers)
    keras_recurrent(keras, layers)
    keras_refusals(keras, layers)


def keras_layers(keras, layers):
    dense = layers.Dense

    def model(*steps, shape=(3,)):
        return keras.Sequential([layers.Input(shape), *steps])

    names = "elu gelu hard_sigmoid linear relu sigmoid silu softplus swish tanh leaky_relu"
    for name in f"{names} hard_silu hard_tanh relu6 selu softsign".split():
        accepted(model(dense(8, activation=name), dense(2)), "Mlp<3, 8, 2, ")
        accepted(model(dense(8), layers.Activation(name), dense(2)), "Mlp<3, 8, 2, ")
        accepted(model(dense(8, activation=getattr(keras.activations, name)), dense(2)))
    accepted(model(dense(8, activation=layers.LeakyReLU(0.125))), "LeakyRelu<1, 8>")
    accepted(model(dense(8), layers.ELU()), " Elu")
    accepted(model(dense(8), layers.ReLU(6)), " Relu6")
    accepted(model(dense(8), layers.Softmax(axis=1)), " Softmax")
    accepted(model(layers.Flatten(), dense(2), shape=(2, 2)), "net![4 => 2 Identity]")
    accepted(model(layers.Rescaling(1 / 255, -0.5), layers.Flatten(), dense(2), shape=(2, 2)))
    accepted(model(dense(8), layers.BatchNormalization(center=False, scale=False), dense(2)))
    accepted(model(dense(8, use_bias=False), layers.BatchNormalization(), layers.ReLU()), " Relu")
    accepted(model(layers.GaussianNoise(0.1), dense(2), layers.GaussianDropout(0.1)))
    for policy in "float16", "bfloat16", "mixed_float16", "mixed_bfloat16", "float64":
        accepted(model(dense(8, "tanh", dtype=policy), dense(2, dtype=policy)), " Tanh")


def random_norm(norm, draws):
    """With other statistics than those before training; returns it."""
    for weight in norm.weights:
        weight.assign(draws.uniform(0.5, 2, weight.shape))
    return norm


def keras_windows(keras, layers):
    draws = np.random.default_rng(3)

    def accept(inputs, *steps, type, **more):
        model = keras.Sequential([layers.Input(inputs), *steps])
        for layer in model.layers:
            if isinstance(layer, layers_of_norms):
                random_norm(layer, draws)
        return accepted(model, type, **more)

    layers_of_norms = layers.BatchNormalization
    dense, conv, norm = layers.Dense, layers.Conv1D, layers.BatchNormalization
    accept((20, 3), conv(6, 3, padding="causal", dilation_rate=2), norm(), layers.ReLU(),
           layers.MaxPooling1D(2), layers.DepthwiseConv1D(2, depth_multiplier=2),
           conv(6, 3, groups=3, activation="tanh"), norm(), layers.AveragePooling1D(3, strides=2),
           layers.Flatten(), dense(2), type="net![20 x 3 => Conv1d(6, 3, padding causal, "
           "dilation 2) Relu => MaxPool(2) => Conv1d(12, 2, groups 6) Identity => "
           "Conv1d(6, 3, groups 3) Tanh => MeanPool(3, step 2) => FlattenChannelsLast => "
           "2 Identity]")
    accept((20, 3), layers.Rescaling(0.5), conv(4, 4, strides=3, padding="same"),
           layers.GlobalMaxPooling1D(), dense(2),
           type="net![20 x 3 => Conv1d(4, 4, step 3, padding same) Identity => GlobalMax =>")
    accept((20, 3), norm(), conv(4, 4), layers.GlobalAveragePooling1D(), norm(), dense(2),
           type="net![f64; 20 x 3 => Conv1d(4, 4) Identity => GlobalMean => 2 Identity]", f64=True)
    accept((20, 3), layers.SeparableConv1D(4, 3), layers.Flatten(), dense(2),
           type="net![20 x 3 => Depthwise(3) Identity => Conv1d(4, 1) Identity => "
           "FlattenChannelsLast => 2 Identity]")
    accept((8, 8, 1), layers.MaxPooling2D(2), layers.Conv2D(2, (3, 1), strides=(1, 2)),
           layers.MaxPooling2D((2, 1)), layers.ELU(), layers.GlobalMaxPooling2D(), dense(1),
           type="net![8 x 8 x 1 => MaxPool(2 x 2) => Conv2d(2, 3 x 1, step 1 x 2) Elu => "
           "MaxPool(2 x 1) => GlobalMax => 1 Identity]")
    accept((None, 3), conv(4, 4), layers.GlobalMaxPooling1D(), dense(2), shape=(9, 3),
           type="net![9 x 3 => Conv1d(4, 4) Identity => GlobalMax => 2 Identity]")

    def refuse(shape, *steps, parts):
        model = keras.Sequential([layers.Input(shape), *steps])
        for layer in model.layers:
            if isinstance(layer, layers_of_norms):
                random_norm(layer, draws)
        refused(model, *parts)

    refuse((20, 3), layers.Rescaling(0.5, 0.1), conv(4, 4, padding="same"), parts=["padding is 0"])
    refuse((20, 3), conv(4, 4), layers.MaxPooling1D(2), parts=["do not cover 17"])
    refuse((20, 3), conv(4, 4), layers.MaxPooling1D(3, padding="same"), parts=["padding='same'"])
    refuse((20, 3), conv(4, 4, activation="softmax"), parts=["Softmax at each position"])
    refuse((20, 3), conv(4, 4), layers.AveragePooling1D(17), layers.ReLU(), parts=["right behind"])
    refuse((None, 3), conv(4, 4), parts=["shape=(128, 6)"])
    refuse((8, 8, 8, 1), layers.Conv3D(2, 2), parts=["Conv3D"])


def keras_recurrent(keras, layers):
    draws = np.random.default_rng(5)

    def model(*steps):
        model = keras.Sequential([layers.Input((5, 2)), *steps])
        for weight in model.weights:
            weight.assign_add(draws.uniform(-0.5, 0.5, weight.shape))
        return model

    def accept(*steps, type, **more):
        return accepted(model(*steps), type, **more)

    def refuse(*steps, parts):
        refused(model(*steps), *parts)

    gru, lstm, rnn = layers.GRU, layers.LSTM, layers.SimpleRNN
    both = layers.Bidirectional
    accept(gru(3), type="net![5 x 2 => Gru(3)]")
    accept(gru(3, use_bias=False), type="net![5 x 2 => Gru(3)]")
    accept(lstm(3, return_sequences=True), type="net![f64; 5 x 2 => Lstm(3, all)]", f64=True)
    accept(rnn(3, activation="relu"), layers.Dense(1), type="5 x 2 => Rnn(3) Relu => 1 Identity]")
    accept(rnn(3, go_backwards=True), type="Rnn(3, reversed)]")
    tensors = accept(both(lstm(3)), layers.Dense(1), type="Lstm(3, bidirectional) => 1 Identity]",
                     f64=True)
    assert tensors["0.weight_hh_l0_reverse"].shape == (12, 3) and len(tensors) == 8
    accept(layers.Rescaling(0.5, 1), gru(3), type="net![5 x 2 => Gru(3)]")
    accept(gru(3, return_sequences=True), layers.LayerNormalization(epsilon=1e-5),
           layers.Activation("tanh"), gru(2, return_sequences=True), layers.GlobalMaxPooling1D(),
           type="5 x 2 => Gru(3, all) => LayerNorm Tanh => Gru(2, all) => GlobalMax]")
    accept(layers.Conv1D(4, 2, activation="relu"), layers.LayerNormalization(center=False),
           gru(3), layers.LayerNormalization(scale=False), layers.Dense(2),
           type="Conv1d(4, 2) Relu => LayerNorm(1 / 1000) Identity => Gru(3) => "
           "LayerNorm(1 / 1000) Identity => 2 Identity]")
    accept(layers.Masking(), both(rnn(3, return_sequences=True)), gru(2),
           type="Rnn(3, all, bidirectional, masked) => Gru(2, masked)]")
    accept(layers.Masking(), layers.Dropout(0.1), gru(3, return_sequences=True), gru(2),
           type="// Zeros are left out at the beginning only")

    accept(layers.PReLU(shared_axes=[1]), gru(3), type="net![5 x 2 => PRelu => Gru(3)]")
    accept(gru(3), layers.PReLU(), layers.Dense(1), type="Gru(3) => PRelu => 1 Identity]")
    accept(rnn(3, return_sequences=True), layers.PReLU(shared_axes=[1, 2]), rnn(1),
           type="Rnn(3, all) => PRelu(1) => Rnn(1)]")

    def symbols(*steps):
        embedded = keras.Sequential([layers.Input((5,)), *steps])
        for weight in embedded.weights:
            weight.assign_add(draws.uniform(-0.5, 0.5, weight.shape))
        return embedded

    accepted(symbols(layers.Embedding(9, 4), gru(3), layers.Dense(2)),
             "net![5 => Embedding(9, 4) => Gru(3) => 2 Identity]")
    tensors = accepted(symbols(layers.Embedding(9, 4, mask_zero=True), gru(3)),
                       "// Zeros are left out", "net![5 => Embedding(9, 4) => Gru(3, masked)]")
    assert not tensors["0.weight"][0].any() and tensors["0.weight"][1:].all()

    refuse(layers.PReLU(), gru(3), parts=["PReLU with slopes of the shape (5, 2)", "shared_axes"])
    refuse(gru(3, reset_after=False, name="g"), parts=["'g'", "reset_after=False", "True"])
    refuse(gru(3, activation="relu"), parts=["activation='relu'", "'tanh'"])
    refuse(lstm(3, recurrent_activation="hard_sigmoid"), parts=["recurrent_activation="])
    refuse(gru(3, go_backwards=True, return_sequences=True), parts=["go_backwards", "Bidirectional"])
    refuse(both(gru(3), merge_mode="sum"), parts=["merge_mode='sum'", "'concat'"])
    differ = both(gru(3), backward_layer=gru(4, go_backwards=True))
    refuse(differ, parts=["Bidirectional of two layers that differ"])
    refuse(gru(3), layers.ReLU(), parts=["Relu without a dense layer"])
    refuse(layers.Masking(2.0), gru(3), parts=["mask_value=2.0"])
    refuse(layers.Masking(), layers.Rescaling(1, 1), gru(3), parts=["cannot be folded"])
    refuse(layers.Masking(), gru(3, return_sequences=True), layers.LayerNormalization(), gru(3),
           parts=["do not compute what the model predicts"])
    refuse(layers.LayerNormalization(epsilon=3e-1), gru(3), parts=["epsilon of 0.3 is not 1 / N"])
    refuse(layers.LayerNormalization(axis=1), gru(3), parts=["axis=1"])
    refuse(layers.RNN(layers.GRUCell(2)), parts=["RNN"])


def keras_refusals(keras, layers):
    dense = layers.Dense

    def refuse(*steps, parts, shape=(3,)):
        refused(keras.Sequential([layers.Input(shape), *steps]), *parts)

    def relu(x):
        return keras.ops.maximum(x, 1)

    class Own(keras.Model):
        pass

    def named(kind, name, *options, **more):
        return kind(*options, name=name, **more)

    refused(keras.Sequential([dense(2)]), "not built", "Input")
    refused(Own(), "Own.call", "Sequential")
    refuse(named(dense, "own", 2, activation=relu), parts=["'own'", "relu is none of keras.act"])
    refuse(dense(2, activation=lambda x: x), parts=["<lambda> is none of"])
    refuse(named(dense, "it", 2, activation="celu"), parts=["'it'", "the activation celu"])
    refuse(dense(2), named(layers.ReLU, "five", max_value=5), parts=["'five'", "max_value=5"])
    steep = named(layers.ReLU, "steep", max_value=6, negative_slope=0.5)
    refuse(dense(2), steep, parts=["'steep'", "negative_slope=0.5"])
    refuse(dense(2), named(layers.ELU, "e", alpha=0.5), parts=["'e'", "alpha=0.5"])
    refuse(dense(2), named(layers.Softmax, "rows", axis=0), parts=["'rows'", "axis=0"])
    refuse(dense(1, activation="softmax"), parts=["Softmax of one unit", "Sigmoid"])
    refuse(dense(2, activation="softmax"), dense(2), parts=["Softmax between two layers"])
    refuse(dense(2, activation="tanh"), layers.ReLU(), parts=["Relu without a dense layer"])
    refuse(layers.ReLU(), dense(2), parts=["Relu without a dense layer"])
    norm = named(layers.GroupNormalization, "norm", groups=1)
    refuse(dense(2), norm, parts=["'norm'", "GroupNormalization"])
    last = named(layers.BatchNormalization, "last")
    refuse(dense(2, activation="tanh"), last, parts=["'last'", "no dense layer next to it"])
    refuse(dense(2), named(layers.Flatten, "flat"), dense(1), shape=(4, 3), parts=["(None, 4, 3)"])
    inputs = keras.Input((3,))
    sums = named(layers.Add, "sum")([dense(2)(inputs), dense(2)(inputs)])
    refused(keras.Model(inputs, sums), "'sum'", "Add of 2 tensors")
    refused(keras.Model(inputs, [dense(2)(inputs), dense(2)(inputs)]), "2 outputs")


# ---- PyTorch -------------------------------------------------------------------------------------


def torch_models(folder):
    import torch
    from torch import nn

    print(f"PyTorch {torch.__version__}")
    torch.manual_seed(1)
    x = np.random.default_rng(1).standard_normal((CASES, 3)).astype(np.float32)

    def write_torch(name, model):
        model.eval()
        write(folder, name, model, x, lambda x: model(torch.from_numpy(x)).detach().numpy())

    write_torch("torch", nn.Sequential(
        nn.Linear(3, 6), nn.SiLU(), nn.Dropout(), nn.Linear(6, 5), nn.ELU(), nn.Linear(5, 2)
    ))

    # Modules that are used twice, inside of others too, and batch normalisation on both sides.
    tanh, square = nn.Tanh(), nn.Linear(3, 3)
    norm = nn.BatchNorm1d(3), nn.BatchNorm1d(3)
    model = nn.Sequential(
        square, norm[0], tanh, nn.Sequential(square, tanh, norm[1]), nn.Linear(3, 1), tanh
    )
    for _ in range(20):
        model(3 * torch.randn(32, 3) + 1)
    write_torch("torch_reused", model)

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.hidden, self.output = nn.Linear(3, 4), nn.Linear(4, 2)

        def forward(self, x):
            x = x.view(x.size(0), -1)
            x = nn.functional.leaky_relu(self.hidden(x), 0.3)
            x = nn.functional.dropout(x, 0.5, self.training)
            return self.output(x).softmax(dim=1).squeeze(-1)

    write_torch("torch_forward", Net())

    # Channels first, where they are flattened too.
    model = nn.Sequential(
        nn.Conv1d(2, 4, 5, stride=2), nn.BatchNorm1d(4), nn.ReLU(), nn.MaxPool1d(2), nn.Dropout(),
        nn.Conv1d(4, 6, 3, padding=2, dilation=2, groups=2), nn.Tanh(), nn.Flatten(),
        nn.Linear(42, 3), nn.Softmax(1)
    )
    for _ in range(20):
        model(3 * torch.randn(32, 2, 32) + 1)
    model.eval()
    x = np.random.default_rng(2).standard_normal((CASES, 32, 2)).astype(np.float32)
    predict = lambda x: model(torch.from_numpy(np.moveaxis(x, -1, 1))).detach().numpy()
    write(folder, "torch_sequence", model, x, predict, shape=(32, 2))

    # Axes of three orders, a stack in both directions, outputs and states.
    class Recurrent(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Conv1d(2, 3, 2)
            self.lstm = nn.LSTM(3, 4, num_layers=2, bidirectional=True, batch_first=True, dropout=0.1)
            self.norm = nn.LayerNorm(8)
            self.gru = nn.GRU(8, 3)
            self.rnn = nn.RNN(3, 4, nonlinearity="relu")
            self.head = nn.Linear(4, 3)

        def forward(self, x):
            y, _ = self.lstm(self.body(x).permute(0, 2, 1))
            y = self.gru(self.norm(y).transpose(0, 1))[0]
            _, h = self.rnn(y)
            return self.head(h[-1])

    model = Recurrent().eval()
    for parameter in model.parameters():
        parameter.data += 0.25 * torch.randn(parameter.shape)
    x = np.random.default_rng(3).standard_normal((CASES, 7, 2)).astype(np.float32)
    predict = lambda x: model(torch.from_numpy(np.moveaxis(x, -1, 1))).detach().numpy()
    write(folder, "torch_recurrent", model, x, predict, shape=(7, 2))

    torch_layers(torch, nn)
    torch_windows(torch, nn)
    torch_recurrent(torch, nn)
    torch_refusals(torch, nn)


def torch_layers(torch, nn):
    first, last = nn.Linear(3, 8), nn.Linear(8, 2)
    kinds = nn.ELU, nn.GELU, nn.Hardsigmoid, nn.Identity, nn.LeakyReLU, nn.ReLU, nn.SiLU, nn.Sigmoid
    clipped = nn.Hardswish, nn.Hardtanh, nn.ReLU6
    for kind in *kinds, *clipped, nn.SELU, nn.Softplus, nn.Softsign, nn.Tanh:
        accepted(nn.Sequential(first, kind(), last), "Mlp<3, 8, 2, ")
        accepted(nn.Sequential(first, kind(), last), "Mlp<3, 8, 2, ", f64=True)
    slopes = {0: "Relu", 0.2: "LeakyRelu<1, 5>", 1: "LeakyRelu<1, 1>", 2.5: "LeakyRelu<5, 2>"}
    for slope, name in slopes.items():
        accepted(nn.Sequential(first, nn.LeakyReLU(slope)), name)
    accepted(nn.Sequential(first, nn.LeakyReLU(0.123456789)), "LeakyRelu<")
    accepted(nn.Sequential(nn.Flatten(), first, nn.Softmax(-1)), " Softmax")
    accepted(nn.Sequential(first, nn.BatchNorm1d(8, affine=False), nn.ReLU(), last), "Relu")
    accepted(nn.Sequential(nn.BatchNorm1d(3), first, nn.ReLU(), nn.BatchNorm1d(8), last), "Relu")
    accepted(nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(3, 2))))
    accepted(nn.DataParallel(nn.Sequential(first, nn.ReLU(), last)), "Relu")
    accepted(torch.compile(nn.Sequential(first, nn.ReLU(), last)), "Relu")
    for dtype in torch.bfloat16, torch.float16, torch.float64:
        model = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 2)).to(dtype)
        tensors = accepted(model, " Tanh")
        assert (tensors["0.weight"] == model[0].weight.detach().float().numpy()).all()
        assert model.training and model[0].weight.dtype == dtype


def torch_windows(torch, nn):
    def trained(shape, *modules):
        model = nn.Sequential(*modules)
        for _ in range(9):
            model(2 * torch.randn(8, shape[-1], *shape[:-1]) + 1)
        return model

    def accept(shape, *modules, type, **more):
        return accepted(trained(shape, *modules), type, shape=shape, **more)

    accept((28, 28, 1), nn.Conv2d(1, 8, 3, padding="same"), nn.MaxPool2d(2), nn.ReLU(),
           nn.Conv2d(8, 8, 3, groups=8, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU(),
           nn.BatchNorm2d(8), nn.Conv2d(8, 6, (2, 3), stride=(2, 1), groups=2), nn.Tanh(),
           nn.AvgPool2d((1, 2), (1, 1)), nn.Dropout2d(), nn.Flatten(), nn.Linear(462, 10),
           type="net![28 x 28 x 1 => Conv2d(8, 3 x 3, padding same) Relu => MaxPool(2 x 2) => "
           "Depthwise(3 x 3, padding 1) Relu => Conv2d(6, 2 x 3, step 2 x 1, groups 2) Tanh => "
           "MeanPool(1 x 2, step 1) => Flatten => 10 Identity]")
    means = nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(32, 6), nn.Softmax(1)
    accept((128, 6), nn.Conv1d(6, 16, 5, stride=2), nn.ReLU(), nn.MaxPool1d(2),
           nn.Conv1d(16, 32, 3), nn.ReLU(), *means, f64=True,
           type="net![f64; 128 x 6 => Conv1d(16, 5, step 2) Relu => MaxPool(2) => "
           "Conv1d(32, 3) Relu => GlobalMean => 6 Softmax]")
    accept((9, 9, 3), nn.BatchNorm2d(3), nn.Conv2d(3, 4, 2, dilation=2), nn.SiLU(),
           nn.BatchNorm2d(4), nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(4, 2),
           type="net![9 x 9 x 3 => Conv2d(4, 2 x 2, dilation 2) Silu => GlobalMax => 2 Identity]")
    # Of each channel its own, in the vector too.
    accept((6, 2), nn.Conv1d(2, 3, 2), nn.ReLU(), nn.BatchNorm1d(3), nn.Flatten(), nn.Linear(15, 2),
           type="net![6 x 2 => Conv1d(3, 2) Relu => Flatten => 2 Identity]")

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.body, self.head = nn.Conv1d(2, 3, 2), nn.Linear(15, 2)

        def forward(self, x):
            return self.head(self.body(x).relu().view(-1, 15))

    accepted(Net(), "6 x 2 => Conv1d(3, 2) Relu => Flatten => 2", '"body", "head"', shape=(6, 2))

    def refuse(*modules, parts, shape=(8, 2)):
        refused(nn.Sequential(*modules), *parts, shape=shape)

    conv = nn.Conv1d(2, 3, 3)
    refuse(conv, shape=None, parts=["shape=(128, 6)"])
    refuse(conv, nn.MaxPool1d(4), parts=["layer '1'", "windows of 4", "do not cover 6"])
    refuse(conv, nn.MaxPool1d(3, padding=1), parts=["layer '1'", "padding=(1,)"])
    refuse(nn.Conv1d(2, 3, 3, padding=1, padding_mode="circular"), parts=["padding_mode='circular'"])
    refuse(conv, shape=(8, 3), parts=["layer '0' takes groups of 2 channels", "are 3"])
    refuse(conv, shape=(2, 2), parts=["layer '0'", "longer than its input"])
    refuse(conv, shape=(8, 8, 2), parts=["layer '0' takes inputs of 2 dimensions"])
    refuse(conv, nn.Flatten(), nn.Linear(9, 2), parts=["layer '2' takes 9 inputs", "18 outputs"])
    refuse(conv, nn.AvgPool1d(2), nn.ReLU(), parts=["layer '2'", "right behind layer '1'"])
    refuse(conv, nn.Flatten(), nn.Softmax(1), parts=["layer '2'", "Softmax without"])
    refuse(nn.Conv3d(1, 1, 1), shape=(2, 2, 2, 1), parts=["Conv3d"])
    norm = nn.BatchNorm1d(3)
    norm.weight.data[1] = -1
    refuse(conv, nn.ReLU(), norm, nn.MaxPool1d(2), parts=["layer '2'", "negative factors"])


def torch_recurrent(torch, nn):
    class Of(nn.Module):
        """A part of what a recurrent layer returns."""

        def __init__(self, part):
            super().__init__()
            self.part = part

        def forward(self, x):
            return self.part(x)

    last, state = Of(lambda pair: pair[0][:, -1]), Of(lambda pair: pair[1][-1])
    whole = Of(lambda pair: pair[0])
    both = Of(lambda pair: torch.cat((pair[1][-2], pair[1][-1]), dim=1))
    swap = Of(lambda y: y.transpose(1, 2))

    def gru(*sizes, **options):
        return nn.GRU(*sizes, batch_first=True, **options)

    def accept(*modules, type, **more):
        return accepted(nn.Sequential(*modules), type, shape=(5, 2), **more)

    for part in last, state, Of(lambda pair: pair[1].squeeze(0)), Of(lambda pair: pair[1][0]):
        accept(gru(2, 3), part, nn.Linear(3, 1), type="net![5 x 2 => Gru(3) => 1 Identity]")
    accept(nn.LSTM(2, 3, batch_first=True), Of(lambda y: y[1][0][-1]), type="Lstm(3)]", f64=True)
    accept(nn.LSTM(2, 3), Of(lambda pair: pair[0][-1, :, :]), nn.Linear(3, 1), type="Lstm(3) => 1")
    accept(nn.RNN(2, 3), whole, type="net![5 x 2 => Rnn(3, all)]")
    tensors = accept(gru(2, 3, bias=False, num_layers=2), state, nn.Linear(3, 1),
                     type='Gru(3, all) => Gru(3) => 1 Identity]')
    assert set(tensors) == {
        "2.weight", "2.bias", *(f"0.weight_{part}h_l{n}" for part in "ih" for n in (0, 1))
    }
    accept(gru(2, 3, bidirectional=True), both, nn.Linear(6, 1),
           type='Gru(3, bidirectional) => 1 Identity];\nstatic NET: Net = gradlet::load![include_bytes!('
           '"model.safetensors"); "0", "0.*_l0_reverse", "2"];')
    accept(gru(2, 3, bidirectional=True), last, nn.Linear(6, 1),
           type="Gru(3, all, bidirectional) => LastStep => 1 Identity]")
    accept(gru(2, 3), whole, nn.LayerNorm(3, eps=1e-3), nn.Tanh(), nn.Flatten(), nn.Linear(15, 1),
           type="Gru(3, all) => LayerNorm(1 / 1000) Tanh => FlattenChannelsLast => 1 Identity]")
    accept(gru(2, 3), whole, swap, nn.Conv1d(3, 2, 2), nn.AdaptiveAvgPool1d(1), nn.Flatten(),
           type="Gru(3, all) => Conv1d(2, 2) Identity => GlobalMean]")
    accept(nn.BatchNorm1d(2), swap, gru(2, 3), last, type="net![5 x 2 => Gru(3)]")
    accept(nn.LayerNorm(2, elementwise_affine=False), gru(2, 3), last, type="LayerNorm Identity =>")
    accepted(nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4), nn.ReLU(), nn.Linear(4, 2)),
             "net![3 => 4 Identity => LayerNorm Relu => 2 Identity]")
    accept(gru(2, 3), whole, nn.PReLU(), swap, nn.Conv1d(3, 4, 2), nn.PReLU(4), nn.Flatten(),
           nn.Linear(16, 2), type="Gru(3, all) => PRelu(1) => Conv1d(4, 2) Identity => PRelu => Flatten")
    embedding = nn.Embedding(9, 4, padding_idx=0)
    accepted(nn.Sequential(embedding, gru(4, 3), last, nn.Linear(3, 2)), shape=(5,),
             *("net![5 => Embedding(9, 4) => Gru(3) => 2 Identity]", '"0", "1", "3"'))
    accepted(nn.Sequential(embedding, swap, nn.Conv1d(4, 2, 3), nn.AdaptiveMaxPool1d(1), nn.Flatten()),
             "net![f64; 5 => Embedding(9, 4) => Conv1d(2, 3) Identity => GlobalMax]", shape=(5,), f64=True)
    # Twice, and in a stack: names that end otherwise.
    twice = gru(2, 2)
    accept(twice, whole, twice, last, type='"0", "0_again"')

    def refuse(*modules, parts):
        refused(nn.Sequential(*modules), *parts, shape=(5, 2))

    refuse(gru(2, 3), whole, nn.PReLU(5), parts=["layer '2' has slopes for the second axis of NLC"])
    refuse(nn.Linear(2, 2), nn.Embedding(4, 2), parts=["layer '1'", "not the first layer"])
    embedding = nn.Embedding(9, 4, max_norm=1.0)
    refused(nn.Sequential(embedding, gru(4, 3), last), "layer '0'", "max_norm=1.0", shape=(5,))
    refused(nn.Sequential(nn.Embedding(9, 4), gru(4, 3), last), "shape=(128, 6)")
    refuse(gru(2, 3), parts=["layer '0'", "returns its outputs and its states", "y, h ="])
    refuse(gru(2, 3), Of(lambda pair: pair[0][:, 1]), parts=["in forward", "not the last step"])
    refuse(gru(2, 3), Of(lambda pair: pair[1]), nn.Flatten(), parts=["of the h of layer '0'"])
    refuse(nn.LSTM(2, 3), Of(lambda pair: pair[1][1][-1]), parts=["of the h and c of layer '0'"])
    refuse(gru(2, 3, bidirectional=True), state, parts=["both directions", "torch.cat"])
    refuse(gru(2, 3), whole, nn.Conv1d(5, 2, 2), parts=["takes axes in the order NCL", "NLC"])
    refuse(nn.LSTM(2, 3, proj_size=2), last, parts=["proj_size=2"])
    refuse(gru(2, 3), whole, nn.LayerNorm([5, 3]), parts=["LayerNorm", "dimensions=2"])
    refuse(gru(2, 3), whole, swap, nn.LayerNorm(5), parts=["the last axis of NCL"])
    refuse(swap, nn.Flatten(), nn.Linear(10, 3), parts=["layer '1'", "of permuted axes"])
    refuse(nn.GRU(2, 3), whole, nn.Flatten(), parts=["layer '2'", "of permuted axes"])
    refuse(gru(2, 3), whole, nn.BatchNorm1d(5), parts=["the second axis of NLC"])
    refuse(gru(2, 3), last, nn.LayerNorm(3, eps=0.3), parts=["epsilon of 0.3 is not 1 / N"])
    refuse(gru(2, 3), last, nn.ReLU(), parts=["Relu without a dense layer"])
    refuse(gru(3, 3), last, parts=["layer '0' takes 3 channels, but there are 2"])
    broken = gru(2, 3)
    broken.bias_hh_l0.data[0] = float("nan")
    refuse(broken, last, parts=["0.bias_hh_l0 is not finite"])
    refused(nn.Sequential(gru(2, 3), last), "shape=(128, 6)")


def torch_refusals(torch, nn):
    def refuse(*modules, parts):
        refused(nn.Sequential(*modules), *parts)

    def own(forward):
        module = type("Own", (nn.Module,), {"forward": forward})()
        module.linear = nn.Linear(3, 3)
        return module

    linear, functional = nn.Linear(3, 3), nn.functional
    kinds = nn.InstanceNorm1d(3), nn.CELU(), nn.LogSoftmax(1), nn.RMSNorm(3)
    for module in *kinds, nn.Mish(), nn.GroupNorm(1, 3), nn.Bilinear(3, 3, 3):
        refuse(linear, module, parts=["layer '1'", type(module).__name__])
    refuse(linear, nn.Sequential(nn.ReLU(), nn.RMSNorm(3)), parts=["layer '1.1'", "RMSNorm"])
    refuse(linear, nn.GELU("tanh"), parts=["layer '1'", "GELU", "approximate='tanh'", "'none'"])
    refuse(linear, nn.ELU(0.5), parts=["alpha=0.5"])
    refuse(linear, nn.Hardtanh(-2, 1), parts=["min_val=-2"])
    refuse(linear, nn.Softplus(2), parts=["beta=2"])
    refuse(linear, nn.Softmax(0), parts=["layer '1'", "dim=0"])
    refuse(linear, nn.LeakyReLU(-0.1), parts=["layer '1'", "slope -0.1"])
    refuse(nn.Linear(3, 1), nn.Softmax(1), parts=["Softmax of one unit", "Sigmoid"])
    refuse(linear, nn.Softmax(1), linear, parts=["Softmax between two layers"])
    refuse(linear, nn.Flatten(0), parts=["layer '1'", "start_dim=0"])
    refuse(linear, nn.ReLU(), nn.Tanh(), parts=["layer '2'", "Tanh"])
    refuse(linear, nn.ReLU(), nn.BatchNorm1d(3), parts=["layer '2'", "no dense layer next to it"])
    refuse(linear, nn.ReLU(), nn.BatchNorm1d(3), nn.ReLU(), linear, parts=["layer '3'"])
    refuse(linear, nn.BatchNorm1d(3, track_running_stats=False), parts=["running statistics"])
    refuse(linear, nn.Linear(2, 1), parts=["layer '1' takes 2 inputs", "layer '0'", "3 outputs"])
    refuse(nn.LazyLinear(3), parts=["layer '0'", "LazyLinear", "call the model once"])
    refuse(parts=["no layer with weights"])
    refused(own(lambda own, x: own.linear(x) + x), "add", "2 tensors")
    refused(own(lambda own, x: own.linear(x) * 2), "mul")
    refused(own(lambda own, x: functional.dropout(own.linear(x))), "dropout", "self.training")
    refused(own(lambda own, x: own.linear(x) if x.sum() > 0 else x), "cannot be followed")
    refused(own(lambda own, x, y: own.linear(x)), "Own.forward")
    refused(own(lambda own, x: (own.linear(x), x)), "Own.forward")
    refused(own(lambda own, x: own.linear(x).flatten()), "start_dim=0")
    refused(own(lambda own, x: own.linear(x).squeeze(0)), "squeeze")
    refused(own(lambda own, x: own.linear(x).view(3, -1, 3)), "view")
    quantised = {"dtype": torch.qint8, "qconfig_spec": {nn.Linear}}
    quantised = torch.ao.quantization.quantize_dynamic(nn.Sequential(linear), **quantised)
    refused(quantised, "layer '0'", "quantized")
    refused(linear.state_dict(), "OrderedDict")
    hooked = nn.Linear(3, 3)
    hooked.register_forward_hook(lambda module, x, y: 2 * y)
    refuse(hooked, parts=["do not compute what the model predicts"])
    broken = nn.Linear(3, 3)
    broken.weight.data[0, 0] = float("inf")
    refuse(linear, broken, parts=["layer '1'", "not finite"])


def main():
    folder = Path(sys.argv[1])
    # Some are not trained to the end.
    warnings.filterwarnings("ignore", module="sklearn")
    models = {"sklearn": sklearn_models, "keras": keras_models, "torch": torch_models}
    for library, function in models.items():
        if importlib.util.find_spec(library) is None:
            print(f"{library} is not installed")
        else:
            function(folder)


if __name__ == "__main__":
    main()
