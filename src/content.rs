//! What is kept and sent: the parameters of a network, then what an optimizer remembers, as bytes.
//!
//! The numbers are in the order of [`Layer::walk`] and of [`Tensors::walk`], the lowest byte first. A
//! network that is alone goes with the state `()`.
//!
//! Visitors are `dyn`, so that flash has one walk for all of them: 400 bytes less for a network with the
//! state of Adam, on a Cortex-M4F. What is never inlined takes no stack while `store` looks for headers,
//! which takes the most: 60 bytes less.

#[cfg(feature = "store")]
use crate::crc::Crc;
use crate::format::Format;
use crate::layer::{Layer, Weight};
use crate::shape::Element;
use crate::tensors::Tensors;

type Bytes<N> = <Weight<N> as Element>::Bytes;

/// Bytes of a number.
pub(crate) const fn width<N: Layer>() -> usize {
    let width = size_of::<Bytes<N>>();
    assert!(matches!(width, 1 | 2 | 4 | 8), "only numbers of 1, 2, 4 or 8 bytes are kept or sent");
    width
}

/// Bytes of all numbers.
#[allow(clippy::arithmetic_side_effects, reason = "at compile time, where it is an error")]
pub(crate) const fn length<N: Layer, S>() -> usize {
    let remembered = size_of::<S>() / size_of::<Weight<N>>();
    N::PARAMS.saturating_add(remembered).saturating_mul(width::<N>())
}

/// Shows all numbers.
pub(crate) fn show<N: Layer, S: Tensors<Weight<N>>>(
    net: &N,
    state: &S,
    visit: &mut dyn FnMut(&[Weight<N>]),
) {
    N::walk([net], [], [], [], &mut |_, [numbers], [], [], []| visit(numbers));
    S::walk([state], [], &mut |_, [numbers], []| visit(numbers));
}

/// Shows all numbers, to be changed.
pub(crate) fn show_mut<N: Layer, S: Tensors<Weight<N>>>(
    net: &mut N,
    state: &mut S,
    visit: &mut dyn FnMut(&mut [Weight<N>]),
) {
    N::walk([], [net], [], [], &mut |_, [], [numbers], [], []| visit(numbers));
    S::walk([], [state], &mut |_, [], [numbers]| visit(numbers));
}

/// How many bytes the numbers have, and their CRC, if all are finite.
#[cfg(feature = "store")]
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

/// Copies bytes from the `first` on, where a number begins, as far as there is room for whole numbers.
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

/// The index of the first of these numbers that is not finite.
pub(crate) fn not_finite<N: Layer>(bytes: &[u8]) -> Option<usize> {
    let mut numbers = bytes.chunks_exact(const { width::<N>() }).map(number::<N>);
    numbers.position(|number| !number.is_some_and(N::Format::is_finite))
}

/// Sets the numbers whose bytes go from the `first` on.
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
