//! Convolutions of sequences and images.

use core::fmt;
use core::marker::PhantomData;

use super::norm::{self, FoldNorm};
use super::{Deltas, Layer, LayerTrace, Samples};
use crate::activation::{Activation, Identity};
use crate::fingerprint::{fingerprint, size};
use crate::format::Format;
use crate::gradient::GradientVisitor;
use crate::kernel::geometry::{Axis, Of, Windowed, Windows};
use crate::kernel::windows::Gradient;
use crate::kernel::{columns_mut, each_sample};
use crate::scalar::Scalar;
use crate::shape::Shape;
use crate::tensors;
use crate::tensors::Kind;
use crate::zero::Zero;

/// Defines a convolution, whose tensors and windows depend on the number of dimensions.
macro_rules! convolution {
    (
        $(#[$doc:meta])*
        $Conv:ident $name:literal [$($size:ident),+] [$($option:ident = $default:tt),+],
        input $Input:ty, output $Output:ty,
        weights $Weights:ty [$($shape:ident),+] $(in [$($axis:literal),+])?,
        rows $rows:expr, columns $columns:expr
    ) => {
        $(#[$doc])*
        pub struct $Conv<
            $(const $size: usize,)+
            A,
            F: Format = f32,
            $(const $option: usize = $default,)+
        > {
            weights: $Weights,
            bias: [F::Weight; OUT],
            activation: PhantomData<A>,
        }

        impl<$(const $size: usize,)+ A: Activation<F>, F: Format, $(const $option: usize),+>
            $Conv<$($size,)+ A, F, $($option),+>
        {
            /// The windows, if the sizes fit.
            pub(super) const WINDOWS: Windows = {
                let (rows, columns) = ($rows, $columns);
                assert!(
                    rows.is_valid() && columns.is_valid(),
                    "the sizes of a convolution do not fit: the kernel must not be longer than the \
                     padded input, and each position of the output must see some of the input"
                );
                assert!(
                    GROUP > 0 && C % GROUP == 0 && OUT > 0 && OUT % (C / GROUP) == 0,
                    "the number of groups, C / GROUP, must divide the channels of input and output"
                );
                assert!(OUT >= A::MIN_OUTPUTS, "too few outputs: `Softmax` needs 2, others 1");
                Windows { rows, columns, channels: C, group: GROUP }
            };

            /// From weights in memory order, which is the reverse of PyTorch's; `bias` has one for
            /// each output channel.
            #[must_use]
            pub const fn new(weights: $Weights, bias: [F::Weight; OUT]) -> Self {
                let _ = Self::WINDOWS;
                Self { weights, bias, activation: PhantomData }
            }

            /// The weights, in memory order.
            #[must_use]
            pub const fn weights(&self) -> &$Weights {
                &self.weights
            }

            /// The weights, mutable.
            #[must_use]
            pub const fn weights_mut(&mut self) -> &mut $Weights {
                &mut self.weights
            }

            /// The biases, one for each output channel.
            #[must_use]
            pub const fn bias(&self) -> &[F::Weight; OUT] {
                &self.bias
            }

            /// The biases, mutable.
            #[must_use]
            pub const fn bias_mut(&mut self) -> &mut [F::Weight; OUT] {
                &mut self.bias
            }
        }

        impl<$(const $size: usize,)+ A: Activation<F>, F: Format, $(const $option: usize),+> Windowed
            for $Conv<$($size,)+ A, F, $($option),+>
        {
            const WINDOWS: Windows = Self::WINDOWS;
        }

        impl<$(const $size: usize,)+ A, F, $(const $option: usize),+> Clone
            for $Conv<$($size,)+ A, F, $($option),+>
        where
            F: Format<Weight: Clone>,
        {
            fn clone(&self) -> Self {
                let Self { weights, bias, .. } = self;
                Self { weights: *weights, bias: *bias, activation: PhantomData }
            }
        }

        impl<$(const $size: usize,)+ A, F, $(const $option: usize),+> PartialEq
            for $Conv<$($size,)+ A, F, $($option),+>
        where
            F: Format<Weight: PartialEq>,
        {
            fn eq(&self, other: &Self) -> bool {
                self.weights == other.weights && self.bias == other.bias
            }
        }

        impl<$(const $size: usize,)+ A, F, $(const $option: usize),+> fmt::Debug
            for $Conv<$($size,)+ A, F, $($option),+>
        where
            F: Format<Weight: fmt::Debug>,
        {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let Self { weights, bias, .. } = self;
                f.debug_struct($name).field("weights", weights).field("bias", bias).finish()
            }
        }

        #[cfg(feature = "defmt")]
        impl<$(const $size: usize,)+ A, F, $(const $option: usize),+> defmt::Format
            for $Conv<$($size,)+ A, F, $($option),+>
        where
            F: Format<Weight: defmt::Format>,
        {
            fn format(&self, f: defmt::Formatter<'_>) {
                let Self { weights, bias, .. } = self;
                defmt::write!(f, "{} {{ weights: {}, bias: {} }}", $name, weights, bias);
            }
        }

        impl<$(const $size: usize,)+ A: Activation<F>, F: Format, $(const $option: usize),+> Zero
            for $Conv<$($size,)+ A, F, $($option),+>
        {
            const ZERO: Self = Self::new(Zero::ZERO, Zero::ZERO);
        }

        /// Zeros: weights in front of other layers need random values before training, as those of
        /// `init`.
        impl<$(const $size: usize,)+ A: Activation<F>, F: Format, $(const $option: usize),+> Default
            for $Conv<$($size,)+ A, F, $($option),+>
        {
            fn default() -> Self {
                Self::ZERO
            }
        }

        impl<$(const $size: usize,)+ A: Activation<T>, T: Scalar, $(const $option: usize),+>
            FoldNorm<OUT, A> for $Conv<$($size,)+ Identity, T, $($option),+>
        {
            type Folded = $Conv<$($size,)+ A, T, $($option),+>;

            fn fold_norm(
                &self,
                mean: &[T; OUT],
                factor: &[T; OUT],
                offset: &[T; OUT],
            ) -> Self::Folded {
                let (mut weights, mut bias) = (self.weights.clone(), self.bias);
                norm::fold(weights.rows_mut(), &mut bias, mean, factor, offset);
                $Conv::new(weights, bias)
            }
        }

        impl<$(const $size: usize,)+ A: Activation<F>, F: Format, $(const $option: usize),+> Layer
            for $Conv<$($size,)+ A, F, $($option),+>
        {
            type Format = F;
            type Input = $Input;
            type Output = $Output;
            type Activation = A;
            type Trace = LayerTrace<F, $Output, A>;
            type Gradient = Self;
            const MACS: usize = Self::WINDOWS.macs(OUT);
            const FINGERPRINT: u32 = fingerprint($name, &[
                $(size($size),)+ $(size($option),)+ A::FINGERPRINT, F::FINGERPRINT,
            ]);

            tensors! {
                weights: Weight "weight" [$($shape),+] $(in [$($axis),+])?,
                bias: Bias "bias" [OUT],
            }

            #[inline]
            fn logits(&self, input: &Self::Input, logits: &mut Self::Output) {
                let Self { weights, bias, .. } = self;
                let (x, y) = (Shape::as_slice(input), logits.rows_mut());
                F::affine_of_windows(Of(PhantomData::<Self>), weights.rows(), bias, x, y);
            }

            #[inline]
            fn forward_trace<const N: usize>(
                &self,
                inputs: [&Self::Input; N],
                traces: [&mut Self::Trace; N],
            ) -> [F::Real; N] {
                let mut inputs = inputs.into_iter();
                traces.map(|trace| {
                    let Some(input) = inputs.next() else { return Zero::ZERO };
                    let logits = trace.output_mut();
                    self.logits(input, logits);
                    let (x, logits) = (Shape::as_slice(input), Shape::as_slice(logits));
                    F::check_windows(self.weights.rows(), x, logits)
                })
            }

            #[inline]
            fn input_gradient<const N: usize>(
                &self,
                samples: Samples<'_, Self, N>,
                gradients: Deltas<'_, Self, N>,
            ) {
                each_sample::<N, _>(gradients.into_iter().zip(samples.traces), |(dx, trace)| {
                    dx.scale = F::back_scale(trace.delta().scale);
                    let (dx, d) = (Shape::as_mut_slice(&mut dx.values), trace.delta().values.rows());
                    F::input_gradient_of_windows(Of(PhantomData::<Self>), self.weights.rows(), d, dx);
                });
            }

            #[inline]
            fn gradient<const P: usize, const S: usize, const N: usize>(
                mut nets: [&mut Self; P],
                mut state: [&mut Self; S],
                samples: Samples<'_, Self, N>,
                visitor: &mut impl GradientVisitor<F, P, S>,
            ) {
                each_sample::<N, _>(samples.iter(), |(input, trace)| {
                    let (x, d) = (Shape::as_slice(input), trace.delta().values.rows());
                    let mut weights = ToVisitor {
                        nets: nets.each_mut().map(|n| &mut n.weights),
                        state: state.each_mut().map(|s| &mut s.weights),
                        visitor: &mut *visitor,
                        scale: F::product_scale(trace.delta().scale),
                    };
                    let bias =
                        F::gradient_of_windows(Of(PhantomData::<Self>), x, d, &mut weights);
                    visitor.vector(
                        Kind::Bias,
                        nets.each_mut().map(|n| n.bias.as_mut_slice()),
                        state.each_mut().map(|s| s.bias.as_mut_slice()),
                        &bias,
                        trace.delta().scale,
                    );
                });
            }
        }
    };
}

/// An array as rows of `N` numbers.
pub trait Rows<T, const N: usize> {
    /// The rows.
    fn rows(&self) -> &[[T; N]];
    /// The rows, mutable.
    fn rows_mut(&mut self) -> &mut [[T; N]];
}

macro_rules! rows {
    ([$($n:ident)+] $Array:ty, $($as_flattened:ident $as_flattened_mut:ident)*) => {
        impl<T, const N: usize, $(const $n: usize),+> Rows<T, N> for $Array {
            #[inline(always)]
            fn rows(&self) -> &[[T; N]] {
                self.as_slice()$(.$as_flattened())*
            }
            #[inline(always)]
            fn rows_mut(&mut self) -> &mut [[T; N]] {
                self.as_mut_slice()$(.$as_flattened_mut())*
            }
        }
    };
}
rows!([A] [[T; N]; A],);
rows!([A B] [[[T; N]; A]; B], as_flattened as_flattened_mut);
rows!([A B C] [[[[T; N]; A]; B]; C],
    as_flattened as_flattened_mut as_flattened as_flattened_mut);

/// No rows.
impl<T, const N: usize> Rows<T, N> for () {
    #[inline(always)]
    fn rows(&self) -> &[[T; N]] {
        &[]
    }
    #[inline(always)]
    fn rows_mut(&mut self) -> &mut [[T; N]] {
        &mut []
    }
}

/// Gives the gradient of weights to a visitor.
pub(super) struct ToVisitor<'a, F: Format, W, V, const P: usize, const S: usize> {
    /// The weights of the networks.
    pub(super) nets: [&'a mut W; P],
    /// The same of the states.
    pub(super) state: [&'a mut W; S],
    pub(super) visitor: &'a mut V,
    /// That of the gradient.
    pub(super) scale: F::Scale,
}

impl<F, W, V, const P: usize, const S: usize, const OUT: usize> Gradient<F::Sum, OUT>
    for ToVisitor<'_, F, W, V, P, S>
where
    F: Format,
    W: Rows<F::Weight, OUT>,
    V: GradientVisitor<F, P, S>,
{
    const IN_PARTS: bool = V::IN_ANY_ORDER;

    #[inline(always)]
    fn part<const N: usize>(&mut self, row: usize, column: usize, part: [F::Sum; N]) {
        self.visitor.few(
            Kind::Weight,
            self.nets.each_mut().map(|w| part_mut::<N, _, OUT>(*w, row, column)),
            self.state.each_mut().map(|w| part_mut::<N, _, OUT>(*w, row, column)),
            part,
            self.scale,
        );
    }

    #[inline(always)]
    fn rows(&mut self, first: usize, rows: &[[F::Sum; OUT]]) {
        self.visitor.vector(
            Kind::Weight,
            self.nets.each_mut().map(|w| some_mut(*w, first, rows)),
            self.state.each_mut().map(|w| some_mut(*w, first, rows)),
            rows.as_flattened(),
            self.scale,
        );
    }
}

/// The `N` elements of a row from this column on.
#[inline(always)]
pub(super) fn part_mut<const N: usize, T, const OUT: usize>(
    weights: &mut impl Rows<T, OUT>,
    row: usize,
    column: usize,
) -> &mut [T] {
    let part = weights.rows_mut().get_mut(row).and_then(|row| columns_mut::<_, N>(row, column));
    part.map_or(&mut [], |part| part.as_mut_slice())
}

/// As many rows as `like` has, from `first` on, as one slice.
#[inline(always)]
fn some_mut<'a, T, G, const N: usize>(
    weights: &'a mut impl Rows<T, N>,
    first: usize,
    like: &[[G; N]],
) -> &'a mut [T] {
    let rows = weights.rows_mut().get_mut(first..).unwrap_or_default();
    rows.get_mut(..like.len()).unwrap_or_default().as_flattened_mut()
}

