//! Activation and loss of two layers over the same input.

use core::fmt;
use core::marker::PhantomData;

use crate::activation::{Activation, Hidden, Kept};
use crate::fingerprint::{fingerprint, size};
use crate::kernel::{Both, chunks, chunks_mut};
use crate::loss::Loss;
use crate::macros::defmt_shows;
use crate::scalar::Scalar;
use crate::shape::Shape;
use crate::tensors::Pair;

/// The activation of a [`Parallel`](crate::Parallel): `A` for as many values at each position as the array `Y` has
/// channels, `B` for the rest.
///
/// ```
/// use gradlet::{Activation, Identity, Joined, Relu};
///
/// let mut values = [-1.0, -2.0, -3.0];
/// <Joined<[f32; 2], Relu, Identity> as Activation>::activate(&mut values);
/// assert_eq!(values, [0.0, 0.0, -3.0]);
/// ```
pub struct Joined<Y, A, B>(PhantomData<(Y, A, B)>);

impl<Y, A, B> fmt::Debug for Joined<Y, A, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Joined")
    }
}

defmt_shows!([Y, A, B] Joined<Y, A, B>: |_, f| defmt::write!(f, "Joined"));

#[diagnostic::do_not_recommend]
impl<Y: 'static, A: Hidden, B: Hidden> Hidden for Joined<Y, A, B> {}

/// Number of values at each position of `Y`, of so many.
#[inline(always)]
fn width<Y: Shape>(values: usize) -> usize {
    values.checked_div(const { Y::LEN / Y::CHANNELS }).unwrap_or(0)
}

/// Both parts of values, at each position: the first are the channels of `Y`.
#[inline(always)]
fn parts<Y: Shape, T>(values: &[T]) -> impl Iterator<Item = (&[T], &[T])> {
    let rows = chunks(values, width::<Y>(values.len()));
    rows.map(|row| row.split_at_checked(Y::CHANNELS).unwrap_or((row, &[])))
}

#[inline(always)]
fn parts_mut<Y: Shape, T>(values: &mut [T]) -> impl Iterator<Item = (&mut [T], &mut [T])> {
    let width = width::<Y>(values.len());
    let middle = if width < Y::CHANNELS { width } else { Y::CHANNELS };
    chunks_mut(values, width).filter_map(move |row| row.split_at_mut_checked(middle))
}

impl<T, Y, A, B> Activation<T> for Joined<Y, A, B>
where
    T: Scalar,
    Y: Shape<Element = T>,
    A: Activation<T>,
    B: Activation<T>,
{
    const FINGERPRINT: u32 = fingerprint("Joined", &[size(Y::LEN), A::FINGERPRINT, B::FINGERPRINT]);
    type Kept<X: Shape<Element = T>> = Pair<A::Kept<X>, B::Kept<X>>;

    #[inline]
    fn activate(values: &mut [T]) {
        for (first, second) in parts_mut::<Y, T>(values) {
            A::activate(first);
            B::activate(second);
        }
    }

    #[inline]
    fn backpropagate(output: &[T], logits: &[T], delta: &mut [T], (): &mut ()) {
        let mut logits = parts::<Y, T>(logits);
        for (delta, output) in Both(parts_mut::<Y, T>(delta), parts::<Y, T>(output)) {
            // None if neither activation keeps them.
            let logits = logits.next().unwrap_or_default();
            A::backpropagate(output.0, logits.0, delta.0, &mut ());
            B::backpropagate(output.1, logits.1, delta.1, &mut ());
        }
    }
}

/// What two activations keep of the same logits.
impl<Y: Shape, A: Kept<Y>, B: Kept<Y>> Kept<Y> for Pair<A, B> {
    #[inline]
    fn keep(&mut self, logits: &Y) {
        self.first.keep(logits);
        self.rest.keep(logits);
    }
    #[inline]
    fn logits(&self) -> &[Y::Element] {
        let first = self.first.logits();
        if first.is_empty() { self.rest.logits() } else { first }
    }
}

