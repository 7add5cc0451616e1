//! Dense layers and convolutions in int8.

use core::fmt;
use core::marker::PhantomData;

use super::activation::{Finish, Int8Activation};
use super::calibration::{Granularity, LayerRanges};
use super::error::QuantizeError;
use super::kernel::{Aligned, Order, Parts, Unit};
use super::multiplier::{Bounds, Exact, Multiplier, Rounding};
use super::quantization::{Quantization, is_scale, round, round_wide, saturate};
use super::{Int8Layer, Quantize};
use crate::kernel::geometry::{Axis, Windowed, Windows};
use crate::layer::{Conv1d, Conv2d, Dense, Layer};
use crate::shape::Shape;
use crate::zero::Zero;

/// A layer with weights that has an int8 form: [`Dense`], [`Conv1d`] and [`Conv2d`].
///
/// ```
/// fn has_weights<L: gradlet::quantized::Weighted>() {}
/// has_weights::<gradlet::Dense<2, 4>>();
/// ```
pub trait Weighted: Layer<Format = f32, Activation: Int8Activation> {
    /// Its weights in int8.
    #[doc(hidden)]
    type Weights: Shape<Element = u8> + PartialEq + fmt::Debug;
    /// The inputs that an output sees.
    #[doc(hidden)]
    type Window: Shape<Element = i8>;
    /// A sum for each output.
    #[doc(hidden)]
    type Sums: Shape<Element = i32>;
    /// Bias and multiplier of each output.
    #[doc(hidden)]
    type Units: AsRef<[Unit]> + Clone + PartialEq + fmt::Debug;
    /// What of the input each output sees.
    #[doc(hidden)]
    const SEES: Windows;
    /// How its weights are in memory.
    #[doc(hidden)]
    const ORDER: Order;
    /// Whether it is a convolution.
    #[doc(hidden)]
    const CONVOLVES: bool;
}

/// The layer `L` in int8: weights of 8 bits, a bias of 32 bits and a [`Multiplier`] for each output.
///
/// ```text
/// sum = sum over inputs of w x + (b - zero_point_x sum of w)
/// y   = clamp(multiply(sum, scale_x scale_w / scale_y) + zero_point_y)
/// ```
///
/// A network has it by [`Quantized::calibrate`](super::Quantized::calibrate); `from_rows` and `from_filters`
/// make it from the integers of a file.
pub struct Int8<L: Weighted, R = Exact> {
    weights: Aligned<L::Weights>,
    units: L::Units,
    bounds: Bounds,
    /// Of the input.
    zero_point: i8,
    /// Of the input and of the logits: not needed to compute, but in a file.
    scales: [f32; 2],
    finish: <L::Activation as Int8Activation>::Finish,
    rounding: PhantomData<R>,
}

impl<L: Weighted, R> Clone for Int8<L, R> {
    fn clone(&self) -> Self {
        Self {
            weights: self.weights.clone(),
            units: self.units.clone(),
            bounds: self.bounds,
            zero_point: self.zero_point,
            scales: self.scales,
            finish: self.finish,
            rounding: PhantomData,
        }
    }
}

impl<L: Weighted, R> PartialEq for Int8<L, R> {
    fn eq(&self, other: &Self) -> bool {
        self.weights == other.weights
            && self.units == other.units
            && self.bounds == other.bounds
            && self.zero_point == other.zero_point
            && self.scales == other.scales
            && self.finish == other.finish
    }
}

impl<L: Weighted, R> fmt::Debug for Int8<L, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Int8")
            .field("weights", &self.weights.0)
            .field("units", &self.units)
            .finish_non_exhaustive()
    }
}

crate::macros::defmt_shows!([L: Weighted, R] Int8<L, R>: |_, f| defmt::write!(f, "Int8"));

/// What a file has of the layer.
impl<L: Weighted, R: Rounding> Int8<L, R> {
    /// The quantisation of the input.
    pub(crate) const fn input(&self) -> Quantization {
        Quantization::fixed(self.scales[0], self.zero_point)
    }

    /// The quantisation of the requantised sums.
    pub(crate) const fn logits(&self) -> Quantization {
        Quantization::fixed(self.scales[1], self.bounds.zero_point)
    }

