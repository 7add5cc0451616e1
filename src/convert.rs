//! Networks in another number format: from floats to [`Fixed`](crate::Fixed), and back.
//!
//! ```
//! use gradlet::convert::{compare, convert};
//! use gradlet::prelude::*;
//!
//! type Of<F> = net![F; 2 => 4 Tanh => 1 Identity];
//!
//! let mut floats = Of::<f32>::ZERO;
//! floats.visit_mut(|_, values| values.fill(0.3));
//! let mut fixed = Of::<Fixed>::ZERO;
//! let conversion = convert(&floats, &mut fixed)?;
//! assert!(conversion.largest_error < 1e-8);
//!
//! // How far are the outputs apart, and does everything stay within the range?
//! let comparison = compare(&floats, &fixed, [[0.5, -1.0], [20.0, 3.0], [100.0, 0.0]].iter());
//! assert_eq!((comparison.count, comparison.out_of_range), (3, 1)); // 100 is beyond ±64
//! assert!(comparison.largest_error < 0.002);
//! # Ok::<(), gradlet::convert::ConvertError>(())
//! ```
//!
//! The [ranges](crate::Fixed#range) of fixed point: a weight is below 32 in size, or it is not converted; inputs and
//! outputs end at ±64; sums of products may reach ±256. Where [`compare`] finds samples out of range, scale the
//! inputs down, to ±1 or to a standard deviation of 1, before the network is trained in floats.
//!
//! Both functions compute in `f64`: for a PC, or for a core with an FPU. At compile time, and from a file on any
//! core, [`load!`](crate::load) and [`safetensors::load`](crate::safetensors::load) convert weights too.

use core::fmt;

use crate::format::{Format, Nearest};
use crate::layer::Layer;
use crate::metrics::argmax;
use crate::number::Number;
use crate::shape::Shape;
use crate::tensors::TensorList;
use crate::zero::Zero;

/// What [`convert`] found.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Conversion {
    /// The largest size of a parameter. In fixed point, it can grow up to 32.
    pub largest: f64,
    /// The tensor with this parameter, as an index in [`Layer::TENSORS`].
    pub tensor: usize,
    /// The largest difference between a parameter and its number in the other format.
    pub largest_error: f64,
}

/// A parameter that the other number format does not have: NaN, infinite, or, in fixed point, 32 or more in size.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ConvertError {
    /// Its value.
    pub value: f64,
    /// Its tensor, as an index in [`Layer::TENSORS`].
    pub tensor: usize,
    /// Its index in the tensor.
    pub index: usize,
}

impl fmt::Display for ConvertError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { value, tensor, index } = self;
        write!(
            f,
            "parameter {index} of tensor {tensor} is {value}, beyond the range of the other number format"
        )
    }
}

impl core::error::Error for ConvertError {}

/// Whether both lists have the same tensors.
const fn are_same(a: TensorList, b: TensorList) -> bool {
    let mut place = 0;
    loop {
        match (a.get(place), b.get(place)) {
            (None, None) => return true,
            (Some(a), Some(b)) => {
                let (mut a, mut b) = (a.shape, b.shape);
                while let ([x, rest_a @ ..], [y, rest_b @ ..]) = (a, b) {
                    if *x != *y {
                        return false;
                    }
                    (a, b) = (rest_a, rest_b);
                }
                if !a.is_empty() || !b.is_empty() {
                    return false;
                }
            }
            _ => return false,
        }
        place = place.saturating_add(1);
    }
}

/// A parameter as `f64`, and its nearest number in the other format.
fn nearest<F: Nearest, G: Nearest>(weight: F::Weight) -> (f64, G::Weight) {
    let value = F::number(weight).to_f64();
    (value, G::nearest(G::Real::from_f64(value)))
}

