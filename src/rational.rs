//! Rational activations for cores with an FPU: tanh and sigmoid by a few multiplications and one division.
//!
//! [`libm`]'s functions branch on their arguments, and those of [`crate::fast`] are exact to the last bits.
//! The functions here are one quotient of two polynomials, exact enough for the gates of a recurrent layer: a
//! [`Gru`](crate::Gru) computes three of them for each unit and step. On cores without an FPU, take those of
//! libm: products cost too much there.
//!
//! Their results differ from those of [`crate::Tanh`] and [`crate::Sigmoid`], but they too are the same on
//! every target: they only add, multiply, divide and compare. They are used in a network's type like all
//! others:
//!
//! ```
//! use gradlet::{prelude::*, rational};
//!
//! type Net = net![32 x 3 => Gru(16, by rational) => 8 rational::Tanh => 4 Softmax];
//!
//! type Gates = Gru<32, 3, 16, 48, f32, rational::Sigmoid, rational::Tanh>;
//! type Same = Chain<Gates, Chain<Dense<16, 8, rational::Tanh>, Dense<8, 4, Softmax>>>;
//! let net: Same = Net::ZERO;
//! # assert_eq!(net.forward(&[[1.0; 3]; 32]), [0.25; 4]);
//! ```
//!
//! # Accuracy
//!
//! Largest errors for every `f32`, and for 10 million `f64`:
//!
//! | | `f32` | `f64` |
//! |---|---:|---:|
//! | [`Tanh`], relative | 5.5e-7 | 2.7e-7 |
//! | [`Sigmoid`], absolute | 3.0e-7 | 1.4e-7 |
//!
//! `cargo test --release --lib rational -- --include-ignored --nocapture` measures them, in some minutes.
//! Because of rounding, they are not quite monotonic.
//!
//! # Method
//!
//! `tanh x = x p(x^2) / q(x^2)`, with polynomials of the fourth degree, for `|x|` up to 8.5, and from there on
//! as at 8.5. Both begin with 1, so that small numbers stay what they are. The other coefficients have the
//! least largest relative error, 1.3e-8, from `tanh x (1 - 2e-7 x^6 / (16^3 + x^6))`, found by the Remez
//! exchange algorithm for rational functions (Cheney, Introduction to Approximation Theory, 1966): it
//! is so much lower for large `|x|` that rounding does not lead above 1.
//! `sigmoid z = 1/2 + 1/2 tanh(z / 2)`.

use crate::activation::{Elementwise, activation};
use crate::fingerprint::fingerprint;
use crate::scalar::Scalar;

/// The coefficients of `p` and of `q`, and up to which number they are good.
struct Quotient {
    p: [f64; 5],
    q: [f64; 5],
    end: f64,
}

const TANH: Quotient = Quotient {
    p: [
        1.0,
        0.134_144_615_139_941_5,
        0.003_535_492_999_135_286,
        2.127_735_493_772_902_3e-5,
        1.431_031_798_388_240_3e-8,
    ],
    q: [
        1.0,
        0.467_477_875_231_475_66,
        0.026_028_250_207_106_01,
        0.000_335_134_937_807_725_4,
        8.160_958_339_097_992e-7,
    ],
    end: 8.5,
};

/// `1/2 tanh(z / 2)`: powers of two, so its bits are those of this product.
const HALF_TANH_OF_HALF: Quotient = {
    const fn scaled([a, b, c, d, e]: [f64; 5]) -> [f64; 5] {
        [a, b / 4.0, c / 16.0, d / 64.0, e / 256.0]
    }
    let [a, b, c, d, e] = scaled(TANH.p);
    Quotient {
        p: [a / 4.0, b / 4.0, c / 4.0, d / 4.0, e / 4.0],
        q: scaled(TANH.q),
        end: 2.0 * TANH.end,
    }
};

/// `a + b u + c u^2 ..`. A function, as a closure might not be inlined at opt-level `z`, and would then convert
/// its coefficients each time.
#[inline(always)]
fn polynomial<T: Scalar>([a, b, c, d, e]: [f64; 5], u: T) -> T {
    let sum = T::from_f64(d) + u * T::from_f64(e);
    let sum = T::from_f64(b) + u * (T::from_f64(c) + u * sum);
    T::from_f64(a) + u * sum
}

impl Quotient {
    #[inline(always)]
    fn at<T: Scalar>(&self, z: T) -> T {
        let end = T::from_f64(self.end);
        let x = if z > end {
            end
        } else if z < -end {
            -end
        } else {
            z
        };
        let u = x * x;
        x * polynomial(self.p, u) / polynomial(self.q, u)
    }
}

