//! Batch normalisation with fixed statistics, and layer normalisation.

use gradlet::prelude::*;
use gradlet::{FoldError, Kind, Shape, Tensors};
use support::{Random, Rng, assert_all_close, tolerance};

use crate::check::{any, check, classes, random};

type Row<A, const C: usize = 3> = BatchNorm<C, A, [f64; C]>;

macro_rules! norms {
    ($($name:ident: $activation:ty, $X:ty;)+) => { $(
        #[test]
        fn $name() {
            type First = Dense<2, 3, Identity, f64>;
            type Last = Dense<3, 2, Tanh, f64>;
            check::<Chain<First, Chain<Row<$activation>, Last>>, MeanSquaredError>(any);
            check::<BatchNorm<2, $activation, $X, 1000>, HalfSquaredError>(any);
        }
    )+ };
}
norms! {
    norms_before_identity_have_the_right_gradient: Identity, [f64; 2];
    norms_before_relu_have_the_right_gradient: Relu, [[f64; 2]; 4];
    norms_before_gelu_have_the_right_gradient: Gelu, [[[f64; 2]; 3]; 2];
}

#[test]
fn layer_norms_have_the_right_gradient_first_in_the_middle_and_last() {
    type Row<A> = LayerNorm<3, A, [f64; 3]>;
    check::<Chain<Row<Tanh>, Chain<Dense<3, 3, Identity, f64>, Row<Gelu>>>, HalfSquaredError>(any);
    check::<LayerNorm<2, Silu, [[f64; 2]; 4], 10>, MeanSquaredError>(any);
    check::<LayerNorm<3, Tanh, [[[f64; 3]; 2]; 2]>, HalfSquaredError>(any);
    type Net =
        net![f64; 5 x 2 => Gru(3, all) => LayerNorm(1 / 1000) Tanh => GlobalMean => 2 Softmax];
    check::<Net, CrossEntropy>(classes);
}

#[test]
fn layer_norm_is_the_equation_at_each_position() {
    let mut rng = Rng(9);
    for _ in 0..100 {
        let norm = LayerNorm::<4, Tanh, [[f64; 4]; 3]>::random(&mut rng);
        let x = random::<[[f64; 4]; 3]>(&mut rng, -3.0, 3.0);
        for (x, y) in x.iter().zip(&norm.forward(&x)) {
            let mean = x.iter().sum::<f64>() / 4.0;
            let variance = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 4.0;
            let want: [f64; 4] = core::array::from_fn(|c| {
                let normal = (x[c] - mean) / (variance + 1e-5).sqrt();
                (normal * norm.weight()[c] + norm.bias()[c]).tanh()
            });
            assert_all_close("y", y, &want, tolerance::F64_STEP);
        }
    }
    // Equal numbers have no deviation; NaN and infinity are not hidden.
    let norm = LayerNorm::<3>::new([2.0; 3], [1.0, 2.0, 3.0]);
    assert_eq!(norm.forward(&[7.5; 3]), [1.0, 2.0, 3.0]);
    for x in [f32::NAN, f32::INFINITY] {
        assert!(norm.forward(&[1.0, x, 2.0]).iter().all(|y| y.is_nan()));
    }
}

#[test]
fn norms_work_in_branches_frozen_and_before_a_cross_entropy() {
    type Block = Residual<Chain<Dense<3, 3, Identity, f64>, Row<Tanh>>>;
    check::<Chain<Block, Row<Softmax>>, CrossEntropy>(classes);
    check::<Chain<Row<Identity>, Chain<Frozen<Row<Tanh>>, Row<Identity>>>, HalfSquaredError>(any);
}

#[test]
fn norm_is_the_equation_in_each_channel() {
    let mut rng = Rng(1);
    for _ in 0..100 {
        let norm = BatchNorm::<3, Tanh, [[f64; 3]; 5]>::random(&mut rng);
        let x = random::<[[f64; 3]; 5]>(&mut rng, -3.0, 3.0);
        let y = norm.forward(&x);
        for (x, y) in x.iter().zip(&y) {
            let want: [f64; 3] = core::array::from_fn(|c| {
                let normal = (x[c] - norm.mean()[c]) / (norm.variance()[c] + 1e-5).sqrt();
                (normal * norm.weight()[c] + norm.bias()[c]).tanh()
            });
            assert_all_close("y", y, &want, tolerance::F64_STEP);
        }
    }
}