    /// What follows them.
    pub(crate) const fn finish(&self) -> &<L::Activation as Int8Activation>::Finish {
        &self.finish
    }

    /// Number of outputs, or of channels of outputs, and of the inputs that each sees.
    const SIZES: (usize, usize) = (L::Sums::LEN, L::Window::LEN);

    /// A weight.
    pub(crate) fn weight(&self, output: usize, input: usize) -> i8 {
        let place = L::ORDER.place(Self::SIZES, output, input);
        let weight = self.weights.0.as_slice().get(place).map_or(0, |&byte| byte as i8);
        // Encoded twice, it is as it was.
        L::ORDER.encode(Self::SIZES.0, output, weight) as i8
    }

    /// The biases, in units of a product's scale, and the scales of the weights.
    ///
    /// A multiplier has more bits than a scale, or less: either way, the nearest scale gives it again.
    #[allow(clippy::cast_possible_truncation, reason = "clamped")]
    pub(crate) fn units(&self) -> impl Iterator<Item = (i32, f32)> {
        let [input, logits] = self.scales.map(f64::from);
        let zero_point = i32::from(self.zero_point);
        self.units.as_ref().iter().enumerate().map(move |(output, unit)| {
            let weights = (0..Self::SIZES.1).map(|input| i32::from(self.weight(output, input)));
            let sum = weights.fold(0, i32::wrapping_add);
            let scale = unit.by.real(R::BITS) * logits / input;
            let scale = scale.clamp(f64::from(f32::MIN_POSITIVE), f64::from(f32::MAX)) as f32;
            (unit.bias.wrapping_add(zero_point.wrapping_mul(sum)), scale)
        })
    }
}

impl<L: Weighted, R: Rounding> Int8Layer for Int8<L, R> {
    type Input = <L::Input as Shape>::With<i8>;
    type Output = <L::Output as Shape>::With<i8>;

    #[inline]
    fn run(&self, input: &Self::Input, output: &mut Self::Output) {
        let parts = Parts {
            weights: &self.weights,
            units: self.units.as_ref(),
            bounds: self.bounds.known(L::Activation::CLAMP),
            zero_point: self.zero_point,
            convolves: L::CONVOLVES,
        };
        let (mut window, mut sums) = (L::Window::ZERO, L::Sums::ZERO);
        parts.run::<R>(
            L::ORDER,
            L::SEES,
            input.as_slice(),
            output.as_mut_slice(),
            window.as_mut_slice(),
            sums.as_mut_slice(),
        );
        self.finish.apply(output.as_mut_slice());
    }
}

/// The scale of weights whose largest is this, so that a bias of this size fits in its 32 bits.
#[allow(clippy::cast_precision_loss, reason = "a power of two")]
const fn weight_scale(largest: f32, bias: f32, input: Quantization, logits: Quantization) -> f32 {
    let scale = largest / 127.0;
    // With room for the sum of products: of 2^30.
    let least = bias / input.scale() / (1_u32 << 30) as f32;
    let scale = if scale < least { least } else { scale };
    // Without weights, a bias is as exact as a 256th of an output.
    if is_scale(scale) { scale } else { logits.scale() / input.scale() / 256.0 }
}

/// The absolute value, in a const function of any supported compiler.
const fn abs(x: f32) -> f32 {
    f32::from_bits(x.to_bits() & 0x7fff_ffff)
}

/// The nearest int8 from -127 on: `TFLite`'s weights are symmetric.
const fn weight(w: f32, scale: f32) -> i8 {
    let q = saturate(round(w / scale));
    if q < -127 { -127 } else { q }
}

/// A bias in units of the sum.
#[allow(clippy::cast_possible_truncation, reason = "clamped")]
const fn bias_of(b: f32, input: Quantization, scale: f32) -> i32 {
    let q = round_wide(b as f64 / (input.scale() as f64 * scale as f64));
    if q > 1 << 30 {
        1 << 30
    } else if q < -(1 << 30) {
        -(1 << 30)
    } else {
        q as i32
    }
}

