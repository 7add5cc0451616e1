//! Parameters as one array, whose length is computed in the type system (feature `typenum`).
//!
//! [`FlatParameters`] shows all parameters of a network as a [`Flat`] array, and takes them back from
//! one. [`Framed`] does the same with bytes that can be sent by radio or kept in an EEPROM: a
//! [`Frame`], which carries the type of the network and a CRC. Both lengths are types, so a function
//! that is generic over networks can hold such arrays without allocating, and what does not fit into a
//! packet [does not compile](FitsIn), or goes in [`pieces`].
//!
//! # Code that is generic over networks
//!
//! Federated averaging (McMahan et al., AISTATS 2017): each device trains by itself, and the mean of
//! the parameters goes back to all.
//!
//! ```
//! use gradlet::flat::{Flat, FlatParameters};
//! use gradlet::prelude::*;
//!
//! /// Gives every network the mean of the parameters of all.
//! fn average<N: FlatParameters<Scalar = f32>>(devices: &mut [N]) {
//!     let mut mean = Flat::<N>::default();
//!     for device in devices.iter() {
//!         for (m, p) in mean.iter_mut().zip(device.to_flat()) {
//!             *m += p / devices.len() as f32;
//!         }
//!     }
//!     for device in devices {
//!         device.load_flat(&mean);
//!     }
//! }
//!
//! /// Euclidean distance between two networks.
//! fn distance<N: FlatParameters>(a: &N, b: &N) -> N::Scalar {
//!     let differences = a.to_flat().into_iter().zip(b.to_flat()).map(|(a, b)| a - b);
//!     differences.map(|d| d * d).sum::<N::Scalar>().sqrt()
//! }
//!
//! let layer = |w: f32, b: f32| Dense::<1, 1, Identity>::new([[w]], [b]);
//! let mut devices = [layer(1.0, 0.0), layer(4.0, 4.0)];
//! assert_eq!(distance(&devices[0], &devices[1]), 5.0);
//! average(&mut devices);
//! assert_eq!(devices, [layer(2.5, 2.0), layer(2.5, 2.0)]);
//! ```
//!
//! # Which networks
//!
//! Every network whose layers have up to 1024 inputs and units (or a power of two or ten, as far as
//! [`typenum`] goes: stable Rust cannot turn other numbers into types). The number of parameters has no
//! limit.
//!
//! # Large networks
//!
//! A [`Flat`] of 25,000 parameters takes 100 KB, and [`to_flat`](FlatParameters::to_flat) gives it by
//! value, so on the stack. [`write_flat`](FlatParameters::write_flat) and
//! [`write_frame`](Framed::write_frame) fill an array that is already there; [`Zero`] makes one for a
//! `static`.

mod frame;
mod pieces;

pub use frame::{FitsIn, Frame, FrameError, FrameScalar, Framed};
pub use generic_array::{self, ArrayLength, GenericArray, typenum};
pub use pieces::{Assembler, InPieces, PieceError, pieces};

use core::ops::{Add, Mul};

use generic_array::GenericArray as Array;
use typenum::{Add1, B1, Const, Prod, Sum, ToUInt, U, U0, Unsigned};

use crate::activation::{Activation, Hidden};
use crate::layer::{Chain, Dense, Frozen, Layer, Takes};
use crate::scalar::{Scalar, Zero};

/// All parameters of `N`: an array of [`FlatParameters::Length`] numbers.
///
/// ```
/// use gradlet::flat::Flat;
/// use gradlet::prelude::*;
///
/// static PARAMETERS: Flat<Mlp<2, 4, 2>> = Zero::ZERO;
/// assert_eq!(PARAMETERS.len(), 22);
/// ```
pub type Flat<N> = Array<<N as Layer>::Scalar, <N as FlatParameters>::Length>;

