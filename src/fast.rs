//! Activations for PCs: tanh, sigmoid and softmax of several units at once.
//!
//! [`libm`]'s functions take other branches for other arguments, so that a compiler calls them for
//! one number after the other. The functions here are without branches: a loop over them becomes
//! vector instructions, for 4, 8 or 16 units each, the more with `-C target-cpu=native`. Layers of
//! four units and more gain; a single output gains little, and so do microcontrollers, which
//! compute one number at a time anyway.
//!
//! Their bits are not those of [`crate::Tanh`], [`crate::Sigmoid`] and [`crate::Softmax`], but they
//! too are the same on every target: all that they do is add, multiply, divide, compare and move
//! bits. They stand in a network's type like all others:
//!
//! ```
//! use gradlet::{fast, prelude::*};
//!
//! let mut net = Mlp::<2, 3, 1, fast::Tanh, fast::Sigmoid>::new(
//!     Dense::from_rows([[0.5, -0.3], [-0.6, 0.8], [0.2, 0.9]], [0.0; 3]),
//!     Dense::from_rows([[0.6, -0.5, 0.3]], [0.0]),
//! );
//! let mut trainer = Trainer::<_, BinaryCrossEntropy, Sgd>::new();
//! let before = trainer.step(&mut net, &Sgd { learning_rate: 0.5 }, &[1.0, -1.0], &[0.0]);
//! assert!(trainer.evaluate(&net, &[1.0, -1.0], &[0.0]) < before);
//! ```
//!
//! # Accuracy
//!
//! Largest errors in units in the last place, for every `f32` and for 10 million `f64`:
//!
//! | | `f32` | `f64` |
//! |---|---:|---:|
//! | [`Tanh`] | 1.60 | 1.62 |
//! | [`Sigmoid`] | 2.41 | 2.35 |
//! | `e^x` for `x <= 0`, in [`Softmax`] | 1.00 | 1.02 |
//! | `ln(1 + x)` for `0 <= x <= 1`, in [`BinaryCrossEntropy`] | 1.32 | 1.69 |
//!
//! `cargo test --release --lib fast -- --include-ignored --nocapture` measures them, in some minutes.
//! Rounding makes [`Tanh`] and [`Sigmoid`] fall by a unit in the last place here and there, where they
//! should rise.
//!
//! # Method
//!
//! `x = k ln 2 + r` with a whole `k` and `|r| <= ln 2 / 2`; then `e^x = 2^k e^r`, and `2^k` is made
//! of bits (Cody, Waite, Software Manual for the Elementary Functions, 1980). Tanh takes `x = k ln
//! 2 / 2 + r` and `h = tanh r`; then `e^2x = 2^k (1 + h) / (1 - h)`. `e^r = 1 + r + r^2 q(r)`,
//! `tanh r = r + r^3 p(r^2)` and `2 artanh s = 2 s + s^3 l(s^2)`, from which the logarithm is made,
//! have polynomials of least relative error, found by the exchange algorithm of Remez.
//!
//! Sums run over eight outputs at once: the first, the ninth, .. and so on; these eight are added
//! in pairs, and what is left over at last.

use crate::activation::{self, Activation, Elementwise, activation};
use crate::fingerprint::fingerprint;
use crate::layer::Vector;
use crate::loss::{BinaryCrossEntropy, CrossEntropy, Loss};
use crate::scalar::Scalar;

activation! {
    /// Logistic function `y = 1 / (1 + e^-z)`, range `0..=1`, `dy/dz = y (1 - y)`.
    ///
    /// Belongs with [`BinaryCrossEntropy`], as [`crate::Sigmoid`] does.
    ///
    /// ```
    /// use gradlet::{Elementwise, fast::Sigmoid};
    ///
    /// assert_eq!((Sigmoid::apply(0.0), Sigmoid::derivative(0.5)), (0.5, 0.25));
    /// assert_eq!((Sigmoid::apply(-1000.0), Sigmoid::apply(1000.0)), (0.0, 1.0));
    /// ```
    Sigmoid
}
impl Elementwise for Sigmoid {
    const FINGERPRINT: u32 = fingerprint("fast::Sigmoid", &[]);