/// Copies all parameters of `from`, each as the nearest number of the other format. The networks must have the same
/// layers in different formats: others do not compile.
///
/// The [module](self) has an example.
///
/// ```compile_fail,E0080
/// use gradlet::{convert::convert, prelude::*};
///
/// let mut fixed = <net![Fixed; 2 => 3 Sigmoid => 1 Sigmoid]>::ZERO;
/// convert(&Mlp::<2, 4, 1>::ZERO, &mut fixed); // 3 hidden units and 4
/// ```
///
/// # Errors
///
/// [`ConvertError`] if a parameter is beyond the range; `to` is unchanged then.
pub fn convert<M, N>(from: &M, to: &mut N) -> Result<Conversion, ConvertError>
where
    M: Layer<Format: Nearest>,
    N: Layer<Format: Nearest>,
{
    const {
        assert!(
            are_same(M::TENSORS, N::TENSORS),
            "the networks must have the same layers, in different number formats"
        );
    }
    let (mut found, mut error, mut place) = (Conversion::default(), None, 0_usize);
    from.visit(|_, weights| {
        for (index, &weight) in weights.iter().enumerate() {
            let (value, nearest) = nearest::<M::Format, N::Format>(weight);
            if !value.is_finite() || !N::Format::is_finite(nearest) {
                error = error.or(Some(ConvertError { value, tensor: place, index }));
            }
            if value.abs() > found.largest {
                (found.largest, found.tensor) = (value.abs(), place);
            }
            let difference = (N::Format::number(nearest).to_f64() - value).abs();
            found.largest_error = found.largest_error.max(difference);
        }
        place = place.saturating_add(1);
    });
    if let Some(error) = error {
        return Err(error);
    }
    let mut place = 0_usize;
    to.visit_mut(|_, values| {
        let mut here = 0_usize;
        from.visit(|_, weights| {
            if here == place {
                for (value, &weight) in values.iter_mut().zip(weights) {
                    (_, *value) = nearest::<M::Format, N::Format>(weight);
                }
            }
            here = here.saturating_add(1);
        });
        place = place.saturating_add(1);
    });
    Ok(found)
}

/// What [`compare`] found.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Comparison {
    /// How many inputs there were.
    pub count: u32,
    /// How many of them the second network has no valid outputs for: an input is beyond its range, or a sum of
    /// products is. They do not count below.
    pub out_of_range: u32,
    /// For how many the largest output is another one.
    pub other_class: u32,
    /// The largest difference of two outputs.
    pub largest_error: f64,
    /// The mean size of the differences.
    pub mean_error: f64,
}

/// Compares the outputs of two networks in different number formats. The inputs are in the format of the first.
///
/// Sums of products are checked as in training: [one beyond ±768](crate::Fixed#range) may go unnoticed. The [module](self) has an example.
pub fn compare<'a, M, N>(
    first: &M,
    second: &N,
    inputs: impl IntoIterator<Item = &'a M::Input>,
) -> Comparison
where
    M: Layer<Format: Nearest<Value: PartialOrd>, Input: 'a>,
    N: Layer<Format: Nearest<Value: PartialOrd>>,
{
    const {
        assert!(
            M::Input::LEN == N::Input::LEN && M::Output::LEN == N::Output::LEN,
            "the networks must have the same inputs and outputs, in different number formats"
        );
    }
    let mut found = Comparison::default();
    let (mut sum, mut valid) = (0.0, 0_u32);
    for input in inputs {
        found.count = found.count.saturating_add(1);
        let (mut converted, mut fits) = (N::Input::ZERO, true);
        for (to, &from) in converted.as_mut_slice().iter_mut().zip(input.as_slice()) {
            let value = M::Format::real(from).to_f64();
            *to = N::Format::value(<N::Format as Format>::Real::from_f64(value));
            // A number beyond the range ends at its limit.
            let difference = N::Format::real(*to).to_f64() - value;
            fits &= difference.abs() < 1e-3 * value.abs().max(1.0);
        }
        let mut trace = N::Trace::ZERO;
        let [check] = second.forward_trace([&converted], [&mut trace]);
        if !fits || !check.is_finite() {
            found.out_of_range = found.out_of_range.saturating_add(1);
            continue;
        }
        valid = valid.saturating_add(1);
        let (of_first, of_second) = (first.forward(input), second.forward(&converted));
        for (&a, &b) in of_first.as_slice().iter().zip(of_second.as_slice()) {
            let error = (M::Format::real(a).to_f64() - N::Format::real(b).to_f64()).abs();
            found.largest_error = found.largest_error.max(error);
            sum += error;
        }
        if argmax(of_first.as_slice()) != argmax(of_second.as_slice()) {
            found.other_class = found.other_class.saturating_add(1);
        }
    }
    let outputs = u32::try_from(M::Output::LEN).unwrap_or(u32::MAX);
    if valid > 0 && outputs > 0 {
        found.mean_error = sum / (f64::from(valid) * f64::from(outputs));
    }
    found
}
