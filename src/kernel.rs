//! The loops in which training and inference spend their time.
//!
//! Weights are stored `[input][output]`. Each output adds its products in the order of the inputs
//! and its bias last; each input gradient adds in one fixed order too. So neither vectorisation nor
//! unrolling nor the target changes a bit of any result.
//!
//! Four rows of weights go through at once, written out: at `opt-level = "s"` the compiler does not
//! unroll by itself, and a load and a store of the sums are shared by four products.

use crate::scalar::Scalar;

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
    // Negative zero is the neutral element of addition: -0.0 + x is x for every x.
    *y = [-T::ZERO; OUT];
    let (mut rows, mut inputs) = (weights.chunks_exact(4), x.chunks_exact(4));
    for (w, x) in rows.by_ref().zip(inputs.by_ref()) {
        if let ([w0, w1, w2, w3], &[x0, x1, x2, x3]) = (w, x) {
            for ((((y, &w0), &w1), &w2), &w3) in y.iter_mut().zip(w0).zip(w1).zip(w2).zip(w3) {
                *y = *y + w0 * x0 + w1 * x1 + w2 * x2 + w3 * x3;
            }
        }
    }
    for (w, &x) in rows.remainder().iter().zip(inputs.remainder()) {
        for (y, &w) in y.iter_mut().zip(w) {
            *y += w * x;
        }
    }
    for (y, &b) in y.iter_mut().zip(bias) {
        *y += b;
    }
}

/// `dx = W^T d`: in the order of the outputs below 32 of them, else in 8 interleaved partial sums
/// that are added from left to right.
#[inline(always)]
pub(crate) fn input_gradient<T: Scalar, const IN: usize, const OUT: usize>(
    weights: &[[T; OUT]; IN],
    delta: &[T; OUT],
    gradient: &mut [T; IN],
) {
    if OUT >= LANES_FROM {
        for (w, dx) in weights.iter().zip(gradient) {
            *dx = dot_in_lanes(w, delta);
        }
        return;
    }
    let (mut rows, mut gradients) = (weights.chunks_exact(4), gradient.chunks_exact_mut(4));
    for (w, dx) in rows.by_ref().zip(gradients.by_ref()) {
        if let ([w0, w1, w2, w3], [dx0, dx1, dx2, dx3]) = (w, dx) {
            let mut sums = [-T::ZERO; 4];
            for ((((&d, &w0), &w1), &w2), &w3) in delta.iter().zip(w0).zip(w1).zip(w2).zip(w3) {
                let [s0, s1, s2, s3] = sums;
                sums = [s0 + w0 * d, s1 + w1 * d, s2 + w2 * d, s3 + w3 * d];
            }
            [*dx0, *dx1, *dx2, *dx3] = sums;
        }
    }
    for (w, dx) in rows.remainder().iter().zip(gradients.into_remainder()) {
        *dx = w.iter().zip(delta).fold(-T::ZERO, |sum, (&w, &d)| sum + w * d);
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

/// `W += x d^T`, that is `w[i][o] += x[i] d[o]`.
#[inline(always)]
pub(crate) fn add_outer<T: Scalar, const IN: usize, const OUT: usize>(
    weights: &mut [[T; OUT]; IN],
    x: &[T; IN],
    delta: &[T; OUT],
) {
    let (mut rows, mut inputs) = (weights.chunks_exact_mut(4), x.chunks_exact(4));
    for (w, x) in rows.by_ref().zip(inputs.by_ref()) {
        if let ([w0, w1, w2, w3], &[x0, x1, x2, x3]) = (w, x) {
            for ((((&d, w0), w1), w2), w3) in delta.iter().zip(w0).zip(w1).zip(w2).zip(w3) {
                *w0 += x0 * d;
                *w1 += x1 * d;
                *w2 += x2 * d;
                *w3 += x3 * d;
            }
        }
    }
    for (w, &x) in rows.into_remainder().iter_mut().zip(inputs.remainder()) {
        for (w, &d) in w.iter_mut().zip(delta) {
            *w += x * d;
        }
    }
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

    /// All three loops against plain ones that add in the order of the contract, bit for bit.
    fn check<const IN: usize, const OUT: usize>() {
        let weights = matrix::<IN, OUT>();
        let (x, delta, bias) = (column::<IN>(1000), column::<OUT>(2000), column::<OUT>(3000));

        let mut y = [f32::NAN; OUT];
        affine(&weights, &bias, &x, &mut y);
        for o in 0..OUT {
            let mut sum = weights[0][o] * x[0];
            for i in 1..IN {
                sum += weights[i][o] * x[i];
            }
            assert_eq!((sum + bias[o]).to_bits(), y[o].to_bits(), "affine {IN} {OUT}");
        }

        let mut dx = [f32::NAN; IN];
        input_gradient(&weights, &delta, &mut dx);
        for i in 0..IN {
            let product = |o: usize| weights[i][o] * delta[o];
            let whole = if OUT < 32 { 0 } else { OUT / 8 * 8 };
            let lanes = (0..whole.min(8)).map(|lane| {
                (lane + 8..whole).step_by(8).fold(product(lane), |sum, o| sum + product(o))
            });
            let rest = (whole..OUT).map(product);
            let want = lanes.chain(rest).reduce(|sum, next| sum + next).map(f32::to_bits);
            assert_eq!(want, Some(dx[i].to_bits()), "input_gradient {IN} {OUT}");
        }

        let mut updated = weights;
        add_outer(&mut updated, &x, &delta);
        for i in 0..IN {
            for o in 0..OUT {
                let want = weights[i][o] + x[i] * delta[o];
                assert_eq!(want.to_bits(), updated[i][o].to_bits(), "add_outer {IN} {OUT}");
            }
        }
    }

    #[test]
    fn sums_run_in_the_order_of_the_contract() {
        check::<1, 1>();
        check::<2, 3>();
        check::<3, 2>();
        check::<4, 4>();
        check::<5, 7>();
        check::<7, 5>();
        check::<8, 31>();
        check::<9, 32>();
        check::<13, 33>();
        check::<6, 47>();
        check::<3, 64>();
    }

    #[test]
    fn zeros_keep_their_signs() {
        let mut y = [1.0_f32];
        affine(&[[1.0]; 5], &[-0.0], &[-0.0; 5], &mut y);
        assert!(y[0].is_sign_negative());
        let mut dx = [1.0_f32; 5];
        input_gradient(&[[-0.0]; 5], &[1.0], &mut dx);
        assert!(dx.iter().all(|dx| dx.is_sign_negative()));
        input_gradient(&[[-0.0; 40]; 5], &[1.0; 40], &mut dx);
        assert!(dx.iter().all(|dx| dx.is_sign_negative()));
    }
}
