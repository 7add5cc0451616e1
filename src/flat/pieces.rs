//! Fragmentation of a frame into packets, and reassembly.

use core::fmt;
use core::marker::PhantomData;

use super::frame_bytes;
use crate::layer::Layer;
use crate::macros::{default_is_new, defmt_shows, error_texts};

/// Splits a frame into pieces of `SIZE` bytes, numbered from 0; the last may be shorter.
///
/// Each goes into a packet together with its number; [`Assembler`] reassembles them. A `SIZE` of 0
/// does not compile.
///
/// ```
/// use gradlet::flat::{frame_bytes, pieces, to_frame};
/// use gradlet::prelude::*;
///
/// type Net = Mlp<2, 4, 2>;
/// let frame: [u8; frame_bytes::<Net>()] = to_frame(&Net::ZERO)?; // 96 bytes
/// let lengths: Vec<_> = pieces::<40>(&frame).map(|(_, piece)| piece.len()).collect();
/// assert_eq!(lengths, [40, 40, 16]);
/// # Ok::<(), gradlet::flat::FrameError>(())
/// ```
#[must_use]
pub fn pieces<const SIZE: usize>(
    frame: &[u8],
) -> impl ExactSizeIterator<Item = (usize, &[u8])> + Clone {
    const { assert!(SIZE > 0, "pieces need a size") }
    // `chunks` has panic paths, which opt-level z does not remove.
    let whole = frame.len().checked_div(SIZE).unwrap_or_default();
    let rest = usize::from(frame.len() > whole.saturating_mul(SIZE));
    (0..whole.saturating_add(rest)).map(|index| {
        let piece = frame.get(index.saturating_mul(SIZE)..).unwrap_or_default();
        (index, piece.get(..SIZE).unwrap_or(piece))
    })
}

/// Number of [`pieces`] of a frame of `N`.
///
/// ```
/// use gradlet::{Mlp, flat::piece_count};
///
/// assert_eq!(piece_count::<Mlp<2, 4, 2>, 40>(), 3);
/// ```
#[must_use]
pub const fn piece_count<N: Layer, const SIZE: usize>() -> usize {
    const { assert!(SIZE > 0, "pieces need a size") }
    frame_bytes::<N>().div_ceil(SIZE)
}

/// Reassembles the [`pieces`] of a frame of `N`, in whatever order they arrive.
///
/// `PIECES` is their number, [`piece_count`]. Memory is the frame, rounded up to whole pieces, and
/// one byte for each piece.
///
/// ```
/// use gradlet::flat::{Assembler, frame_bytes, load_frame, piece_count, pieces, to_frame};
/// use gradlet::prelude::*;
///
/// type Net = Mlp<2, 4, 2>;
/// let sent: [u8; frame_bytes::<Net>()] = to_frame(&Net::ZERO)?;
/// let mut assembler = Assembler::<Net, 40, { piece_count::<Net, 40>() }>::new();
/// for (index, piece) in pieces::<40>(&sent).filter(|&(index, _)| index != 1) {
///     assembler.put(index, piece)?;
/// }
/// assert_eq!(assembler.frame(), None);
/// assert!(assembler.missing().eq([1])); // to request again
///
/// for (index, piece) in pieces::<40>(&sent).skip(1) {
///     assembler.put(index, piece)?; // Duplicates do no harm.
/// }
/// let mut net = Net::ZERO;
/// if let Some(frame) = assembler.frame() {
///     load_frame(&mut net, frame)?;
///     assembler.clear(); // for the next frame
/// }
/// # assert_eq!(assembler.missing().count(), 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A wrong number of pieces does not compile:
///
/// ```compile_fail,E0080
/// # use gradlet::{Mlp, flat::Assembler};
/// Assembler::<Mlp<2, 4, 2>, 40, 4>::new();
/// ```
#[derive(Clone)]
pub struct Assembler<N, const SIZE: usize, const PIECES: usize> {
    pieces: [[u8; SIZE]; PIECES],
    arrived: [bool; PIECES],
    network: PhantomData<N>,
}

impl<N: Layer, const SIZE: usize, const PIECES: usize> Assembler<N, SIZE, PIECES> {
    /// Creates an assembler without any piece.
    #[must_use]
    pub const fn new() -> Self {
        const { assert!(PIECES == piece_count::<N, SIZE>(), "`PIECES` must be `piece_count`") }
        Self { pieces: [[0; SIZE]; PIECES], arrived: [false; PIECES], network: PhantomData }
    }

    /// Stores a piece by its number. One that is already there is replaced.
    ///
    /// Whether the pieces belong together is checked by [`load_frame`](super::load_frame), by the
    /// CRC.
    ///
    /// # Errors
    ///
    /// [`PieceError`] if the number or the length is wrong.
    pub fn put(&mut self, index: usize, piece: &[u8]) -> Result<(), PieceError> {
        let places = self.pieces.get_mut(index).zip(self.arrived.get_mut(index));
        let (place, arrived) = places.ok_or(PieceError::Index { pieces: PIECES, found: index })?;
        let before = index.saturating_mul(SIZE);
        let expected = const { frame_bytes::<N>() }.saturating_sub(before).min(SIZE);
        if piece.len() != expected {
            return Err(PieceError::Length { expected, found: piece.len() });
        }
        for (place, byte) in place.iter_mut().zip(piece) {
            *place = *byte;
        }
        *arrived = true;
        Ok(())
    }

    /// The numbers of the pieces that have not arrived.
    pub fn missing(&self) -> impl Iterator<Item = usize> {
        self.arrived.iter().enumerate().filter(|(_, arrived)| !**arrived).map(|(index, _)| index)
    }

    /// The frame, once all its pieces have arrived.
    #[must_use]
    pub fn frame(&self) -> Option<&[u8]> {
        let frame = self.pieces.as_flattened().get(..const { frame_bytes::<N>() });
        if self.arrived.contains(&false) { None } else { frame }
    }

    /// Discards all pieces.
    pub fn clear(&mut self) {
        self.arrived.fill(false);
    }
}

default_is_new!([N: Layer, const SIZE: usize, const PIECES: usize] Assembler<N, SIZE, PIECES>);

impl<N: Layer, const SIZE: usize, const PIECES: usize> fmt::Debug for Assembler<N, SIZE, PIECES> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let missing = self.missing().count();
        f.debug_struct("Assembler").field("missing", &missing).finish_non_exhaustive()
    }
}

defmt_shows!(
    [N: Layer, const SIZE: usize, const PIECES: usize] Assembler<N, SIZE, PIECES>:
    |this, f| defmt::write!(f, "Assembler {{ missing: {}, .. }}", this.missing().count())
);

/// Error of [`Assembler::put`].
///
/// ```
/// use gradlet::{Mlp, flat::{Assembler, PieceError}};
///
/// let error = Assembler::<Mlp<2, 4, 2>, 40, 3>::new().put(3, &[0; 40]).unwrap_err();
/// assert_eq!(error, PieceError::Index { pieces: 3, found: 3 });
/// assert_eq!(error.to_string(), "there is no piece 3 among 3");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum PieceError {
    /// There is no piece with this number.
    Index {
        /// Number of pieces.
        pieces: usize,
        /// The number given, from 0.
        found: usize,
    },
    /// The length of the piece is wrong.
    Length {
        /// Bytes of the piece with this number.
        expected: usize,
        /// Bytes given.
        found: usize,
    },
}

error_texts! {
    [] PieceError:
    Self::Index { pieces, found } => "there is no piece {found} among {pieces}",
    Self::Length { expected, found } => "the piece has {found} bytes, expected {expected}",
}
