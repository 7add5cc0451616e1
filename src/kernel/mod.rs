//! The loops in which training and inference spend their time.
//!
//! Weights are stored `[input][output]`. Each output adds its products in the order of the inputs
//! and its bias last; each input gradient adds in one fixed order too. So neither vectorisation nor
//! unrolling nor the target changes a bit of any result.

mod narrow;
mod wide;

use core::hint::black_box;

use crate::scalar::Scalar;

/// Whether the target's registers hold one number each.
const NARROW: bool = cfg!(any(
    target_arch = "arm",
    target_arch = "avr",
    target_arch = "msp430",
    target_arch = "riscv32",
    target_arch = "xtensa"
));

/// From this many outputs on, [`input_gradient`] sums in [`LANES`] interleaved partial sums.
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
    if NARROW {
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
    if OUT >= LANES_FROM {
        each(IN, weights.iter().zip(gradient), |(w, dx)| *dx = dot_in_lanes(w, delta));
    } else if NARROW {
        narrow::input_gradient(weights, delta, gradient);
    } else {
        wide::input_gradient(weights, delta, gradient);
    }
}

/// Sum of products: lane `l` adds the products `l`, `l + 8`, `l + 16` .., then the lanes are added
/// from left to right, then the products that are left over.
#[inline(always)]
fn dot_in_lanes<T: Scalar, const N: usize>(a: &[T; N], b: &[T; N]) -> T {
    let (mut a_chunks, mut b_chunks) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let mut lanes = [-T::ZERO; LANES];
    for (a, b) in a_chunks.by_ref().zip(b_chunks.by_ref()) {
        for ((lane, &a), &b) in lanes.iter_mut().zip(a).zip(b) {
            *lane += a * b;
        }
    }
    let sum = lanes.into_iter().fold(-T::ZERO, |sum, lane| sum + lane);
    let rest = a_chunks.remainder().iter().zip(b_chunks.remainder());
    rest.fold(sum, |sum, (&a, &b)| sum + a * b)
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
    if NARROW {
        narrow::update(weights, bias, x, delta, s);
    } else {
        wide::update(weights, bias, x, delta, s);
    }
}

/// Takes no instruction, but to the compiler eight that it knows nothing of: it then does not unroll
/// the loop that this stands in, which would take several times the flash.
#[inline(always)]
fn stay_rolled() {
    if NARROW {
        black_box(());
        black_box(());
        black_box(());
        black_box(());
        black_box(());
        black_box(());
        black_box(());
        black_box(());
    }
}

/// Calls `f` with each of `len` items.
///
/// Up to four calls are written out: the compiler does not unroll loops when it optimises for size,
/// and small layers have more loops than numbers.
#[inline(always)]
pub(crate) fn each<I: Iterator>(len: usize, mut items: I, mut f: impl FnMut(I::Item)) {
    if len > 4 {
        for item in items {
            stay_rolled();
            f(item);
        }
        return;
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
    use super::*;

    /// Numbers whose sums depend on the order in which they are added.
    fn number(i: usize, o: usize) -> f32 {
        let bits = (i as u32 * 7919 + o as u32 * 104_729 + 12_345).wrapping_mul(2_654_435_761);
        bits as f32 / 4e9 - 0.5
    }

    fn column<const N: usize>(seed: usize) -> [f32; N] {
        core::array::from_fn(|i| number(i, seed))
    }

    fn matrix<const IN: usize, const OUT: usize>() -> [[f32; OUT]; IN] {
        core::array::from_fn(|i| core::array::from_fn(|o| number(i, o)))
    }

    /// All loops of `$kernel` against plain ones that add in the order of the contract, bit for bit.
    macro_rules! check {
        ($kernel:ident: $($in:literal $out:literal),+) => { $({
            let weights = matrix::<$in, $out>();
            let (x, delta, bias) = (column::<$in>(1000), column::<$out>(2000), column(3000));

            let mut y = [f32::NAN; $out];
            $kernel::affine(&weights, &bias, &x, &mut y);
            for o in 0..$out {
                let products = (0..$in).map(|i| weights[i][o] * x[i]);
                let want = products.reduce(|sum, next| sum + next).unwrap_or(f32::NAN) + bias[o];
                assert_eq!(want.to_bits(), y[o].to_bits(), "affine {} {}", $in, $out);
            }

            let mut dx = [-0.0_f32; $in];
            $kernel::input_gradient(&weights, &delta, &mut dx);
            for i in 0..$in {
                let products = (0..$out).map(|o| weights[i][o] * delta[o]);
                let want = products.reduce(|sum, next| sum + next).unwrap_or(f32::NAN);
                assert_eq!(want.to_bits(), dx[i].to_bits(), "input_gradient {} {}", $in, $out);
            }

            let (mut new_weights, mut new_bias) = (weights, bias);
            $kernel::update(&mut new_weights, &mut new_bias, &x, &delta, 0.3);
            for o in 0..$out {
                let step = 0.3 * delta[o];
                assert_eq!((bias[o] + step).to_bits(), new_bias[o].to_bits());
                for i in 0..$in {
                    let want = weights[i][o] + x[i] * step;
                    let new = new_weights[i][o];
                    assert_eq!(want.to_bits(), new.to_bits(), "update {} {}", $in, $out);
                }
            }
        })+ };
    }

    #[test]
    fn sums_of_the_narrow_kernel_run_in_the_order_of_the_contract() {
        check!(narrow: 1 1, 2 3, 3 2, 4 4, 5 7, 7 5, 3 8, 8 31, 9 10, 5 6, 13 14, 2 18, 6 12, 17 1);
    }

    #[test]
    fn sums_of_the_wide_kernel_run_in_the_order_of_the_contract() {
        check!(wide: 1 1, 2 3, 3 2, 4 4, 5 7, 7 5, 3 8, 8 31, 9 10, 5 6, 13 14, 2 18, 6 12, 17 1);
    }

    #[test]
    fn input_gradients_of_32_outputs_and_more_add_in_lanes() {
        fn check<const IN: usize, const OUT: usize>() {
            let (weights, delta) = (matrix::<IN, OUT>(), column::<OUT>(2000));
            let mut dx = [-0.0_f32; IN];
            input_gradient(&weights, &delta, &mut dx);
            for i in 0..IN {
                let product = |o: usize| weights[i][o] * delta[o];
                let whole = OUT / 8 * 8;
                let lanes = (0..8).map(|lane| {
                    (lane + 8..whole).step_by(8).fold(product(lane), |sum, o| sum + product(o))
                });
                let want = lanes.chain((whole..OUT).map(product)).reduce(|sum, next| sum + next);
                assert_eq!(want.map(f32::to_bits), Some(dx[i].to_bits()), "{IN} {OUT}");
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
        check!(narrow);
        check!(wide);
        let mut dx = [-0.0_f32; 5];
        input_gradient(&[[-0.0; 40]; 5], &[1.0; 40], &mut dx);
        assert!(dx.iter().all(|dx| dx.is_sign_negative()));
    }
}
