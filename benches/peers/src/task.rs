//! What every peer has to do: a network, where it starts, and the examples that it learns.

use gradlet::{Layer, Softmax, Tanh};

use crate::workloads;

/// Which activations and which loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Sigmoid units and half the squared error.
    Sigmoid,
    /// Tanh hidden units, sigmoid outputs, binary cross-entropy.
    TanhSigmoid,
    /// Rectified hidden units, softmax, cross-entropy.
    ReluSoftmax,
}

/// A network to be trained.
#[derive(Clone, Debug)]
pub struct Task {
    pub name: &'static str,
    /// Inputs, hidden units, outputs.
    pub sizes: [usize; 3],
    pub kind: Kind,
    /// Examples per update.
    pub batch: usize,
    pub learning_rate: f32,
    /// Epochs after which the weights of all peers are compared.
    pub epochs_to_compare: usize,
    pub inputs: Vec<f32>,
    pub targets: Vec<f32>,
    /// The first weights as gradlet stores them: `[input][hidden]`, biases, `[hidden][output]`, biases.
    pub start: Vec<f32>,
}

impl Task {
    /// The number of examples.
    pub fn len(&self) -> usize {
        self.inputs.len() / self.sizes[0]
    }

    /// Floating-point operations of training on an example: a multiplication and an addition for each
    /// weight forward, for each weight of the second layer back, and for each weight's gradient.
    pub fn operations(&self) -> f64 {
        let [inputs, hidden, outputs] = self.sizes;
        (2 * (2 * inputs * hidden + 3 * hidden * outputs)) as f64
    }

    /// The pieces of a vector that is laid out like `start`.
    pub fn split<'a>(&self, weights: &'a [f32]) -> [&'a [f32]; 4] {
        let [inputs, hidden, outputs] = self.sizes;
        let (w1, rest) = weights.split_at(inputs * hidden);
        let (b1, rest) = rest.split_at(hidden);
        let (w2, b2) = rest.split_at(hidden * outputs);
        [w1, b1, w2, b2]
    }

    /// All tasks, in the order of the tables.
    pub fn all() -> Vec<Self> {
        use Kind::{ReluSoftmax, TanhSigmoid};
        use gradlet::Sigmoid;
        macro_rules! task {
            ($name:literal, $work:expr, $kind:expr, $batch:expr, $epochs:expr) => {{
                let work = $work;
                task(
                    $name,
                    &work.net,
                    work.sgd.learning_rate,
                    &work.examples,
                    $kind,
                    $batch,
                    $epochs,
                )
            }};
        }
        vec![
            task!("2-2-2", workloads::worked::<Sigmoid>(), Kind::Sigmoid, 1, 1000),
            task!("2-1-2 × 60", workloads::moons::<1, Tanh, Sigmoid>(), TanhSigmoid, 60, 100),
            task!("2-2-2 × 60", workloads::moons::<2, Tanh, Sigmoid>(), TanhSigmoid, 60, 100),
            task!("2-4-2 × 60", workloads::moons::<4, Tanh, Sigmoid>(), TanhSigmoid, 60, 100),
            task!("2-10-2 × 60", workloads::moons::<10, Tanh, Sigmoid>(), TanhSigmoid, 60, 100),
            task!("2-20-2 × 60", workloads::moons::<20, Tanh, Sigmoid>(), TanhSigmoid, 60, 100),
            task!("2-50-2 × 60", workloads::moons::<50, Tanh, Sigmoid>(), TanhSigmoid, 60, 100),
            task!("64-32-10", workloads::digits::<Sigmoid>(), Kind::Sigmoid, 1, 2),
            task!("64-32-10 × 32", workloads::digits_in_batches::<Sigmoid>(), Kind::Sigmoid, 32, 2),
            task!("784-128-10", workloads::images::<Softmax>(), ReluSoftmax, 1, 1),
            task!("784-128-10 × 32", workloads::images_in_batches::<Softmax>(), ReluSoftmax, 32, 1),
        ]
    }

    /// The task of this name.
    pub fn named(name: &str) -> Self {
        Self::all().into_iter().find(|task| task.name == name).expect("there is such a task")
    }
}

fn task<N: Layer<Format = f32>, const IN: usize, const OUT: usize>(
    name: &'static str,
    net: &N,
    learning_rate: f32,
    examples: &[([f32; IN], [f32; OUT])],
    kind: Kind,
    batch: usize,
    epochs_to_compare: usize,
) -> Task {
    let start = parameters(net);
    let hidden = (start.len() - OUT) / (IN + 1 + OUT);
    Task {
        name,
        sizes: [IN, hidden, OUT],
        kind,
        batch,
        learning_rate,
        epochs_to_compare,
        inputs: examples.iter().flat_map(|(input, _)| *input).collect(),
        targets: examples.iter().flat_map(|(_, target)| *target).collect(),
        start,
    }
}

/// All weights and biases.
pub fn parameters<N: Layer<Format = f32>>(net: &N) -> Vec<f32> {
    let mut all = vec![];
    net.visit(|_, values| all.extend_from_slice(values));
    all
}