#[test]
fn folded_networks_have_the_same_outputs() {
    let mut rng = Rng(2);
    for _ in 0..100 {
        let first = Dense::<4, 3, Identity, f64>::random(&mut rng);
        let norm = Row::<Gelu>::random(&mut rng);
        let folded: Dense<4, 3, Gelu, f64> = norm.fold_into_previous(&first).unwrap();
        let input_norm = Row::<Identity, 4>::random(&mut rng);
        let mut next = folded.clone();
        input_norm.fold_into_next(&mut next).unwrap();
        let x = random(&mut rng, -2.0, 2.0);
        let want = norm.forward(&first.forward(&x));
        assert_all_close("previous", &folded.forward(&x), &want, tolerance::F64_LONG);
        let want = folded.forward(&input_norm.forward(&x));
        assert_all_close("next", &next.forward(&x), &want, tolerance::F64_LONG);
    }
}

/// Convolutions of sequences and images, in groups, one filter for each channel, and with padding.
#[test]
fn folded_convolutions_have_the_same_outputs() {
    macro_rules! folded {
        ($x:ty, $layer:ty, $norm:ty, $folded:ty) => {
            let mut rng = Rng(4);
            for _ in 0..30 {
                let (layer, norm) = (<$layer>::random(&mut rng), <$norm>::random(&mut rng));
                let folded: $folded = norm.fold_into_previous(&layer).unwrap();
                let x = random::<$x>(&mut rng, -2.0, 2.0);
                let (got, want) = (folded.forward(&x), norm.forward(&layer.forward(&x)));
                assert_ne!(want, layer.forward(&x));
                let [got, want] = [&got, &want].map(Shape::as_slice);
                assert_all_close("y", got, want, tolerance::F64_STEP);
            }
        };
    }
    folded!(
        [[f64; 4]; 9],
        net![f64; 9 x 4 => Conv1d(6, 3, step 2, padding 1, groups 2) Identity],
        BatchNorm<6, Tanh, [[f64; 6]; 5]>,
        net![f64; 9 x 4 => Conv1d(6, 3, step 2, padding 1, groups 2) Tanh]
    );
    folded!(
        [[f64; 3]; 7],
        net![f64; 7 x 3 => Depthwise(3, padding causal, dilation 2) Identity],
        BatchNorm<3, Gelu, [[f64; 3]; 7]>,
        net![f64; 7 x 3 => Depthwise(3, padding causal, dilation 2) Gelu]
    );
    folded!(
        [[[f64; 2]; 5]; 6],
        net![f64; 6 x 5 x 2 => Conv2d(3, 3 x 2, padding 1 x 0) Identity],
        BatchNorm<3, Relu, [[[f64; 3]; 4]; 6]>,
        net![f64; 6 x 5 x 2 => Conv2d(3, 3 x 2, padding 1 x 0) Relu]
    );
    folded!(
        [[[f64; 4]; 5]; 6],
        net![f64; 6 x 5 x 4 => Depthwise(3 x 3, padding same) Identity],
        BatchNorm<4, Silu, [[[f64; 4]; 5]; 6]>,
        net![f64; 6 x 5 x 4 => Depthwise(3 x 3, padding same) Silu]
    );
    folded!(
        [[[f64; 4]; 5]; 6],
        net![f64; 6 x 5 x 4 => Conv2d(6, 2 x 2, groups 2) Identity],
        BatchNorm<6, Identity, [[[f64; 6]; 4]; 5]>,
        net![f64; 6 x 5 x 4 => Conv2d(6, 2 x 2, groups 2) Identity]
    );
}

