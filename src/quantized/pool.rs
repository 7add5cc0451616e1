//! Pooling and flattening of int8 numbers: without parameters, and without a change of the quantisation.

#![allow(clippy::arithmetic_side_effects, reason = "sizes and indices are those of arrays")]

use super::calibration::Granularity;
use super::error::QuantizeError;
use super::multiplier::Rounding;
use super::quantization::{Quantization, saturate};
use super::{Int8Layer, Quantize};
use crate::kernel::geometry::Windows;
use crate::kernel::{chunks, chunks_mut};
use crate::layer::{
    Flatten, FlattenChannelsLast, GlobalMax, GlobalMean, LastStep, Layer, MaxPool1d, MaxPool2d,
    MeanPool1d, MeanPool2d, Pools,
};
use crate::shape::Shape;

/// The largest of the numbers of each window and channel.
#[inline(always)]
fn max(windows: Windows, x: &[i8], y: &mut [i8], _: &mut [i32]) {
    each_window(windows, y, |row, column, y| {
        y.fill(i8::MIN);
        windows.taps_at(row, column, |pixel, _| {
            for (y, &x) in y.iter_mut().zip(x.get(pixel..).unwrap_or_default()) {
                if x > *y {
                    *y = x;
                }
            }
        });
    });
}

/// The mean of the numbers of each window and channel, rounded, halves away from 0: the bits of `TFLite`'s
/// reference kernel.
#[inline(always)]
fn mean(windows: Windows, x: &[i8], y: &mut [i8], sums: &mut [i32]) {
    let by = Reciprocal::of(windows.count());
    each_window(windows, y, |row, column, y| {
        sums.fill(0);
        windows.taps_at(row, column, |pixel, _| {
            for (sum, &x) in sums.iter_mut().zip(x.get(pixel..).unwrap_or_default()) {
                *sum = sum.wrapping_add(i32::from(x));
            }
        });
        for (y, &sum) in y.iter_mut().zip(&*sums) {
            *y = by.mean(sum);
        }
    });
}

#[inline(always)]
fn each_window(windows: Windows, y: &mut [i8], mut f: impl FnMut(usize, usize, &mut [i8])) {
    let mut outputs = chunks_mut(y, windows.channels);
    for row in 0..windows.rows.output {
        for column in 0..windows.columns.output {
            if let Some(y) = outputs.next() {
                f(row, column, y);
            }
        }
    }
}

/// Division by a count, as a product where it fits in 32 bits: a small core has no division.
#[derive(Clone, Copy)]
struct Reciprocal {
    count: u32,
    /// `2^shift / count`, rounded up; 0 if it does not fit.
    factor: u32,
    shift: u32,
}

impl Reciprocal {
    /// `floor(v / count) = v factor >> shift` for all `v` below `2^shift / (count - 1)`. With a shift of
    /// twice the count's bits and 8, that is up to `128 count` and half of it; the product is below `2^32`
    /// for counts of up to 255.
    #[inline(always)]
    const fn of(count: u32) -> Self {
        let bits = 32 - count.leading_zeros();
        let shift = 2 * bits + 8;
        if bits > 8 || count == 0 {
            return Self { count, factor: 0, shift: 0 };
        }
        Self { count, factor: (1_u32 << shift).div_ceil(count), shift }
    }

    /// The mean of numbers with this sum.
    #[inline(always)]
    fn mean(self, sum: i32) -> i8 {
        let rounded = sum.unsigned_abs() + self.count / 2;
        let quotient = if self.factor > 0 {
            rounded.wrapping_mul(self.factor) >> self.shift
        } else {
            rounded.checked_div(self.count).unwrap_or(0)
        };
        let quotient = quotient as i32;
        saturate(if sum < 0 { -quotient } else { quotient })
    }
}

/// Implements what layers without parameters have in common: `$run` computes an output.
macro_rules! unchanged {
    ([$($generics:tt)*] $Layer:ty, |$x:ident: $Input:ty, $y:ident: $Output:ty| $run:expr) => {
        impl<$($generics)*> Int8Layer for $Layer {
            type Input = $Input;
            type Output = $Output;

            #[inline]
            fn run(&self, $x: &Self::Input, $y: &mut Self::Output) {
                $run
            }
        }

        impl<$($generics)*> Quantize for $Layer {
            type Ranges = ();
            type Int8<R: Rounding> = Self;

            fn observe(&self, input: &Self::Input, (): &mut ()) -> Self::Output {
                self.forward(input)
            }

            fn quantize<R: Rounding>(
                &self,
                (): &(),
                input: Quantization,
                _: Granularity,
                _: &mut usize,
            ) -> Result<(Self, Quantization), QuantizeError> {
                Ok((Self::new(), input))
            }
        }
    };
}

macro_rules! pool {
    ([$($generics:tt)*] $Layer:ty, $input:ty => $output:ty, $f32:ty, $run:ident) => {
        unchanged! {
            [$($generics)* const C: usize] $Layer, |x: $input, y: $output| {
                let windows = <Self as Pools<$f32>>::WINDOWS;
                $run(windows, Shape::as_slice(x), Shape::as_mut_slice(y), &mut [0; C])
            }
        }
    };
}

macro_rules! pools {
    ($Pool1d:ident $Pool2d:ident $Global:ident $run:ident) => {
        pool!([const L: usize, const K: usize, const M: usize, const STEP: usize,]
            $Pool1d<L, C, K, M, f32, STEP>, [[i8; C]; L] => [[i8; C]; M], [[f32; C]; L], $run);
        pool!([const H: usize, const W: usize, const KH: usize, const KW: usize, const MH: usize,
            const MW: usize, const SH: usize, const SW: usize,]
            $Pool2d<H, W, C, KH, KW, MH, MW, f32, SH, SW>,
            [[[i8; C]; W]; H] => [[[i8; C]; MW]; MH], [[[f32; C]; W]; H], $run);
        pool!([const L: usize,] $Global<[[f32; C]; L]>, [[i8; C]; L] => [i8; C], [[f32; C]; L], $run);
        pool!([const H: usize, const W: usize,] $Global<[[[f32; C]; W]; H]>,
            [[[i8; C]; W]; H] => [i8; C], [[[f32; C]; W]; H], $run);
    };
}
pools!(MaxPool1d MaxPool2d GlobalMax max);
pools!(MeanPool1d MeanPool2d GlobalMean mean);

unchanged! {
    [const C: usize, const L: usize] LastStep<[[f32; C]; L]>, |x: [[i8; C]; L], y: [i8; C]| {
        if let Some(last) = x.last() {
            *y = *last;
        }
    }
}

macro_rules! flatten {
    ($($Flatten:ident)+) => { $(
        flatten!(@ $Flatten [L] [[f32; C]; L], [[i8; C]; L]);
        flatten!(@ $Flatten [W H] [[[f32; C]; W]; H], [[[i8; C]; W]; H]);
    )+ };
    (@ $Flatten:ident [$($n:ident)+] $X:ty, $Input:ty) => {
        unchanged! {
            [const C: usize, $(const $n: usize,)+ const N: usize] $Flatten<$X, N>, |x: $Input, y: [i8; N]| {
                const { assert!(<$X as Shape>::LEN == N, "the vector has another length") };
                for (l, step) in chunks(Shape::as_slice(x), C).enumerate() {
                    for (c, &x) in step.iter().enumerate() {
                        if let Some(y) = y.get_mut(Self::place(l, c, 1 $(* $n)+, C)) {
                            *y = x;
                        }
                    }
                }
            }
        }
    };
}
flatten!(Flatten FlattenChannelsLast);
