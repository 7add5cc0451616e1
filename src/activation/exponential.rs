//! Exponential linear units.

use super::{Elementwise, activation};
use crate::fingerprint::fingerprint;
use crate::scalar::Scalar;

activation! {
    /// Exponential linear unit: `y = z` where `z > 0`, else `e^z - 1`; `dy/dz` is 1 or `y + 1`.
    ///
    /// Clevert, Unterthiner, Hochreiter, ICLR 2016, with alpha = 1.
    ///
    /// ```
    /// use gradlet::{Elementwise, Elu};
    ///
    /// assert_eq!((Elu::apply(2.0), Elu::apply(-1000.0)), (2.0, -1.0));
    /// assert_eq!((Elu::derivative(2.0), Elu::derivative(-0.75)), (1.0, 0.25));
    /// ```
    Elu
}
impl Elementwise for Elu {
    const FINGERPRINT: u32 = fingerprint("Elu", &[]);

    #[inline]
    fn apply<T: Scalar>(z: T) -> T {
        if z > T::ZERO { z } else { z.exp_m1() }
    }
    #[inline]
    fn derivative<T: Scalar>(y: T) -> T {
        if y > T::ZERO { T::ONE } else { y + T::ONE }
    }
}

activation! {
    /// Scaled exponential linear unit: `y = s z` where `z > 0`, else `s a (e^z - 1)`, with
    /// `s = 1.0507009873554805` and `a = 1.6732632423543772`; `dy/dz` is `s` or `y + s a`.
    ///
    /// Klambauer, Unterthiner, Mayr, Hochreiter, Self-normalizing neural networks, NIPS 2017. With
    /// LeCun's initialisation and standardised inputs, the outputs of every layer keep a mean near 0
    /// and a variance near 1. Infinite where `s z` is above the largest number.
    ///
    /// ```
    /// use gradlet::{Elementwise, Selu};
    ///
    /// assert_eq!([1.0, 0.0, -1000.0].map(Selu::apply), [1.0507009873554805, 0.0, -1.7580993408473768]);
    /// assert_eq!([1.0, -1.7580993408473768].map(Selu::derivative), [1.0507009873554805, 0.0]);
    /// ```
    Selu
}
impl Selu {
    /// `s`.
    const SCALE: f64 = 1.050_700_987_355_480_5;
    /// `s a`.
    const LIMIT: f64 = 1.758_099_340_847_376_8;
}
impl Elementwise for Selu {
    const FINGERPRINT: u32 = fingerprint("Selu", &[]);

    #[inline]
    fn apply<T: Scalar>(z: T) -> T {
        if z > T::ZERO {
            z * T::from_f64(Self::SCALE)
        } else {
            z.exp_m1() * T::from_f64(Self::LIMIT)
        }
    }
    #[inline]
    fn derivative<T: Scalar>(y: T) -> T {
        if y > T::ZERO { T::from_f64(Self::SCALE) } else { y + T::from_f64(Self::LIMIT) }
    }
}