/// A network whose number of parameters is a type.
///
/// ```
/// use gradlet::flat::{FlatParameters, typenum::{U22, assert_type_eq}};
/// use gradlet::prelude::*;
///
/// assert_type_eq!(<Mlp<2, 4, 2> as FlatParameters>::Length, U22);
///
/// let layer = Dense::<2, 1, Identity>::new([[1.0], [2.0]], [3.0]);
/// assert_eq!(layer.to_flat().as_slice(), [1.0, 2.0, 3.0]);
/// ```
///
/// # A layer of your own
///
/// It names its [`Length`](Self::Length), and has the functions.
///
/// ```
/// # use gradlet::{GradientVisitor, LayerTrace, Tensor};
/// use gradlet::flat::typenum::{Const, ToUInt, U};
/// use gradlet::flat::{ArrayLength, FlatParameters};
/// use gradlet::prelude::*;
///
/// /// `y_i = s_i x_i`, as in the documentation of [`Layer`].
/// struct Scale<const N: usize> {
///     factors: [f32; N],
/// }
/// # impl<const N: usize> Zero for Scale<N> { const ZERO: Self = Self { factors: [0.0; N] }; }
/// # impl<const N: usize> Layer for Scale<N> {
/// #     type Scalar = f32;
/// #     type Input = [f32; N];
/// #     type Output = [f32; N];
/// #     type Activation = Identity;
/// #     type Trace = LayerTrace<[f32; N], Identity>;
/// #     type Gradient = Self;
/// #     const PARAMS: usize = N;
/// #     const MACS: usize = N;
/// #     fn logits(&self, _: &[f32; N], _: &mut [f32; N]) {}
/// #     fn input_gradient(
/// #         &self, _: &[f32; N], _: &Self::Trace, _: &[f32; N], _: &mut [f32; N],
/// #     ) {}
/// #     fn gradient<const P: usize, const S: usize>(
/// #         _: [&mut Self; P], _: [&mut Self; S], _: &[f32; N], _: &Self::Trace, _: &[f32; N],
/// #         _: &mut impl GradientVisitor<f32, P, S>,
/// #     ) {}
/// #     fn parameters<const S: usize>(
/// #         &self, state: [&mut Self; S],
/// #         visit: &mut impl FnMut(Tensor, &[f32], [&mut [f32]; S]),
/// #     ) {
/// #         visit(Tensor::Other, &self.factors, state.map(|s| s.factors.as_mut_slice()));
/// #     }
/// #     fn tensors<const G: usize, const P: usize, const S: usize>(
/// #         gradients: [&Self; G], nets: [&mut Self; P], state: [&mut Self; S],
/// #         visit: &mut impl FnMut(Tensor, [&[f32]; G], [&mut [f32]; P], [&mut [f32]; S]),
/// #     ) {
/// #         visit(
/// #             Tensor::Other,
/// #             gradients.map(|g| g.factors.as_slice()),
/// #             nets.map(|n| n.factors.as_mut_slice()),
/// #             state.map(|s| s.factors.as_mut_slice()),
/// #         );
/// #     }
/// # }
///
/// impl<const N: usize> FlatParameters for Scale<N>
/// where
///     Const<N>: ToUInt,
///     U<N>: ArrayLength,
/// {
///     type Length = U<N>;
/// }
///
/// let net = Chain::new(Scale { factors: [2.0, 3.0] }, Dense::<2, 1>::ZERO);
/// assert_eq!(net.to_flat().as_slice(), [2.0, 3.0, 0.0, 0.0, 0.0]);
/// ```
///
/// A length that is not [`Layer::PARAMS`] does not compile:
///
/// ```compile_fail,E0080
/// # use gradlet::{GradientVisitor, LayerTrace, Tensor};
/// # use gradlet::flat::{FlatParameters, typenum::U3};
/// # use gradlet::prelude::*;
/// # struct Pair;
/// # impl Zero for Pair { const ZERO: Self = Self; }
/// # type Two = [f32; 2];
/// # impl Layer for Pair {
/// #     type Scalar = f32;
/// #     type Input = Two;
/// #     type Output = Two;
/// #     type Activation = Identity;
/// #     type Trace = LayerTrace<Two, Identity>;
/// #     type Gradient = Self;
/// #     const PARAMS: usize = 2;
/// #     const MACS: usize = 2;
/// #     fn logits(&self, _: &Two, _: &mut Two) {}
/// #     fn input_gradient(&self, _: &Two, _: &Self::Trace, _: &Two, _: &mut Two) {}
/// #     fn gradient<const P: usize, const S: usize>(
/// #         _: [&mut Self; P], _: [&mut Self; S], _: &Two, _: &Self::Trace, _: &Two,
/// #         _: &mut impl GradientVisitor<f32, P, S>,
/// #     ) {}
/// #     fn parameters<const S: usize>(
/// #         &self, _: [&mut Self; S], _: &mut impl FnMut(Tensor, &[f32], [&mut [f32]; S]),
/// #     ) {}
/// #     fn tensors<const G: usize, const P: usize, const S: usize>(
/// #         _: [&Self; G], _: [&mut Self; P], _: [&mut Self; S],
/// #         _: &mut impl FnMut(Tensor, [&[f32]; G], [&mut [f32]; P], [&mut [f32]; S]),
/// #     ) {}
/// # }
/// impl FlatParameters for Pair {
///     type Length = U3; // with two parameters
/// }
/// let flat = Pair.to_flat();
/// ```
#[diagnostic::on_unimplemented(
    message = "the number of parameters of `{Self}` is not known as a type",
    note = "layers may have 0 to 1024 inputs and units, or a power of two or ten; one of your own \
            implements `FlatParameters`"
)]
pub trait FlatParameters: Layer {
    /// [`Layer::PARAMS`], as a type.
    type Length: ArrayLength;

