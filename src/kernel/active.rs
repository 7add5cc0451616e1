//! Kernels for convolutions behind a mean after `Relu`: a bit says whether an output was positive, and
//! if so, its derivative is that of its mean.

#![allow(clippy::arithmetic_side_effects, reason = "sizes and indices are those of arrays")]

use core::hint::black_box;

use super::geometry::{Sizes, Windows, least};
use super::packed::{self, Bits};
use super::sparse::Nonzero;
use crate::scalar::Scalar;

/// The derivatives by the logits of the convolution: [packed] bits, and the derivatives by the means.
#[derive(Clone, Copy)]
pub(crate) struct OfActive<'a, P, T, const OUT: usize> {
    pub(crate) pool: P,
    pub(crate) active: &'a [u8],
    pub(crate) d: &'a [T],
}

impl<P: Sizes, T: Scalar, const OUT: usize> OfActive<'_, P, T, OUT> {
    /// A function from a position to the derivative by an output that is positive there.
    #[inline(always)]
    fn by_position(self, output: usize) -> impl Fn(usize, usize) -> T {
        let pool = self.pool.windows();
        let share = T::ONE / T::from_u32(pool.count());
        let by_window = move |window: usize| {
            let d = self.d.get(window * OUT + output).copied().unwrap_or(T::ZERO);
            T::ZERO + d * share
        };
        // The mean of everything has one window: one derivative for all positions.
        let first = by_window(0);
        move |row, column| match pool.pooled(row, column) {
            0 => first,
            window => by_window(window),
        }
    }
}

impl<P: Sizes, T: Scalar, const OUT: usize> Nonzero<T> for OfActive<'_, P, T, OUT> {
    #[inline(always)]
    fn each(self, output: usize, mut f: impl FnMut(usize, usize, T)) {
        let (pool, d) = (self.pool.windows(), self.by_position(output));
        packed::each_set::<OUT>(self.active, output, |position| {
            let (row, column) = pool.place(position);
            f(row, column, d(row, column));
        });
    }
}

/// Evaluates `$add` for the sum of each place whose bit is set.
macro_rules! where_set {
    ($sums:ident, $bits:expr, |$sum:ident, $k:ident| $add:expr) => {
        where_set!(@ $sums, $bits, |$sum, $k| $add;
            a 0, b 1, c 2, d 3, e 4, f 5, g 6, h 7, i 8, j 9, k 10, l 11, m 12, n 13, o 14, p 15);
    };
    (@ $sums:ident, $bits:expr, |$sum:ident, $k:ident| $add:expr; $($s:ident $n:literal),+) => {
        let bits = $bits;
        let [$($s),+] = &mut $sums;
        $(if bits & 1 << $n != 0 {
            const $k: usize = $n;
            let $sum = $s;
            $add;
            // Without it, the compiler adds always, then chooses: twice the instructions.
            black_box(());
        })+
    };
}

/// How many places are processed together.
const PLACES: usize = 16;

/// As [`super::windows::input_gradient`], by one channel of the input: `dx` has one number for each
/// place.
#[inline(never)]
pub(crate) fn input_gradient_by<P: Sizes, T: Scalar, const OUT: usize>(
    sizes: impl Sizes,
    d: OfActive<'_, P, T, OUT>,
    channel: usize,
    weights: &[[T; OUT]],
    dx: &mut [T],
) {
    let windows = sizes.windows();
    let places = windows.columns;
    for row in 0..windows.rows.input {
        let dx = dx.get_mut(row * places.input..).unwrap_or_default();
        for phase in 0..least(places.step, places.input) {
            // The places of one phase are a step apart, and seen by the same taps.
            for first in (phase..places.input).step_by(PLACES * places.step) {
                let sums = sums(windows, d, channel, weights, (row, first));
                let end = least(first + PLACES * places.step, places.input);
                let dx = dx.get_mut(first..end).unwrap_or_default();
                for (dx, sum) in dx.iter_mut().step_by(places.step).zip(&sums) {
                    *dx = *sum;
                }
            }
        }
    }
}

/// The sums of some places from this one on, a step apart.
#[inline(always)]
fn sums<P: Sizes, T: Scalar, const OUT: usize>(
    windows: Windows,
    d: OfActive<'_, P, T, OUT>,
    channel: usize,
    weights: &[[T; OUT]],
    (row, column): (usize, usize),
) -> [T; PLACES] {
    let mut sums = [-T::ZERO; PLACES];
    windows.taps(|row_tap, column_tap| {
        let Some(row) = windows.rows.position(row, row_tap) else { return };
        let Some((before, first)) = windows.columns.positions_from(column, column_tap) else {
            return;
        };
        let left = windows.columns.output.saturating_sub(first);
        let count = least(PLACES.saturating_sub(before), left);
        if count == 0 {
            return;
        }
        let bits = Bits::new(row * windows.columns.output + first, count);
        let tap = windows.weights(row_tap, column_tap);
        for output in 0..OUT {
            let Some(row_of_tap) = windows.row_of_tap(channel, output, OUT) else { continue };
            let w = weights.get(tap + row_of_tap).and_then(|w| w.get(output));
            let Some(&w) = w else { return };
            let d_at = d.by_position(output);
            where_set!(sums, bits.of::<OUT>(d.active, output) << before, |sum, K| {
                *sum += w * d_at(row, first + K - before);
            });
        }
    });
    sums
}
