//! The loops for any number format, by its single steps.
//!
//! Four columns are written out, because the compiler does not unroll when it optimises for size.

use crate::format::Format;

/// `y = W x + b` for each sample; each sum in the order of the inputs, the bias last.
#[inline(always)]
pub(crate) fn affine<F: Format, const IN: usize, const OUT: usize, const K: usize>(
    weights: &[[F::Weight; OUT]; IN],
    bias: &[F::Weight; OUT],
    x: [&[F::Value; IN]; K],
    y: [&mut [F::Value; OUT]; K],
) {
    for (x, y) in x.into_iter().zip(y) {
        let (mut outputs, mut biases) = (y.chunks_exact_mut(4), bias.chunks_exact(4));
        let mut at = 0_usize;
        for (y, b) in outputs.by_ref().zip(biases.by_ref()) {
            let (Some(y), Some(b)) = (y.first_chunk_mut(), b.first_chunk()) else { return };
            sums::<F, IN, OUT, 4>(weights, b, x, y, at);
            at = at.wrapping_add(4);
        }
        for (y, b) in outputs.into_remainder().iter_mut().zip(biases.remainder()) {
            let (y, b) = (core::array::from_mut(y), core::array::from_ref(b));
            sums::<F, IN, OUT, 1>(weights, b, x, y, at);
            at = at.wrapping_add(1);
        }
    }
}

/// The sums of `N` units from `at` on.
#[inline(always)]
fn sums<F: Format, const IN: usize, const OUT: usize, const N: usize>(
    weights: &[[F::Weight; OUT]; IN],
    bias: &[F::Weight; N],
    x: &[F::Value; IN],
    y: &mut [F::Value; N],
    at: usize,
) {
    let mut sums = [F::empty(); N];
    for (w, &x) in weights.iter().zip(x) {
        let Some(w) = w.get(at..).and_then(|w| w.first_chunk::<N>()) else { return };
        for (sum, &w) in sums.iter_mut().zip(w) {
            *sum = F::add_product(*sum, w, x);
        }
    }
    for ((y, sum), &b) in y.iter_mut().zip(sums).zip(bias) {
        *y = F::add_bias(sum, b);
    }
}

/// `dx = W^T d` for each sample, in the order of the outputs.
#[inline(always)]
pub(crate) fn input_gradient<F: Format, const IN: usize, const OUT: usize, const K: usize>(
    weights: &[[F::Weight; OUT]; IN],
    d: [&[F::Sum; OUT]; K],
    dx: [&mut [F::Sum; IN]; K],
) {
    for (d, dx) in d.into_iter().zip(dx) {
        for (w, dx) in weights.iter().zip(dx) {
            let products = w.iter().zip(d);
            *dx = products.fold(F::empty(), |sum, (&w, &d)| F::add_back(sum, w, d));
        }
    }
}

/// `W -= rate x d^T`, `b -= rate d`.
#[inline(always)]
pub(crate) fn update<F: Format, const IN: usize, const OUT: usize>(
    weights: &mut [[F::Weight; OUT]; IN],
    bias: &mut [F::Weight; OUT],
    x: &[F::Value; IN],
    d: &[F::Sum; OUT],
    scale: F::Scale,
    rate: F::Real,
) {
    let step = F::step(rate, scale);
    let g = d.map(|d| F::scaled(d, step));
    for (w, &x) in weights.iter_mut().zip(x) {
        for (w, &g) in w.iter_mut().zip(&g) {
            *w = F::learn(*w, g, x, step);
        }
    }
    for (b, &g) in bias.iter_mut().zip(&g) {
        *b = F::learn(*b, g, F::BIAS_INPUT, step);
    }
}
