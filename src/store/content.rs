//! What is kept, as a row of numbers.

use super::StoreError;
use crate::crc::Crc;
use crate::layer::Layer;
use crate::loss::Loss;
use crate::optimizer::Optimizer;
use crate::scalar::Scalar;
use crate::scalar::sealed::Sealed;
use crate::trainer::{BatchTrainer, Trainer};

/// A trainer, whose optimizer may remember something from step to step.
///
/// ```
/// use gradlet::prelude::*;
/// use gradlet::store::KeepsState;
///
/// let trainer = Trainer::<Mlp<2, 4, 2>, HalfSquaredError, Momentum>::new();
/// let velocity: &Mlp<2, 4, 2>;
/// # let _ = || -> &<Mlp<2, 4, 2> as Layer>::Gradient {
/// trainer.state()
/// # };
/// ```
pub trait KeepsState<N: Layer> {
    /// The optimizer.
    type Optimizer: Optimizer<N>;
    /// What it remembers.
    fn state(&self) -> &<Self::Optimizer as Optimizer<N>>::State;
    /// What it remembers.
    fn state_mut(&mut self) -> &mut <Self::Optimizer as Optimizer<N>>::State;
}

impl<N: Layer, L: Loss<N::Activation>, O: Optimizer<N>> KeepsState<N> for Trainer<N, L, O> {
    type Optimizer = O;
    fn state(&self) -> &O::State {
        &self.state
    }
    fn state_mut(&mut self) -> &mut O::State {
        &mut self.state
    }
}

impl<N: Layer, L: Loss<N::Activation>, O: Optimizer<N>, const TILE: usize> KeepsState<N>
    for BatchTrainer<N, L, O, TILE>
{
    type Optimizer = O;
    fn state(&self) -> &O::State {
        &self.state
    }
    fn state_mut(&mut self) -> &mut O::State {
        &mut self.state
    }
}

/// Numbers to be written.
pub(super) trait Content {
    type Number: Scalar;
    fn visit(&self, visit: &mut impl FnMut(&[Self::Number]));
}

/// Numbers to be read.
pub(super) trait Target {
    type Number: Scalar;
    fn visit(&mut self, visit: &mut impl FnMut(&mut [Self::Number]));
}

pub(super) struct Parameters<'a, N>(pub(super) &'a N);
pub(super) struct ParametersMut<'a, N>(pub(super) &'a mut N);
/// With what the optimizer remembers.
pub(super) struct Training<'a, N: Layer, O: Optimizer<N>>(
    pub(super) &'a N,
    pub(super) &'a O::State,
);
pub(super) struct TrainingMut<'a, N: Layer, O: Optimizer<N>>(
    pub(super) &'a mut N,
    pub(super) &'a mut O::State,
);

impl<N: Layer> Content for Parameters<'_, N> {
    type Number = N::Scalar;
    fn visit(&self, visit: &mut impl FnMut(&[N::Scalar])) {
        self.0.parameters([], &mut |_, numbers, []| visit(numbers));
    }
}

impl<N: Layer> Target for ParametersMut<'_, N> {
    type Number = N::Scalar;
    fn visit(&mut self, visit: &mut impl FnMut(&mut [N::Scalar])) {
        N::tensors([], [self.0], [], &mut |_, [], [numbers], []| visit(numbers));
    }
}

impl<N: Layer, O: Optimizer<N>> Content for Training<'_, N, O> {
    type Number = N::Scalar;
    fn visit(&self, visit: &mut impl FnMut(&[N::Scalar])) {
        Parameters(self.0).visit(visit);
        O::remembered([self.1], [], &mut |[numbers], []| visit(numbers));
    }
}

impl<N: Layer, O: Optimizer<N>> Target for TrainingMut<'_, N, O> {
    type Number = N::Scalar;
    fn visit(&mut self, visit: &mut impl FnMut(&mut [N::Scalar])) {
        ParametersMut(self.0).visit(visit);
        O::remembered([], [self.1], &mut |[], [numbers]| visit(numbers));
    }
}

/// Bytes of so many numbers.
pub(super) const fn bytes<T>(numbers: usize) -> usize {
    numbers.saturating_mul(size_of::<T>())
}

/// How many numbers so many bytes hold.
pub(super) fn numbers<T>(bytes: u32) -> usize {
    (bytes as usize).checked_div(size_of::<T>()).unwrap_or(0)
}

/// Whether the optimizer showed all that it remembers.
pub(super) fn is_whole<N: Layer, O: Optimizer<N>, E>(
    content: &Training<'_, N, O>,
) -> Result<(), StoreError<E>> {
    let mut shown = 0_usize;
    O::remembered([content.1], [], &mut |[numbers], []| {
        shown = shown.saturating_add(numbers.len())
    });
    if bytes::<N::Scalar>(shown) == size_of::<O::State>() {
        Ok(())
    } else {
        Err(StoreError::NotShown)
    }
}

/// Number of bytes, and their CRC, if all numbers are finite.
pub(super) fn sum<C: Content>(content: &C) -> Option<(u32, u32)> {
    let (mut length, mut digest, mut finite) = (0_usize, Crc::new(), true);
    content.visit(&mut |numbers| {
        length = length.saturating_add(size_of_val(numbers));
        for number in numbers {
            finite = finite && number.is_finite();
            digest.update(number.bytes().as_ref());
        }
    });
    // More than that has no room in any flash.
    finite.then(|| (u32::try_from(length).unwrap_or(u32::MAX), digest.value()))
}

/// Number of bytes.
pub(super) fn length<C: Target>(target: &mut C) -> u32 {
    let mut length = 0_usize;
    target.visit(&mut |numbers| length = length.saturating_add(size_of_val(numbers)));
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// Whether these are finite numbers.
pub(super) fn are_finite<T: Scalar>(bytes: &[u8]) -> bool {
    bytes.chunks_exact(size_of::<T>()).all(|bytes| T::take(T::DTYPE, bytes).0.is_finite())
}

/// Copies numbers from the `first` on, as many as there is room for.
pub(super) fn copy<C: Content>(content: &C, first: usize, room: &mut [u8]) {
    let (mut skip, mut places) = (first, room.chunks_exact_mut(size_of::<C::Number>()));
    content.visit(&mut |numbers| {
        for (number, place) in numbers.iter().skip(skip).zip(&mut places) {
            for (place, byte) in place.iter_mut().zip(number.bytes().as_ref()) {
                *place = *byte;
            }
        }
        skip = skip.saturating_sub(numbers.len());
    });
}

/// Sets numbers from the `first` on.
pub(super) fn fill<C: Target>(target: &mut C, first: usize, bytes: &[u8]) {
    let (mut skip, mut rest) = (first, bytes);
    target.visit(&mut |numbers| {
        for number in numbers.iter_mut().skip(skip) {
            if rest.is_empty() {
                break;
            }
            (*number, rest) = C::Number::take(C::Number::DTYPE, rest);
        }
        skip = skip.saturating_sub(numbers.len());
    });
}