    #[inline(always)]
    fn apply<T: Scalar>(z: T) -> T {
        logistic(z, (-z.abs()).fast_exp())
    }
    #[inline(always)]
    fn apply_all<T: Scalar>(values: &mut [T]) {
        apply_each::<Self, T>(values);
    }
    #[inline(always)]
    fn derivative<T: Scalar>(y: T) -> T {
        y * (T::ONE - y)
    }
}

/// `1 / (1 + e^-z)`, given `power = e^-|z|`, which does not overflow.
#[inline(always)]
fn logistic<T: Scalar>(z: T, power: T) -> T {
    (if z < T::ZERO { power } else { T::ONE }) / (T::ONE + power)
}

impl Loss<Sigmoid> for BinaryCrossEntropy {
    const FUSED: bool = true;

    #[inline(always)]
    fn evaluate<T: Scalar>(values: &mut [T], target: &[T]) -> T {
        let (mut lanes, mut terms) = ([-T::ZERO; LANES], [-T::ZERO; LANES]);
        let (mut values, mut target) = (values.chunks_exact_mut(LANES), target.chunks_exact(LANES));
        for (values, target) in values.by_ref().zip(target.by_ref()) {
            logistic_terms(values, target, &mut terms);
            for (lane, &term) in lanes.iter_mut().zip(&terms) {
                *lane += term;
            }
        }
        let rest = values.into_remainder();
        logistic_terms(rest, target.remainder(), &mut terms);
        join(lanes, terms.iter().take(rest.len()).copied(), add)
    }
    #[inline]
    fn evaluate_each<T: Scalar, Y: Vector<Scalar = T>, const K: usize>(
        values: [&mut Y; K],
        targets: [&Y; K],
    ) -> [T; K] {
        let mut losses = [T::ZERO; K];
        let outputs = Y::ZERO.as_slice().len();
        if outputs >= LANES {
            for ((loss, values), target) in losses.iter_mut().zip(values).zip(targets) {
                *loss = <Self as Loss<Sigmoid>>::evaluate(values.as_mut_slice(), target.as_slice());
            }
            return losses;
        }
        // Few outputs of many samples together.
        let mut all = values.each_ref().map(|values| (**values).clone());
        let (mut all_targets, mut terms) = (targets.map(Y::clone), [Y::ZERO; K]);
        logistic_terms(Y::flatten(&mut all), Y::flatten(&mut all_targets), Y::flatten(&mut terms));
        for ((loss, terms), (copy, values)) in
            losses.iter_mut().zip(&terms).zip(all.iter().zip(values))
        {
            values.clone_from(copy);
            *loss = terms.as_slice().iter().fold(-T::ZERO, |sum, &term| sum + term);
        }
        losses
    }
    #[inline]
    fn delta<T: Scalar>(output: &[T], target: &[T], delta: &mut [T]) {
        <Self as Loss<activation::Sigmoid>>::delta(output, target, delta);
    }
}

/// Turns logits into outputs, and writes what each adds to the [`BinaryCrossEntropy`].
#[inline(always)]
pub(crate) fn logistic_terms<T: Scalar>(values: &mut [T], target: &[T], terms: &mut [T]) {
    for ((value, &t), term) in values.iter_mut().zip(target).zip(terms) {
        let z = *value;
        let power = (-z.abs()).fast_exp();
        *value = logistic(z, power);
        *term = (if z < T::ZERO { T::ZERO } else { z }) - t * z + power.fast_ln_1p();
    }
}

