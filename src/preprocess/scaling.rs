//! Offsets and scales of features, alone and as a layer.

use core::cmp::Ordering;

use crate::activation::{Activation, Identity};
use crate::fingerprint::{fingerprint, size};
use crate::format::Format;
use crate::gradient::GradientVisitor;
use crate::layer::{
    Biased, Deltas, Dense, Layer, LayerTrace, Real, Samples, Streams, Weight, no_bias,
};
use crate::scalar::Scalar;
use crate::tensors;
use crate::tensors::{Kind, TensorList};
use crate::zero::Zero;

/// An offset and a scale for each of `N` features: `z = (x - offset) / scale`. Also a layer, which
/// makes the scaling a part of the network.
///
/// A scale of 0 is replaced by 1, so a feature that never varies becomes 0, not NaN. So is a scale
/// below the smallest normal number (1.2e-38 in `f32`), since dividing weights by it would
/// overflow.
///
/// ```
/// use gradlet::{prelude::*, preprocess::Scaling};
///
/// static SCALING: Scaling<2> = Scaling::new([20.0, 1000.0], [5.0, 50.0]);
/// assert_eq!(SCALING.transform(&[25.0, 900.0]), [1.0, -2.0]);
/// assert_eq!(SCALING.inverse(&[1.0, -2.0]), [25.0, 900.0]);
///
/// let mut net = Dense::<2, 1, Tanh>::new([[0.5], [0.25]], [0.125]);
/// let answer = net.forward(&[1.0, -2.0]);
/// SCALING.fold_into(&mut net);
/// assert!((net.forward(&[25.0, 900.0])[0] - answer[0]).abs() < 1e-6);
/// ```
///
/// # As a layer
///
/// In front of a network, [`net![IN => Scaling => ..]`](crate::net), it takes raw readings. Offset
/// and scale are [buffers](crate::Kind::Buffer): the store, frames and files keep them, files under
/// the names `offset` and `scale`. Optimizers and initialisers do not change them, and as the first
/// layer it needs no backward pass: training has the bits of a network without it that is fed by
/// [`transform`](Self::transform).
///
/// ```
/// use gradlet::{prelude::*, preprocess::Standardize};
/// # let readings = [([20.0, 990.0], [0.0]), ([22.0, 1010.0], [1.0])];
///
/// type Net = net![2 => Scaling => 4 Tanh => 1 Sigmoid];
/// let mut net = Net::ZERO; // scales nothing yet
/// let mut statistics = Standardize::new();
/// for (x, _) in &readings {
///     statistics.observe(x);
/// }
/// *net.first_mut() = statistics.scaling(); // once, before the first step; then keep it
///
/// let mut trainer = Trainer::<_, BinaryCrossEntropy>::new();
/// for (x, t) in &readings {
///     trainer.step(&mut net, &Sgd { learning_rate: 0.1 }, x, t);
/// }
/// assert_eq!(net.first().offset(), &[21.0, 1000.0]);
///
/// // Without the layer, for inference:
/// let (scaling, mut folded) = net.into_parts();
/// scaling.fold_into(folded.first_mut());
/// ```
///
/// Targets need no layer: after training, [`fold_into_output`](Self::fold_into_output). As the last
/// layer it would change the loss and its gradients to other units.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Scaling<const N: usize, T = f32> {
    offset: [T; N],
    scale: [T; N],
}

impl<const N: usize, T: Scalar> Scaling<N, T> {
    /// From known values, in the units of the features; all are finite.
    #[must_use]
    pub const fn new(offset: [T; N], scale: [T; N]) -> Self {
        Self { offset, scale }
    }

    /// Subtracted from each feature.
    #[must_use]
    pub const fn offset(&self) -> &[T; N] {
        &self.offset
    }

    /// Divisor of each feature; 0 and subnormal values are replaced by 1.
    #[must_use]
    pub const fn scale(&self) -> &[T; N] {
        &self.scale
    }

    /// The same with no scale below `floor`, the smallest meaningful spread of each feature: the
    /// resolution of a sensor, or a fraction of the feature's known range.
    ///
    /// Without it, a feature that hardly varied among the examples becomes huge as soon as it does.
    /// A floor is 0 or more; a negative or NaN one makes the scale NaN, and every scaled value.
    ///
    /// ```
    /// use gradlet::preprocess::MinMax;
    ///
    /// let mut range = MinMax::<1>::new();
    /// range.observe(&[20.0]);
    /// range.observe(&[20.25]);
    /// assert_eq!(range.transform(&[25.0]), [20.0]);
    /// assert_eq!(range.scaling().with_floor(&[5.0]).transform(&[25.0]), [1.0]);
    /// ```
    #[must_use]
    pub fn with_floor(mut self, floor: &[T; N]) -> Self {
        for (scale, &floor) in self.scale.iter_mut().zip(floor) {
            *scale = match floor.partial_cmp(&T::ZERO) {
                None | Some(Ordering::Less) => T::NAN,
                _ if scale.abs() < floor => floor,
                _ => *scale,
            };
        }
        self
    }

