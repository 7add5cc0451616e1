//! Activations in int8: bounds, tables, and the softmax.

use super::error::QuantizeError;
use super::quantization::{Quantization, Range, round, saturate};
use super::softmax::Softmax8;
use crate::activation::{
    Activation, Elu, Gelu, HardSigmoid, HardSwish, HardTanh, Identity, LeakyRelu, Relu, Relu6,
    Selu, Sigmoid, Silu, Softmax, Softplus, Softsign, Tanh,
};

/// The bounds of an activation that only clamps.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Clamp {
    /// None: [`Identity`], and all functions that a table or [`Softmax8`] follows.
    None,
    /// From 0 on: [`Relu`].
    FromZero,
    /// From 0 to this: [`Relu6`].
    FromZeroTo(f32),
}

impl Clamp {
    /// The smallest and the largest int8.
    pub(super) const fn bounds(self, output: Quantization) -> (i8, i8) {
        match self {
            Self::None => (-128, 127),
            Self::FromZero => (output.zero_point(), 127),
            Self::FromZeroTo(max) => (output.zero_point(), output.quantize(max)),
        }
    }
}

/// An activation that a layer in int8 may have. Implemented for all activations of this crate, but for those
/// of [`fast`](crate::fast) and [`rational`](crate::rational).
///
/// | activation | in int8 |
/// |---|---|
/// | [`Identity`], [`Relu`], [`Relu6`] | bounds for the requantised sum: no cost |
/// | [`Softmax`] | [`Softmax8`], with the bits of `TFLite`'s reference kernel |
/// | all others | a [`Table`] of 256 bytes |
///
/// A custom activation has a table by
///
/// ```
/// use gradlet::prelude::*;
/// use gradlet::quantized::{Clamp, Int8Activation, Quantization, QuantizeError, Range, Table};
///
/// /// `y = z^2`.
/// struct Square;
///
/// impl Elementwise for Square {
///     fn apply<T: Scalar>(z: T) -> T {
///         z * z
///     }
///     fn derivative<T: Scalar>(_: T) -> T {
///         T::ONE // not needed here
///     }
/// }
///
/// impl Int8Activation for Square {
///     type Finish = Table;
///     const CLAMP: Clamp = Clamp::None;
///     fn finish(logits: Quantization, outputs: Range) -> Result<(Table, Quantization), QuantizeError> {
///         let outputs = Quantization::of(outputs)?;
///         Ok((Table::of::<Self>(logits, outputs), outputs))
///     }
/// }
///
/// let net = Dense::<1, 1, Square>::new([[1.0]], [0.0]);
/// let int8 = Quantized::<_>::calibrate(&net, &[[-2.0], [2.0]]).unwrap();
/// assert!((int8.forward(&[1.5])[0] - 2.25).abs() < 0.05);
/// ```
#[diagnostic::on_unimplemented(
    message = "the activation `{Self}` has no int8 form",
    label = "`{Self}` cannot be quantised",
    note = "choose one of the activations of the crate, or implement `Int8Activation` by a `Table`"
)]
pub trait Int8Activation: Activation<f32> {
    /// What follows the requantised sum: `()`, a [`Table`] or [`Softmax8`].
    type Finish: Finish;
    /// The bounds of the requantised sum.
    const CLAMP: Clamp;

    /// What follows logits of this quantisation, and the quantisation of its outputs.
    ///
    /// # Errors
    ///
    /// If the range of the outputs has none: see [`Quantization::of`].
    fn finish(
        logits: Quantization,
        outputs: Range,
    ) -> Result<(Self::Finish, Quantization), QuantizeError>;
}

/// What follows the requantised sums of a layer, in place: `()` nothing, or a [`Table`] or [`Softmax8`].
///
/// ```
/// use gradlet::quantized::{Finish, Quantization, Table};
///
/// let mut values = [1, -1];
/// Table::new([5; 256], Quantization::new(0.1, 0).unwrap()).apply(&mut values);
/// assert_eq!(values, [5, 5]);
/// ```
pub trait Finish: Copy + PartialEq + core::fmt::Debug {
    /// Whether the range of the logits is that of the outputs.
    const NOTHING: bool = false;
    /// Turns logits into outputs.
    fn apply(&self, values: &mut [i8]);
    /// The quantisation of the outputs, for logits of this one.
    #[doc(hidden)]
    fn outputs(&self, logits: Quantization) -> Quantization {
        logits
    }
    /// The values of a table.
    #[doc(hidden)]
    fn table(&self) -> &[i8] {
        &[]
    }
}

impl Finish for () {
    const NOTHING: bool = true;
    #[inline(always)]
    fn apply(&self, _: &mut [i8]) {}
}

