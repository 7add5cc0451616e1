//! Training on scaled rows; then the network for raw readings.

use gradlet::init;
use gradlet::metrics::argmax;
use gradlet::prelude::*;
use gradlet::preprocess::{Scaling, Standardize, one_hot};
use rand_pcg::Pcg32;
use rand_pcg::rand_core::{Rng, SeedableRng};

use super::table::{Row, Table, class};

/// Most inputs and hidden units.
pub const MOST: usize = 64;
pub const MOST_CLASSES: usize = 16;

/// How to train.
#[derive(Clone, Debug)]
pub struct Plan {
    pub hidden: usize,
    pub batch_size: u32,
    pub epochs: u32,
    /// Epochs without a better loss on the held-out rows, after which training stops.
    pub patience: u32,
    pub learning_rate: f32,
    /// Share of the rows that is held out.
    pub held_out: f64,
    pub seed: u64,
}

/// A layer: one row of weights for each unit.
#[derive(Clone, Debug, PartialEq)]
pub struct Linear {
    pub rows: Vec<Vec<f32>>,
    pub bias: Vec<f32>,
}

/// A prediction for a row: class indices, or numbers in the unit of the target.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prediction {
    pub target: f32,
    pub output: f32,
    /// The same by the network for raw readings.
    pub folded: f32,
}

/// What came of training.
#[derive(Clone, Debug, PartialEq)]
pub struct Trained {
    /// After each epoch, the mean loss on the rows to train on and on those held out.
    pub curve: Vec<[f32; 2]>,
    /// The epoch with the lowest loss on the held-out rows, from 1.
    pub best: usize,
    /// The network of that epoch, with the scaling folded into it.
    pub layers: [Linear; 2],
    /// For the rows to train on and for those held out.
    pub predictions: [Vec<Prediction>; 2],
}

/// Trains. An error continues the path of the file.
///
/// Sizes are types, so a network is one of a few; the parts of it that a table does not need stay
/// exactly zero, and change no bit of the rest.
pub fn train(table: &Table, plan: &Plan, progress: impl FnMut(usize)) -> Result<Trained, String> {
    let (inputs, classes) = (table.inputs.len(), table.labels.len());
    if inputs > MOST {
        return Err(format!(": {inputs} inputs, at most {MOST}; choose some with --inputs"));
    }
    let small = inputs <= 16 && plan.hidden <= 16;
    match (classes, small) {
        (0, true) => fit::<16, 16, 1, Identity, MeanSquaredError>(table, plan, progress),
        (0, false) => fit::<MOST, MOST, 1, Identity, MeanSquaredError>(table, plan, progress),
        (2..=4, true) => fit::<16, 16, 4, Softmax, CrossEntropy>(table, plan, progress),
        (2..=MOST_CLASSES, _) => {
            fit::<MOST, MOST, MOST_CLASSES, Softmax, CrossEntropy>(table, plan, progress)
        }
        (1, _) => Err(format!(
            ": all rows have the same label in column `{}`, and two or more are wanted",
            table.target
        )),
        _ => Err(format!(
            ": {classes} labels in column `{}`, at most {MOST_CLASSES}; if it has numbers to predict, \
             say --regression",
            table.target
        )),
    }
}

/// Trains a network of this size.
pub fn fit<const IN: usize, const HID: usize, const OUT: usize, A, L>(
    table: &Table,
    plan: &Plan,
    mut progress: impl FnMut(usize),
) -> Result<Trained, String>
where
    A: Activation,
    L: Loss<A, f32>,
{
    let parts = table.split(plan.held_out, plan.seed)?;
    let scales = Scales::<IN, OUT>::new(table, &parts)?;
    let [mut examples, unseen] = parts
        .each_ref()
        .map(|rows| -> Vec<_> { rows.iter().map(|row| scales.example(table, row)).collect() });
    let mut rng = Pcg32::seed_from_u64(plan.seed);
    let mut net = start::<IN, HID, OUT, A>(table, plan.hidden, &mut rng);
    let mut trainer = BatchTrainer::<_, L, Adam>::new();
    let mut judge = Trainer::<_, L>::new();
    let mut early = EarlyStopping::new();
    let (mut curve, mut best) = (vec![], 0);
    let report = trainer.fit_with(
        &mut net,
        |_| Adam::new(plan.learning_rate),
        plan.batch_size,
        |epoch| {
            init::shuffle(&mut examples, &mut rng);
            epoch.learn(&examples)
        },
        Stop::after(plan.epochs),
        |epoch| {
            let loss = judge.mean_loss(epoch.net, &unseen).unwrap_or(f32::NAN);
            curve.push([epoch.loss, loss]);
            progress(curve.len());
            let is_best = early.best_loss().is_none_or(|best| loss < best);
            best = if is_best { curve.len() } else { best };
            early.observe(epoch.net, loss, plan.patience)
        },
    );
    let complete = matches!(report.outcome, Outcome::EpochsDone | Outcome::Stopped);
    if !(complete && early.restore(&mut net)) {
        return Err(format!(
            ": training diverged in epoch {}: a number became NaN or infinite; try a smaller \
             --learning-rate",
            curve.len().saturating_add(1)
        ));
    }
    let raw = scales.fold(&net);
    let predictions = parts.map(|rows| {
        let predict = |row: &&Row| {
            let output = scales
                .targets
                .inverse(&net.forward(&scales.inputs.transform(&padded(&row.inputs))));
            let folded = raw.forward(&padded(&row.inputs));
            let [output, folded] = [output, folded].map(|values| scales.answer(table, &values));
            Prediction { target: row.target, output, folded }
        };
        rows.iter().map(predict).collect()
    });
    let outputs = table.labels.len().max(1);
    let layers = [
        linear(raw.first(), table.inputs.len(), plan.hidden),
        linear(raw.rest(), plan.hidden, outputs),
    ];
    Ok(Trained { curve, best, layers, predictions })
}

