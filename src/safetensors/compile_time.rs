//! Loading of networks at compile time.
//!
//! Traits have no const functions on stable Rust, so a file and its names are a type, and what is
//! loaded from it is a constant. It is a value also if the file does not fit, for one error at the
//! place of `load!` instead of several within this crate.

use core::marker::PhantomData;
use core::mem::ManuallyDrop;

use super::json::attempt;
use super::names::{count_layers, ignored, unexpected};
use super::{LoadError, Safetensors};
use crate::layer::Layer;
use crate::tensors::{Tensor, TensorList};

/// A `safetensors` file and the names of the layers to load from it, known at compile time.
///
/// [`load!`](crate::load) defines such a type for its arguments. See [`Load`].
pub trait File {
    /// The file.
    const BYTES: &'static [u8];
    /// A name for each layer that has tensors, from input to output, as [`load`](super::load) takes
    /// them.
    const NAMES: &'static [&'static str];
    /// The file, parsed once for all layers.
    const PARSED: Result<Safetensors<'static>, LoadError<'static>> = Safetensors::new(Self::BYTES);
}

/// The same file for the layers after `L`: without the names that `L` takes.
#[derive(Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct After<F, L>(PhantomData<(F, L)>);

impl<F: File, L: Load<F>> File for After<F, L> {
    const BYTES: &'static [u8] = F::BYTES;
    const NAMES: &'static [&'static str] = after(F::NAMES, L::READS.layers());
    const PARSED: Result<Safetensors<'static>, LoadError<'static>> = F::PARSED;
}

/// A layer from a file, or why the file does not fit. A constant cannot run destructors, hence the
/// [`ManuallyDrop`].
pub type Loaded<L> = Result<ManuallyDrop<L>, LoadError<'static>>;

/// A layer that [`load!`](crate::load) can load from the file `F` at compile time.
///
/// Implemented for the layers of this crate, for [`Frozen`](crate::Frozen) and for a
/// [`Chain`](crate::Chain) of such layers. A custom layer reads its tensors by a [`Reader`], as
/// many as it has in [`TENSORS`](Layer::TENSORS); a layer without tensors is
/// `Ok(ManuallyDrop::new(..))`.
///
/// ```
/// use core::mem::ManuallyDrop;
/// use gradlet::prelude::*;
/// use gradlet::safetensors::{File, Load, Loaded, Reader};
/// # use gradlet::{Deltas, LayerTrace, Samples, tensors};
///
/// /// `y_i = s_i x_i`, in a file the tensor `factors`.
/// #[derive(Clone, Debug, PartialEq)]
/// struct Scale<const N: usize> {
///     factors: [f32; N],
/// }
/// # impl<const N: usize> Zero for Scale<N> {
/// #     const ZERO: Self = Self { factors: [0.0; N] };
/// # }
/// # impl<const N: usize> Layer for Scale<N> {
/// #     type Format = f32;
/// #     type Input = [f32; N];
/// #     type Output = [f32; N];
/// #     type Activation = Identity;
/// #     type Trace = LayerTrace<f32, [f32; N], Identity>;
/// #     type Gradient = Self;
/// #     const MACS: usize = N;
/// #     tensors! { factors: Other "factors" [N] }
/// #     fn logits(&self, _: &[f32; N], _: &mut [f32; N]) {}
/// #     fn input_gradient<const K: usize>(
/// #         &self,
/// #         _: Samples<'_, Self, K>,
/// #         _: Deltas<'_, Self, K>,
/// #     ) {}
/// # }
///
/// impl<F: File, const N: usize> Load<F> for Scale<N> {
///     const LOADED: Loaded<Self> = match Reader::<F, Self>::tensor_f32(0) {
///         Ok([factors]) => Ok(ManuallyDrop::new(Self { factors })),
///         Err(error) => Err(error),
///     };
/// }
///
/// const FILE: &[u8] = b"\x40\0\0\0\0\0\0\0{\"s.factors\":{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[0,4]}}  \0\x3c\0\x40";
/// static LAYER: Scale<2> = gradlet::load![FILE; "s"];
/// assert_eq!(LAYER.factors, [1.0, 2.0]);
/// ```
#[diagnostic::on_unimplemented(
    message = "`load!` cannot load the layer `{Self}`",
    label = "`safetensors::Load` is not implemented for it",
    note = "a reference has nowhere to keep the weights: load what it refers to"
)]
pub trait Load<F: File>: Layer {
    /// The tensors that are read: those in [`TENSORS`](Layer::TENSORS). A layer that consists of
    /// layers has those of their `READS`, as frozen layers have tensors to read, but none to train
    /// or save.
    const READS: TensorList = Self::TENSORS;
    /// The layer, from the first names of the file.
    const LOADED: Loaded<Self>;
}