convolution! {
    /// Convolution of a sequence: a window of `K` steps moves along `L` steps, and has `OUT` outputs
    /// at each of its `M` positions.
    ///
    /// `y[m][o] = A(sum over k, c of w[k][c][o] x[m STEP + k DILATION - PADDING][c] + b[o])`, as
    /// `torch.nn.Conv1d`. Outside of the sequence, `x` is 0.
    ///
    /// | name | shape             | meaning                                    |
    /// |------|-------------------|--------------------------------------------|
    /// | `x`  | `[L][C]`          | input: `L` steps with `C` channels         |
    /// | `w`  | `[K][GROUP][OUT]` | weights; [`from_filters`](Self::from_filters) takes `[OUT][GROUP][K]` |
    /// | `b`  | `[OUT]`           | biases                                     |
    /// | `y`  | `[M][OUT]`        | output                                     |
    ///
    /// `STEP` is the distance between two positions (stride), `PADDING` the number of zeros before
    /// the first step, `DILATION` the distance between two steps of the window, and `GROUP` how many
    /// channels an output sees: all of them by default. With `GROUP = C / G` there are `G` groups of
    /// channels, and each sees the outputs of its own group only; with 1, the convolution is
    /// depthwise. `M` says how many positions there are; zeros behind the last step are as many as
    /// they need. [`net!`](crate::net) works out `M` and `PADDING`:
    ///
    /// | padding | `PADDING` | `M` |
    /// |---------|-----------|-----|
    /// | none    | 0         | `(L - (K - 1) DILATION - 1) / STEP + 1` |
    /// | same    | half of what is needed | `L / STEP`, rounded up |
    /// | causal  | `(K - 1) DILATION` | `L / STEP`, rounded up |
    ///
    /// A sum adds its products in the order of steps, then channels, and the bias last. Sizes that do
    /// not fit do not compile.
    ///
    /// ```
    /// use gradlet::prelude::*;
    ///
    /// // 1 channel, 1 filter that subtracts a step from the next one.
    /// type Difference = Conv1d<4, 1, 1, 2, 3, Identity>;
    /// static LAYER: Difference = Conv1d::from_filters([[[-1.0, 1.0]]], [0.0]);
    /// assert_eq!(LAYER.forward(&[[1.0], [2.0], [4.0], [4.0]]), [[1.0], [2.0], [0.0]]);
    /// ```
    Conv1d "Conv1d" [L, C, OUT, K, M] [STEP = 1, PADDING = 0, DILATION = 1, GROUP = C],
    input [[F::Value; C]; L], output [[F::Value; OUT]; M],
    weights [[[F::Weight; OUT]; GROUP]; K] [OUT, GROUP, K],
    rows Axis::ONE,
    columns Axis {
        input: L, kernel: K, output: M, step: STEP, padding: PADDING, dilation: DILATION
    }
}

