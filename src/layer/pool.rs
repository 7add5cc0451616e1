//! Pooling.

use core::fmt;
use core::marker::PhantomData;

use super::fused::Fold;
use super::{Deltas, Layer, LayerTrace, Real, Samples};
use crate::activation::{Activation, Identity};
use crate::fingerprint::{fingerprint, size};
use crate::format::{Format, FormatValue, PoolFormat};
use crate::kernel::geometry::{Axis, Windows};
use crate::kernel::{chunks, chunks_mut, each_sample};
use crate::macros::{default_is_new, defmt_shows};
use crate::shape::Shape;
use crate::zero::Zero;

/// A pooling of inputs `X`, which can be [`Fused`](crate::Fused) with the convolution before it.
/// Implemented by the pooling layers.
///
/// ```
/// fn is_pooling<P: gradlet::Pools<[[f32; 4]; 6]>>() {}
/// is_pooling::<gradlet::MaxPool1d<6, 4, 2, 3>>();
/// ```
pub trait Pools<X>: Zero {
    #[doc(hidden)]
    type Kind: Fold;
    #[doc(hidden)]
    const WINDOWS: Windows;
}

/// What is computed of the numbers that one channel has in a window.
trait Pool {
    /// One number, from those of all taps; `count` is how many there are.
    fn forward<F: PoolFormat>(windows: Windows, count: u32, x: &[F::Value], y: &mut [F::Value]);
    /// Adds the derivatives by the numbers to `dx`; returns their scale.
    fn backward<F: PoolFormat>(
        windows: Windows,
        count: u32,
        values: (&[F::Value], &[F::Value]),
        deltas: (&[F::Sum], F::Scale),
        dx: &mut [F::Sum],
    ) -> F::Scale;
}

/// Calls `f` with each position of the windows, in order.
#[inline(always)]
fn each_position(windows: Windows, mut f: impl FnMut(usize, usize)) {
    for row in 0..windows.rows.output {
        for column in 0..windows.columns.output {
            f(row, column);
        }
    }
}

/// The numbers of a pixel.
#[inline(always)]
fn at<T>(all: &[T], pixel: usize) -> &[T] {
    all.get(pixel..).unwrap_or_default()
}

#[inline(always)]
fn at_mut<T>(all: &mut [T], pixel: usize) -> &mut [T] {
    all.get_mut(pixel..).unwrap_or_default()
}

/// The largest.
#[derive(Debug)]
pub struct Max;

impl Pool for Max {
    #[inline(always)]
    fn forward<F: PoolFormat>(windows: Windows, _: u32, x: &[F::Value], y: &mut [F::Value]) {
        let mut outputs = chunks_mut(y, windows.channels);
        each_position(windows, |row, column| {
            let Some(y) = outputs.next() else { return };
            y.fill(F::lowest());
            windows.taps_at(row, column, |pixel, _| {
                y.iter_mut().zip(at(x, pixel)).for_each(|(y, &x)| *y = F::larger(*y, x));
            });
        });
    }

    #[inline(always)]
    fn backward<F: PoolFormat>(
        windows: Windows,
        _: u32,
        (x, y): (&[F::Value], &[F::Value]),
        (d, scale): (&[F::Sum], F::Scale),
        dx: &mut [F::Sum],
    ) -> F::Scale {
        let mut outputs = chunks(y, windows.channels).zip(chunks(d, windows.channels));
        each_position(windows, |row, column| {
            let Some((y, d)) = outputs.next() else { return };
            for (c, (&y, &d)) in y.iter().zip(d).enumerate() {
                let mut found = false;
                windows.taps_at(row, column, |pixel, _| {
                    let place = pixel.wrapping_add(c);
                    if let (Some(&x), Some(dx)) = (x.get(place), dx.get_mut(place)) {
                        if !found && x >= y {
                            *dx = F::add(*dx, d);
                            found = true;
                        }
                    }
                });
            }
        });
        scale
    }
}

/// The mean.
#[derive(Debug)]
pub struct Mean;

