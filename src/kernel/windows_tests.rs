//! The loops of windows, those of other hardware too, against reference loops that add in the order
//! of the contract, bit for bit.

extern crate std;

use core::array;
use core::fmt::Debug;
use core::ops::RangeInclusive;
use std::vec;
use std::vec::Vec;

use super::geometry::{Axis, Windows};
use crate::scalar::Scalar;

/// The loops of this target, and those that would run on other hardware.
macro_rules! targets {
    ($($name:ident: $hardware:expr;)+) => { $(
        #[path = "."]
        mod $name {
            #![allow(
                dead_code,
                unreachable_pub,
                clippy::duplicate_mod,
                reason = "the same file for other hardware"
            )]

            use super::super::{Both, Hardware, begin_sums, chunks, fpu, geometry, row, run, tile};

            const HARDWARE: Hardware = $hardware;
            const SMALL: bool = false;

            #[path = "windows.rs"]
            pub(super) mod windows;
        }
    )+ };
}
targets! {
    soft_float: Hardware::SoftFloat;
    fpu: Hardware::Fpu;
    vldm: Hardware::Vldm;
    vectors: Hardware::Simd;
}

/// Random numbers that are the same on every run: `SplitMix64`.
struct Random(u64);

impl Random {
    fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn size(&mut self, range: RangeInclusive<usize>) -> usize {
        range.start() + (self.word() >> 33) as usize % (range.end() - range.start() + 1)
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.size(0..=choices.len() - 1)]
    }

    /// Numbers whose sums depend on the order of addition; some are zeros, of both signs.
    fn numbers<T: Scalar>(&mut self, count: usize) -> Vec<T> {
        let number = |word: u64| match word % 16 {
            0 => T::ZERO,
            1 => -T::ZERO,
            _ => T::from_f64((word >> 11) as f64 / (1_u64 << 53) as f64 - 0.5),
        };
        (0..count).map(|_| number(self.word())).collect()
    }

    fn rows<T: Scalar, const OUT: usize>(&mut self, count: usize) -> Vec<[T; OUT]> {
        let numbers = self.numbers(count * OUT);
        (0..count).map(|row| array::from_fn(|o| numbers[row * OUT + o])).collect()
    }
}

/// One dimension, as the reference sees it.
#[derive(Clone, Copy, Debug)]
struct Line {
    input: usize,
    kernel: usize,
    output: usize,
    step: usize,
    padding: usize,
    dilation: usize,
}

impl Line {
    const ONE: Self = Self { input: 1, kernel: 1, output: 1, step: 1, padding: 0, dilation: 1 };

    /// Any that a layer may have: with padding in front and behind, as much as is needed or more, and
    /// with steps left over that no window sees.
    fn random(random: &mut Random, kernel: usize, output: usize) -> Self {
        let (kernel, output) = (random.size(1..=kernel), random.size(1..=output));
        let (step, dilation) = (random.size(1..=3), random.size(1..=3));
        let (last, width) = ((output - 1) * step, (kernel - 1) * dilation);
        let padding = match random.size(0..=2) {
            0 => 0,
            1 => width,
            _ => random.size(0..=width),
        };
        let least = (last + 1).saturating_sub(padding).max(1);
        let exact = (last + width + 1).saturating_sub(padding).max(least);
        let input = if random.size(0..=1) == 0 { exact } else { random.size(least..=exact + 2) };
        Self { input, kernel, output, step, padding, dilation }
    }

    /// The step that a tap sees, or `None` in the padding.
    fn place(self, position: usize, tap: usize) -> Option<usize> {
        let place = (position * self.step + tap * self.dilation).checked_sub(self.padding)?;
        (place < self.input).then_some(place)
    }
}

/// A convolution, as the reference sees it.
#[derive(Debug)]
struct Case {
    rows: Line,
    columns: Line,
    channels: usize,
    group: usize,
    outputs: usize,
}

