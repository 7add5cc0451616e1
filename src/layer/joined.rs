//! Activation and loss of two layers over the same input.

use core::fmt;
use core::marker::PhantomData;

use crate::activation::{Activation, Hidden, Kept};
use crate::fingerprint::{fingerprint, size};
use crate::loss::Loss;
use crate::macros::defmt_shows;
use crate::scalar::Scalar;
use crate::shape::Shape;
use crate::tensors::Pair;

/// The activation of a [`Parallel`](crate::Parallel): `A` for as many values as the array `Y` has, `B` for the rest.
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

/// Both halves of values, the first as long as `Y`.
#[inline(always)]
fn halves<Y: Shape, T>(values: &[T]) -> (&[T], &[T]) {
    values.split_at_checked(Y::LEN).unwrap_or((values, &[]))
}

#[inline(always)]
fn halves_mut<Y: Shape, T>(values: &mut [T]) -> (&mut [T], &mut [T]) {
    // Not `unwrap_or`: that would borrow twice.
    let middle = if values.len() < Y::LEN { values.len() } else { Y::LEN };
    values.split_at_mut_checked(middle).unwrap_or((&mut [], &mut []))
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
        let (first, second) = halves_mut::<Y, T>(values);
        A::activate(first);
        B::activate(second);
    }

    #[inline]
    fn backpropagate(output: &[T], logits: &[T], delta: &mut [T], (): &mut ()) {
        let (outputs, logits) = (halves::<Y, T>(output), halves::<Y, T>(logits));
        let (first, second) = halves_mut::<Y, T>(delta);
        A::backpropagate(outputs.0, logits.0, first, &mut ());
        B::backpropagate(outputs.1, logits.1, second, &mut ());
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

/// One loss for each part of a [`Parallel`](crate::Parallel): `E = L1 + L2`, of its first and its second layer.
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
        let (first, second) = halves::<Y, T>(target);
        L1::accepts(first) && L2::accepts(second)
    }

    #[inline]
    fn evaluate(values: &mut [T], target: &[T]) -> T {
        let targets = halves::<Y, T>(target);
        let (first, second) = halves_mut::<Y, T>(values);
        L1::evaluate(first, targets.0) + L2::evaluate(second, targets.1)
    }

    #[inline]
    fn delta(output: &[T], target: &[T], values: &mut [T], (): &mut ()) {
        let (outputs, targets) = (halves::<Y, T>(output), halves::<Y, T>(target));
        let (first, second) = halves_mut::<Y, T>(values);
        delta::<T, A, L1, B, L2>(outputs.0, targets.0, first);
        delta::<T, B, L2, A, L1>(outputs.1, targets.1, second);
    }
}
