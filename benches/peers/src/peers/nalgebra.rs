//! Matrices of nalgebra, and the derivatives by hand. An example is a column.

use std::hint::black_box;

use nalgebra::{SMatrix, SVector};

use super::{Peer, by_sizes};
use crate::task::{Kind, Task};

type Matrix<const ROWS: usize, const COLUMNS: usize> = Box<SMatrix<f32, ROWS, COLUMNS>>;

struct ByHand<const IN: usize, const HIDDEN: usize, const OUT: usize, const BATCH: usize> {
    w1: Matrix<HIDDEN, IN>,
    b1: SVector<f32, HIDDEN>,
    w2: Matrix<OUT, HIDDEN>,
    b2: SVector<f32, OUT>,
    batches: Vec<Batch<IN, OUT, BATCH>>,
    kind: Kind,
    rate: f32,
}

struct Batch<const IN: usize, const OUT: usize, const BATCH: usize> {
    x: Matrix<IN, BATCH>,
    x_transposed: Matrix<BATCH, IN>,
    target: SMatrix<f32, OUT, BATCH>,
}

pub fn new(task: &Task) -> Box<dyn Peer> {
    by_sizes!(task, by_hand)
}

fn by_hand<const IN: usize, const HIDDEN: usize, const OUT: usize, const BATCH: usize>(
    task: &Task,
) -> Box<dyn Peer> {
    let [w1, b1, w2, b2] = task.split(&task.start);
    let inputs = task.inputs.chunks_exact(BATCH * IN);
    let batch = |(x, target)| {
        let x: Matrix<IN, BATCH> = Box::new(SMatrix::from_column_slice(x));
        let x_transposed = Box::new(x.transpose());
        Batch { x, x_transposed, target: SMatrix::from_column_slice(target) }
    };
    Box::new(ByHand::<IN, HIDDEN, OUT, BATCH> {
        w1: Box::new(SMatrix::from_column_slice(w1)),
        b1: SMatrix::from_column_slice(b1),
        w2: Box::new(SMatrix::from_column_slice(w2)),
        b2: SMatrix::from_column_slice(b2),
        batches: inputs.zip(task.targets.chunks_exact(BATCH * OUT)).map(batch).collect(),
        kind: task.kind,
        rate: task.learning_rate / BATCH as f32,
    })
}

fn sigmoid(z: f32) -> f32 {
    1.0 / (1.0 + (-z).exp())
}

impl<const IN: usize, const HIDDEN: usize, const OUT: usize, const BATCH: usize>
    ByHand<IN, HIDDEN, OUT, BATCH>
{
    /// The hidden units, and the weighted sums of the outputs.
    fn forward(
        &self,
        x: &SMatrix<f32, IN, BATCH>,
    ) -> (SMatrix<f32, HIDDEN, BATCH>, SMatrix<f32, OUT, BATCH>) {
        let mut hidden = SMatrix::<f32, HIDDEN, BATCH>::from_fn(|row, _| self.b1[row]);
        hidden.gemm(1.0, &self.w1, x, 1.0);
        match self.kind {
            Kind::Sigmoid => hidden.apply(|z| *z = sigmoid(*z)),
            Kind::TanhSigmoid => hidden.apply(|z| *z = z.tanh()),
            Kind::ReluSoftmax => hidden.apply(|z| *z = z.max(0.0)),
        }
        let mut z = SMatrix::<f32, OUT, BATCH>::from_fn(|row, _| self.b2[row]);
        z.gemm(1.0, &self.w2, &hidden, 1.0);
        (hidden, z)
    }

    /// Turns weighted sums into outputs. Returns the cross-entropy, if `target` is given.
    fn softmax(z: &mut SMatrix<f32, OUT, BATCH>, target: Option<&SMatrix<f32, OUT, BATCH>>) -> f32 {
        let mut loss = 0.0;
        for (example, mut z) in z.column_iter_mut().enumerate() {
            let max = z.max();
            z.add_scalar_mut(-max);
            let expected = target.map_or(0.0, |target| z.dot(&target.column(example)));
            z.apply(|z| *z = z.exp());
            let sum = z.sum();
            z /= sum;
            loss += sum.ln() - expected;
        }
        loss
    }

    fn step(&mut self, batch: usize) -> f32 {
        let (hidden, mut z) = self.forward(&self.batches[batch].x);
        let Batch { x_transposed, target, .. } = &self.batches[batch];
        let mut loss = 0.0;
        let delta2 = match self.kind {
            Kind::Sigmoid => {
                z.apply(|z| *z = sigmoid(*z));
                let error = z - target;
                loss = 0.5 * error.norm_squared();
                error.zip_map(&z, |error, y| error * y * (1.0 - y))
            }
            Kind::TanhSigmoid => z.zip_map(target, |z, t| {
                loss += z.max(0.0) - t * z + (-z.abs()).exp().ln_1p();
                sigmoid(z) - t
            }),
            Kind::ReluSoftmax => {
                loss = Self::softmax(&mut z, Some(target));
                z - target
            }
        };
        let mut delta1 = SMatrix::<f32, HIDDEN, BATCH>::zeros();
        delta1.gemm_tr(1.0, &self.w2, &delta2, 0.0);
        match self.kind {
            Kind::Sigmoid => delta1.zip_apply(&hidden, |d, h| *d *= h * (1.0 - h)),
            Kind::TanhSigmoid => delta1.zip_apply(&hidden, |d, h| *d *= 1.0 - h * h),
            Kind::ReluSoftmax => delta1.zip_apply(&hidden, |d, h| {
                if h <= 0.0 {
                    *d = 0.0;
                }
            }),
        }
        self.w2.gemm(-self.rate, &delta2, &hidden.transpose(), 1.0);
        self.w1.gemm(-self.rate, &delta1, x_transposed, 1.0);
        for (delta1, delta2) in delta1.column_iter().zip(delta2.column_iter()) {
            self.b1.axpy(-self.rate, &delta1, 1.0);
            self.b2.axpy(-self.rate, &delta2, 1.0);
        }
        loss
    }
}

impl<const IN: usize, const HIDDEN: usize, const OUT: usize, const BATCH: usize> Peer
    for ByHand<IN, HIDDEN, OUT, BATCH>
{
    fn train(&mut self, epochs: usize) {
        for _ in 0..epochs {
            for batch in 0..self.batches.len() {
                black_box(self.step(batch));
            }
        }
    }

    fn infer(&mut self, epochs: usize) {
        for _ in 0..epochs {
            for batch in &self.batches {
                let (_, mut y) = self.forward(&batch.x);
                match self.kind {
                    Kind::ReluSoftmax => _ = Self::softmax(&mut y, None),
                    _ => y.apply(|z| *z = sigmoid(*z)),
                }
                black_box(y);
            }
        }
    }

    fn weights(&self) -> Vec<f32> {
        let Self { w1, b1, w2, b2, .. } = self;
        [w1.as_slice(), b1.as_slice(), w2.as_slice(), b2.as_slice()].concat()
    }
}
