//! Fused convolutions whose forward pass keeps bits: the two layers of a [`Compact`](crate::Compact).

use super::super::convolution::{Rows, part_mut};
use super::super::pool::{Max, Mean, Pools};
use super::super::{Conv1d, Conv2d, Layer};
use super::Fused;
use super::fold::{Keeper, KeepsOutputs, KeepsTap, Place};
use crate::activation::{Identity, Relu};
use crate::gradient::GradientVisitor;
use crate::kernel::active::{self, OfActive};
use crate::kernel::geometry::Windowed;
use crate::kernel::sparse::{self, Nonzero, OfPositive};
use crate::kernel::{columns_mut, each, packed};
use crate::scalar::Scalar;
use crate::shape::Shape;
use crate::tensors::Kind;

/// Bytes of [`packed`] numbers: for a maximum the taps, for a mean whether an output was positive.
struct Packed<'a>(&'a mut [u8]);

impl Keeper for Packed<'_> {}

impl KeepsTap for Packed<'_> {
    #[inline(always)]
    fn slots<const N: usize>(&mut self, place: Place) -> Option<&mut [u8; N]> {
        let Place { pool, at, pooled, .. } = place;
        let (first, _) = packed::at(packed::width(pool.count()), pooled, pool.channels);
        columns_mut(self.0, first.wrapping_add(at))
    }
    #[inline(always)]
    fn keep(slot: &mut u8, place: Place) {
        packed::put(slot, packed::width(place.pool.count()), place.pooled, place.tap);
    }
}

impl<T: Scalar> KeepsOutputs<T> for Packed<'_> {
    #[inline(always)]
    fn keep<const N: usize>(&mut self, x: &[T; N], place: Place) {
        let (first, _) = packed::at(1, place.position, place.pool.channels);
        let Some(slots) = columns_mut::<_, N>(self.0, first.wrapping_add(place.at)) else { return };
        each(N, slots, x, |slot, &x| {
            packed::put(slot, 1, place.position, usize::from(x > T::ZERO));
        });
    }
}

/// A convolution with `Relu`, fused with a max pooling, that keeps packed taps: the first layer of a
/// [`Compact`](crate::Compact).
#[diagnostic::on_unimplemented(
    message = "the first layer of a `Compact` must be a convolution with `Relu` and a max pooling, as \
               in `Conv1d(16, 5) Relu | MaxPool(2)`",
    label = "not `{Self}`"
)]
pub trait MaxPooled<T: Scalar>: Layer<Format = T, Activation = Identity> {
    /// Number of its outputs at a position.
    const CHANNELS: usize;
    /// Number of bytes of the taps.
    const PACKED: usize;

    /// As [`Layer::forward_trace`].
    fn forward_packed(&self, x: &Self::Input, y: &mut Self::Output, taps: &mut [u8]) -> T;

    /// [`Layer::gradient`] of the parameters of one output channel, from the taps, the outputs, and the
    /// derivatives by the outputs of that channel.
    fn gradient_of<const P: usize, const S: usize>(
        nets: [&mut Self; P],
        state: [&mut Self::Gradient; S],
        channel: usize,
        x: &Self::Input,
        kept: (&[u8], &Self::Output),
        d: &[T],
        visitor: &mut impl GradientVisitor<T, P, S>,
    );

    /// Adds to the derivatives by the input what goes through one output channel.
    fn add_input_gradient_of(
        &self,
        channel: usize,
        kept: (&[u8], &Self::Output),
        d: &[T],
        dx: &mut [T],
    );
}

/// A convolution with `Relu`, fused with a mean pooling, that keeps a bit for each output of the
/// convolution: the second layer of a [`Compact`](crate::Compact).
#[diagnostic::on_unimplemented(
    message = "the second layer of a `Compact` must be a convolution with `Relu` and a mean, as in \
               `Conv1d(32, 3) Relu | GlobalMean`",
    label = "not `{Self}`"
)]
pub trait MeanPooled<T: Scalar>: Layer<Format = T, Activation = Identity> {
    /// Number of its outputs at a position.
    const CHANNELS: usize;
    /// Number of bytes of the bits.
    const PACKED: usize;
    /// An input with one channel.
    type Channel: Shape<Element = T>;

    /// As [`Layer::forward_trace`].
    fn forward_packed(&self, x: &Self::Input, y: &mut Self::Output, active: &mut [u8]) -> T;

    /// [`Layer::input_gradient`] by one channel of the input, from the bits and the derivatives by the
    /// outputs.
    fn input_gradient_by(&self, channel: usize, active: &[u8], d: &[T], dx: &mut Self::Channel);

    /// [`Layer::gradient`] of the parameters of one output channel.
    fn gradient_of<const P: usize, const S: usize>(
        nets: [&mut Self; P],
        state: [&mut Self::Gradient; S],
        channel: usize,
        x: &Self::Input,
        active: &[u8],
        d: &[T],
        visitor: &mut impl GradientVisitor<T, P, S>,
    );
}