activation! {
    /// Hyperbolic tangent, range `-1..=1`, `dy/dz = 1 - y^2`.
    ///
    /// ```
    /// use gradlet::{Elementwise, fast::Tanh};
    ///
    /// assert_eq!((Tanh::apply(0.0), Tanh::derivative(0.5)), (0.0, 0.75));
    /// assert_eq!(Tanh::apply(-1000.0), -1.0);
    /// ```
    Tanh
}
impl Elementwise for Tanh {
    const FINGERPRINT: u32 = fingerprint("fast::Tanh", &[]);

    #[inline(always)]
    fn apply<T: Scalar>(z: T) -> T {
        z.fast_tanh()
    }
    #[inline(always)]
    fn apply_all<T: Scalar>(values: &mut [T]) {
        apply_each::<Self, T>(values);
    }
    #[inline(always)]
    fn derivative<T: Scalar>(y: T) -> T {
        T::ONE - y * y
    }
}

activation! {
    /// Class probabilities `y_i = e^(z_i - m) / sum_j e^(z_j - m)` with `m = max z`, for the last
    /// layer; `dL/dz_i = y_i (dL/dy_i - sum_j y_j dL/dy_j)`.
    ///
    /// Belongs with [`CrossEntropy`], as [`crate::Softmax`] does.
    ///
    /// ```
    /// use gradlet::{Activation, fast::Softmax};
    ///
    /// let mut values = [1000.0, 1000.0, -1000.0];
    /// Softmax::apply(&mut values);
    /// assert_eq!(values, [0.5, 0.5, 0.0]);
    /// ```
    Softmax
}
impl Activation for Softmax {
    const FINGERPRINT: u32 = fingerprint("fast::Softmax", &[]);
    type Kept<Y: Vector> = ();

    #[inline]
    fn apply<T: Scalar>(values: &mut [T]) {
        let max = max(values);
        for value in &mut *values {
            *value -= max;
        }
        apply_each::<Exp, T>(values);
        divide_by_sum(values);
    }
    #[inline]
    fn backward<T: Scalar>(output: &[T], logits: &[T], delta: &mut [T]) {
        <activation::Softmax as Activation>::backward(output, logits, delta);
    }
}

impl Loss<Softmax> for CrossEntropy {
    const FUSED: bool = true;

    #[inline(always)]
    fn evaluate<T: Scalar>(values: &mut [T], target: &[T]) -> T {
        let max = max(values);
        for value in &mut *values {
            *value -= max;
        }
        let expected = sum_of_products(values, target);
        apply_each::<Exp, T>(values);
        divide_by_sum(values).ln() - expected
    }
    #[inline]
    fn delta<T: Scalar>(output: &[T], target: &[T], delta: &mut [T]) {
        <Self as Loss<activation::Softmax>>::delta(output, target, delta);
    }
}

/// Divides the values by their sum, which it returns.
#[inline(always)]
fn divide_by_sum<T: Scalar>(values: &mut [T]) -> T {
    let sum = sum(values);
    for value in values {
        *value /= sum;
    }
    sum
}

/// `y = e^z` for `z` of 0 or less, `dy/dz = y`.
struct Exp;

impl Elementwise for Exp {
    #[inline(always)]
    fn apply<T: Scalar>(z: T) -> T {
        z.fast_exp()
    }
    #[inline(always)]
    fn derivative<T: Scalar>(y: T) -> T {
        y
    }
}

/// So many numbers are computed at once. Sums start with negative zeros, which change no number.
const LANES: usize = 8;

/// Replaces each value `z` by `f(z)`.
///
/// By two loops, as compilers make little of a loop over ten.
#[inline(always)]
fn apply_each<A: Elementwise, T: Scalar>(values: &mut [T]) {
    let whole = values.len() & !(LANES - 1);
    let Some((whole, rest)) = values.split_at_mut_checked(whole) else { return };
    for value in whole {
        *value = A::apply(*value);
    }
    for value in rest {
        *value = A::apply(*value);
    }
}

