//! Convolutions and pooling: every bit of a layer against plain loops, and gradients against
//! difference quotients of the loss.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::float_cmp,
    reason = "tests may panic"
)]

use gradlet::prelude::*;
use gradlet::{Delta, EndsIn, Samples, Shape};
use support::{Random, Rng, assert_same_bits, flat, flat_gradient};

use crate::gradients::{Targets, check_all};

/// One dimension of the windows.
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

    fn place(self, position: usize, tap: usize) -> Option<usize> {
        let place = (position * self.step + tap * self.dilation).checked_sub(self.padding)?;
        (place < self.input).then_some(place)
    }
}

#[derive(Clone, Copy, Debug)]
struct Sizes {
    rows: Line,
    columns: Line,
    channels: usize,
    outputs: usize,
    group: usize,
}

impl Sizes {
    /// Calls `f` with the indices of output, weight, input and bias of each product: a sum has them
    /// in the order of rows, columns and channels.
    fn products(self, mut f: impl FnMut(usize, usize, usize, usize)) {
        let Self { rows, columns, channels, outputs, group } = self;
        for position in 0..rows.output * columns.output {
            let (i, j) = (position / columns.output, position % columns.output);
            for tap in 0..rows.kernel * columns.kernel {
                let row = rows.place(i, tap / columns.kernel);
                let column = columns.place(j, tap % columns.kernel);
                let (Some(row), Some(column)) = (row, column) else { continue };
                let pixel = (row * columns.input + column) * channels;
                for c in 0..group {
                    for o in 0..outputs {
                        let first = o / (outputs / (channels / group)) * group;
                        let weight = (tap * group + c) * outputs + o;
                        f(position * outputs + o, weight, pixel + first + c, o);
                    }
                }
            }
        }
    }
}

fn bits<T: Scalar>(values: &[T]) -> Vec<u64> {
    values.iter().map(|value| value.to_f64().to_bits()).collect()
}

/// Outputs, input gradient and gradient of a layer of random parameters.
fn check_bits<T, N>(sizes: Sizes)
where
    T: Scalar,
    N: Layer<Format = T, Activation = Identity, Gradient = N> + Random,
{
    let mut rng = Rng(3);
    let net = N::random(&mut rng);
    let (x, t): (N::Input, N::Output) = (rng.shape(-1.0, 1.0), rng.shape(-1.0, 1.0));
    let mut tensors = vec![];
    net.visit(|_, values| tensors.push(values.to_vec()));
    let (weights, bias) = (&tensors[0], &tensors[1]);
    let inputs = x.as_slice();

    let mut y = vec![-T::ZERO; N::Output::LEN];
    let mut macs = 0;
    sizes.products(|output, weight, input, _| {
        y[output] += weights[weight] * inputs[input];
        macs += 1;
    });
    y.iter_mut().enumerate().for_each(|(i, y)| *y += bias[i % bias.len()]);
    assert_eq!(bits(net.forward(&x).as_slice()), bits(&y), "outputs of {sizes:?}");
    assert_eq!(N::MACS, macs, "{sizes:?}");

    let d: Vec<T> = y.iter().zip(t.as_slice()).map(|(&y, &t)| y - t).collect();
    let mut trace = N::Trace::ZERO;
    net.forward_trace([&x], [&mut trace]);
    trace.last_mut().parts().1.values.as_mut_slice().copy_from_slice(&d);
    let mut delta = Delta::ZERO;
    net.input_gradient(Samples { inputs: [&x], traces: [&trace] }, [&mut delta]);
    // For an input, the taps in order, and of each the outputs.
    let mut parts = vec![];
    sizes.products(|output, weight, input, o| {
        parts.push((input, weight / bias.len() / sizes.group, o, weights[weight] * d[output]));
    });
    parts.sort_by_key(|&(input, tap, o, _)| (input, tap, o));
    let mut dx = vec![-T::ZERO; inputs.len()];
    parts.into_iter().for_each(|(input, _, _, product)| dx[input] += product);
    assert_eq!(bits(delta.values.as_slice()), bits(&dx), "input gradient of {sizes:?}");

    let mut batch = BatchTrainer::<N, HalfSquaredError, Sgd<T>>::new();
    batch.accumulate(&net, &x, &t);
    let mut gradient = [vec![-T::ZERO; weights.len()], vec![-T::ZERO; bias.len()]];
    sizes.products(|output, weight, input, _| gradient[0][weight] += inputs[input] * d[output]);
    d.iter().enumerate().for_each(|(i, &d)| gradient[1][i % bias.len()] += d);
    let mut want = gradient.iter();
    batch.gradient().visit(|tensor, values| {
        // The gradient of no samples is 0.
        let want: Vec<_> = want.next().unwrap().iter().map(|&g| T::ZERO + g).collect();
        assert_eq!(bits(values), bits(&want), "gradient of {} of {sizes:?}", tensor.name);
    });
}

