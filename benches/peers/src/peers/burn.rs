//! burn on its backend `flex`, with automatic differentiation.

use std::hint::black_box;

use burn::tensor::{Device, Tensor, TensorData, activation, loss};

use super::Peer;
use crate::task::{Kind, Task};

struct Burn {
    w1: Tensor<2>,
    b1: Tensor<2>,
    w2: Tensor<2>,
    b2: Tensor<2>,
    batches: Vec<(Tensor<2>, Tensor<2>)>,
    task: Task,
}

pub fn new(task: &Task) -> Box<dyn Peer> {
    let device = Device::flex();
    let [inputs, hidden, outputs] = task.sizes;
    let [w1, b1, w2, b2] = task.split(&task.start);
    let tensor = |values: &[f32], rows: usize| {
        let sizes = [rows, values.len() / rows];
        Tensor::<2>::from_data(TensorData::new(values.to_vec(), sizes), &device)
    };
    let batch =
        |(x, target)| (tensor(x, task.batch).autodiff(), tensor(target, task.batch).autodiff());
    let targets = task.targets.chunks_exact(task.batch * outputs);
    Box::new(Burn {
        w1: tensor(w1, inputs),
        b1: tensor(b1, 1),
        w2: tensor(w2, hidden),
        b2: tensor(b2, 1),
        batches: task.inputs.chunks_exact(task.batch * inputs).zip(targets).map(batch).collect(),
        task: task.clone(),
    })
}

impl Burn {
    /// The weighted sums of the outputs.
    fn forward(&self, x: Tensor<2>, [w1, b1, w2, b2]: [Tensor<2>; 4]) -> Tensor<2> {
        let z = x.matmul(w1) + b1;
        let hidden = match self.task.kind {
            Kind::Sigmoid => activation::sigmoid(z),
            Kind::TanhSigmoid => activation::tanh(z),
            Kind::ReluSoftmax => activation::relu(z),
        };
        hidden.matmul(w2) + b2
    }

    fn parameters(&self) -> [Tensor<2>; 4] {
        [&self.w1, &self.b1, &self.w2, &self.b2].map(Tensor::clone)
    }

    fn step(&mut self, batch: usize) -> f32 {
        let (x, target) = self.batches[batch].clone();
        let parameters = self.parameters().map(|tensor| tensor.autodiff().require_grad());
        let z = self.forward(x, parameters.clone());
        let count = self.task.batch as f32;
        let loss = match self.task.kind {
            Kind::Sigmoid => (activation::sigmoid(z) - target).powi_scalar(2).sum() * (0.5 / count),
            // As burn's own `BinaryCrossEntropyLoss`.
            Kind::TanhSigmoid => {
                let loss = (target.neg() + 1.0) * z.clone() - activation::log_sigmoid(z);
                loss.sum() / count
            }
            Kind::ReluSoftmax => loss::cross_entropy_with_logits(z, target),
        };
        let gradients = loss.backward();
        let rate = self.task.learning_rate;
        let [w1, b1, w2, b2] = parameters.map(|parameter| {
            let gradient = parameter.grad(&gradients).expect("every weight has a gradient");
            parameter.inner() - gradient * rate
        });
        (self.w1, self.b1, self.w2, self.b2) = (w1, b1, w2, b2);
        loss.into_scalar()
    }
}

impl Peer for Burn {
    fn train(&mut self, epochs: usize) {
        for _ in 0..epochs {
            for batch in 0..self.batches.len() {
                black_box(self.step(batch));
            }
        }
    }

    fn infer(&mut self, epochs: usize) {
        let inputs: Vec<_> = self.batches.iter().map(|(x, _)| x.clone().inner()).collect();
        for _ in 0..epochs {
            for x in &inputs {
                let z = self.forward(x.clone(), self.parameters());
                black_box(match self.task.kind {
                    Kind::ReluSoftmax => activation::softmax(z, 1),
                    _ => activation::sigmoid(z),
                });
            }
        }
    }

    fn weights(&self) -> Vec<f32> {
        let numbers =
            |tensor: Tensor<2>| tensor.into_data().try_to_vec::<f32>().expect("they are numbers");
        self.parameters().into_iter().flat_map(numbers).collect()
    }
}