/// `values`, then zeros.
fn padded<const N: usize>(values: &[f32]) -> [f32; N] {
    let mut array = [0.0; N];
    array.iter_mut().zip(values).for_each(|(to, &from)| *to = from);
    array
}

/// The weights that are used at random, by Xavier's rule; the others zero.
fn start<const IN: usize, const HID: usize, const OUT: usize, A: Activation>(
    table: &Table,
    hidden: usize,
    rng: &mut Pcg32,
) -> Mlp<IN, HID, OUT, Tanh, A> {
    let (inputs, outputs) = (table.inputs.len(), table.labels.len().max(1));
    let mut net = Mlp::<IN, HID, OUT, Tanh, A>::ZERO;
    draw(net.first_mut(), inputs, hidden, rng);
    draw(net.rest_mut(), hidden, outputs, rng);
    // Softmax gives the classes that there are not a probability of exactly 0.
    net.rest_mut().bias_mut().iter_mut().skip(outputs).for_each(|bias| *bias = -1e9);
    net
}

#[allow(clippy::cast_precision_loss, reason = "small sizes, and 24 bits")]
fn draw<const IN: usize, const OUT: usize, A: Activation>(
    layer: &mut Dense<IN, OUT, A>,
    inputs: usize,
    outputs: usize,
    rng: &mut Pcg32,
) {
    let limit = (6.0 / (inputs as f32 + outputs as f32)).sqrt();
    for row in layer.weights_mut().iter_mut().take(inputs) {
        for weight in row.iter_mut().take(outputs) {
            let share = (rng.next_u32() >> 8) as f32 / 16_777_216.0;
            *weight = limit * (2.0 * share - 1.0);
        }
    }
}

/// Scaling of inputs and of a number to predict, from the rows to train on alone.
struct Scales<const IN: usize, const OUT: usize> {
    inputs: Scaling<IN>,
    targets: Scaling<OUT>,
}

impl<const IN: usize, const OUT: usize> Scales<IN, OUT> {
    fn new(table: &Table, [rows, _]: &[Vec<&Row>; 2]) -> Result<Self, String> {
        let (mut inputs, mut targets) = (Standardize::new(), Standardize::new());
        for row in rows {
            inputs.observe(&padded(&row.inputs));
            targets.observe(&[row.target; OUT]);
        }
        let (inputs, mut targets) = (inputs.scaling(), targets.scaling());
        let all = table.inputs.iter().zip(inputs.scale());
        let all = all.chain(Some(&table.target).into_iter().zip(targets.scale()));
        for (name, scale) in all {
            if scale.abs() < f32::MIN_POSITIVE {
                return Err(format!(
                    ": column `{name}` is constant in the rows to train on; choose others with \
                     --inputs and --target"
                ));
            }
        }
        if !table.labels.is_empty() {
            targets = Scaling::new([0.0; OUT], [1.0; OUT]);
        }
        Ok(Self { inputs, targets })
    }

    fn example(&self, table: &Table, row: &Row) -> ([f32; IN], [f32; OUT]) {
        let target = match table.labels[..] {
            [] => self.targets.transform(&[row.target; OUT]),
            _ => one_hot(class(row.target)).unwrap_or([0.0; OUT]),
        };
        (self.inputs.transform(&padded(&row.inputs)), target)
    }

    /// The network for raw readings, whose outputs are logits or numbers in their unit.
    fn fold<const HID: usize, A: Activation>(
        &self,
        net: &Mlp<IN, HID, OUT, Tanh, A>,
    ) -> Mlp<IN, HID, OUT, Tanh, Identity> {
        let (mut first, last) = (net.first().clone(), net.rest());
        let mut last = Dense::new(*last.weights(), *last.bias());
        self.inputs.fold_into(&mut first);
        self.targets.fold_into_output(&mut last);
        Mlp::new(first, last)
    }

    /// The index of the class, or the number.
    fn answer(&self, table: &Table, outputs: &[f32; OUT]) -> f32 {
        if table.labels.is_empty() {
            return outputs.first().copied().unwrap_or(f32::NAN);
        }
        let class = argmax(outputs).and_then(|class| u8::try_from(class).ok());
        class.map_or(f32::NAN, f32::from)
    }
}

/// A part of a layer.
fn linear<const IN: usize, const OUT: usize, A: Activation>(
    layer: &Dense<IN, OUT, A>,
    inputs: usize,
    outputs: usize,
) -> Linear {
    let rows = layer.rows();
    let rows = rows.iter().take(outputs).map(|row| row.iter().take(inputs).copied().collect());
    Linear { rows: rows.collect(), bias: layer.bias().iter().take(outputs).copied().collect() }
}

/// How often each class was predicted for each: `counts[target][output]`.
pub fn confusion(classes: usize, predictions: &[Prediction]) -> Vec<Vec<u32>> {
    let mut counts = vec![vec![0_u32; classes]; classes];
    for Prediction { target, output, .. } in predictions {
        let row = counts.get_mut(class(*target));
        if let Some(count) = row.and_then(|row| row.get_mut(class(*output))) {
            *count = count.saturating_add(1);
        }
    }
    counts
}
