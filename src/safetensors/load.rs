//! Puts the tensors of a file into networks.

use super::names::{count_layers, ignored, is_ignored};
use super::text::Names;
use super::{Dense, Dtype, Layer, LoadError, Safetensors};
use crate::layer::Tensor;
use crate::scalar::Scalar;
use crate::scalar::sealed::Sealed;

/// What [`load!`](crate::load) calls: up to Rust 1.88, the sizes in `Dense::<_, _, _, f32>` cannot
/// be left to the compiler.
#[doc(hidden)]
pub mod __load {
    use super::{Dense, LoadError, Safetensors};
    use crate::activation::Activation;

    // The compiler shows the name of one of these where the type of the network is another.

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

    pub const fn f64<'n, const IN: usize, const OUT: usize, A: Activation>(
        file: &Safetensors<'_>,
        layer: &'n str,
    ) -> Result<Dense<IN, OUT, A, f64>, LoadError<'n>> {
        Dense::<IN, OUT, A, f64>::from_safetensors(file, layer)
    }
}

/// Goes through a file as one goes through a network, tensor by tensor.
struct Loader<'f, 'n, 'l> {
    file: &'f Safetensors<'f>,
    /// Those that are left.
    names: &'l [&'n str],
    /// The last layer that had weights.
    layer: Option<&'n str>,
}

/// Layer and part, with its numbers and their type.
type Found<'n, 's> = (&'n str, &'static str, &'s [u8], Dtype);

impl<'f, 'n, 'l> Loader<'f, 'n, 'l> {
    const fn new(file: &'f Safetensors<'f>, names: &'l [&'n str]) -> Self {
        Self { file, names, layer: None }
    }

    /// Which the next tensor of the network is; `None` if it is in no file, or if there are too few
    /// names, which is told of when it is known how many are wanted.
    fn name(&mut self, tensor: Tensor) -> Option<(&'n str, &'static str)> {
        match tensor {
            Tensor::Weights { .. } => {
                let mut names = self.names.iter();
                self.layer = names.find(|name| ignored(name).is_none()).copied();
                self.names = names.as_slice();
                Some((self.layer?, "weight"))
            }
            Tensor::Bias => Some((self.layer?, "bias")),
            Tensor::Other => None,
        }
    }

    /// The numbers of the next tensor of the network, and which they are.
    fn next<'s>(
        &'s mut self,
        tensor: Tensor,
        length: usize,
    ) -> Result<Option<Found<'n, 's>>, LoadError<'n>> {
        let Some((layer, part)) = self.name(tensor) else { return Ok(None) };
        let (bytes, dtype) = match tensor {
            Tensor::Weights { inputs, outputs } => self.file.weights(layer, outputs, inputs)?,
            _ => self.file.bias(layer, length)?.unwrap_or((&[], Dtype::F32)),
        };
        Ok(Some((layer, part, bytes, dtype)))
    }
}

/// [`Safetensors::load_into`].
pub(super) fn load<'n, N: Layer>(
    net: &mut N,
    file: &Safetensors<'_>,
    names: &[&'n str],
) -> Result<(), LoadError<'n>> {
    check(net, file, names)?;
    let mut loader = Loader::new(file, names);
    N::tensors([], [net], [], &mut |tensor, [], [parameters], []| {
        let Ok(Some((_, _, mut bytes, dtype))) = loader.next(tensor, parameters.len()) else {
            return;
        };
        let (inputs, outputs) = match tensor {
            Tensor::Weights { inputs, outputs } => (inputs, outputs),
            _ => (1, parameters.len()),
        };
        // In the file a row for each unit, here a column.
        for unit in 0..outputs {
            for parameter in parameters.iter_mut().skip(unit).step_by(outputs.max(1)).take(inputs) {
                let (number, rest) = N::Scalar::take(dtype, bytes);
                *parameter = number;
                bytes = rest;
            }
        }
    });
    Ok(())
}

/// Whether [`load`] will succeed.
fn check<'n, N: Layer>(
    net: &N,
    file: &Safetensors<'_>,
    names: &[&'n str],
) -> Result<(), LoadError<'n>> {
    let (mut loader, mut expected) = (Loader::new(file, names), 0_usize);
    let mut result = Ok(());
    net.parameters([], &mut |tensor, parameters, []| {
        if let Tensor::Weights { .. } = tensor {
            expected = expected.saturating_add(1);
        }
        if result.is_ok() {
            result = loader.next(tensor, parameters.len()).and_then(|found| match found {
                Some((layer, part, bytes, dtype)) => {
                    match first_not_finite::<N::Scalar>(bytes, dtype) {
                        Some(index) => Err(LoadError::NotFinite { layer, part, index }),
                        None => Ok(()),
                    }
                }
                None => Ok(()),
            });
        }
    });
    let found = count_layers(names);
    if expected != found {
        return Err(LoadError::Names { expected, found });
    }
    result?;
    let found = unexpected(net, file, names);
    if found.is_empty() { Ok(()) } else { Err(LoadError::Unexpected { found }) }
}