#[test]
fn statistics_that_are_none_are_noticed() {
    let layer = Dense::<1, 2, Identity>::new([[1.0, 1.0]], [0.0; 2]);
    let fold = |norm: BatchNorm<2>| -> Option<FoldError> {
        let mut next = Dense::<2, 1>::new([[1.0], [2.0]], [3.0]);
        let result = norm.fold_into_next(&mut next);
        let previous: Result<Dense<1, 2, Identity>, _> = norm.fold_into_previous(&layer);
        assert_eq!(result.err(), previous.err());
        assert!(result.is_ok() || next == Dense::new([[1.0], [2.0]], [3.0]));
        result.err()
    };
    for variance in [-1.0, -1e-6, -f32::MIN_POSITIVE, f32::NAN, f32::INFINITY, -f32::INFINITY] {
        let norm = BatchNorm::<2>::new([1.0; 2], [0.0; 2], [0.0; 2], [1.0, variance]);
        let [valid, none] = norm.forward(&[2.0, 2.0]);
        assert!(valid.is_finite() && none.is_nan(), "{variance}");
        assert_eq!(fold(norm.clone()), Some(FoldError::Variance { channel: 1 }));

        let mut net = Chain::<Dense<1, 2, Tanh>, Chain<BatchNorm<2, Relu>, Dense<2, 1>>>::ZERO;
        *net.rest_mut() =
            Chain::new(BatchNorm::new([1.0; 2], [0.0; 2], [0.0; 2], [1.0, variance]), Zero::ZERO);
        let before = net.rest().rest().clone();
        let mut trainer = Trainer::<_, BinaryCrossEntropy>::new();
        assert!(trainer.step(&mut net, &Sgd { learning_rate: 0.1 }, &[1.0], &[1.0]).is_nan());
        assert_eq!(net.rest().rest(), &before);
    }
    for value in [f32::NAN, f32::INFINITY] {
        for place in 0..3 {
            let mut values = [[1.0, 1.0], [0.0, 0.0], [0.0, 0.0]];
            values[place][0] = value;
            let [weight, bias, mean] = values;
            let norm = BatchNorm::<2>::new(weight, bias, mean, [1.0; 2]);
            assert!(!norm.forward(&[2.0, 2.0])[0].is_finite());
            assert_eq!(fold(norm), Some(FoldError::NotFinite { channel: 0 }));
        }
    }
    assert_eq!(fold(BatchNorm::new([1.0; 2], [0.0; 2], [0.0; 2], [0.0, -0.0])), None);
    assert_eq!(
        FoldError::Variance { channel: 3 }.to_string(),
        "the variance of channel 3 is negative, NaN or infinite"
    );
}

#[test]
fn statistics_are_kept_but_neither_learned_nor_initialised() {
    type Net = Chain<Dense<2, 3, Identity>, Chain<BatchNorm<3, Tanh>, Dense<3, 1, Identity>>>;
    let mut net = Net::ZERO;
    #[cfg(feature = "rand_core-v0.10")]
    gradlet::init::xavier_uniform(&mut net, &mut rand_pcg::Pcg32::new(1, 1));
    assert_eq!(net.rest().first(), &BatchNorm::default());
    let norm =
        BatchNorm::new([0.5, 1.0, -2.0], [0.1, -0.1, 0.0], [0.1, 0.2, 0.3], [0.25, 1.0, 4.0]);
    *net.rest_mut() = Chain::new(norm.clone(), net.rest().rest().clone());
    let mut trainer = Trainer::<_, HalfSquaredError, AdamW>::new();
    let adam = AdamW { adam: Adam::new(0.01), weight_decay: 0.1 };
    for _ in 0..20 {
        assert!(trainer.step(&mut net, &adam, &[0.3, -0.7], &[1.0]).is_finite());
    }
    let after = net.rest().first();
    assert_eq!((after.mean(), after.variance()), (norm.mean(), norm.variance()));
    assert!(after.weight() != norm.weight() && after.bias() != norm.bias());

    let mut tensors = vec![];
    norm.visit(|tensor, values| tensors.push((tensor.name, tensor.kind, values.len())));
    assert_eq!(
        tensors,
        [
            ("weight", Kind::Other, 3),
            ("bias", Kind::Bias, 3),
            ("running_mean", Kind::Buffer, 3),
            ("running_var", Kind::Buffer, 3)
        ]
    );
    let mut learned = 0;
    let gradient = <BatchNorm<3> as Layer>::Gradient::ZERO;
    Tensors::<f32>::walk([&gradient], [], &mut |_, [values], []| learned += values.len());
    assert_eq!(learned, 6);
    assert_eq!(
        BatchNorm::<1>::new([0.5], [0.25], [1.0], [2.0]).to_source().to_string(),
        "BatchNorm::new(\n    [0.5],\n    [0.25],\n    [1.0],\n    [2.0],\n)"
    );
    assert_ne!(<BatchNorm<3>>::FINGERPRINT, <BatchNorm<3, Identity, [f32; 3], 1000>>::FINGERPRINT);
    assert_ne!(<BatchNorm<3>>::FINGERPRINT, <BatchNorm<3, Relu>>::FINGERPRINT);
}