/// A function from int8 to int8: a value for each of -128 to 127.
///
/// ```
/// use gradlet::Sigmoid;
/// use gradlet::quantized::{Finish, Quantization, Table};
///
/// let tenths = Quantization::new(0.1, 0).unwrap();
/// let sigmoid = Table::of::<Sigmoid>(tenths, Quantization::new(1.0 / 256.0, -128).unwrap());
/// let mut values = [-128, 0, 127];
/// sigmoid.apply(&mut values);
/// assert_eq!(values, [-128, 0, 127]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Table {
    values: [i8; 256],
    outputs: Quantization,
}

impl Table {
    /// From the values for -128 to 127, and their quantisation.
    #[must_use]
    pub const fn new(values: [i8; 256], outputs: Quantization) -> Self {
        Self { values, outputs }
    }

    /// The function `A` from logits to outputs of these quantisations: `round(A(x) / scale) + zero_point`,
    /// computed in `f32` as `TFLite` computes such tables.
    #[must_use]
    pub fn of<A: Activation<f32>>(logits: Quantization, outputs: Quantization) -> Self {
        let reciprocal = 1.0 / outputs.scale();
        let mut q = i8::MIN;
        let values = [(); 256].map(|()| {
            let mut value = [logits.dequantize(q)];
            q = q.wrapping_add(1);
            A::activate(&mut value);
            let [y] = value;
            saturate(round(y * reciprocal).saturating_add(i32::from(outputs.zero_point())))
        });
        Self { values, outputs }
    }

    /// The values for -128 to 127.
    #[must_use]
    pub const fn values(&self) -> &[i8; 256] {
        &self.values
    }
}

impl Finish for Table {
    #[inline]
    fn apply(&self, values: &mut [i8]) {
        for q in values {
            let place = usize::from(*q as u8 ^ 0x80);
            *q = self.values.get(place).copied().unwrap_or(0);
        }
    }

    fn outputs(&self, _: Quantization) -> Quantization {
        self.outputs
    }

    fn table(&self) -> &[i8] {
        &self.values
    }
}

macro_rules! clamps {
    ($($A:ident $clamp:expr;)+) => { $(
        impl Int8Activation for $A {
            type Finish = ();
            const CLAMP: Clamp = $clamp;
            #[inline]
            fn finish(logits: Quantization, _: Range) -> Result<((), Quantization), QuantizeError> {
                Ok(((), logits))
            }
        }
    )+ };
}
clamps! {
    Identity Clamp::None;
    Relu Clamp::FromZero;
    Relu6 Clamp::FromZeroTo(6.0);
}

/// `TFLite`'s quantisation of the outputs of a sigmoid and of a softmax.
pub(super) const UNIT: Quantization = Quantization::fixed(1.0 / 256.0, -128);
/// That of a tanh.
const SIGNED_UNIT: Quantization = Quantization::fixed(1.0 / 128.0, 0);

impl Int8Activation for Softmax {
    type Finish = Softmax8;
    const CLAMP: Clamp = Clamp::None;
    #[inline]
    fn finish(logits: Quantization, _: Range) -> Result<(Softmax8, Quantization), QuantizeError> {
        Ok((Softmax8::new(logits), UNIT))
    }
}

macro_rules! tables {
    ($([$($generics:tt)*] $A:ty, $range:ident => $outputs:expr;)+) => { $(
        impl<$($generics)*> Int8Activation for $A {
            type Finish = Table;
            const CLAMP: Clamp = Clamp::None;
            #[inline]
            fn finish(
                logits: Quantization,
                $range: Range,
            ) -> Result<(Table, Quantization), QuantizeError> {
                let outputs = $outputs;
                Ok((Table::of::<Self>(logits, outputs), outputs))
            }
        }
    )+ };
}
tables! {
    [] Sigmoid, _range => UNIT;
    [] HardSigmoid, _range => UNIT;
    [] Tanh, _range => SIGNED_UNIT;
    [] HardTanh, _range => SIGNED_UNIT;
    [] Softsign, _range => SIGNED_UNIT;
    [] Elu, range => Quantization::of(range)?;
    [] Selu, range => Quantization::of(range)?;
    [] Softplus, range => Quantization::of(range)?;
    [] Gelu, range => Quantization::of(range)?;
    [] Silu, range => Quantization::of(range)?;
    [] HardSwish, range => Quantization::of(range)?;
    [const NUMERATOR: u32, const DENOMINATOR: u32] LeakyRelu<NUMERATOR, DENOMINATOR>,
        range => Quantization::of(range)?;
}
