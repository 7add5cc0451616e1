//! What recurrent layers compute at a step.

use core::marker::PhantomData;

use super::Rows;
use crate::activation::{Elementwise, Sigmoid, Tanh};
use crate::fingerprint::fingerprint;
use crate::kernel::{Both, each};
use crate::scalar::Scalar;
use crate::zero::Zero;

/// The equations of a recurrent layer at a step, with a state of `H` numbers and `G` numbers for all gates,
/// those of one gate after those of the other.
///
/// `a = W x + b` and `u = U h + b'`, with the state `h` of the step before, are computed by [`Recurrent`],
/// as are their derivatives.
///
/// [`Recurrent`]: crate::Recurrent
pub trait Cell<T: Scalar, const H: usize, const G: usize>: 'static {
    /// Number of gates, `G / H`.
    const GATES: usize;
    /// Hash of the equations.
    const FINGERPRINT: u32;
    /// What is kept of all steps for the backward pass besides gates and states: `X`, an array of `H`
    /// numbers for each, or nothing.
    type Kept<X: Rows<T, H> + Zero + Clone>: Rows<T, H> + Zero + Clone;
    /// Number of outputs whose derivatives by `u` are those by `a`; those of the others are kept.
    const SHARED: usize;
    /// What goes from one step to the next.
    type State: Carried<T, H>;
    /// The same, and in a stream whatever else is needed.
    type Stream: Carried<T, H>;
    /// Whether the last step of a sequence comes first.
    const REVERSED: bool = false;
    /// Whether steps of zeros at the beginning of a sequence are left out.
    const MASKED: bool = false;
    /// Whether the initial state is learned.
    const LEARNED: bool = false;
    /// After how many steps the state is kept as the next initial one: 0 for never, [`usize::MAX`] for all.
    const AFTER: usize = 0;

    /// From `a`, in `gates`, and `u` to the gates; updates the state. `more` is what else goes on to the
    /// next step, and then what is kept.
    fn forward(gates: &mut [T; G], u: &[T; G], state: &mut [T; H], more: &mut [T; H]);

    /// From the derivatives `d` by the state to those by `a`, in place of the gates, and to those by `u`, as
    /// far as they differ in place of what was kept; `d` becomes what goes on to the state before, without
    /// what goes through `u`. `more` is what else goes back.
    fn backward(step: Step<'_, T, H, G>, d: &mut [T; H], more: &mut [T; H]);

    /// The derivatives by `u`.
    #[inline(always)]
    fn by_state<'a>(gates: &'a [T; G], kept: &[T; H], room: &'a mut [T; G]) -> &'a [T; G] {
        let (same, other) = room.split_at_mut_checked(Self::SHARED).unwrap_or_default();
        if other.is_empty() {
            return gates;
        }
        same.iter_mut().zip(gates).for_each(|(to, &d)| *to = d);
        other.iter_mut().zip(kept).for_each(|(to, &d)| *to = d);
        room
    }
}

/// A step in the backward pass.
#[derive(Debug)]
pub struct Step<'a, T, const H: usize, const G: usize> {
    /// Its gates, to be overwritten by derivatives.
    pub gates: &'a mut [T; G],
    /// What was kept of it, to be overwritten.
    pub kept: &'a mut [T; H],
    /// What was kept of the step before.
    pub kept_before: &'a [T; H],
    /// The state before.
    pub before: &'a [T; H],
}

/// What goes from one step to the next: the state `[T; H]`, or with the memory of an [`Lstm`](crate::Lstm)
/// `[[T; H]; 2]`.
pub trait Carried<T, const H: usize>: Zero + Clone {
    /// Number of rows: 1, or with a memory 2.
    const ROWS: usize;
    /// State and memory.
    fn parts(&mut self) -> (&mut [T; H], Option<&mut [T; H]>);
    /// Whether there has been a step.
    #[inline(always)]
    fn has_begun(&self) -> bool {
        true
    }
    /// Itself, set to these rows if there has not been a step.
    #[inline(always)]
    fn begin(&mut self, _: &[[T; H]]) -> &mut Self {
        self
    }
}

