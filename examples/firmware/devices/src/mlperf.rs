//! The shapes of two networks of MLPerf Tiny, with random weights: keyword spotting and image
//! classification.
//!
//! C. Banbury et al., "MLPerf Tiny Benchmark", NeurIPS Datasets and Benchmarks, 2021. Batch
//! normalisation is folded into the convolutions, as it is on a device. What the networks compute is
//! compared with PyTorch, for which `tests/python/mlperf.py` draws the same numbers.
//!
//! The host tests compile this file too, so it depends only on the library and `core`.

use gradlet::{Kind, Shape, net, prelude::*};

/// Keyword spotting, a depthwise separable network (DS-CNN): 49 frames of 10 cepstral coefficients;
/// 10 words, silence and unknown. 22,604 parameters.
pub type Keywords = net![
    49 x 10 x 1 => Conv2d(64, 10 x 4, step 2, padding same) Relu
    => Depthwise(3 x 3, padding same) Relu => Conv2d(64, 1 x 1) Relu
    => Depthwise(3 x 3, padding same) Relu => Conv2d(64, 1 x 1) Relu
    => Depthwise(3 x 3, padding same) Relu => Conv2d(64, 1 x 1) Relu
    => Depthwise(3 x 3, padding same) Relu => Conv2d(64, 1 x 1) Relu
    => GlobalMean => 12 Softmax
];

/// Image classification, a residual network (ResNet-8): 32 by 32 pixels of 3 colours; 10 classes.
/// 77,706 parameters.
pub type Images = net![
    32 x 32 x 3 => Conv2d(16, 3 x 3, padding same) Relu
    => Residual(Conv2d(16, 3 x 3, padding same) Relu => Conv2d(16, 3 x 3, padding same) Identity) Relu
    => Residual(
        Conv2d(32, 3 x 3, step 2, padding same) Relu => Conv2d(32, 3 x 3, padding same) Identity
    ) + (Conv2d(32, 1 x 1, step 2) Identity) Relu
    => Residual(
        Conv2d(64, 3 x 3, step 2, padding same) Relu => Conv2d(64, 3 x 3, padding same) Identity
    ) + (Conv2d(64, 1 x 1, step 2) Identity) Relu
    => GlobalMean => 10 Softmax
];

/// Random numbers in `-1.0..1.0`, by a linear congruential generator of 32 bits (Numerical Recipes).
#[derive(Clone, Copy, Debug)]
pub struct Numbers(pub u32);

impl Numbers {
    /// The next number, without rounding.
    #[inline]
    fn draw(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 8) as f32 / 8_388_608.0 - 1.0
    }

    /// Fills an input of a network.
    #[inline]
    pub fn fill_input<X: Shape<Element = f32>>(&mut self, input: &mut X) {
        input.as_mut_slice().fill_with(|| self.draw());
    }

    /// Fills a network, in the order of memory: weights as large as He et al. have them (ICCV 2015),
    /// small biases and means, and near 1 what normalisation multiplies with or divides by.
    #[inline]
    pub fn fill_net<N: Layer<Format = f32>>(&mut self, net: &mut N) {
        net.visit_mut(|tensor, values| {
            let (middle, width) = match (tensor.kind, tensor.name) {
                (Kind::Weight, _) => (0.0, Number::sqrt(6.0 / tensor.fans().0 as f32)),
                (Kind::Bias, _) | (_, "running_mean") => (0.0, 0.125),
                _ => (1.0, 0.25),
            };
            values.fill_with(|| middle + width * self.draw());
        });
    }
}
