//! Layers in int8 that follow each other.

use core::any::Any;

use super::calibration::Granularity;
use super::error::QuantizeError;
use super::multiplier::Rounding;
use super::quantization::Quantization;
use super::{Int8Layer, Quantize};
use crate::activation::Hidden;
use crate::layer::{Chain, Fused, Layer, Takes};
use crate::zero::Zero;

/// A layer in int8 followed by another: of a [`Chain`], or of a convolution with its pooling.
///
/// ```
/// use gradlet::prelude::*;
/// use gradlet::quantized::{Int8Layer, Sequence};
///
/// type Layers = Sequence<MaxPool1d<4, 1, 2, 2>, GlobalMax<[[f32; 1]; 2]>>;
/// static LAYERS: Layers = Sequence::new(MaxPool1d::new(), GlobalMax::new());
/// let mut y = [0];
/// LAYERS.run(&[[1], [3], [-2], [-5]], &mut y);
/// assert_eq!(y, [3]);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Sequence<First, Rest> {
    first: First,
    rest: Rest,
}

impl<First, Rest> Sequence<First, Rest> {
    /// `first`, then `rest`.
    #[must_use]
    pub const fn new(first: First, rest: Rest) -> Self {
        Self { first, rest }
    }

    /// The first layer.
    #[must_use]
    pub const fn first(&self) -> &First {
        &self.first
    }

    /// The layers after it.
    #[must_use]
    pub const fn rest(&self) -> &Rest {
        &self.rest
    }
}

impl<First: Int8Layer, Rest: Int8Layer<Input = First::Output>> Int8Layer for Sequence<First, Rest> {
    type Input = First::Input;
    type Output = Rest::Output;

    #[inline]
    fn run(&self, input: &Self::Input, output: &mut Self::Output) {
        let mut hidden = First::Output::ZERO;
        self.first.run(input, &mut hidden);
        self.rest.run_over(&mut hidden, &mut (), output);
    }

    /// So that of successive layers with outputs of one type, no more than two outputs are on the stack.
    #[inline]
    fn run_over<S: 'static>(
        &self,
        input: &mut Self::Input,
        spare: &mut S,
        output: &mut Self::Output,
    ) {
        let mut own;
        let hidden = match (spare as &mut dyn Any).downcast_mut() {
            Some(hidden) => hidden,
            None => {
                own = First::Output::ZERO;
                &mut own
            }
        };
        self.first.run(input, hidden);
        self.rest.run_over(hidden, input, output);
    }
}

impl<First, Rest> Quantize for Chain<First, Rest>
where
    First: Quantize<Activation: Hidden>,
    Rest: Quantize + Takes<First::Output>,
{
    type Ranges = (First::Ranges, Rest::Ranges);
    type Int8<R: Rounding> = Sequence<First::Int8<R>, Rest::Int8<R>>;

    fn observe(&self, input: &Self::Input, (first, rest): &mut Self::Ranges) -> Self::Output {
        self.rest().observe(&self.first().observe(input, first), rest)
    }

    fn quantize<R: Rounding>(
        &self,
        (first, rest): &Self::Ranges,
        input: Quantization,
        granularity: Granularity,
        layer: &mut usize,
    ) -> Result<(Self::Int8<R>, Quantization), QuantizeError> {
        let (first, hidden) = self.first().quantize(first, input, granularity, layer)?;
        let (rest, output) = self.rest().quantize(rest, hidden, granularity, layer)?;
        Ok((Sequence::new(first, rest), output))
    }
}

impl<C, P> Quantize for Fused<C, P>
where
    C: Quantize,
    P: Quantize<Input = C::Output> + Zero,
    Self: Layer<Format = f32, Input = C::Input, Output = P::Output>,
{
    type Ranges = (C::Ranges, P::Ranges);
    type Int8<R: Rounding> = Sequence<C::Int8<R>, P::Int8<R>>;

    fn observe(&self, input: &Self::Input, (first, rest): &mut Self::Ranges) -> Self::Output {
        P::ZERO.observe(&self.convolution().observe(input, first), rest)
    }

    fn quantize<R: Rounding>(
        &self,
        (first, rest): &Self::Ranges,
        input: Quantization,
        granularity: Granularity,
        layer: &mut usize,
    ) -> Result<(Self::Int8<R>, Quantization), QuantizeError> {
        let (first, hidden) = self.convolution().quantize(first, input, granularity, layer)?;
        let (rest, output) = P::ZERO.quantize(rest, hidden, granularity, layer)?;
        Ok((Sequence::new(first, rest), output))
    }
}