/// Tensors of the file that the network does not take, and that are not ignored.
fn unexpected<N: Layer>(net: &N, file: &Safetensors<'_>, names: &[&str]) -> Names {
    let (mut unexpected, mut rest) = (Names::NONE, file.entries);
    while let Some((entry, next)) = rest.next_entry() {
        let (mut loader, mut is_taken) = (Loader::new(file, names), is_ignored(entry.name, names));
        net.parameters([], &mut |tensor, _, []| {
            if let Some((layer, part)) = loader.name(tensor) {
                is_taken = is_taken || entry.name.is_joined(layer, ".", part);
            }
        });
        if !is_taken {
            unexpected.add(entry.name);
        }
        rest = next;
    }
    unexpected
}

/// Index of the first number that is not finite.
fn first_not_finite<T: Scalar>(mut bytes: &[u8], dtype: Dtype) -> Option<usize> {
    let mut index = 0_usize;
    while !bytes.is_empty() {
        let (number, rest) = T::take(dtype, bytes);
        if !number.is_finite() {
            return Some(index);
        }
        bytes = rest;
        index = index.saturating_add(1);
    }
    None
}

/// A network with the weights of a `safetensors` file, in a constant: the compiler reads the file, and
/// a wrong one does not compile.
///
/// `load![FILE; NAME, NAME, ..]` takes the bytes of a file and the name of each layer, as PyTorch's
/// `state_dict` has them in front of `.weight`: `"0"`, `"encoder.0"`. The sizes and activations are
/// those of the type. A tensor of the file that belongs to none of these layers is an error, and so is
/// a number that is NaN or infinite. The file itself does not become part of the program.
///
/// | | |
/// |---|---|
/// | `load![FILE; "0", "2"]` | layers `0` and `2`, and nothing else in the file |
/// | `load![FILE; "0", "2"; "head..", "1.."]` | the tensors of modules `head` and `1` are [ignored](crate::safetensors#tensors-of-no-layer) |
/// | `load![FILE; "0", "2"; ".."]` | all other tensors are ignored |
/// | `load![f64; FILE; "0", "2"]` | for a network of `f64` |
///
/// 100,000 weights take the compiler two or three seconds; from about 500,000 on it asks for
/// `#[allow(long_running_const_eval)]` on the constant.
///
/// ```
/// use gradlet::prelude::*;
///
/// static NET: Mlp<2, 2, 2> =
///     gradlet::load![include_bytes!("../../tests/weights/worked.safetensors"); "0", "2"];
/// assert_eq!(NET.first().bias(), &[0.55, 0.56]);
/// ```
///
/// is, but for the text of the errors,
///
/// ```text
/// static NET: Mlp<2, 2, 2> = const {
///     let file = Safetensors::new(include_bytes!("..")).unwrap();
///     let network = Chain::new(
///         Dense::<2, 2, Sigmoid, f32>::from_safetensors(&file, "0").unwrap(),
///         Dense::<2, 2, Sigmoid, f32>::from_safetensors(&file, "2").unwrap(),
///     );
///     file.expect_only(&["0", "2"]).unwrap();
///     network
/// };
/// ```
#[macro_export]
macro_rules! load {
    (f64; $file:expr; $($name:expr),+ $(,)? $(; $($ignored:expr),* $(,)?)?) => {
        $crate::__load!(
            f64 f64_network_with_one_name_for_each_layer;
            $file; $($name),+; [$($name,)+ $($($ignored),*)?]
        )
    };
    ($file:expr; $($name:expr),+ $(,)? $(; $($ignored:expr),* $(,)?)?) => {
        $crate::__load!(
            f32 f32_network_with_one_name_for_each_layer;
            $file; $($name),+; [$($name,)+ $($($ignored),*)?]
        )
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __load {
    ($float:ident $check:ident; $file:expr; $($name:expr),+; $names:expr) => {
        const {
            // Not a constant, which would come before one of that name in the arguments.
            let file = match $crate::safetensors::Safetensors::new($file) {
                Ok(file) => file,
                Err(error) => ::core::panic!("{}", error.text().as_str()),
            };
            let network = $crate::__load!(@ $float file $($name),+);
            if let Err(error) = file.expect_only(&$names) {
                ::core::panic!("{}", error.text().as_str());
            }
            $crate::safetensors::__load::$check(network)
        }
    };
    (@ $float:ident $file:ident $name:expr) => {
        match $crate::safetensors::__load::$float(&$file, $name) {
            Ok(layer) => layer,
            Err(error) => ::core::panic!("{}", error.text().as_str()),
        }
    };
    (@ $float:ident $file:ident $name:expr, $($names:expr),+) => {
        $crate::Chain::new(
            $crate::__load!(@ $float $file $name),
            $crate::__load!(@ $float $file $($names),+),
        )
    };
}
