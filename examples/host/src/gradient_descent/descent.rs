//! Gradient descent on any function of `N` variables, with gradlet.
//!
//! The point is the bias of a linear layer with a zero input: its output is then the point, and its
//! training on a loss `J` is the descent `point -= rate * gradient of J`.

use gradlet::prelude::*;

/// A point of a descent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Visit<const N: usize, T = f64> {
    pub place: [T; N],
    /// The derivatives of `J` there.
    pub gradient: [T; N],
    /// `J` there.
    pub value: T,
}

/// How a descent ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It reached the requested value.
    Reached,
    /// It made the maximum number of updates.
    Limit,
    /// It overflowed: the learning rate is too large.
    Diverged,
}

/// A whole descent.
#[derive(Clone, Debug, PartialEq)]
pub struct Descent<const N: usize, T = f64> {
    /// The start, then the point after each update; all numbers are finite.
    pub visits: Vec<Visit<N, T>>,
    pub ending: Ending,
}

impl<const N: usize, T> Descent<N, T> {
    /// Number of updates.
    pub fn updates(&self) -> usize {
        self.visits.len().saturating_sub(1)
    }
}

/// Descends on `L` from `start`, until a visit `is_enough` or `limit` updates are made.
///
/// `target` is the target of the loss.
pub fn descend<L: Loss<Identity, T>, const N: usize, T: Scalar>(
    start: [T; N],
    target: [T; N],
    learning_rate: T,
    limit: u32,
    is_enough: impl Fn(&Visit<N, T>) -> bool,
) -> Descent<N, T> {
    type Place<const N: usize, T> = Dense<1, N, Identity, T>;
    let (mut net, input) = (Place::new([[T::ZERO; N]], start), [T::ZERO]);
    let mut trainer = Trainer::<Place<N, T>, L, Sgd<T>>::new();
    let (mut visits, mut ending) = (vec![], Ending::Limit);
    for _ in 0..=limit {
        // Loss and output are those before the update.
        let value = trainer.step(&mut net, &Sgd { learning_rate }, &input, &target);
        let place = *trainer.output();
        let mut gradient = [T::ZERO; N];
        L::delta(&place, &target, &mut gradient, &mut ());
        let all = place.iter().chain(&gradient).chain([&value]);
        if !all.copied().all(T::is_finite) {
            ending = Ending::Diverged;
            break;
        }
        let visit = Visit { place, gradient, value };
        visits.push(visit);
        if is_enough(&visit) {
            ending = Ending::Reached;
            break;
        }
    }
    Descent { visits, ending }
}
