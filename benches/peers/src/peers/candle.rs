//! candle, with its automatic differentiation and its gradient descent.

use std::hint::black_box;

use candle_core::{D, Device, Result, Tensor, Var};
use candle_nn::{Optimizer as _, SGD, loss, ops};

use super::Peer;
use crate::task::{Kind, Task};

struct Candle {
    /// First weights and biases, second weights and biases.
    parameters: [Var; 4],
    sgd: SGD,
    batches: Vec<(Tensor, Tensor)>,
    task: Task,
}

pub fn new(task: &Task) -> Box<dyn Peer> {
    Box::new(build(task).expect("the tensors have the right sizes"))
}

fn build(task: &Task) -> Result<Candle> {
    let [inputs, hidden, outputs] = task.sizes;
    let [w1, b1, w2, b2] = task.split(&task.start);
    let cpu = Device::Cpu;
    let parameters = [
        Var::from_slice(w1, (inputs, hidden), &cpu)?,
        Var::from_slice(b1, hidden, &cpu)?,
        Var::from_slice(w2, (hidden, outputs), &cpu)?,
        Var::from_slice(b2, outputs, &cpu)?,
    ];
    let batch = |(x, target): (&[f32], &[f32])| {
        let x = Tensor::from_slice(x, (task.batch, inputs), &cpu)?;
        Ok((x, Tensor::from_slice(target, (task.batch, outputs), &cpu)?))
    };
    let targets = task.targets.chunks_exact(task.batch * outputs);
    Ok(Candle {
        sgd: SGD::new(parameters.to_vec(), f64::from(task.learning_rate))?,
        parameters,
        batches: task
            .inputs
            .chunks_exact(task.batch * inputs)
            .zip(targets)
            .map(batch)
            .collect::<Result<_>>()?,
        task: task.clone(),
    })
}

impl Candle {
    /// The weighted sums of the outputs.
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let [w1, b1, w2, b2] = &self.parameters;
        let z = x.matmul(w1)?.broadcast_add(b1)?;
        let hidden = match self.task.kind {
            Kind::Sigmoid => ops::sigmoid(&z)?,
            Kind::TanhSigmoid => z.tanh()?,
            Kind::ReluSoftmax => z.relu()?,
        };
        hidden.matmul(w2)?.broadcast_add(b2)
    }

    fn step(&mut self, batch: usize) -> Result<f32> {
        let (x, target) = &self.batches[batch];
        let z = self.forward(x)?;
        let count = self.task.batch as f64;
        let loss = match self.task.kind {
            Kind::Sigmoid => ((ops::sigmoid(&z)? - target)?.sqr()?.sum_all()? * (0.5 / count))?,
            Kind::TanhSigmoid => {
                let mean = loss::binary_cross_entropy_with_logit(&z, target)?;
                (mean * self.task.sizes[2] as f64)?
            }
            Kind::ReluSoftmax => {
                ((ops::log_softmax(&z, D::Minus1)? * target)?.sum_all()? * (-1.0 / count))?
            }
        };
        self.sgd.backward_step(&loss)?;
        loss.to_scalar()
    }

    fn output(&self, x: &Tensor) -> Result<Tensor> {
        let z = self.forward(&x.detach())?;
        match self.task.kind {
            Kind::ReluSoftmax => ops::softmax_last_dim(&z),
            _ => ops::sigmoid(&z),
        }
    }
}

impl Peer for Candle {
    fn train(&mut self, epochs: usize) {
        for _ in 0..epochs {
            for batch in 0..self.batches.len() {
                black_box(self.step(batch).expect("the tensors have the right sizes"));
            }
        }
    }

    fn infer(&mut self, epochs: usize) {
        for _ in 0..epochs {
            for (x, _) in &self.batches {
                black_box(self.output(x).expect("the tensors have the right sizes"));
            }
        }
    }

    fn weights(&self) -> Vec<f32> {
        let numbers = |var: &Var| var.flatten_all().and_then(|var| var.to_vec1());
        self.parameters.iter().flat_map(|var| numbers(var).expect("they are numbers")).collect()
    }
}