impl Pool for Mean {
    #[inline(always)]
    fn forward<F: PoolFormat>(windows: Windows, count: u32, x: &[F::Value], y: &mut [F::Value]) {
        let mut outputs = chunks_mut(y, windows.channels);
        each_position(windows, |row, column| {
            let Some(y) = outputs.next() else { return };
            y.fill(Zero::ZERO);
            windows.taps_at(row, column, |pixel, _| {
                y.iter_mut().zip(at(x, pixel)).for_each(|(y, &x)| *y = F::plus(*y, x));
            });
            y.iter_mut().for_each(|y| *y = F::mean(*y, count));
        });
    }

    #[inline(always)]
    fn backward<F: PoolFormat>(
        windows: Windows,
        count: u32,
        _: (&[F::Value], &[F::Value]),
        (d, scale): (&[F::Sum], F::Scale),
        dx: &mut [F::Sum],
    ) -> F::Scale {
        let mut deltas = chunks(d, windows.channels);
        each_position(windows, |row, column| {
            let Some(d) = deltas.next() else { return };
            windows.taps_at(row, column, |pixel, _| {
                for (dx, &d) in at_mut(dx, pixel).iter_mut().zip(d) {
                    *dx = F::add(*dx, F::share(d, count));
                }
            });
        });
        F::share_scale(scale, count)
    }
}

/// The forward pass of a training step. The inputs are checked, as a maximum hides an infinite one.
#[inline(always)]
pub(crate) fn trace_all<F: Format, Y: Shape<Element = F::Value>, L, const N: usize>(
    layer: &L,
    inputs: [&L::Input; N],
    traces: [&mut LayerTrace<F, Y, Identity>; N],
) -> [F::Real; N]
where
    L: Layer<Format = F, Output = Y>,
    Identity: Activation<F>,
{
    let mut inputs = inputs.into_iter();
    traces.map(|trace| {
        let Some(input) = inputs.next() else { return Zero::ZERO };
        layer.logits(input, trace.output_mut());
        F::check_all(input.as_slice())
    })
}

/// Implements what layers without parameters have in common; their types say all.
macro_rules! without_parameters {
    ([$($generics:tt)*] $Name:ident $name:literal $Type:ty) => {
        impl<$($generics)*> $Type {
            /// The layer; all of it is in its type.
            #[must_use]
            pub const fn new() -> Self {
                Self { shape: PhantomData }
            }
        }

        impl<$($generics)*> Clone for $Type {
            fn clone(&self) -> Self {
                Self::new()
            }
        }

        impl<$($generics)*> PartialEq for $Type {
            fn eq(&self, _: &Self) -> bool {
                true
            }
        }

        impl<$($generics)*> fmt::Debug for $Type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($name)
            }
        }

        defmt_shows!([$($generics)*] $Type: |_, f| defmt::write!(f, $name));

        impl<$($generics)*> Zero for $Type {
            const ZERO: Self = Self::new();
        }

        default_is_new!([$($generics)*] $Type);
    };
}

pub(super) use without_parameters;

