//! Loading of tensors and of single layers at compile time.

use core::mem::ManuallyDrop;

use super::compile_time::{File, Load, Loaded, Reader, first_name};
use super::json::attempt;
use super::number::{take_f32, take_f64, take_q26};
use super::{Dtype, LoadError, Safetensors};
use crate::activation::Activation;
use crate::format::Fixed;
use crate::layer::{
    BatchNorm, Cell, Conv1d, Conv2d, Dense, Embedding, Layer, LayerNorm, PRelu, Recurrent,
};
use crate::number::{Q12, Q26};
use crate::preprocess::Scaling;
use crate::tensors::Tensor;
use crate::zero::Zero as _;

/// Implements [`Load`] by `from_safetensors`.
macro_rules! loads {
    ([$($generics:tt)*] $Layer:ty $(where $($bound:tt)+)?) => {
        impl<F: File, $($generics)*> Load<F> for $Layer $(where $($bound)+)? {
            const LOADED: Loaded<Self> = match F::PARSED {
                Ok(file) => match Self::from_safetensors(&file, first_name(F::NAMES)) {
                    Ok(layer) => Ok(ManuallyDrop::new(layer)),
                    Err(error) => Err(error),
                },
                Err(error) => Err(error),
            };
        }
    };
}

/// Implements [`Load`] for a normalisation with these vectors, of arrays of any dimension.
macro_rules! loads_norm {
    ($vectors:ident $float:ident $Norm:ident: $($field:ident),+) => {
        loads_norm!($vectors [] $Norm<[$float; C]>: $($field),+);
        loads_norm!($vectors [const L: usize,] $Norm<[[$float; C]; L]>: $($field),+);
        loads_norm! {
            $vectors [const H: usize, const W: usize,] $Norm<[[[$float; C]; W]; H]>: $($field),+
        }
    };
    ($vectors:ident [$($generics:tt)*] $Norm:ident<$X:ty>: $($field:ident),+) => {
        impl<F, $($generics)* const C: usize, A, const E: u32> Load<F> for $Norm<C, A, $X, E>
        where
            F: File,
            Self: Layer,
        {
            const LOADED: Loaded<Self> = match Reader::<F, Self>::$vectors() {
                Ok([$($field),+]) => Ok(ManuallyDrop::new(Self::new($($field),+))),
                Err(error) => Err(error),
            };
        }
    };
}

/// Implements [`Load`] for a [`PRelu`] of arrays of this type.
macro_rules! loads_slopes {
    ($vectors:ident [$($generics:tt)*] $X:ty) => {
        impl<F: File, $($generics)* const C: usize, const N: usize> Load<F> for PRelu<N, $X> {
            const LOADED: Loaded<Self> = match Reader::<F, Self>::$vectors() {
                Ok([weight]) => Ok(ManuallyDrop::new(Self::new(weight))),
                Err(error) => Err(error),
            };
        }
    };
}