impl Case {
    fn random(random: &mut Random, outputs: usize) -> Self {
        let rows = match random.size(0..=1) {
            0 => Line::ONE,
            _ => Line::random(random, 3, 3),
        };
        let columns = Line::random(random, 5, 9);
        let divisors: Vec<_> = (1..=outputs).filter(|n| outputs % n == 0).collect();
        let (groups, group) = match random.size(0..=3) {
            0 => (outputs, 1),
            1 => (random.of(&divisors), random.size(1..=3)),
            _ => (1, random.of(&[1, 2, 3, 4, 5, 6, 8, 17])),
        };
        Self { rows, columns, channels: groups * group, group, outputs }
    }

    fn positions(&self) -> usize {
        self.rows.output * self.columns.output
    }

    fn rows_of_weights(&self) -> usize {
        self.rows.kernel * self.columns.kernel * self.group
    }

    fn inputs(&self) -> usize {
        self.rows.input * self.columns.input * self.channels
    }

    /// Calls `f` with each position, row of weights and index of an input that an output sees, those
    /// of one position in the order of taps and channels.
    fn products(&self, output: usize, mut f: impl FnMut(usize, usize, usize)) {
        let Self { rows, columns, channels, group, outputs } = *self;
        let first = output / (outputs / (channels / group)) * group;
        for position in 0..self.positions() {
            let (y, x) = (position / columns.output, position % columns.output);
            for tap in 0..rows.kernel * columns.kernel {
                let row = rows.place(y, tap / columns.kernel);
                let column = columns.place(x, tap % columns.kernel);
                let (Some(row), Some(column)) = (row, column) else { continue };
                for c in 0..group {
                    let pixel = row * columns.input + column;
                    f(position, tap * group + c, pixel * channels + first + c);
                }
            }
        }
    }
}

fn assert_bits<T: Scalar>(got: &[T], want: &[T], what: &str, case: &impl Debug) {
    assert_eq!(got.len(), want.len());
    for (i, (got, want)) in got.iter().zip(want).enumerate() {
        let (got, want) = (got.to_f64(), want.to_f64());
        assert!(got.to_bits() == want.to_bits(), "{what} {i}: {got:e}, not {want:e}; {case:?}");
    }
}

/// What a reference says of a case with random numbers.
struct Wanted<T, const OUT: usize> {
    weights: Vec<[T; OUT]>,
    bias: [T; OUT],
    x: Vec<T>,
    d: Vec<[T; OUT]>,
    y: Vec<[T; OUT]>,
    dx: Vec<T>,
    gradient: Vec<[T; OUT]>,
    bias_gradient: [T; OUT],
}

impl<T: Scalar, const OUT: usize> Wanted<T, OUT> {
    fn new(case: &Case, random: &mut Random) -> Self {
        let nothing = [-T::ZERO; OUT];
        let mut wanted = Self {
            weights: random.rows(case.rows_of_weights()),
            bias: random.rows(1)[0],
            x: random.numbers(case.inputs()),
            d: random.rows(case.positions()),
            y: vec![nothing; case.positions()],
            dx: vec![-T::ZERO; case.inputs()],
            gradient: vec![nothing; case.rows_of_weights()],
            bias_gradient: nothing,
        };
        let Self { weights, bias, x, d, y, dx, gradient, bias_gradient } = &mut wanted;
        // By input, tap and output: the order in which an input gradient adds.
        let mut parts = vec![];
        for o in 0..OUT {
            case.products(o, |position, row, i| {
                y[position][o] += weights[row][o] * x[i];
                gradient[row][o] += x[i] * d[position][o];
                parts.push((i, row / case.group, o, weights[row][o] * d[position][o]));
            });
            y.iter_mut().for_each(|y| y[o] += bias[o]);
            d.iter().for_each(|d| bias_gradient[o] += d[o]);
        }
        parts.sort_by_key(|&(i, tap, o, _)| (i, tap, o));
        parts.into_iter().for_each(|(i, _, _, product)| dx[i] += product);
        wanted
    }
}