convolution! {
    /// Convolution of an image: a window of `KH` by `KW` pixels moves over `H` by `W` pixels, and has
    /// `OUT` outputs at each of its `MH` by `MW` positions.
    ///
    /// `y[i][j][o] = A(sum over m, n, c of w[m][n][c][o] x[i SH + m DH - PH][j SW + n DW - PW][c] +
    /// b[o])`, as `torch.nn.Conv2d`. Outside of the image, `x` is 0.
    ///
    /// | name | shape                  | meaning                                    |
    /// |------|------------------------|--------------------------------------------|
    /// | `x`  | `[H][W][C]`            | input: `H` rows of `W` pixels with `C` channels |
    /// | `w`  | `[KH][KW][GROUP][OUT]` | weights; [`from_filters`](Self::from_filters) takes `[OUT][GROUP][KH][KW]` |
    /// | `b`  | `[OUT]`                | biases                                     |
    /// | `y`  | `[MH][MW][OUT]`        | output                                     |
    ///
    /// `SH` and `SW` are the distances between two positions (stride), `PH` and `PW` the zeros above
    /// and to the left, `DH` and `DW` the distances between two pixels of the window; the rest is as
    /// in [`Conv1d`].
    ///
    /// ```
    /// use gradlet::prelude::*;
    ///
    /// // 3 x 3 pixels of 1 channel; the sum of each 2 x 2.
    /// type Sums = Conv2d<3, 3, 1, 1, 2, 2, 2, 2, Identity>;
    /// static LAYER: Sums = Conv2d::from_filters([[[[1.0; 2]; 2]]], [0.0]);
    /// let image = [[[1.0], [2.0], [3.0]], [[4.0], [5.0], [6.0]], [[7.0], [8.0], [9.0]]];
    /// assert_eq!(LAYER.forward(&image), [[[12.0], [16.0]], [[24.0], [28.0]]]);
    /// ```
    Conv2d "Conv2d" [H, W, C, OUT, KH, KW, MH, MW]
        [SH = 1, SW = 1, PH = 0, PW = 0, DH = 1, DW = 1, GROUP = C],
    input [[[F::Value; C]; W]; H], output [[[F::Value; OUT]; MW]; MH],
    weights [[[[F::Weight; OUT]; GROUP]; KW]; KH] [OUT, GROUP, KH, KW] in [2, 3, 1, 0],
    rows Axis { input: H, kernel: KH, output: MH, step: SH, padding: PH, dilation: DH },
    columns Axis { input: W, kernel: KW, output: MW, step: SW, padding: PW, dilation: DW }
}