/// For one number format: `$invalid` is whether it does not have the number of a file.
macro_rules! constants {
    (
        $Format:ident $number:ident $zero:expr, |$n:ident| $invalid:expr,
        $tensor:ident $array:ident $take:ident $vectors:ident $Value:ident
    ) => {
        impl Safetensors<'_> {
            /// The elements of a tensor in memory order, in rows of `C`; a `const fn`. A missing bias
            /// is zero. In an implementation of [`Load`], a [`Reader`] calls it.
            ///
            /// ```standalone_crate
            /// use gradlet::safetensors::Safetensors;
            /// use gradlet::{Kind, Tensor};
            /// # use gradlet::Q26;
            ///
            /// /// PyTorch's `Conv1d` with 3 outputs, 2 channels, 4 steps: in memory, a row of
            /// /// outputs for each channel of each step.
            /// const WEIGHT: Tensor =
            ///     Tensor { kind: Kind::Weight, name: "weight", shape: &[3, 2, 4], order: &[] };
            ///
            /// let file = include_bytes!("../../tests/weights/sequence.safetensors");
            #[doc = concat!(
                "let rows: [[", stringify!($number), "; 3]; 8] = Safetensors::new(file)?.",
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
            ) -> Result<[[$number; C]; R], LoadError<'n>> {
                let mut numbers = [[$zero; C]; R];
                if tensor.len() != C.saturating_mul(R) || !tensor.is_ordered() {
                    return Err(LoadError::Undescribed);
                }
                let (mut bytes, dtype) = attempt!(self.find(layer, tensor, Dtype::FLOATS));
                let (mut index, len) = (0, tensor.len());
                while index < len {
                    let (mut place, stride, run) = tensor.run(index);
                    let end = index + run;
                    while index < end {
                        let ($n, rest) = $take(dtype, bytes);
                        if $invalid {
                            return Err(LoadError::NotFinite { layer, part: tensor.name, index });
                        }
                        let (row, column) = (place / C, place % C);
                        // Always true; it lets the compiler see that nothing panics.
                        if row < R {
                            numbers[row][column] = $n;
                        }
                        bytes = rest;
                        place += stride;
                        index += 1;
                    }
                }
                Ok(numbers)
            }
        }

        impl Safetensors<'_> {
            #[doc = concat!(
                "As [`", stringify!($tensor), "`](Self::", stringify!($tensor),
                "), in four dimensions of memory: for convolutions. A dimension that a tensor lacks \
                 is 1, and comes first."
            )]
            ///
            /// # Errors
            ///
            /// [`LoadError`] as there.
            #[allow(
                clippy::indexing_slicing,
                clippy::arithmetic_side_effects,
                reason = "a const fn has no iterators; sizes and order are checked before"
            )]
            #[allow(clippy::eq_op, clippy::float_cmp, reason = "as there")]
            pub const fn $array<'n, const D: usize, const C: usize, const B: usize, const A: usize>(
                &self,
                layer: &'n str,
                tensor: Tensor,
            ) -> Result<[[[[$number; D]; C]; B]; A], LoadError<'n>> {
                let mut numbers = [[[[$zero; D]; C]; B]; A];
                let len = D.saturating_mul(C).saturating_mul(B).saturating_mul(A);
                if tensor.len() != len || !tensor.is_ordered() {
                    return Err(LoadError::Undescribed);
                }
                let (mut bytes, dtype) = attempt!(self.find(layer, tensor, Dtype::FLOATS));
                let mut index = 0;
                while index < len {
                    let (mut place, stride, run) = tensor.run(index);
                    let end = index + run;
                    while index < end {
                        let ($n, rest) = $take(dtype, bytes);
                        if $invalid {
                            return Err(LoadError::NotFinite { layer, part: tensor.name, index });
                        }
                        let a = place / D / C / B;
                        // Always true; it lets the compiler see that nothing panics.
                        if a < A {
                            numbers[a][place / D / C % B][place / D % C][place % D] = $n;
                        }
                        bytes = rest;
                        place += stride;
                        index += 1;
                    }
                }
                Ok(numbers)
            }
        }

        impl<const IN: usize, const OUT: usize, A: Activation<$Format>> Dense<IN, OUT, A, $Format> {
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

        impl<
            const L: usize,
            const C: usize,
            const OUT: usize,
            const K: usize,
            const M: usize,
            A: Activation<$Format>,
            const STEP: usize,
            const PADDING: usize,
            const DILATION: usize,
            const GROUP: usize,
        > Conv1d<L, C, OUT, K, M, A, $Format, STEP, PADDING, DILATION, GROUP>
        {
            /// Loads the layer of this name from a file, as
            /// [`Dense::from_safetensors`](crate::Dense::from_safetensors) does; a `const fn`.
            ///
            /// # Errors
            ///
            /// [`LoadError`] as there.
            pub const fn from_safetensors<'n>(
                file: &Safetensors<'_>,
                layer: &'n str,
            ) -> Result<Self, LoadError<'n>> {
                let tensors = (Self::TENSORS.get(0), Self::TENSORS.get(1));
                let (Some(weight), Some(bias)) = tensors else {
                    return Err(LoadError::Undescribed);
                };
                let [weights] = attempt!(file.$array(layer, weight));
                let [bias] = attempt!(file.$tensor(layer, bias));
                Ok(Self::new(weights, bias))
            }
        }

        impl<
            const H: usize,
            const W: usize,
            const C: usize,
            const OUT: usize,
            const KH: usize,
            const KW: usize,
            const MH: usize,
            const MW: usize,
            A: Activation<$Format>,
            const SH: usize,
            const SW: usize,
            const PH: usize,
            const PW: usize,
            const DH: usize,
            const DW: usize,
            const GROUP: usize,
        > Conv2d<H, W, C, OUT, KH, KW, MH, MW, A, $Format, SH, SW, PH, PW, DH, DW, GROUP>
        {
            /// Loads the layer of this name from a file, as
            /// [`Dense::from_safetensors`](crate::Dense::from_safetensors) does; a `const fn`.
            ///
            /// # Errors
            ///
            /// [`LoadError`] as there.
            pub const fn from_safetensors<'n>(
                file: &Safetensors<'_>,
                layer: &'n str,
            ) -> Result<Self, LoadError<'n>> {
                let tensors = (Self::TENSORS.get(0), Self::TENSORS.get(1));
                let (Some(weight), Some(bias)) = tensors else {
                    return Err(LoadError::Undescribed);
                };
                let weights = attempt!(file.$array(layer, weight));
                let [bias] = attempt!(file.$tensor(layer, bias));
                Ok(Self::new(weights, bias))
            }
        }

        impl<F: File, L: Load<F>> Reader<F, L> {
            #[doc = concat!(
                "The tensor at an index in [`Load::READS`], by [`", stringify!($tensor),
                "`](Safetensors::", stringify!($tensor), ")."
            )]
            ///
            /// # Errors
            ///
            /// [`LoadError`] as there, or if the file is not a safetensors file.
            pub const fn $tensor<const C: usize, const R: usize>(
                place: usize,
            ) -> Result<[[$number; C]; R], LoadError<'static>> {
                let (file, layer, tensor) = attempt!(Self::find(place));
                file.$tensor(layer, tensor)
            }

            #[doc = concat!(
                "The tensor at an index in [`Load::READS`], by [`", stringify!($array),
                "`](Safetensors::", stringify!($array), ")."
            )]
            ///
            /// # Errors
            ///
            /// [`LoadError`] as there, or if the file is not a safetensors file.
            pub const fn $array<const D: usize, const C: usize, const B: usize, const A: usize>(
                place: usize,
            ) -> Result<[[[[$number; D]; C]; B]; A], LoadError<'static>> {
                let (file, layer, tensor) = attempt!(Self::find(place));
                file.$array(layer, tensor)
            }
        }

        loads! {
            [const IN: usize, const OUT: usize, A: Activation<$Format>] Dense<IN, OUT, A, $Format>
        }
        loads! {
            [
                const L: usize, const C: usize, const OUT: usize, const K: usize, const M: usize,
                A: Activation<$Format>, const STEP: usize, const PADDING: usize,
                const DILATION: usize, const GROUP: usize
            ]
            Conv1d<L, C, OUT, K, M, A, $Format, STEP, PADDING, DILATION, GROUP>
        }
        loads! {
            [
                const H: usize, const W: usize, const C: usize, const OUT: usize, const KH: usize,
                const KW: usize, const MH: usize, const MW: usize, A: Activation<$Format>,
                const SH: usize, const SW: usize, const PH: usize, const PW: usize,
                const DH: usize, const DW: usize, const GROUP: usize
            ]
            Conv2d<H, W, C, OUT, KH, KW, MH, MW, A, $Format, SH, SW, PH, PW, DH, DW, GROUP>
        }

        impl<F: File, L: Load<F>> Reader<F, L> {
            /// The first tensors, of `C` elements each.
            const fn $vectors<const C: usize, const N: usize>()
            -> Result<[[$number; C]; N], LoadError<'static>> {
                let mut all = [[$zero; C]; N];
                let (mut place, mut rest): (_, &mut [_]) = (0, &mut all);
                while let [first, others @ ..] = rest {
                    [*first] = attempt!(Self::$tensor(place));
                    (place, rest) = (place.wrapping_add(1), others);
                }
                Ok(all)
            }
        }

        loads_slopes!($vectors [] [$Value; C]);
        loads_slopes!($vectors [const L: usize,] [[$Value; C]; L]);
        loads_slopes!($vectors [const H: usize, const W: usize,] [[[$Value; C]; W]; H]);
    };
}