    /// All parameters, in the order of [`Layer::parameters`].
    #[must_use]
    fn to_flat(&self) -> Flat<Self> {
        let mut flat = Array::default();
        self.write_flat(&mut flat);
        flat
    }

    /// Writes all parameters, in the order of [`Layer::parameters`].
    ///
    /// ```
    /// use gradlet::flat::{Flat, FlatParameters};
    /// use gradlet::prelude::*;
    ///
    /// let mut flat: Box<Flat<Mlp<784, 32, 10>>> = Default::default();
    /// Mlp::<784, 32, 10>::ZERO.write_flat(&mut flat);
    /// assert_eq!(flat.len(), 25_450);
    /// ```
    fn write_flat(&self, flat: &mut Flat<Self>) {
        check_length::<Self>();
        let mut places = flat.iter_mut();
        self.parameters([], &mut |_, values, []| {
            for (value, place) in values.iter().zip(&mut places) {
                *place = *value;
            }
        });
    }

    /// Takes over all parameters, whatever they are: NaN too.
    fn load_flat(&mut self, flat: &Flat<Self>) {
        check_length::<Self>();
        let mut numbers = flat.iter();
        Self::tensors([], [self], [], &mut |_, [], [values], []| {
            for (value, number) in values.iter_mut().zip(&mut numbers) {
                *value = *number;
            }
        });
    }
}

/// Compiles if the type for the number of parameters is right.
fn check_length<N: FlatParameters>() {
    const { assert!(N::Length::USIZE == N::PARAMS, "`Length` of a layer is not its `PARAMS`") }
}

#[diagnostic::do_not_recommend]
impl<const IN: usize, const OUT: usize, A: Activation, T: Scalar> FlatParameters
    for Dense<IN, OUT, A, T>
where
    Const<IN>: ToUInt<Output: Add<B1, Output: Mul<U<OUT>, Output: ArrayLength>>>,
    Const<OUT>: ToUInt,
{
    type Length = Prod<Add1<U<IN>>, U<OUT>>;
}

impl<First, Rest> FlatParameters for Chain<First, Rest>
where
    First: FlatParameters<Activation: Hidden, Length: Add<Rest::Length, Output: ArrayLength>>,
    Rest: Takes<First::Output> + FlatParameters,
{
    type Length = Sum<First::Length, Rest::Length>;
}

impl<L: Layer> FlatParameters for Frozen<L> {
    type Length = U0;
}

impl<L: Layer> FlatParameters for &L {
    type Length = U0;
}

/// So that frames, too, can start in a `static`.
impl Zero for u8 {
    const ZERO: Self = 0;
}

impl<T, L> Zero for Array<T, L>
where
    T: Zero,
    L: ArrayLength,
    Self: const_default::ConstDefault,
{
    const ZERO: Self = const_default::ConstDefault::DEFAULT;
}
