//! The networks that are measured: each as a type of gradlet and as a hand-written [`Reference`].

use gradlet::prelude::*;

use crate::reference::{Autoencoder, Perceptron, Reference};

/// A network of gradlet with its trainer.
pub struct Gradlet<M: Measured + ?Sized> {
    pub net: M::Net,
    pub trainer: Trainer<M::Net, M::Loss, Sgd>,
    pub x: M::Input,
    pub t: M::Output,
}

/// The same network written by hand.
pub struct ByHand<M: Measured + ?Sized> {
    pub net: M::Reference,
    pub x: M::Input,
    pub t: M::Output,
}

/// One of the measured networks.
pub trait Measured {
    type Net: Layer<Format = f32, Input = Self::Input, Output = Self::Output> + Zero;
    type Loss: Loss<<Self::Net as Layer>::Activation>;
    type Input: 'static;
    type Output: 'static;
    type Reference: Reference<Input = Self::Input, Output = Self::Output>;
    /// Factor of the sum of the squared errors.
    const FACTOR: f32;
    /// Gradlet's network, all zeros, which take no flash.
    const GRADLET: Gradlet<Self>;
    /// The hand-written network, all zeros.
    const BY_HAND: ByHand<Self>;
}

macro_rules! measured {
    ($($(#[$doc:meta])* $name:ident: $net:ty, $loss:ty, $by_hand:ty, $factor:literal;)+) => { $(
        $(#[$doc])*
        pub struct $name;

        impl Measured for $name {
            type Net = $net;
            type Loss = $loss;
            type Input = <$net as Layer>::Input;
            type Output = <$net as Layer>::Output;
            type Reference = $by_hand;
            const FACTOR: f32 = $factor;
            const GRADLET: Gradlet<Self> = Gradlet {
                net: Zero::ZERO,
                trainer: Trainer::new(),
                x: Zero::ZERO,
                t: Zero::ZERO,
            };
            const BY_HAND: ByHand<Self> =
                ByHand { net: Reference::ZERO, x: Zero::ZERO, t: Zero::ZERO };
        }
    )+ };
}

measured! {
    /// 2-3-1 with the mean squared error.
    Xor: Mlp<2, 3, 1>, MeanSquaredError, Perceptron<2, 3, 1>, 1.0;
    Net2x2x2: Mlp<2, 2, 2>, HalfSquaredError, Perceptron<2, 2, 2>, 0.5;
    Net2x4x2: Mlp<2, 4, 2>, HalfSquaredError, Perceptron<2, 4, 2>, 0.5;
    Net16x16x4: Mlp<16, 16, 4>, HalfSquaredError, Perceptron<16, 16, 4>, 0.5;
    Net64x32x10: Mlp<64, 32, 10>, HalfSquaredError, Perceptron<64, 32, 10>, 0.5;
    NetAutoencoder:
        gradlet::net![48 => 24 Sigmoid => 12 Sigmoid => 6 Sigmoid => 12 Sigmoid => 24 Sigmoid
            => 48 Sigmoid],
        HalfSquaredError, Autoencoder, 0.5;
    Net784x32x10: Mlp<784, 32, 10>, HalfSquaredError, Perceptron<784, 32, 10>, 0.5;
}

/// Expands `$use!(TYPE)` with the network that the environment variable `NET` names at compile
/// time, or `$otherwise` without one.
#[macro_export]
macro_rules! chosen_network {
    ($use:ident, $otherwise:expr) => {
        match option_env!("NET") {
            Some(name) => match name.as_bytes() {
                b"2-3-1" => $use!($crate::measured::Xor),
                b"2-2-2" => $use!($crate::measured::Net2x2x2),
                b"2-4-2" => $use!($crate::measured::Net2x4x2),
                b"16-16-4" => $use!($crate::measured::Net16x16x4),
                b"64-32-10" => $use!($crate::measured::Net64x32x10),
                b"48-24-12-6-12-24-48" => $use!($crate::measured::NetAutoencoder),
                b"784-32-10" => $use!($crate::measured::Net784x32x10),
                _ => $otherwise,
            },
            None => $otherwise,
        }
    };
}
