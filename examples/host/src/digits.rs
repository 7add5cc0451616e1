//! Digit classifiers: the delta rule of the text, softmax, and a hidden layer.

pub mod idx;
pub mod pictures;

use core::ops::ControlFlow;

use gradlet::metrics::ConfusionMatrix;
use gradlet::preprocess::one_hot;
use gradlet::{
    CrossEntropy, Dense, Elementwise, HalfSquaredError, Identity, Layer, Loss, Mlp, NoBias, Number,
    Optimizer, Outcome, Scalar, Sgd, Softmax, Stop, Trainer, Zero,
};
use rand_pcg::Pcg32;
use rand_pcg::rand_core::SeedableRng;

use idx::{CLASSES, Data, Digits};

/// The text's network: no bias, no activation.
pub type Linear<const PIXELS: usize, T = f32> = Dense<PIXELS, CLASSES, Identity, T>;
/// The softmax classifier: one probability per digit.
pub type Classifier<const PIXELS: usize, T = f32> = Dense<PIXELS, CLASSES, Softmax, T>;

/// Loss and accuracy of an epoch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mark {
    pub epoch: u32,
    /// Mean training loss over the epoch, of each sample before its own update.
    pub loss: f64,
    pub train_correct: u32,
    pub test_correct: u32,
}

/// A trained network and its learning curve.
#[derive(Clone, Debug)]
pub struct Trained<N> {
    pub net: Box<N>,
    pub marks: Vec<Mark>,
    /// Whether training ended because a loss was infinite or NaN.
    pub diverged: bool,
}

/// The pixels of an image, scaled to `0..=1`.
pub fn pixels<const PIXELS: usize, T: Scalar>(image: &[u8; PIXELS], black: u8) -> [T; PIXELS] {
    image.map(|pixel| T::from_u32(pixel.into()) / T::from_u32(black.into()))
}

/// Iterates over the samples, which are computed on the fly.
fn examples<const PIXELS: usize, T: Scalar>(
    digits: &Digits<PIXELS>,
    black: u8,
) -> impl Iterator<Item = ([T; PIXELS], [T; CLASSES])> {
    let target = |&label: &u8| one_hot(label.into()).unwrap_or(Zero::ZERO);
    digits
        .images
        .iter()
        .map(move |image| pixels(image, black))
        .zip(digits.labels.iter().map(target))
}

/// Trains for a number of epochs; calls `learned` after each sample.
pub fn train<const PIXELS: usize, T, N, L, O>(
    mut net: Box<N>,
    data: &Data<PIXELS>,
    optimizer: &O,
    epochs: u32,
    mut learned: impl FnMut(),
) -> Trained<N>
where
    T: Scalar,
    N: Layer<Format = T, Input = [T; PIXELS], Output = [T; CLASSES]>,
    L: Loss<N::Activation, N::Format>,
    O: Optimizer<N> + Clone,
{
    let mut trainer = Box::new(Trainer::<N, L, O>::new());
    let mut marks = vec![];
    let report = trainer.fit_with(
        &mut net,
        |_| optimizer.clone(),
        |epoch| epoch.learn(examples(&data.train, data.black).inspect(|_| learned())),
        Stop::after(epochs),
        |epoch| {
            let correct = |digits| right(&judge(epoch.net, digits, data.black));
            marks.push(Mark {
                epoch: epoch.number,
                loss: epoch.loss.to_f64(),
                train_correct: correct(&data.train),
                test_correct: correct(&data.test),
            });
            ControlFlow::Continue(())
        },
    );
    let diverged = matches!(report.outcome, Outcome::NotFinite { .. } | Outcome::Diverged);
    Trained { net, marks, diverged }
}

/// The delta rule of the text: no bias, all weights 0 at first.
pub fn delta_rule<const PIXELS: usize, T: Scalar>(
    data: &Data<PIXELS>,
    alpha: T,
    epochs: u32,
    learned: impl FnMut(),
) -> Trained<Linear<PIXELS, T>> {
    let sgd = NoBias { optimizer: Sgd { learning_rate: alpha } };
    let net = Box::new(Linear::ZERO);
    train::<PIXELS, T, _, HalfSquaredError, _>(net, data, &sgd, epochs, learned)
}

