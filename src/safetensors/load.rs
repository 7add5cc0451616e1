//! Loading of networks from a file.

use super::names::{Named, NamedTensors, count_layers};
use super::number::FileFormat;
use super::{Dtype, LoadError, Safetensors, is_described};
use crate::layer::Layer;
use crate::tensors::Tensor;
use crate::zero::Zero;

/// Loads the weights of a `safetensors` file into a network, in place.
///
/// `names` has a name for each layer that has tensors, from input to output, as in PyTorch's
/// `state_dict` before `.weight`: `"0"`, `"encoder.0"`. A tensor of the file that belongs to none
/// of these layers is an error, unless a name that ends in two dots
/// [ignores](crate::safetensors#tensors-of-no-layer) it.
///
/// ```standalone_crate
/// use gradlet::safetensors::{self, LoadError};
/// use gradlet::prelude::*;
///
/// let mut net = Mlp::<2, 2, 2>::ZERO;
/// let file = include_bytes!("../../tests/weights/worked.safetensors");
/// safetensors::load(&mut net, file, &["0", "2"])?;
/// assert_eq!(net.first().bias(), &[0.55, 0.56]);
/// let error = safetensors::load(&mut net, file, &["0", "1"]).unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "tensor `1.weight` is not in the file, which has 0.weight, 2.weight, 2.bias, and 1 more"
/// );
/// # Ok::<(), LoadError>(())
/// ```
///
/// # Errors
///
/// [`LoadError`] if `file` is not a safetensors file, does not fit the network, has tensors of no
/// layer or a NaN or infinite element. The network is then unchanged.
pub fn load<'n, N: Layer<Format: FileFormat>>(
    net: &mut N,
    file: &[u8],
    names: &[&'n str],
) -> Result<(), LoadError<'n>> {
    Safetensors::new(file)?.load_into(net, names)
}

/// Returns a network with the weights of a `safetensors` file.
///
/// For networks too large for the stack, use [`load`].
///
/// ```standalone_crate
/// use gradlet::{prelude::*, safetensors};
///
/// let file = include_bytes!("../../tests/weights/worked.safetensors");
/// let net = safetensors::from_bytes::<Mlp<2, 2, 2>>(file, &["0", "2"])?;
/// assert_eq!(net.rest().bias(), &[0.66, 0.67]);
/// # Ok::<(), safetensors::LoadError>(())
/// ```
///
/// # Errors
///
/// Those of [`load`].
pub fn from_bytes<'n, N: Layer<Format: FileFormat> + Zero>(
    file: &[u8],
    names: &[&'n str],
) -> Result<N, LoadError<'n>> {
    let mut net = N::ZERO;
    load(&mut net, file, names)?;
    Ok(net)
}

/// Loads the elements of a tensor. Not inlined: at opt-level 3 each tensor of a network would get a
/// copy of the loop.
#[inline(never)]
fn take_all<F: FileFormat>(
    tensor: Tensor,
    dtype: Dtype,
    mut bytes: &[u8],
    values: &mut [F::Weight],
) {
    for place in tensor.places() {
        let (number, rest) = F::take(dtype, bytes);
        if let Some(value) = values.get_mut(place) {
            *value = number;
        }
        bytes = rest;
    }
}

/// [`Safetensors::load_into`]: checks all tensors, then loads all.
pub(super) fn load_checked<'n, F: FileFormat, N: Layer<Format = F>>(
    net: &mut N,
    file: &Safetensors<'_>,
    names: &[&'n str],
) -> Result<(), LoadError<'n>> {
    let (expected, found) = (N::TENSORS.layers(), count_layers(names));
    if expected != found {
        return Err(LoadError::Names { expected, found });
    }
    if !is_described(net) {
        return Err(LoadError::Undescribed);
    }
    let mut tensors = NamedTensors::of(N::TENSORS, names);
    while let Some(Named { layer, tensor, .. }) = tensors.next() {
        let (mut bytes, dtype) = file.find(layer, tensor, Dtype::FLOATS)?;
        let mut index = 0_usize;
        while !bytes.is_empty() {
            let (number, rest) = F::take(dtype, bytes);
            if !F::is_finite(number) {
                return Err(LoadError::NotFinite { layer, part: tensor.name, index });
            }
            (bytes, index) = (rest, index.saturating_add(1));
        }
    }
    file.expect_only::<N>(names)?;
    let mut tensors = NamedTensors::of(N::TENSORS, names);
    net.visit_mut(|tensor, values| {
        let found = tensors.next().map(|named| file.find(named.layer, tensor, Dtype::FLOATS));
        if let Some(Ok((bytes, dtype))) = found {
            take_all::<F>(tensor, dtype, bytes, values);
        }
    });
    Ok(())
}
