//! Parametric rectifiers: activations with learned slopes.

use core::fmt;

use super::{Deltas, Layer, LayerTrace, Samples};
use crate::activation::{Activation, Identity};
use crate::fingerprint::{fingerprint, size};
use crate::format::{Format, FormatValue, SlopeFormat};
use crate::gradient::GradientVisitor;
use crate::kernel::{Both, chunks, chunks_mut};
use crate::shape::{Element, Shape};
use crate::tensors;
use crate::tensors::{Kind, Tensors};
use crate::zero::Zero;

/// Parametric rectified linear unit: `y = max(0, x) + a min(0, x)`, with learned slopes `a`, as
/// `torch.nn.PReLU`.
///
/// | name     | shape | meaning                                                           |
/// |----------|-------|-------------------------------------------------------------------|
/// | `x`, `y` | `X`   | input and output: `[T; C]`, `[[T; C]; L]` or `[[[T; C]; W]; H]`   |
/// | `a`      | `[N]` | the slopes: one for each channel, or one for all; `weight` in files |
///
/// He, Zhang, Ren, Sun, Delving Deep into Rectifiers, 2015. `dy/dx` is 1 where `x > 0`, else `a` (also at 0);
/// `dy/da = min(0, x)`. NaN stays NaN. The layer stands behind one without an activation.
///
/// ```
/// use gradlet::prelude::*;
///
/// let layer = PRelu::<2>::new([0.5, -1.0]);
/// assert_eq!(layer.forward(&[-3.0, -3.0]), [-1.5, 3.0]);
/// assert_eq!(layer.forward(&[2.0, 4.0]), [2.0, 4.0]);
///
/// // A slope for each of 16 channels, and one for 8 units.
/// type Net = net![28 x 2 => Conv1d(16, 3) Identity => PRelu => GlobalMean => 8 Identity => PRelu(1) => 3 Softmax];
/// assert_eq!(Net::PARAMS, (2 * 3 * 16 + 16) + 16 + (16 * 8 + 8) + 1 + (8 * 3 + 3));
/// ```
///
/// In fixed point, slopes are [`Q26`](crate::Q26), and products take their upper 16 bits, with 10 fraction bits, as
/// those of other weights: `a x` is within `|x| / 1024` and 1/4096.
///
/// ```
/// use gradlet::prelude::*;
///
/// let layer = PRelu::<2, [Q12; 2]>::new(Q26::array([0.5, -1.0]));
/// assert_eq!(layer.forward(&Q12::array([-3.0, -3.0])), Q12::array([-1.5, 3.0]));
/// ```
///
/// Another number of slopes does not compile:
///
/// ```compile_fail,E0080
/// use gradlet::prelude::*;
///
/// static LAYER: PRelu<2, [f32; 3]> = Zero::ZERO;
/// ```
pub struct PRelu<const N: usize, X: Shape<Element: FormatValue> = [f32; N]> {
    weight: [Slope<X>; N],
}

/// The number format of arrays of shape `X`.
type FormatOf<X> = <<X as Shape>::Element as FormatValue>::Format;

/// The type of a slope.
type Slope<X> = <FormatOf<X> as Format>::Weight;

impl<const N: usize, X: Shape<Element: FormatValue>> PRelu<N, X> {
    /// From the slopes.
    #[must_use]
    pub const fn new(weight: [Slope<X>; N]) -> Self {
        const {
            assert!(
                N > 0 && (N == 1 || N == X::CHANNELS),
                "`PRelu` has a slope for each channel, the last dimension of its input, or one for all"
            );
        }
        Self { weight }
    }

    /// The slopes for negative inputs.
    #[must_use]
    pub const fn slopes(&self) -> &[Slope<X>; N] {
        &self.weight
    }

    /// The slopes for negative inputs, mutable.
    #[must_use]
    pub const fn slopes_mut(&mut self) -> &mut [Slope<X>; N] {
        &mut self.weight
    }
}

impl<const N: usize, X: Shape<Element: FormatValue>> Clone for PRelu<N, X> {
    fn clone(&self) -> Self {
        Self::new(self.weight)
    }
}

impl<const N: usize, X> PartialEq for PRelu<N, X>
where
    X: Shape<Element: FormatValue<Format: Format<Weight: PartialEq>>>,
{
    fn eq(&self, other: &Self) -> bool {
        self.weight == other.weight
    }
}

impl<const N: usize, X> fmt::Debug for PRelu<N, X>
where
    X: Shape<Element: FormatValue<Format: Format<Weight: fmt::Debug>>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PRelu").field("slopes", &self.weight).finish()
    }
}

#[cfg(feature = "defmt")]
impl<const N: usize, X> defmt::Format for PRelu<N, X>
where
    X: Shape<Element: FormatValue<Format: Format<Weight: defmt::Format>>>,
{
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "PRelu {{ slopes: {} }}", self.weight);
    }
}