/// Implements what depends on the shape of weights. `$place` is an index expression for the place of a weight
/// in memory; `$int8` and `$float` are the weight of an output and an input in `$rows` and in `$layer`.
macro_rules! weighted {
    (
        [$($generics:tt)*] $Layer:ty, convolves $convolves:literal, windows $windows:expr, inputs $inputs:expr,
        weights $Weights:ty, window $Window:ty,
        |$o:ident, $i:ident, $place:ident| $packed:ident[$($index:expr),+],
        $(#[$doc:meta])* $from:ident($rows:ident: $Rows:ty, $int8:expr), $layer:ident $float:expr
    ) => {
        impl<$($generics)*, A: Int8Activation> Weighted for $Layer {
            type Weights = $Weights;
            type Window = $Window;
            type Sums = [i32; OUT];
            type Units = [Unit; OUT];
            const SEES: Windows = $windows;
            const ORDER: Order = Order::of(Self::SEES, OUT);
            const CONVOLVES: bool = $convolves;
        }

        impl<$($generics)*, A: Int8Activation> Quantize for $Layer {
            type Ranges = LayerRanges;
            type Int8<R: Rounding> = Int8<Self, R>;

            fn observe(&self, input: &Self::Input, ranges: &mut LayerRanges) -> Self::Output {
                let mut output = Self::Output::ZERO;
                self.logits(input, &mut output);
                ranges.logits.observe(Shape::as_slice(&output));
                A::activate(Shape::as_mut_slice(&mut output));
                ranges.outputs.observe(Shape::as_slice(&output));
                output
            }

            fn quantize<R: Rounding>(
                &self,
                ranges: &LayerRanges,
                input: Quantization,
                granularity: Granularity,
                layer: &mut usize,
            ) -> Result<(Self::Int8<R>, Quantization), QuantizeError> {
                *layer = layer.wrapping_add(1);
                let range = if A::Finish::NOTHING { ranges.outputs } else { ranges.logits };
                let int8 = Quantization::of(range).and_then(|logits| {
                    let (finish, outputs) = A::finish(logits, ranges.outputs)?;
                    Ok((Int8::<Self, R>::from_layer(self, input, logits, finish, granularity)?, outputs))
                });
                int8.map_err(|error| error.at(*layer))
            }
        }

        impl<$($generics)*, A: Int8Activation, R: Rounding> Int8<$Layer, R> {
            $(#[$doc])*
            #[must_use]
            #[allow(
                clippy::indexing_slicing,
                clippy::arithmetic_side_effects,
                reason = "a const fn has no iterators; the bounds are in the type"
            )]
            pub const fn $from(
                $rows: &$Rows,
                bias: &[i32; OUT],
                scales: &[f32; OUT],
                input: Quantization,
                logits: Quantization,
                finish: A::Finish,
            ) -> Option<Self> {
                const { assert!($inputs <= MOST_INPUTS, "an output of a layer in int8 sees too many inputs") };
                let sizes = (OUT, $inputs);
                let order = <$Layer as Weighted>::ORDER;
                let mut $packed: $Weights = Zero::ZERO;
                let mut units = [Unit { bias: 0, by: Multiplier::new(0.0, R::BITS) }; OUT];
                let mut $o = 0;
                while $o < OUT {
                    if !is_scale(scales[$o]) {
                        return None;
                    }
                    let (mut sum, mut $i) = (0_i32, 0);
                    while $i < $inputs {
                        let w: i8 = $int8;
                        // Not symmetric.
                        if w == i8::MIN {
                            return None;
                        }
                        let $place = order.place(sizes, $o, $i);
                        // So that the compiler knows.
                        if $place >= OUT * $inputs {
                            return None;
                        }
                        $packed$([$index])+ = order.encode(OUT, $o, w);
                        sum = sum.wrapping_add(w as i32);
                        $i += 1;
                    }
                    let zero_point = input.zero_point() as i32;
                    let product = input.scale() as f64 * scales[$o] as f64;
                    units[$o] = Unit {
                        bias: bias[$o].wrapping_sub(zero_point.wrapping_mul(sum)),
                        by: Multiplier::new(product / logits.scale() as f64, R::BITS),
                    };
                    $o += 1;
                }
                let (min, max) = A::CLAMP.bounds(logits);
                Some(Self {
                    weights: Aligned($packed),
                    units,
                    bounds: Bounds { zero_point: logits.zero_point(), min, max },
                    zero_point: input.zero_point(),
                    scales: [input.scale(), logits.scale()],
                    finish,
                    rounding: PhantomData,
                })
            }

            /// From a layer of `f32`, for inputs and logits of these quantisations. The scale of weights is
            /// their largest absolute value by 127, in each output or in all of them, as `TFLite`'s quantiser
            /// chooses it; it is larger where a bias would not fit in its 32 bits.
            ///
            /// # Errors
            ///
            /// [`QuantizeError::NotFinite`] if a weight or bias is NaN or infinite; the layer that it names
            /// is 0.
            #[allow(
                clippy::indexing_slicing,
                clippy::arithmetic_side_effects,
                reason = "a const fn has no iterators; the bounds are in the type"
            )]
            pub const fn from_layer(
                $layer: &$Layer,
                input: Quantization,
                logits: Quantization,
                finish: A::Finish,
                granularity: Granularity,
            ) -> Result<Self, QuantizeError> {
                let bias = $layer.bias();
                let (mut largest, mut of_all, mut bias_of_all) = ([0.0; OUT], 0.0, 0.0);
                let mut $o = 0;
                while $o < OUT {
                    let mut $i = 0;
                    while $i < $inputs {
                        let w = abs($float);
                        if !w.is_finite() {
                            return Err(QuantizeError::NotFinite { layer: 0 });
                        }
                        if w > largest[$o] {
                            largest[$o] = w;
                        }
                        $i += 1;
                    }
                    if !bias[$o].is_finite() {
                        return Err(QuantizeError::NotFinite { layer: 0 });
                    }
                    if largest[$o] > of_all {
                        of_all = largest[$o];
                    }
                    if abs(bias[$o]) > bias_of_all {
                        bias_of_all = abs(bias[$o]);
                    }
                    $o += 1;
                }
                let (mut scales, mut sums) = (largest, [0; OUT]);
                let mut $rows: $Rows = Zero::ZERO;
                let mut $o = 0;
                while $o < OUT {
                    let scale = match granularity {
                        Granularity::PerChannel => {
                            weight_scale(largest[$o], abs(bias[$o]), input, logits)
                        }
                        Granularity::PerTensor => weight_scale(of_all, bias_of_all, input, logits),
                    };
                    scales[$o] = scale;
                    sums[$o] = bias_of(bias[$o], input, scale);
                    let mut $i = 0;
                    while $i < $inputs {
                        $int8 = weight($float, scale);
                        $i += 1;
                    }
                    $o += 1;
                }
                match Self::$from(&$rows, &sums, &scales, input, logits, finish) {
                    Some(int8) => Ok(int8),
                    None => Err(QuantizeError::NotFinite { layer: 0 }),
                }
            }
        }
    };
}

