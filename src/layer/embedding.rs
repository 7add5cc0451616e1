//! Embeddings: a learned vector for each of several symbols.

use super::__sizes::vectors;
use super::{Deltas, Layer, LayerTrace, Samples, Streams};
use crate::activation::Identity;
use crate::fingerprint::{fingerprint, size};
use crate::format::Format;
use crate::gradient::{GradientVisitor, row};
use crate::kernel::Both;
use crate::scalar::Scalar;
use crate::tensors;
use crate::tensors::Kind;
use crate::zero::Zero;

/// Embedding: looks up a learned vector of `D` numbers for each of `L` indices below `N`, as
/// `torch.nn.Embedding`.
///
/// | name     | shape    | meaning                                                     |
/// |----------|----------|-------------------------------------------------------------|
/// | `x`      | `[L]`    | indices `0..N`, as numbers of the network                   |
/// | `weight` | `[N][D]` | the vectors, one for each index; PyTorch's name in files    |
/// | `y`      | `[L][D]` | a sequence of `L` steps with `D` channels: `y_l = weight[x_l]` |
///
/// Where a number is no index, because it is negative, has a fraction, is NaN or infinite, or is `N` or more,
/// `y` is NaN. So is then what other layers make of it, and a step of training changes nothing, as with any
/// input that is NaN. A row of zeros is a step that [`Masked`](crate::Masked) layers leave out at the beginning:
/// PyTorch's `padding_idx`.
///
/// The gradient of a vector is the sum of the derivatives by its steps; it is 0 for those that are not looked
/// up, so gradient descent leaves them as they are. The derivatives by the indices are 0. An optimizer sees all
/// vectors, as it may move one without a gradient, by momentum or weight decay; finding them takes `L N`
/// comparisons in a step.
///
/// ```
/// use gradlet::prelude::*;
///
/// let colours = Embedding::<4, 3, 2>::new([[0.5, 0.0], [0.0, 1.0], [-1.0, 2.0]]);
/// let [a, b, c, d] = colours.forward(&[1.0, 0.0, 1.0, 3.0]);
/// assert_eq!((a, b, c), ([0.0, 1.0], [0.5, 0.0], [0.0, 1.0]));
/// assert!(d[0].is_nan());
///
/// // 12 symbols of an alphabet of 20, with 8 numbers each; 4 classes.
/// type Net = net![12 => Embedding(20, 8) => Gru(16) => 4 Softmax];
/// let scores: [f32; 4] = Net::ZERO.forward(&[19.0; 12]);
/// # assert_eq!(scores, [0.25; 4]);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Embedding<const L: usize, const N: usize, const D: usize, T = f32> {
    weight: [[T; D]; N],
}

impl<const L: usize, const N: usize, const D: usize, T> Embedding<L, N, D, T> {
    /// From the vectors, in the order of the indices.
    #[must_use]
    pub const fn new(weight: [[T; D]; N]) -> Self {
        const {
            assert!(
                L > 0 && D > 0,
                "an embedding looks up at least one vector of at least one number"
            );
            let _ = vectors(N);
        }
        Self { weight }
    }

    /// The vectors, in the order of the indices.
    #[must_use]
    pub const fn rows(&self) -> &[[T; D]; N] {
        &self.weight
    }

    /// The vectors, mutable.
    #[must_use]
    pub const fn rows_mut(&mut self) -> &mut [[T; D]; N] {
        &mut self.weight
    }
}

impl<const L: usize, const N: usize, const D: usize, T: Scalar> Embedding<L, N, D, T> {
    /// The vector of an index; NaN for a number that is none.
    #[inline]
    fn look_up(&self, x: T) -> [T; D] {
        x.index().and_then(|index| self.weight.get(index)).map_or([T::NAN; D], |row| *row)
    }
}

impl<const L: usize, const N: usize, const D: usize, T: Scalar> Zero for Embedding<L, N, D, T> {
    const ZERO: Self = Self::new(Zero::ZERO);
}

/// Zeros: vectors need random values before training, as those of `init`.
impl<const L: usize, const N: usize, const D: usize, T: Scalar> Default for Embedding<L, N, D, T> {
    fn default() -> Self {
        Self::ZERO
    }
}

impl<const L: usize, const N: usize, const D: usize, T: Scalar> Layer for Embedding<L, N, D, T> {
    type Format = T;
    type Input = [T; L];
    type Output = [[T; D]; L];
    type Activation = Identity;
    type Trace = LayerTrace<T, [[T; D]; L], Identity>;
    type Gradient = Self;
    const MACS: usize = 0;
    const FINGERPRINT: u32 =
        fingerprint("Embedding", &[size(L), size(N), size(D), <T as Format>::FINGERPRINT]);

    tensors! { weight: Weight "weight" [N, D] in [0, 1] }

    #[inline]
    fn logits(&self, input: &[T; L], logits: &mut [[T; D]; L]) {
        for (z, &x) in Both(logits.iter_mut(), input.iter()) {
            *z = self.look_up(x);
        }
    }

    #[inline]
    fn input_gradient<const K: usize>(
        &self,
        _: Samples<'_, Self, K>,
        gradients: Deltas<'_, Self, K>,
    ) {
        for gradient in gradients {
            gradient.values = [T::ZERO; L];
        }
    }

    #[inline]
    fn gradient<const P: usize, const S: usize, const K: usize>(
        mut nets: [&mut Self; P],
        mut state: [&mut Self; S],
        samples: Samples<'_, Self, K>,
        visitor: &mut impl GradientVisitor<T, P, S>,
    ) {
        for (input, trace) in samples.iter() {
            let mut symbol = T::ZERO;
            for n in 0..N {
                let mut sum = [T::ZERO; D];
                for (&x, d) in Both(input.iter(), trace.delta().values.iter()) {
                    if x == symbol {
                        sum.iter_mut().zip(d).for_each(|(sum, &d)| *sum += d);
                    }
                }
                symbol += T::ONE;
                visitor.vector(
                    Kind::Weight,
                    nets.each_mut().map(|net| row(&mut net.weight, n)),
                    state.each_mut().map(|state| row(&mut state.weight, n)),
                    &sum,
                    (),
                );
            }
        }
    }
}

/// Each index on its own.
impl<const L: usize, const N: usize, const D: usize, T: Scalar> Streams for Embedding<L, N, D, T> {
    type Step = [T; 1];
    type Answer = [T; D];
    type State = ();
    const PAST: usize = 0;

    #[inline]
    fn step(&self, (): &mut (), &[x]: &[T; 1]) -> [T; D] {
        self.look_up(x)
    }
}