/// Random cases with this number type and this number of outputs.
macro_rules! check {
    ($target:ident $T:ty: $($out:literal)+) => { $({
        use $target::windows;

        let mut random = Random($out);
        for _ in 0..120 {
            let case = Case::random(&mut random, $out);
            let want = Wanted::<$T, $out>::new(&case, &mut random);
            let axis = |line: Line| {
                let Line { input, kernel, output, step, padding, dilation } = line;
                let axis = Axis { input, kernel, output, step, padding, dilation };
                assert!(axis.is_valid());
                axis
            };
            let (rows, columns) = (axis(case.rows), axis(case.columns));
            let windows = Windows { rows, columns, channels: case.channels, group: case.group };

            let mut y = vec![[<$T>::NAN; $out]; case.positions()];
            windows::affine(windows, &want.weights, &want.bias, &want.x, &mut y);
            assert_bits(y.as_flattened(), want.y.as_flattened(), "logit", &case);

            let mut dx = vec![<$T>::NAN; case.inputs()];
            windows::input_gradient(windows, &want.weights, &want.d, &mut dx);
            assert_bits(&dx, &want.dx, "input gradient", &case);

            let mut gradient = vec![[<$T>::NAN; $out]; case.rows_of_weights()];
            let mut rows = InRows { gradient: &mut gradient, next: 0 };
            let bias = windows::gradient(windows, &want.x, &want.d, &mut rows);
            assert_eq!(rows.next, case.rows_of_weights(), "{case:?}");
            assert_bits(gradient.as_flattened(), want.gradient.as_flattened(), "gradient", &case);
            assert_bits(&bias, &want.bias_gradient, "gradient of the bias", &case);

            let mut parts = vec![[<$T>::NAN; $out]; case.rows_of_weights()];
            windows::gradient(windows, &want.x, &want.d, &mut InParts(&mut parts));
            assert_bits(parts.as_flattened(), want.gradient.as_flattened(), "part", &case);

            let mut macs = 0;
            (0..$out).for_each(|o| case.products(o, |_, _, _| macs += 1));
            assert_eq!(windows.macs($out), macs, "{case:?}");
        }
    })+ };
}

/// Takes the gradient in rows, which come in order.
struct InRows<'a, T, const OUT: usize> {
    gradient: &'a mut [[T; OUT]],
    next: usize,
}

/// Takes it in parts, each once.
struct InParts<'a, T, const OUT: usize>(&'a mut [[T; OUT]]);

macro_rules! takes {
    ($target:ident) => {
        impl<T: Scalar, const OUT: usize> $target::windows::Gradient<T, OUT>
            for InRows<'_, T, OUT>
        {
            const IN_PARTS: bool = false;

            fn part<const N: usize>(&mut self, _: usize, _: usize, _: [T; N]) {
                panic!("not in parts");
            }
            fn rows(&mut self, first: usize, rows: &[[T; OUT]]) {
                assert_eq!(first, self.next);
                self.next += rows.len();
                self.gradient[first..self.next].copy_from_slice(rows);
            }
        }

        impl<T: Scalar, const OUT: usize> $target::windows::Gradient<T, OUT>
            for InParts<'_, T, OUT>
        {
            const IN_PARTS: bool = true;

            fn part<const N: usize>(&mut self, row: usize, column: usize, part: [T; N]) {
                for (slot, value) in self.0[row][column..].iter_mut().zip(part) {
                    assert!(!(*slot == *slot), "came twice");
                    *slot = value;
                }
            }
            fn rows(&mut self, first: usize, rows: &[[T; OUT]]) {
                for (row, &values) in (first..).zip(rows) {
                    self.part(row, 0, values);
                }
            }
        }
    };
}
takes!(soft_float);
takes!(fpu);
takes!(vldm);
takes!(vectors);