/// `f` of the lanes in pairs, and then of that and the rest.
#[inline(always)]
fn join<T>(lanes: [T; LANES], rest: impl Iterator<Item = T>, f: impl Fn(T, T) -> T) -> T {
    let [a, b, c, d, e, g, h, i] = lanes;
    rest.fold(f(f(f(a, e), f(c, h)), f(f(b, g), f(d, i))), f)
}

/// `f` of all values, a chunk of them at once.
#[inline(always)]
fn fold<T: Scalar>(start: T, values: &[T], f: impl Fn(T, T) -> T) -> T {
    let mut lanes = [start; LANES];
    let mut chunks = values.chunks_exact(LANES);
    for chunk in chunks.by_ref() {
        for (lane, &value) in lanes.iter_mut().zip(chunk) {
            *lane = f(*lane, value);
        }
    }
    join(lanes, chunks.remainder().iter().copied(), f)
}

/// The greatest number; NaN is none.
#[inline(always)]
fn max<T: Scalar>(values: &[T]) -> T {
    fold(-T::INFINITY, values, |max, value| if value > max { value } else { max })
}

#[inline(always)]
fn sum<T: Scalar>(values: &[T]) -> T {
    fold(-T::ZERO, values, add)
}

#[inline(always)]
fn add<T: Scalar>(a: T, b: T) -> T {
    a + b
}

#[inline(always)]
fn sum_of_products<T: Scalar>(a: &[T], b: &[T]) -> T {
    let mut lanes = [-T::ZERO; LANES];
    let (mut a, mut b) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    for (a, b) in a.by_ref().zip(b.by_ref()) {
        for ((lane, &a), &b) in lanes.iter_mut().zip(a).zip(b) {
            *lane += a * b;
        }
    }
    join(lanes, a.remainder().iter().zip(b.remainder()).map(|(&a, &b)| a * b), add)
}

/// `values[0] + x values[1] + x^2 values[2] ..`, for `square = x^2`.
///
/// By two values at a time, which halves the chain of operations that wait for one another.
macro_rules! polynomial {
    ($x:ident $square:ident; $first:expr) => { $first };
    ($x:ident $square:ident; $first:expr, $second:expr) => { $first + $x * $second };
    ($x:ident $square:ident; $first:expr, $second:expr, $($rest:expr),+) => {
        ($first + $x * $second) + $square * polynomial!($x $square; $($rest),+)
    };
}