impl<T: Scalar, const H: usize> Carried<T, H> for [T; H] {
    const ROWS: usize = 1;

    #[inline(always)]
    fn parts(&mut self) -> (&mut [T; H], Option<&mut [T; H]>) {
        (self, None)
    }
}

impl<T: Scalar, const H: usize> Carried<T, H> for [[T; H]; 2] {
    const ROWS: usize = 2;

    #[inline(always)]
    fn parts(&mut self) -> (&mut [T; H], Option<&mut [T; H]>) {
        let [state, memory] = self;
        (state, Some(memory))
    }
}

/// The state `S` of a stream that does not begin with any step, or begins with an initial state.
///
/// ```
/// use gradlet::{Streaming, prelude::*};
///
/// let mut stream = Streaming::new(<net![3 x 1 => Rnn(2, masked)]>::ZERO);
/// stream.step(&[0.0]); // left out
/// assert_eq!(stream.state().state(), &[0.0; 2]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Begun<S> {
    state: S,
    has_begun: bool,
}

impl<S> Begun<S> {
    /// The state; 0 before the first step.
    #[must_use]
    pub const fn state(&self) -> &S {
        &self.state
    }
}

impl<S: Zero> Zero for Begun<S> {
    const ZERO: Self = Self { state: S::ZERO, has_begun: false };
}

impl<T: Copy, S: Carried<T, H>, const H: usize> Carried<T, H> for Begun<S> {
    const ROWS: usize = S::ROWS;

    #[inline(always)]
    fn parts(&mut self) -> (&mut [T; H], Option<&mut [T; H]>) {
        self.state.parts()
    }

    #[inline(always)]
    fn has_begun(&self) -> bool {
        self.has_begun
    }

    #[inline]
    fn begin(&mut self, rows: &[[T; H]]) -> &mut Self {
        if !self.has_begun {
            let (state, memory) = self.parts();
            let parts = [Some(state), memory].into_iter().flatten();
            parts.zip(rows).for_each(|(to, row)| *to = *row);
            self.has_begun = true;
        }
        self
    }
}

/// Elman's recurrent layer: `h = A(W x + b + U h' + b')`, as `torch.nn.RNN`.
///
/// Elman, Finding Structure in Time, 1990.
///
/// `x` has the channels of a step, `h'` and `h` the `H` numbers of the state before and after it; `A` is
/// elementwise.
///
/// ```
/// use gradlet::{Recurrent, Relu, RnnCell, prelude::*};
///
/// type All = Recurrent<RnnCell<Relu>, [[f32; 1]; 3], [[f32; 1]; 3], 1, 1, 1>;
/// let sums = All::new([[1.0]], [[1.0]], [0.0], [0.0]);
/// assert_eq!(sums.forward(&[[1.0], [2.0], [-5.0]]), [[1.0], [3.0], [0.0]]);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct RnnCell<A = Tanh>(PhantomData<A>);

impl<T: Scalar, A: Elementwise, const H: usize> Cell<T, H, H> for RnnCell<A> {
    const GATES: usize = 1;
    const FINGERPRINT: u32 = fingerprint("Rnn", &[<A as Elementwise>::FINGERPRINT]);
    const SHARED: usize = H;
    type Kept<X: Rows<T, H> + Zero + Clone> = ();
    type State = [T; H];
    type Stream = [T; H];

    #[inline(always)]
    fn forward(gates: &mut [T; H], u: &[T; H], state: &mut [T; H], _: &mut [T; H]) {
        each(H, gates.iter_mut(), u, |a, &u| *a += u);
        A::apply_all(gates);
        *state = *gates;
    }

