//! Training runs whose results must be bit-identical on every core and on the PC.
//!
//! Each ends with a hash over the bits of all parameters. The host tests compile this file too, so
//! it depends only on the library, a random number generator and `core`.

use core::array;

use gradlet::linear::{LeastSquares, RecursiveLeastSquares};
use gradlet::spectrum::{self, MelBands, Spectrum};
use gradlet::stream::Window;
use gradlet::{Nearest, Q10, fast, init, prelude::*};
use rand_pcg::rand_core::Rng as _;

use crate::small::{Hash, Points, Run, SMALL, Trained, fifth, learn, mean_loss, truth};

/// All runs. Their functions are `inline`, so that they are compiled where this table is used and
/// not in every build of the firmware's library, which would take ten times as long.
pub const RUNS: [Run; 18] = {
    let [worked_net, frozen, smooth, fast_moons, clipped] = SMALL;
    [
        worked_net,
        Run { name: "classes, batches, Adam", steps: 1000, train: classes },
        Run { name: "wide, momentum", steps: 1000, train: wide },
        Run { name: "f64, RMSprop", steps: 1000, train: double },
        frozen,
        smooth,
        fast_moons,
        Run { name: "fast tanh and softmax in f64", steps: 300, train: fast_classes },
        Run { name: "least squares", steps: 100, train: least_squares },
        Run { name: "convolutions of sequences", steps: 100, train: sequences },
        clipped,
        Run { name: "convolutions of images", steps: 100, train: images },
        Run { name: "recurrent layers", steps: 100, train: recurrent },
        Run { name: "spectra", steps: 200, train: spectra },
        Run { name: "fixed point", steps: 1000, train: fixed_point },
        Run { name: "fixed point, convolutions", steps: 200, train: fixed_convolutions },
        Run { name: "fixed point, losses and slopes", steps: 500, train: fixed_losses },
        Run { name: "fixed point, 16-bit weights", steps: 1000, train: half },
    ]
};

/// With weights from -1 to 1.
#[inline]
fn random_fixed<N: Layer<Format: Nearest<Real = Q32>> + Zero>(points: &mut Points) -> N {
    let mut net = N::ZERO;
    net.visit_mut(|_, weights| {
        weights.fill_with(|| {
            let number = points.rng.next_u32() as i32;
            N::Format::nearest(Q32::from_bits(i64::from(number >> 5) << 6))
        });
    });
    net
}

/// In which fifth the first coordinate of a point is.
fn fixed_fifths(points: &mut Points) -> ([Q12; 3], [Q12; 5]) {
    let (x, numbers) = points.draw::<f32, 3>();
    (x.map(Q12::new), array::from_fn(|class| Q12::new(truth(fifth(numbers[0]) == class))))
}

/// Integers: odd sizes in batches, then single samples.
#[inline]
fn fixed_point(steps: u32) -> Trained {
    type Net = net![Fixed; 3 => 9 Tanh => 7 LeakyRelu => 5 Softmax];
    let mut points = Points::new(15);
    let mut net = random_fixed::<Net>(&mut points);
    let mut batches = BatchTrainer::<Net, CrossEntropy>::new();
    let mut trainer = Trainer::<Net, CrossEntropy>::new();
    for _ in 0..steps / 2 {
        batches.accumulate_all(&net, (0..5).map(|_| fixed_fifths(&mut points)));
        batches.apply(&mut net, &Sgd::new(Q32::new(0.25)));
    }
    let sgd = |_| Sgd::new(Q32::new(0.125));
    learn(&mut net, &mut trainer, sgd, || fixed_fifths(&mut points), steps - steps / 2)
}

/// Integers: 16 bits of each weight.
#[inline]
fn half(steps: u32) -> Trained {
    type Net = net![Fixed<Q10>; 3 => 9 Tanh => 7 LeakyRelu => 5 Softmax];
    let mut points = Points::new(15);
    let mut net = random_fixed::<Net>(&mut points);
    let mut trainer = Trainer::<Net, CrossEntropy>::new();
    let sgd = |_| Sgd::new(Q32::new(0.125));
    learn(&mut net, &mut trainer, sgd, || fixed_fifths(&mut points), steps)
}

