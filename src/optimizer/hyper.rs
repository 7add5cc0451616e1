//! Validation of hyper-parameters.

use core::fmt;

use crate::number::Number;

/// A hyper-parameter out of range: see [`Optimizer::check`](super::Optimizer::check).
///
/// ```
/// use gradlet::{HyperParameter, prelude::*};
///
/// let sgd = Sgd { learning_rate: f32::NAN };
/// let error = Optimizer::<Mlp<2, 4, 2>>::check(&sgd).unwrap_err();
/// assert_eq!(error, HyperParameter::LearningRate);
/// assert_eq!(error.to_string(), "`learning_rate` must be finite and 0 or more");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum HyperParameter {
    /// A learning rate that is negative (-0.0 too), NaN or infinite.
    LearningRate,
    /// A `momentum` outside `0.0..1.0`.
    Momentum,
    /// A `decay` of [`RmsProp`](crate::RmsProp) outside `0.0..1.0`.
    Decay,
    /// A `beta_1` of [`Adam`](crate::Adam) outside `0.0..1.0`.
    Beta1,
    /// A `beta_2` of [`Adam`](crate::Adam) outside `0.0..1.0`.
    Beta2,
    /// An `epsilon` that is zero, negative, NaN or infinite.
    Epsilon,
    /// A weight decay that is negative (-0.0 too), NaN or infinite.
    WeightDecay,
    /// A `limit` of [`ClipByNorm`](crate::ClipByNorm) or [`ClipByValue`](crate::ClipByValue) that
    /// is negative or NaN. It may be infinite: nothing is clipped then.
    ClipLimit,
    /// One of a custom optimizer, by name.
    Other(&'static str),
}

impl HyperParameter {
    /// `Ok` if `rate` is finite, 0 or more.
    #[inline]
    pub(super) fn check_rate<T: Number>(self, rate: T) -> Result<(), Self> {
        if rate.has_bits_below(T::INFINITY) { Ok(()) } else { Err(self) }
    }

    /// `Ok` if `0 <= fraction < 1`, and not -0.
    #[inline]
    pub(super) fn check_fraction<T: Number>(self, fraction: T) -> Result<(), Self> {
        if fraction.has_bits_below(T::ONE) { Ok(()) } else { Err(self) }
    }

    /// `Ok` if `0 < epsilon` and `epsilon` is finite.
    #[inline]
    pub(super) fn check_epsilon<T: Number>(epsilon: T) -> Result<(), Self> {
        let positive = epsilon > T::ZERO && epsilon.is_finite();
        if positive { Ok(()) } else { Err(Self::Epsilon) }
    }

    /// `Ok` if `0 <= limit`.
    #[inline]
    pub(super) fn check_limit<T: Number>(limit: T) -> Result<(), Self> {
        if limit >= T::ZERO { Ok(()) } else { Err(Self::ClipLimit) }
    }
}

impl fmt::Display for HyperParameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LearningRate => "`learning_rate` must be finite and 0 or more",
            Self::Momentum => "`momentum` must be 0 or more and less than 1",
            Self::Decay => "`decay` must be 0 or more and less than 1",
            Self::Beta1 => "`beta_1` must be 0 or more and less than 1",
            Self::Beta2 => "`beta_2` must be 0 or more and less than 1",
            Self::Epsilon => "`epsilon` must be finite and more than 0",
            Self::WeightDecay => "the weight decay must be finite and 0 or more",
            Self::ClipLimit => "`limit` must be 0 or more",
            Self::Other(name) => return write!(f, "`{name}` is out of range"),
        })
    }
}

impl core::error::Error for HyperParameter {}
