//! What most programs need: `use gradlet::prelude::*;`.

pub use crate::activation::{
    Activation, Elementwise, Elu, Gelu, HardSigmoid, HardSwish, HardTanh, Identity, LeakyRelu,
    Relu, Relu6, Selu, Sigmoid, Silu, Softmax, Softplus, Softsign, Tanh,
};
pub use crate::batch::BatchTrainer;
pub use crate::early_stopping::EarlyStopping;
pub use crate::fit::{FULL_BATCH, Outcome, Report, Stop};
pub use crate::format::Fixed;
pub use crate::layer::{
    BatchNorm, Chain, Conv1d, Conv2d, Dense, DepthwiseConv2d, Dropout, Embedding, Flatten,
    FlattenChannelsLast, Frozen, GlobalMax, GlobalMean, Gru, LastStep, Layer, LayerNorm, Lstm,
    MaxPool1d, MaxPool2d, MeanPool1d, MeanPool2d, Mlp, PRelu, Parallel, Residual, Rnn, Skip, Split,
};
pub use crate::loss::{
    AbsoluteError, BinaryCrossEntropy, CrossEntropy, Focal, HalfSquaredError, Huber, LogCosh, Loss,
    MeanSquaredError, Pinball,
};
pub use crate::net;
pub use crate::number::{Number, Q12, Q26, Q32};
pub use crate::optimizer::{
    Adagrad, Adam, AdamW, ClipByNorm, ClipByValue, Momentum, Nesterov, NoBias, Optimizer, RmsProp,
    Sgd, Summed, WeightDecay,
};
pub use crate::quantized::Quantized;
pub use crate::scalar::Scalar;
pub use crate::source::ToSource;
pub use crate::trainer::Trainer;
pub use crate::zero::Zero;