/// With so many, a sum of products and a bias fit in 32 bits.
const MOST_INPUTS: usize = 32_768;

weighted! {
    [const IN: usize, const OUT: usize] Dense<IN, OUT, A>,
    convolves false, windows Windows { rows: Axis::ONE, columns: Axis::ONE, channels: IN, group: IN }, inputs IN,
    weights [[u8; OUT]; IN], window [i8; IN],
    |o, i, place| packed[place / OUT, place % OUT],
    /// From one row of weights for each unit and biases in units of `scale_x scale_w`, as `TFLite` has them;
    /// the scales of the rows, and the quantisations of the input and of the logits, which without a table or
    /// softmax to `finish` them are the outputs. `None` if a scale is 0,
    /// negative, NaN, infinite or subnormal, or a weight is -128, as none of `TFLite` is.
    ///
    /// ```
    /// use gradlet::prelude::*;
    /// use gradlet::quantized::{Int8, Int8Layer, Quantization};
    ///
    /// const HALVES: Quantization = Quantization::new(0.5, 0).unwrap();
    /// static LAYER: Int8<Dense<2, 1, Identity>> =
    ///     Int8::<Dense<2, 1, Identity>>::from_rows(&[[100, -100]], &[8], &[0.01], HALVES, HALVES, ()).unwrap();
    ///
    /// let mut y = [0];
    /// LAYER.run(&[20, 10], &mut y); // 10 and 5 by 1 and -1, plus 8 by 0.5 by 0.01
    /// assert_eq!(HALVES.dequantize(y[0]), 5.0);
    /// ```
    from_rows(rows: [[i8; IN]; OUT], rows[o][i]), layer layer.weights()[i][o]
}

