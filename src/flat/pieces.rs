//! A frame in several packets.

use core::error::Error;
use core::fmt;
use core::ops::{Add, Div, Sub};

use const_default::ConstDefault;
use generic_array::{ArrayLength, GenericArray};
use typenum::{B1, Const, Quot, Sub1, Sum, ToUInt, U, Unsigned};

use super::{Frame, Framed};
use crate::scalar::Zero;

/// A frame in pieces of `SIZE` bytes, numbered from 0 on; the last may be shorter.
///
/// They go into packets, each with its number; [`Assembler`] puts them together. A `SIZE` of 0 does
/// not compile.
///
/// ```
/// use gradlet::flat::{Framed, pieces};
/// use gradlet::prelude::*;
///
/// let frame = Mlp::<2, 4, 2>::ZERO.to_frame()?; // 96 bytes
/// let lengths: Vec<_> = pieces::<40>(&frame).map(|(_, piece)| piece.len()).collect();
/// assert_eq!(lengths, [40, 40, 16]);
/// # Ok::<(), gradlet::flat::FrameError>(())
/// ```
#[must_use]
pub fn pieces<const SIZE: usize>(
    frame: &[u8],
) -> impl ExactSizeIterator<Item = (usize, &[u8])> + Clone {
    const { assert!(SIZE > 0, "pieces need a size") }
    frame.chunks(SIZE).enumerate()
}

/// A network whose frame can go in pieces of `SIZE` bytes. Every network with frames is one, where
/// `SIZE` is at most 1024, or a power of two or ten.
///
/// ```
/// use gradlet::flat::{InPieces, typenum::Unsigned};
/// use gradlet::prelude::*;
///
/// assert_eq!(<Mlp<2, 4, 2> as InPieces<40>>::Pieces::USIZE, 3);
/// ```
#[diagnostic::on_unimplemented(
    message = "a frame of `{Self}` cannot go in pieces of {SIZE} bytes",
    note = "{SIZE} must be one of 1 to 1024, or a power of two or ten"
)]
pub trait InPieces<const SIZE: usize>: Framed {
    /// Number of pieces.
    type Pieces: ArrayLength;
}

/// Rounded up: `(bytes + SIZE - 1) / SIZE`.
#[diagnostic::do_not_recommend]
impl<N: Framed, const SIZE: usize> InPieces<SIZE> for N
where
    Const<SIZE>: ToUInt,
    N::FrameLength: Add<U<SIZE>, Output: Sub<B1, Output: Div<U<SIZE>, Output: ArrayLength>>>,
{
    type Pieces = Quot<Sub1<Sum<N::FrameLength, U<SIZE>>>, U<SIZE>>;
}

/// Puts the [`pieces`] of a frame of `N` together, in whatever order they arrive.
///
/// Holds a frame and one byte for each piece.
///
/// ```
/// use gradlet::flat::{Assembler, Framed, pieces};
/// use gradlet::prelude::*;
///
/// let sent = Mlp::<2, 4, 2>::ZERO.to_frame()?;
/// let mut assembler = Assembler::<Mlp<2, 4, 2>, 40>::new();
/// for (index, piece) in pieces::<40>(&sent).filter(|&(index, _)| index != 1) {
///     assembler.put(index, piece)?;
/// }
/// assert_eq!(assembler.frame(), None);
/// assert!(assembler.missing().eq([1])); // to be asked for again
///
/// for (index, piece) in pieces::<40>(&sent).skip(1) {
///     assembler.put(index, piece)?; // Again does no harm.
/// }
/// let mut net = Mlp::<2, 4, 2>::ZERO;
/// if let Some(frame) = assembler.frame() {
///     net.load_frame(frame)?;
///     assembler.clear(); // for the next
/// }
/// # assert_eq!(assembler.missing().count(), 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Assembler<N: InPieces<SIZE>, const SIZE: usize> {
    frame: Frame<N>,
    arrived: GenericArray<bool, N::Pieces>,
}

impl<N: InPieces<SIZE>, const SIZE: usize> Assembler<N, SIZE> {
    /// Number of pieces.
    pub const PIECES: usize = N::Pieces::USIZE;

    /// Without any piece. [`Zero`] gives the same for a `static`.
    #[must_use]
    pub fn new() -> Self {
        Self { frame: GenericArray::default(), arrived: GenericArray::default() }
    }

    /// Takes a piece by its number. One that was there is replaced.
    ///
    /// Whether pieces belong together is seen by [`load_frame`](Framed::load_frame), from the CRC.
    ///
    /// # Errors
    ///
    /// [`PieceError`] if there is no such piece, or if it has another length.
    pub fn put(&mut self, index: usize, piece: &[u8]) -> Result<(), PieceError> {
        let places = self.frame.chunks_mut(SIZE).zip(&mut self.arrived).nth(index);
        let (place, arrived) =
            places.ok_or(PieceError::Index { pieces: Self::PIECES, found: index })?;
        if piece.len() != place.len() {
            return Err(PieceError::Length { expected: place.len(), found: piece.len() });
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

    /// The frame, when all its pieces are there.
    #[must_use]
    pub fn frame(&self) -> Option<&Frame<N>> {
        self.missing().next().is_none().then_some(&self.frame)
    }

    /// Forgets all pieces.
    pub fn clear(&mut self) {
        self.arrived.fill(false);
    }
}

impl<N: InPieces<SIZE>, const SIZE: usize> Default for Assembler<N, SIZE> {
    fn default() -> Self {
        Self::new()
    }
}

impl<N: InPieces<SIZE>, const SIZE: usize> Zero for Assembler<N, SIZE>
where
    Frame<N>: ConstDefault,
    GenericArray<bool, N::Pieces>: ConstDefault,
{
    const ZERO: Self = Self { frame: ConstDefault::DEFAULT, arrived: ConstDefault::DEFAULT };
}

impl<N: InPieces<SIZE>, const SIZE: usize> fmt::Debug for Assembler<N, SIZE> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let missing = self.missing().count();
        f.debug_struct("Assembler").field("missing", &missing).finish_non_exhaustive()
    }
}

#[cfg(feature = "defmt")]
impl<N: InPieces<SIZE>, const SIZE: usize> defmt::Format for Assembler<N, SIZE> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Assembler {{ missing: {}, .. }}", self.missing().count());
    }
}

/// Why a piece was not taken.
///
/// ```
/// use gradlet::flat::{Assembler, PieceError};
/// use gradlet::prelude::*;
///
/// let error = Assembler::<Mlp<2, 4, 2>, 40>::new().put(3, &[0; 40]).unwrap_err();
/// assert_eq!(error, PieceError::Index { pieces: 3, found: 3 });
/// assert_eq!(error.to_string(), "there is no piece 3 among 3");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum PieceError {
    /// There is no such piece.
    Index {
        /// Number of pieces.
        pieces: usize,
        /// The number given, from 0 on.
        found: usize,
    },
    /// The piece has another length.
    Length {
        /// Bytes of the piece with this number.
        expected: usize,
        /// Bytes given.
        found: usize,
    },
}

impl Error for PieceError {}

impl fmt::Display for PieceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Index { pieces, found } => write!(f, "there is no piece {found} among {pieces}"),
            Self::Length { expected, found } => {
                write!(f, "the piece has {found} bytes, expected {expected}")
            }
        }
    }
}