macro_rules! fast {
    (
        $float:ident, $whole:ident, bias $bias:literal, shift $shift:literal,
        ln_2 $high:literal $low:literal, least $least:literal, one $one:literal,
        exp $($exp:literal)+, tanh $($tanh:literal)+, artanh $($artanh:literal)+
    ) => {
        /// `ln 2` in two parts; products of the first with `k` are exact.
        const HIGH: $float = $high;
        const LOW: $float = $low;
        const LOG2_E: $float = core::$float::consts::LOG2_E;
        const DIGITS: $whole = $float::MANTISSA_DIGITS as $whole;

        /// `e^x` for `x` of 0 or less.
        #[inline(always)]
        pub(crate) fn exp(x: $float) -> $float {
            // Below, it is 0.
            let x = if x < $least { $least } else { x };
            let (k, whole) = round(x * LOG2_E);
            let r = x - k * HIGH - k * LOW;
            let rr = r * r;
            let power = 1.0 + (r + rr * polynomial!(r rr; $($exp),+));
            // 2^k may be no normal number, which bits alone do not make.
            let scale =
                power_of_2(whole.wrapping_add(DIGITS)) * power_of_2(DIGITS.wrapping_neg());
            power * scale
        }

        /// `ln(1 + x)` for `x` in `0..=1`.
        #[inline(always)]
        pub(crate) fn ln_1p(x: $float) -> $float {
            // 2 artanh s = 2 s + s^3 l(s^2), where 2 s = x - s x.
            let s = x / (2.0 + x);
            let t = s * s;
            let tt = t * t;
            x - s * (x - t * polynomial!(t tt; $($artanh),+))
        }

        /// Hyperbolic tangent.
        #[inline(always)]
        pub(crate) fn tanh(x: $float) -> $float {
            // From there on it is 1.
            let size = if x.abs() > $one { $one } else { x.abs() };
            // k is 0 below 0.55, where tanh is a half or less and needs all digits of h.
            let k = size * (2.0 * LOG2_E) - (0.55 * 2.0 * LOG2_E - 0.5);
            let (k, whole) = round(if k < 0.0 { 0.0 } else { k });
            let r = size - k * (0.5 * HIGH) - k * (0.5 * LOW);
            let t = r * r;
            let tt = t * t;
            let h = r + r * (t * polynomial!(t tt; $($tanh),+));
            // e^2x = 2^k (1 + h) / (1 - h), and tanh x = 1 - 2 / (e^2x + 1).
            let rest = 1.0 - h;
            let far = 1.0 - (rest + rest) / (power_of_2(whole) * (1.0 + h) + rest);
            (if k > 0.0 { far } else { h }).copysign(x)
        }

        /// The nearest whole number, as both types.
        #[inline(always)]
        fn round(x: $float) -> ($float, $whole) {
            // A number so large has no digits after the point: adding it rounds.
            const SHIFT: $float = $shift;
            let shifted = x + SHIFT;
            (shifted - SHIFT, shifted.to_bits().wrapping_sub(SHIFT.to_bits()) as $whole)
        }

        /// `2^k`, for a result that is a normal number.
        #[inline(always)]
        fn power_of_2(k: $whole) -> $float {
            $float::from_bits((k.wrapping_add($bias) << (DIGITS - 1)) as _)
        }
    };
}

pub(crate) mod single {
    fast! {
        f32, i32, bias 127, shift 12_582_912.0, ln_2 0.693_359_4 -2.121_944_4e-4, least -104.0,
        one 9.1,
        exp 0.499_999_94 0.166_665_21 0.041_668_39 0.008_368_71 0.001_381_460_3,
        tanh -0.333_333_2 0.133_326_01 -0.053_853_747 0.021_077_26 -0.006_281_719_5,
        artanh 0.666_664_1 0.400_217 0.279_991_5 0.280_244_2
    }
}

pub(crate) mod double {
    fast! {
        f64, i64, bias 1023, shift 6_755_399_441_055_744.0,
        ln_2 0.693_147_180_369_123_8 1.908_214_929_270_587_7e-10, least -745.2, one 20.0,
        exp 0.500_000_000_000_001_1 0.166_666_666_666_664_13 0.041_666_666_666_530_267
            0.008_333_333_333_494_345 0.001_388_888_894_359_867_9 0.000_198_412_695_067_526_13
            2.480_149_313_464_354_5e-5 2.755_758_628_826_508_3e-6 2.763_023_464_255_874e-7
            2.500_006_697_643_912_4e-8,
        tanh -0.333_333_333_333_323_5 0.133_333_333_331_732_67 -0.053_968_253_878_136_94
            0.021_869_486_020_347_786 -0.008_863_195_074_388_65 0.003_591_724_010_176_628_8
            -0.001_453_236_846_010_016_5 0.000_579_193_394_516_998 -0.000_210_389_815_144_441_05
            5.107_899_663_030_64e-5,
        artanh 0.666_666_666_666_778_8 0.399_999_999_959_975_04 0.285_714_290_631_969_5
            0.222_221_926_540_761_17 0.181_828_207_531_648_55 0.153_641_917_347_162_5
            0.135_872_495_722_809_85 0.098_982_893_976_587_48 0.177_488_881_699_281_98
    }
}

#[cfg(test)]
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::arithmetic_side_effects,
    clippy::float_cmp,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "tests round, compare exactly and may panic"
)]
mod tests {
    extern crate std;