activation! {
    /// Logistic function `y = 1 / (1 + e^-z)`, range `0..=1`, `dy/dz = y (1 - y)`, to the error of this
    /// [module](self).
    ///
    /// For gates and hidden layers; a loss that takes logarithms of it takes [`crate::Sigmoid`].
    ///
    /// ```
    /// use gradlet::{Elementwise, rational::Sigmoid};
    ///
    /// assert_eq!((Sigmoid::apply(0.0), Sigmoid::derivative(0.5)), (0.5, 0.25));
    /// assert!(Sigmoid::apply(-1000.0) < 2e-7 && Sigmoid::apply(1000.0) > 1.0 - 2e-7);
    /// ```
    Sigmoid
}
impl Elementwise for Sigmoid {
    const FINGERPRINT: u32 = fingerprint("rational::Sigmoid", &[]);

    #[inline(always)]
    fn apply<T: Scalar>(z: T) -> T {
        T::HALF + const { HALF_TANH_OF_HALF }.at(z)
    }
    #[inline(always)]
    fn derivative<T: Scalar>(y: T) -> T {
        y * (T::ONE - y)
    }
}

activation! {
    /// Hyperbolic tangent, range `-1..=1`, `dy/dz = 1 - y^2`, to the error of this [module](self).
    ///
    /// ```
    /// use gradlet::{Elementwise, rational::Tanh};
    ///
    /// assert_eq!((Tanh::apply(0.0), Tanh::derivative(0.5)), (0.0, 0.75));
    /// assert!(Tanh::apply(-1000.0) < -1.0 + 4e-7);
    /// ```
    Tanh
}
impl Elementwise for Tanh {
    const FINGERPRINT: u32 = fingerprint("rational::Tanh", &[]);

    #[inline(always)]
    fn apply<T: Scalar>(z: T) -> T {
        const { TANH }.at(z)
    }
    #[inline(always)]
    fn derivative<T: Scalar>(y: T) -> T {
        T::ONE - y * y
    }
}

#[cfg(test)]
#[allow(clippy::float_cmp, clippy::arithmetic_side_effects, reason = "tests compare exactly")]
mod tests {
    extern crate std;

    use std::println;

    use super::{Elementwise, Sigmoid, Tanh};

    /// Largest errors of both functions, that of tanh relative, over each `step`-th `f32` of both signs.
    fn single(step: u32) -> [f64; 2] {
        let mut errors = [0.0_f64; 2];
        for bits in (0..=f32::INFINITY.to_bits()).step_by(step as usize) {
            for x in [f32::from_bits(bits), -f32::from_bits(bits)] {
                let (y, z) = (Tanh::apply(x), Sigmoid::apply(x));
                assert!(y.abs() <= 1.0 && (0.0..=1.0).contains(&z), "{x}: {y} {z}");
                add(&mut errors, x.into(), y.into(), z.into());
            }
        }
        println!("f32: {errors:?}");
        errors
    }

    fn add(errors: &mut [f64; 2], x: f64, tanh: f64, sigmoid: f64) {
        let want = libm::tanh(x);
        let relative = if x == 0.0 { tanh } else { tanh / want - 1.0 };
        let absolute = sigmoid - 1.0 / (1.0 + libm::exp(-x));
        for (largest, error) in errors.iter_mut().zip([relative, absolute]) {
            // NaN counts as an error too.
            if error.is_nan() || error.abs() > *largest {
                *largest = error.abs();
            }
        }
    }

    fn double(count: u32) -> [f64; 2] {
        let mut errors = [0.0_f64; 2];
        for n in 0..=count {
            let x = (f64::from(n) / f64::from(count) - 0.5) * 80.0;
            let (y, z) = (Tanh::apply(x), Sigmoid::apply(x));
            assert!(y.abs() <= 1.0 && (0.0..=1.0).contains(&z), "{x}: {y} {z}");
            add(&mut errors, x, y, z);
        }
        println!("f64: {errors:?}");
        errors
    }

    #[test]
    fn errors_are_those_of_the_documentation() {
        let [tanh, sigmoid] = single(4099);
        assert!(tanh < 5.5e-7 && sigmoid < 3e-7, "{tanh} {sigmoid}");
        let [tanh, sigmoid] = double(100_000);
        assert!(tanh < 2.7e-7 && sigmoid < 1.4e-7, "{tanh} {sigmoid}");
    }

    #[test]
    #[ignore = "takes some minutes"]
    fn errors_of_all_numbers() {
        single(1);
        double(10_000_000);
    }

    #[test]
    fn special_values_stay_finite() {
        assert!(Tanh::apply(f32::NAN).is_nan() && Sigmoid::apply(f64::NAN).is_nan());
        assert_eq!(Tanh::apply(f32::INFINITY), Tanh::apply(8.5));
        assert_eq!(Sigmoid::apply(-f64::INFINITY), Sigmoid::apply(-17.0));
        assert_eq!(Tanh::apply(-0.0_f32).to_bits(), (-0.0_f32).to_bits());
        for x in [f32::MIN_POSITIVE, 1e-40, 1e-5, f32::from_bits(1)] {
            assert_eq!(Tanh::apply(x), libm::tanhf(x), "{x:e}");
        }
    }
}
