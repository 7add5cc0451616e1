//! Convolutions fused with the pooling after them.

use core::marker::PhantomData;

use super::convolution::{Rows, ToVisitor};
use super::pool::{Max, Mean, Pools};
use super::{Conv1d, Conv2d, Deltas, EndsIn, Layer, LayerTrace, Samples};
use crate::activation::{Activation, Elementwise, Identity};
use crate::fingerprint::fingerprint;
use crate::gradient::GradientVisitor;
use crate::kernel::geometry::{Axis, Of, Sizes, Windowed, Windows};
use crate::kernel::sparse;
use crate::kernel::windows::{self, Gradient, Sink};
use crate::kernel::{Both, columns, columns_mut, each, each_sample};
use crate::scalar::Scalar;
use crate::shape::Shape;
use crate::tensors::{Kind, TensorList};
use crate::zero::Zero;

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

/// A place in the outputs of a convolution, and in those of the pooling after it.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Index of the first output of the convolution.
    position: usize,
    /// Index of the first output of the pooling.
    pooled: usize,
    /// Index of the tap of the pooling.
    tap: usize,
}

impl Place {
    #[inline(always)]
    #[allow(clippy::arithmetic_side_effects, reason = "sizes and indices are those of arrays")]
    fn new(pool: Windows, (row, column): (usize, usize), at: usize) -> Self {
        let (rows, columns) = (pool.rows, pool.columns);
        let divided = |place: usize, Axis { output, kernel, .. }: Axis| {
            if output == 1 { 0 } else { place.checked_div(kernel).unwrap_or(0) }
        };
        let (y, x) = (divided(row, rows), divided(column, columns));
        Self {
            position: pool.pixel(row, column) + at,
            pooled: (y * columns.output + x) * pool.channels + at,
            tap: (row - y * rows.kernel) * columns.kernel + column - x * columns.kernel,
        }
    }
}

/// How a pooling folds the outputs of a convolution into its own, and what it keeps of them; `X` and
/// `Y` are their shapes.
pub trait Fold {
    /// What is kept for the backward pass.
    type Kept<X: Shape, Y: Shape>: Zero + Clone + 'static;
    /// The most taps.
    const MOST: u32 = u32::MAX;
    /// Folds some outputs of the convolution into the same outputs of the pooling.
    fn add<T: Scalar, X: Shape<Element = T>, Y: Shape<Element = T>, const N: usize>(
        y: &mut [T; N],
        x: &[T; N],
        place: Place,
        kept: Option<&mut Self::Kept<X, Y>>,
    );
    /// Ends the outputs.
    fn end<T: Scalar>(pool: Windows, y: &mut [T]);
    /// From the derivatives by the outputs of the pooling to those by the logits of the convolution.
    fn to_logits<
        A: Elementwise,
        T: Scalar,
        X: Rows<T, OUT> + Shape<Element = T>,
        Y,
        const OUT: usize,
    >(
        pool: Windows,
        kept: &mut Self::Kept<X, Y>,
        y: &[T],
        d: &mut [T],
    ) where
        Y: Shape<Element = T>;
    /// As [`windows::input_gradient`].
    fn input_gradient<T: Scalar, X: Rows<T, OUT> + Shape<Element = T>, Y, const OUT: usize>(
        windows: (impl Sizes, impl Sizes),
        weights: &[[T; OUT]],
        kept: &Self::Kept<X, Y>,
        d: &[T],
        dx: &mut [T],
    ) where
        Y: Shape<Element = T>;
    /// As [`windows::gradient`].
    fn gradient<T: Scalar, X: Rows<T, OUT> + Shape<Element = T>, Y, const OUT: usize>(
        windows: (impl Sizes, impl Sizes),
        x: &[T],
        kept: &Self::Kept<X, Y>,
        d: &[T],
        to: &mut impl Gradient<T, OUT>,
    ) -> [T; OUT]
    where
        Y: Shape<Element = T>;
}

impl Fold for Max {
    /// The tap with the largest number, for each output.
    type Kept<X: Shape, Y: Shape> = Y::With<u8>;
    const MOST: u32 = 256;

