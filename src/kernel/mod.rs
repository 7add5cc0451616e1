//! The loops in which training and inference spend their time.
//!
//! Weights are stored `[input][output]`. Each output adds its products in the order of the inputs
//! and its bias last; each input gradient adds in one fixed order too. So neither vectorisation nor
//! unrolling nor the target changes a bit of any result, nor does taking several samples at once.

mod multiple;
mod narrow;
mod shared;
mod soft;
pub(crate) mod tile;
mod wide;

use core::hint::black_box;

use crate::scalar::Scalar;
use crate::target::{MULTIPLE, NARROW, SMALL, SOFT};

/// From this many outputs on, [`input_gradient`] sums in [`LANES`] interleaved partial sums: the first
/// of the products 0, 8, 16 .., the next of 1, 9, 17 .., and at last what is left over.
const LANES_FROM: usize = 32;
const LANES: usize = 8;

/// `y = W x + b`, that is `y[o] = ((w[0][o] x[0] + w[1][o] x[1]) + ..) + b[o]`.
#[inline(always)]
pub(crate) fn affine<T: Scalar, const IN: usize, const OUT: usize>(
    weights: &[[T; OUT]; IN],
    bias: &[T; OUT],
    x: &[T; IN],
    y: &mut [T; OUT],
) {
    if SOFT {
        soft::affine(weights, bias, x, y);
    } else if MULTIPLE {
        multiple::affine(weights, bias, x, y);
    } else if NARROW {
        narrow::affine(weights, bias, x, y);
    } else {
        wide::affine(weights, bias, x, y);
    }
}

/// `dx = W^T d`: in the order of the outputs below 32 of them, else in 8 interleaved partial sums
/// that are added from left to right. `gradient` comes filled with negative zeros.
#[inline(always)]
pub(crate) fn input_gradient<T: Scalar, const IN: usize, const OUT: usize>(
    weights: &[[T; OUT]; IN],
    delta: &[T; OUT],
    gradient: &mut [T; IN],
) {
    if SOFT {
        soft::input_gradient(weights, delta, gradient);
    } else if OUT >= LANES_FROM {
        each(IN, weights.iter().zip(gradient), |(w, dx)| *dx = dot(w, delta));
    } else if MULTIPLE {
        multiple::input_gradient(weights, delta, gradient);
    } else if NARROW {
        narrow::input_gradient(weights, delta, gradient);
    } else {
        wide::input_gradient(weights, delta, gradient);
    }
}

/// Fills with negative zeros: -0.0 + x is x for every x.
#[inline(always)]
pub(crate) fn begin_sums<T: Scalar>(sums: &mut [T]) {
    sums.fill(-T::ZERO);
}

/// Sum of products, in the order of [`input_gradient`].
#[inline(always)]
fn dot<T: Scalar, const N: usize>(a: &[T; N], b: &[T; N]) -> T {
    dot_by::<{ SMALL || SOFT }, T, N>(a, b)
}

#[inline(always)]
fn dot_by<const ONE_LANE_AT_A_TIME: bool, T: Scalar, const N: usize>(a: &[T; N], b: &[T; N]) -> T {
    if N < LANES_FROM {
        return add_products(-T::ZERO, a, b);
    }
    let (mut a_chunks, mut b_chunks) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let sum = if ONE_LANE_AT_A_TIME {
        let mut sum = -T::ZERO;
        for lane in 0..LANES {
            let a = a_chunks.clone().filter_map(|chunk| chunk.get(lane));
            let b = b_chunks.clone().filter_map(|chunk| chunk.get(lane));
            sum += a.zip(b).fold(-T::ZERO, |sum, (&a, &b)| sum + a * b);
        }
        sum
    } else {
        let mut lanes = [-T::ZERO; LANES];
        for (a, b) in a_chunks.by_ref().zip(b_chunks.by_ref()) {
            for ((lane, &a), &b) in lanes.iter_mut().zip(a).zip(b) {
                *lane += a * b;
            }
        }
        lanes.iter().fold(-T::ZERO, |sum, &lane| sum + lane)
    };
    add_products(sum, a_chunks.remainder(), b_chunks.remainder())
}

/// The sum, and the products added to it one after the other.
#[inline(always)]
fn add_products<T: Scalar>(sum: T, a: &[T], b: &[T]) -> T {
    let (mut a, mut b) = (a.chunks_exact(2), b.chunks_exact(2));
    let mut sum = sum;
    for (a, b) in a.by_ref().zip(b.by_ref()) {
        if let (&[a0, a1], &[b0, b1]) = (a, b) {
            sum = sum + a0 * b0 + a1 * b1;
        }
    }
    a.remainder().iter().zip(b.remainder()).fold(sum, |sum, (&a, &b)| sum + a * b)
}