    #[inline(always)]
    fn backward(step: Step<'_, T, H, H>, d: &mut [T; H], _: &mut [T; H]) {
        each(H, step.gates.iter_mut(), d, |h, d| {
            *h = A::times_derivative(*d, *h);
            *d = T::ZERO;
        });
    }
}

/// Gated recurrent unit, as `torch.nn.GRU`:
///
/// ```text
/// r = S(W_r x + b_r + U_r h' + b'_r)     reset gate
/// z = S(W_z x + b_z + U_z h' + b'_z)     update gate
/// n = A(W_n x + b_n + r (U_n h' + b'_n)) new state
/// h = (1 - z) n + z h'
/// ```
///
/// Cho et al., Learning Phrase Representations using RNN Encoder-Decoder, 2014, with the reset gate behind
/// the product, as in cuDNN.
///
/// `x` has the channels of a step, all others `H` numbers. The gates are in this order; `S` and `A` are
/// elementwise.
///
/// ```
/// use gradlet::prelude::*;
///
/// // All gates are half open: the state goes half of the way to the input.
/// let layer = Gru::<2, 1, 1, 3, f32, Sigmoid, Identity>::new(
///     [[0.0, 0.0, 1.0]], [[0.0; 3]], [0.0; 3], [0.0; 3],
/// );
/// assert_eq!(layer.forward(&[[8.0], [4.0]]), [4.0]);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct GruCell<S = Sigmoid, A = Tanh>(PhantomData<(S, A)>);

impl<T: Scalar, S: Elementwise, A: Elementwise, const H: usize, const G: usize> Cell<T, H, G>
    for GruCell<S, A>
{
    const GATES: usize = 3;
    const FINGERPRINT: u32 =
        fingerprint("Gru", &[<S as Elementwise>::FINGERPRINT, <A as Elementwise>::FINGERPRINT]);
    const SHARED: usize = H.saturating_mul(2);
    type Kept<X: Rows<T, H> + Zero + Clone> = X;
    type State = [T; H];
    type Stream = [T; H];

    #[inline(always)]
    fn forward(gates: &mut [T; G], u: &[T; G], state: &mut [T; H], kept: &mut [T; H]) {
        let shared = <Self as Cell<T, H, G>>::SHARED;
        let Some((both, n)) = gates.split_at_mut_checked(shared) else { return };
        each(shared, both.iter_mut(), u, |a, &u| *a += u);
        S::apply_all(both);
        let (Some(q), Some((r, z))) = (u.get(shared..), both.split_at_checked(H)) else { return };
        each(
            H,
            kept.iter_mut().zip(n.iter_mut()),
            Both(q.iter(), r.iter()),
            |(kept, n), (&q, &r)| {
                *kept = q;
                *n += r * q;
            },
        );
        A::apply_all(n);
        each(H, state.iter_mut(), Both(n.iter(), z.iter()), |h, (&n, &z)| *h = n + z * (*h - n));
    }

    #[inline(always)]
    fn backward(step: Step<'_, T, H, G>, d: &mut [T; H], _: &mut [T; H]) {
        let Step { gates, kept, before, .. } = step;
        let Some((r, others)) = gates.split_first_chunk_mut::<H>() else { return };
        let Some((z, others)) = others.split_first_chunk_mut::<H>() else { return };
        let Some((n, _)) = others.split_first_chunk_mut::<H>() else { return };
        let gates = Both(Both(r.iter_mut(), z.iter_mut()), Both(n.iter_mut(), kept.iter_mut()));
        each(H, gates, Both(d.iter_mut(), before.iter()), |((r, z), (n, q)), (d, &h)| {
            let dn = A::times_derivative(*d - *d * *z, *n);
            let dz = S::times_derivative(*d * (h - *n), *z);
            let dr = S::times_derivative(dn * *q, *r);
            *d *= *z;
            *q = dn * *r;
            (*r, *z, *n) = (dr, dz, dn);
        });
    }
}