/// What only networks of floats have.
macro_rules! constants_of_floats {
    ($float:ident $tensor:ident $vectors:ident) => {
        impl<K, X, Y, const C: usize, const H: usize, const G: usize, const R: usize>
            Recurrent<K, X, Y, C, H, G, $float, R>
        where
            Self: Layer<Format = $float>,
            K: Cell<$float, H, G>,
        {
            /// Loads the layer of this name from a file, as
            /// [`Dense::from_safetensors`](crate::Dense::from_safetensors) does; a `const fn`.
            ///
            /// # Errors
            ///
            /// [`LoadError`] as there.
            pub const fn from_safetensors<'n>(
                file: &Safetensors<'_>,
                layer: &'n str,
            ) -> Result<Self, LoadError<'n>> {
                let list = <Self as Layer>::TENSORS;
                let (Some(input), Some(state), Some(input_bias), Some(state_bias)) =
                    (list.get(0), list.get(1), list.get(2), list.get(3))
                else {
                    return Err(LoadError::Undescribed);
                };
                let input_weights = attempt!(file.$tensor(layer, input));
                let state_weights = attempt!(file.$tensor(layer, state));
                let [input_bias] = attempt!(file.$tensor(layer, input_bias));
                let [state_bias] = attempt!(file.$tensor(layer, state_bias));
                let read = Self::new(input_weights, state_weights, input_bias, state_bias);
                Ok(match list.get(4) {
                    Some(initial) => read.with_initial_state(attempt!(file.$tensor(layer, initial))),
                    None => read,
                })
            }
        }

        impl<const L: usize, const N: usize, const D: usize> Embedding<L, N, D, $float> {
            /// Loads the layer of this name from a file, as
            /// [`Dense::from_safetensors`](crate::Dense::from_safetensors) does; a `const fn`.
            ///
            /// # Errors
            ///
            /// [`LoadError`] as there.
            pub const fn from_safetensors<'n>(
                file: &Safetensors<'_>,
                layer: &'n str,
            ) -> Result<Self, LoadError<'n>> {
                let Some(weight) = Self::TENSORS.get(0) else {
                    return Err(LoadError::Undescribed);
                };
                Ok(Self::new(attempt!(file.$tensor(layer, weight))))
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

        loads! {
            [K: Cell<$float, H, G>, X, Y, const C: usize, const H: usize, const G: usize, const R: usize]
            Recurrent<K, X, Y, C, H, G, $float, R> where Self: Layer<Format = $float>
        }
        loads!([const L: usize, const N: usize, const D: usize] Embedding<L, N, D, $float>);
        loads!([const N: usize] Scaling<N, $float>);
        loads_norm!($vectors $float BatchNorm: weight, bias, mean, variance);
        loads_norm!($vectors $float LayerNorm: weight, bias);
    };
}

constants!(f32 f32 0.0, |n| n - n != 0.0, tensor_f32 array_f32 take_f32 vectors_f32 f32);
constants!(f64 f64 0.0, |n| n - n != 0.0, tensor_f64 array_f64 take_f64 vectors_f64 f64);
constants!(Fixed Q26 Q26::ZERO, |n| n.is_at_limit(), tensor_q26 array_q26 take_q26 vectors_q26 Q12);
constants_of_floats!(f32 tensor_f32 vectors_f32);
constants_of_floats!(f64 tensor_f64 vectors_f64);
