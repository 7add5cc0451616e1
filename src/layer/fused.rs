//! Convolutions fused with the pooling after them.

use core::marker::PhantomData;
use core::slice;

use super::convolution::{Rows, ToVisitor, one_mut, slice_of_one};
use super::pool::{Max, Mean, Pools};
use super::{Conv1d, Conv2d, Deltas, EndsIn, Layer, LayerTrace, Samples};
use crate::activation::{Activation, Elementwise, Identity, Relu};
use crate::fingerprint::fingerprint;
use crate::gradient::GradientVisitor;
use crate::kernel::active::{self, OfActive};
use crate::kernel::geometry::{Of, Sizes, Windowed, Windows};
use crate::kernel::packed;
use crate::kernel::sparse::{self, Nonzero, OfLargest, OfPositive};
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

/// Some outputs of a convolution at one position, and where the pooling after it has them.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// The windows of the pooling.
    pool: Windows,
    /// Index of the first output.
    at: usize,
    /// The position of the convolution.
    position: usize,
    /// The position of the pooling.
    pooled: usize,
    /// Index of the tap of the pooling.
    tap: usize,
}

impl Place {
    #[inline(always)]
    #[allow(clippy::arithmetic_side_effects, reason = "sizes and indices are those of arrays")]
    fn new(pool: Windows, (row, column): (usize, usize), at: usize) -> Self {
        let (rows, columns) = (pool.rows, pool.columns);
        let (y, x) = (rows.window(row), columns.window(column));
        Self {
            pool,
            at,
            position: row * columns.input + column,
            pooled: y * columns.output + x,
            tap: (row - y * rows.kernel) * columns.kernel + column - x * columns.kernel,
        }
    }

    /// Index of the first of these outputs at a position.
    #[inline(always)]
    #[allow(clippy::arithmetic_side_effects, reason = "sizes and indices are those of arrays")]
    const fn index(self, position: usize) -> usize {
        position * self.pool.channels + self.at
    }
}

/// What is kept of the outputs of a convolution while they are folded by `P`.
pub trait Keeps<P, T> {
    /// Whether the logits are added up, as in training.
    const SUMMED: bool;
    /// Folds some outputs of the convolution into the same outputs of the pooling.
    fn fold<const N: usize>(&mut self, y: &mut [T; N], x: &[T; N], place: Place);
}

/// Keeps which tap has the largest number, for each output of a max pooling.
pub trait KeepsTap {
    /// As [`Keeps::SUMMED`].
    const SUMMED: bool = true;
    /// Where it is kept for these outputs, if at all.
    fn slots<const N: usize>(&mut self, place: Place) -> Option<&mut [u8; N]>;
    /// Keeps that it is this tap.
    fn keep(slot: &mut u8, place: Place);
}

/// A byte for each.
impl<S: Shape<Element = u8>> KeepsTap for &mut S {
    #[inline(always)]
    fn slots<const N: usize>(&mut self, place: Place) -> Option<&mut [u8; N]> {
        columns_mut(self.as_mut_slice(), place.index(place.pooled))
    }
    #[inline(always)]
    #[allow(clippy::cast_possible_truncation, reason = "there are at most 256 taps")]
    fn keep(slot: &mut u8, place: Place) {
        *slot = place.tap as u8;
    }
}

impl<K: KeepsTap, T: Scalar> Keeps<Max, T> for K {
    const SUMMED: bool = K::SUMMED;

    #[inline(always)]
    #[allow(clippy::neg_cmp_op_on_partial_ord, reason = "NaN is neither less nor equal")]
    fn fold<const N: usize>(&mut self, y: &mut [T; N], x: &[T; N], place: Place) {
        let kept = self.slots::<N>(place);
        if place.tap == 0 {
            *y = *x;
            if let Some(kept) = kept {
                each(N, kept, x, |slot, _| K::keep(slot, place));
            }
            return;
        }
        match kept {
            Some(kept) => each(N, Both(y.iter_mut(), x.iter()), kept, |(y, &x), slot| {
                if !(x <= *y) {
                    *y = if x > *y { x } else { x + *y };
                    K::keep(slot, place);
                }
            }),
            None => each(N, y, x, |y, &x| {
                if !(x <= *y) {
                    *y = if x > *y { x } else { x + *y };
                }
            }),
        }
    }
}

