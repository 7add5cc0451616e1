//! Loops for fixed-point numbers: 16-bit weights, the upper halves of [`Q26`], times 32-bit values.
//!
//! Sums wrap around, so their order does not matter, and what wraps on the way to a sum within the
//! range does no harm.

use super::{columns, columns_mut, each, rolled};
use crate::number::{Q12, Q26};

/// `sum + w x` of the upper half of the weight.
#[inline(always)]
pub(crate) const fn add_product(sum: i32, w: Q26, x: i32) -> i32 {
    sum.wrapping_add(w.upper().wrapping_mul(x))
}

/// A logit: `sum + bias`, from 22 fraction bits to 12.
#[inline(always)]
pub(crate) const fn add_bias(sum: i32, bias: Q26) -> Q12 {
    Q12::raw(sum.wrapping_add(bias.to_bits() >> 4) >> 10)
}

/// `w - g x 2^-shift`, which must not leave the range.
#[inline(always)]
pub(crate) const fn learn(w: Q26, g: i32, x: i32, shift: u32) -> Q26 {
    Q26::raw(w.to_bits().wrapping_sub(g.wrapping_mul(x).wrapping_shr(shift)))
}

/// `y = W x + b`, in pairs of columns: their weights come from one pointer.
#[inline(always)]
pub(crate) fn affine<const IN: usize, const OUT: usize>(
    weights: &[[Q26; OUT]; IN],
    bias: &[Q26; OUT],
    x: &[Q12; IN],
    y: &mut [Q12; OUT],
) {
    let mut at = 0;
    while let (Some(&[b0, b1]), Some(y)) = (columns(bias, at), columns_mut(y, at)) {
        let (mut s0, mut s1) = (0, 0);
        rolled(weights.iter().zip(x), |(w, &x)| {
            if let Some(&[w0, w1]) = columns(w, at) {
                s0 = add_product(s0, w0, x.to_bits());
                s1 = add_product(s1, w1, x.to_bits());
            }
        });
        *y = [add_bias(s0, b0), add_bias(s1, b1)];
        at = at.wrapping_add(2);
    }
    if let (Some(&[b0]), Some(y)) = (columns(bias, at), columns_mut(y, at)) {
        let mut s0 = 0;
        rolled(weights.iter().zip(x), |(w, &x)| {
            if let Some(&[w0]) = columns(w, at) {
                s0 = add_product(s0, w0, x.to_bits());
            }
        });
        *y = [add_bias(s0, b0)];
    }
}

/// `dx = W^T d`.
#[inline(always)]
pub(crate) fn input_gradient<const IN: usize, const OUT: usize>(
    weights: &[[Q26; OUT]; IN],
    d: &[i32; OUT],
    dx: &mut [i32; IN],
) {
    each(IN, weights.iter(), dx.iter_mut(), |w, dx| {
        let mut sum = 0;
        each(OUT, w, d, |&w, &d| sum = add_product(sum, w, d));
        *dx = sum;
    });
}

/// `W -= x g^T 2^-shift`, `b -= g 2^-shift` with an input of 1, where nothing leaves the range.
#[inline(always)]
pub(crate) fn update<const IN: usize, const OUT: usize>(
    weights: &mut [[Q26; OUT]; IN],
    bias: &mut [Q26; OUT],
    x: &[Q12; IN],
    g: &[i32; OUT],
    shift: u32,
) {
    each(IN, weights.iter_mut(), x, |w, &x| {
        each(OUT, w, g, |w, &g| *w = learn(*w, g, x.to_bits(), shift));
    });
    each(OUT, bias, g, |b, &g| *b = learn(*b, g, Q12::ONE.to_bits(), shift));
}
