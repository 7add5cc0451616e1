//! Training of the network of `devices::vowels` and of a perceptron beside it, and their evaluation.

use devices::training::Plan;
use devices::vowels::{FRAMES, Identifies, Learner, SPEAKERS, Utterance, Utterances};
use gradlet::Streaming;
use gradlet::metrics::ConfusionMatrix;
use gradlet::prelude::*;

use crate::learning::{is_tested, percent, summary};

/// A network without recurrence, which sees all frames at once, with zeros before short utterances.
pub type Perceptron = net![29 x 12 => FlattenChannelsLast => 32 Tanh => 9 Softmax];
/// Learning rate of its first step.
pub const PERCEPTRON_RATE: f32 = 0.01;

/// The first number of utterances, after none, at which a network is tested.
const FIRST: u32 = 10;

/// A trained network.
#[derive(Debug)]
pub struct Run<N: Identifies> {
    pub seed: u64,
    pub learner: Box<Learner<N>>,
    /// Number of utterances seen, and accuracy in percent on the test set.
    pub curve: Vec<(u32, f64)>,
    /// On the test set, after training.
    pub matrix: ConfusionMatrix<SPEAKERS>,
    /// Accuracy in percent on the utterances it was trained on, after training.
    pub training: f64,
    /// Accuracy in percent on the test set after so many frames, from 1 on; an utterance that is
    /// over counts as it ended.
    pub by_frame: Vec<f64>,
    /// The mean number of frames after which the answer to an utterance does not change any more.
    pub decided: f64,
}

impl<N: Identifies> Run<N> {
    /// Accuracy in percent on the test set, after training.
    pub fn accuracy(&self) -> f64 {
        percent(&self.matrix)
    }
}

/// What utterances a network is trained on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// As they are.
    Whole,
    /// As in the firmware: [`Utterance::varied`].
    Varied,
}

/// Trains and tests; `learned` is called after each epoch.
pub fn train<N: Identifies>(plan: &Plan, shown: Shown, mut learned: impl FnMut()) -> Run<N> {
    let [training, test] = Utterances::all();
    let spoken: Vec<_> = training.iter().collect();
    let mut learner = Box::new(Learner::<N>::ZERO);
    let mut rng = learner.start(plan.seed);
    let mut curve = vec![(0, percent(&judge(&learner, test)))];
    for ((number, rate), samples) in plan.steps().zip(1..) {
        let Some(utterance) = spoken.get(number) else { continue };
        let input = match shown {
            Shown::Whole => utterance.input(FRAMES),
            Shown::Varied => utterance.varied(&mut rng),
        };
        if let Some(input) = input {
            learner.learn(&input, utterance.speaker, rate);
        }
        if is_tested(samples, FIRST, plan) {
            curve.push((samples, percent(&judge(&learner, test))));
        }
        if samples.is_multiple_of(plan.samples) {
            learned();
        }
    }
    let (matrix, training) = (judge(&learner, test), percent(&judge(&learner, training)));
    let heard: Vec<_> =
        test.iter().map(|spoken| (spoken.speaker, answers(&learner, spoken))).collect();
    let by_frame = (0..FRAMES).map(|frame| {
        let is_right = |(speaker, answers): &(usize, Vec<usize>)| {
            answers.get(frame).or(answers.last()) == Some(speaker)
        };
        mean(heard.iter().map(|heard| if is_right(heard) { 100.0 } else { 0.0 }))
    });
    let by_frame = by_frame.collect();
    let decided = mean(heard.iter().map(|(_, answers)| f64::from(decided(answers))));
    Run { seed: plan.seed, learner, curve, matrix, training, by_frame, decided }
}

/// The confusion matrix on some utterances.
pub fn judge<N: Identifies>(
    learner: &Learner<N>,
    utterances: Utterances<'_>,
) -> ConfusionMatrix<SPEAKERS> {
    let mut matrix = ConfusionMatrix::new();
    for spoken in utterances.iter() {
        // There is an answer unless an output is NaN, which does not happen.
        let answer = learner.identify(spoken, FRAMES);
        let _ = answer.map(|answer| matrix.record(answer, spoken.speaker));
    }
    matrix
}

/// The speaker that a network names after each frame.
pub fn answers<N: Identifies>(learner: &Learner<N>, spoken: Utterance<'_>) -> Vec<usize> {
    (1..=spoken.count()).filter_map(|count| learner.identify(spoken, count)).collect()
}

/// The number of frames after which the answers do not change any more.
pub fn decided(answers: &[usize]) -> u32 {
    let others = answers.iter().rposition(|answer| Some(answer) != answers.last());
    u32::try_from(others.map_or(1, |last| last.saturating_add(2))).unwrap_or(u32::MAX)
}

/// The mean.
pub fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let [mean, ..] = summary(&values.collect::<Vec<_>>());
    mean
}

/// After each frame of an utterance: the state of the units, and the probabilities of the speakers.
pub fn states(learner: &Learner, spoken: Utterance<'_>) -> Vec<(Vec<f64>, Vec<f64>)> {
    let mut listener = Streaming::new(learner.net());
    let wide = |values: &[f32]| values.iter().map(|value| f64::from(*value)).collect();
    let step = |frame| {
        let probabilities = listener.step(&frame);
        (wide(listener.state().first().state()), wide(&probabilities))
    };
    spoken.frames().map(step).collect()
}