    /// `z = (x - offset) / scale`.
    #[must_use]
    pub fn transform(&self, x: &[T; N]) -> [T; N] {
        self.map(x, |x, offset, scale| (x - offset) / scale)
    }

    /// `x = z * scale + offset`.
    #[must_use]
    pub fn inverse(&self, z: &[T; N]) -> [T; N] {
        self.map(z, |z, offset, scale| z * scale + offset)
    }

    fn map(&self, values: &[T; N], f: impl Fn(T, T, T) -> T) -> [T; N] {
        let mut values = *values;
        for ((value, &offset), &scale) in values.iter_mut().zip(&self.offset).zip(&self.scale) {
            *value = f(*value, offset, divisor(scale));
        }
        values
    }

    /// Converts a layer for scaled inputs into one for raw inputs, with the same outputs up to
    /// rounding: `w' = w / scale`, `b' = b - sum w' offset`.
    ///
    /// For a [`Chain`](crate::Chain), pass [`first_mut`](crate::Chain::first_mut). Where an offset
    /// is 10^d times its scale, about d decimal digits are lost to cancellation: prefer
    /// [`transform`](Self::transform) for a small signal on a large constant.
    pub fn fold_into<const OUT: usize, A: Activation>(&self, layer: &mut Dense<N, OUT, A, T>) {
        let mut bias = *layer.bias();
        let scaling = self.offset.iter().zip(&self.scale);
        for (row, (&offset, &scale)) in layer.weights_mut().iter_mut().zip(scaling) {
            for (w, b) in row.iter_mut().zip(&mut bias) {
                *w /= divisor(scale);
                *b -= *w * offset;
            }
        }
        *layer.bias_mut() = bias;
    }

    /// Converts a layer that predicts scaled targets into one that predicts in real units:
    /// `w' = w * scale`, `b' = b * scale + offset`.
    ///
    /// For a [`Chain`](crate::Chain), pass [`rest_mut`](crate::Chain::rest_mut).
    pub fn fold_into_output<const IN: usize>(&self, layer: &mut Dense<IN, N, Identity, T>) {
        for row in layer.weights_mut() {
            for (w, &scale) in row.iter_mut().zip(&self.scale) {
                *w *= divisor(scale);
            }
        }
        *layer.bias_mut() = self.inverse(layer.bias());
    }
}

impl<const N: usize, T: Scalar> Zero for Scaling<N, T> {
    /// Changes nothing, as a scale of 0 is replaced by 1.
    const ZERO: Self = Self::new(Zero::ZERO, Zero::ZERO);
}

/// An offset of 0 and a scale of 1, which change nothing.
impl<const N: usize, T: Scalar> Default for Scaling<N, T> {
    fn default() -> Self {
        Self::new([T::ZERO; N], [T::ONE; N])
    }
}

impl<const N: usize, T: Scalar> Layer for Scaling<N, T> {
    type Format = T;
    type Input = [T; N];
    type Output = [T; N];
    type Activation = Identity;
    type Trace = LayerTrace<T, [T; N], Identity>;
    type Gradient = ();
    const MACS: usize = N;
    const FINGERPRINT: u32 = fingerprint("Scaling", &[size(N), <T as Format>::FINGERPRINT]);

    tensors! {
        offset: Buffer "offset" [N],
        scale: Buffer "scale" [N],
    }

    #[inline]
    fn logits(&self, input: &[T; N], logits: &mut [T; N]) {
        *logits = self.transform(input);
    }

    fn input_gradient<const K: usize>(
        &self,
        samples: Samples<'_, Self, K>,
        gradients: Deltas<'_, Self, K>,
    ) {
        for ((_, trace), gradient) in samples.iter().zip(gradients) {
            gradient.values = self.map(&trace.delta().values, |d, _, scale| d / scale);
        }
    }
}

impl<const N: usize, T: Scalar> Streams for Scaling<N, T> {
    type Step = [T; N];
    type Answer = [T; N];
    type State = ();
    const PAST: usize = 0;

    #[inline]
    fn step(&self, (): &mut (), input: &[T; N]) -> [T; N] {
        self.forward(input)
    }
}

no_bias! { [const N: usize, T: Scalar] Scaling<N, T>; }

/// The scale, or 1 if it cannot be divided by.
fn divisor<T: Scalar>(scale: T) -> T {
    if scale.abs() < T::MIN_POSITIVE { T::ONE } else { scale }
}
