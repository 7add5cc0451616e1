//! Convolutions fused with the pooling after them.

mod fold;
mod packed;

pub(super) use fold::Fold;
pub(super) use packed::{MaxPooled, MeanPooled};

use core::marker::PhantomData;

use super::convolution::{Rows, ToVisitor};
use super::pool::Pools;
use super::{Conv1d, Conv2d, Deltas, EndsIn, Layer, LayerTrace, Samples};
use crate::activation::{Elementwise, Identity};
use crate::fingerprint::fingerprint;
use crate::gradient::GradientVisitor;
use crate::kernel::each_sample;
use crate::kernel::geometry::{Of, Windowed, Windows};
use crate::kernel::windows;
use crate::scalar::Scalar;
use crate::shape::Shape;
use crate::tensors::{Kind, TensorList};
use crate::zero::Zero;
use fold::{Keeps, Kept, Pooling};

/// A convolution and the pooling after it, in one pass: the outputs of the convolution are pooled as
/// soon as they are computed. It computes the same as [`Chain<C, P>`](crate::Chain) with less memory.
///
/// `C` is a [`Conv1d`] or [`Conv2d`] with an [`Elementwise`] activation, `P` a pooling whose windows
/// do not overlap. [`net!`](crate::net) writes it as `Conv1d(16, 5) Relu | MaxPool(2)`.
///
/// For training, it keeps in place of the outputs of the convolution and their derivatives:
///
/// - with a maximum, one byte for each output of the pooling, which says what was the largest: at
///   most 256 places may be pooled into one;
/// - with a mean, the outputs of the convolution, which the backward pass overwrites by their
///   derivatives.
///
/// Of two fused convolutions behind each other, [`Compact`](crate::Compact) keeps less.
///
/// Results equal those of the chain but for the sign of zeros and, where a maximum is over several rows
/// of an image, for rounding: the gradient of a weight is then added pooled position by pooled position.
///
/// ```
/// use gradlet::prelude::*;
///
/// type Short = net![64 x 3 => Conv1d(8, 5) Relu | MaxPool(4) => GlobalMean => 4 Softmax];
/// type Long = net![64 x 3 => Conv1d(8, 5) Relu => MaxPool(4) => GlobalMean => 4 Softmax];
/// assert_eq!(Trainer::<Short, CrossEntropy>::BYTES, 1176);
/// assert_eq!(Trainer::<Long, CrossEntropy>::BYTES, 4896);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Fused<C, P> {
    convolution: C,
    pooling: P,
}

impl<C, P: Zero> Fused<C, P> {
    /// Fuses a convolution with a pooling.
    #[must_use]
    pub const fn new(convolution: C) -> Self {
        Self { convolution, pooling: P::ZERO }
    }

    /// The convolution.
    #[must_use]
    pub const fn convolution(&self) -> &C {
        &self.convolution
    }

    /// The convolution, mutable.
    #[must_use]
    pub const fn convolution_mut(&mut self) -> &mut C {
        &mut self.convolution
    }
}

impl<C: Zero, P: Zero> Zero for Fused<C, P> {
    const ZERO: Self = Self { convolution: C::ZERO, pooling: P::ZERO };
}

/// What the forward pass of a [`Fused`] layer saves: what the pooling keeps of the outputs of the
/// convolution, and its own outputs and derivatives.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct FusedTrace<K, L> {
    kept: K,
    last: L,
}

impl<K: Zero, L: Zero> Zero for FusedTrace<K, L> {
    const ZERO: Self = Self { kept: K::ZERO, last: L::ZERO };
}

impl<K, L> EndsIn<L> for FusedTrace<K, L> {
    #[inline(always)]
    fn last(&self) -> &L {
        &self.last
    }
    #[inline(always)]
    fn last_mut(&mut self) -> &mut L {
        &mut self.last
    }
}