    #[inline(always)]
    #[allow(clippy::neg_cmp_op_on_partial_ord, reason = "NaN is neither less nor equal")]
    fn add<T: Scalar, X: Shape<Element = T>, Y: Shape<Element = T>, const N: usize>(
        y: &mut [T; N],
        x: &[T; N],
        place: Place,
        kept: Option<&mut Y::With<u8>>,
    ) {
        let kept = kept.and_then(|kept| columns_mut::<_, N>(kept.as_mut_slice(), place.pooled));
        if place.tap == 0 {
            *y = *x;
            if let Some(kept) = kept {
                *kept = [0; N];
            }
            return;
        }
        #[allow(clippy::cast_possible_truncation, reason = "there are at most 256 taps")]
        let tap = place.tap as u8;
        match kept {
            Some(kept) => each(N, Both(y.iter_mut(), x.iter()), kept, |(y, &x), kept| {
                if !(x <= *y) {
                    (*y, *kept) = (if x > *y { x } else { x + *y }, tap);
                }
            }),
            None => each(N, y, x, |y, &x| {
                if !(x <= *y) {
                    *y = if x > *y { x } else { x + *y };
                }
            }),
        }
    }

    #[inline(always)]
    fn end<T: Scalar>(_: Windows, _: &mut [T]) {}

    #[inline(always)]
    fn to_logits<
        A: Elementwise,
        T: Scalar,
        X: Rows<T, OUT> + Shape<Element = T>,
        Y,
        const OUT: usize,
    >(
        _: Windows,
        _: &mut Y::With<u8>,
        y: &[T],
        d: &mut [T],
    ) where
        Y: Shape<Element = T>,
    {
        <A as Activation<T>>::backpropagate(y, &[], d, &mut ());
    }

    #[inline(always)]
    fn input_gradient<T: Scalar, X: Rows<T, OUT> + Shape<Element = T>, Y, const OUT: usize>(
        (sizes, pool): (impl Sizes, impl Sizes),
        weights: &[[T; OUT]],
        kept: &Y::With<u8>,
        d: &[T],
        dx: &mut [T],
    ) where
        Y: Shape<Element = T>,
    {
        sparse::input_gradient(sizes, pool, weights, kept.as_slice(), d, dx);
    }

    #[inline(always)]
    fn gradient<T: Scalar, X: Rows<T, OUT> + Shape<Element = T>, Y, const OUT: usize>(
        (sizes, pool): (impl Sizes, impl Sizes),
        x: &[T],
        kept: &Y::With<u8>,
        d: &[T],
        to: &mut impl Gradient<T, OUT>,
    ) -> [T; OUT]
    where
        Y: Shape<Element = T>,
    {
        sparse::gradient(sizes, pool, x, kept.as_slice(), d, |first, rows| to.rows(first, rows))
    }
}

impl Fold for Mean {
    /// The outputs of the convolution; after the backward pass, their derivatives.
    type Kept<X: Shape, Y: Shape> = X;

    #[inline(always)]
    fn add<T: Scalar, X: Shape<Element = T>, Y: Shape<Element = T>, const N: usize>(
        y: &mut [T; N],
        x: &[T; N],
        place: Place,
        kept: Option<&mut X>,
    ) {
        if place.tap == 0 {
            *y = *x;
        } else {
            each(N, y, x, |y, &x| *y += x);
        }
        if let Some(kept) = kept.and_then(|kept| columns_mut(kept.as_mut_slice(), place.position)) {
            *kept = *x;
        }
    }

    #[inline(always)]
    fn end<T: Scalar>(pool: Windows, y: &mut [T]) {
        let share = T::ONE / T::from_u32(pool.count());
        y.iter_mut().for_each(|y| *y *= share);
    }

    #[inline(always)]
    fn to_logits<
        A: Elementwise,
        T: Scalar,
        X: Rows<T, OUT> + Shape<Element = T>,
        Y,
        const OUT: usize,
    >(
        pool: Windows,
        kept: &mut X,
        _: &[T],
        d: &mut [T],
    ) where
        Y: Shape<Element = T>,
    {
        let share = T::ONE / T::from_u32(pool.count());
        d.iter_mut().for_each(|d| *d = T::ZERO + *d * share);
        let mut rows = kept.rows_mut().iter_mut();
        for row_at in 0..pool.rows.input {
            for (column, y) in (0..pool.columns.input).zip(&mut rows) {
                let d = columns::<_, OUT>(d, Place::new(pool, (row_at, column), 0).pooled);
                let Some(d) = d else { return };
                each(OUT, y, d, |y, &d| *y = A::times_derivative(d, *y));
            }
        }
    }

