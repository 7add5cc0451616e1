//! Serialisation of the parameters of a network, followed by the state of an optimizer.
//!
//! The values are in the order of [`Layer::walk`] and of [`Tensors::walk`], little-endian. A
//! network without an optimizer has the state `()`.
//!
//! Visitors are `dyn`, so that all share one walk: 400 bytes of flash less for a network with the
//! state of Adam, on a Cortex-M4F. Functions that are never inlined take no stack while `store`
//! scans for headers, where the stack is deepest: 60 bytes less.

#[cfg(feature = "embedded-storage-v0.3")]
use crate::crc::Crc;
use crate::format::Format;
use crate::layer::{Layer, Weight};
use crate::shape::Element;
use crate::tensors::Tensors;

type Bytes<N> = <Weight<N> as Element>::Bytes;

/// Bytes per value.
pub(crate) const fn width<N: Layer>() -> usize {
    let width = size_of::<Bytes<N>>();
    assert!(matches!(width, 1 | 2 | 4 | 8), "only weights of 1, 2, 4 or 8 bytes can be serialised");
    width
}

/// Bytes of all values.
#[allow(clippy::arithmetic_side_effects, reason = "at compile time, where it is an error")]
pub(crate) const fn length<N: Layer, S>() -> usize {
    let remembered = size_of::<S>() / size_of::<Weight<N>>();
    N::PARAMS.saturating_add(remembered).saturating_mul(width::<N>())
}

/// Visits all values.
pub(crate) fn show<N: Layer, S: Tensors<Weight<N>>>(
    net: &N,
    state: &S,
    visit: &mut dyn FnMut(&[Weight<N>]),
) {
    N::walk([net], [], [], [], &mut |_, [numbers], [], [], []| visit(numbers));
    S::walk([state], [], &mut |_, [numbers], []| visit(numbers));
}

/// Visits all values mutably.
pub(crate) fn show_mut<N: Layer, S: Tensors<Weight<N>>>(
    net: &mut N,
    state: &mut S,
    visit: &mut dyn FnMut(&mut [Weight<N>]),
) {
    N::walk([], [net], [], [], &mut |_, [], [numbers], [], []| visit(numbers));
    S::walk([], [state], &mut |_, [], [numbers]| visit(numbers));
}

/// Length in bytes and CRC of the values, if all are finite.
#[cfg(feature = "embedded-storage-v0.3")]
pub(crate) fn sum<N: Layer, S: Tensors<Weight<N>>>(net: &N, state: &S) -> Option<(usize, u32)> {
    let (mut count, mut finite, mut crc) = (0_usize, true, Crc::new());
    show(net, state, &mut |numbers| {
        count = count.saturating_add(numbers.len());
        for &number in numbers {
            finite = finite && N::Format::is_finite(number);
            crc.update(number.to_le_bytes().as_ref());
        }
    });
    finite.then(|| (count.saturating_mul(const { width::<N>() }), crc.value()))
}

/// Copies bytes, from the offset `first`, where a value begins, as far as there is room for whole
/// values.
#[inline(never)]
pub(crate) fn copy<N: Layer, S: Tensors<Weight<N>>>(
    net: &N,
    state: &S,
    first: usize,
    room: &mut [u8],
) {
    let width = const { width::<N>() };
    let (mut skip, mut places) =
        (first.checked_div(width).unwrap_or(0), room.chunks_exact_mut(width));
    show(net, state, &mut |numbers| {
        for (number, place) in numbers.iter().skip(skip).zip(&mut places) {
            for (place, byte) in place.iter_mut().zip(number.to_le_bytes().as_ref()) {
                *place = *byte;
            }
        }
        skip = skip.saturating_sub(numbers.len());
    });
}

/// The index of the first value that is not finite.
pub(crate) fn not_finite<N: Layer>(bytes: &[u8]) -> Option<usize> {
    let mut numbers = bytes.chunks_exact(const { width::<N>() }).map(number::<N>);
    numbers.position(|number| !number.is_some_and(N::Format::is_finite))
}

/// Sets the values whose bytes begin at the offset `first`.
#[inline(never)]
pub(crate) fn fill<N: Layer, S: Tensors<Weight<N>>>(
    net: &mut N,
    state: &mut S,
    first: usize,
    bytes: &[u8],
) {
    let width = const { width::<N>() };
    let (mut skip, mut rest) =
        (first.checked_div(width).unwrap_or(0), bytes.chunks_exact(width).filter_map(number::<N>));
    show_mut(net, state, &mut |numbers| {
        for (place, number) in numbers.iter_mut().skip(skip).zip(&mut rest) {
            *place = number;
        }
        skip = skip.saturating_sub(numbers.len());
    });
}

fn number<N: Layer>(bytes: &[u8]) -> Option<Weight<N>> {
    Bytes::<N>::try_from(bytes).ok().map(Element::from_le_bytes)
}