/// `W += x (s d)^T`, `b += s d`, that is `w[i][o] += x[i] (s d[o])`, for the number `s`.
#[inline(always)]
pub(crate) fn update<T: Scalar, const IN: usize, const OUT: usize>(
    weights: &mut [[T; OUT]; IN],
    bias: &mut [T; OUT],
    x: &[T; IN],
    delta: &[T; OUT],
    s: T,
) {
    if SOFT {
        soft::update(weights, bias, x, delta, s);
    } else if MULTIPLE {
        multiple::update(weights, bias, x, delta, s);
    } else if NARROW {
        narrow::update(weights, bias, x, delta, s);
    } else {
        wide::update(weights, bias, x, delta, s);
    }
}

/// Takes no instruction, but to the compiler 128 that it knows nothing of: it then does not unroll
/// the loop that this stands in, which would take several times the flash.
#[inline(always)]
fn stay_rolled() {
    if NARROW && !SMALL {
        eight(|| eight(|| black_box(())));
        eight(|| eight(|| black_box(())));
    }
}

#[inline(always)]
fn eight(f: impl Fn()) {
    f();
    f();
    f();
    f();
    f();
    f();
    f();
    f();
}

/// Calls `f` with each item, in a loop that is not unrolled.
#[inline(always)]
fn rolled<I: Iterator>(items: I, mut f: impl FnMut(I::Item)) {
    for item in items {
        if NARROW && !SMALL {
            eight(|| black_box(()));
        }
        f(item);
    }
}

/// Up to so many calls are written out: the compiler does not unroll loops when it optimises for
/// size, and small layers have more loops than numbers.
pub(crate) const WRITTEN_OUT: usize = 4;

/// Calls `f` with each of `len` items.
#[inline(always)]
pub(crate) fn each<I: Iterator>(len: usize, mut items: I, mut f: impl FnMut(I::Item)) {
    if len > WRITTEN_OUT {
        return rolled(items, f);
    }
    let Some(item) = items.next() else { return };
    f(item);
    let Some(item) = items.next() else { return };
    f(item);
    let Some(item) = items.next() else { return };
    f(item);
    let Some(item) = items.next() else { return };
    f(item);
}

#[cfg(test)]
#[allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "tests may panic"
)]
mod tests {
    use core::array;

    use super::*;

    /// Numbers whose sums depend on the order in which they are added.
    fn number(i: usize, o: usize) -> f32 {
        let bits = (i as u32 * 7919 + o as u32 * 104_729 + 12_345).wrapping_mul(2_654_435_761);
        bits as f32 / 4e9 - 0.5
    }

    fn column<const N: usize>(seed: usize) -> [f32; N] {
        array::from_fn(|i| number(i, seed))
    }

    fn matrix<const IN: usize, const OUT: usize>() -> [[f32; OUT]; IN] {
        array::from_fn(|i| array::from_fn(|o| number(i, o)))
    }

    /// Calls a function with each of the shapes.
    macro_rules! for_shapes {
        ($check:ident: $($in:literal $out:literal),+) => { $($check::<$in, $out>();)+ };
    }

    /// Tests of the shapes that take every path of a kernel: all its loops against plain ones that add
    /// in the order of the contract, bit for bit.
    macro_rules! sums_run_in_the_order_of_the_contract {
        ($($kernel:ident),+) => { $(
            #[test]
            fn $kernel() {
                // One function for each shape: all in one, they would take minutes to compile.
                #[inline(never)]
                fn check<const IN: usize, const OUT: usize>() {
                    let weights = matrix::<IN, OUT>();
                    let (x, delta) = (column::<IN>(1000), column::<OUT>(2000));
                    let bias = column::<OUT>(3000);

                    let mut y = [f32::NAN; OUT];
                    $kernel::affine(&weights, &bias, &x, &mut y);
                    for o in 0..OUT {
                        let products = (0..IN).map(|i| weights[i][o] * x[i]);
                        let want = products.reduce(|sum, next| sum + next).unwrap_or(f32::NAN);
                        let want = want + bias[o];
                        assert_eq!(want.to_bits(), y[o].to_bits(), "affine {IN} {OUT}");
                    }

                    let mut dx = [-0.0_f32; IN];
                    $kernel::input_gradient(&weights, &delta, &mut dx);
                    for i in 0..IN {
                        let products = (0..OUT).map(|o| weights[i][o] * delta[o]);
                        let want = products.reduce(|sum, next| sum + next).unwrap_or(f32::NAN);
                        assert_eq!(want.to_bits(), dx[i].to_bits(), "input_gradient {IN} {OUT}");
                    }

                    let (mut new_weights, mut new_bias) = (weights, bias);
                    $kernel::update(&mut new_weights, &mut new_bias, &x, &delta, 0.3);
                    for o in 0..OUT {
                        let step = 0.3 * delta[o];
                        assert_eq!((bias[o] + step).to_bits(), new_bias[o].to_bits());
                        for i in 0..IN {
                            let want = weights[i][o] + x[i] * step;
                            let new = new_weights[i][o];
                            assert_eq!(want.to_bits(), new.to_bits(), "update {IN} {OUT}");
                        }
                    }
                }
                for_shapes!(check: 1 1, 2 3, 3 2, 4 4, 5 7, 7 5, 3 8, 8 31, 9 10, 5 6, 13 14, 2 18);
                for_shapes!(check: 6 12, 17 1, 4 2, 7 15, 30 9, 21 6, 20 8, 33 14, 10 24, 9 20, 8 4, 9 16, 8 6);
            }
        )+ };
    }

