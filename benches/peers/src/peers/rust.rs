//! Plain loops over arrays, in the order in which gradlet adds.

use std::hint::black_box;

use super::{Peer, by_sizes, rows};
use crate::task::{Kind, Task};

#[derive(Clone)]
struct Net<const IN: usize, const HIDDEN: usize, const OUT: usize> {
    w1: Box<[[f32; HIDDEN]; IN]>,
    b1: [f32; HIDDEN],
    w2: Box<[[f32; OUT]; HIDDEN]>,
    b2: [f32; OUT],
}

struct ByHand<const IN: usize, const HIDDEN: usize, const OUT: usize, const KIND: u8> {
    net: Net<IN, HIDDEN, OUT>,
    gradient: Net<IN, HIDDEN, OUT>,
    examples: Vec<([f32; IN], [f32; OUT])>,
    batch: usize,
    learning_rate: f32,
}

const SIGMOID: u8 = Kind::Sigmoid as u8;
const TANH_SIGMOID: u8 = Kind::TanhSigmoid as u8;
const RELU_SOFTMAX: u8 = Kind::ReluSoftmax as u8;

pub fn new(task: &Task) -> Box<dyn Peer> {
    by_sizes!(task, with_sizes)
}

fn with_sizes<const IN: usize, const HIDDEN: usize, const OUT: usize, const BATCH: usize>(
    task: &Task,
) -> Box<dyn Peer> {
    match task.kind {
        Kind::Sigmoid => Box::new(by_hand::<IN, HIDDEN, OUT, SIGMOID>(task)),
        Kind::TanhSigmoid => Box::new(by_hand::<IN, HIDDEN, OUT, TANH_SIGMOID>(task)),
        Kind::ReluSoftmax => Box::new(by_hand::<IN, HIDDEN, OUT, RELU_SOFTMAX>(task)),
    }
}

fn by_hand<const IN: usize, const HIDDEN: usize, const OUT: usize, const KIND: u8>(
    task: &Task,
) -> ByHand<IN, HIDDEN, OUT, KIND> {
    let [w1, b1, w2, b2] = task.split(&task.start);
    let net = Net {
        w1: rows(w1).try_into().expect("as many rows as inputs"),
        b1: rows(b1)[0],
        w2: rows(w2).try_into().expect("as many rows as hidden units"),
        b2: rows(b2)[0],
    };
    let (inputs, targets) = (rows(&task.inputs), rows(&task.targets));
    let examples = inputs.into_iter().zip(targets).collect();
    let &Task { batch, learning_rate, .. } = task;
    ByHand { gradient: net.clone(), net, examples, batch, learning_rate }
}

fn sigmoid(z: f32) -> f32 {
    1.0 / (1.0 + libm::expf(-z))
}

fn softmax<const OUT: usize>(z: &mut [f32; OUT], max: f32) -> f32 {
    let mut sum = 0.0;
    for z in &mut *z {
        *z = libm::expf(*z - max);
        sum += *z;
    }
    for z in z {
        *z /= sum;
    }
    sum
}

fn max<const OUT: usize>(z: &[f32; OUT]) -> f32 {
    let mut max = f32::NEG_INFINITY;
    for &z in z {
        if z > max {
            max = z;
        }
    }
    max
}

impl<const IN: usize, const HIDDEN: usize, const OUT: usize> Net<IN, HIDDEN, OUT> {
    /// The hidden units, and the weighted sums of the outputs.
    fn forward<const KIND: u8>(&self, x: &[f32; IN]) -> ([f32; HIDDEN], [f32; OUT]) {
        let mut hidden = [-0.0; HIDDEN];
        for i in 0..IN {
            for h in 0..HIDDEN {
                hidden[h] += self.w1[i][h] * x[i];
            }
        }
        for h in 0..HIDDEN {
            let z = hidden[h] + self.b1[h];
            hidden[h] = match KIND {
                SIGMOID => sigmoid(z),
                TANH_SIGMOID => libm::tanhf(z),
                _ => {
                    if z < 0.0 {
                        0.0
                    } else {
                        z
                    }
                }
            };
        }
        let mut z = [-0.0; OUT];
        for h in 0..HIDDEN {
            for o in 0..OUT {
                z[o] += self.w2[h][o] * hidden[h];
            }
        }
        for o in 0..OUT {
            z[o] += self.b2[o];
        }
        (hidden, z)
    }

    fn output<const KIND: u8>(&self, x: &[f32; IN]) -> [f32; OUT] {
        let (_, mut y) = self.forward::<KIND>(x);
        if KIND == RELU_SOFTMAX {
            let max = max(&y);
            softmax(&mut y, max);
            y
        } else {
            y.map(sigmoid)
        }
    }

