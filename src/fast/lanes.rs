//! Loops that vectorise: several values at once.

use crate::activation::Elementwise;
use crate::scalar::Scalar;

/// Number of values computed at once. Sums start with -0.0, the exact additive identity.
pub(super) const LANES: usize = 8;

/// Replaces each value `z` by `f(z)`.
///
/// Split into a multiple of 8 and a rest, so that LLVM vectorises the first.
#[inline(always)]
pub(super) fn apply_lanes<A: Elementwise, T: Scalar>(values: &mut [T]) {
    let whole = values.len() & !(LANES - 1);
    let Some((whole, rest)) = values.split_at_mut_checked(whole) else { return };
    for value in whole {
        *value = A::apply(*value);
    }
    for value in rest {
        *value = A::apply(*value);
    }
}

/// Reduces the lanes by `f` in pairs, and then with the rest.
#[inline(always)]
pub(super) fn join<T>(
    lanes: [T; LANES],
    rest: impl Iterator<Item = T>,
    f: impl Fn(T, T) -> T,
) -> T {
    let [a, b, c, d, e, g, h, i] = lanes;
    rest.fold(f(f(f(a, e), f(c, h)), f(f(b, g), f(d, i))), f)
}

/// Reduces all values by `f`, a chunk of them at once.
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

/// The maximum; NaN is ignored.
#[inline(always)]
pub(super) fn max<T: Scalar>(values: &[T]) -> T {
    fold(-T::INFINITY, values, |max, value| if value > max { value } else { max })
}

#[inline(always)]
pub(super) fn sum<T: Scalar>(values: &[T]) -> T {
    fold(-T::ZERO, values, add)
}

#[inline(always)]
pub(super) fn add<T: Scalar>(a: T, b: T) -> T {
    a + b
}

/// `sum a b`, where 0 times infinity is 0 if `b` is the 0.
#[inline(always)]
pub(super) fn sum_of_products<T: Scalar>(a: &[T], b: &[T]) -> T {
    let mut lanes = [-T::ZERO; LANES];
    let (mut a, mut b) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    for (a, b) in a.by_ref().zip(b.by_ref()) {
        for ((lane, &a), &b) in lanes.iter_mut().zip(a).zip(b) {
            *lane += product(a, b);
        }
    }
    join(lanes, a.remainder().iter().zip(b.remainder()).map(|(&a, &b)| product(a, b)), add)
}

#[inline(always)]
fn product<T: Scalar>(a: T, b: T) -> T {
    if b == T::ZERO { T::ZERO } else { a * b }
}