/// Integers: five classes by focal losses, and a quantile of each number, by networks with learned slopes.
#[inline]
fn fixed_losses(steps: u32) -> Trained {
    #[inline]
    fn train<N, L>(steps: u32, points: &mut Points, hash: &mut Hash) -> f32
    where
        N: Layer<Format = Fixed, Input = [Q12; 3], Output = [Q12; 5]> + Zero,
        L: Loss<N::Activation, Fixed>,
    {
        let mut net = random_fixed::<N>(points);
        let mut trainer = Trainer::<N, L>::new();
        let example = |points: &mut Points| {
            let (x, numbers) = points.draw::<f32, 3>();
            (x.map(Q12::new), array::from_fn(|class| Q12::new(truth(fifth(numbers[0]) == class))))
        };
        for _ in 0..steps {
            let (x, t) = example(points);
            trainer.step(&mut net, &Sgd::new(Q32::new(0.125)), &x, &t);
        }
        net.visit(|_, weights| hash.add_all(weights));
        mean_loss(|| {
            let (x, t) = example(points);
            trainer.evaluate(&net, &x, &t)
        })
    }
    type Slopes<A> = Chain<net![Fixed; 3 => 9 Identity => PRelu], Dense<9, 5, A, Fixed>>;
    let (mut points, mut hash) = (Points::new(17), Hash::EMPTY);
    let loss = train::<Slopes<Softmax>, Focal<2, 1, 1, 1>>(steps, &mut points, &mut hash)
        + train::<Slopes<Sigmoid>, Focal<1, 2>>(steps, &mut points, &mut hash)
        + train::<Slopes<Identity>, Pinball<2, 5>>(steps, &mut points, &mut hash);
    Trained { hash, loss }
}

/// Integers: convolutions with all options, and poolings, of single samples, then in batches.
#[inline]
fn fixed_convolutions(steps: u32) -> Trained {
    type Net = net![
        Fixed; 21 x 2 => Conv1d(9, 5, step 2, padding same) Relu => Conv1d(6, 3, groups 3) Tanh
        => MeanPool(3, step 2) => Conv1d(7, 2, padding causal, dilation 2) LeakyRelu
        => Depthwise(2) Softplus => MaxPool(3) => Flatten => 2 Softmax
    ];
    let mut points = Points::new(16);
    let mut net = random_fixed::<Net>(&mut points);
    let mut batches = BatchTrainer::<Net, CrossEntropy>::new();
    let mut trainer = Trainer::<Net, CrossEntropy>::new();
    // One channel, or the other, is louder in the middle.
    let example = |points: &mut Points| {
        let (numbers, n) = points.draw::<f32, 42>();
        let mut x = [[Q12::ZERO; 2]; 21];
        let first = n[0] < 1 << 23;
        for (place, (x, number)) in x.as_flattened_mut().iter_mut().zip(numbers).enumerate() {
            let loud = (16..28).contains(&place) && (place % 2 == 1) == first;
            *x = Q12::new(if loud { number + 1.0 } else { number });
        }
        (x, [truth(first), truth(!first)].map(Q12::new))
    };
    for step in 0..steps {
        if step < steps / 2 {
            let (x, t) = example(&mut points);
            trainer.step(&mut net, &Sgd::new(Q32::new(0.0625)), &x, &t);
        } else {
            batches.accumulate_all(&net, (0..5).map(|_| example(&mut points)));
            batches.apply(&mut net, &Sgd::new(Q32::new(0.125)));
        }
    }
    let loss = mean_loss(|| {
        let (x, t) = example(&mut points);
        trainer.evaluate(&net, &x, &t).to_f32()
    });
    Trained { hash: Hash::of(&net), loss }
}

/// Odd sizes, so that every loop over four rows has a remainder.
#[inline]
fn classes(steps: u32) -> Trained {
    type Net = net![3 => 9 Tanh => 7 LeakyRelu => 5 Softmax];
    let mut net = Net::ZERO;
    let mut points = Points::new(2);
    init::xavier_uniform(&mut net, &mut points.rng);
    let mut trainer = BatchTrainer::<Net, CrossEntropy, Adam, 3>::new();
    let adam = Adam::new(0.01);
    // Five classes in layers along the first coordinate.
    let example = |points: &mut Points| {
        let (x, numbers) = points.draw::<f32, 3>();
        (x, array::from_fn(|class| truth(fifth(numbers[0]) == class)))
    };
    for _ in 0..steps {
        trainer.accumulate_all(&net, (0..5).map(|_| example(&mut points)));
        trainer.apply(&mut net, &adam);
    }
    let loss = mean_loss(|| {
        let (x, t) = example(&mut points);
        trainer.evaluate(&net, &x, &t)
    });
    Trained { hash: Hash::of(&net), loss }
}

