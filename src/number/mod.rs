//! Numbers: losses, learning rates and weights of samples, and fixed-point numbers.

mod convert;
mod fixed_point;
mod q32;

pub use fixed_point::{FixedWeight, Q10, Q12, Q26};
pub use q32::Q32;

use core::fmt::{Debug, Display};
use core::iter::Sum;
use core::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign};

use crate::shape::Element;

pub(crate) mod sealed {
    pub trait Sealed: Sized {
        /// Whether `0 <= self < end`, for a positive `end`; `false` for NaN.
        fn lies_below(self, end: Self) -> bool;
        /// As `lies_below`, but `false` for -0, which takes fewer instructions.
        fn has_bits_below(self, end: Self) -> bool;
        /// The value, or NaN unless `keep`.
        fn or_nan(self, keep: bool) -> Self;
        /// `self^exponent`.
        fn power(self, exponent: u32) -> Self;
        /// Whether this is `f64`.
        const IS_DOUBLE: bool;
        /// The natural logarithm of a number of more than 0.
        fn logarithm(self) -> Self;
        /// Whether this is not a float: sums have no rounding error.
        const IS_INTEGER: bool;
        /// The quotient by a whole number, rounded down, and the remainder; of floats the quotient alone.
        fn divided(self, count: Self) -> (Self, Self);
    }

    macro_rules! sealed {
        ($type:ident $pow:ident $ln:ident) => {
            impl Sealed for $type {
                const IS_DOUBLE: bool = size_of::<Self>() == 8;
                #[inline]
                fn logarithm(self) -> Self {
                    libm::$ln(self)
                }
                const IS_INTEGER: bool = false;
                #[inline]
                fn divided(self, count: Self) -> (Self, Self) {
                    (self / count, 0.0)
                }
                #[inline(always)]
                fn lies_below(self, end: Self) -> bool {
                    // Positive floats compare like their bits, in fewer instructions.
                    let bits = self.to_bits();
                    bits < end.to_bits() || bits == Self::to_bits(-0.0)
                }
                #[inline(always)]
                fn has_bits_below(self, end: Self) -> bool {
                    self.to_bits() < end.to_bits()
                }
                #[inline(always)]
                fn or_nan(self, keep: bool) -> Self {
                    // In one integer register: selecting one of two floats takes more flash.
                    Self::from_bits(self.to_bits() | if keep { 0 } else { Self::NAN.to_bits() })
                }
                #[inline]
                #[allow(clippy::cast_precision_loss, reason = "a large exponent is rounded")]
                #[allow(clippy::cast_lossless, reason = "the same code for both types")]
                fn power(self, exponent: u32) -> Self {
                    libm::$pow(self, exponent as Self)
                }
            }
        };
    }
    sealed!(f32 powf logf);
    sealed!(f64 pow log);
}

/// A loss, a learning rate or the weight of a sample: `f32`, `f64`, or [`Q32`](crate::Q32) for
/// fixed-point networks. Sealed. It exists so that trainers, optimizers and
/// [schedules](crate::schedule) are written once for all.
///
/// ```
/// use gradlet::{Number, Q32};
///
/// fn half<T: Number>(rate: T) -> T {
///     rate * T::HALF
/// }
/// assert_eq!(half(0.5_f32), 0.25);
/// assert_eq!(half(Q32::new(0.5)), Q32::new(0.25));
/// ```
pub trait Number:
    sealed::Sealed
    + Element
    + Debug
    + Display
    + Default
    + PartialOrd
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
    + MulAssign
    + DivAssign
    + Sum
{
    /// 1.
    const ONE: Self;
    /// 1/2.
    const HALF: Self;
    /// Pi.
    const PI: Self;
    /// Positive infinity.
    const INFINITY: Self;
    /// Not a number.
    const NAN: Self;
    /// The smallest positive normal number.
    const MIN_POSITIVE: Self;

    /// The nearest value of this type.
    #[must_use]
    fn from_f64(value: f64) -> Self;
    /// The nearest value of this type.
    #[must_use]
    fn from_u32(value: u32) -> Self;
    /// The nearest value of type `f64`: exact for floats.
    #[must_use]
    fn to_f64(self) -> f64;
    /// Absolute value.
    #[must_use]
    fn abs(self) -> Self;
    /// Square root; NaN for numbers below 0.
    #[must_use]
    fn sqrt(self) -> Self;
    /// Whether this is neither NaN nor infinite.
    #[must_use]
    fn is_finite(self) -> bool;
}

macro_rules! float {
    ($type:ident $sqrt:ident) => {
        impl Number for $type {
            const ONE: Self = 1.0;
            const HALF: Self = 0.5;
            const PI: Self = core::$type::consts::PI;
            const INFINITY: Self = <$type>::INFINITY;
            const NAN: Self = <$type>::NAN;
            const MIN_POSITIVE: Self = <$type>::MIN_POSITIVE;

            #[inline(always)]
            #[allow(
                clippy::cast_possible_truncation,
                reason = "the function is documented to round"
            )]
            fn from_f64(value: f64) -> Self {
                value as Self
            }
            #[inline]
            #[allow(clippy::cast_precision_loss, reason = "the function is documented to round")]
            #[allow(clippy::cast_lossless, reason = "the same code for both types")]
            fn from_u32(value: u32) -> Self {
                value as Self
            }
            #[inline]
            #[allow(clippy::cast_lossless, reason = "the same code for both types")]
            fn to_f64(self) -> f64 {
                self as f64
            }
            #[inline]
            fn abs(self) -> Self {
                <$type>::abs(self)
            }
            #[inline]
            fn sqrt(self) -> Self {
                libm::$sqrt(self)
            }
            #[inline]
            fn is_finite(self) -> bool {
                <$type>::is_finite(self)
            }
        }
    };
}
float!(f32 sqrtf);
float!(f64 sqrt);
