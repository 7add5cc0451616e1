//! The sequences that recurrent layers take, and what they answer.

use core::fmt;

use super::Rows;
use crate::kernel::{columns, each};
use crate::scalar::Scalar;
use crate::shape::Shape;
use crate::zero::Zero;

/// A sequence is too long for the array that it should be put into, by [`pad_front`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct TooLong {
    /// Number of its steps.
    pub steps: usize,
    /// How many there can be.
    pub limit: usize,
}

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the sequence has {} steps, but the limit is {}", self.steps, self.limit)
    }
}

impl core::error::Error for TooLong {}

/// Puts a sequence of up to `L` steps at the end of an array, behind steps of zeros, which [`Masked`](crate::Masked) cells
/// leave out.
///
/// # Errors
///
/// [`TooLong`] if there are more than `L` steps.
///
/// ```
/// use gradlet::{TooLong, pad_front};
///
/// assert_eq!(pad_front(&[[1.0], [2.0]]), Ok([[0.0], [0.0], [1.0], [2.0]]));
/// assert_eq!(pad_front::<f32, 1, 1>(&[[1.0], [2.0]]), Err(TooLong { steps: 2, limit: 1 }));
/// ```
pub fn pad_front<T: Zero + Copy, const C: usize, const L: usize>(
    steps: &[[T; C]],
) -> Result<[[T; C]; L], TooLong> {
    let mut padded = [[T::ZERO; C]; L];
    let zeros = L.checked_sub(steps.len()).ok_or(TooLong { steps: steps.len(), limit: L })?;
    padded.iter_mut().skip(zeros).zip(steps).for_each(|(to, step)| *to = *step);
    Ok(padded)
}

/// A sequence `[[T; C]; L]` of `L` steps with `C` channels.
pub trait Sequence<T: Scalar, const C: usize>: Shape<Element = T> + Rows<T, C> {
    /// As many steps, with `N` numbers each.
    type Of<const N: usize>: Shape<Element = T> + Rows<T, N>;
    /// Number of steps.
    const STEPS: usize;
}

impl<T: Scalar, const C: usize, const L: usize> Sequence<T, C> for [[T; C]; L] {
    type Of<const N: usize> = [[T; N]; L];
    const STEPS: usize = L;
}

/// A step of a sequence.
#[derive(Clone, Copy, Debug)]
pub struct At {
    /// Its place in the sequence.
    pub(super) index: usize,
    /// Whether it is the last one that the layer goes through.
    pub(super) is_last: bool,
}

/// What a recurrent layer with `H` units answers to the sequence `X`: its last state `[T; H]`, or all of
/// them, `[[T; H]; L]`.
pub trait Answers<T: Scalar, X, const H: usize>: Shape<Element = T> {
    /// The states, unless they are the output.
    type States: Zero + Clone;
    /// All states, mutable.
    fn states_mut<'a>(own: &'a mut Self::States, output: &'a mut Self) -> &'a mut [[T; H]];
    /// All states.
    fn states<'a>(own: &'a Self::States, output: &'a Self) -> &'a [[T; H]];
    /// Writes the state at a step into the output, if it is part of it.
    fn answer(&mut self, at: At, state: &[T; H]);
    /// Adds the derivatives by the output to those by the state at a step.
    fn add_to(by_output: &[T], at: At, d: &mut [T; H]);
}

/// The last state.
impl<T: Scalar, const C: usize, const L: usize, const H: usize> Answers<T, [[T; C]; L], H>
    for [T; H]
{
    type States = [[T; H]; L];

    #[inline(always)]
    fn states_mut<'a>(own: &'a mut Self::States, _: &'a mut Self) -> &'a mut [[T; H]] {
        own
    }
    #[inline(always)]
    fn states<'a>(own: &'a Self::States, _: &'a Self) -> &'a [[T; H]] {
        own
    }
    #[inline(always)]
    fn answer(&mut self, at: At, state: &[T; H]) {
        if at.is_last {
            *self = *state;
        }
    }
    #[inline(always)]
    fn add_to(by_output: &[T], at: At, d: &mut [T; H]) {
        if at.is_last {
            each(H, d, by_output, |d, &by| *d += by);
        }
    }
}

/// All states.
impl<T: Scalar, const C: usize, const L: usize, const H: usize> Answers<T, [[T; C]; L], H>
    for [[T; H]; L]
{
    type States = ();

    #[inline(always)]
    fn states_mut<'a>((): &'a mut (), output: &'a mut Self) -> &'a mut [[T; H]] {
        output
    }
    #[inline(always)]
    fn states<'a>((): &'a (), output: &'a Self) -> &'a [[T; H]] {
        output
    }
    #[inline(always)]
    fn answer(&mut self, at: At, state: &[T; H]) {
        if let Some(answer) = self.get_mut(at.index) {
            *answer = *state;
        }
    }
    #[inline(always)]
    fn add_to(by_output: &[T], at: At, d: &mut [T; H]) {
        if let Some(by) = columns::<_, H>(by_output, at.index.saturating_mul(H)) {
            each(H, d, by, |d, &by| *d += by);
        }
    }
}