/// 33 units: from 32 on, the input gradient is summed in lanes.
#[inline]
fn wide(steps: u32) -> Trained {
    type Net = net![6 => 8 Relu => 33 Sigmoid => 3 Sigmoid];
    let mut net = Net::ZERO;
    let mut points = Points::new(3);
    init::he_uniform(&mut net, &mut points.rng);
    let mut trainer = Trainer::<Net, BinaryCrossEntropy, Momentum>::new();
    let momentum = Momentum { learning_rate: 0.02, momentum: 0.9 };
    // Which number of each of three pairs is greater?
    let example = |points: &mut Points| {
        let (x, n) = points.draw::<f32, 6>();
        (x, [truth(n[0] > n[1]), truth(n[2] > n[3]), truth(n[4] > n[5])])
    };
    learn(&mut net, &mut trainer, |_| momentum, || example(&mut points), steps)
}

/// Everything in `f64`, which most cores compute in software.
#[inline]
fn double(steps: u32) -> Trained {
    type Net = net![f64; 2 => 6 Tanh => 5 Softplus => 2 Identity];
    let mut net = Net::ZERO;
    let mut points = Points::new(4);
    init::xavier_normal(&mut net, &mut points.rng);
    let mut trainer = Trainer::<Net, HalfSquaredError, RmsProp<f64>>::new();
    let rms_prop = RmsProp::new(0.003);
    // Product and difference.
    let example = |points: &mut Points| {
        let (x, _) = points.draw::<f64, 2>();
        (x, [x[0] * x[1], x[0] - x[1]])
    };
    learn(&mut net, &mut trainer, |_| rms_prop, || example(&mut points), steps)
}

/// The same in `f64`, as a classifier.
#[inline]
fn fast_classes(steps: u32) -> Trained {
    type Net = net![f64; 2 => 9 fast::Tanh => 5 fast::Softmax];
    let mut net = Net::ZERO;
    let mut points = Points::new(8);
    init::xavier_uniform(&mut net, &mut points.rng);
    let mut trainer = Trainer::<Net, CrossEntropy, Sgd<f64>>::new();
    let sgd = Sgd { learning_rate: 0.2 };
    let example = |points: &mut Points| {
        let (x, n) = points.draw::<f64, 2>();
        (x, array::from_fn(|class| truth(fifth(n[0]) == class).into()))
    };
    learn(&mut net, &mut trainer, |_| sgd, || example(&mut points), steps)
}

/// A linear layer by least squares, in three ways; the last input is almost a linear combination of
/// the others.
#[inline]
fn least_squares(steps: u32) -> Trained {
    type Linear = Dense<4, 2, Identity>;
    let mut fit = LeastSquares::<4, 2>::new();
    let (mut recursive, mut layer) = (RecursiveLeastSquares::new(0.1, 0.98), Linear::ZERO);
    let mut points = Points::new(9);
    let example = |points: &mut Points| {
        let ([a, b, c, d], _) = points.draw::<f32, 4>();
        ([a, b, c, a - b + 0.001 * d], [2.0 * a - 3.0 * c + 1.0, b + 0.1 * c * c])
    };
    for _ in 0..steps {
        let (x, t) = example(&mut points);
        let _ = fit.observe(&x, &t);
        if let Ok(recursive) = &mut recursive {
            recursive.step(&mut layer, &x, &t);
        }
    }
    let solved = fit.solve().unwrap_or(Zero::ZERO);
    let mut hash = Hash::of(&solved);
    hash.add_all(fit.minimum_norm().unwrap_or(Zero::ZERO).weights().as_flattened());
    hash.add_all(layer.weights().as_flattened());
    let mut judge = Trainer::<_, HalfSquaredError>::new();
    let loss = mean_loss(|| {
        let (x, t) = example(&mut points);
        judge.evaluate(&solved, &x, &t)
    });
    Trained { hash, loss }
}

/// Sequences with convolutions of several kinds, whose sizes leave remainders.
#[inline]
fn sequences(steps: u32) -> Trained {
    type Net = net![
        21 x 2 => Conv1d(9, 5, step 2, padding same) Relu => Conv1d(6, 3, groups 3) Tanh
        => MaxPool(3) => Conv1d(5, 2, padding causal, dilation 2) LeakyRelu => Depthwise(3) Relu
        => Flatten => 2 Softmax
    ];
    let mut net = Net::ZERO;
    let mut points = Points::new(10);
    init::he_uniform(&mut net, &mut points.rng);
    let mut trainer = Trainer::<Net, CrossEntropy, Momentum>::new();
    let momentum = Momentum { learning_rate: 0.02, momentum: 0.9 };
    // One channel, or the other, is louder in the middle.
    let example = |points: &mut Points| {
        let (numbers, n) = points.draw::<f32, 42>();
        let mut x = [[0.0; 2]; 21];
        x.as_flattened_mut().copy_from_slice(&numbers);
        let first = n[0] < 1 << 23;
        for step in &mut x[8..14] {
            step[usize::from(first)] += 1.0;
        }
        (x, [truth(first), truth(!first)])
    };
    learn(&mut net, &mut trainer, |_| momentum, || example(&mut points), steps)
}

