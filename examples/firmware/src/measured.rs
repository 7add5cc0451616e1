//! The networks that are measured: each as a type of gradlet and as a hand-written [`Reference`].

use gradlet::prelude::*;

#[cfg(not(target_arch = "avr"))]
use crate::reference::Autoencoder;
use crate::reference::{Perceptron, Reference};

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
    ($($(#[$attribute:meta])* $name:ident: $net:ty, $loss:ty, $by_hand:ty, $factor:literal;)+) => { $(
        $(#[$attribute])*
        pub struct $name;

        $(#[$attribute])*
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

// Each where it is measured. With its 16-bit addresses, AVR has no room for the last one even in its types.
measured! {
    Net2x2x2: Mlp<2, 2, 2>, HalfSquaredError, Perceptron<2, 2, 2>, 0.5;
    #[cfg(target_arch = "avr")]
    Net2x4x1: Mlp<2, 4, 1>, HalfSquaredError, Perceptron<2, 4, 1>, 0.5;
    #[cfg(target_arch = "avr")]
    Net8x4x2: Mlp<8, 4, 2>, HalfSquaredError, Perceptron<8, 4, 2>, 0.5;
    /// 2-3-1 with the mean squared error.
    #[cfg(not(target_arch = "avr"))]
    Xor: Mlp<2, 3, 1>, MeanSquaredError, Perceptron<2, 3, 1>, 1.0;
    #[cfg(not(target_arch = "avr"))]
    Net2x4x2: Mlp<2, 4, 2>, HalfSquaredError, Perceptron<2, 4, 2>, 0.5;
    #[cfg(not(target_arch = "avr"))]
    Net16x16x4: Mlp<16, 16, 4>, HalfSquaredError, Perceptron<16, 16, 4>, 0.5;
    #[cfg(not(target_arch = "avr"))]
    Net64x32x10: Mlp<64, 32, 10>, HalfSquaredError, Perceptron<64, 32, 10>, 0.5;
    #[cfg(not(target_arch = "avr"))]
    NetAutoencoder:
        gradlet::net![48 => 24 Sigmoid => 12 Sigmoid => 6 Sigmoid => 12 Sigmoid => 24 Sigmoid
            => 48 Sigmoid],
        HalfSquaredError, Autoencoder, 0.5;
    #[cfg(not(target_arch = "avr"))]
    Net784x32x10: Mlp<784, 32, 10>, HalfSquaredError, Perceptron<784, 32, 10>, 0.5;
}

/// The weight from an input to a unit, in `-0.5..0.5`. The values are varied, as software floating
/// point takes longer for some than for others.
pub fn weight(input: usize, unit: usize) -> f32 {
    let number = input as u32 * 7919 + unit as u32 * 104_729 + 12_345;
    number.wrapping_mul(2_654_435_761) as f32 / 4_294_967_296.0 - 0.5
}

/// Fills an array with values in `-0.5..0.5`, different ones each time.
#[inline(never)]
pub fn fill(input: &mut [f32], time: Option<u32>) {
    let Some(time) = time else { return };
    for (i, x) in input.iter_mut().enumerate() {
        *x = weight(i, 1000 + time as usize);
    }
}

/// Expands `$use!(TYPE)` with the network that the environment variable `NET` names at compile
/// time, or `$otherwise` without one.
#[macro_export]
macro_rules! chosen_network {
    ($use:ident, $otherwise:expr) => {
        match option_env!("NET") {
            Some(name) => match name.as_bytes() {
                b"2-2-2" => $use!($crate::measured::Net2x2x2),
                #[cfg(target_arch = "avr")]
                b"2-4-1" => $use!($crate::measured::Net2x4x1),
                #[cfg(target_arch = "avr")]
                b"8-4-2" => $use!($crate::measured::Net8x4x2),
                #[cfg(not(target_arch = "avr"))]
                b"2-3-1" => $use!($crate::measured::Xor),
                #[cfg(not(target_arch = "avr"))]
                b"2-4-2" => $use!($crate::measured::Net2x4x2),
                #[cfg(not(target_arch = "avr"))]
                b"16-16-4" => $use!($crate::measured::Net16x16x4),
                #[cfg(not(target_arch = "avr"))]
                b"64-32-10" => $use!($crate::measured::Net64x32x10),
                #[cfg(not(target_arch = "avr"))]
                b"48-24-12-6-12-24-48" => $use!($crate::measured::NetAutoencoder),
                #[cfg(not(target_arch = "avr"))]
                b"784-32-10" => $use!($crate::measured::Net784x32x10),
                _ => $otherwise,
            },
            None => $otherwise,
        }
    };
}