/// Defines a pooling layer.
macro_rules! pooling {
    (
        $(#[$doc:meta])*
        $Pool:ident $name:literal $Kind:ident [$($size:ident),+] [$($step:ident = $kernel:ident),+],
        input $Input:ty, output $Output:ty, rows $rows:expr, columns $columns:expr
    ) => {
        $(#[$doc])*
        pub struct $Pool<$(const $size: usize,)+ F = f32, $(const $step: usize = $kernel,)+> {
            shape: PhantomData<fn() -> F>,
        }

        without_parameters!(
            [$(const $size: usize,)+ F, $(const $step: usize),+]
            $Pool $name $Pool<$($size,)+ F, $($step),+>
        );

        impl<$(const $size: usize,)+ F, $(const $step: usize),+> $Pool<$($size,)+ F, $($step),+> {
            pub(super) const WINDOWS: Windows = {
                let (rows, columns) = ($rows, $columns);
                assert!(
                    C > 0 && rows.is_exact() && columns.is_exact(),
                    "the sizes of a pooling layer do not fit: its windows must cover the input to the \
                     last step or pixel"
                );
                Windows { rows, columns, channels: C, group: C }
            };
        }

        impl<$(const $size: usize,)+ F: PoolFormat, $(const $step: usize),+> Pools<$Input>
            for $Pool<$($size,)+ F, $($step),+>
        {
            type Kind = $Kind;
            const WINDOWS: Windows = Self::WINDOWS;
        }

        impl<$(const $size: usize,)+ F: PoolFormat, $(const $step: usize),+> Layer
            for $Pool<$($size,)+ F, $($step),+>
        where
            Identity: Activation<F>,
        {
            type Format = F;
            type Input = $Input;
            type Output = $Output;
            type Activation = Identity;
            type Trace = LayerTrace<F, $Output, Identity>;
            type Gradient = ();
            const MACS: usize = 0;
            const UNITS: usize = 1;
            const FINGERPRINT: u32 = fingerprint(
                $name,
                &[$(size($size),)+ $(size($step),)+ F::FINGERPRINT],
            );

            #[inline]
            fn logits(&self, input: &Self::Input, logits: &mut Self::Output) {
                let (x, y) = (Shape::as_slice(input), Shape::as_mut_slice(logits));
                $Kind::forward::<F>(Self::WINDOWS, Self::WINDOWS.count(), x, y);
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
                each_sample::<N, _>(gradients.into_iter().zip(samples.iter()), |(dx, (x, trace))| {
                    let values = (Shape::as_slice(x), Shape::as_slice(trace.output()));
                    let d = (Shape::as_slice(&trace.delta().values), trace.delta().scale);
                    let (dx, scale) = dx.parts();
                    dx.fill(Zero::ZERO);
                    let (windows, count) = (Self::WINDOWS, Self::WINDOWS.count());
                    *scale = $Kind::backward::<F>(windows, count, values, d, dx);
                });
            }
        }
    };
}

/// Defines the pooling of sequences and of images.
macro_rules! poolings {
    ($Kind:ident: $one:literal $(#[$doc_1d:meta])* $Pool1d:ident; $two:literal $(#[$doc_2d:meta])* $Pool2d:ident) => {
        pooling! {
            $(#[$doc_1d])*
            $Pool1d $one $Kind [L, C, K, M] [STEP = K],
            input [[F::Value; C]; L], output [[F::Value; C]; M],
            rows Axis::ONE,
            columns Axis { input: L, kernel: K, output: M, step: STEP, padding: 0, dilation: 1 }
        }
        pooling! {
            $(#[$doc_2d])*
            $Pool2d $two $Kind [H, W, C, KH, KW, MH, MW] [SH = KH, SW = KW],
            input [[[F::Value; C]; W]; H], output [[[F::Value; C]; MW]; MH],
            rows Axis { input: H, kernel: KH, output: MH, step: SH, padding: 0, dilation: 1 },
            columns Axis { input: W, kernel: KW, output: MW, step: SW, padding: 0, dilation: 1 }
        }
    };
}

poolings! { Max:
    "MaxPool1d"
    /// Max pooling of a sequence: for each channel the largest of `K` steps, at `M` positions.
    ///
    /// `y[m][c] = max over k of x[m STEP + k][c]`, from `[L][C]` to `[M][C]`, as
    /// `torch.nn.MaxPool1d`; windows that are `STEP` apart, `K` unless given, must cover the sequence
    /// to its end. The derivative goes to the largest, the first if there are several. NaN stays NaN.
    ///
    /// ```
    /// use gradlet::prelude::*;
    ///
    /// let layer = MaxPool1d::<4, 1, 2, 2>::new();
    /// assert_eq!(layer.forward(&[[1.0], [3.0], [-2.0], [-5.0]]), [[3.0], [-2.0]]);
    /// ```
    MaxPool1d;
    "MaxPool2d"
    /// Max pooling of an image: for each channel the largest of `KH` by `KW` pixels, at `MH` by `MW`
    /// positions, which are `SH` and `SW` apart; from `[H][W][C]` to `[MH][MW][C]`, as
    /// `torch.nn.MaxPool2d`. The rest is as in [`MaxPool1d`].
    ///
    /// ```
    /// use gradlet::prelude::*;
    ///
    /// let layer = MaxPool2d::<2, 4, 1, 2, 2, 1, 2>::new();
    /// let image = [[[1.0], [3.0], [0.0], [0.0]], [[2.0], [4.0], [0.0], [5.0]]];
    /// assert_eq!(layer.forward(&image), [[[4.0], [5.0]]]);
    /// ```
    MaxPool2d
}

poolings! { Mean:
    "MeanPool1d"
    /// Mean pooling (average pooling) of a sequence: for each channel the mean of `K` steps, at `M`
    /// positions.
    ///
    /// `y[m][c] = 1/K sum over k of x[m STEP + k][c]`, from `[L][C]` to `[M][C]`, as
    /// `torch.nn.AvgPool1d`; windows that are `STEP` apart, `K` unless given, must cover the sequence
    /// to its end.
    ///
    /// ```
    /// use gradlet::prelude::*;
    ///
    /// let layer = MeanPool1d::<4, 1, 2, 2>::new();
    /// assert_eq!(layer.forward(&[[1.0], [3.0], [-2.0], [-5.0]]), [[2.0], [-3.5]]);
    /// ```
    MeanPool1d;
    "MeanPool2d"
    /// Mean pooling (average pooling) of an image: for each channel the mean of `KH` by `KW` pixels,
    /// at `MH` by `MW` positions, which are `SH` and `SW` apart; from `[H][W][C]` to `[MH][MW][C]`, as
    /// `torch.nn.AvgPool2d`.
    ///
    /// ```
    /// use gradlet::prelude::*;
    ///
    /// let layer = MeanPool2d::<2, 2, 1, 2, 2, 1, 1>::new();
    /// assert_eq!(layer.forward(&[[[1.0], [3.0]], [[2.0], [4.0]]]), [[[2.5]]]);
    /// ```
    MeanPool2d
}

/// Defines a pooling layer over all steps of a sequence, or all pixels of an image.
macro_rules! global {
    ($(#[$doc:meta])* $Global:ident $name:literal $Kind:ident) => {
        $(#[$doc])*
        pub struct $Global<X> {
            shape: PhantomData<fn() -> X>,
        }

        without_parameters!([X] $Global $name $Global<X>);

        global!(@ $Global $name $Kind [L] [[V; C]; L], Axis::ONE, Axis::covered(L));
        global!(@ $Global $name $Kind [W H] [[[V; C]; W]; H], Axis::covered(H), Axis::covered(W));
    };
    (@ $Global:ident $name:literal $Kind:ident [$($n:ident)+] $X:ty, $rows:expr, $columns:expr) => {
        impl<V: FormatValue, const C: usize, $(const $n: usize),+> Pools<$X> for $Global<$X> {
            type Kind = $Kind;
            const WINDOWS: Windows = covered::<C>($rows, $columns);
        }

        impl<V, const C: usize, $(const $n: usize),+> Layer for $Global<$X>
        where
            V: FormatValue<Format: PoolFormat>,
            Identity: Activation<V::Format>,
        {
            type Format = V::Format;
            type Input = $X;
            type Output = [V; C];
            type Activation = Identity;
            type Trace = LayerTrace<V::Format, [V; C], Identity>;
            type Gradient = ();
            const MACS: usize = 0;
            const UNITS: usize = 1;
            const FINGERPRINT: u32 =
                fingerprint($name, &[size(C), $(size($n),)+ V::Format::FINGERPRINT]);

            #[inline]
            fn logits(&self, input: &$X, logits: &mut [V; C]) {
                let windows = covered::<C>($rows, $columns);
                $Kind::forward::<V::Format>(windows, windows.count(), Shape::as_slice(input), logits);
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
                let windows = covered::<C>($rows, $columns);
                each_sample::<N, _>(gradients.into_iter().zip(samples.iter()), |(dx, (x, trace))| {
                    let values = (Shape::as_slice(x), trace.output().as_slice());
                    let d = (trace.delta().values.as_slice(), trace.delta().scale);
                    let (dx, scale) = dx.parts();
                    dx.fill(Zero::ZERO);
                    *scale =
                        $Kind::backward::<V::Format>(windows, windows.count(), values, d, dx);
                });
            }
        }
    };
}

/// One window over everything.
const fn covered<const C: usize>(rows: Axis, columns: Axis) -> Windows {
    const { assert!(C > 0, "a pooling layer without channels") };
    Windows { rows, columns, channels: C, group: C }
}

global! {
    /// Mean over all steps of a sequence, or all pixels of an image: one number for each channel.
    ///
    /// `y[c] = 1/L sum over l of x[l][c]`; `X` is the shape of the input, `[[T; C]; L]` or
    /// `[[[T; C]; W]; H]`. As `torch.nn.AdaptiveAvgPool1d(1)`, flattened.
    ///
    /// ```
    /// use gradlet::prelude::*;
    ///
    /// let layer = GlobalMean::<[[f32; 2]; 2]>::new();
    /// assert_eq!(layer.forward(&[[1.0, 4.0], [2.0, 8.0]]), [1.5, 6.0]);
    /// ```
    GlobalMean "GlobalMean" Mean
}

global! {
    /// Maximum over all steps of a sequence, or all pixels of an image: one number for each channel.
    ///
    /// `y[c] = max over l of x[l][c]`; `X` is the shape of the input, `[[T; C]; L]` or
    /// `[[[T; C]; W]; H]`. The derivative goes to the largest, the first if there are several. As
    /// `torch.nn.AdaptiveMaxPool1d(1)`, flattened.
    ///
    /// ```
    /// use gradlet::prelude::*;
    ///
    /// let layer = GlobalMax::<[[f32; 2]; 2]>::new();
    /// assert_eq!(layer.forward(&[[1.0, 9.0], [2.0, 8.0]]), [2.0, 9.0]);
    /// ```
    GlobalMax "GlobalMax" Max
}

/// Calls a macro with the generics, the type and the name of each layer without parameters, for
/// modules that implement a trait for all of them.
macro_rules! layers_without_parameters {
    ($do:ident) => {
        $do!([const L: usize, const C: usize, const K: usize, const M: usize, T, const STEP: usize]
            $crate::MaxPool1d<L, C, K, M, T, STEP>, "MaxPool1d");
        $do!([const L: usize, const C: usize, const K: usize, const M: usize, T, const STEP: usize]
            $crate::MeanPool1d<L, C, K, M, T, STEP>, "MeanPool1d");
        $do!([const H: usize, const W: usize, const C: usize, const KH: usize, const KW: usize,
            const MH: usize, const MW: usize, T, const SH: usize, const SW: usize]
            $crate::MaxPool2d<H, W, C, KH, KW, MH, MW, T, SH, SW>, "MaxPool2d");
        $do!([const H: usize, const W: usize, const C: usize, const KH: usize, const KW: usize,
            const MH: usize, const MW: usize, T, const SH: usize, const SW: usize]
            $crate::MeanPool2d<H, W, C, KH, KW, MH, MW, T, SH, SW>, "MeanPool2d");
        $do!([X] $crate::GlobalMean<X>, "GlobalMean");
        $do!([X] $crate::GlobalMax<X>, "GlobalMax");
        $do!([X] $crate::LastStep<X>, "LastStep");
        $do!([X, const N: usize] $crate::Flatten<X, N>, "Flatten");
        $do!([X, const N: usize] $crate::FlattenChannelsLast<X, N>, "FlattenChannelsLast");
    };
}
pub(crate) use layers_without_parameters;
