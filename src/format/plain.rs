//! Generic loops for any number format, from its elementary operations; a format may override them.

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
        for (o, (y, &b)) in y.iter_mut().zip(bias).enumerate() {
            let products = weights.iter().zip(x).filter_map(|(w, &x)| Some((*w.get(o)?, x)));
            *y = F::add_bias(products.fold(F::empty(), |sum, (w, x)| F::add_product(sum, w, x)), b);
        }
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
    learn::<F, IN, OUT>(weights, bias, x, &d.map(|d| F::scaled(d, step)), step);
}

/// `W -= x g^T`, `b -= g`, where `g` are the results of [`scaled`](Format::scaled).
#[inline(always)]
pub(crate) fn learn<F: Format, const IN: usize, const OUT: usize>(
    weights: &mut [[F::Weight; OUT]; IN],
    bias: &mut [F::Weight; OUT],
    x: &[F::Value; IN],
    g: &[F::Sum; OUT],
    step: F::Step,
) {
    for (w, &x) in weights.iter_mut().zip(x) {
        for (w, &g) in w.iter_mut().zip(g) {
            *w = F::learn(*w, g, x, step);
        }
    }
    for (b, &g) in bias.iter_mut().zip(g) {
        *b = F::learn(*b, g, F::BIAS_INPUT, step);
    }
}

/// `W += x d^T`, `b += d`.
#[inline(always)]
pub(crate) fn accumulate<F: Format, const IN: usize, const OUT: usize>(
    weights: &mut [[F::Weight; OUT]; IN],
    bias: &mut [F::Weight; OUT],
    x: &[F::Value; IN],
    d: &[F::Sum; OUT],
    scale: F::Scale,
) {
    let of_products = F::product_scale(scale);
    for (sums, &x) in weights.iter_mut().zip(x) {
        for (sum, &d) in sums.iter_mut().zip(d) {
            *sum = F::add_gradient(*sum, F::product(x, d), of_products);
        }
    }
    for (sum, &d) in bias.iter_mut().zip(d) {
        *sum = F::add_gradient(*sum, d, scale);
    }
}
