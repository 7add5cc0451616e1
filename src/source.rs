//! Export of networks as Rust source.

use core::fmt::{self, Debug, Display, Formatter};

use crate::activation::{Activation, Hidden};
use crate::format::{Format, FormatValue};
use crate::layer::{
    BatchNorm, Beside, Chain, Channels, Compact, Conv1d, Conv2d, Dense, Dropout, Embedding, Frozen,
    Fused, Layer, LayerNorm, PRelu, Parallel, Recompute, Recurrent, Residual, Shortcut, Skip,
    Takes, layers_without_parameters,
};
use crate::macros::defmt_shows;
use crate::number::{Q10, Q26};
use crate::preprocess::Scaling;
use crate::scalar::Scalar;
use crate::shape::Shape;
use crate::zero::Zero;

/// Export as Rust source: an expression to paste into a constant of its type. It has the same bits,
/// also for NaN and infinity: check [`is_finite`](crate::is_finite) first.
///
/// For where there are no files: print a network from a device, or commit it with the program's
/// source. [`load!`](crate::load) keeps large networks out of the source.
///
/// ```
/// use gradlet::prelude::*;
///
/// let net = Mlp::<1, 2, 1>::new(Dense::new([[0.1, -2.0]], [1e-9, 0.0]), Zero::ZERO);
/// let text = "\
/// Chain::new(
///     Dense::new(
///         [
///             [0.1, -2.0],
///         ],
///         [1e-9, 0.0],
///     ),
///     Dense::new(
///         [
///             [0.0],
///             [0.0],
///         ],
///         [0.0],
///     ),
/// )";
/// assert_eq!(net.to_source().to_string(), text);
/// ```
///
/// Weights in fixed point are printed by their bits, which are exact:
///
/// ```
/// use gradlet::prelude::*;
///
/// let layer = <net![Fixed; 2 => PRelu]>::new(Q26::array([0.25, -1.0]));
/// let text = "PRelu::new(\n    [Q26::from_bits(16777216), Q26::from_bits(-67108864)],\n)";
/// assert_eq!(layer.to_source().to_string(), text);
/// let same = PRelu::<2, [Q12; 2]>::new([Q26::from_bits(16777216), Q26::from_bits(-67108864)]);
/// assert_eq!(same, layer);
/// ```
///
/// # Custom layers
///
/// The tensors of any layer can be printed one by one, as arrays in memory order:
///
/// ```
/// use gradlet::prelude::*;
///
/// let mut lines = String::new();
/// Mlp::<1, 2, 1>::ZERO.visit(|tensor, values| {
///     let (name, length) = (tensor.name.to_uppercase(), values.len());
///     lines += &format!("const {name}: [f32; {length}] = {};\n", values.to_source());
/// });
/// assert!(lines.starts_with("const WEIGHT: [f32; 2] = [0.0, 0.0];\n"));
/// ```
///
/// How to construct a layer from its tensors is not known to this crate, so a custom layer that is
/// to be printed as a whole, or as part of a network, implements it. For arrays it is implemented:
///
/// ```
/// use gradlet::prelude::*;
/// use std::fmt;
///
/// struct Scale {
///     factors: [f32; 2],
/// }
///
/// impl Scale {
///     const fn new(factors: [f32; 2]) -> Self {
///         Self { factors }
///     }
/// }
///
/// impl ToSource for Scale {
///     fn write_source(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
///         f.debug_tuple("Scale::new").field(&self.factors.to_source()).finish()
///     }
/// }
/// let text = Scale::new([0.5, 2.0]).to_source().to_string();
/// assert_eq!(text, "Scale::new(\n    [0.5, 2.0],\n)");
/// ```
pub trait ToSource {
    /// Writes the expression. The builders of the formatter, such as `debug_tuple`, indent its
    /// contents.
    ///
    /// # Errors
    ///
    /// The errors of the formatter.
    fn write_source(&self, f: &mut Formatter<'_>) -> fmt::Result;

    /// Returns the expression, which can be printed with `{}`.
    fn to_source(&self) -> Source<'_, Self> {
        Source(self)
    }
}

/// Returned by [`ToSource::to_source`]: prints as Rust source.
#[derive(Clone, Copy)]
pub struct Source<'a, N: ?Sized>(&'a N);

impl<N: ToSource + ?Sized> Display for Source<'_, N> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        // On several lines.
        write!(f, "{self:#?}")
    }
}

impl<N: ToSource + ?Sized> Debug for Source<'_, N> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.write_source(f)
    }
}

