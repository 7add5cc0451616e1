//! Networks as Rust source.

use core::fmt::{self, Display, Formatter};

use crate::activation::Hidden;
use crate::layer::{Chain, Dense, Frozen, Layer, Takes};
use crate::scalar::Scalar;

/// A network that can be printed as Rust source: an expression to be pasted into a constant of the
/// network's type. It has the same bits, NaN and infinity too: ask [`is_finite`](crate::is_finite)
/// before.
///
/// Where no file can be: print it from a device, or check it in with the program.
/// [`load!`](crate::load) keeps large networks out of the source.
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
/// # Implement it for a layer of your own
///
/// ```
/// use gradlet::{Indent, prelude::*};
///
/// struct Scale {
///     factor: f32,
/// }
///
/// impl ToSource for Scale {
///     fn write_source(&self, f: &mut std::fmt::Formatter<'_>, _indent: Indent) -> std::fmt::Result {
///         write!(f, "Scale {{ factor: {:?} }}", self.factor)
///     }
/// }
/// assert_eq!(Scale { factor: 2.0 }.to_source().to_string(), "Scale { factor: 2.0 }");
/// ```
pub trait ToSource {
    /// Writes the expression. Lines but the first begin with `indent`, the last line ends in no line
    /// break.
    ///
    /// # Errors
    ///
    /// Those of the formatter.
    fn write_source(&self, f: &mut Formatter<'_>, indent: Indent) -> fmt::Result;

    /// The expression, to be printed.
    fn to_source(&self) -> Source<'_, Self>
    where
        Self: Sized,
    {
        Source(self)
    }
}

/// What [`ToSource::to_source`] gives: it prints as Rust source.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Source<'a, N>(&'a N);

impl<N: ToSource> Display for Source<'_, N> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.write_source(f, Indent(0))
    }
}

/// How far lines of source are indented: prints as four spaces for each level.
///
/// ```
/// let indent = gradlet::Indent::default();
/// assert_eq!(format!("{indent}x{}y", indent.deeper()), "x    y");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Indent(u32);

impl Indent {
    /// One level more.
    #[must_use]
    pub const fn deeper(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl Display for Indent {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for _ in 0..self.0 {
            f.write_str("    ")?;
        }
        Ok(())
    }
}

/// Numbers in brackets.
fn write_list<T: Scalar>(f: &mut Formatter<'_>, numbers: &[T]) -> fmt::Result {
    f.write_str("[")?;
    let mut separator = "";
    for &number in numbers {
        f.write_str(separator)?;
        number.write_source(f)?;
        separator = ", ";
    }
    f.write_str("]")
}

impl<const IN: usize, const OUT: usize, A, T: Scalar> ToSource for Dense<IN, OUT, A, T> {
    fn write_source(&self, f: &mut Formatter<'_>, indent: Indent) -> fmt::Result {
        let argument = indent.deeper();
        let row = argument.deeper();
        write!(f, "Dense::new(\n{argument}[\n")?;
        for weights in self.weights() {
            Display::fmt(&row, f)?;
            write_list(f, weights)?;
            f.write_str(",\n")?;
        }
        write!(f, "{argument}],\n{argument}")?;
        write_list(f, self.bias())?;
        write!(f, ",\n{indent})")
    }
}

impl<First, Rest> ToSource for Chain<First, Rest>
where
    First: Layer<Activation: Hidden> + ToSource,
    Rest: Takes<First::Output> + ToSource,
{
    fn write_source(&self, f: &mut Formatter<'_>, indent: Indent) -> fmt::Result {
        let argument = indent.deeper();
        write!(f, "Chain::new(\n{argument}")?;
        self.first().write_source(f, argument)?;
        write!(f, ",\n{argument}")?;
        self.rest().write_source(f, argument)?;
        write!(f, ",\n{indent})")
    }
}

impl<L: ToSource> ToSource for Frozen<L> {
    fn write_source(&self, f: &mut Formatter<'_>, indent: Indent) -> fmt::Result {
        f.write_str("Frozen::new(")?;
        self.layer().write_source(f, indent)?;
        f.write_str(")")
    }
}

/// A constant block, which may be borrowed for as long as the program runs.
impl<L: ToSource> ToSource for &L {
    fn write_source(&self, f: &mut Formatter<'_>, indent: Indent) -> fmt::Result {
        f.write_str("&const { ")?;
        (**self).write_source(f, indent)?;
        f.write_str(" }")
    }
}