/// What a reference says of sequences of so many steps, with derivatives of the first outputs in one
/// array, and of the others in another.
macro_rules! check_steps {
    ($target:ident: $($c:literal $out:literal $split:literal)+) => { $(
        for len in 0..=9 {
            use $target::windows::steps::{self, ByStep};
            let random = &mut Random(len as u64);
            let case = ($c, $out, len);
            let weights: [[f32; $out]; $c] = random.rows($c).try_into().unwrap();
            let bias = random.rows::<f32, $out>(1)[0];
            let (x, first) = (random.rows::<f32, $c>(len), random.rows::<f32, $out>(len));
            let others = random.rows::<f32, { $out - $split + 1 }>(len);
            let d = |t: usize, o: usize| if o < $split { first[t][o] } else { others[t][o - $split] };
            let sum = |numbers: &mut dyn Iterator<Item = f32>| numbers.fold(-0.0, |a, b| a + b);

            let mut y = vec![[f32::NAN; $out]; len];
            steps::affine(&weights, &bias, &x, &mut y);
            for (x, y) in x.iter().zip(&y) {
                let want: [f32; $out] =
                    array::from_fn(|o| sum(&mut (0..$c).map(|c| weights[c][o] * x[c])) + bias[o]);
                assert_bits(y, &want, "logit of a step", &case);
            }

            let mut dx = vec![f32::NAN; len * $c];
            steps::input_gradient(&weights, &first, &mut dx);
            let mut all = vec![[0.5; $c]; len];
            if let (Some(d), Some(sums)) = (first.first_chunk::<5>(), all.first_chunk_mut()) {
                steps::add_input_gradients(&weights, d.each_ref(), sums.each_mut());
            }
            for (step, (d, dx)) in first.iter().zip(dx.chunks($c)).enumerate() {
                let by = |start: f32, c: usize| {
                    (0..$out).fold(start, |sum, o| sum + weights[c][o] * d[o])
                };
                assert_bits(dx, &array::from_fn::<_, $c, _>(|c| by(-0.0, c)), "input gradient", &case);
                let mut sums = [0.5; $c];
                steps::add_input_gradients(&weights, [d], [&mut sums]);
                assert_bits(&sums, &array::from_fn::<_, $c, _>(|c| by(0.5, c)), "sum", &case);
                if len >= 5 && step < 5 {
                    assert_bits(&all[step], &sums, "sum in a tile", &case);
                }
            }

            let by_step = ByStep { first: &first, others: &others, split: $split };
            let want: Vec<[f32; $out]> = (0..$c)
                .map(|c| array::from_fn(|o| sum(&mut (0..len).map(|t| x[t][c] * d(t, o)))))
                .collect();
            let mut gradient = vec![[f32::NAN; $out]; $c];
            let mut rows = InRows { gradient: &mut gradient, next: 0 };
            steps::gradient(&x, by_step, &mut rows);
            assert_eq!(rows.next, $c);
            assert_bits(gradient.as_flattened(), want.as_flattened(), "gradient", &case);
            let mut parts = vec![[f32::NAN; $out]; $c];
            steps::gradient(&x, by_step, &mut InParts(&mut parts));
            assert_bits(parts.as_flattened(), want.as_flattened(), "part", &case);
            let want: [f32; $out] = array::from_fn(|o| sum(&mut (0..len).map(|t| d(t, o))));
            assert_bits(&steps::bias_gradient(by_step), &want, "gradient of the bias", &case);
        }
    )+ };
}

macro_rules! sums_run_in_the_order_of_the_contract {
    ($($target:ident)+) => { $(
        mod $target {
            use super::super::*;

            // Few numbers of outputs, as each takes seconds to compile.
            #[test]
            fn in_f32() {
                check!($target f32: 1 4 13 25);
            }

            #[test]
            fn in_f64() {
                check!($target f64: 6);
            }

            #[test]
            fn of_steps() {
                check_steps!($target: 1 1 1 7 12 8 3 27 18);
            }
        }
    )+ };
}

mod sums_run_in_the_order_of_the_contract {
    sums_run_in_the_order_of_the_contract!(soft_float fpu vldm vectors);
}

/// Sizes with half of the bits of an address, as 256 is where an address has 16.
#[test]
fn products_of_sizes_are_right_or_refused() {
    const HALF: usize = 1 << (usize::BITS / 2);
    let line = Axis { kernel: 2, input: 2, step: HALF, ..Axis::ONE };
    assert!(line.is_valid());
    assert!(!Axis { dilation: HALF, ..line }.is_valid());

    let (rows, columns) = (Axis::ONE, Axis::ONE);
    let windows = Windows { rows, columns, channels: HALF / 2, group: HALF / 8 };
    assert_eq!(windows.first_channel(3 * HALF - 1, 4 * HALF), 2 * HALF / 8);
    assert_eq!(windows.first_channel(3 * HALF, 4 * HALF), 3 * HALF / 8);
    assert_eq!(windows.macs(7 * HALF), 7 * HALF / 8 * HALF);
    assert_eq!(windows.macs(8 * HALF), usize::MAX);
}