/// [`Conv2d`] in which each channel has filters of its own: an output sees one channel, as
/// `torch.nn.Conv2d` with `groups` equal to the channels. With `OUT = C` it has the shortest loops.
///
/// ```
/// use gradlet::prelude::*;
///
/// // 1 row of 3 pixels with 2 channels; the first is summed, the second subtracted.
/// type Layer2 = DepthwiseConv2d<1, 3, 2, 2, 1, 2, 1, 2, Identity>;
/// static LAYER: Layer2 = Conv2d::from_filters([[[[1.0, 1.0]]], [[[-1.0, 1.0]]]], [0.0; 2]);
/// let image = [[[1.0, 10.0], [2.0, 20.0], [3.0, 40.0]]];
/// assert_eq!(LAYER.forward(&image), [[[3.0, 10.0], [5.0, 20.0]]]);
/// ```
pub type DepthwiseConv2d<
    const H: usize,
    const W: usize,
    const C: usize,
    const OUT: usize,
    const KH: usize,
    const KW: usize,
    const MH: usize,
    const MW: usize,
    A,
    F = f32,
    const SH: usize = 1,
    const SW: usize = 1,
    const PH: usize = 0,
    const PW: usize = 0,
> = Conv2d<H, W, C, OUT, KH, KW, MH, MW, A, F, SH, SW, PH, PW, 1, 1, 1>;