    use std::println;

    use super::*;

    /// A sum of two numbers, the second far smaller: twice the digits. Dekker, Numerische
    /// Mathematik 18 (1971).
    #[derive(Clone, Copy)]
    struct Double(f64, f64);

    impl Double {
        const LN_2: Self = Self(core::f64::consts::LN_2, 2.319_046_813_846_299_6e-17);

        fn sum(a: f64, b: f64) -> Self {
            let sum = a + b;
            let part = sum - a;
            Self(sum, (a - (sum - part)) + (b - part))
        }
        fn add(self, other: Self) -> Self {
            let Self(sum, error) = Self::sum(self.0, other.0);
            Self::sum(sum, error + self.1 + other.1)
        }
        fn mul(self, other: Self) -> Self {
            let product = self.0 * other.0;
            let error = libm::fma(self.0, other.0, -product);
            Self::sum(product, error + (self.0 * other.1 + self.1 * other.0))
        }
        fn neg(self) -> Self {
            Self(-self.0, -self.1)
        }
        fn div(self, other: Self) -> Self {
            let first = Self(self.0 / other.0, 0.0);
            let rest = self.add(first.mul(other).neg());
            first.add(Self(rest.0 / other.0, 0.0))
        }
        fn exp(self) -> Self {
            let k = libm::rint(self.0 / Self::LN_2.0);
            let r = self.add(Self::LN_2.mul(Self(-k, 0.0))).mul(Self(1.0 / 64.0, 0.0));
            let mut power = ONE;
            for n in (1..=16).rev() {
                power = ONE.add(r.mul(power).div(Self(f64::from(n), 0.0)));
            }
            for _ in 0..6 {
                power = power.mul(power);
            }
            Self(libm::ldexp(power.0, k as i32), libm::ldexp(power.1, k as i32))
        }
        fn tanh(self) -> Self {
            if self.0.abs() < 1e-10 {
                // The next term of the series is 2e-40 of it.
                let cube = self.mul(self).mul(self).div(Self(-3.0, 0.0));
                return self.add(cube);
            }
            let power = self.add(self).exp();
            power.add(ONE.neg()).div(power.add(ONE))
        }
        fn logistic(self) -> Self {
            ONE.div(ONE.add(self.neg().exp()))
        }
        fn ln_1p(self) -> Self {
            // A step of Newton's method.
            let near = Self(libm::log1p(self.0), 0.0);
            near.add(ONE.add(self).mul(near.neg().exp())).add(ONE.neg())
        }
    }
    const ONE: Double = Double(1.0, 0.0);

    /// The largest error in units in the last place, and where.
    #[derive(Default)]
    struct Errors {
        largest: f64,
        at: f64,
    }

    impl Errors {
        fn add(&mut self, x: f64, error: f64) {
            // NaN is an error too.
            if error.is_nan() || error.abs() > self.largest {
                (self.largest, self.at) = (error.abs(), x);
            }
        }
    }

    /// Errors of a rising function of `f32`, over one number in `step` from the first to the last.
    fn single_errors(
        name: &str,
        f: fn(f32) -> f32,
        exact: fn(f64) -> f64,
        [first, last]: [f32; 2],
        step: usize,
    ) -> f64 {
        // In the order of the numbers, minus zero is before zero.
        let place = |x: f32| {
            let size = i64::from(x.abs().to_bits());
            if x.is_sign_negative() { -1 - size } else { size }
        };
        let (mut errors, mut before, mut falls) = (Errors::default(), f32::NEG_INFINITY, 0_u64);
        let (mut at, last) = (place(first), place(last));
        while at <= last {
            let x = f32::from_bits(if at < 0 { 1 << 31 | (-1 - at) as u32 } else { at as u32 });
            let (got, want) = (f(x), exact(x.into()));
            // Of the nearest number; those of subnormal numbers are all one.
            let exponent = (((want as f32).to_bits() >> 23) & 0xff).max(1);
            let per_unit = f64::from_bits(u64::from(1023 + 150 - exponent) << 52);
            errors.add(x.into(), (f64::from(got) - want) * per_unit);
            falls += u64::from(got < before);
            before = got;
            at += step as i64;
        }
        println!("f32 {name}: {:.3} ulp at {:e}, falls {falls} times", errors.largest, errors.at);
        errors.largest
    }