/// Keeps the outputs of a convolution before a mean, or something of them.
pub trait KeepsOutputs<T> {
    /// As [`Keeps::SUMMED`].
    const SUMMED: bool = true;
    /// Keeps these.
    fn keep<const N: usize>(&mut self, x: &[T; N], place: Place);
}

/// All of them.
impl<T: Scalar, X: Shape<Element = T>> KeepsOutputs<T> for &mut X {
    #[inline(always)]
    fn keep<const N: usize>(&mut self, x: &[T; N], place: Place) {
        if let Some(kept) = columns_mut(self.as_mut_slice(), place.index(place.position)) {
            *kept = *x;
        }
    }
}

impl<K: KeepsOutputs<T>, T: Scalar> Keeps<Mean, T> for K {
    const SUMMED: bool = K::SUMMED;

    #[inline(always)]
    fn fold<const N: usize>(&mut self, y: &mut [T; N], x: &[T; N], place: Place) {
        if place.tap == 0 {
            *y = *x;
        } else {
            each(N, y, x, |y, &x| *y += x);
        }
        self.keep(x, place);
    }
}

/// Keeps nothing, as in inference.
struct Nothing;

impl KeepsTap for Nothing {
    const SUMMED: bool = false;

    #[inline(always)]
    fn slots<const N: usize>(&mut self, _: Place) -> Option<&mut [u8; N]> {
        None
    }
    #[inline(always)]
    fn keep(_: &mut u8, _: Place) {}
}

impl<T: Scalar> KeepsOutputs<T> for Nothing {
    const SUMMED: bool = false;

    #[inline(always)]
    fn keep<const N: usize>(&mut self, _: &[T; N], _: Place) {}
}

/// Bytes of [`packed`] numbers: for a maximum the taps, for a mean whether an output was positive.
struct Packed<'a>(&'a mut [u8]);

impl KeepsTap for Packed<'_> {
    #[inline(always)]
    fn slots<const N: usize>(&mut self, place: Place) -> Option<&mut [u8; N]> {
        let Place { pool, at, pooled, .. } = place;
        let (first, _) = packed::at(packed::width(pool.count()), pooled, pool.channels);
        columns_mut(self.0, first.wrapping_add(at))
    }
    #[inline(always)]
    fn keep(slot: &mut u8, place: Place) {
        packed::put(slot, packed::width(place.pool.count()), place.pooled, place.tap);
    }
}

impl<T: Scalar> KeepsOutputs<T> for Packed<'_> {
    #[inline(always)]
    fn keep<const N: usize>(&mut self, x: &[T; N], place: Place) {
        let (first, _) = packed::at(1, place.position, place.pool.channels);
        let Some(slots) = columns_mut::<_, N>(self.0, first.wrapping_add(place.at)) else { return };
        each(N, slots, x, |slot, &x| {
            packed::put(slot, 1, place.position, usize::from(x > T::ZERO));
        });
    }
}

/// How a pooling folds the outputs of a convolution into its own, and what it keeps of them; `X` and
/// `Y` are their shapes.
pub trait Fold: Sized {
    /// What is kept for the backward pass.
    type Kept<X: Shape, Y: Shape>: Zero + Clone + 'static;
    /// The most taps.
    const MOST: u32 = u32::MAX;
    /// Keeps it.
    fn keeper<T: Scalar, X: Shape<Element = T>, Y: Shape<Element = T>>(
        kept: &mut Self::Kept<X, Y>,
    ) -> impl Keeps<Self, T>;
    /// Keeps nothing.
    fn no_keeper<T: Scalar>() -> impl Keeps<Self, T>;
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
    fn keeper<T: Scalar, X: Shape<Element = T>, Y: Shape<Element = T>>(
        kept: &mut Y::With<u8>,
    ) -> impl Keeps<Self, T> {
        kept
    }