/// The numbers of each of four gates.
#[inline(always)]
fn four<T, const H: usize>(gates: &mut [T]) -> Option<[&mut [T; H]; 4]> {
    let (a, others) = gates.split_first_chunk_mut()?;
    let (b, others) = others.split_first_chunk_mut()?;
    let (c, others) = others.split_first_chunk_mut()?;
    Some([a, b, c, others.first_chunk_mut()?])
}

/// Long short-term memory, as `torch.nn.LSTM`:
///
/// ```text
/// i = S(W_i x + b_i + U_i h' + b'_i)     input gate
/// f = S(W_f x + b_f + U_f h' + b'_f)     forget gate
/// g = A(W_g x + b_g + U_g h' + b'_g)     new memory
/// o = S(W_o x + b_o + U_o h' + b'_o)     output gate
/// c = f c' + i g
/// h = o A(c)
/// ```
///
/// Hochreiter, Schmidhuber, Long Short-Term Memory, 1997; Gers, Schmidhuber, Cummins, Learning to Forget,
/// 2000.
///
/// `x` has the channels of a step, all others `H` numbers. The gates are in this order; `S` and `A` are
/// elementwise.
///
/// ```
/// use gradlet::prelude::*;
///
/// // All gates are half open: the memory keeps half, and takes half of the input.
/// let layer = Lstm::<2, 1, 1, 4, f32, Sigmoid, Identity>::new(
///     [[0.0, 0.0, 1.0, 0.0]], [[0.0; 4]], [0.0; 4], [0.0; 4],
/// );
/// assert_eq!(layer.forward(&[[8.0], [4.0]]), [2.0]); // half of 8 / 4 + 4 / 2
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct LstmCell<S = Sigmoid, A = Tanh>(PhantomData<(S, A)>);

impl<T: Scalar, S: Elementwise, A: Elementwise, const H: usize, const G: usize> Cell<T, H, G>
    for LstmCell<S, A>
{
    const GATES: usize = 4;
    const FINGERPRINT: u32 =
        fingerprint("Lstm", &[<S as Elementwise>::FINGERPRINT, <A as Elementwise>::FINGERPRINT]);
    const SHARED: usize = G;
    type Kept<X: Rows<T, H> + Zero + Clone> = X;
    type State = [[T; H]; 2];
    type Stream = [[T; H]; 2];

    #[inline(always)]
    fn forward(gates: &mut [T; G], u: &[T; G], state: &mut [T; H], memory: &mut [T; H]) {
        each(G, gates.iter_mut(), u, |a, &u| *a += u);
        let Some([i, f, g, o]) = four::<T, H>(gates) else { return };
        S::apply_all(i);
        S::apply_all(f);
        A::apply_all(g);
        S::apply_all(o);
        let numbers = Both(Both(i.iter(), f.iter()), g.iter());
        each(H, Both(memory.iter_mut(), state.iter_mut()), numbers, |(c, h), ((&i, &f), &g)| {
            *c = f * *c + i * g;
            *h = *c;
        });
        A::apply_all(state);
        each(H, state.iter_mut(), o.iter(), |h, &o| *h = o * *h);
    }

    #[inline(always)]
    fn backward(step: Step<'_, T, H, G>, d: &mut [T; H], d_memory: &mut [T; H]) {
        let Step { gates, kept, kept_before, .. } = step;
        let Some([i, f, g, o]) = four::<T, H>(gates) else { return };
        // The memory itself may be the one that the next sequence begins with.
        let kept = &mut { *kept };
        A::apply_all(kept);
        let gates = Both(Both(i.iter_mut(), f.iter_mut()), Both(g.iter_mut(), o.iter_mut()));
        let memories = Both(Both(kept.iter(), kept_before.iter()), d_memory.iter_mut());
        each(H, gates, Both(d.iter_mut(), memories), |((i, f), (g, o)), (d, ((&y, &c), dc))| {
            let by_memory = *dc + A::times_derivative(*d * *o, y);
            let by_output = S::times_derivative(*d * y, *o);
            *dc = by_memory * *f;
            let by_forget = S::times_derivative(by_memory * c, *f);
            let by_input = S::times_derivative(by_memory * *g, *i);
            *g = A::times_derivative(by_memory * *i, *g);
            (*i, *f, *o) = (by_input, by_forget, by_output);
            *d = T::ZERO;
        });
    }
}

