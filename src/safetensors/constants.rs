//! Loading of tensors at compile time.

use super::json::attempt;
use super::number::{take_f32, take_f64};
use super::{LoadError, Safetensors};
use crate::activation::Activation;
use crate::layer::{Dense, Layer};
use crate::preprocess::Scaling;
use crate::tensors::Tensor;

macro_rules! constants {
    ($float:ident $tensor:ident $take:ident) => {
        impl Safetensors<'_> {
            /// The elements of a tensor in memory order, in rows of `C`; a `const fn`, for custom
            /// layers, which [`load!`](crate::load) does not cover. A missing bias is zero.
            ///
            /// ```standalone_crate
            /// use gradlet::safetensors::Safetensors;
            /// use gradlet::{Kind, Tensor};
            ///
            /// /// PyTorch's `Conv1d` with 3 outputs, 2 channels, 4 steps: in memory, a row of
            /// /// outputs for each channel of each step.
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
            /// [`LoadError`] if there is no such tensor, or if it has another shape, a dtype that
            /// cannot be loaded, or a NaN or infinite element.
            #[allow(
                clippy::indexing_slicing,
                clippy::arithmetic_side_effects,
                reason = "a const fn has no iterators; sizes and order are checked before"
            )]
            #[allow(
                clippy::eq_op,
                clippy::float_cmp,
                reason = "`is_finite` takes several calls, whose number the compiler limits in the \
                          evaluation of a constant; `x - x` is 0, or NaN if `x` is not finite"
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
                        // Always true; it lets the compiler see that nothing panics.
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
            /// Loads the layer of this name from a file; a `const fn`.
            ///
            /// Other tensors of the file are not checked;
            /// [`expect_only`](Safetensors::expect_only) does that.
            ///
            /// # Errors
            ///
            /// [`LoadError`] if the weights are missing, or if a tensor has another shape, a dtype
            /// that cannot be loaded, or a NaN or infinite element.
            pub const fn from_safetensors<'n>(
                file: &Safetensors<'_>,
                layer: &'n str,
            ) -> Result<Self, LoadError<'n>> {
                let tensors = (Self::TENSORS.get(0), Self::TENSORS.get(1));
                let (Some(weight), Some(bias)) = tensors else {
                    return Err(LoadError::Undescribed);
                };
                let weights = attempt!(file.$tensor(layer, weight));
                let [bias] = attempt!(file.$tensor(layer, bias));
                Ok(Self::new(weights, bias))
            }
        }

        impl<const N: usize> Scaling<N, $float> {
            /// Loads the scaling of this name from a file, as
            /// [`Dense::from_safetensors`](crate::Dense::from_safetensors) loads a layer; a
            /// `const fn`.
            ///
            /// # Errors
            ///
            /// [`LoadError`] as there.
            pub const fn from_safetensors<'n>(
                file: &Safetensors<'_>,
                layer: &'n str,
            ) -> Result<Self, LoadError<'n>> {
                let tensors = (Self::TENSORS.get(0), Self::TENSORS.get(1));
                let (Some(offset), Some(scale)) = tensors else {
                    return Err(LoadError::Undescribed);
                };
                let [offset] = attempt!(file.$tensor(layer, offset));
                let [scale] = attempt!(file.$tensor(layer, scale));
                Ok(Self::new(offset, scale))
            }
        }
    };
}
constants!(f32 tensor_f32 take_f32);
constants!(f64 tensor_f64 take_f64);
