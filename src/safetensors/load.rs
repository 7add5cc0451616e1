//! Loading of networks from a file.

use super::names::{Named, NamedTensors, count_layers};
use super::number::take;
use super::{Dtype, LoadError, Safetensors, is_described};
use crate::layer::{Dense, Layer};
use crate::preprocess::Scaling;
use crate::scalar::Scalar;
use crate::tensors::Tensor;
use crate::zero::Zero;

/// Called by [`load!`](crate::load): up to Rust 1.88, the sizes in `Dense::<_, _, _, f32>` cannot
/// be inferred.
#[doc(hidden)]
pub mod __load {
    use super::{Dense, Layer, LoadError, Safetensors};
    use crate::activation::Activation;

    // The compiler shows the name of one of these if the type of the network does not match.

    pub const fn f32_network_with_one_name_for_each_layer<N>(network: N) -> N {
        network
    }

    pub const fn f64_network_with_one_name_for_each_layer<N>(network: N) -> N {
        network
    }

    pub const fn f32<'n, const IN: usize, const OUT: usize, A: Activation>(
        file: &Safetensors<'_>,
        layer: &'n str,
    ) -> Result<Dense<IN, OUT, A, f32>, LoadError<'n>> {
        Dense::<IN, OUT, A, f32>::from_safetensors(file, layer)
    }

    pub const fn f64<'n, const IN: usize, const OUT: usize, A: Activation<f64>>(
        file: &Safetensors<'_>,
        layer: &'n str,
    ) -> Result<Dense<IN, OUT, A, f64>, LoadError<'n>> {
        Dense::<IN, OUT, A, f64>::from_safetensors(file, layer)
    }

    pub mod scaling {
        use super::super::{LoadError, Safetensors, Scaling};

        pub const fn f32<'n, const N: usize>(
            file: &Safetensors<'_>,
            layer: &'n str,
        ) -> Result<Scaling<N, f32>, LoadError<'n>> {
            Scaling::<N, f32>::from_safetensors(file, layer)
        }

        pub const fn f64<'n, const N: usize>(
            file: &Safetensors<'_>,
            layer: &'n str,
        ) -> Result<Scaling<N, f64>, LoadError<'n>> {
            Scaling::<N, f64>::from_safetensors(file, layer)
        }
    }

    pub const fn expect_only<N: Layer>(
        file: &Safetensors<'_>,
        _network: &N,
        names: &[&str],
    ) -> Result<(), LoadError<'static>> {
        file.expect_only::<N>(names)
    }
}

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
pub fn load<'n, N: Layer<Format: Scalar>>(
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
pub fn from_bytes<'n, N: Layer<Format: Scalar> + Zero>(
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
fn take_all<T: Scalar>(tensor: Tensor, dtype: Dtype, mut bytes: &[u8], values: &mut [T]) {
    for place in tensor.places() {
        let (number, rest) = take(dtype, bytes);
        if let Some(value) = values.get_mut(place) {
            *value = number;
        }
        bytes = rest;
    }
}

/// [`Safetensors::load_into`]: checks all tensors, then loads all.
pub(super) fn load_checked<'n, T: Scalar, N: Layer<Format = T>>(
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
        let (mut bytes, dtype) = file.find(layer, tensor)?;
        let mut index = 0_usize;
        while !bytes.is_empty() {
            let (number, rest) = take::<T>(dtype, bytes);
            if !number.is_finite() {
                return Err(LoadError::NotFinite { layer, part: tensor.name, index });
            }
            (bytes, index) = (rest, index.saturating_add(1));
        }
    }
    file.expect_only::<N>(names)?;
    let mut tensors = NamedTensors::of(N::TENSORS, names);
    net.visit_mut(|tensor, values| {
        let found = tensors.next().map(|named| file.find(named.layer, tensor));
        if let Some(Ok((bytes, dtype))) = found {
            take_all(tensor, dtype, bytes, values);
        }
    });
    Ok(())
}

