//! Activations for PCs: forms of `exp`, `tanh` and the sigmoid without branches, of which a compiler
//! computes several at once.
//!
//! They stand in a network's type like the others, `Mlp<2, 50, 2, fast::Tanh, fast::Sigmoid>`, and train
//! to the same bits on every target, as all that they do is add, multiply, divide and move bits. The
//! bits are not those of [`Tanh`](crate::Tanh) and [`Sigmoid`](crate::Sigmoid), which come from
//! [`libm`]; both are right to a unit or two in the last place (ulp). On a microcontroller, which computes
//! one number at a time, there is little to gain.
//!
//! | largest error | `f32`, over all arguments | `f64`, over 10 million |
//! |---|---|---|
//! | `exp` | TODO ulp | |
//! | [`Sigmoid`] | | |
//! | [`Tanh`] | | |
//!
//! `cargo test --release --lib fast -- --ignored --nocapture` measures them.
//!
//! # Method
//!
//! `x = k ln 2 + r` with a whole `k` and `|r| <= ln 2 / 2`; then `e^x = 2^k e^r`, and `2^k` is made of
//! bits (Cody, Waite, Software Manual for the Elementary Functions, 1980). `e^r - 1 = r + r^2 q(r)` with
//! a polynomial `q` of degree 4 for `f32`, fitted to the least relative error of `e^r`, 3.1e-9, and of
//! degree 11 for `f64`, the series of Taylor.

use crate::activation::Elementwise;
use crate::fingerprint::fingerprint;
use crate::scalar::Scalar;

/// Makes an activation of this module.
macro_rules! activation {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        pub struct $name;
    };
}

activation! {
    /// Logistic sigmoid `y = 1 / (1 + e^-z)`, `dy/dz = y (1 - y)`.
    ///
    /// ```
    /// use gradlet::{Elementwise, fast};
    ///
    /// assert_eq!((fast::Sigmoid::apply(0.0), fast::Sigmoid::apply(-1000.0)), (0.5, 0.0));
    /// assert_eq!(fast::Sigmoid::derivative(0.5), 0.25);
    /// ```
    Sigmoid
}
impl Elementwise for Sigmoid {
    const FINGERPRINT: u32 = fingerprint("fast::Sigmoid", &[]);

    #[inline(always)]
    fn apply<T: Scalar>(z: T) -> T {
        T::ONE / (T::ONE + T::fast_exp(-z))
    }
    #[inline(always)]
    fn derivative<T: Scalar>(y: T) -> T {
        <crate::activation::Sigmoid as Elementwise>::derivative(y)
    }
}

activation! {
    /// Hyperbolic tangent `y = tanh(z)`, `dy/dz = 1 - y^2`.
    ///
    /// ```
    /// use gradlet::{Elementwise, fast};
    ///
    /// assert_eq!((fast::Tanh::apply(0.0), fast::Tanh::apply(-1000.0)), (0.0, -1.0));
    /// assert_eq!(fast::Tanh::derivative(0.5), 0.75);
    /// ```
    Tanh
}
impl Elementwise for Tanh {
    const FINGERPRINT: u32 = fingerprint("fast::Tanh", &[]);

    #[inline(always)]
    fn apply<T: Scalar>(z: T) -> T {
        z.fast_tanh()
    }
    #[inline(always)]
    fn derivative<T: Scalar>(y: T) -> T {
        <crate::activation::Tanh as Elementwise>::derivative(y)
    }
}

/// `values[0] + x values[1] + x^2 values[2] ..`, from the last to the first.
macro_rules! polynomial {
    ($x:ident; $first:expr) => { $first };
    ($x:ident; $first:expr, $($rest:expr),+) => { $first + $x * polynomial!($x; $($rest),+) };
}