macro_rules! bits_1d {
    ($($T:ty: $l:literal $c:literal $out:literal $k:literal $m:literal,
        $step:literal $padding:literal $dilation:literal $group:literal;)+) => { $({
        type Net = Conv1d<$l, $c, $out, $k, $m, Identity, $T, $step, $padding, $dilation, $group>;
        check_bits::<$T, Net>(Sizes {
            rows: Line::ONE,
            columns: Line {
                input: $l, kernel: $k, output: $m, step: $step, padding: $padding, dilation: $dilation,
            },
            channels: $c,
            outputs: $out,
            group: $group,
        });
    })+ };
}

macro_rules! bits_2d {
    ($($T:ty: $h:literal $w:literal $c:literal $out:literal, $kh:literal $kw:literal,
        $mh:literal $mw:literal, $sh:literal $sw:literal, $ph:literal $pw:literal,
        $dh:literal $dw:literal, $group:literal;)+) => { $({
        type Net = Conv2d<
            $h, $w, $c, $out, $kh, $kw, $mh, $mw, Identity, $T, $sh, $sw, $ph, $pw, $dh, $dw, $group,
        >;
        check_bits::<$T, Net>(Sizes {
            rows: Line {
                input: $h, kernel: $kh, output: $mh, step: $sh, padding: $ph, dilation: $dh,
            },
            columns: Line {
                input: $w, kernel: $kw, output: $mw, step: $sw, padding: $pw, dilation: $dw,
            },
            channels: $c,
            outputs: $out,
            group: $group,
        });
    })+ };
}

#[test]
fn convolutions_of_sequences_have_the_bits_of_plain_loops() {
    bits_1d! {
        f32: 1 1 1 1 1, 1 0 1 1;
        f32: 9 3 8 5 5, 1 0 1 3;
        f32: 9 1 25 5 9, 1 2 1 1;
        f32: 17 6 16 5 7, 2 0 1 6;
        f32: 9 4 5 3 9, 1 4 2 4;
        f64: 11 2 33 4 4, 3 1 1 2;
        f64: 8 8 3 3 8, 1 2 1 8;
        f32: 9 6 4 3 7, 1 2 2 3;
        f32: 8 5 5 3 4, 2 1 1 1;
        f64: 9 2 4 2 3, 3 3 3 1;
    }
}

#[test]
fn convolutions_of_images_have_the_bits_of_plain_loops() {
    bits_2d! {
        f32: 5 7 3 8, 3 3, 5 7, 1 1, 1 1, 1 1, 3;
        f64: 6 9 1 5, 2 5, 3 5, 2 1, 0 0, 1 1, 1;
        f32: 4 6 17 4, 1 1, 4 6, 1 1, 0 0, 1 1, 17;
        f64: 5 8 5 5, 3 3, 3 4, 2 2, 1 1, 1 1, 1;
        f32: 7 5 4 6, 2 3, 5 3, 1 2, 0 2, 2 2, 2;
    }
}

#[test]
fn pooling_has_the_bits_of_plain_loops() {
    type Sequence = [[f32; 3]; 9];
    let x: Sequence = Rng(5).shape(-1.0, 1.0);
    let mean = MeanPool1d::<9, 3, 3, 4, f32, 2>::new().forward(&x);
    let max = MaxPool1d::<9, 3, 3, 4, f32, 2>::new().forward(&x);
    for (m, c) in (0..12).map(|i| (i / 3, i % 3)) {
        let [first, second, third] = [0, 1, 2].map(|k| x[2 * m + k][c]);
        let sum = first + second + third;
        assert_eq!(mean[m][c].to_bits(), (sum * (1.0 / 3.0)).to_bits());
        assert_eq!(max[m][c].to_bits(), first.max(second).max(third).to_bits());
    }
    let all = |c: usize| x.iter().map(move |step| step[c]);
    let sums = [0, 1, 2].map(|c| all(c).fold(0.0, |sum, x| sum + x));
    let largest = [0, 1, 2].map(|c| all(c).fold(f32::NEG_INFINITY, f32::max));
    assert_eq!(GlobalMean::<Sequence>::new().forward(&x), sums.map(|sum| sum * (1.0 / 9.0)));
    assert_eq!(GlobalMax::<Sequence>::new().forward(&x), largest);
}

