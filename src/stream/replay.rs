//! Experience replay.

use rand_core::Rng;

use super::ring::Ring;
use crate::init::below;
use crate::macros::default_is_new;

/// Experience replay buffer of up to `N` examples, against catastrophic forgetting.
///
/// A network that is trained only on the newest data forgets the rest (French, Catastrophic
/// forgetting in connectionist networks, Trends in Cognitive Sciences 3, 1999). Mixing examples
/// from a buffer into each batch is the simplest remedy, and hard to beat (Chaudhry and others, On
/// tiny episodic memories in continual learning, 2019). Takes `N` pairs and three words of memory.
///
/// The method that fills the buffer decides what it holds:
/// - [`push`](Self::push): the last `N` examples (ring buffer).
/// - [`push_reservoir`](Self::push_reservoir): a uniform random sample of `N` of all examples so
///   far (reservoir sampling).
///
/// ```
/// use gradlet::{prelude::*, stream::ReplayBuffer};
/// use rand_pcg::{Pcg32, rand_core::SeedableRng};
///
/// let mut rng = Pcg32::seed_from_u64(1);
/// let mut buffer = ReplayBuffer::<[f32; 1], [f32; 1], 8>::new();
/// let mut net = Mlp::<1, 4, 1, Tanh, Identity>::ZERO;
/// gradlet::init::xavier_uniform(&mut net, &mut rng);
/// let mut trainer = BatchTrainer::<_, HalfSquaredError>::new();
/// // The input grows slowly: without the buffer, the net would fit only its last values.
/// for time in 0..4000_u16 {
///     let x = f32::from(time) / 4000.0;
///     let example = ([x], [(6.0 * x).sin()]);
///     trainer.accumulate(&net, &example.0, &example.1);
///     trainer.accumulate_all(&net, buffer.draw(7, &mut rng));
///     trainer.apply(&mut net, &Sgd { learning_rate: 0.2 });
///     buffer.push_reservoir(example, &mut rng);
/// }
/// assert_eq!((buffer.len(), buffer.seen()), (8, 4000));
/// assert!((net.forward(&[0.25])[0] - 1.0).abs() < 0.2); // seen 3,000 steps ago
/// ```
///
/// A buffer of size 0 does not compile:
///
/// ```compile_fail,E0080
/// gradlet::stream::ReplayBuffer::<[f32; 1], [f32; 1], 0>::new();
/// ```
#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ReplayBuffer<X, Y, const N: usize> {
    examples: Ring<(X, Y), N>,
    seen: u32,
}

impl<X, Y, const N: usize> ReplayBuffer<X, Y, N> {
    /// An empty buffer.
    #[must_use]
    pub const fn new() -> Self {
        const { assert!(N > 0, "a replay buffer holds at least one example: N must not be 0") };
        Self { examples: Ring::new(), seen: 0 }
    }

    /// Adds an example, replacing the oldest if the buffer is full; returns the replaced one.
    ///
    /// ```
    /// let mut buffer = gradlet::stream::ReplayBuffer::<_, _, 2>::new();
    /// assert_eq!(buffer.push(([1.0], [10.0])), None);
    /// assert_eq!(buffer.push(([2.0], [20.0])), None);
    /// assert_eq!(buffer.push(([3.0], [30.0])), Some(([1.0], [10.0])));
    /// ```
    pub fn push(&mut self, example: (X, Y)) -> Option<(X, Y)> {
        self.seen = self.seen.saturating_add(1);
        self.examples.push(example)
    }

    /// Adds an example so that each of all examples so far is in the buffer with the same
    /// probability; returns the one that was discarded, which may be the new one.
    ///
    /// Algorithm R of Vitter, ACM Transactions on Mathematical Software 11 (1985). Draws one number
    /// once the buffer is full, and another with a probability of less than `seen / 2^32`.
    pub fn push_reservoir(
        &mut self,
        example: (X, Y),
        rng: &mut (impl Rng + ?Sized),
    ) -> Option<(X, Y)> {
        self.seen = self.seen.saturating_add(1);
        let place = if self.len() < N { 0 } else { below(self.seen, rng) };
        self.examples.push_or_replace(example, usize::try_from(place).unwrap_or(usize::MAX))
    }

    /// Up to `count` examples, drawn uniformly with replacement; none if the buffer is empty.
    ///
    /// They can be passed to [`BatchTrainer::accumulate_all`](crate::BatchTrainer::accumulate_all)
    /// and [`Trainer::fit`](crate::Trainer::fit). Draws one number for each, see
    /// [`init::shuffle`](crate::init::shuffle).
    pub fn draw<R: Rng + ?Sized>(&self, count: u32, rng: &mut R) -> impl Iterator<Item = &(X, Y)> {
        let len = u32::try_from(self.examples.items.len()).unwrap_or(u32::MAX);
        (0..count).map_while(move |_| {
            self.examples.items.get(usize::try_from(below(len, rng)).unwrap_or(usize::MAX))
        })
    }

    /// All examples, in no particular order.
    #[must_use]
    pub fn as_slice(&self) -> &[(X, Y)] {
        &self.examples.items
    }

    /// Number of examples in the buffer.
    #[must_use]
    pub fn len(&self) -> usize {
        self.examples.items.len()
    }

    /// Whether the buffer is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.examples.items.is_empty()
    }

    /// Number of examples that were added, kept or not, at most `u32::MAX`.
    #[must_use]
    pub const fn seen(&self) -> u32 {
        self.seen
    }

    /// Removes all examples and resets [`seen`](Self::seen).
    pub fn clear(&mut self) {
        self.examples.clear();
        self.seen = 0;
    }
}

default_is_new!([X, Y, const N: usize] ReplayBuffer<X, Y, N>);