/// Not all zeros: slopes of 1/4, as in PyTorch before training.
impl<const N: usize, X> Zero for PRelu<N, X>
where
    X: Shape<Element: FormatValue<Format: SlopeFormat>>,
{
    const ZERO: Self = Self::new([FormatOf::<X>::INITIAL_SLOPE; N]);
}

/// Slopes of 1/4.
impl<const N: usize, X> Default for PRelu<N, X>
where
    X: Shape<Element: FormatValue<Format: SlopeFormat>>,
{
    fn default() -> Self {
        Self::ZERO
    }
}

/// The gradient of a [`PRelu`], and the state of optimizers for it.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct PReluGradient<const N: usize, T = f32> {
    weight: [T; N],
}

impl<const N: usize, T> PReluGradient<N, T> {
    /// The derivatives with respect to the slopes.
    #[must_use]
    pub const fn slopes(&self) -> &[T; N] {
        &self.weight
    }
}

impl<const N: usize, T: Element> Zero for PReluGradient<N, T> {
    const ZERO: Self = Self { weight: Zero::ZERO };
}

impl<const N: usize, T: Element> Tensors<T> for PReluGradient<N, T> {
    #[inline]
    fn walk<const R: usize, const M: usize>(
        read: [&Self; R],
        write: [&mut Self; M],
        visit: &mut impl FnMut(Kind, [&[T]; R], [&mut [T]; M]),
    ) {
        let slopes = write.map(|write| write.weight.as_mut_slice());
        visit(Kind::Other, read.map(|read| read.weight.as_slice()), slopes);
    }
}

impl<const N: usize, V, X> Layer for PRelu<N, X>
where
    V: FormatValue<Format: SlopeFormat>,
    X: Shape<Element = V>,
    Identity: Activation<V::Format>,
{
    type Format = V::Format;
    type Input = X;
    type Output = X;
    type Activation = Identity;
    type Trace = LayerTrace<V::Format, X, Identity>;
    type Gradient = PReluGradient<N, Slope<X>>;
    const MACS: usize = X::LEN;
    const UNITS: usize = 1;
    const FINGERPRINT: u32 = fingerprint("PRelu", &[size(N), size(X::LEN), V::Format::FINGERPRINT]);

    tensors! { weight: Other "weight" [N] }

    #[inline]
    fn logits(&self, input: &X, logits: &mut X) {
        let rows = Both(chunks_mut(logits.as_mut_slice(), N), chunks(input.as_slice(), N));
        for (y, x) in rows {
            for (y, (&x, &a)) in Both(y.iter_mut(), Both(x.iter(), self.weight.iter())) {
                *y = if x > Zero::ZERO { x } else { V::Format::slope(a, x) };
            }
        }
    }

    #[inline]
    fn input_gradient<const K: usize>(
        &self,
        samples: Samples<'_, Self, K>,
        gradients: Deltas<'_, Self, K>,
    ) {
        for ((input, trace), gradient) in samples.iter().zip(gradients) {
            let (d, x) = (trace.delta().values.as_slice(), input.as_slice());
            gradient.scale = V::Format::back_scale(trace.delta().scale);
            let rows = Both(
                chunks_mut(gradient.values.as_mut_slice(), N),
                Both(chunks(d, N), chunks(x, N)),
            );
            for (dx, (d, x)) in rows {
                let slopes = Both(x.iter(), self.weight.iter());
                for (dx, (&d, (&x, &a))) in Both(dx.iter_mut(), Both(d.iter(), slopes)) {
                    *dx = if x > Zero::ZERO {
                        V::Format::unchanged(d)
                    } else {
                        V::Format::add_back(V::Format::empty(), a, d)
                    };
                }
            }
        }
    }

    #[inline]
    fn gradient<const P: usize, const S: usize, const K: usize>(
        mut nets: [&mut Self; P],
        mut state: [&mut Self::Gradient; S],
        samples: Samples<'_, Self, K>,
        visitor: &mut impl GradientVisitor<V::Format, P, S>,
    ) {
        for (input, trace) in samples.iter() {
            let mut sums = [Zero::ZERO; N];
            let (d, x) = (trace.delta().values.as_slice(), input.as_slice());
            for (d, x) in Both(chunks(d, N), chunks(x, N)) {
                for (sum, (&d, &x)) in Both(sums.iter_mut(), Both(d.iter(), x.iter())) {
                    if x > Zero::ZERO {
                        continue;
                    }
                    *sum = V::Format::add(*sum, V::Format::product(x, d));
                }
            }
            visitor.vector(
                Kind::Other,
                nets.each_mut().map(|net| net.weight.as_mut_slice()),
                state.each_mut().map(|state| state.weight.as_mut_slice()),
                &sums,
                V::Format::product_scale(trace.delta().scale),
            );
        }
    }
}