    fn check_single(step: usize) {
        let infinity = f32::INFINITY;
        // Where little is to be computed, quicker than by `libm`, which stumbles over underflow.
        let exp = |x: f64| if x < -110.0 { 0.0 } else { libm::exp(x) };
        let logistic = |x: f64| match x {
            ..-110.0 => 0.0,
            40.0.. => 1.0,
            -1e-9..1e-9 => 0.5 + 0.25 * x,
            _ => 1.0 / (1.0 + libm::exp(-x)),
        };
        let tanh = |x: f64| match x {
            ..1e-5 => x - x * x * x / 3.0,
            20.0.. => 1.0,
            _ => libm::tanh(x),
        };
        let ln_1p = |x: f64| if x < 1e-9 { x - x * x / 2.0 } else { libm::log1p(x) };
        let sigmoid = <Sigmoid as Elementwise>::apply;
        std::thread::scope(|scope| {
            let errors = [
                scope.spawn(|| single_errors("exp", single::exp, exp, [-infinity, -0.0], step)),
                scope.spawn(|| single_errors("ln_1p", single::ln_1p, ln_1p, [0.0, 1.0], step)),
                // Its sign is copied.
                scope.spawn(|| single_errors("tanh", single::tanh, tanh, [0.0, infinity], step)),
                scope.spawn(|| {
                    single_errors("sigmoid", sigmoid, logistic, [-infinity, infinity], step)
                }),
            ];
            let [exp, ln_1p, tanh, sigmoid] = errors.map(|errors| errors.join().unwrap());
            assert!(exp < 1.0 && ln_1p < 1.6 && sigmoid < 2.5 && tanh < 1.6);
        });
    }

    /// Errors over `count` numbers in `from..=to`, half of them near 0 on a logarithmic scale.
    fn double_errors(
        name: &str,
        f: fn(f64) -> f64,
        exact: fn(Double) -> Double,
        (from, to): (f64, f64),
        count: usize,
    ) -> f64 {
        let (mut errors, mut state) = (Errors::default(), 1_u64);
        for i in 0..count {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let random = (state >> 11) as f64 / (1_u64 << 53) as f64;
            let x = from + (to - from) * random;
            let x = if i % 2 == 0 { x } else { libm::ldexp(x, -((state >> 3) as i32 & 31)) };
            let Double(want, rest) = exact(Double(x, 0.0));
            let unit = libm::ldexp(1.0, libm::frexp(want).1 - 53);
            errors.add(x, ((f(x) - want) - rest) / unit);
        }
        println!("f64 {name}: {:.3} ulp at {:e}", errors.largest, errors.at);
        errors.largest
    }

    fn check_double(count: usize) {
        let exp = double_errors("exp", double::exp, Double::exp, (-660.0, 0.0), count);
        let ln_1p = double_errors("ln_1p", double::ln_1p, Double::ln_1p, (0.0, 1.0), count);
        let range = (-30.0, 30.0);
        let sigmoid = double_errors(
            "sigmoid",
            <Sigmoid as Elementwise>::apply,
            Double::logistic,
            range,
            count,
        );
        let tanh = double_errors("tanh", double::tanh, Double::tanh, range, count);
        assert!(exp < 1.1 && ln_1p < 1.8 && sigmoid < 2.5 && tanh < 1.7);
    }

    #[test]
    fn errors_are_small() {
        check_single(10_007);
        check_double(20_000);
    }

