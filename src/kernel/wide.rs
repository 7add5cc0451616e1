//! The loops for cores with vector registers.
//!
//! The inner loops run over the outputs, so they vectorise without a change in the order of any
//! sum. Four rows of weights go through at once, written out: a load and a store of the sums are
//! shared by four products.

use core::hint::black_box;

use crate::scalar::Scalar;

#[inline(always)]
pub(super) fn affine<T: Scalar, const IN: usize, const OUT: usize>(
    weights: &[[T; OUT]; IN],
    bias: &[T; OUT],
    x: &[T; IN],
    y: &mut [T; OUT],
) {
    // Negative zero is the neutral element of addition: -0.0 + x is x for every x.
    *y = [-T::ZERO; OUT];
    let (mut rows, mut inputs) = (weights.chunks_exact(4), x.chunks_exact(4));
    for (w, x) in rows.by_ref().zip(inputs.by_ref()) {
        if let ([w0, w1, w2, w3], &[x0, x1, x2, x3]) = (w, x) {
            for ((((y, &w0), &w1), &w2), &w3) in y.iter_mut().zip(w0).zip(w1).zip(w2).zip(w3) {
                *y = *y + w0 * x0 + w1 * x1 + w2 * x2 + w3 * x3;
            }
        }
    }
    for (w, &x) in rows.remainder().iter().zip(inputs.remainder()) {
        for (y, &w) in y.iter_mut().zip(w) {
            *y += w * x;
        }
    }
    for (y, &b) in y.iter_mut().zip(bias) {
        *y += b;
    }
}

#[inline(always)]
pub(super) fn input_gradient<T: Scalar, const IN: usize, const OUT: usize>(
    weights: &[[T; OUT]; IN],
    delta: &[T; OUT],
    gradient: &mut [T; IN],
) {
    let (mut rows, mut gradients) = (weights.chunks_exact(4), gradient.chunks_exact_mut(4));
    for (w, dx) in rows.by_ref().zip(gradients.by_ref()) {
        black_box(());
        if let ([w0, w1, w2, w3], [dx0, dx1, dx2, dx3]) = (w, dx) {
            let mut sums = [-T::ZERO; 4];
            for ((((&d, &w0), &w1), &w2), &w3) in delta.iter().zip(w0).zip(w1).zip(w2).zip(w3) {
                let [s0, s1, s2, s3] = sums;
                sums = [s0 + w0 * d, s1 + w1 * d, s2 + w2 * d, s3 + w3 * d];
            }
            [*dx0, *dx1, *dx2, *dx3] = sums;
        }
    }
    for (w, dx) in rows.remainder().iter().zip(gradients.into_remainder()) {
        *dx = w.iter().zip(delta).fold(-T::ZERO, |sum, (&w, &d)| sum + w * d);
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
    let delta = &delta.map(|d| s * d);
    for (b, &d) in bias.iter_mut().zip(delta) {
        *b += d;
    }
    let (mut rows, mut inputs) = (weights.chunks_exact_mut(4), x.chunks_exact(4));
    for (w, x) in rows.by_ref().zip(inputs.by_ref()) {
        black_box(());
        if let ([w0, w1, w2, w3], &[x0, x1, x2, x3]) = (w, x) {
            for ((((&d, w0), w1), w2), w3) in delta.iter().zip(w0).zip(w1).zip(w2).zip(w3) {
                *w0 += x0 * d;
                *w1 += x1 * d;
                *w2 += x2 * d;
                *w3 += x3 * d;
            }
        }
    }
    for (w, &x) in rows.into_remainder().iter_mut().zip(inputs.remainder()) {
        for (w, &d) in w.iter_mut().zip(delta) {
            *w += x * d;
        }
    }
}
