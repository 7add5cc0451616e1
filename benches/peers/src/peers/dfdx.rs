//! dfdx, with its layers and its gradient descent.

use std::hint::black_box;

use dfdx::nn::modules::Linear;
use dfdx::optim::{Optimizer as _, Sgd, SgdConfig};
use dfdx::prelude::*;

use super::{Peer, by_sizes};
use crate::task::{Kind, Task};

type Net<const IN: usize, const HIDDEN: usize, const OUT: usize, A> =
    ((Linear<IN, HIDDEN, f32, Cpu>, A), Linear<HIDDEN, OUT, f32, Cpu>);

struct Dfdx<const IN: usize, const HIDDEN: usize, const OUT: usize, const BATCH: usize, A> {
    net: Net<IN, HIDDEN, OUT, A>,
    sgd: Sgd<Net<IN, HIDDEN, OUT, A>, f32, Cpu>,
    gradients: Option<Gradients<f32, Cpu>>,
    batches: Vec<(Tensor<Rank2<BATCH, IN>, f32, Cpu>, Tensor<Rank2<BATCH, OUT>, f32, Cpu>)>,
    kind: Kind,
}

pub fn new(task: &Task) -> Box<dyn Peer> {
    by_sizes!(task, with_sizes)
}

fn with_sizes<const IN: usize, const HIDDEN: usize, const OUT: usize, const BATCH: usize>(
    task: &Task,
) -> Box<dyn Peer> {
    match task.kind {
        Kind::Sigmoid => Box::new(build::<IN, HIDDEN, OUT, BATCH, _>(task, Sigmoid)),
        Kind::TanhSigmoid => Box::new(build::<IN, HIDDEN, OUT, BATCH, _>(task, Tanh)),
        Kind::ReluSoftmax => Box::new(build::<IN, HIDDEN, OUT, BATCH, _>(task, ReLU)),
    }
}

fn build<const IN: usize, const HIDDEN: usize, const OUT: usize, const BATCH: usize, A>(
    task: &Task,
    activation: A,
) -> Dfdx<IN, HIDDEN, OUT, BATCH, A>
where
    Net<IN, HIDDEN, OUT, A>:
        Module<Tensor<Rank2<BATCH, IN>, f32, Cpu>> + TensorCollection<f32, Cpu>,
{
    let cpu = Cpu::default();
    let [w1, b1, w2, b2] = task.split(&task.start);
    // A row for each unit.
    let transposed = |weights: &[f32], units: usize| -> Vec<f32> {
        (0..units).flat_map(|unit| weights.iter().copied().skip(unit).step_by(units)).collect()
    };
    let net = (
        (
            Linear {
                weight: cpu.tensor_from_vec(transposed(w1, HIDDEN), (Const, Const)),
                bias: cpu.tensor_from_vec(b1.to_vec(), (Const,)),
            },
            activation,
        ),
        Linear {
            weight: cpu.tensor_from_vec(transposed(w2, OUT), (Const, Const)),
            bias: cpu.tensor_from_vec(b2.to_vec(), (Const,)),
        },
    );
    let config =
        SgdConfig { lr: f64::from(task.learning_rate), momentum: None, weight_decay: None };
    let inputs = task.inputs.chunks_exact(BATCH * IN);
    let batch = |(x, target): (&[f32], &[f32])| {
        (
            cpu.tensor_from_vec(x.to_vec(), (Const, Const)),
            cpu.tensor_from_vec(target.to_vec(), (Const, Const)),
        )
    };
    Dfdx {
        sgd: Sgd::new(&net, config),
        gradients: Some(net.alloc_grads()),
        net,
        batches: inputs.zip(task.targets.chunks_exact(BATCH * OUT)).map(batch).collect(),
        kind: task.kind,
    }
}

impl<const IN: usize, const HIDDEN: usize, const OUT: usize, const BATCH: usize, A> Peer
    for Dfdx<IN, HIDDEN, OUT, BATCH, A>
where
    Net<IN, HIDDEN, OUT, A>: TensorCollection<f32, Cpu>
        + Module<Tensor<Rank2<BATCH, IN>, f32, Cpu>, Output = Tensor<Rank2<BATCH, OUT>, f32, Cpu>>
        + Module<
            Tensor<Rank2<BATCH, IN>, f32, Cpu, OwnedTape<f32, Cpu>>,
            Output = Tensor<Rank2<BATCH, OUT>, f32, Cpu, OwnedTape<f32, Cpu>>,
        >,
{
    fn train(&mut self, epochs: usize) {
        for _ in 0..epochs {
            for (x, target) in &self.batches {
                let gradients = self.gradients.take().expect("put back below");
                let z = self.net.forward(x.clone().traced(gradients));
                let loss = match self.kind {
                    Kind::Sigmoid => {
                        (z.sigmoid() - target.clone()).square().sum() * (0.5 / BATCH as f32)
                    }
                    Kind::TanhSigmoid => {
                        binary_cross_entropy_with_logits_loss(z, target.clone()) * OUT as f32
                    }
                    Kind::ReluSoftmax => cross_entropy_with_logits_loss(z, target.clone()),
                };
                black_box(loss.array());
                let mut gradients = loss.backward();
                self.sgd.update(&mut self.net, &gradients).expect("every weight has a gradient");
                self.net.zero_grads(&mut gradients);
                self.gradients = Some(gradients);
            }
        }
    }

    fn infer(&mut self, epochs: usize) {
        for _ in 0..epochs {
            for (x, _) in &self.batches {
                let z: Tensor<Rank2<BATCH, OUT>, f32, Cpu> = self.net.forward(x.clone());
                black_box(match self.kind {
                    Kind::ReluSoftmax => z.softmax::<Axis<1>>(),
                    _ => z.sigmoid(),
                });
            }
        }
    }

    fn weights(&self) -> Vec<f32> {
        let ((first, _), second) = &self.net;
        let transposed = |weights: Vec<f32>, inputs: usize| -> Vec<f32> {
            (0..inputs).flat_map(|i| weights.iter().copied().skip(i).step_by(inputs)).collect()
        };
        [
            transposed(first.weight.as_vec(), IN),
            first.bias.as_vec(),
            transposed(second.weight.as_vec(), HIDDEN),
            second.bias.as_vec(),
        ]
        .concat()
    }
}