    /// Loss, hidden units, and the derivatives of the loss by the weighted sums.
    fn backward<const KIND: u8>(
        &self,
        x: &[f32; IN],
        target: &[f32; OUT],
    ) -> (f32, [f32; HIDDEN], [f32; HIDDEN], [f32; OUT]) {
        let (hidden, mut y) = self.forward::<KIND>(x);
        let (mut loss, mut delta2) = (0.0, [0.0; OUT]);
        match KIND {
            SIGMOID => {
                for o in 0..OUT {
                    let y = sigmoid(y[o]);
                    let error = y - target[o];
                    loss += error * error;
                    delta2[o] = error * (y * (1.0 - y));
                }
                loss *= 0.5;
            }
            TANH_SIGMOID => {
                for o in 0..OUT {
                    let (z, power) = (y[o], libm::expf(-y[o]));
                    loss += if z < 0.0 {
                        libm::log1pf(1.0 / power) - target[o] * z
                    } else {
                        z - target[o] * z + libm::log1pf(power)
                    };
                    delta2[o] = 1.0 / (1.0 + power) - target[o];
                }
            }
            _ => {
                let max = max(&y);
                let mut expected = 0.0;
                for o in 0..OUT {
                    expected += target[o] * (y[o] - max);
                }
                loss = libm::logf(softmax(&mut y, max)) - expected;
                for o in 0..OUT {
                    delta2[o] = y[o] - target[o];
                }
            }
        }
        let mut delta1 = [0.0; HIDDEN];
        for h in 0..HIDDEN {
            let mut sum = -0.0;
            for o in 0..OUT {
                sum += self.w2[h][o] * delta2[o];
            }
            delta1[h] = sum
                * match KIND {
                    SIGMOID => hidden[h] * (1.0 - hidden[h]),
                    TANH_SIGMOID => 1.0 - hidden[h] * hidden[h],
                    _ if hidden[h] > 0.0 => 1.0,
                    _ => 0.0,
                };
        }
        (loss, hidden, delta1, delta2)
    }

    /// Adds the gradient of one example, times a factor.
    fn add(
        &mut self,
        factor: f32,
        x: &[f32; IN],
        hidden: &[f32; HIDDEN],
        delta1: &[f32; HIDDEN],
        delta2: &[f32; OUT],
    ) {
        let (step1, step2) = (delta1.map(|d| factor * d), delta2.map(|d| factor * d));
        for i in 0..IN {
            for h in 0..HIDDEN {
                self.w1[i][h] += x[i] * step1[h];
            }
        }
        for h in 0..HIDDEN {
            self.b1[h] += step1[h];
            for o in 0..OUT {
                self.w2[h][o] += hidden[h] * step2[o];
            }
        }
        for o in 0..OUT {
            self.b2[o] += step2[o];
        }
    }

    /// Its numbers and those of another, in pairs.
    fn zip<'a>(&'a mut self, other: &'a Self) -> impl Iterator<Item = (&'a mut f32, &'a f32)> {
        let numbers = self.w1.as_flattened_mut().iter_mut().zip(other.w1.as_flattened());
        let numbers = numbers.chain(self.b1.iter_mut().zip(&other.b1));
        let numbers =
            numbers.chain(self.w2.as_flattened_mut().iter_mut().zip(other.w2.as_flattened()));
        numbers.chain(self.b2.iter_mut().zip(&other.b2))
    }
}

impl<const IN: usize, const HIDDEN: usize, const OUT: usize, const KIND: u8> Peer
    for ByHand<IN, HIDDEN, OUT, KIND>
{
    fn train(&mut self, epochs: usize) {
        let Self { net, gradient, examples, batch, learning_rate } = self;
        for _ in 0..epochs {
            if *batch == 1 {
                for (x, target) in &*examples {
                    let (loss, hidden, delta1, delta2) = net.backward::<KIND>(x, target);
                    black_box(loss);
                    net.add(-*learning_rate, x, &hidden, &delta1, &delta2);
                }
                continue;
            }
            for batch in examples.chunks_exact(*batch) {
                gradient.w1.as_flattened_mut().fill(0.0);
                gradient.b1 = [0.0; HIDDEN];
                gradient.w2.as_flattened_mut().fill(0.0);
                gradient.b2 = [0.0; OUT];
                for (x, target) in batch {
                    let (loss, hidden, delta1, delta2) = net.backward::<KIND>(x, target);
                    black_box(loss);
                    gradient.add(1.0, x, &hidden, &delta1, &delta2);
                }
                let scale = -(1.0 / batch.len() as f32 * *learning_rate);
                net.zip(gradient).for_each(|(w, g)| *w += scale * g);
            }
        }
    }

    fn infer(&mut self, epochs: usize) {
        for _ in 0..epochs {
            for (x, _) in &self.examples {
                black_box(self.net.output::<KIND>(black_box(x)));
            }
        }
    }

    fn weights(&self) -> Vec<f32> {
        let Net { w1, b1, w2, b2 } = &self.net;
        [w1.as_flattened(), b1, w2.as_flattened(), b2].concat()
    }
}