#[test]
fn maxima_of_nan_are_nan() {
    let layer = MaxPool1d::<3, 1, 3, 1>::new();
    for at in 0..3 {
        let mut x = [[1.0], [f32::INFINITY], [-1.0]];
        x[at] = [f32::NAN];
        assert!(layer.forward(&x)[0][0].is_nan(), "{at}");
    }
    assert_eq!(layer.forward(&[[f32::NEG_INFINITY]; 3]), [[f32::NEG_INFINITY]]);
}

#[test]
fn an_infinite_input_that_a_maximum_hides_is_reported() {
    type Pool = Chain<MaxPool1d<2, 1, 2, 1>, Chain<Flatten<[[f32; 1]; 1], 1>, Dense<1, 1>>>;
    type Global = Chain<GlobalMax<[[f32; 1]; 2]>, Dense<1, 1>>;
    fn loss<
        N: Layer<Format = f32, Input = [[f32; 1]; 2], Output = [f32; 1], Activation = Sigmoid>,
    >(
        net: &mut N,
    ) -> f32 {
        let sgd = Sgd { learning_rate: 0.1 };
        let x = [[f32::NEG_INFINITY], [1.0]];
        Trainer::<N, HalfSquaredError, Sgd>::new().step(net, &sgd, &x, &[1.0])
    }
    assert!(!loss(&mut Pool::random(&mut Rng(1))).is_finite());
    assert!(!loss(&mut Global::random(&mut Rng(1))).is_finite());
}

/// `$hidden` behind convolutions of sequences and images of every kind, with all kinds of pooling.
macro_rules! gradients {
    ($($name:ident: $hidden:ty;)+) => { $(
        #[test]
        fn $name() {
            type Head = Dense<4, 2, $hidden, f64>;
            // Groups, dilation, padding on both sides.
            type Second = Conv1d<4, 4, 2, 2, 4, $hidden, f64, 1, 1, 2, 2>;
            type Sequence = Chain<
                Conv1d<9, 2, 4, 3, 8, $hidden, f64, 1, 1>,
                Chain<
                    MaxPool1d<8, 4, 2, 4, f64>,
                    Chain<Second, Chain<Flatten<[[f64; 2]; 4], 8>, Dense<8, 2, Identity, f64>>>,
                >,
            >;
            check_all::<Sequence, HalfSquaredError>(Targets::Any, true);
            // An image with steps, then one filter for each channel.
            type Depthwise = DepthwiseConv2d<2, 3, 4, 4, 2, 2, 2, 3, $hidden, f64, 1, 1, 1, 0>;
            type Image = Chain<
                Conv2d<6, 5, 1, 4, 3, 2, 4, 4, $hidden, f64>,
                Chain<
                    MeanPool2d<4, 4, 4, 2, 2, 2, 3, f64, 2, 1>,
                    Chain<Depthwise, Chain<GlobalMean<[[[f64; 4]; 3]; 2]>, Head>>,
                >,
            >;
            check_all::<Image, HalfSquaredError>(Targets::Any, true);
        }
    )+ };
}
// Those that take another path: smooth, with kinks, and with kept logits. The others differ in their
// derivative only, which `gradients` checks.
gradients! {
    tanh_gradients_match_central_differences: Tanh;
    relu_gradients_match_central_differences: Relu;
    leaky_relu_gradients_match_central_differences: LeakyRelu<1, 4>;
    gelu_gradients_match_central_differences: Gelu;
}

/// Causal and with steps, in front of the layers that the others leave out.
type Causal = Chain<
    Conv1d<8, 2, 5, 3, 8, Silu, f64, 1, 4, 2>,
    Chain<MeanPool1d<8, 5, 2, 4, f64>, Chain<GlobalMax<[[f64; 5]; 4]>, Dense<5, 3, Softmax, f64>>>,