/// The cell `K`, for a layer that goes through a sequence from its end to its beginning: its last state is that
/// at the first step. Beside a layer for the other direction, as in `torch.nn.GRU` with `bidirectional`, each
/// state depends on the whole sequence.
///
/// Schuster, Paliwal, Bidirectional Recurrent Neural Networks, 1997.
///
/// ```
/// use gradlet::{GruCell, Parallel, Recurrent, Reversed, prelude::*};
///
/// // All states of both directions, side by side: 20 steps with 8 + 8 channels.
/// type One<K> = Recurrent<K, [[f32; 3]; 20], [[f32; 8]; 20], 3, 8, 24>;
/// type Both = Parallel<One<GruCell>, One<Reversed<GruCell>>, 16>;
/// assert_eq!(Both::ZERO.forward(&[[1.0; 3]; 20]), [[0.0; 16]; 20]);
///
/// type Net = net![20 x 3 => Gru(8, all, bidirectional) => GlobalMax => 4 Softmax];
/// assert_eq!(Net::PARAMS, Both::PARAMS + 16 * 4 + 4);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Reversed<K>(PhantomData<K>);

/// The cell `K`, for sequences of different length in arrays of the same: steps of zeros at the beginning are
/// left out, and take no time. A shorter sequence is at the end of the array, behind zeros, as
/// [`pad_front`](crate::pad_front) puts it there.
///
/// A step is left out if all of its channels are 0, and those of all steps before it; all of its states are 0
/// then, so another `Masked` layer behind it leaves the same steps out. The last state of a sequence without
/// any other step is 0. As the layer `Masking` of Keras, but at the beginning only.
///
/// ```
/// use gradlet::{pad_front, prelude::*};
///
/// type Net = net![29 x 12 => Gru(16, all, masked) => Gru(8, masked) => 9 Softmax];
/// let recording = [[0.5; 12]; 7];
/// let scores = Net::ZERO.forward(&pad_front(&recording)?);
/// # assert!((scores[0] - 1.0 / 9.0).abs() < 1e-6);
/// # Ok::<(), gradlet::TooLong>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Masked<K>(PhantomData<K>);

/// The cell `K`, for a layer whose initial state is a parameter, 0 at first: learned as the weights are, and in
/// files under the name `initial_state`, of an LSTM with its initial memory: `[1, H]` or `[2, H]`.
///
/// ```
/// use gradlet::{LearnedState, LstmCell, Recurrent, prelude::*};
///
/// type Layer1 = Recurrent<LearnedState<LstmCell>, [[f32; 3]; 20], [f32; 8], 3, 8, 32, f32, 2>;
/// assert_eq!(Layer1::PARAMS, (3 + 8 + 1 + 1) * 32 + 2 * 8);
///
/// type Net = net![20 x 3 => Lstm(8, learned state) => 4 Softmax];
/// let mut net = Net::ZERO;
/// net.first_mut().initial_state_mut()[0] = [0.5; 8];
/// assert_eq!(Net::PARAMS, Layer1::PARAMS + 8 * 4 + 4);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct LearnedState<K>(PhantomData<K>);

