"""Reads scikit-learn: MLPClassifier, MLPRegressor, pipelines of scalers and these."""

import warnings

import numpy as np
from export_steps import (
    Activation, Dense, Model, NotPossible, Scaling, kind_of, no_counterpart, only
)

ACTIVATIONS = {
    "identity": "Identity",
    "logistic": "Sigmoid",
    "relu": "Relu",
    "softmax": "Softmax",
    "tanh": "Tanh",
}

# What is subtracted, and whether it is.
CENTRES = {
    "MaxAbsScaler": lambda scaler: 0,
    "RobustScaler": lambda scaler: scaler.center_ if scaler.with_centering else 0,
    "StandardScaler": lambda scaler: scaler.mean_ if scaler.with_mean else 0,
}


def read(model):
    steps = list(steps_of(model, type(model).__name__))
    mlp = model
    while not hasattr(mlp, "coefs_"):
        mlp = mlp.steps[-1][1] if hasattr(mlp, "steps") else mlp.regressor_
    outputs = mlp.coefs_[-1].shape[1]
    classes = getattr(mlp, "classes_", None)
    if classes is not None and len(classes) == 1:
        raise NotPossible(f"the classifier knows only one class, {classes[0]}; train with two")

    def predict(x):
        with warnings.catch_warnings():
            # Of names of features, which an array does not have.
            warnings.simplefilter("ignore")
            if classes is None:
                return model.predict(x).reshape(len(x), -1)
            return model.predict_proba(x)[:, -outputs:]

    if outputs > 1 and mlp.out_activation_ == "logistic":
        classes = [f"label {label}" for label in range(outputs)]
    epsilon = max(np.finfo(weights.dtype).eps for weights in mlp.coefs_)
    return Model(steps, predict, epsilon, classes, getattr(model, "feature_names_in_", None))


def steps_of(model, place):
    kind = kind_of(model, "sklearn")
    if kind.endswith("SearchCV"):
        raise NotPossible(f"{place}: a search is not a model; give its `best_estimator_`")
    if kind == "Pipeline":
        for name, step in model.steps:
            if step not in (None, "passthrough"):
                yield from steps_of(step, f"step {name!r}")
    elif kind == "TransformedTargetRegressor":
        fitted(model, "regressor_", place)
        yield from steps_of(model.regressor_, f"{place}.regressor_")
        transformer = model.transformer_
        # One without functions stands for no transformer.
        if getattr(transformer, "inverse_func", transformer) is not None:
            scaling = scaling_of(transformer, f"{place}.transformer_")
            yield Scaling(scaling.place, 1 / scaling.factor, -scaling.shift / scaling.factor)
    elif kind in ("MLPClassifier", "MLPRegressor"):
        fitted(model, "coefs_", place)
        last = len(model.coefs_) - 1
        for i, (weights, bias) in enumerate(zip(model.coefs_, model.intercepts_)):
            activation = model.out_activation_ if i == last else model.activation
            layer = f"{place}, layer {i}"
            if activation not in ACTIVATIONS:
                raise no_counterpart(layer, f"the activation {activation!r}")
            # Its weights are [inputs][outputs].
            yield Dense(str(i), layer, weights.T.astype(float), bias.astype(float))
            yield Activation(layer, ACTIVATIONS[activation])
    else:
        yield scaling_of(model, place)


def scaling_of(scaler, place):
    kind = kind_of(scaler, "sklearn")
    if kind not in ("MinMaxScaler", *CENTRES):
        raise no_counterpart(place, kind)
    fitted(scaler, "n_features_in_", place)
    if kind == "MinMaxScaler":
        only(place, kind, [False], clip=scaler.clip)
        return Scaling(place, scaler.scale_, scaler.min_)
    ones = np.ones(scaler.n_features_in_)
    factor = ones if scaler.scale_ is None else 1 / scaler.scale_
    return Scaling(place, factor, -CENTRES[kind](scaler) * factor)


def fitted(model, attribute, place):
    if not hasattr(model, attribute):
        raise NotPossible(f"{place}: not trained; call `fit` first")