/// Softmax and cross-entropy, with biases, all parameters 0 at first.
pub fn softmax<const PIXELS: usize, T: Scalar>(
    data: &Data<PIXELS>,
    learning_rate: T,
    epochs: u32,
    learned: impl FnMut(),
) -> Trained<Classifier<PIXELS, T>> {
    let net = Box::new(Classifier::ZERO);
    train::<PIXELS, T, _, CrossEntropy, _>(net, data, &Sgd { learning_rate }, epochs, learned)
}

/// Number of hidden units.
pub const HIDDEN: usize = 32;

/// 784-32-10 for MNIST.
pub type Net<const PIXELS: usize, A> = Mlp<PIXELS, HIDDEN, CLASSES, A, Softmax>;

/// Trains a network with a hidden layer from random weights; the same `seed` gives the same bits.
pub fn hidden<const PIXELS: usize, A: Elementwise>(
    data: &Data<PIXELS>,
    initialise: fn(&mut Net<PIXELS, A>, &mut Pcg32),
    seed: u64,
    learning_rate: f64,
    epochs: u32,
    learned: impl FnMut(),
) -> Trained<Net<PIXELS, A>> {
    let mut net = Box::new(Net::<PIXELS, A>::ZERO);
    initialise(&mut net, &mut Pcg32::seed_from_u64(seed));
    let sgd = Sgd { learning_rate: f32::from_f64(learning_rate) };
    train::<PIXELS, f32, _, CrossEntropy, _>(net, data, &sgd, epochs, learned)
}

/// Confusion matrix.
pub fn judge<const PIXELS: usize, T, N>(
    net: &N,
    digits: &Digits<PIXELS>,
    black: u8,
) -> ConfusionMatrix<CLASSES>
where
    T: Scalar,
    N: Layer<Format = T, Input = [T; PIXELS], Output = [T; CLASSES]>,
{
    let mut matrix = ConfusionMatrix::new();
    for (input, target) in examples(digits, black) {
        // An output of NaN is no prediction, and is not counted.
        let _ = matrix.observe(&net.forward(&input), &target);
    }
    matrix
}

/// Number of correct predictions.
pub fn right(matrix: &ConfusionMatrix<CLASSES>) -> u32 {
    matrix.correct().iter().sum()
}

/// The weights of each digit, as a picture: `images[digit][pixel]`.
pub fn weight_images<const PIXELS: usize, A, T: Scalar>(
    layer: &Dense<PIXELS, CLASSES, A, T>,
) -> Vec<Vec<f64>> {
    let image = |digit: usize| {
        layer.weights().iter().filter_map(move |row| Some(row.get(digit)?.to_f64())).collect()
    };
    (0..CLASSES).map(image).collect()
}

/// Similarity of the weights of each digit to the digit: the correlation with the mean image of
/// that digit minus the mean image of all.
#[allow(clippy::cast_precision_loss, reason = "fewer than 2^53 images")]
pub fn likeness<const PIXELS: usize>(
    weights: &[Vec<f64>],
    digits: &Digits<PIXELS>,
    black: u8,
) -> Vec<f64> {
    let mean = |class: Option<u8>| {
        let mut sums = vec![0.0; PIXELS];
        let mut count = 0.0;
        for (image, &label) in digits.images.iter().zip(&digits.labels) {
            if class.is_none_or(|class| class == label) {
                count += 1.0;
                for (sum, pixel) in sums.iter_mut().zip(pixels::<PIXELS, f64>(image, black)) {
                    *sum += pixel;
                }
            }
        }
        sums.iter().map(|sum| sum / f64::max(count, 1.0)).collect::<Vec<_>>()
    };
    let of_all = mean(None);
    let one = |(class, weights): (u8, &Vec<f64>)| {
        let special: Vec<_> =
            mean(Some(class)).iter().zip(&of_all).map(|(digit, all)| digit - all).collect();
        correlation(weights, &special)
    };
    (0_u8..).zip(weights).map(one).collect()
}

/// Pearson correlation; 0 if one of the two is constant.
#[allow(clippy::cast_precision_loss, reason = "fewer than 2^53 pixels")]
fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let sum = |f: fn(f64, f64) -> f64| -> f64 {
        a.iter().zip(b).map(|(a, b)| f(a - mean_a, b - mean_b)).sum()
    };
    let size = (sum(|a, _| a * a) * sum(|_, b| b * b)).sqrt();
    if size > 0.0 { sum(|a, b| a * b) / size } else { 0.0 }
}