/// Implements [`Layer`] for a fused convolution.
macro_rules! fused {
    ($Conv:ident [$($size:ident),+] [$($option:ident),+] $X:ty) => {
        /// The windows of the pooling.
        impl<
            $(const $size: usize,)+
            A: Elementwise,
            T: Scalar,
            $(const $option: usize,)+
            P: Pools<$X> + Layer<Format = T, Input = $X, Activation = Identity>,
        > Windowed for Fused<$Conv<$($size,)+ A, T, $($option),+>, P>
        {
            const WINDOWS: Windows = {
                let pool = P::WINDOWS;
                assert!(
                    pool.is_apart() && pool.count() <= P::Kind::MOST,
                    "the windows of a fused pooling must not overlap, and a maximum be over at most \
                     256 places"
                );
                pool
            };
        }

        impl<
            $(const $size: usize,)+
            A: Elementwise,
            T: Scalar,
            $(const $option: usize,)+
            P: Pools<$X> + Layer<Format = T, Input = $X, Activation = Identity>,
        > Fused<$Conv<$($size,)+ A, T, $($option),+>, P>
        {
            #[inline(always)]
            const fn sizes() -> (Of<$Conv<$($size,)+ A, T, $($option),+>>, Of<Self>) {
                (Of(PhantomData), Of(PhantomData))
            }

            /// Computes the outputs; returns the sum of the logits of the convolution.
            #[inline(always)]
            fn pool<Keep: Keeps<P::Kind, T>>(&self, x: &[T], y: &mut P::Output, kept: Keep) -> T {
                let (sizes, pool) = (Self::sizes().0, Self::WINDOWS);
                let y = Shape::as_mut_slice(y);
                let (weights, bias) = (self.convolution.weights().rows(), self.convolution.bias());
                let mut state = Kept { kept, sum: T::ZERO };
                windows::affine_into::<T, Pooling<A, P, $X, Keep>, OUT>(
                    sizes, weights, bias, x, y, &mut state,
                );
                P::Kind::end(pool, y);
                state.sum
            }
        }

        impl<
            $(const $size: usize,)+
            A: Elementwise,
            T: Scalar,
            $(const $option: usize,)+
            P: Pools<$X> + Layer<Format = T, Input = $X, Activation = Identity>,
        > Layer for Fused<$Conv<$($size,)+ A, T, $($option),+>, P>
        {
            type Format = T;
            type Input = <$Conv<$($size,)+ A, T, $($option),+> as Layer>::Input;
            type Output = P::Output;
            type Activation = Identity;
            type Trace = FusedTrace<
                <P::Kind as Fold>::Kept<$X, P::Output>,
                LayerTrace<T, P::Output, Identity>,
            >;
            type Gradient = $Conv<$($size,)+ A, T, $($option),+>;
            const MACS: usize = Self::Gradient::MACS;
            const TENSORS: TensorList = Self::Gradient::TENSORS;
            const FINGERPRINT: u32 =
                fingerprint("Fused", &[Self::Gradient::FINGERPRINT, P::FINGERPRINT]);

            #[inline]
            fn logits(&self, input: &Self::Input, logits: &mut Self::Output) {
                self.pool(Shape::as_slice(input), logits, P::Kind::no_keeper::<T>());
            }

            #[inline]
            fn forward_trace<const N: usize>(
                &self,
                inputs: [&Self::Input; N],
                traces: [&mut Self::Trace; N],
            ) -> [T; N] {
                let mut inputs = inputs.into_iter();
                traces.map(|trace| match inputs.next() {
                    Some(x) => {
                        let (x, y) = (Shape::as_slice(x), trace.last.output_mut());
                        self.pool(x, y, P::Kind::keeper::<T, $X, P::Output>(&mut trace.kept))
                    }
                    None => T::ZERO,
                })
            }

            #[inline]
            fn backward<const WANTED: bool, const N: usize>(
                &self,
                _: [&Self::Input; N],
                traces: [&mut Self::Trace; N],
            ) {
                each_sample::<N, _>(traces.into_iter(), |trace| {
                    let (y, d) = trace.last.parts();
                    let (y, d) = (Shape::as_slice(y), Shape::as_mut_slice(&mut d.values));
                    let pool = Self::WINDOWS;
                    P::Kind::to_logits::<A, T, $X, P::Output, OUT>(pool, &mut trace.kept, y, d);
                });
            }

            #[inline]
            fn input_gradient<const N: usize>(
                &self,
                samples: Samples<'_, Self, N>,
                gradients: Deltas<'_, Self, N>,
            ) {
                each_sample::<N, _>(gradients.into_iter().zip(samples.traces), |(dx, trace)| {
                    P::Kind::input_gradient::<T, $X, P::Output, OUT>(
                        Self::sizes(),
                        self.convolution.weights().rows(),
                        &trace.kept,
                        Shape::as_slice(&trace.last.delta().values),
                        Shape::as_mut_slice(&mut dx.values),
                    );
                });
            }

            #[inline]
            fn gradient<const NETS: usize, const STATES: usize, const N: usize>(
                mut nets: [&mut Self; NETS],
                mut state: [&mut Self::Gradient; STATES],
                samples: Samples<'_, Self, N>,
                visitor: &mut impl GradientVisitor<T, NETS, STATES>,
            ) {
                each_sample::<N, _>(samples.iter(), |(input, trace)| {
                    let mut weights = ToVisitor {
                        nets: nets.each_mut().map(|n| n.convolution.weights_mut()),
                        state: state.each_mut().map(|s| s.weights_mut()),
                        visitor: &mut *visitor,
                        scale: (),
                    };
                    let bias = P::Kind::gradient::<T, $X, P::Output, OUT>(
                        Self::sizes(),
                        Shape::as_slice(input),
                        &trace.kept,
                        Shape::as_slice(&trace.last.delta().values),
                        &mut weights,
                    );
                    visitor.vector(
                        Kind::Bias,
                        nets.each_mut().map(|n| n.convolution.bias_mut().as_mut_slice()),
                        state.each_mut().map(|s| s.bias_mut().as_mut_slice()),
                        &bias,
                        (),
                    );
                });
            }

            #[inline]
            fn walk<const Q: usize, const NETS: usize, const R: usize, const STATES: usize>(
                nets: [&Self; Q],
                nets_mut: [&mut Self; NETS],
                read: [&Self::Gradient; R],
                write: [&mut Self::Gradient; STATES],
                visit: &mut impl FnMut(Kind, [&[T]; Q], [&mut [T]; NETS], [&[T]; R], [&mut [T]; STATES]),
            ) {
                Self::Gradient::walk(
                    nets.map(|n| &n.convolution),
                    nets_mut.map(|n| &mut n.convolution),
                    read,
                    write,
                    visit,
                );
            }
        }
    };
}
fused!(Conv1d [L, C, OUT, K, M] [STEP, PADDING, DILATION, GROUP] [[T; OUT]; M]);
fused!(
    Conv2d [H, W, C, OUT, KH, KW, MH, MW] [SH, SW, PH, PW, DH, DW, GROUP] [[[T; OUT]; MW]; MH]
);