defmt_shows!([N: ?Sized] Source<'_, N>: |_, f| defmt::write!(f, "Source(..)"));

/// Writes a constant expression with the same bits.
fn write_number<T: Scalar>(number: T, f: &mut Formatter<'_>) -> fmt::Result {
    let name = if size_of::<T>() == size_of::<f32>() { "f32" } else { "f64" };
    if number.is_finite() {
        // The fewest digits that give these bits.
        write!(f, "{number:?}")
    } else if number.to_le_bytes().as_ref() == T::NAN.to_le_bytes().as_ref() {
        write!(f, "{name}::NAN")
    } else if number == T::INFINITY {
        write!(f, "{name}::INFINITY")
    } else if number == -T::INFINITY {
        write!(f, "{name}::NEG_INFINITY")
    } else {
        write!(f, "{name}::from_bits(0x")?;
        number.to_le_bytes().as_ref().iter().rev().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}

/// Numbers in brackets, on one line.
impl<T: Scalar> ToSource for [T] {
    fn write_source(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut separator = "[";
        for &number in self {
            f.write_str(separator)?;
            write_number(number, f)?;
            separator = ", ";
        }
        f.write_str(if self.is_empty() { "[]" } else { "]" })
    }
}

impl<T: Scalar, const N: usize> ToSource for [T; N] {
    fn write_source(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.as_slice().write_source(f)
    }
}

/// Weights of fixed-point networks, by their bits.
macro_rules! fixed_point {
    ($($name:ident)+) => { $(
        impl ToSource for [$name] {
            fn write_source(&self, f: &mut Formatter<'_>) -> fmt::Result {
                let mut separator = "[";
                for number in self {
                    write!(f, concat!("{}", stringify!($name), "::from_bits({})"), separator, number.to_bits())?;
                    separator = ", ";
                }
                f.write_str(if self.is_empty() { "[]" } else { "]" })
            }
        }

        impl<const N: usize> ToSource for [$name; N] {
            fn write_source(&self, f: &mut Formatter<'_>) -> fmt::Result {
                self.as_slice().write_source(f)
            }
        }
    )+ };
}
fixed_point!(Q26 Q10);

/// One line per row.
impl<X, const M: usize, const N: usize> ToSource for [[X; M]; N]
where
    [X; M]: ToSource,
{
    fn write_source(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(ToSource::to_source)).finish()
    }
}

/// [`ToSource`] of the layers with weights and biases.
macro_rules! weights_and_bias {
    ([$($generics:tt)*] $Type:ty, $new:literal) => {
        impl<$($generics)*> ToSource for $Type
        where
            [F::Weight; OUT]: ToSource,
        {
            fn write_source(&self, f: &mut Formatter<'_>) -> fmt::Result {
                let (weights, bias) = (self.weights().to_source(), self.bias().to_source());
                f.debug_tuple($new).field(&weights).field(&bias).finish()
            }
        }
    };
}
weights_and_bias!(
    [const IN: usize, const OUT: usize, A, F: Format]
    Dense<IN, OUT, A, F>, "Dense::new"
);
weights_and_bias!(
    [
        const L: usize, const C: usize, const OUT: usize, const K: usize, const M: usize,
        A: Activation<F>, F: Format,
        const STEP: usize, const PADDING: usize, const DILATION: usize, const GROUP: usize
    ]
    Conv1d<L, C, OUT, K, M, A, F, STEP, PADDING, DILATION, GROUP>, "Conv1d::new"
);
weights_and_bias!(
    [
        const H: usize, const W: usize, const C: usize, const OUT: usize,
        const KH: usize, const KW: usize, const MH: usize, const MW: usize,
        A: Activation<F>, F: Format,
        const SH: usize, const SW: usize, const PH: usize, const PW: usize,
        const DH: usize, const DW: usize, const GROUP: usize
    ]
    Conv2d<H, W, C, OUT, KH, KW, MH, MW, A, F, SH, SW, PH, PW, DH, DW, GROUP>, "Conv2d::new"
);

impl<K, X, Y, const C: usize, const H: usize, const G: usize, T: Scalar, const R: usize> ToSource
    for Recurrent<K, X, Y, C, H, G, T, R>
{
    fn write_source(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Recurrent::new")
            .field(&self.input_weights().to_source())
            .field(&self.state_weights().to_source())
            .field(&self.input_bias().to_source())
            .field(&self.state_bias().to_source())
            .finish()?;
        if R > 0 {
            f.debug_tuple(".with_initial_state")
                .field(&self.initial_state().to_source())
                .finish()?;
        }
        Ok(())
    }
}

impl<const N: usize, T: Scalar> ToSource for Scaling<N, T> {
    fn write_source(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (offset, scale) = (self.offset().to_source(), self.scale().to_source());
        f.debug_tuple("Scaling::new").field(&offset).field(&scale).finish()
    }
}

impl<const C: usize, A, X, const E: u32> ToSource for BatchNorm<C, A, X, E>
where
    X: Channels<C, Element: Scalar>,
{
    fn write_source(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut call = f.debug_tuple("BatchNorm::new");
        for values in [self.weight(), self.bias(), self.mean(), self.variance()] {
            call.field(&values.to_source());
        }
        call.finish()
    }
}

impl<const C: usize, A, X, const E: u32> ToSource for LayerNorm<C, A, X, E>
where
    X: Channels<C, Element: Scalar>,
{
    fn write_source(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (weight, bias) = (self.weight().to_source(), self.bias().to_source());
        f.debug_tuple("LayerNorm::new").field(&weight).field(&bias).finish()
    }
}

impl<const L: usize, const N: usize, const D: usize, T: Scalar> ToSource for Embedding<L, N, D, T> {
    fn write_source(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Embedding::new").field(&self.rows().to_source()).finish()
    }
}

impl<const N: usize, X: Shape<Element: FormatValue>> ToSource for PRelu<N, X>
where
    [<<X::Element as FormatValue>::Format as Format>::Weight; N]: ToSource,
{
    fn write_source(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PRelu::new").field(&self.slopes().to_source()).finish()
    }
}

impl<First, Rest> ToSource for Chain<First, Rest>
where
    First: Layer<Activation: Hidden> + ToSource,
    Rest: Takes<First::Output, First::Format> + ToSource,
{
    fn write_source(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (first, rest) = (self.first().to_source(), self.rest().to_source());
        f.debug_tuple("Chain::new").field(&first).field(&rest).finish()
    }
}

impl<L, P, A> ToSource for Residual<L, P, A>
where
    L: Layer + ToSource,
    P: Shortcut<L::Input, L::Output, L::Format> + ToSource,
{
    fn write_source(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (layer, projection) = (self.layer().to_source(), self.projection().to_source());
        f.debug_tuple("Residual::with_projection").field(&layer).field(&projection).finish()
    }
}

impl<A, B, const N: usize> ToSource for Parallel<A, B, N>
where
    A: Layer + ToSource,
    B: Beside<A::Input, A::Format> + ToSource,
{
    fn write_source(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (first, second) = (self.first().to_source(), self.second().to_source());
        f.debug_tuple("Parallel::new").field(&first).field(&second).finish()
    }
}

impl<X, const NUMERATOR: u32, const DENOMINATOR: u32> ToSource
    for Dropout<X, NUMERATOR, DENOMINATOR>
{
    fn write_source(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("Dropout::new()")
    }
}

impl ToSource for Skip {
    fn write_source(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("Skip")
    }
}

impl<L: ToSource> ToSource for Recompute<L> {
    fn write_source(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("Recompute::new(")?;
        self.layer().write_source(f)?;
        f.write_str(")")
    }
}

impl<L: ToSource, const PACKED: usize> ToSource for Compact<L, PACKED> {
    fn write_source(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("Compact::new(")?;
        self.layers().write_source(f)?;
        f.write_str(")")
    }
}

impl<L: ToSource> ToSource for Frozen<L> {
    fn write_source(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("Frozen::new(")?;
        self.layer().write_source(f)?;
        f.write_str(")")
    }
}

/// A constant block, which can be borrowed as `'static`.
impl<L: ToSource> ToSource for &L {
    fn write_source(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("&const { ")?;
        (**self).write_source(f)?;
        f.write_str(" }")
    }
}

/// A constant of its type.
macro_rules! constants {
    ([$($generics:tt)*] $Type:ty, $name:literal) => {
        impl<$($generics)*> ToSource for $Type {
            fn write_source(&self, f: &mut Formatter<'_>) -> fmt::Result {
                f.write_str(concat!($name, "::new()"))
            }
        }
    };
}
layers_without_parameters!(constants);

impl<C: ToSource, P: Zero> ToSource for Fused<C, P> {
    fn write_source(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Fused::new").field(&self.convolution().to_source()).finish()
    }
}