    #[inline(always)]
    fn input_gradient<T: Scalar, X: Rows<T, OUT> + Shape<Element = T>, Y, const OUT: usize>(
        (sizes, _): (impl Sizes, impl Sizes),
        weights: &[[T; OUT]],
        kept: &X,
        _: &[T],
        dx: &mut [T],
    ) where
        Y: Shape<Element = T>,
    {
        windows::input_gradient(sizes, weights, kept.rows(), dx);
    }

    #[inline(always)]
    fn gradient<T: Scalar, X: Rows<T, OUT> + Shape<Element = T>, Y, const OUT: usize>(
        (sizes, _): (impl Sizes, impl Sizes),
        x: &[T],
        kept: &X,
        _: &[T],
        to: &mut impl Gradient<T, OUT>,
    ) -> [T; OUT]
    where
        Y: Shape<Element = T>,
    {
        windows::gradient(sizes, x, kept.rows(), to)
    }
}

/// Activates the logits of a convolution by `A` and pools them by `P` as they come.
struct Pooling<A, P, X, Y>(PhantomData<(A, P, X, Y)>);

/// What changes besides the outputs of the pooling.
struct Kept<'a, T, K> {
    kept: Option<&'a mut K>,
    /// Sum of the logits.
    sum: T,
}

impl<'a, T, A, P, X, Y> Sink<T> for Pooling<A, P, &'a X, Y>
where
    T: Scalar,
    A: Elementwise,
    P: Pools<X>,
    X: Shape<Element = T>,
    Y: Shape<Element = T>,
{
    type State = Kept<'a, T, <P::Kind as Fold>::Kept<X, Y>>;
    type Tile<const N: usize> = Pooled<T, N>;

    #[inline(always)]
    fn part<const OUT: usize>(_: Windows, _: (usize, usize), _: usize, y: &mut [T]) -> &mut [T] {
        y
    }

    #[inline(always)]
    fn begin<const N: usize>(position: (usize, usize), at: usize, y: &[T]) -> Pooled<T, N> {
        let place = Place::new(P::WINDOWS, position, at).pooled;
        Pooled { y: columns(y, place).copied().unwrap_or([T::ZERO; N]), place, sum: T::ZERO }
    }

    #[inline(always)]
    fn take<const N: usize, const OUT: usize>(
        pooled: &mut Pooled<T, N>,
        position: (usize, usize),
        _: usize,
        at: usize,
        logits: [T; N],
        y: &mut [T],
        Kept { kept, .. }: &mut Self::State,
    ) {
        let mut x = logits;
        each(N, &mut x, &logits, |x, &logit| *x = A::apply(logit));
        each(N, &logits, &logits, |&logit, _| pooled.sum += logit);
        let place = Place::new(P::WINDOWS, position, at);
        if place.pooled != pooled.place {
            pooled.write(y);
            pooled.place = place.pooled;
            pooled.y = columns(y, place.pooled).copied().unwrap_or([T::ZERO; N]);
        }
        P::Kind::add::<T, X, Y, N>(&mut pooled.y, &x, place, kept.as_deref_mut());
    }

    #[inline(always)]
    fn end<const N: usize>(pooled: Pooled<T, N>, y: &mut [T], state: &mut Self::State) {
        pooled.write(y);
        state.sum += pooled.sum;
    }
}

/// Outputs of the pooling that are in work, where they belong, and the sum of their logits.
struct Pooled<T, const N: usize> {
    y: [T; N],
    place: usize,
    sum: T,
}

impl<T: Scalar, const N: usize> Pooled<T, N> {
    #[inline(always)]
    fn write(&self, y: &mut [T]) {
        if let Some(y) = columns_mut(y, self.place) {
            *y = self.y;
        }
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
            fn pool(
                &self,
                x: &[T],
                y: &mut P::Output,
                kept: Option<&mut <P::Kind as Fold>::Kept<$X, P::Output>>,
            ) -> T {
                let (sizes, pool) = (Self::sizes().0, Self::WINDOWS);
                let y = Shape::as_mut_slice(y);
                let (weights, bias) = (self.convolution.weights().rows(), self.convolution.bias());
                let mut state = Kept { kept, sum: T::ZERO };
                windows::affine_into::<T, Pooling<A, P, &$X, P::Output>, OUT>(
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
                self.pool(Shape::as_slice(input), logits, None);
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
                        self.pool(x, y, Some(&mut trace.kept))
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
