//! The sizes that [`net!`](crate::net) works out. An error is reported where a layer names its size;
//! the layers after it take a size that is never an error, so that there is one message.

use crate::layer::Layer;
use crate::layer::compact::Packed;
use crate::shape::Shape;

/// Whether what is added has the shape of the output: `Added<true>`.
#[derive(Debug)]
pub struct Added<const FITS: bool>;

/// The projection `P` if it fits. Otherwise the size is an error, and there is no other.
pub trait Projection<P> {
    type Checked;
}

impl<P> Projection<P> for Added<true> {
    type Checked = P;
}

/// Whether `Y` can be added to the output of the layer. Shapes of the same length are left to the
/// compiler.
#[must_use]
#[track_caller]
pub const fn added<L: Layer, Y: Shape>() -> bool {
    assert!(
        <L::Output as Shape>::LEN == Y::LEN,
        "the output of the layers in `Residual` has not the shape of what is added to it: the input, \
         or with `Residual(..) + (Conv1d(16, 1) Identity)` a projection"
    );
    true
}

/// Of two layers side by side.
#[must_use]
pub const fn outputs<A: Layer, B: Layer>() -> usize {
    A::Output::CHANNELS.saturating_add(B::Output::CHANNELS)
}

#[must_use]
#[track_caller]
pub const fn checked_outputs<A: Layer, B: Layer>() -> usize {
    assert!(
        A::Output::POSITIONS.is_empty() && B::Output::POSITIONS.is_empty(),
        "in `net!`, both parts of a `Parallel` end in a vector: put `GlobalMean`, `GlobalMax`, `Flatten` or \
         `FlattenChannelsLast` at their ends"
    );
    outputs::<A, B>()
}

/// Bytes that a `Compact` of these layers packs.
#[must_use]
pub const fn packed<L: Packed>() -> usize {
    L::BYTES
}

/// The share that is dropped, of the numerator and the denominator.
#[must_use]
#[track_caller]
pub const fn share(numerator: u32, denominator: u32) -> u32 {
    assert!(numerator < denominator, "the share that is dropped must be below 1");
    numerator
}

/// `1 / epsilon`.
#[must_use]
#[track_caller]
pub const fn epsilon(numerator: u32, denominator: u32) -> u32 {
    assert!(
        numerator == 1 && denominator > 0,
        "the epsilon of `BatchNorm` is written `1 / N`, as in `BatchNorm(1 / 1000) Relu`"
    );
    denominator
}

/// Padding of one dimension.
#[derive(Clone, Copy, Debug)]
pub enum Padding {
    Same,
    Causal,
    Zeros(usize),
}

#[must_use]
pub const fn numbers(h: usize, w: usize, c: usize) -> usize {
    h.saturating_mul(w).saturating_mul(c)
}

const fn quotient(a: usize, b: usize) -> usize {
    match a.checked_div(b) {
        Some(quotient) => quotient,
        None => 0,
    }
}

/// Length of a window.
const fn span(k: usize, dilation: usize) -> usize {
    k.saturating_sub(1).saturating_mul(dilation).saturating_add(1)
}

#[must_use]
pub const fn zeros(padding: Padding, l: usize, k: usize, step: usize, dilation: usize) -> usize {
    match padding {
        Padding::Zeros(zeros) => zeros,
        Padding::Causal => span(k, dilation).saturating_sub(1),
        Padding::Same => {
            let last = positions(padding, l, k, step, dilation).saturating_sub(1);
            let end = last.saturating_mul(step).saturating_add(span(k, dilation));
            quotient(end.saturating_sub(l), 2)
        }
    }
}

#[must_use]
pub const fn positions(
    padding: Padding,
    l: usize,
    k: usize,
    step: usize,
    dilation: usize,
) -> usize {
    match padding {
        Padding::Same | Padding::Causal => quotient(l.saturating_add(step).saturating_sub(1), step),
        Padding::Zeros(zeros) => {
            let padded = l.saturating_add(zeros.saturating_mul(2));
            pool(padded, span(k, dilation), step)
        }
    }
}

#[must_use]
#[track_caller]
pub const fn checked(padding: Padding, l: usize, k: usize, step: usize, dilation: usize) -> usize {
    assert!(k > 0 && step > 0 && dilation > 0, "kernel, step and dilation are at least 1");
    if let Padding::Zeros(zeros) = padding {
        assert!(
            span(k, dilation) <= l.saturating_add(zeros.saturating_mul(2)),
            "the kernel is longer than its input"
        );
    }
    positions(padding, l, k, step, dilation)
}

#[must_use]
#[track_caller]
pub const fn group(channels: usize, outputs: usize, groups: usize) -> usize {
    let size = quotient(channels, groups);
    assert!(
        size.saturating_mul(groups) == channels
            && quotient(outputs, groups).saturating_mul(groups) == outputs,
        "`groups` must divide the channels of the input and the outputs"
    );
    size
}

#[must_use]
pub const fn pool(l: usize, k: usize, step: usize) -> usize {
    match l.checked_sub(k) {
        Some(rest) => quotient(rest, step).saturating_add(1),
        None => 1,
    }
}

#[must_use]
#[track_caller]
pub const fn checked_pool(l: usize, k: usize, step: usize) -> usize {
    assert!(k > 0 && step > 0, "window and step of a pooling are at least 1");
    assert!(k <= l, "the window of the pooling is longer than its input");
    let positions = pool(l, k, step);
    assert!(
        positions.saturating_sub(1).saturating_mul(step).saturating_add(k) == l,
        "the pooling does not divide its input: steps at the end would be left out"
    );
    positions
}

/// Rows of the initial state of a recurrent layer: an LSTM, which has four gates, has a memory too.
#[must_use]
pub const fn states(gates: usize) -> usize {
    if gates == 4 { 2 } else { 1 }
}

/// Vectors of an embedding.
#[must_use]
#[track_caller]
pub const fn vectors(vectors: usize) -> usize {
    assert!(
        vectors > 0 && vectors as u64 <= 1 << 24,
        "an embedding has at least one vector, and up to 2^24, as far as `f32` can count"
    );
    vectors
}

/// Numbers of all gates of a recurrent layer.
#[must_use]
pub const fn gates(gates: usize, units: usize) -> usize {
    assert!(units > 0, "a recurrent layer has at least one unit");
    gates.saturating_mul(units)
}