>;
type Flat = Chain<
    Conv2d<5, 5, 2, 3, 3, 3, 3, 3, Tanh, f64, 2, 2, 1, 1>,
    Chain<
        MaxPool2d<3, 3, 3, 2, 2, 2, 2, f64, 1, 1>,
        Chain<FlattenChannelsLast<[[[f64; 3]; 2]; 2], 12>, Dense<12, 3, Softmax, f64>>,
    >,
>;

#[test]
fn classes_behind_convolutions_have_gradients_that_match_central_differences() {
    check_all::<Causal, CrossEntropy>(Targets::Classes, true);
    check_all::<Flat, CrossEntropy>(Targets::Classes, true);
    type Behind = Chain<Frozen<Conv1d<8, 2, 5, 3, 8, Silu, f64, 1, 4, 2>>, BehindFrozen>;
    type BehindFrozen = Chain<
        MeanPool1d<8, 5, 2, 4, f64>,
        Chain<GlobalMax<[[f64; 5]; 4]>, Dense<5, 3, Softmax, f64>>,
    >;
    check_all::<Behind, CrossEntropy>(Targets::Classes, true);
}

/// Trains alike in tiles and one by one.
fn check_tiles<N, const TILE: usize>()
where
    N: Layer<Format = f64, Activation = Softmax> + Random + Clone,
{
    let mut rng = Rng(11);
    let net = N::random(&mut rng);
    let examples: Vec<(N::Input, N::Output)> = (0..11)
        .map(|k| {
            let mut target = N::Output::ZERO;
            target.as_mut_slice()[k % N::Output::LEN] = 1.0;
            (rng.shape(-1.0, 1.0), target)
        })
        .collect();
    let mut one_by_one = BatchTrainer::<N, CrossEntropy, Sgd<f64>>::new();
    let mut together = BatchTrainer::<N, CrossEntropy, Sgd<f64>, TILE>::new();
    let (mut want, mut got) = (net.clone(), net);
    let sgd = Sgd { learning_rate: 0.125 };
    for _ in 0..3 {
        let loss = one_by_one.accumulate_all(&want, &examples);
        assert_eq!(together.accumulate_all(&got, &examples), loss);
        let gradient = flat_gradient::<N>(one_by_one.gradient());
        assert_same_bits("gradient", &flat_gradient::<N>(together.gradient()), &gradient);
        assert_eq!((one_by_one.apply(&mut want, &sgd), together.apply(&mut got, &sgd)), (11, 11));
        assert_same_bits("parameters", &flat(&got), &flat(&want));
    }
}

#[test]
fn tiles_have_the_bits_of_one_sample_after_the_other() {
    check_tiles::<Causal, 4>();
    check_tiles::<Causal, 8>();
    check_tiles::<Flat, 4>();
    check_tiles::<Flat, 8>();
}

