//! How poolings fold the outputs of a convolution while they are computed, and what is kept of them.

use core::marker::PhantomData;

use super::super::convolution::Rows;
use super::super::pool::{Max, Mean, Pools};
use crate::activation::{Activation, Elementwise};
use crate::kernel::geometry::{Sizes, Windows};
use crate::kernel::sparse::{self, OfLargest};
use crate::kernel::windows::{self, Gradient, Sink};
use crate::kernel::{Both, columns, columns_mut, each};
use crate::scalar::Scalar;
use crate::shape::Shape;
use crate::zero::Zero;

/// Some outputs of a convolution at one position, and where the pooling after it has them.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// The windows of the pooling.
    pub(super) pool: Windows,
    /// Index of the first output.
    pub(super) at: usize,
    /// The position of the convolution.
    pub(super) position: usize,
    /// The position of the pooling.
    pub(super) pooled: usize,
    /// Index of the tap of the pooling.
    pub(super) tap: usize,
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

/// What keeps something of the outputs of a convolution.
pub trait Keeper {
    /// Whether the logits are added up, as in training.
    const SUMMED: bool = true;
}

/// All of them, or a byte for each.
impl<S> Keeper for &mut S {}

/// A keeper of outputs while they are folded by `P`.
pub trait Keeps<P, T>: Keeper {
    /// Folds some outputs of the convolution into the same outputs of the pooling.
    fn fold<const N: usize>(&mut self, y: &mut [T; N], x: &[T; N], place: Place);
}

/// Keeps which tap has the largest number, for each output of a max pooling.
pub trait KeepsTap: Keeper {
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
    #[inline(always)]
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
                if take_larger(y, x) {
                    K::keep(slot, place);
                }
            }),
            None => each(N, y, x, |y, &x| {
                take_larger(y, x);
            }),
        }
    }
}

/// `y` becomes the maximum, or NaN if one of them is; returns whether it is no longer what it was.
#[inline(always)]
#[allow(clippy::neg_cmp_op_on_partial_ord, reason = "NaN is neither less nor equal")]
fn take_larger<T: Scalar>(y: &mut T, x: T) -> bool {
    let takes = !(x <= *y);
    if takes {
        *y = if x > *y { x } else { x + *y };
    }
    takes
}

/// Keeps the outputs of a convolution before a mean, or something of them.
pub trait KeepsOutputs<T>: Keeper {
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

impl Keeper for Nothing {
    const SUMMED: bool = false;
}

impl KeepsTap for Nothing {
    #[inline(always)]
    fn slots<const N: usize>(&mut self, _: Place) -> Option<&mut [u8; N]> {
        None
    }
    #[inline(always)]
    fn keep(_: &mut u8, _: Place) {}
}

impl<T: Scalar> KeepsOutputs<T> for Nothing {
    #[inline(always)]
    fn keep<const N: usize>(&mut self, _: &[T; N], _: Place) {}
}

/// How a pooling folds the outputs of a convolution into its own, and what it keeps of them; `X` and
/// `Y` are their shapes.
pub trait Fold: Sized {
    /// What is kept for the backward pass.
    type Kept<X: Shape, Y: Shape>: Zero + Clone + 'static;
    /// The most taps.
    const MOST: u32 = u32::MAX;
    /// Whether to clamp what it folds to is to fold what is clamped.
    const CLAMPS_LAST: bool = false;
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
    const CLAMPS_LAST: bool = true;

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
pub(super) struct Pooling<A, P, X, K>(PhantomData<(A, P, X, K)>);

/// What changes besides the outputs of the pooling.
pub(super) struct Kept<T, K> {
    pub(super) kept: K,
    /// Sum of the logits.
    pub(super) sum: T,
}

impl<T, A, P, X, K> Sink<T> for Pooling<A, P, X, K>
where
    T: Scalar,
    A: Elementwise,
    P: Pools<X>,
    K: Keeps<P::Kind, T>,
{
    type State = Kept<T, K>;
    type Tile<const N: usize> = Pooled<T, N, A, P::Kind>;

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
    fn begin<const N: usize>(position: (usize, usize), at: usize, y: &[T]) -> Self::Tile<N> {
        let place = Place::new(P::WINDOWS, position, at);
        let place = place.index(place.pooled);
        let y = columns(y, place).copied().unwrap_or([T::ZERO; N]);
        Pooled { y, place, sum: T::ZERO, by: PhantomData }
    }

    #[inline(always)]
    fn take<const N: usize, const OUT: usize>(
        pooled: &mut Self::Tile<N>,
        position: (usize, usize),
        _: usize,
        at: usize,
        logits: [T; N],
        y: &mut [T],
        Kept { kept, .. }: &mut Self::State,
    ) {
        let mut x = logits;
        if const { !clamps_last::<A, P::Kind>() } {
            each(N, &mut x, &logits, |x, &logit| *x = A::apply(logit));
        }
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
    fn end<const N: usize>(pooled: Self::Tile<N>, y: &mut [T], state: &mut Self::State) {
        pooled.write(y);
        state.sum += pooled.sum;
    }
}

/// Whether what has been folded is activated, in place of what is folded.
const fn clamps_last<A: Elementwise, F: Fold>() -> bool {
    A::CLAMPS && F::CLAMPS_LAST
}

/// Outputs of the pooling `F` that are in work, where they belong, and the sum of their logits.
pub(super) struct Pooled<T, const N: usize, A, F> {
    y: [T; N],
    place: usize,
    sum: T,
    by: PhantomData<(A, F)>,
}

impl<T: Scalar, const N: usize, A: Elementwise, F: Fold> Pooled<T, N, A, F> {
    #[inline(always)]
    fn write(&self, y: &mut [T]) {
        let Some(y) = columns_mut(y, self.place) else { return };
        if const { clamps_last::<A, F>() } {
            each(N, y, &self.y, |y, &largest| *y = A::apply(largest));
        } else {
            *y = self.y;
        }
    }
}