/// Images, in batches.
#[inline]
fn images(steps: u32) -> Trained {
    type Net = net![
        5 x 6 x 1 => Conv2d(3, 3 x 2, padding same) Relu => MaxPool(1 x 2)
        => Depthwise(3 x 3, padding 1) Relu => Conv2d(4, 2 x 2, step 2 x 1, dilation 1 x 2) Relu
        => GlobalMean => 2 Softmax
    ];
    let mut net = Net::ZERO;
    let mut points = Points::new(11);
    init::he_uniform(&mut net, &mut points.rng);
    let mut trainer = BatchTrainer::<Net, CrossEntropy, Adam, 4>::new();
    // A bright row, or a bright column.
    let example = |points: &mut Points| {
        let (numbers, n) = points.draw::<f32, 30>();
        let mut x = [[[0.0]; 6]; 5];
        x.as_flattened_mut().as_flattened_mut().copy_from_slice(&numbers);
        let (row, place) = (n[0] < 1 << 23, fifth(n[1]));
        for (i, pixels) in x.iter_mut().enumerate() {
            for (j, [pixel]) in pixels.iter_mut().enumerate() {
                let line = if row { i } else { j };
                *pixel = *pixel * 0.25 + if line == place { 1.0 } else { 0.0 };
            }
        }
        (x, [truth(row), truth(!row)])
    };
    for _ in 0..steps {
        trainer.accumulate_all(&net, (0..5).map(|_| example(&mut points)));
        trainer.apply(&mut net, &Adam::new(0.02));
    }
    let loss = mean_loss(|| {
        let (x, t) = example(&mut points);
        trainer.evaluate(&net, &x, &t)
    });
    Trained { hash: Hash::of(&net), loss }
}

/// A sequence through both directions of a GRU, and an LSTM with rational functions.
#[inline]
fn recurrent(steps: u32) -> Trained {
    type Net = net![5 x 2 => Gru(4, all, bidirectional) => Lstm(4, by rational) => 2 Softmax];
    let mut net = Net::ZERO;
    let mut points = Points::new(13);
    init::xavier_uniform(&mut net, &mut points.rng);
    let mut trainer = Trainer::<Net, CrossEntropy, Adam>::new();
    let adam = Adam::new(0.06);
    // The louder step is early, or late.
    let example = |points: &mut Points| {
        let (numbers, n) = points.draw::<f32, 10>();
        let mut x = [[0.0; 2]; 5];
        x.as_flattened_mut().copy_from_slice(&numbers.map(|number| number * 0.5));
        let early = n[0] < 1 << 23;
        x[if early { 1 } else { 3 }][1] += 3.0;
        (x, [truth(early), truth(!early)])
    };
    learn(&mut net, &mut trainer, |_| adam, || example(&mut points), steps)
}

/// Mel bands of the spectra of windows, one sample at a time.
#[inline]
fn spectra(steps: u32) -> Trained {
    type Net = net![4 => 3 Tanh => 2 Softmax];
    let mut net = Net::ZERO;
    let mut points = Points::new(13);
    init::xavier_uniform(&mut net, &mut points.rng);
    let mut trainer = Trainer::<Net, CrossEntropy, Momentum>::new();
    let momentum = Momentum { learning_rate: 0.02, momentum: 0.9 };
    let mel = MelBands::<32, 4>::new(1600.0, 50.0..800.0);
    let mut window = Window::<1, 32>::new();
    // Noise whose samples resemble the ones before, or their opposites: of low or high frequencies.
    let mut example = |points: &mut Points| {
        let (_, [n]) = points.draw::<f32, 1>();
        let low = n < 1 << 23;
        let mut before = 0.0;
        loop {
            let ([noise], _) = points.draw::<f32, 1>();
            before = noise + if low { 0.5 * before } else { -0.5 * before };
            if let (Some(full), Ok(mel)) = (window.push([before]), &mel) {
                let [x] = full.map_channels(|x| {
                    let spectrum = Spectrum::new(x).with_hann();
                    spectrum::log(&mel.apply(&spectrum.magnitude()), 1e-3)
                });
                return (x, [truth(low), truth(!low)]);
            }
        }
    };
    learn(&mut net, &mut trainer, |_| momentum, || example(&mut points), steps)
}