/// Implements the traits for a fused convolution.
macro_rules! packed {
    ($Conv:ident [$($size:ident),+] [$($option:ident),+] $X:ty, channel $Channel:ty) => {
        impl<
            $(const $size: usize,)+
            T: Scalar,
            $(const $option: usize,)+
            P: Pools<$X> + Layer<Format = T, Input = $X, Activation = Identity>,
        > Fused<$Conv<$($size,)+ Relu, T, $($option),+>, P>
        {
            /// Visits the gradient of the weights and of the bias of one output.
            #[inline(always)]
            fn visit_output<const NETS: usize, const STATES: usize>(
                mut nets: [&mut Self; NETS],
                mut state: [&mut $Conv<$($size,)+ Relu, T, $($option),+>; STATES],
                output: usize,
                x: &[T],
                d: impl Nonzero<T>,
                visitor: &mut impl GradientVisitor<T, NETS, STATES>,
            ) {
                let sizes = Self::sizes().0;
                let bias = sparse::gradient_of::<T, OUT>(sizes, d, output, x, |first, gradient| {
                    for (row, &gradient) in (first..).zip(gradient) {
                        visitor.few(
                            Kind::Weight,
                            nets.each_mut()
                                .map(|n| part_mut::<1, _, OUT>(n.convolution.weights_mut(), row, output)),
                            state.each_mut().map(|s| part_mut::<1, _, OUT>(s.weights_mut(), row, output)),
                            [gradient],
                            (),
                        );
                    }
                });
                let of_output = output..=output;
                visitor.few(
                    Kind::Bias,
                    nets.map(|n| {
                        n.convolution.bias_mut().get_mut(of_output.clone()).unwrap_or_default()
                    }),
                    state.map(|s| s.bias_mut().get_mut(of_output.clone()).unwrap_or_default()),
                    [bias],
                    (),
                );
            }
        }

        impl<
            $(const $size: usize,)+
            T: Scalar,
            $(const $option: usize,)+
            P: Pools<$X, Kind = Max> + Layer<Format = T, Input = $X, Activation = Identity>,
        > MaxPooled<T> for Fused<$Conv<$($size,)+ Relu, T, $($option),+>, P>
        {
            const CHANNELS: usize = OUT;
            const PACKED: usize = packed::bytes(
                packed::width(Self::WINDOWS.count()),
                Self::WINDOWS.rows.output * Self::WINDOWS.columns.output,
                OUT,
            );

            #[inline]
            fn forward_packed(&self, x: &Self::Input, y: &mut P::Output, taps: &mut [u8]) -> T {
                self.pool(Shape::as_slice(x), y, Packed(taps))
            }

            #[inline]
            fn gradient_of<const NETS: usize, const STATES: usize>(
                nets: [&mut Self; NETS],
                state: [&mut Self::Gradient; STATES],
                channel: usize,
                x: &Self::Input,
                (taps, y): (&[u8], &P::Output),
                d: &[T],
                visitor: &mut impl GradientVisitor<T, NETS, STATES>,
            ) {
                let (pool, y) = (Self::sizes().1, Shape::as_slice(y));
                let d = OfPositive::<_, T, OUT> { pool, taps, y, d };
                Self::visit_output(nets, state, channel, Shape::as_slice(x), d, visitor);
            }

            #[inline]
            fn add_input_gradient_of(
                &self,
                channel: usize,
                (taps, y): (&[u8], &P::Output),
                d: &[T],
                dx: &mut [T],
            ) {
                let (sizes, pool) = Self::sizes();
                let d = OfPositive::<_, T, OUT> { pool, taps, y: Shape::as_slice(y), d };
                let weights = self.convolution.weights().rows();
                sparse::add_input_gradient_of(sizes, d, channel, weights, dx);
            }
        }

        impl<
            $(const $size: usize,)+
            T: Scalar,
            $(const $option: usize,)+
            P: Pools<$X, Kind = Mean> + Layer<Format = T, Input = $X, Activation = Identity>,
        > MeanPooled<T> for Fused<$Conv<$($size,)+ Relu, T, $($option),+>, P>
        {
            const CHANNELS: usize = OUT;
            const PACKED: usize = packed::bytes(
                packed::width(2),
                Self::WINDOWS.rows.input * Self::WINDOWS.columns.input,
                OUT,
            );
            type Channel = $Channel;

            #[inline]
            fn forward_packed(&self, x: &Self::Input, y: &mut P::Output, active: &mut [u8]) -> T {
                self.pool(Shape::as_slice(x), y, Packed(active))
            }

            #[inline]
            fn input_gradient_by(
                &self,
                channel: usize,
                active: &[u8],
                d: &[T],
                dx: &mut $Channel,
            ) {
                let (sizes, pool) = Self::sizes();
                let d = OfActive::<_, T, OUT> { pool, active, d };
                let (weights, dx) = (self.convolution.weights().rows(), Shape::as_mut_slice(dx));
                active::input_gradient_by(sizes, d, channel, weights, dx);
            }

            #[inline]
            fn gradient_of<const NETS: usize, const STATES: usize>(
                nets: [&mut Self; NETS],
                state: [&mut Self::Gradient; STATES],
                channel: usize,
                x: &Self::Input,
                active: &[u8],
                d: &[T],
                visitor: &mut impl GradientVisitor<T, NETS, STATES>,
            ) {
                let d = OfActive::<_, T, OUT> { pool: Self::sizes().1, active, d };
                Self::visit_output(nets, state, channel, Shape::as_slice(x), d, visitor);
            }
        }
    };
}
packed!(Conv1d [L, C, OUT, K, M] [STEP, PADDING, DILATION, GROUP] [[T; OUT]; M], channel [T; L]);
packed!(
    Conv2d [H, W, C, OUT, KH, KW, MH, MW] [SH, SW, PH, PW, DH, DW, GROUP] [[[T; OUT]; MW]; MH],
    channel [[T; W]; H]
);
