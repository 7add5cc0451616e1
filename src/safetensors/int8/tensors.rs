//! The tensors of a layer in int8, and how they are read.

use core::marker::PhantomData;

use crate::quantized::{Quantization, Softmax8, Table, Weighted};
use crate::safetensors::json::attempt;
use crate::safetensors::{Dtype, LoadError, Safetensors};
use crate::tensors::{Kind, Tensor};

/// A tensor of a layer, besides weights and biases.
const fn more(kind: Kind, name: &'static str, shape: &'static [usize]) -> Tensor {
    Tensor { kind, name, shape, order: &[] }
}

/// A scale and a zero point.
pub(super) type Affine = [Tensor; 2];

pub(super) const INPUT: Affine =
    [more(Kind::Other, "input_scale", &[1]), more(Kind::Buffer, "input_zero_point", &[1])];
pub(super) const OUTPUT: Affine =
    [more(Kind::Other, "output_scale", &[1]), more(Kind::Buffer, "output_zero_point", &[1])];
/// What a table or softmax turns into the outputs.
pub(super) const LOGITS: Affine =
    [more(Kind::Other, "logits_scale", &[1]), more(Kind::Buffer, "logits_zero_point", &[1])];
const TABLE: Tensor = more(Kind::Buffer, "table", &[256]);

/// A tensor of a layer that is not described: it has none.
const NONE: Tensor = more(Kind::Other, "", &[]);

/// The tensors of the layer `L` in int8.
pub(super) struct Of<L>(PhantomData<L>);

impl<L: Weighted> Of<L> {
    pub(super) const WEIGHT: Tensor = Self::of_layer(0);
    pub(super) const BIAS: Tensor = Self::of_layer(1);
    pub(super) const WEIGHT_SCALE: Tensor = more(Kind::Other, "weight_scale", Self::BIAS.shape);
    pub(super) const ALL: [Tensor; 10] = {
        let ([input, input_zero], [output, output_zero]) = (INPUT, OUTPUT);
        let ([logits, logits_zero], weight_scale) = (LOGITS, Self::WEIGHT_SCALE);
        [
            Self::WEIGHT,
            Self::BIAS,
            weight_scale,
            input,
            input_zero,
            output,
            output_zero,
            logits,
            logits_zero,
            TABLE,
        ]
    };

    const fn of_layer(place: usize) -> Tensor {
        match L::TENSORS.get(place) {
            Some(tensor) => tensor,
            None => NONE,
        }
    }
}

/// Number of the tensors that each layer has.
pub(super) const ALWAYS: usize = 7;

impl Safetensors<'_> {
    pub(super) const fn quantization<'n>(
        &self,
        layer: &'n str,
        [scale, zero_point]: Affine,
    ) -> Result<Quantization, LoadError<'n>> {
        let [[number]] = attempt!(self.tensor_f32(layer, scale));
        let (bytes, _) = attempt!(self.find(layer, zero_point, &[Dtype::I8]));
        let zero = if let [byte] = bytes { *byte as i8 } else { 0 };
        match Quantization::new(number, zero) {
            Some(quantization) => Ok(quantization),
            None => Err(LoadError::OutOfRange { layer, part: scale.name, index: 0 }),
        }
    }

    /// Weights of int8, in the order of the file.
    #[allow(
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        reason = "a const fn has no iterators; the sizes are checked before"
    )]
    pub(super) const fn int8<'n, const D: usize, const C: usize, const B: usize, const A: usize>(
        &self,
        layer: &'n str,
        tensor: Tensor,
    ) -> Result<[[[[i8; D]; C]; B]; A], LoadError<'n>> {
        let mut numbers = [[[[0; D]; C]; B]; A];
        let (mut bytes, _) = attempt!(self.find(layer, tensor, &[Dtype::I8]));
        let mut index = 0;
        while let [byte, rest @ ..] = bytes {
            let (number, a) = (*byte as i8, index / D / C / B);
            if number == i8::MIN {
                return Err(LoadError::OutOfRange { layer, part: tensor.name, index });
            }
            // Always true; it lets the compiler see that nothing panics.
            if a < A {
                numbers[a][index / D / C % B][index / D % C][index % D] = number;
            }
            (bytes, index) = (rest, index + 1);
        }
        Ok(numbers)
    }

    /// Biases; a missing one is 0.
    pub(super) const fn int32<'n, const N: usize>(
        &self,
        layer: &'n str,
        tensor: Tensor,
    ) -> Result<[i32; N], LoadError<'n>> {
        let mut numbers = [0; N];
        let (mut bytes, _) = attempt!(self.find(layer, tensor, &[Dtype::I32]));
        let mut places: &mut [i32] = &mut numbers;
        while let ([place, others @ ..], [a, b, c, d, rest @ ..]) = (places, bytes) {
            *place = i32::from_le_bytes([*a, *b, *c, *d]);
            (places, bytes) = (others, rest);
        }
        Ok(numbers)
    }

    /// Scales of weights.
    pub(super) const fn scales<'n, const N: usize>(
        &self,
        layer: &'n str,
        tensor: Tensor,
    ) -> Result<[f32; N], LoadError<'n>> {
        let [numbers] = attempt!(self.tensor_f32(layer, tensor));
        let (mut rest, mut index): (&[f32], _) = (&numbers, 0_usize);
        while let [scale, others @ ..] = rest {
            if Quantization::new(*scale, 0).is_none() {
                return Err(LoadError::OutOfRange { layer, part: tensor.name, index });
            }
            (rest, index) = (others, index.wrapping_add(1));
        }
        Ok(numbers)
    }

    pub(super) const fn softmax<'n>(&self, layer: &'n str) -> Result<Softmax8, LoadError<'n>> {
        let logits = attempt!(self.quantization(layer, LOGITS));
        let outputs = attempt!(self.quantization(layer, OUTPUT));
        if !same(outputs, Softmax8::OUTPUTS) {
            return Err(LoadError::Quantization { layer, outputs: true });
        }
        Ok(Softmax8::new(logits))
    }

    pub(super) const fn table<'n>(&self, layer: &'n str) -> Result<Table, LoadError<'n>> {
        let outputs = attempt!(self.quantization(layer, OUTPUT));
        let (mut bytes, _) = attempt!(self.find(layer, TABLE, &[Dtype::I8]));
        let mut values = [0; 256];
        let mut places: &mut [i8] = &mut values;
        while let ([place, others @ ..], [byte, rest @ ..]) = (places, bytes) {
            *place = *byte as i8;
            (places, bytes) = (others, rest);
        }
        Ok(Table::new(values, outputs))
    }

    /// The quantisations of a layer's input and output.
    pub(super) const fn ends<'n>(&self, layer: &'n str) -> Result<Ends, LoadError<'n>> {
        let input = attempt!(self.quantization(layer, INPUT));
        Ok((input, attempt!(self.quantization(layer, OUTPUT))))
    }
}

pub(super) const fn same(a: Quantization, b: Quantization) -> bool {
    a.scale().to_bits() == b.scale().to_bits() && a.zero_point() == b.zero_point()
}

/// The quantisations of the input and of the output of some layers.
pub(super) type Ends = (Quantization, Quantization);