/// Reads the tensors of the layer `L`, of the first name of the file `F`: for implementations of
/// [`Load`].
#[derive(Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Reader<F, L>(PhantomData<(F, L)>);

impl<F: File, L: Load<F>> Reader<F, L> {
    /// The file, the name of the layer, and a tensor of it.
    pub(super) const fn find(
        place: usize,
    ) -> Result<(Safetensors<'static>, &'static str, Tensor), LoadError<'static>> {
        match L::READS.get(place) {
            Some(tensor) => Ok((attempt!(F::PARSED), first_name(F::NAMES), tensor)),
            None => Err(LoadError::Undescribed),
        }
    }
}

/// The first name of a layer; empty if there is none, which [`__load::load`] reports.
pub(super) const fn first_name<'n>(mut names: &[&'n str]) -> &'n str {
    while let [name, others @ ..] = names {
        if ignored(name).is_none() {
            return name;
        }
        names = others;
    }
    ""
}

/// The names after those of so many layers.
pub(super) const fn after<'l, 'n>(mut names: &'l [&'n str], mut layers: usize) -> &'l [&'n str] {
    while let ([name, others @ ..], 1..) = (names, layers) {
        if ignored(name).is_none() {
            layers = layers.saturating_sub(1);
        }
        names = others;
    }
    names
}

/// Called by [`load!`](crate::load).
#[doc(hidden)]
pub mod __load {
    use super::{File, Load, LoadError, Loaded, attempt, count_layers, unexpected};

    pub const fn load<F: File, N: Load<F>>() -> Loaded<N> {
        let file = attempt!(F::PARSED);
        let (expected, found) = (N::READS.layers(), count_layers(F::NAMES));
        if expected != found {
            return Err(LoadError::Names { expected, found });
        }
        let network = attempt!(N::LOADED);
        let found = unexpected(file.entries, N::READS, F::NAMES);
        if found.is_empty() { Ok(network) } else { Err(LoadError::Unexpected { found }) }
    }
}

/// Loads a network from a `safetensors` file at compile time; a file that does not fit is a compile
/// error.
///
/// `load![FILE; NAME, NAME, ..]` takes the bytes of a file and the name of each layer that has
/// tensors, as in PyTorch's `state_dict` before `.weight`: `"0"`, `"encoder.0"`. All else is in the
/// type of the network: sizes, activations, `f32` or `f64`. A tensor of the file that belongs to
/// none of these layers is an error, and so is a NaN or infinite element. The file itself does not
/// become part of the program.
///
/// | | |
/// |---|---|
/// | `load![FILE; "0", "2"]` | layers `0` and `2`, and nothing else in the file |
/// | `load![FILE; "0", "2"; "head..", "1.."]` | the tensors of modules `head` and `1` are [ignored](crate::safetensors#tensors-of-no-layer) |
/// | `load![FILE; "0", "2"; ".."]` | all other tensors are ignored |
///
/// All layers of this crate can be loaded, and custom ones that implement
/// [`Load`](crate::safetensors::Load). Layers in [`Frozen`](crate::Frozen) take names here, unlike
/// in [`safetensors::load`](crate::safetensors::load), which leaves them as they are.
///
/// 100,000 weights take two or three seconds to compile; from about 500,000 in one layer the crate
/// needs `#![allow(long_running_const_eval)]`.
///
/// ```standalone_crate
/// use gradlet::prelude::*;
///
/// static NET: Mlp<2, 2, 2> =
///     gradlet::load![include_bytes!("../../tests/weights/worked.safetensors"); "0", "2"];
/// assert_eq!(NET.first().bias(), &[0.55, 0.56]);
/// ```
///
/// is, except for the error messages, the same as
///
/// ```text
/// static NET: Mlp<2, 2, 2> = const {
///     struct Arguments;
///     impl File for Arguments {
///         const BYTES: &'static [u8] = include_bytes!("..");
///         const NAMES: &'static [&'static str] = &["0", "2"];
///     }
///     ManuallyDrop::into_inner(<Mlp<2, 2, 2> as Load<Arguments>>::LOADED.unwrap())
/// };
/// ```
///
/// so the arguments may name constants, but nothing generic.
#[macro_export]
macro_rules! load {
    ($file:expr; $($name:expr),+ $(,)? $(; $($ignored:expr),* $(,)?)?) => {
        const {
            struct __Arguments;
            impl $crate::safetensors::File for __Arguments {
                const BYTES: &'static [u8] = $file;
                const NAMES: &'static [&'static str] = &[$($name,)+ $($($ignored),*)?];
            }
            // Within a `const` block, so it is a compile error.
            match $crate::safetensors::__load::load::<__Arguments, _>() {
                Ok(network) => ::core::mem::ManuallyDrop::into_inner(network),
                Err(error) => ::core::panic!("{}", error.text().as_str()),
            }
        }
    };
}
