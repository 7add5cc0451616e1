//! Transfer learning in little memory: a network that is trained on signals of MNIST-1D adapts to
//! other signals, in four ways that differ in which parameters are trained.
//!
//! The host example `transfer` measures how well each works, and the program `memory_cost` of the
//! firmware what it takes.

use gradlet::{BiasOnly, Recompute, prelude::*};

use crate::signals::{SHAPES, STEPS};

/// Two convolutions with 12 channels.
pub type First = net![
    40 x 1 => Conv1d(12, 5, padding same) Relu => Conv1d(12, 3, padding same) Relu => MaxPool(2)
];
/// Two convolutions with 24 channels.
pub type Second = net![
    20 x 12 => Conv1d(24, 3, padding same) Relu => Conv1d(24, 3, padding same) Relu => MaxPool(2)
];
/// The head, which is trained in any case.
pub type Head = net![10 x 24 => GlobalMean => 10 Softmax];
/// Two blocks and a head.
pub type Blocks<F, S> = Chain<F, Chain<S, Head>>;

/// Everything is trained.
pub type Everything = Blocks<First, Second>;
/// The second block and the head are trained.
pub type Upper<'b> = Blocks<Frozen<&'b First>, Second>;
/// All biases and the head are trained.
pub type Biases<'b> = Blocks<BiasOnly<&'b First>, BiasOnly<&'b Second>>;
/// The head is trained.
pub type HeadAlone<'b> = Blocks<Frozen<&'b First>, Frozen<&'b Second>>;

/// The same with the values inside of a block computed again instead of kept.
pub type Recomputed<F, S> = Blocks<Recompute<F>, Recompute<S>>;

/// Signals of a device that is not like those in the factory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shift {
    /// As in the factory.
    None,
    /// A sensor with 0.4 times the gain, and an offset of 0.8 standard deviations.
    Sensor,
    /// Mounted the other way round: the signal runs backwards.
    Mirrored,
}

impl Shift {
    /// A signal of this device.
    #[inline]
    #[must_use]
    pub fn apply(self, mut signal: [[f32; 1]; STEPS]) -> [[f32; 1]; STEPS] {
        match self {
            Self::None => {}
            Self::Sensor => signal.as_flattened_mut().iter_mut().for_each(|x| *x = 0.4 * *x + 0.8),
            Self::Mirrored => signal.reverse(),
        }
        signal
    }
}

/// A network for signals.
pub trait Classifies:
    Layer<Format = f32, Input = [[f32; 1]; STEPS], Output = [f32; SHAPES], Activation = Softmax>
{
}

impl<N> Classifies for N where
    N: Layer<Format = f32, Input = [[f32; 1]; STEPS], Output = [f32; SHAPES], Activation = Softmax>
{
}
