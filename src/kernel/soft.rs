//! The loops for cores that compute with numbers by subroutines.
//!
//! One sum at a time: there are few registers, and each call clobbers half of them.

use super::dot;
use crate::scalar::Scalar;

#[inline(always)]
pub(super) fn affine<T: Scalar, const IN: usize, const OUT: usize>(
    weights: &[[T; OUT]; IN],
    bias: &[T; OUT],
    x: &[T; IN],
    y: &mut [T; OUT],
) {
    for (o, (y, &b)) in y.iter_mut().zip(bias).enumerate() {
        let mut products = weights.iter().zip(x).filter_map(|(w, &x)| w.get(o).map(|&w| w * x));
        // Not from zero: an addition saved for each output.
        let first = products.next().unwrap_or(-T::ZERO);
        *y = products.fold(first, |sum, product| sum + product) + b;
    }
}

#[inline(always)]
pub(super) fn input_gradient<T: Scalar, const IN: usize, const OUT: usize>(
    weights: &[[T; OUT]; IN],
    delta: &[T; OUT],
    gradient: &mut [T; IN],
) {
    for (w, dx) in weights.iter().zip(gradient) {
        *dx = dot(w, delta);
    }
}

#[inline(always)]
pub(super) fn update<T: Scalar, const IN: usize, const OUT: usize>(
    weights: &mut [[T; OUT]; IN],
    bias: &mut [T; OUT],
    x: &[T; IN],
    delta: &[T; OUT],
    s: T,
) {
    for (o, (b, &d)) in bias.iter_mut().zip(delta).enumerate() {
        let d = s * d;
        for (w, &x) in weights.iter_mut().zip(x) {
            if let Some(w) = w.get_mut(o) {
                *w += x * d;
            }
        }
        *b += d;
    }
}