    #[inline(always)]
    fn no_keeper<T: Scalar>() -> impl Keeps<Self, T> {
        Nothing
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
        let d = OfLargest::<_, T, OUT> { pool, taps: kept.as_slice(), d };
        sparse::input_gradient(sizes, d, weights, dx);
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
        let of_largest = OfLargest::<_, T, OUT> { pool, taps: kept.as_slice(), d };
        sparse::gradient(sizes, of_largest, x, |first, rows| to.rows(first, rows));
        sparse::bias(d)
    }
}

impl Fold for Mean {
    /// The outputs of the convolution; after the backward pass, their derivatives.
    type Kept<X: Shape, Y: Shape> = X;

    #[inline(always)]
    fn keeper<T: Scalar, X: Shape<Element = T>, Y: Shape<Element = T>>(
        kept: &mut X,
    ) -> impl Keeps<Self, T> {
        kept
    }

    #[inline(always)]
    fn no_keeper<T: Scalar>() -> impl Keeps<Self, T> {
        Nothing
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
                let place = Place::new(pool, (row_at, column), 0);
                let d = columns::<_, OUT>(d, place.index(place.pooled));
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

/// Activates the logits of a convolution by `A`, pools them by `P` as they come, and keeps `K`.
struct Pooling<A, P, X, K>(PhantomData<(A, P, X, K)>);

/// What changes besides the outputs of the pooling.
struct Kept<T, K> {
    kept: K,
    /// Sum of the logits.
    sum: T,
}

impl<T, A, P, X, K> Sink<T> for Pooling<A, P, X, K>
where
    T: Scalar,
    A: Elementwise,
    P: Pools<X>,
    K: Keeps<P::Kind, T>,
{
    type State = Kept<T, K>;
    type Tile<const N: usize> = Pooled<T, N>;

    #[inline(always)]
    fn part<const OUT: usize>(
        _: Windows,
        _: (usize, usize),
        _: usize,
        y: &mut [T],
    ) -> Option<&mut [T]> {
        Some(y)
    }

    #[inline(always)]
    fn begin<const N: usize>(position: (usize, usize), at: usize, y: &[T]) -> Pooled<T, N> {
        let place = Place::new(P::WINDOWS, position, at);
        let place = place.index(place.pooled);
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
        if const { K::SUMMED } {
            each(N, &logits, &logits, |&logit, _| pooled.sum += logit);
        }
        let place = Place::new(P::WINDOWS, position, at);
        let index = place.index(place.pooled);
        if index != pooled.place {
            pooled.write(y);
            pooled.place = index;
            pooled.y = columns(y, index).copied().unwrap_or([T::ZERO; N]);
        }
        kept.fold(&mut pooled.y, &x, place);
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

/// A convolution with `Relu`, fused with a max pooling, that keeps packed taps: the first layer of a
/// [`Compact`](crate::Compact).
#[diagnostic::on_unimplemented(
    message = "the first layer of a `Compact` must be a convolution with `Relu` and a max pooling, as \
               in `Conv1d(16, 5) Relu | MaxPool(2)`",
    label = "not `{Self}`"
)]
pub trait MaxPooled<T: Scalar>: Layer<Format = T, Activation = Identity> {
    /// Number of its outputs at a position.
    const CHANNELS: usize;
    /// Number of bytes of the taps.
    const PACKED: usize;

    /// As [`Layer::forward_trace`].
    fn forward_packed(&self, x: &Self::Input, y: &mut Self::Output, taps: &mut [u8]) -> T;

    /// [`Layer::gradient`] of the parameters of one output channel, from the taps, the outputs, and the
    /// derivatives by the outputs of that channel.
    fn gradient_of<const P: usize, const S: usize>(
        nets: [&mut Self; P],
        state: [&mut Self::Gradient; S],
        channel: usize,
        x: &Self::Input,
        kept: (&[u8], &Self::Output),
        d: &[T],
        visitor: &mut impl GradientVisitor<T, P, S>,
    );

    /// Adds to the derivatives by the input what goes through one output channel.
    fn add_input_gradient_of(
        &self,
        channel: usize,
        kept: (&[u8], &Self::Output),
        d: &[T],
        dx: &mut [T],
    );
}

/// A convolution with `Relu`, fused with a mean pooling, that keeps a bit for each output of the
/// convolution: the second layer of a [`Compact`](crate::Compact).
#[diagnostic::on_unimplemented(
    message = "the second layer of a `Compact` must be a convolution with `Relu` and a mean, as in \
               `Conv1d(32, 3) Relu | GlobalMean`",
    label = "not `{Self}`"
)]
pub trait MeanPooled<T: Scalar>: Layer<Format = T, Activation = Identity> {
    /// Number of its outputs at a position.
    const CHANNELS: usize;
    /// Number of bytes of the bits.
    const PACKED: usize;
    /// An input with one channel.
    type Channel: Shape<Element = T>;

