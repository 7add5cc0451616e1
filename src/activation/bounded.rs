//! Activations with a bounded range and no exponential.

use super::{Elementwise, activation};
use crate::fingerprint::fingerprint;
use crate::scalar::Scalar;

/// `min(max(z, low), high)`. NaN stays NaN, and -0 becomes 0 if `low` is 0.
#[inline(always)]
fn clip<T: Scalar>(z: T, low: T, high: T) -> T {
    if z <= low {
        low
    } else if z > high {
        high
    } else {
        z
    }
}

/// `d` where `low < y < high`, else 0.
#[inline(always)]
fn inside<T: Scalar>(d: T, y: T, low: T, high: T) -> T {
    if y > low && y < high { d } else { T::ZERO }
}

activation! {
    /// Rectified linear unit up to 6: `y = min(max(z, 0), 6)`; `dy/dz = 1` where `0 < z < 6`, else 0
    /// (also at 0 and 6). NaN stays NaN.
    ///
    /// Sandler et al., Inverted residuals and linear bottlenecks, CVPR 2018.
    ///
    /// ```
    /// use gradlet::{Elementwise, Relu6};
    ///
    /// assert_eq!([-3.0, 3.0, 9.0].map(Relu6::apply), [0.0, 3.0, 6.0]);
    /// assert_eq!([0.0, 3.0, 6.0].map(Relu6::derivative), [0.0, 1.0, 0.0]);
    /// ```
    Relu6
}
impl Elementwise for Relu6 {
    const FINGERPRINT: u32 = fingerprint("Relu6", &[]);
    const CLAMPS: bool = true;

    #[inline]
    fn apply<T: Scalar>(z: T) -> T {
        clip(z, T::ZERO, T::from_u32(6))
    }
    #[inline]
    fn derivative<T: Scalar>(y: T) -> T {
        Self::times_derivative(T::ONE, y)
    }
    #[inline(always)]
    fn times_derivative<T: Scalar>(d: T, y: T) -> T {
        inside(d, y, T::ZERO, T::from_u32(6))
    }
}

activation! {
    /// Piecewise linear tanh: `y = min(max(z, -1), 1)`; `dy/dz = 1` where `-1 < z < 1`, else 0 (also
    /// at -1 and 1). NaN stays NaN.
    ///
    /// Collobert, Large scale machine learning, thesis, Paris 2004.
    ///
    /// ```
    /// use gradlet::{Elementwise, HardTanh};
    ///
    /// assert_eq!([-3.0, 0.5, 3.0].map(HardTanh::apply), [-1.0, 0.5, 1.0]);
    /// assert_eq!([-1.0, 0.5, 1.0].map(HardTanh::derivative), [0.0, 1.0, 0.0]);
    /// ```
    HardTanh
}
impl Elementwise for HardTanh {
    const FINGERPRINT: u32 = fingerprint("HardTanh", &[]);
    const CLAMPS: bool = true;

    #[inline]
    fn apply<T: Scalar>(z: T) -> T {
        clip(z, -T::ONE, T::ONE)
    }
    #[inline]
    fn derivative<T: Scalar>(y: T) -> T {
        Self::times_derivative(T::ONE, y)
    }
    #[inline(always)]
    fn times_derivative<T: Scalar>(d: T, y: T) -> T {
        inside(d, y, -T::ONE, T::ONE)
    }
}

activation! {
    /// Softsign: `y = z / (1 + |z|)`, range `-1..=1`; `dy/dz = (1 - |y|)^2`. NaN for infinities.
    ///
    /// Turian, Bergstra, Bengio, NAACL 2009. It saturates more slowly than [`Tanh`](crate::Tanh), and
    /// needs one division in place of an exponential.
    ///
    /// ```
    /// use gradlet::{Elementwise, Softsign};
    ///
    /// assert_eq!([-3.0, 0.0, 1.0].map(Softsign::apply), [-0.75, 0.0, 0.5]);
    /// assert_eq!([-0.75, 0.0, 0.5].map(Softsign::derivative), [0.0625, 1.0, 0.25]);
    /// ```
    Softsign
}
impl Elementwise for Softsign {
    const FINGERPRINT: u32 = fingerprint("Softsign", &[]);

    #[inline]
    fn apply<T: Scalar>(z: T) -> T {
        z / (T::ONE + z.abs())
    }
    #[inline]
    fn derivative<T: Scalar>(y: T) -> T {
        let rest = T::ONE - y.abs();
        rest * rest
    }
}
