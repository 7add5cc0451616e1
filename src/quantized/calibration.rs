//! Ranges of values, observed for a few inputs.

use super::error::QuantizeError;
use super::multiplier::Rounding;
use super::quantization::{Quantization, Range};
use super::{Quantize, Quantized};
use crate::shape::Shape;
use crate::zero::Zero;

/// What has a scale of its own: the weights of each output, or of a whole layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Granularity {
    /// Each output: more accurate, and no slower.
    #[default]
    PerChannel,
    /// Each layer.
    PerTensor,
}

/// The ranges of a layer's values before and after its activation.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct LayerRanges {
    /// Before it.
    pub logits: Range,
    /// Finish it.
    pub outputs: Range,
}

impl Zero for LayerRanges {
    const ZERO: Self = Self { logits: Range::EMPTY, outputs: Range::EMPTY };
}

/// Observes the values in a network for typical inputs, so that int8 covers their ranges.
///
/// A hundred examples are typical. What is beyond their ranges later is clipped. Ranges are those of
/// minimum and maximum, as `TFLite`'s post-training quantisation takes them.
///
/// ```
/// use gradlet::prelude::*;
/// use gradlet::quantized::{Calibration, Exact, Granularity};
///
/// let net = Dense::<2, 1, Relu>::new([[1.0], [-1.0]], [0.0]);
/// let mut calibration = Calibration::new();
/// calibration.observe(&net, &[1.0, 0.0]);
/// calibration.observe(&net, &[0.0, 0.5]);
/// let int8 = calibration.quantize::<Exact>(&net, Granularity::PerTensor).unwrap();
/// assert!((int8.forward(&[0.75, 0.25])[0] - 0.5).abs() < 0.01);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Calibration<N: Quantize> {
    input: Range,
    ranges: N::Ranges,
    inputs: usize,
}

impl<N: Quantize> Default for Calibration<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<N: Quantize> Calibration<N> {
    /// Nothing observed yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { input: Range::EMPTY, ranges: N::Ranges::ZERO, inputs: 0 }
    }

    /// Runs the network, and widens the ranges to the values in it.
    pub fn observe(&mut self, net: &N, input: &N::Input) {
        self.input.observe(input.as_slice());
        let _ = net.observe(input, &mut self.ranges);
        self.inputs = self.inputs.saturating_add(1);
    }

    /// The range of the inputs.
    #[must_use]
    pub const fn input(&self) -> Range {
        self.input
    }

    /// The ranges within the network: of a layer with weights, [`LayerRanges`]; of a chain, a pair; `()` of
    /// a layer whose outputs have the range of its inputs.
    #[must_use]
    pub const fn ranges(&self) -> &N::Ranges {
        &self.ranges
    }

    /// The network in int8.
    ///
    /// # Errors
    ///
    /// [`QuantizeError`] if nothing was observed, or a range or the weights of a layer cannot be quantised.
    pub fn quantize<R: Rounding>(
        &self,
        net: &N,
        granularity: Granularity,
    ) -> Result<Quantized<N, R>, QuantizeError> {
        if self.inputs == 0 {
            return Err(QuantizeError::NoInputs);
        }
        let input = Quantization::of(self.input)?;
        let (layers, output) = net.quantize(&self.ranges, input, granularity, &mut 0)?;
        Ok(Quantized::from_parts(input, layers, output))
    }
}
