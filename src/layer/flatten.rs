//! Layers that turn sequences and images into vectors.

use core::fmt;
use core::marker::PhantomData;

use super::pool::{trace_all, without_parameters};
use super::{Deltas, Layer, LayerTrace, Real, Samples};
use crate::activation::{Activation, Identity};
use crate::fingerprint::{fingerprint, size};
use crate::format::{Format, FormatValue};
use crate::kernel::{chunks, chunks_mut, each_sample};
use crate::macros::{default_is_new, defmt_shows};
use crate::shape::Shape;
use crate::zero::Zero;

/// The last step of a sequence: a vector with a number for each channel.
///
/// `y[c] = x[L - 1][c]`; `X` is the shape of the input, `[[T; C]; L]`. Behind causal convolutions it
/// is the answer to the newest step, so a network that ends in `LastStep` and dense layers is trained
/// on windows, and then used as a [stream](crate::Streaming). The other steps have no derivative.
///
/// ```
/// use gradlet::prelude::*;
///
/// let layer = LastStep::<[[f32; 2]; 3]>::new();
/// assert_eq!(layer.forward(&[[1.0, 9.0], [2.0, 8.0], [3.0, 7.0]]), [3.0, 7.0]);
/// ```
pub struct LastStep<X> {
    shape: PhantomData<fn() -> X>,
}

without_parameters!([X] LastStep "LastStep" LastStep<X>);

impl<V: FormatValue, const C: usize, const L: usize> Layer for LastStep<[[V; C]; L]>
where
    Identity: Activation<V::Format>,
{
    type Format = V::Format;
    type Input = [[V; C]; L];
    type Output = [V; C];
    type Activation = Identity;
    type Trace = LayerTrace<V::Format, [V; C], Identity>;
    type Gradient = ();
    const MACS: usize = 0;
    const UNITS: usize = 1;
    const FINGERPRINT: u32 = fingerprint("LastStep", &[size(C), size(L), V::Format::FINGERPRINT]);

    #[inline]
    fn logits(&self, input: &Self::Input, logits: &mut [V; C]) {
        const { assert!(L > 0, "a sequence without steps has no last one") };
        if let Some(last) = input.last() {
            *logits = *last;
        }
    }

    #[inline]
    fn forward_trace<const N: usize>(
        &self,
        inputs: [&Self::Input; N],
        traces: [&mut Self::Trace; N],
    ) -> [Real<Self>; N] {
        trace_all(self, inputs, traces)
    }

    #[inline]
    fn input_gradient<const N: usize>(
        &self,
        samples: Samples<'_, Self, N>,
        gradients: Deltas<'_, Self, N>,
    ) {
        each_sample::<N, _>(gradients.into_iter().zip(samples.traces), |(dx, trace)| {
            dx.scale = trace.delta().scale;
            let dx: &mut [[_; C]] = &mut dx.values;
            dx.as_flattened_mut().fill(Zero::ZERO);
            if let Some(last) = dx.last_mut() {
                *last = trace.delta().values;
            }
        });
    }
}

/// Defines a layer that flattens; `$place` is the index in the vector of the channel `c` of the step
/// or pixel `l`, of `steps`.
macro_rules! flatten {
    (
        $(#[$doc:meta])*
        $Flatten:ident $name:literal |$c:ident, $l:ident, $steps:ident, $channels:ident| $place:expr
    ) => {
        $(#[$doc])*
        pub struct $Flatten<X, const N: usize> {
            shape: PhantomData<fn() -> X>,
        }

        without_parameters!([X, const N: usize] $Flatten $name $Flatten<X, N>);

        impl<X, const N: usize> $Flatten<X, N> {
            /// The index in the vector.
            #[inline(always)]
            #[allow(clippy::arithmetic_side_effects, reason = "indices of an array in memory")]
            pub(crate) fn place($l: usize, $c: usize, $steps: usize, $channels: usize) -> usize {
                $place
            }
        }

        flatten!(@ $Flatten $name [L] [[V; C]; L]);
        flatten!(@ $Flatten $name [W H] [[[V; C]; W]; H]);
    };
    (@ $Flatten:ident $name:literal [$($n:ident)+] $X:ty) => {
        impl<V: FormatValue, const C: usize, $(const $n: usize,)+ const N: usize> Layer
            for $Flatten<$X, N>
        where
            Identity: Activation<V::Format>,
        {
            type Format = V::Format;
            type Input = $X;
            type Output = [V; N];
            type Activation = Identity;
            type Trace = LayerTrace<V::Format, [V; N], Identity>;
            type Gradient = ();
            const MACS: usize = 0;
            const UNITS: usize = 1;
            const FINGERPRINT: u32 =
                fingerprint($name, &[size(C), $(size($n),)+ V::Format::FINGERPRINT]);

            #[inline]
            fn logits(&self, input: &$X, logits: &mut [V; N]) {
                const { assert!(<$X as Shape>::LEN == N, "the vector has another length") };
                let steps = chunks(Shape::as_slice(input), C);
                for (l, step) in steps.enumerate() {
                    for (c, &x) in step.iter().enumerate() {
                        if let Some(y) = logits.get_mut(Self::place(l, c, 1 $(* $n)+, C)) {
                            *y = x;
                        }
                    }
                }
            }

            #[inline]
            fn input_gradient<const K: usize>(
                &self,
                samples: Samples<'_, Self, K>,
                gradients: Deltas<'_, Self, K>,
            ) {
                each_sample::<K, _>(gradients.into_iter().zip(samples.traces), |(dx, trace)| {
                    dx.scale = trace.delta().scale;
                    let dx = chunks_mut(Shape::as_mut_slice(&mut dx.values), C);
                    for (l, step) in dx.enumerate() {
                        for (c, dx) in step.iter_mut().enumerate() {
                            let d = trace.delta().values.get(Self::place(l, c, 1 $(* $n)+, C));
                            *dx = d.copied().unwrap_or(Zero::ZERO);
                        }
                    }
                });
            }
        }
    };
}

flatten! {
    /// Turns a sequence or an image into a vector, channel by channel: the order of PyTorch, whose
    /// `nn.Flatten` sees the channels first. So the `nn.Linear` behind it loads as it is.
    ///
    /// `y[c L + l] = x[l][c]`, from `X`, which is `[[T; C]; L]` or `[[[T; C]; W]; H]`, to `[T; N]`.
    ///
    /// ```
    /// use gradlet::prelude::*;
    ///
    /// let layer = Flatten::<[[f32; 2]; 3], 6>::new();
    /// assert_eq!(layer.forward(&[[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]]), [
    ///     1.0, 2.0, 3.0, 10.0, 20.0, 30.0
    /// ]);
    /// ```
    Flatten "Flatten" |c, l, steps, _channels| c * steps + l
}

flatten! {
    /// Turns a sequence or an image into a vector, step by step or pixel by pixel: the order of
    /// memory, and of Keras, whose `Flatten` sees the channels last.
    ///
    /// `y[l C + c] = x[l][c]`, from `X`, which is `[[T; C]; L]` or `[[[T; C]; W]; H]`, to `[T; N]`.
    ///
    /// ```
    /// use gradlet::prelude::*;
    ///
    /// let layer = FlattenChannelsLast::<[[f32; 2]; 3], 6>::new();
    /// assert_eq!(layer.forward(&[[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]]), [
    ///     1.0, 10.0, 2.0, 20.0, 3.0, 30.0
    /// ]);
    /// ```
    FlattenChannelsLast "FlattenChannelsLast" |c, l, _steps, channels| l * channels + c
}