    #[test]
    #[ignore = "takes a minute when optimised, and many when not"]
    fn errors_are_small_for_every_f32() {
        check_single(1);
    }

    #[test]
    #[ignore = "takes a minute when optimised, and many when not"]
    fn errors_are_small_for_ten_million_f64() {
        check_double(10_000_000);
    }

    #[test]
    fn ends_of_the_range_are_right() {
        fn check<T: Scalar>(nan: T, subnormal: T) {
            let (zero, one, infinity) = (T::ZERO, T::ONE, T::INFINITY);
            let sigmoid = <Sigmoid as Elementwise>::apply::<T>;
            for f in [T::fast_exp, T::fast_ln_1p, T::fast_tanh, sigmoid] {
                assert!(f(nan).to_f64().is_nan());
            }
            for size in [infinity, T::from_u32(1_000_000), T::from_u32(800)] {
                assert_eq!((T::fast_tanh(size), T::fast_tanh(-size)), (one, -one));
                assert_eq!((sigmoid(size), sigmoid(-size)), (one, zero));
                assert_eq!(T::fast_exp(-size), zero);
            }
            assert_eq!((zero.fast_exp(), (-zero).fast_exp()), (one, one));
            assert_eq!((sigmoid(zero), sigmoid(-zero)), (T::HALF, T::HALF));
            for x in [zero, subnormal, T::MIN_POSITIVE] {
                assert_eq!((x.fast_exp(), sigmoid(x)), (one, T::HALF));
                assert_eq!((x.fast_tanh(), x.fast_ln_1p()), (x, x));
                assert_eq!((-x).fast_tanh(), -x);
            }
            assert!((-zero).fast_tanh().to_f64().is_sign_negative());
            assert!(zero.fast_tanh().to_f64().is_sign_positive());
        }
        check(f32::NAN, f32::from_bits(1));
        check(f64::NAN, f64::from_bits(1));
    }

    #[test]
    fn subnormal_powers_are_off_by_at_most_one() {
        for i in 0..4_000 {
            let x = -708.0 - f64::from(i) * 0.01;
            let (got, want) = (double::exp(x), libm::exp(x));
            assert!(got.to_bits().abs_diff(want.to_bits()) <= 1, "{x}: {got:e} {want:e}");
        }
    }

    #[test]
    fn sums_and_maxima_take_every_value() {
        let values: [f64; 29] = core::array::from_fn(|i| libm::ldexp(1.0, (i * 11 % 29) as i32));
        for len in 0..=values.len() {
            let values = &values[..len];
            assert_eq!(sum(values), values.iter().sum());
            assert_eq!(sum_of_products(values, &[3.0; 29][..len]), 3.0 * sum(values));
            assert_eq!(max(values), values.iter().copied().fold(f64::NEG_INFINITY, f64::max));
        }
        assert_eq!(max(&[f64::NAN, 1.0, f64::NAN]), 1.0);
    }

    #[test]
    fn bits_stay_the_same() {
        // As first computed here; a change is a change of every training run that uses them.
        fn hash<T: Scalar>(hash: u32, f: fn(T) -> T) -> u32 {
            (0..20_000).fold(hash, |hash, i| {
                let bits = f(-T::from_u32(i) / T::from_u32(149)).to_f64().to_bits();
                (hash.rotate_left(5) ^ bits as u32 ^ (bits >> 32) as u32).wrapping_mul(0x0100_0193)
            })
        }
        fn all<T: Scalar>() -> u32 {
            let ln_1p = |x: T| (x / T::from_u32(135)).abs().fast_ln_1p();
            [T::fast_exp, T::fast_tanh, <Sigmoid as Elementwise>::apply, ln_1p]
                .into_iter()
                .fold(0, hash)
        }
        assert_eq!((all::<f32>(), all::<f64>()), (0x7ab5e8b5, 0x58c06412));
    }
}