#[allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "const functions have no iterators; the bounds are in the types"
)]
mod filters {
    use super::*;

    impl<
        const L: usize,
        const C: usize,
        const OUT: usize,
        const K: usize,
        const M: usize,
        A: Activation<F>,
        F: Format,
        const STEP: usize,
        const PADDING: usize,
        const DILATION: usize,
        const GROUP: usize,
    > Conv1d<L, C, OUT, K, M, A, F, STEP, PADDING, DILATION, GROUP>
    {
        /// From one filter for each output channel: `filters[o][c][k]`, as in PyTorch.
        #[must_use]
        pub const fn from_filters(
            filters: [[[F::Weight; K]; GROUP]; OUT],
            bias: [F::Weight; OUT],
        ) -> Self {
            let mut weights = [[[F::Weight::ZERO; OUT]; GROUP]; K];
            let mut at = 0;
            while at < OUT * GROUP * K {
                let (o, c, k) = (at / K / GROUP, at / K % GROUP, at % K);
                weights[k][c][o] = filters[o][c][k];
                at += 1;
            }
            Self::new(weights, bias)
        }

        /// One filter for each output channel: `filters[o][c][k]`, as in PyTorch.
        #[must_use]
        pub const fn filters(&self) -> [[[F::Weight; K]; GROUP]; OUT] {
            let mut filters = [[[F::Weight::ZERO; K]; GROUP]; OUT];
            let mut at = 0;
            while at < OUT * GROUP * K {
                let (o, c, k) = (at / K / GROUP, at / K % GROUP, at % K);
                filters[o][c][k] = self.weights[k][c][o];
                at += 1;
            }
            filters
        }
    }