/// The cell `K`, for a layer whose initial state is kept: it learns from a sequence without an end, window by
/// window, and each window begins where the one before ended (truncated backpropagation through time). As
/// `stateful` in Keras.
///
/// The state is 0 at first. [`Trainer::carry`](crate::Trainer::carry) makes the state after `AFTER` steps of the
/// last window the initial one, by default that after all; windows that overlap begin so many steps after each
/// other. Nothing else changes it: it has no gradient, it is not saved with the network, and a window that is
/// only evaluated begins with it too. It can be set and read as
/// [`initial_state`](crate::Recurrent::initial_state_mut).
///
/// Williams, Peng, An Efficient Gradient-Based Algorithm for On-Line Training of Recurrent Network Trajectories,
/// 1990.
///
/// ```
/// use gradlet::prelude::*;
///
/// // Windows of 4 numbers; how many ones have there been since the beginning?
/// type Net = net![4 x 1 => Rnn(1, stateful) => 1 Identity];
/// let mut net = Net::ZERO;
/// let mut trainer = Trainer::<Net, HalfSquaredError>::new();
/// net.first_mut().input_weights_mut()[0] = [0.1];
/// net.first_mut().state_weights_mut()[0] = [1.0];
/// let mut state = 0.0;
/// for window in [[[1.0]; 4], [[0.0]; 4]] {
///     trainer.evaluate(&net, &window, &[0.0]);
///     trainer.carry(&mut net);
///     let [[now]] = *net.first().initial_state();
///     assert!(now > state - 0.2);
///     state = now;
/// }
/// assert!(state > 0.2); // of the first window
/// ```
///
/// After more steps than a window has, there is no state:
///
/// ```compile_fail,E0080
/// # use gradlet::prelude::*;
/// let mut net = <net![8 x 3 => Gru(4, stateful 9) => 3 Softmax]>::ZERO;
/// Trainer::<_, CrossEntropy>::new().carry(&mut net);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Stateful<K, const AFTER: usize = { usize::MAX }>(PhantomData<K>);

/// The equations of another cell, with constants of its own.
macro_rules! around {
    ($([$($generics:tt)*] $name:ty, $of:literal:
        $reversed:expr, $masked:expr, $learned:expr, $after:expr;)+) => { $(
        impl<T: Scalar, K: Cell<T, H, G>, const H: usize, const G: usize, $($generics)*> Cell<T, H, G>
            for $name
        {
            const GATES: usize = K::GATES;
            const FINGERPRINT: u32 = fingerprint($of, &[K::FINGERPRINT]);
            const SHARED: usize = K::SHARED;
            const REVERSED: bool = $reversed;
            const MASKED: bool = $masked;
            const LEARNED: bool = $learned;
            const AFTER: usize = $after;
            type Kept<X: Rows<T, H> + Zero + Clone> = K::Kept<X>;
            type State = K::State;
            type Stream = Begun<K::State>;

            #[inline(always)]
            fn forward(gates: &mut [T; G], u: &[T; G], state: &mut [T; H], more: &mut [T; H]) {
                K::forward(gates, u, state, more);
            }

            #[inline(always)]
            fn backward(step: Step<'_, T, H, G>, d: &mut [T; H], more: &mut [T; H]) {
                K::backward(step, d, more);
            }
        }
    )+ };
}
around! {
    [] Reversed<K>, "Reversed":
        true, K::MASKED, K::LEARNED, K::AFTER;
    [] Masked<K>, "Masked":
        K::REVERSED, true, K::LEARNED, K::AFTER;
    [] LearnedState<K>, "LearnedState":
        K::REVERSED, K::MASKED, true, K::AFTER;
    [const N: usize] Stateful<K, N>, "Stateful":
        K::REVERSED, K::MASKED, K::LEARNED, N;
}

/// A cell that can be in a stream: each of this crate, but [`Reversed`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be in a stream",
    label = "a stream has no last step to begin with"
)]
pub trait Forwards {}

impl<A> Forwards for RnnCell<A> {}
impl<S, A> Forwards for GruCell<S, A> {}
impl<S, A> Forwards for LstmCell<S, A> {}
impl<K: Forwards> Forwards for Masked<K> {}
impl<K: Forwards> Forwards for LearnedState<K> {}
impl<K: Forwards, const AFTER: usize> Forwards for Stateful<K, AFTER> {}
