//! Accuracy, limits of the range, and bit-exactness.

extern crate std;

use std::println;

use super::lanes::*;
use super::*;
use crate::math::fast::{double, single};

/// Double-double arithmetic: the sum of two floats, the second far smaller, with twice the digits.
/// Dekker, Numerische Mathematik 18 (1971).
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
            // The next term of the series is smaller by 2e-40.
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

/// The largest error in units in the last place, and its argument.
#[derive(Default)]
struct Errors {
    largest: f64,
    at: f64,
}

impl Errors {
    fn add(&mut self, x: f64, error: f64) {
        // NaN counts as an error too.
        if error.is_nan() || error.abs() > self.largest {
            (self.largest, self.at) = (error.abs(), x);
        }
    }
}

/// Errors of an increasing function of `f32`, over every `step`-th value from the first to the
/// last.
fn single_errors(
    name: &str,
    f: fn(f32) -> f32,
    exact: fn(f64) -> f64,
    [first, last]: [f32; 2],
    step: usize,
) -> f64 {
    // Ordered index of a float; minus zero comes before zero.
    let place = |x: f32| {
        let size = i64::from(x.abs().to_bits());
        if x.is_sign_negative() { -1 - size } else { size }
    };
    let (mut errors, mut before, mut falls) = (Errors::default(), f32::NEG_INFINITY, 0_u64);
    let (mut at, last) = (place(first), place(last));
    while at <= last {
        let x = f32::from_bits(if at < 0 { 1 << 31 | (-1 - at) as u32 } else { at as u32 });
        let (got, want) = (f(x), exact(x.into()));
        // The exponent of the nearest `f32`; that of all subnormal numbers is 1.
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
    // Faster than `libm`, which is slow on underflow.
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
            // Positive arguments only: the sign is copied.
            scope.spawn(|| single_errors("tanh", single::tanh, tanh, [0.0, infinity], step)),
            scope
                .spawn(|| single_errors("sigmoid", sigmoid, logistic, [-infinity, infinity], step)),
        ];
        let [exp, ln_1p, tanh, sigmoid] = errors.map(|errors| errors.join().unwrap_or(f64::NAN));
        assert!(exp < 1.0 && ln_1p < 1.6 && sigmoid < 2.5 && tanh < 1.6);
    });
}

/// Errors over `count` values in `from..=to`, half of them near 0 on a logarithmic scale.
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
    let sigmoid =
        double_errors("sigmoid", <Sigmoid as Elementwise>::apply, Double::logistic, range, count);
    let tanh = double_errors("tanh", double::tanh, Double::tanh, range, count);
    assert!(exp < 1.1 && ln_1p < 1.8 && sigmoid < 2.5 && tanh < 1.7);
}

#[test]
fn errors_are_small() {
    check_single(10_007);
    check_double(20_000);
}

#[test]
#[ignore = "takes minutes when optimised, and hours when not"]
fn errors_are_small_for_every_f32() {
    check_single(1);
}

#[test]
#[ignore = "takes minutes when optimised, and hours when not"]
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
        assert_eq!(sum(values), values.iter().sum::<f64>());
        assert_eq!(sum_of_products(values, &[3.0; 29][..len]), 3.0 * sum(values));
        assert_eq!(max(values), values.iter().copied().fold(f64::NEG_INFINITY, f64::max));
    }
    assert_eq!(max(&[f64::NAN, 1.0, f64::NAN]), 1.0);
}

#[test]
fn bits_stay_the_same() {
    // As first computed here; a change would change every training run that uses them.
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
