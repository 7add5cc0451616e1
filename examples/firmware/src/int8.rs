//! Networks in int8, of numbers that stand for weights.

use gradlet::prelude::*;
use gradlet::quantized::{Quantization, Quantized, Sequence};

/// The rounding for this core: a Cortex-M0 has no product of 64 bits.
#[cfg(multiplies_32_bits)]
pub(crate) type Rounding = gradlet::quantized::TwoProducts;
#[cfg(not(multiplies_32_bits))]
pub(crate) type Rounding = gradlet::quantized::Exact;

/// Of all inputs and outputs.
pub(crate) const STEPS: Quantization = Quantization::new(1.0 / 64.0, -128).unwrap();

/// A weight in -127..=127.
pub(crate) const fn weight(output: usize, input: usize) -> i8 {
    let number = (input * 7919 + output * 104_729 + 12_345) as u32;
    (number.wrapping_mul(2_654_435_761) >> 16) as u8 as i8 / 2 * 2 + 1
}

pub(crate) const fn rows<const IN: usize, const OUT: usize>() -> [[i8; IN]; OUT] {
    let mut rows = [[0; IN]; OUT];
    let mut at = 0;
    while at < IN * OUT {
        rows[at / IN][at % IN] = weight(at / IN, at % IN);
        at += 1;
    }
    rows
}

pub(crate) const fn filters<const C: usize, const K: usize, const OUT: usize>()
-> [[[i8; K]; C]; OUT] {
    let mut filters = [[[0; K]; C]; OUT];
    let mut at = 0;
    while at < C * K * OUT {
        filters[at / C / K][at / K % C][at % K] = weight(at / C / K, at % (C * K));
        at += 1;
    }
    filters
}

/// A dense layer of that size.
macro_rules! dense {
    ($in:literal => $out:literal $A:ident) => {
        match gradlet::quantized::Int8::<Dense<$in, $out, $A>, crate::int8::Rounding>::from_rows(
            &crate::int8::rows(),
            &[100; $out],
            &[0.4 / $in as f32; $out],
            crate::int8::STEPS,
            crate::int8::STEPS,
            (),
        ) {
            Some(layer) => layer,
            None => panic!(),
        }
    };
}

/// A convolution whose outputs see so many inputs.
macro_rules! convolution {
    ($Conv:ty, $in:literal => $out:literal) => {
        match gradlet::quantized::Int8::<$Conv, crate::int8::Rounding>::from_filters(
            &crate::int8::filters(),
            &[100; $out],
            &[0.4 / $in as f32; $out],
            crate::int8::STEPS,
            crate::int8::STEPS,
            (),
        ) {
            Some(layer) => layer,
            None => panic!(),
        }
    };
}

#[allow(unused_imports, reason = "one program has others")]
pub(crate) use dense;

/// Recognises activities from 128 steps of 6 sensors.
pub(crate) type Activity = net![
    128 x 6 => Conv1d(16, 5, step 2) Relu | MaxPool(2) => Conv1d(32, 3) Relu | GlobalMean
    => 6 Identity
];

/// Its layers.
pub(crate) static ACTIVITY: Quantized<Activity, Rounding> = Quantized::from_parts(
    STEPS,
    Sequence::new(
        Sequence::new(
            convolution!(Conv1d<128, 6, 16, 5, 62, Relu, f32, 2>, 30 => 16),
            MaxPool1d::new(),
        ),
        Sequence::new(
            Sequence::new(
                convolution!(Conv1d<31, 16, 32, 3, 29, Relu>, 48 => 32),
                GlobalMean::new(),
            ),
            dense!(32 => 6 Identity),
        ),
    ),
    STEPS,
);
