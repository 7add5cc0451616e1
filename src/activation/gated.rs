//! Gated activations, the input times a gate, which keep the logits for the derivative.

use super::{Activation, Elementwise, Sigmoid, activation, ratio};
use crate::fingerprint::fingerprint;
use crate::scalar::Scalar;
use crate::shape::Shape;

activation! {
    /// Gaussian error linear unit `y = z P(z)`, where `P` is the normal distribution function
    /// `erfc(-z / sqrt(2)) / 2`; `dy/dz = P(z) + z e^(-z^2 / 2) / sqrt(2 pi)`.
    ///
    /// Hendrycks, Gimpel, arXiv 1606.08415, the exact form. Keeps the logits for the derivative.
    ///
    /// ```
    /// use gradlet::{Activation, Gelu};
    ///
    /// let mut values = [-1000.0, 0.0, 1.0, 1000.0];
    /// <Gelu as Activation<f64>>::activate(&mut values);
    /// assert_eq!((values[0], values[1], values[3]), (0.0, 0.0, 1000.0));
    /// assert!((values[2] - 0.841_344_746_068_542_9_f64).abs() < 1e-15);
    /// ```
    Gelu
}
impl Gelu {
    /// Below this, the rounding of `z / sqrt(2)` and of `z^2` shows in the tail.
    fn is_tail<T: Scalar>(z: T) -> bool {
        z < -T::ONE
    }

    #[inline]
    fn distribution<T: Scalar>(z: T) -> T {
        let x = -z * T::FRAC_1_SQRT_2;
        let y = T::HALF * x.erfc();
        if !Self::is_tail(z) || y == T::ZERO {
            return y;
        }
        // erfc decays as e^(-x^2), and x^2 should be z^2 / 2.
        let high = x.upper_half();
        y + y * excess(high * high, (x - high) * (x + high), z)
    }

    #[inline]
    fn density<T: Scalar>(z: T) -> T {
        let square = T::HALF * z * z;
        let y = (-square).exp() * T::FRAC_1_SQRT_2PI;
        if Self::is_tail(z) && y > T::ZERO { y + y * excess(square, T::ZERO, z) } else { y }
    }
}

/// `high + low - z^2 / 2`, exact except for the last few digits where it is near 0.
fn excess<T: Scalar>(high: T, low: T, z: T) -> T {
    // The square of the upper half of the digits is exact, and so is the difference.
    let upper = z.upper_half();
    (high - T::HALF * upper * upper) + (low - T::HALF * (z - upper) * (z + upper))
}

impl<T: Scalar> Activation<T> for Gelu {
    const FINGERPRINT: u32 = fingerprint("Gelu", &[]);
    type Kept<Y: Shape<Element = T>> = Y;

    #[inline]
    fn activate(values: &mut [T]) {
        for value in values {
            *value *= Self::distribution(*value);
        }
    }

    #[inline]
    fn backpropagate(_: &[T], logits: &[T], delta: &mut [T], (): &mut ()) {
        for (d, &z) in delta.iter_mut().zip(logits) {
            *d *= Self::distribution(z) + z * Self::density(z);
        }
    }
}

activation! {
    /// Sigmoid linear unit, or swish: `y = z s` with `s = 1 / (1 + e^-z)`;
    /// `dy/dz = s (1 + z (1 - s))`.
    ///
    /// Elfwing, Uchibe, Doya, Neural Networks 107 (2018). Keeps the logits for the derivative.
    ///
    /// ```
    /// use gradlet::{Activation, Silu};
    ///
    /// let mut values = [-1000.0, 0.0, 1000.0];
    /// <Silu as Activation>::activate(&mut values);
    /// assert_eq!(values, [0.0, 0.0, 1000.0]);
    /// ```
    Silu
}
impl<T: Scalar> Activation<T> for Silu {
    const FINGERPRINT: u32 = fingerprint("Silu", &[]);
    type Kept<Y: Shape<Element = T>> = Y;

    #[inline]
    fn activate(values: &mut [T]) {
        for value in values {
            let (z, s) = (*value, <Sigmoid as Elementwise>::apply(*value));
            *value = if s < T::MIN_POSITIVE { tail(z, z) } else { z * s };
        }
    }

    #[inline]
    fn backpropagate(_: &[T], logits: &[T], delta: &mut [T], (): &mut ()) {
        for (d, &z) in delta.iter_mut().zip(logits) {
            let s = <Sigmoid as Elementwise>::apply(z);
            *d *= if s < T::MIN_POSITIVE {
                tail(z, T::ONE + z)
            } else {
                s * (T::ONE + z * (T::ONE - s))
            };
        }
    }
}

/// `factor e^z` where `e^z` alone is subnormal or underflows.
#[cold]
fn tail<T: Scalar>(z: T, factor: T) -> T {
    let root = (T::HALF * z).exp();
    factor * root * root
}

activation! {
    /// Piecewise quadratic swish: `y = z g` with `g = z/6 + 1/2`, clipped to `0..=1`;
    /// `dy/dz = z/3 + 1/2` where `-3 < z < 3`, else `g`.
    ///
    /// Howard et al., arXiv 1905.02244, ICCV 2019. Keeps the logits for the derivative.
    ///
    /// ```
    /// use gradlet::{Activation, HardSwish};
    ///
    /// let mut values = [-1000.0, -1.5, 0.0, 1.5, 1000.0];
    /// <HardSwish as Activation>::activate(&mut values);
    /// assert_eq!(values, [0.0, -0.375, 0.0, 1.125, 1000.0]);
    /// ```
    HardSwish
}
impl HardSwish {
    /// `middle` where `-3 < z < 3`, 0 below and 1 above.
    #[inline]
    fn between<T: Scalar>(z: T, middle: T) -> T {
        let limit = T::from_u32(3);
        if z <= -limit {
            T::ZERO
        } else if z >= limit {
            T::ONE
        } else {
            middle
        }
    }
}
impl<T: Scalar> Activation<T> for HardSwish {
    const FINGERPRINT: u32 = fingerprint("HardSwish", &[]);
    type Kept<Y: Shape<Element = T>> = Y;

    #[inline]
    fn activate(values: &mut [T]) {
        for value in values {
            let z = *value;
            // Not `z / 6 + 1/2`, which loses digits near -3.
            *value = z * Self::between(z, (z + T::from_u32(3)) * ratio::<T, 1, 6>());
        }
    }

    #[inline]
    fn backpropagate(_: &[T], logits: &[T], delta: &mut [T], (): &mut ()) {
        for (d, &z) in delta.iter_mut().zip(logits) {
            *d *= Self::between(z, z * ratio::<T, 1, 3>() + T::HALF);
        }
    }
}