/// Two networks with the same parameters and inputs, of which the first is fused: the same losses,
/// parameters and gradients to within a tolerance, or if it is 0, but for the sign of zeros.
fn assert_fused_is_the_same<Fused, Chain>(tolerance: f32)
where
    Fused: Layer<Format = f32, Activation = Softmax> + Zero,
    Chain: Layer<Format = f32, Activation = Softmax, Input = Fused::Input, Output = Fused::Output>
        + Zero,
{
    fn fill(rng: &mut Rng, values: &mut [f32]) {
        values.iter_mut().for_each(|value| *value = f32::from_f64(rng.range(-1.0, 1.0)));
    }
    let (mut fused, mut chain) = (Fused::ZERO, Chain::ZERO);
    let (mut rng, mut same) = (Rng(11), Rng(11));
    fused.visit_mut(|_, values| fill(&mut rng, values));
    chain.visit_mut(|_, values| fill(&mut same, values));
    let parameters = |fused: &Fused, chain: &Chain| {
        let (mut a, mut b) = (vec![], vec![]);
        fused.visit(|_, values| a.extend_from_slice(values));
        chain.visit(|_, values| b.extend_from_slice(values));
        (a, b)
    };
    let mut class = 0;
    let mut example = |rng: &mut Rng| {
        let (mut x, mut t) = (Fused::Input::ZERO, Fused::Output::ZERO);
        fill(rng, x.as_mut_slice());
        class = (class + 1) % 2;
        t.as_mut_slice()[class] = 1.0;
        (x, t)
    };
    let close = |a: &[f32], b: &[f32]| {
        assert_eq!(a.len(), b.len());
        assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() <= tolerance), "{a:?} {b:?}");
    };
    let sgd = Sgd { learning_rate: 0.05 };
    let mut one = Trainer::<Fused, CrossEntropy>::new();
    let mut other = Trainer::<Chain, CrossEntropy>::new();
    assert!(size_of_val(&one) < size_of_val(&other));
    for _ in 0..30 {
        let (x, t) = example(&mut rng);
        let loss = one.step(&mut fused, &sgd, &x, &t);
        close(&[loss], &[other.step(&mut chain, &sgd, &x, &t)]);
        close(fused.forward(&x).as_slice(), chain.forward(&x).as_slice());
    }
    let (a, b) = parameters(&fused, &chain);
    close(&a, &b);
    let examples: [_; 6] = core::array::from_fn(|_| example(&mut rng));
    let mut tiles = BatchTrainer::<Fused, CrossEntropy, Momentum, 4>::new();
    let mut single = BatchTrainer::<Chain, CrossEntropy, Momentum>::new();
    let momentum = Momentum { learning_rate: 0.05, momentum: 0.9 };
    for _ in 0..3 {
        let loss = tiles.accumulate_all(&fused, examples.iter().map(|(x, t)| (x, t)));
        let other = single.accumulate_all(&chain, examples.iter().map(|(x, t)| (x, t)));
        close(&[loss.unwrap()], &[other.unwrap()]);
        tiles.apply(&mut fused, &momentum);
        single.apply(&mut chain, &momentum);
    }
    let (a, b) = parameters(&fused, &chain);
    close(&a, &b);
}

#[test]
fn fused_layers_compute_what_a_chain_does() {
    assert_fused_is_the_same::<
        net![29 x 3 => Conv1d(9, 5, step 2) Relu | MaxPool(13) => Flatten => 3 Softmax],
        net![29 x 3 => Conv1d(9, 5, step 2) Relu => MaxPool(13) => Flatten => 3 Softmax],
    >(0.0);
    assert_fused_is_the_same::<
        net![
            12 x 2 => Conv1d(5, 3, padding same) Tanh
            => Conv1d(6, 4, padding same, dilation 2) LeakyRelu | MaxPool(3)
            => Conv1d(4, 2, groups 2) Relu | GlobalMean => 2 Softmax
        ],
        net![
            12 x 2 => Conv1d(5, 3, padding same) Tanh
            => Conv1d(6, 4, padding same, dilation 2) LeakyRelu => MaxPool(3)
            => Conv1d(4, 2, groups 2) Relu => GlobalMean => 2 Softmax
        ],
    >(0.0);
    // The maximum is over several rows, so weight gradients are added in another order.
    assert_fused_is_the_same::<
        net![
            8 x 6 x 2 => Conv2d(5, 3 x 3, padding same) Relu | MaxPool(2 x 3)
            => Depthwise(3 x 2, padding same) Tanh | MeanPool(2 x 1)
            => Conv2d(6, 2 x 2) Sigmoid | GlobalMax => 2 Softmax
        ],
        net![
            8 x 6 x 2 => Conv2d(5, 3 x 3, padding same) Relu => MaxPool(2 x 3)
            => Depthwise(3 x 2, padding same) Tanh => MeanPool(2 x 1)
            => Conv2d(6, 2 x 2) Sigmoid => GlobalMax => 2 Softmax
        ],
    >(1e-5);
}

/// They clamp the largest logit, where a chain clamps all.
#[test]
fn fused_layers_that_clamp_last_compute_what_a_chain_does() {
    assert_fused_is_the_same::<
        net![29 x 3 => Conv1d(9, 5, step 2) HardTanh | MaxPool(13) => Flatten => 3 Softmax],
        net![29 x 3 => Conv1d(9, 5, step 2) HardTanh => MaxPool(13) => Flatten => 3 Softmax],
    >(0.0);
    assert_fused_is_the_same::<
        net![29 x 3 => Conv1d(9, 5, step 2) Relu6 | MaxPool(13) => Flatten => 3 Softmax],
        net![29 x 3 => Conv1d(9, 5, step 2) Relu6 => MaxPool(13) => Flatten => 3 Softmax],
    >(0.0);
}