weighted! {
    [
        const L: usize, const C: usize, const OUT: usize, const K: usize, const M: usize,
        const STEP: usize, const PADDING: usize, const DILATION: usize, const GROUP: usize
    ] Conv1d<L, C, OUT, K, M, A, f32, STEP, PADDING, DILATION, GROUP>,
    convolves true, windows <Self as Windowed>::WINDOWS, inputs K * GROUP,
    weights [[[u8; OUT]; GROUP]; K], window [[i8; GROUP]; K],
    |o, i, place| packed[place / OUT / GROUP, place / OUT % GROUP, place % OUT],
    /// From one filter for each output channel, `filters[o][c][k]`; the rest is as in
    /// [`from_rows`](Int8::from_rows).
    ///
    /// ```
    /// use gradlet::prelude::*;
    /// use gradlet::quantized::{Int8, Int8Layer, Quantization};
    ///
    /// const ONES: Quantization = Quantization::new(1.0, 0).unwrap();
    /// type Difference = Conv1d<4, 1, 1, 2, 3, Identity>;
    /// static LAYER: Int8<Difference> =
    ///     Int8::<Difference>::from_filters(&[[[-100, 100]]], &[0], &[0.01], ONES, ONES, ()).unwrap();
    ///
    /// let mut y = [[0]; 3];
    /// LAYER.run(&[[1], [2], [4], [4]], &mut y);
    /// assert_eq!(y, [[1], [2], [0]]);
    /// ```
    from_filters(filters: [[[i8; K]; GROUP]; OUT], filters[o][i % GROUP][i / GROUP]),
    layer layer.weights()[i / GROUP][i % GROUP][o]
}

weighted! {
    [
        const H: usize, const W: usize, const C: usize, const OUT: usize, const KH: usize,
        const KW: usize, const MH: usize, const MW: usize, const SH: usize, const SW: usize,
        const PH: usize, const PW: usize, const DH: usize, const DW: usize, const GROUP: usize
    ] Conv2d<H, W, C, OUT, KH, KW, MH, MW, A, f32, SH, SW, PH, PW, DH, DW, GROUP>,
    convolves true, windows <Self as Windowed>::WINDOWS, inputs KH * KW * GROUP,
    weights [[[[u8; OUT]; GROUP]; KW]; KH], window [[[i8; GROUP]; KW]; KH],
    |o, i, place| packed[
        place / OUT / GROUP / KW, place / OUT / GROUP % KW, place / OUT % GROUP, place % OUT
    ],
    /// From one filter for each output channel, `filters[o][c][i][j]`; the rest is as in
    /// [`from_rows`](Int8::from_rows).
    ///
    /// ```
    /// use gradlet::prelude::*;
    /// use gradlet::quantized::{Int8, Int8Layer, Quantization};
    ///
    /// const ONES: Quantization = Quantization::new(1.0, 0).unwrap();
    /// type Sums = Conv2d<3, 3, 1, 1, 2, 2, 2, 2, Identity>;
    /// static LAYER: Int8<Sums> =
    ///     Int8::<Sums>::from_filters(&[[[[100; 2]; 2]]], &[0], &[0.01], ONES, ONES, ()).unwrap();
    ///
    /// let mut y = [[[0]; 2]; 2];
    /// LAYER.run(&[[[1], [2], [3]], [[4], [5], [6]], [[7], [8], [9]]], &mut y);
    /// assert_eq!(y, [[[12], [16]], [[24], [28]]]);
    /// ```
    from_filters(
        filters: [[[[i8; KW]; KH]; GROUP]; OUT],
        filters[o][i % GROUP][i / GROUP / KW][i / GROUP % KW]
    ),
    layer layer.weights()[i / GROUP / KW][i / GROUP % KW][i % GROUP][o]
}