    /// As [`Layer::forward_trace`].
    fn forward_packed(&self, x: &Self::Input, y: &mut Self::Output, active: &mut [u8]) -> T;

    /// [`Layer::input_gradient`] by one channel of the input, from the bits and the derivatives by the
    /// outputs.
    fn input_gradient_by(&self, channel: usize, active: &[u8], d: &[T], dx: &mut Self::Channel);

    /// [`Layer::gradient`] of the parameters of one output channel.
    fn gradient_of<const P: usize, const S: usize>(
        nets: [&mut Self; P],
        state: [&mut Self::Gradient; S],
        channel: usize,
        x: &Self::Input,
        active: &[u8],
        d: &[T],
        visitor: &mut impl GradientVisitor<T, P, S>,
    );
}

/// Implements [`Layer`] for a fused convolution.
macro_rules! fused {
    ($Conv:ident [$($size:ident),+] [$($option:ident),+] $X:ty, channel $Channel:ty) => {
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

            /// Visits the gradient of the weights and of the bias of one output.
            #[inline(always)]
            fn visit_output<const NETS: usize, const STATES: usize>(
                mut nets: [&mut Self; NETS],
                mut state: [&mut $Conv<$($size,)+ A, T, $($option),+>; STATES],
                output: usize,
                x: &[T],
                d: impl Nonzero<T>,
                visitor: &mut impl GradientVisitor<T, NETS, STATES>,
            ) {
                let sizes = Self::sizes().0;
                let bias = sparse::gradient_of::<T, OUT>(sizes, d, output, x, |first, gradient| {
                    for (row, gradient) in (first..).zip(gradient) {
                        visitor.vector(
                            Kind::Weight,
                            nets.each_mut().map(|n| one_mut(n.convolution.weights_mut(), row, output)),
                            state.each_mut().map(|s| one_mut(s.weights_mut(), row, output)),
                            slice::from_ref(gradient),
                            (),
                        );
                    }
                });
                visitor.vector(
                    Kind::Bias,
                    nets.map(|n| slice_of_one(n.convolution.bias_mut().get_mut(output))),
                    state.map(|s| slice_of_one(s.bias_mut().get_mut(output))),
                    &[bias],
                    (),
                );
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

        impl<
            $(const $size: usize,)+
            T: Scalar,
            $(const $option: usize,)+
            P: Pools<$X, Kind = Max> + Layer<Format = T, Input = $X, Activation = Identity>,
        > MaxPooled<T> for Fused<$Conv<$($size,)+ Relu, T, $($option),+>, P>
        {
            const CHANNELS: usize = OUT;
            const PACKED: usize = packed::bytes(
                packed::width(Self::WINDOWS.count()),
                Self::WINDOWS.rows.output * Self::WINDOWS.columns.output,
                OUT,
            );

            #[inline]
            fn forward_packed(&self, x: &Self::Input, y: &mut P::Output, taps: &mut [u8]) -> T {
                self.pool(Shape::as_slice(x), y, Packed(taps))
            }

            #[inline]
            fn gradient_of<const NETS: usize, const STATES: usize>(
                nets: [&mut Self; NETS],
                state: [&mut Self::Gradient; STATES],
                channel: usize,
                x: &Self::Input,
                (taps, y): (&[u8], &P::Output),
                d: &[T],
                visitor: &mut impl GradientVisitor<T, NETS, STATES>,
            ) {
                let (pool, y) = (Self::sizes().1, Shape::as_slice(y));
                let d = OfPositive::<_, T, OUT> { pool, taps, y, d };
                Self::visit_output(nets, state, channel, Shape::as_slice(x), d, visitor);
            }

            #[inline]
            fn add_input_gradient_of(
                &self,
                channel: usize,
                (taps, y): (&[u8], &P::Output),
                d: &[T],
                dx: &mut [T],
            ) {
                let (sizes, pool) = Self::sizes();
                let d = OfPositive::<_, T, OUT> { pool, taps, y: Shape::as_slice(y), d };
                let weights = self.convolution.weights().rows();
                sparse::add_input_gradient_of(sizes, d, channel, weights, dx);
            }
        }

        impl<
            $(const $size: usize,)+
            T: Scalar,
            $(const $option: usize,)+
            P: Pools<$X, Kind = Mean> + Layer<Format = T, Input = $X, Activation = Identity>,
        > MeanPooled<T> for Fused<$Conv<$($size,)+ Relu, T, $($option),+>, P>
        {
            const CHANNELS: usize = OUT;
            const PACKED: usize = packed::bytes(
                packed::width(2),
                Self::WINDOWS.rows.input * Self::WINDOWS.columns.input,
                OUT,
            );
            type Channel = $Channel;

            #[inline]
            fn forward_packed(&self, x: &Self::Input, y: &mut P::Output, active: &mut [u8]) -> T {
                self.pool(Shape::as_slice(x), y, Packed(active))
            }

            #[inline]
            fn input_gradient_by(
                &self,
                channel: usize,
                active: &[u8],
                d: &[T],
                dx: &mut $Channel,
            ) {
                let (sizes, pool) = Self::sizes();
                let d = OfActive::<_, T, OUT> { pool, active, d };
                let (weights, dx) = (self.convolution.weights().rows(), Shape::as_mut_slice(dx));
                active::input_gradient_by(sizes, d, channel, weights, dx);
            }

            #[inline]
            fn gradient_of<const NETS: usize, const STATES: usize>(
                nets: [&mut Self; NETS],
                state: [&mut Self::Gradient; STATES],
                channel: usize,
                x: &Self::Input,
                active: &[u8],
                d: &[T],
                visitor: &mut impl GradientVisitor<T, NETS, STATES>,
            ) {
                let d = OfActive::<_, T, OUT> { pool: Self::sizes().1, active, d };
                Self::visit_output(nets, state, channel, Shape::as_slice(x), d, visitor);
            }
        }
    };
}
fused!(Conv1d [L, C, OUT, K, M] [STEP, PADDING, DILATION, GROUP] [[T; OUT]; M], channel [T; L]);
fused!(
    Conv2d [H, W, C, OUT, KH, KW, MH, MW] [SH, SW, PH, PW, DH, DW, GROUP] [[[T; OUT]; MW]; MH],
    channel [[T; W]; H]
);