/// One loss for each part of a [`Parallel`](crate::Parallel): `E = L1 + L2`, of its first and its second layer,
/// added up over the positions of a sequence or an image.
///
/// `L1` must fit the activation of the first layer, `L2` that of the second. For three layers, one
/// of the two is again a `Split`. The target is the two targets one after the other.
///
/// ```
/// use gradlet::{HalfSquaredError, Identity, Joined, Loss, Sigmoid, Split, BinaryCrossEntropy};
///
/// type E = Split<HalfSquaredError, BinaryCrossEntropy>;
/// let mut values = [3.0, 1000.0];
/// let loss = <E as Loss<Joined<[f32; 1], Identity, Sigmoid>>>::evaluate(&mut values, &[1.0, 0.0]);
/// assert_eq!((loss, values), (2.0 + 1000.0, [3.0, 1.0]));
/// ```
///
/// Beside a cross-entropy, an activation whose derivative needs its logits
/// ([`Gelu`](crate::Gelu), [`Silu`](crate::Silu), [`HardSwish`](crate::HardSwish)) does not compile
/// with another loss:
///
/// ```compile_fail,E0080
/// use gradlet::prelude::*;
///
/// type Net = Parallel<Dense<8, 3, Softmax>, Dense<8, 2, Gelu>, 5>;
/// let mut trainer = Trainer::<Net, Split<CrossEntropy, HalfSquaredError>>::new();
/// let mut net = Net::ZERO;
/// trainer.step(&mut net, &Sgd { learning_rate: 0.1 }, &[0.0; 8], &[0.0; 5]);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Split<L1, L2>(PhantomData<(L1, L2)>);

/// Writes the derivatives of the loss `L` with respect to the outputs of its part, or to the logits
/// if it or the loss `M` of the other part gives those.
#[inline]
fn delta<T, A, L, B, M>(output: &[T], target: &[T], delta: &mut [T])
where
    T: Scalar,
    A: Activation<T>,
    L: Loss<A, T>,
    B: Activation<T>,
    M: Loss<B, T>,
{
    const {
        assert!(
            L::FUSED || !M::FUSED || size_of::<A::Kept<[T; 1]>>() == 0,
            "beside a cross-entropy, `Split` cannot take a layer that ends in `Gelu`, `Silu` or \
             `HardSwish`: choose another activation for that layer"
        );
    }
    L::delta(output, target, delta, &mut ());
    if M::FUSED && !L::FUSED {
        A::backpropagate(output, &[], delta, &mut ());
    }
}

impl<T, Y, A, B, L1, L2> Loss<Joined<Y, A, B>, T> for Split<L1, L2>
where
    T: Scalar,
    Y: Shape<Element = T>,
    A: Activation<T>,
    B: Activation<T>,
    L1: Loss<A, T>,
    L2: Loss<B, T>,
{
    const FUSED: bool = L1::FUSED || L2::FUSED;

    #[inline]
    fn accepts(target: &[T]) -> bool {
        parts::<Y, T>(target).all(|(first, second)| L1::accepts(first) && L2::accepts(second))
    }

    #[inline]
    fn evaluate(values: &mut [T], target: &[T]) -> T {
        let targets = parts::<Y, T>(target);
        Both(parts_mut::<Y, T>(values), targets)
            .map(|(values, target)| {
                L1::evaluate(values.0, target.0) + L2::evaluate(values.1, target.1)
            })
            .sum()
    }

    #[inline]
    fn delta(output: &[T], target: &[T], values: &mut [T], (): &mut ()) {
        let known = Both(parts::<Y, T>(output), parts::<Y, T>(target));
        for (values, (output, target)) in Both(parts_mut::<Y, T>(values), known) {
            delta::<T, A, L1, B, L2>(output.0, target.0, values.0);
            delta::<T, B, L2, A, L1>(output.1, target.1, values.1);
        }
    }
}
