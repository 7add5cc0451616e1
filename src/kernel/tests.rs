//! Every kernel against reference loops that add in the order of the contract, bit for bit.

use core::array;

use super::*;

/// Values whose sums depend on the order of addition.
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

/// All loops of `$kernel` against reference loops that add in the order of the contract, bit for
/// bit.
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

        let mut dx = [f32::NAN; $in];
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

/// Tests for shapes that cover every path of a kernel.
macro_rules! sums_run_in_the_order_of_the_contract {
    ($($kernel:ident),+) => { $(
        #[test]
        fn $kernel() {
            check!($kernel: 1 1, 2 3, 3 2, 4 4, 5 7, 7 5, 3 8, 8 31, 9 10, 5 6, 13 14, 2 18);
            check!($kernel: 6 12, 17 1, 4 2, 7 15, 30 9, 21 6, 20 8, 33 14, 10 24, 9 20, 8 4, 9 16, 8 6);
        }
    )+ };
}

macro_rules! targets {
    ($($name:ident: $hardware:ident, small $small:literal;)+) => { $(
        mod $name {
            use super::super::*;

            loops_for!(Target { hardware: Hardware::$hardware, small: $small });
        }
    )+ };
}
targets! {
    soft_float: SoftFloat, small false;
    fpu_fast: Fpu, small false;
    fpu_small: Fpu, small true;
    vldm_fast: Vldm, small false;
    vldm_small: Vldm, small true;
    simd_fast: Simd, small false;
}

mod sums_run_in_the_order_of_the_contract {
    use super::*;

    sums_run_in_the_order_of_the_contract!(
        soft_float, fpu_fast, fpu_small, vldm_fast, vldm_small, simd_fast
    );
}

/// Several samples at once against one after the other, bit for bit.
fn check_tile<const IN: usize, const OUT: usize, const K: usize>() {
    let (weights, bias) = (matrix::<IN, OUT>(), column::<OUT>(3000));
    let x: [[f32; IN]; K] = array::from_fn(|k| column(1000 + k));
    let delta: [[f32; OUT]; K] = array::from_fn(|k| column(2000 + k));
    let mut y = [[f32::NAN; OUT]; K];
    let mut dx = [[f32::NAN; IN]; K];
    let (mut new_weights, mut new_bias) = (weights, bias);

    float::affine(&weights, &bias, x.each_ref(), y.each_mut());
    float::input_gradient(&weights, delta.each_ref(), dx.each_mut());
    float::update_sum(&mut new_weights, &mut new_bias, x.iter().zip(&delta));

    let (mut want_weights, mut want_bias) = (weights, bias);
    for k in 0..K {
        let (mut want, mut want_dx) = ([0.0; OUT], [f32::NAN; IN]);
        float::affine(&weights, &bias, [&x[k]], [&mut want]);
        assert_eq!(want.map(f32::to_bits), y[k].map(f32::to_bits), "{IN} {OUT} {K}");
        float::input_gradient(&weights, [&delta[k]], [&mut want_dx]);
        assert_eq!(want_dx.map(f32::to_bits), dx[k].map(f32::to_bits), "{IN} {OUT} {K}");
        float::update(&mut want_weights, &mut want_bias, &x[k], &delta[k], 1.0);
    }
    let bits = |weights: [[f32; OUT]; IN]| weights.map(|row| row.map(f32::to_bits));
    assert_eq!(bits(want_weights), bits(new_weights), "{IN} {OUT} {K}");
    assert_eq!(want_bias.map(f32::to_bits), new_bias.map(f32::to_bits), "{IN} {OUT} {K}");
}

#[test]
fn samples_together_give_the_bits_of_one_after_the_other() {
    macro_rules! check {
        ($($in:literal $out:literal),+) => { $(check_tile::<$in, $out, 13>();)+ };
    }
    check_tile::<9, 6, 1>();
    check_tile::<2, 1, 4>();
    check_tile::<20, 35, 16>();
    // Three blocks of samples, and one sample left over.
    check!(1 1, 2 1, 1 2, 2 3, 3 2, 2 4, 4 2, 5 5, 7 3, 17 2, 33 1, 50 2, 2 50, 9 6, 13 10);
    check!(8 8, 16 16, 21 17, 32 31, 9 32, 20 35);
    // More inputs than one pass takes.
    check!(64 3, 65 9, 128 16, 130 33);
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
fn few_numbers_are_all_visited_in_their_order() {
    fn check<const N: usize>() {
        let (mut a, mut order) = ([0; 8], 0);
        each_of_few(&mut a, array::from_fn::<_, N, _>(|i| i), |a, b| {
            order += 1;
            *a = 10 * order + b;
        });
        assert_eq!(a, array::from_fn(|i| if i < N { 10 * (i + 1) + i } else { 0 }));
        let mut short = [0; N];
        each_of_few(&mut short[1..], [1; N], |a, b| *a = b);
        assert_eq!(short, [0; N]);
    }
    check::<1>();
    check::<4>();
    check::<5>();
    check::<7>();
}

#[test]
fn zeros_keep_their_signs() {
    macro_rules! check {
        ($kernel:ident) => {
            let mut y = [1.0_f32];
            $kernel::affine(&[[1.0]; 5], &[-0.0], &[-0.0; 5], &mut y);
            assert!(y[0].is_sign_negative());
            let mut dx = [1.0_f32; 5];
            $kernel::input_gradient(&[[-0.0]; 5], &[1.0], &mut dx);
            assert!(dx.iter().all(|dx| dx.is_sign_negative()));
        };
    }
    check!(soft_float);
    check!(fpu_fast);
    check!(fpu_small);
    check!(vldm_fast);
    check!(vldm_small);
    check!(simd_fast);
    let mut dx = [1.0_f32; 5];
    float::input_gradient(&[[-0.0; 40]; 5], [&[1.0; 40]], [&mut dx]);
    assert!(dx.iter().all(|dx| dx.is_sign_negative()));
}
