//! Kernels for one position whose numbers are contiguous: a dense layer, by the loops of
//! [`vldm`](super::vldm) for blocks of columns.

#![allow(clippy::arithmetic_side_effects, reason = "columns are counted up to `OUT`")]

use core::ops::Range;

use super::vldm::{Vector, one_by_eight, one_by_ten, one_by_twelve};
use crate::scalar::Scalar;

/// Columns of a block: of 12, 10 and 8 what leaves the fewest columns; 0 for fewer than 8 outputs.
const fn width(outputs: usize) -> usize {
    match (outputs % 12, outputs % 10, outputs % 8) {
        _ if outputs < 8 => 0,
        (rest, ten, eight) if outputs >= 12 && rest <= ten && rest <= eight => 12,
        (_, rest, eight) if outputs >= 10 && rest <= eight => 10,
        _ => 8,
    }
}

/// The columns after the last block.
fn rest<const OUT: usize>() -> Range<usize> {
    OUT - OUT.checked_rem(width(OUT)).unwrap_or(OUT)..OUT
}

/// Calls a function for all blocks of `OUT` columns.
macro_rules! in_blocks {
    ($function:ident($($argument:expr),+)) => {
        if const { width(OUT) == 12 } {
            one_by_twelve::$function($($argument),+);
        } else if const { width(OUT) == 10 } {
            one_by_ten::$function($($argument),+);
        } else if const { width(OUT) == 8 } {
            one_by_eight::$function($($argument),+);
        }
    };
}

/// `y = W x + b`, added up as by [`affine`](super::affine).
#[inline(always)]
pub(super) fn affine<T: Scalar, X: Vector<T> + ?Sized, const OUT: usize>(
    weights: &[[T; OUT]],
    bias: &[T; OUT],
    x: &X,
    y: &mut [T; OUT],
) {
    in_blocks!(affine(weights, bias, x, y));
    for at in rest::<OUT>() {
        let mut sum = -T::ZERO;
        for (&x, w) in x.as_ref().iter().zip(weights) {
            if let Some(&w) = w.get(at) {
                sum += w * x;
            }
        }
        if let (Some(y), Some(&bias)) = (y.get_mut(at), bias.get(at)) {
            *y = sum + bias;
        }
    }
}

/// `dx += W^T d`, added up in the order of the outputs.
#[inline(always)]
pub(super) fn add_input_gradient<T: Scalar, X: Vector<T> + ?Sized, const OUT: usize>(
    weights: &[[T; OUT]],
    d: &[T; OUT],
    dx: &mut X,
) {
    in_blocks!(add_input_gradient(weights, d, dx));
    for at in rest::<OUT>() {
        let Some(&d) = d.get(at) else { return };
        for (dx, w) in dx.as_mut().iter_mut().zip(weights) {
            if let Some(&w) = w.get(at) {
                *dx += w * d;
            }
        }
    }
}