/// Loads a network of [`Dense`](crate::Dense) layers from a `safetensors` file at compile time; a
/// file that does not fit is a compile error.
///
/// `load![FILE; NAME, NAME, ..]` takes the bytes of a file and the name of each layer, as in
/// PyTorch's `state_dict` before `.weight`: `"0"`, `"encoder.0"`. The sizes and activations are
/// those of the type. A tensor of the file that belongs to none of these layers is an error, and so
/// is a NaN or infinite element. The file itself does not become part of the program.
///
/// | | |
/// |---|---|
/// | `load![FILE; "0", "2"]` | layers `0` and `2`, and nothing else in the file |
/// | `load![FILE; "0", "2"; "head..", "1.."]` | the tensors of modules `head` and `1` are [ignored](crate::safetensors#tensors-of-no-layer) |
/// | `load![FILE; "0", "2"; ".."]` | all other tensors are ignored |
/// | `load![f64; FILE; "0", "2"]` | for a network of `f64` |
/// | `load![FILE; Scaling "scaling", "0", "2"]` | for a network that begins with a [`Scaling`](crate::preprocess::Scaling) |
///
/// 100,000 weights take two or three seconds to compile; from about 500,000 the constant needs
/// `#[allow(long_running_const_eval)]`.
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
///     let file = Safetensors::new(include_bytes!("..")).unwrap();
///     let network = Chain::new(
///         Dense::<2, 2, Sigmoid, f32>::from_safetensors(&file, "0").unwrap(),
///         Dense::<2, 2, Sigmoid, f32>::from_safetensors(&file, "2").unwrap(),
///     );
///     file.expect_only::<Mlp<2, 2, 2>>(&["0", "2"]).unwrap();
///     network
/// };
/// ```
///
/// Other layers can be loaded in the same way, with
/// [`tensor_f32`](crate::safetensors::Safetensors::tensor_f32).
#[macro_export]
macro_rules! load {
    (
        f64; $file:expr; Scaling $scaling:expr, $($name:expr),+ $(,)?
        $(; $($ignored:expr),* $(,)?)?
    ) => {
        $crate::__load!(
            f64 f64_network_with_one_name_for_each_layer;
            $file; [Scaling $scaling, $($name),+]; [$scaling, $($name,)+ $($($ignored),*)?]
        )
    };
    (f64; $file:expr; $($name:expr),+ $(,)? $(; $($ignored:expr),* $(,)?)?) => {
        $crate::__load!(
            f64 f64_network_with_one_name_for_each_layer;
            $file; [$($name),+]; [$($name,)+ $($($ignored),*)?]
        )
    };
    ($file:expr; Scaling $scaling:expr, $($name:expr),+ $(,)? $(; $($ignored:expr),* $(,)?)?) => {
        $crate::__load!(
            f32 f32_network_with_one_name_for_each_layer;
            $file; [Scaling $scaling, $($name),+]; [$scaling, $($name,)+ $($($ignored),*)?]
        )
    };
    ($file:expr; $($name:expr),+ $(,)? $(; $($ignored:expr),* $(,)?)?) => {
        $crate::__load!(
            f32 f32_network_with_one_name_for_each_layer;
            $file; [$($name),+]; [$($name,)+ $($($ignored),*)?]
        )
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __load {
    ($float:ident $check:ident; $file:expr; [$($layers:tt)+]; $names:expr) => {
        const {
            // Not a constant, which would shadow one of that name in the arguments.
            let file = $crate::__load!(@ok $crate::safetensors::Safetensors::new($file));
            let network = $crate::__load!(@ $float file $($layers)+);
            $crate::__load!(@ok $crate::safetensors::__load::expect_only(&file, &network, &$names));
            $crate::safetensors::__load::$check(network)
        }
    };
    // Within the `const` block above, so it is a compile error.
    (@ok $result:expr) => {
        match $result {
            Ok(value) => value,
            Err(error) => ::core::panic!("{}", error.text().as_str()),
        }
    };
    (@ $float:ident $file:ident $name:expr) => {
        $crate::__load!(@ok $crate::safetensors::__load::$float(&$file, $name))
    };
    (@ $float:ident $file:ident Scaling $name:expr, $($layers:tt)+) => {
        $crate::Chain::new(
            $crate::__load!(@ok $crate::safetensors::__load::scaling::$float(&$file, $name)),
            $crate::__load!(@ $float $file $($layers)+),
        )
    };
    (@ $float:ident $file:ident $name:expr, $($layers:tt)+) => {
        $crate::Chain::new(
            $crate::__load!(@ $float $file $name),
            $crate::__load!(@ $float $file $($layers)+),
        )
    };
}