    mod sums_run_in_the_order_of_the_contract {
        use super::super::*;
        use super::{column, matrix};

        sums_run_in_the_order_of_the_contract!(multiple, narrow, soft, wide);
    }

    /// Several samples together against one after the other, bit for bit.
    #[inline(never)]
    fn check_tile<const IN: usize, const OUT: usize, const K: usize>() {
        let (weights, bias) = (matrix::<IN, OUT>(), column::<OUT>(3000));
        let x: [[f32; IN]; K] = array::from_fn(|k| column(1000 + k));
        let delta: [[f32; OUT]; K] = array::from_fn(|k| column(2000 + k));
        let mut y = [[f32::NAN; OUT]; K];
        let mut dx = [[-0.0; IN]; K];
        let (mut new_weights, mut new_bias) = (weights, bias);

        tile::affine(&weights, &bias, x.each_ref(), y.each_mut());
        tile::input_gradient(&weights, delta.each_ref(), dx.each_mut());
        tile::update(&mut new_weights, &mut new_bias, x.each_ref(), delta.each_ref());

        let (mut want_weights, mut want_bias) = (weights, bias);
        for k in 0..K {
            let (mut want, mut want_dx) = ([0.0; OUT], [-0.0; IN]);
            affine(&weights, &bias, &x[k], &mut want);
            assert_eq!(want.map(f32::to_bits), y[k].map(f32::to_bits), "{IN} {OUT} {K}");
            input_gradient(&weights, &delta[k], &mut want_dx);
            assert_eq!(want_dx.map(f32::to_bits), dx[k].map(f32::to_bits), "{IN} {OUT} {K}");
            update(&mut want_weights, &mut want_bias, &x[k], &delta[k], 1.0);
        }
        let bits = |weights: [[f32; OUT]; IN]| weights.map(|row| row.map(f32::to_bits));
        assert_eq!(bits(want_weights), bits(new_weights), "{IN} {OUT} {K}");
        assert_eq!(want_bias.map(f32::to_bits), new_bias.map(f32::to_bits), "{IN} {OUT} {K}");
    }

    #[test]
    fn samples_together_give_the_bits_of_one_after_the_other() {
        /// Three blocks of 4 samples, and one left over.
        fn check<const IN: usize, const OUT: usize>() {
            check_tile::<IN, OUT, 13>();
        }
        fn check_counts<const IN: usize, const OUT: usize>() {
            check_tile::<IN, OUT, 1>();
            check_tile::<IN, OUT, 4>();
            check_tile::<IN, OUT, 7>();
            check_tile::<IN, OUT, 16>();
        }
        for_shapes!(check_counts: 2 1, 9 6, 20 35);
        for_shapes!(check: 1 1, 2 1, 1 2, 2 3, 3 2, 2 4, 4 2, 5 5, 7 3, 17 2, 33 1, 50 2, 2 50, 9 6, 13 10);
        for_shapes!(check: 8 8, 16 16, 21 17, 32 31, 9 32, 20 35);
        // More inputs than go through at a time.
        for_shapes!(check: 64 3, 65 9, 128 16, 130 33);
    }

    #[test]
    fn input_gradients_of_32_outputs_and_more_add_in_lanes() {
        fn check<const IN: usize, const OUT: usize>() {
            let (weights, delta) = (matrix::<IN, OUT>(), column::<OUT>(2000));
            for w in &weights {
                let product = |o: usize| w[o] * delta[o];
                let whole = OUT / 8 * 8;
                let lanes = (0..8).map(|lane| {
                    (lane + 8..whole).step_by(8).fold(product(lane), |sum, o| sum + product(o))
                });
                let want = lanes.chain((whole..OUT).map(product)).reduce(|sum, next| sum + next);
                let want = want.map(f32::to_bits);
                assert_eq!(want, Some(dot_by::<false, f32, OUT>(w, &delta).to_bits()));
                assert_eq!(want, Some(dot_by::<true, f32, OUT>(w, &delta).to_bits()));
            }
        }
        check::<9, 32>();
        check::<13, 33>();
        check::<6, 47>();
        check::<3, 64>();
    }

    #[test]
    fn zeros_keep_their_signs() {
        macro_rules! check {
            ($kernel:ident) => {
                let mut y = [1.0_f32];
                $kernel::affine(&[[1.0]; 5], &[-0.0], &[-0.0; 5], &mut y);
                assert!(y[0].is_sign_negative());
                let mut dx = [-0.0_f32; 5];
                $kernel::input_gradient(&[[-0.0]; 5], &[1.0], &mut dx);
                assert!(dx.iter().all(|dx| dx.is_sign_negative()));
            };
        }
        check!(multiple);
        check!(narrow);
        check!(soft);
        check!(wide);
        let mut dx = [-0.0_f32; 5];
        input_gradient(&[[-0.0; 40]; 5], &[1.0; 40], &mut dx);
        assert!(dx.iter().all(|dx| dx.is_sign_negative()));
    }
}
