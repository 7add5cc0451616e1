//! Reads tensors while compiling.

use super::json::attempt;
use super::number::{take_f32, take_f64};
use super::{LoadError, Safetensors};
use crate::activation::Activation;
use crate::layer::{Dense, Layer};
use crate::tensors::Tensor;

macro_rules! constants {
    ($float:ident $tensor:ident $take:ident) => {
        impl Safetensors<'_> {
            /// The numbers of a tensor as they are in memory, in rows of `C`; also in constants, for
            /// layers that [`load!`](crate::load) does not know. A bias that is not there is zero.
            ///
            /// ```
            /// use gradlet::safetensors::Safetensors;
            /// use gradlet::{Kind, Tensor};
            ///
            /// /// PyTorch's `Conv1d` with 3 outputs, 2 channels, 4 steps: in memory a row of outputs for
            /// /// each channel of each step.
            /// const WEIGHT: Tensor =
            ///     Tensor { kind: Kind::Weight, name: "weight", shape: &[3, 2, 4], order: &[] };
            ///
            /// let file = include_bytes!("../../tests/weights/sequence.safetensors");
            #[doc = concat!(
                "let rows: [[", stringify!($float), "; 3]; 8] = Safetensors::new(file)?.",
                stringify!($tensor), "(\"conv\", WEIGHT)?;"
            )]
            /// assert!(rows[0] != rows[7]);
            /// # Ok::<(), gradlet::safetensors::LoadError>(())
            /// ```
            ///
            /// # Errors
            ///
            /// [`LoadError`] if there is no such tensor, or if it has another shape or type of numbers, or
            /// a number that is NaN or infinite.
            #[allow(
                clippy::indexing_slicing,
                clippy::arithmetic_side_effects,
                reason = "a const fn has no iterators; sizes and order are checked before"
            )]
            #[allow(
                clippy::eq_op,
                clippy::float_cmp,
                reason = "`is_finite` is some calls, of which the compiler makes only so many for one \
                          constant; the difference is 0, or NaN for what is not finite"
            )]
            pub const fn $tensor<'n, const C: usize, const R: usize>(
                &self,
                layer: &'n str,
                tensor: Tensor,
            ) -> Result<[[$float; C]; R], LoadError<'n>> {
                let mut numbers = [[0.0; C]; R];
                if tensor.len() != C.saturating_mul(R) || !tensor.is_ordered() {
                    return Err(LoadError::Undescribed);
                }
                let (mut bytes, dtype) = attempt!(self.find(layer, tensor));
                let (mut index, len) = (0, tensor.len());
                while index < len {
                    let (mut place, stride, run) = tensor.run(index);
                    let end = index + run;
                    while index < end {
                        let (number, rest) = $take(dtype, bytes);
                        if number - number != 0.0 {
                            return Err(LoadError::NotFinite { layer, part: tensor.name, index });
                        }
                        let (row, column) = (place / C, place % C);
                        // It always is, and the compiler then sees that nothing panics.
                        if row < R {
                            numbers[row][column] = number;
                        }
                        bytes = rest;
                        place += stride;
                        index += 1;
                    }
                }
                Ok(numbers)
            }
        }

        impl<const IN: usize, const OUT: usize, A: Activation<$float>> Dense<IN, OUT, A, $float> {
            /// The layer of that name in a file; also in constants.
            ///
            /// Other tensors of the file are not looked at;
            /// [`expect_only`](Safetensors::expect_only) does that.
            ///
            /// # Errors
            ///
            /// [`LoadError`] if the weights are missing, or if a tensor has another shape or type of
            /// numbers, or a number that is NaN or infinite.
            pub const fn from_safetensors<'n>(
                file: &Safetensors<'_>,
                layer: &'n str,
            ) -> Result<Self, LoadError<'n>> {
                let tensors = (Self::TENSORS.get(0), Self::TENSORS.get(1));
                let (Some(weight), Some(bias)) = tensors else { return Err(LoadError::Undescribed) };
                let weights = attempt!(file.$tensor(layer, weight));
                let [bias] = attempt!(file.$tensor(layer, bias));
                Ok(Self::new(weights, bias))
            }
        }
    };
}
constants!(f32 tensor_f32 take_f32);
constants!(f64 tensor_f64 take_f64);
