//! Recurrent layers.

mod cell;
mod passes;
mod sequence;

pub use cell::{Begun, GruCell, LearnedState, LstmCell, Masked, Reversed, RnnCell, Stateful};
pub use sequence::{TooLong, pad_front};

use core::fmt;
use core::marker::PhantomData;

use cell::Carried;
pub(crate) use cell::Cell;

use super::convolution::Rows;
use crate::activation::{Sigmoid, Tanh};
use crate::scalar::Scalar;
use crate::zero::Zero;

/// A recurrent layer: goes through a sequence step by step, with a state of `H` numbers that depends on all
/// steps so far. `K` is what it computes at a step. The state is 0 before the first one, unless `K` is
/// [`Stateful`] or has a [`LearnedState`], of `R` rows.
///
/// [`Rnn`], [`Gru`] and [`Lstm`] are the layers with the equations of PyTorch.
///
/// | name  | shape    | meaning                                                 |
/// |-------|----------|---------------------------------------------------------|
/// | `x`   | `[L][C]` | input: `L` steps with `C` channels, the type `X`        |
/// | `W`   | `[C][G]` | weights of the input: `H` for each gate, `G` in all     |
/// | `U`   | `[H][G]` | weights of the state before                             |
/// | `b`   | `[G]`    | biases of the input                                     |
/// | `b'`  | `[G]`    | biases of the state                                     |
/// | `y`   | `[H]` or `[L][H]` | output, the type `Y`: the last state, or all   |
///
/// Training goes back through all steps (backpropagation through time: Werbos, 1990). The derivatives
/// overwrite the gates, and weights are updated without a copy of their gradient.
///
/// Sums run over the channels or the numbers of the state in order, with the bias last; a derivative by a
/// state adds its products in the order of the gates, and a gradient its products in the order of the
/// steps. Sizes that do not fit do not compile.
///
/// ```
/// use gradlet::prelude::*;
/// use gradlet::{LstmCell, Recurrent};
///
/// // 20 steps of 3 channels, a state of 8 numbers: all states are the output.
/// type All = Recurrent<LstmCell, [[f32; 3]; 20], [[f32; 8]; 20], 3, 8, 32>;
/// let states = All::ZERO.forward(&[[1.0; 3]; 20]);
/// assert_eq!(states, [[0.0; 8]; 20]);
/// ```
pub struct Recurrent<
    K,
    X,
    Y,
    const C: usize,
    const H: usize,
    const G: usize,
    T = f32,
    const R: usize = 0,
> {
    input_weights: [[T; G]; C],
    state_weights: [[T; G]; H],
    input_bias: [T; G],
    state_bias: [T; G],
    initial_state: [[T; H]; R],
    kind: PhantomData<(K, X, Y)>,
}

/// Elman's recurrent layer with `L` steps of `C` channels and `H` units, whose output is its last state:
/// `h = A(W x + b + U h' + b')`, as `torch.nn.RNN`.
///
/// ```
/// use gradlet::prelude::*;
///
/// // Adds the inputs up.
/// let sum = Rnn::<3, 1, 1, f32, Identity>::new([[1.0]], [[1.0]], [0.0], [0.0]);
/// assert_eq!(sum.forward(&[[1.0], [2.0], [4.0]]), [7.0]);
/// ```
pub type Rnn<const L: usize, const C: usize, const H: usize, T = f32, A = Tanh> =
    Recurrent<RnnCell<A>, [[T; C]; L], [T; H], C, H, H, T>;

/// Gated recurrent unit with `L` steps of `C` channels and `H` units, whose output is its last state, as
/// `torch.nn.GRU`; `G` is `3 H`. [`GruCell`] has the equations.
///
/// ```
/// use gradlet::prelude::*;
///
/// type Net = Chain<Gru<32, 3, 16, 48>, Dense<16, 4, Softmax>>;
/// assert_eq!(Net::PARAMS, 1076);
/// ```
pub type Gru<
    const L: usize,
    const C: usize,
    const H: usize,
    const G: usize,
    T = f32,
    S = Sigmoid,
    A = Tanh,
> = Recurrent<GruCell<S, A>, [[T; C]; L], [T; H], C, H, G, T>;

/// Long short-term memory with `L` steps of `C` channels and `H` units, whose output is its last state, as
/// `torch.nn.LSTM`; `G` is `4 H`. [`LstmCell`] has the equations.
///
/// ```
/// use gradlet::prelude::*;
///
/// type Net = Chain<Lstm<32, 3, 16, 64>, Dense<16, 4, Softmax>>;
/// assert_eq!(Net::PARAMS, 1412);
/// ```
pub type Lstm<
    const L: usize,
    const C: usize,
    const H: usize,
    const G: usize,
    T = f32,
    S = Sigmoid,
    A = Tanh,
> = Recurrent<LstmCell<S, A>, [[T; C]; L], [T; H], C, H, G, T>;

impl<K, X, Y, const C: usize, const H: usize, const G: usize, T: Scalar, const R: usize>
    Recurrent<K, X, Y, C, H, G, T, R>
