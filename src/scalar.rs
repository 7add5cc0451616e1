//! Scalar types: `f32` and `f64`.

use core::fmt::LowerExp;

use crate::number::Number;

pub(crate) mod sealed {
    use crate::math::fast::{double, single};

    pub trait Sealed: Sized {
        /// 1/4.
        const QUARTER: Self;
        /// Converts from `f32`.
        fn from_f32(value: f32) -> Self;
        /// The value as an index: `None` if it is negative, has a fraction, is NaN or infinite.
        fn index(self) -> Option<usize>;
        /// The value without the lower half of its digits: its square is exact.
        fn upper_half(self) -> Self;
        /// `e^self` of [`crate::fast`], for values of 0 or less.
        fn fast_exp(self) -> Self;
        /// `ln(1 + self)` of [`crate::fast`], for values in `0..=1`.
        fn fast_ln_1p(self) -> Self;
        /// Hyperbolic tangent of [`crate::fast`].
        fn fast_tanh(self) -> Self;
    }

    macro_rules! sealed {
        ($type:ident $fast:ident $lower:literal) => {
            impl Sealed for $type {
                const QUARTER: Self = 0.25;

                #[inline(always)]
                fn from_f32(value: f32) -> Self {
                    value.into()
                }
                #[inline]
                #[allow(
                    clippy::cast_possible_truncation,
                    clippy::cast_precision_loss,
                    clippy::float_cmp,
                    reason = "what is cut off shows in the comparison"
                )]
                fn index(self) -> Option<usize> {
                    let index = self as u32;
                    if index as $type == self { usize::try_from(index).ok() } else { None }
                }
                #[inline]
                fn upper_half(self) -> Self {
                    Self::from_bits(self.to_bits() >> $lower << $lower)
                }
                #[inline(always)]
                fn fast_exp(self) -> Self {
                    $fast::exp(self)
                }
                #[inline(always)]
                fn fast_ln_1p(self) -> Self {
                    $fast::ln_1p(self)
                }
                #[inline(always)]
                fn fast_tanh(self) -> Self {
                    $fast::tanh(self)
                }
            }
        };
    }
    sealed!(f32 single 12);
    sealed!(f64 double 27);
}

/// A floating-point type: `f32` or `f64`, sealed. It exists so that activations, losses and
/// optimizers are written once for both.
///
/// The transcendental functions come from [`libm`], which computes the same bits on every target;
/// `exp` of `f32` is reimplemented with fewer instructions, and returns the same bits for every
/// argument. Largest errors of `libm` 0.2.16 over all `f32`: `exp` 0.91, `ln` and `ln_1p` 0.84 and
/// `tanh` 2.19 units in the last place.
///
/// ```
/// use gradlet::Scalar;
///
/// fn logistic<T: Scalar>(z: T) -> T {
///     T::ONE / (T::ONE + (-z).exp())
/// }
/// assert_eq!(logistic(0.0_f32), 0.5);
/// assert_eq!(logistic(0.0_f64), 0.5);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a float, and this layer computes in `f32` or `f64` only"
)]
pub trait Scalar: sealed::Sealed + Number + LowerExp {
    /// `1 / sqrt(2)`.
    const FRAC_1_SQRT_2: Self;
    /// `1 / sqrt(2 pi)`.
    const FRAC_1_SQRT_2PI: Self;
    /// Machine epsilon: the difference between 1 and the next larger value.
    const EPSILON: Self;

    /// `e^self`.
    #[must_use]
    fn exp(self) -> Self;
    /// Replaces each value `z` by `1 / (1 + e^-z)`, with the bits of [`exp`](Self::exp).
    fn sigmoid(values: &mut [Self]);
    /// `e^self - 1`, accurate near zero.
    #[must_use]
    fn exp_m1(self) -> Self;
    /// Natural logarithm.
    #[must_use]
    fn ln(self) -> Self;
    /// `ln(1 + self)`, accurate near zero.
    #[must_use]
    fn ln_1p(self) -> Self;
    /// Hyperbolic tangent.
    #[must_use]
    fn tanh(self) -> Self;
    /// Complementary error function `2 / sqrt(pi) * integral of e^(-s^2) from self to infinity`.
    #[must_use]
    fn erfc(self) -> Self;
    /// `self^exponent`.
    #[must_use]
    fn powf(self, exponent: Self) -> Self;
}

macro_rules! float {
    ($type:ident: $exp:path, $sigmoid:path, $exp_m1:ident $ln:ident $ln_1p:ident $tanh:ident $erfc:ident $pow:ident) => {
        impl Scalar for $type {
            const FRAC_1_SQRT_2: Self = core::$type::consts::FRAC_1_SQRT_2;
            #[allow(clippy::excessive_precision, reason = "the same digits for both types")]
            const FRAC_1_SQRT_2PI: Self = 0.398_942_280_401_432_677_94;
            const EPSILON: Self = <$type>::EPSILON;

            #[inline]
            fn exp(self) -> Self {
                $exp(self)
            }
            #[inline]
            fn sigmoid(values: &mut [Self]) {
                $sigmoid(values);
            }
            #[inline]
            fn exp_m1(self) -> Self {
                libm::$exp_m1(self)
            }
            #[inline]
            fn ln(self) -> Self {
                libm::$ln(self)
            }
            #[inline]
            fn ln_1p(self) -> Self {
                libm::$ln_1p(self)
            }
            #[inline]
            fn tanh(self) -> Self {
                libm::$tanh(self)
            }
            #[inline]
            fn erfc(self) -> Self {
                libm::$erfc(self)
            }
            #[inline]
            fn powf(self, exponent: Self) -> Self {
                libm::$pow(self, exponent)
            }
        }
    };
}

float!(f32: crate::math::exp::exp, crate::math::exp::sigmoid, expm1f logf log1pf tanhf erfcf powf);
float!(f64: libm::exp, sigmoid, expm1 log log1p tanh erfc pow);

/// Replaces each value `z` by `1 / (1 + e^-z)`.
#[inline]
fn sigmoid<T: Scalar>(values: &mut [T]) {
    for value in values {
        *value = T::ONE / (T::ONE + (-*value).exp());
    }
}

/// `1 / n`, for a count.
#[inline]
pub(crate) fn reciprocal<T: Scalar>(n: impl TryInto<u32>) -> T {
    T::ONE / T::from_u32(n.try_into().unwrap_or(u32::MAX))
}