    impl<
        const H: usize,
        const W: usize,
        const C: usize,
        const OUT: usize,
        const KH: usize,
        const KW: usize,
        const MH: usize,
        const MW: usize,
        A: Activation<F>,
        F: Format,
        const SH: usize,
        const SW: usize,
        const PH: usize,
        const PW: usize,
        const DH: usize,
        const DW: usize,
        const GROUP: usize,
    > Conv2d<H, W, C, OUT, KH, KW, MH, MW, A, F, SH, SW, PH, PW, DH, DW, GROUP>
    {
        /// From one filter for each output channel: `filters[o][c][i][j]`, as in PyTorch.
        #[must_use]
        pub const fn from_filters(
            filters: [[[[F::Weight; KW]; KH]; GROUP]; OUT],
            bias: [F::Weight; OUT],
        ) -> Self {
            let mut weights = [[[[F::Weight::ZERO; OUT]; GROUP]; KW]; KH];
            let mut at = 0;
            while at < OUT * GROUP * KH * KW {
                let (o, c, i, j) =
                    (at / KW / KH / GROUP, at / KW / KH % GROUP, at / KW % KH, at % KW);
                weights[i][j][c][o] = filters[o][c][i][j];
                at += 1;
            }
            Self::new(weights, bias)
        }

        /// One filter for each output channel: `filters[o][c][i][j]`, as in PyTorch.
        #[must_use]
        pub const fn filters(&self) -> [[[[F::Weight; KW]; KH]; GROUP]; OUT] {
            let mut filters = [[[[F::Weight::ZERO; KW]; KH]; GROUP]; OUT];
            let mut at = 0;
            while at < OUT * GROUP * KH * KW {
                let (o, c, i, j) =
                    (at / KW / KH / GROUP, at / KW / KH % GROUP, at / KW % KH, at % KW);
                filters[o][c][i][j] = self.weights[i][j][c][o];
                at += 1;
            }
            filters
        }
    }
}