where
    K: Cell<T, H, G>,
{
    const CHECKED: () = {
        assert!(
            H > 0 && C > 0 && K::GATES.saturating_mul(H) == G,
            "the sizes of a recurrent layer do not fit: it has at least one channel and one unit, and `G` is \
             the number of units times that of gates: 1 for `Rnn`, 3 for `Gru`, 4 for `Lstm`"
        );
        assert!(
            R == if K::LEARNED || K::AFTER > 0 { <K::State as Carried<T, H>>::ROWS } else { 0 },
            "the initial state of a recurrent layer does not fit: `R` is 1 with `Stateful` or `LearnedState`, \
             of an `LstmCell` 2, and otherwise 0"
        );
        assert!(
            K::AFTER == 0 || !(K::LEARNED || K::REVERSED || K::MASKED),
            "a stateful layer goes on where the steps before ended, so it is neither reversed nor masked, and \
             its initial state is not learned"
        );
    };

    /// From weights in memory order, which is the reverse of PyTorch's: `input_weights[c][g]` connects
    /// channel `c` to the number `g` of all gates, and `state_weights[h][g]` the number `h` of the state.
    #[must_use]
    pub const fn new(
        input_weights: [[T; G]; C],
        state_weights: [[T; G]; H],
        input_bias: [T; G],
        state_bias: [T; G],
    ) -> Self {
        let () = Self::CHECKED;
        Self {
            input_weights,
            state_weights,
            input_bias,
            state_bias,
            initial_state: [[T::ZERO; H]; R],
            kind: PhantomData,
        }
    }

    /// With another initial state, and for [`LstmCell`] the initial memory: of cells that are [`Stateful`], or
    /// have a [`LearnedState`].
    ///
    /// ```
    /// use gradlet::{Recurrent, RnnCell, Stateful, prelude::*};
    ///
    /// type Sum = Recurrent<Stateful<RnnCell<Identity>>, [[f32; 1]; 3], [f32; 1], 1, 1, 1, f32, 1>;
    /// let sum = Sum::new([[1.0]], [[1.0]], [0.0], [0.0]).with_initial_state([[100.0]]);
    /// assert_eq!(sum.forward(&[[1.0], [2.0], [4.0]]), [107.0]);
    /// ```
    #[must_use]
    pub const fn with_initial_state(mut self, state: [[T; H]; R]) -> Self {
        self.initial_state = state;
        self
    }
}

/// Functions that return a part of the parameters.
macro_rules! parts {
    ($($(#[$doc:meta])* $name:ident $name_mut:ident $field:ident: $type:ty;)+) => { $(
        $(#[$doc])*
        #[must_use]
        pub const fn $name(&self) -> &$type {
            &self.$field
        }

        $(#[$doc])*
        #[must_use]
        pub const fn $name_mut(&mut self) -> &mut $type {
            &mut self.$field
        }
    )+ };
}

impl<K, X, Y, const C: usize, const H: usize, const G: usize, T, const R: usize>
    Recurrent<K, X, Y, C, H, G, T, R>
{
    parts! {
        /// The weights of the input, in memory order.
        input_weights input_weights_mut input_weights: [[T; G]; C];
        /// The weights of the state before, in memory order.
        state_weights state_weights_mut state_weights: [[T; G]; H];
        /// The biases of the input.
        input_bias input_bias_mut input_bias: [T; G];
        /// The biases of the state.
        state_bias state_bias_mut state_bias: [T; G];
        /// The initial state, and for [`LstmCell`] the initial memory; empty unless the cell is [`Stateful`] or
        /// has a [`LearnedState`].
        initial_state initial_state_mut initial_state: [[T; H]; R];
    }
}

impl<K, X, Y, const C: usize, const H: usize, const G: usize, T: Clone, const R: usize> Clone
    for Recurrent<K, X, Y, C, H, G, T, R>
{
    fn clone(&self) -> Self {
        Self {
            input_weights: self.input_weights.clone(),
            state_weights: self.state_weights.clone(),
            input_bias: self.input_bias.clone(),
            state_bias: self.state_bias.clone(),
            initial_state: self.initial_state.clone(),
            kind: PhantomData,
        }
    }
}

impl<K, X, Y, const C: usize, const H: usize, const G: usize, T: PartialEq, const R: usize>
    PartialEq for Recurrent<K, X, Y, C, H, G, T, R>
{
    fn eq(&self, other: &Self) -> bool {
        self.input_weights == other.input_weights
            && self.state_weights == other.state_weights
            && self.input_bias == other.input_bias
            && self.state_bias == other.state_bias
            && self.initial_state == other.initial_state
    }
}

impl<K, X, Y, const C: usize, const H: usize, const G: usize, T: fmt::Debug, const R: usize>
    fmt::Debug for Recurrent<K, X, Y, C, H, G, T, R>
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recurrent")
            .field("input_weights", &self.input_weights)
            .field("state_weights", &self.state_weights)
            .field("input_bias", &self.input_bias)
            .field("state_bias", &self.state_bias)
            .field("initial_state", &self.initial_state)
            .finish()
    }
}

#[cfg(feature = "defmt")]
impl<K, X, Y, const C: usize, const H: usize, const G: usize, T: defmt::Format, const R: usize>
    defmt::Format for Recurrent<K, X, Y, C, H, G, T, R>
{
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(
            f,
            "Recurrent {{ input_weights: {}, state_weights: {}, input_bias: {}, state_bias: {}, \
             initial_state: {} }}",
            self.input_weights,
            self.state_weights,
            self.input_bias,
            self.state_bias,
            self.initial_state
        );
    }
}

impl<K, X, Y, const C: usize, const H: usize, const G: usize, T: Scalar, const R: usize> Zero
    for Recurrent<K, X, Y, C, H, G, T, R>
where
    K: Cell<T, H, G>,
{
    const ZERO: Self = Self::new(Zero::ZERO, Zero::ZERO, Zero::ZERO, Zero::ZERO);
}

/// Zeros: weights need random values before training, as those of `init`.
impl<K, X, Y, const C: usize, const H: usize, const G: usize, T: Scalar, const R: usize> Default
    for Recurrent<K, X, Y, C, H, G, T, R>
where
    K: Cell<T, H, G>,
{
    fn default() -> Self {
        Self::ZERO
    }
}