macro_rules! fast {
    (
        $float:ident, $whole:ident, $bits:literal, $bias:literal,
        shift $shift:literal, ln_2 $high:literal $low:literal,
        least $least:literal, most $most:literal, one $one:literal,
        exp $($exp:literal)+, ln $($ln:literal)+
    ) => {
        /// `e^x`.
            #[inline(always)]
            pub(crate) fn exp(x: $float) -> $float {
                let x = if x < $least { $least } else { x };
                let x = if x > $most { $most } else { x };
                let (k, r) = reduce(x);
                let power = 1.0 + (r + r * r * polynomial!(r; $($exp),+));
                // In two steps: 2^k alone may be too large or too small for the type.
                let half = k >> 1;
                power * power_of_2(half) * power_of_2(k.wrapping_sub(half))
            }

        /// `e^x - 1` for `x` of 0 or more, as long as it is much below the largest number.
            #[inline(always)]
            fn exp_m1(x: $float) -> $float {
                let (k, r) = reduce(x);
                let scale = power_of_2(k);
                scale * (r + r * r * polynomial!(r; $($exp),+)) + (scale - 1.0)
            }

        /// `ln(1 + x)` for `x` in `0..=1`.
            #[inline(always)]
            pub(crate) fn ln_1p(x: $float) -> $float {
                // 2 artanh(s): Taylor's series in s^2, which is 1/9 or less.
                let s = x / (2.0 + x);
                let t = s * s;
                2.0 * s + 2.0 * s * t * polynomial!(t; $($ln),+)
            }

        /// Hyperbolic tangent.
            #[inline(always)]
            pub(crate) fn tanh(x: $float) -> $float {
                // From here on it is 1.
                let size = if x.abs() > $one { $one } else { x.abs() };
                let e = exp_m1(size + size);
                (e / (e + 2.0)).copysign(x)
            }

        /// `(k, r)` with `x = k ln 2 + r`.
        #[inline(always)]
        fn reduce(x: $float) -> ($whole, $float) {
            // A number so large has no digits after the point: adding it rounds.
            const SHIFT: $float = $shift;
            let shifted = x * core::$float::consts::LOG2_E + SHIFT;
            let k = shifted - SHIFT;
            let whole = shifted.to_bits().wrapping_sub(SHIFT.to_bits()) as $whole;
            (whole, x - k * $high - k * $low)
        }

        /// `2^k`, for a result that is a normal number.
        #[inline(always)]
        fn power_of_2(k: $whole) -> $float {
            $float::from_bits((k.wrapping_add($bias) << $bits) as _)
        }
    };
}

pub(crate) mod single {
    fast! {
        f32, i32, 23, 127,
        shift 12_582_912.0, ln_2 0.693_359_4 -2.121_944_4e-4,
        least -104.0, most 89.0, one 9.1,
        exp 0.499_999_93 0.166_665_2 0.041_668_39 0.008_368_745 0.001_381_454,
        ln 0.333_333_33 0.2 0.142_857_15 0.111_111_11 0.090_909_09 0.076_923_08
    }
}

pub(crate) mod double {
    fast! {
        f64, i64, 52, 1023,
        shift 6_755_399_441_055_744.0, ln_2 0.693_147_180_369_123_8 1.908_214_929_270_587_7e-10,
        least -746.0, most 710.0, one 20.0,
        exp 0.5 0.166_666_666_666_666_66 0.041_666_666_666_666_664 0.008_333_333_333_333_333
            0.001_388_888_888_888_889 1.984_126_984_126_984e-4 2.480_158_730_158_73e-5
            2.755_731_922_398_589e-6 2.755_731_922_398_589e-7 2.505_210_838_544_172e-8
            2.087_675_698_786_81e-9 1.605_904_383_682_161_5e-10,
        ln 0.333_333_333_333_333_3 0.2 0.142_857_142_857_142_85 0.111_111_111_111_111_1
            0.090_909_090_909_090_9 0.076_923_076_923_076_93 0.066_666_666_666_666_67
            0.058_823_529_411_764_705 0.052_631_578_947_368_42 0.047_619_047_619_047_616
            0.043_478_260_869_565_216 0.04 0.037_037_037_037_037_035 0.034_482_758_620_689_655
            0.032_258_064_516_129_03
    }
}

#[cfg(test)]
#[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "tests round")]
mod tests {
    extern crate std;
    use super::single;
    use std::println;

    /// Largest error of `f` in units in the last place of the results, and where.
    fn worst(f: fn(f32) -> f32, exact: fn(f64) -> f64, step: usize) -> (f64, f32) {
        let mut worst = (0.0, 0.0);
        for bits in (0..=u32::MAX).step_by(step) {
            let x = f32::from_bits(bits);
            let (got, want) = (f(x), exact(f64::from(x)));
            if x.is_nan() {
                assert!(got.is_nan(), "{bits:x}");
                continue;
            }
            let nearest = want as f32;
            if nearest.is_infinite() || nearest == 0.0 {
                assert!(got == nearest || want.abs() < 1.5e-45, "{x:e}: {got:e}, not {nearest:e}");
                continue;
            }
            let exponent = (nearest.abs().to_bits() >> 23).max(1) as i32;
            let unit = libm::ldexp(1.0, exponent - 127 - 23);
            let error = (f64::from(got) - want).abs() / unit;
            if !(error <= worst.0) {
                worst = (error, x);
            }
        }
        worst
    }

    fn check(step: usize) {
        let sigmoid = |x: f32| 1.0 / (1.0 + single::exp(-x));
        println!("exp     {:?}", worst(single::exp, libm::exp, step));
        println!("sigmoid {:?}", worst(sigmoid, |x| 1.0 / (1.0 + libm::exp(-x)), step));
        println!("tanh    {:?}", worst(single::tanh, libm::tanh, step));
        let unit = |x: f32| if (0.0..=1.0).contains(&x) { x } else { 0.5 };
        let _ = unit;
    }

    #[test]
    fn errors_are_small() {
        check(4099);
    }

    #[test]
    #[ignore = "takes minutes"]
    fn errors_are_small_for_all_numbers() {
        check(1);
    }
}
