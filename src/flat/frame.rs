//! Parameters as bytes, for a radio or a memory.

use core::error::Error;
use core::fmt;
use core::ops::{Add, Mul};

use generic_array::{ArrayLength, GenericArray};
use typenum::{Const, IsGreaterOrEqual, NonZero, Prod, Sum, ToUInt, True, U4, U8, Unsigned};

use super::{FlatParameters, check_length};
use crate::crc::Crc;
use crate::layer::Layer;
use crate::scalar::Scalar;
use crate::scalar::sealed::Sealed;

/// The bytes of a frame of `N`: an array of [`Framed::FrameLength`].
pub type Frame<N> = GenericArray<u8, <N as Framed>::FrameLength>;

/// A number type whose size is a type: `f32` or `f64`.
///
/// ```
/// use gradlet::flat::{FrameScalar, typenum::Unsigned};
///
/// assert_eq!(<f64 as FrameScalar>::Bytes::USIZE, size_of::<f64>());
/// ```
pub trait FrameScalar: Scalar {
    /// Number of bytes.
    type Bytes: Unsigned;
}

impl FrameScalar for f32 {
    type Bytes = U4;
}

impl FrameScalar for f64 {
    type Bytes = U8;
}

/// A network that can be sent or kept as a row of bytes, whose length is a type.
///
/// Every network with [`FlatParameters`] is one if it has any that are learned; a `&Net` has none, and
/// so is not taken for the `Net` by mistake. The bytes are the same on every target:
///
/// | bytes | what |
/// |---|---|
/// | 4 | [`Layer::FINGERPRINT`], the lowest byte first |
/// | 4 or 8 for each parameter | the numbers in the order of [`Layer::parameters`], the lowest byte first |
/// | 4 | CRC-32 (ISO-HDLC, as in Ethernet) of all before it, the lowest byte first |
///
/// The CRC finds any two flipped bits, and any errors that lie within 32 bits of each other; others it
/// misses once in 2^32 times. It does not protect from an attacker.
///
/// A network with a parameter that is NaN or infinite is neither written nor loaded.
///
/// ```
/// use gradlet::flat::{Frame, FrameError, Framed};
/// use gradlet::prelude::*;
///
/// /// Takes over what the other device learned.
/// fn exchange<N: Framed>(
///     net: &mut N,
///     radio: impl FnOnce(&Frame<N>) -> Frame<N>,
/// ) -> Result<(), FrameError> {
///     let received = radio(&net.to_frame()?);
///     net.load_frame(&received)
/// }
///
/// let mut net = Mlp::<2, 4, 2>::ZERO;
/// assert_eq!(exchange(&mut net, |sent| *sent), Ok(()));
/// assert_eq!(Mlp::<2, 4, 2>::FRAME_BYTES, 4 + 22 * 4 + 4);
///
/// let result = exchange(&mut net, |sent| {
///     let mut damaged = *sent;
///     damaged[50] ^= 1;
///     damaged
/// });
/// assert!(matches!(result, Err(FrameError::Damaged { .. })));
/// ```
pub trait Framed: FlatParameters {
    /// Bytes of a frame, as a type.
    type FrameLength: ArrayLength;

    /// Bytes of a frame.
    const FRAME_BYTES: usize = Self::FrameLength::USIZE;

    /// The parameters as a frame.
    ///
    /// # Errors
    ///
    /// [`FrameError::NotFinite`] if a parameter is NaN or infinite.
    fn to_frame(&self) -> Result<Frame<Self>, FrameError> {
        let mut frame = GenericArray::default();
        self.write_frame(&mut frame)?;
        Ok(frame)
    }

    /// Writes the parameters as a frame.
    ///
    /// ```
    /// use gradlet::flat::{Frame, Framed};
    /// use gradlet::prelude::*;
    ///
    /// let net = Mlp::<2, 4, 2>::ZERO;
    /// let mut frame: Frame<Mlp<2, 4, 2>> = Zero::ZERO; // in a static, for a large network
    /// net.write_frame(&mut frame)?;
    /// assert_eq!(Ok(frame), net.to_frame());
    /// # Ok::<(), gradlet::flat::FrameError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`to_frame`](Self::to_frame). `frame` is then as it was.
    fn write_frame(&self, frame: &mut Frame<Self>) -> Result<(), FrameError> {
        check_length::<Self>();
        write(self, frame)
    }

    /// The parameters as a frame in an array of another length, for a packet or a page; what is left of
    /// it is filled with 0xFF, as in erased flash.
    ///
    /// A network that does not [fit](FitsIn) does not compile.
    ///
    /// ```
    /// use gradlet::flat::{FitsIn, FrameError, Framed};
    /// use gradlet::prelude::*;
    ///
    /// /// The payload of a LoRa packet, for any network that fits.
    /// fn packet<N: FitsIn<222>>(net: &N) -> Result<[u8; 222], FrameError> {
    ///     net.to_frame_of()
    /// }
    /// let net = Mlp::<2, 4, 2>::ZERO;
    /// assert_eq!(packet(&net)?[..96], net.to_frame()?[..]);
    /// # Ok::<(), FrameError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`to_frame`](Self::to_frame).
    fn to_frame_of<const CAPACITY: usize>(&self) -> Result<[u8; CAPACITY], FrameError>
    where
        Self: FitsIn<CAPACITY>,
    {
        check_length::<Self>();
        let mut bytes = [0xFF; CAPACITY];
        write(self, &mut bytes)?;
        Ok(bytes)
    }

    /// Takes over the parameters of a frame.
    ///
    /// # Errors
    ///
    /// [`FrameError`] if it is not a whole frame of such a network, or has a number that is NaN or
    /// infinite. The network is then as it was.
    fn load_frame(&mut self, frame: &[u8]) -> Result<(), FrameError> {
        check_length::<Self>();
        load(self, frame)
    }

    /// Takes over the parameters of a frame at the beginning of an array, as
    /// [`to_frame_of`](Self::to_frame_of) gives it.
    ///
    /// # Errors
    ///
    /// As [`load_frame`](Self::load_frame).
    fn load_frame_of<const CAPACITY: usize>(
        &mut self,
        bytes: &[u8; CAPACITY],
    ) -> Result<(), FrameError>
    where
        Self: FitsIn<CAPACITY>,
    {
        self.load_frame(bytes.get(..Self::FRAME_BYTES).unwrap_or_default())
    }
}

impl<N> Framed for N
where
    N: FlatParameters<Scalar: FrameScalar>,
    N::Length: NonZero + Mul<Bytes<N>, Output: Add<U8, Output: ArrayLength>>,
{
    type FrameLength = Sum<Prod<N::Length, Bytes<N>>, U8>;
}

type Bytes<N> = <<N as Layer>::Scalar as FrameScalar>::Bytes;

/// A network whose frame has at most `CAPACITY` bytes. Every network that can be is one.
///
/// ```
/// use gradlet::flat::FitsIn;
/// use gradlet::prelude::*;
///
/// fn fits<N: FitsIn<64>>() {}
/// fits::<Dense<6, 2>>(); // 4 + 14 * 4 + 4 bytes
/// ```
///
/// ```compile_fail
/// # use gradlet::flat::FitsIn;
/// # use gradlet::prelude::*;
/// # fn fits<N: FitsIn<64>>() {}
/// fits::<Dense<4, 3>>(); // 4 + 15 * 4 + 4
/// ```
#[diagnostic::on_unimplemented(
    message = "a frame of `{Self}` cannot be put into {CAPACITY} bytes",
    label = "its `FRAME_BYTES` must be at most {CAPACITY}",
    note = "and {CAPACITY} must be one of 0 to 1024, or a power of two or ten"
)]
pub trait FitsIn<const CAPACITY: usize>: Framed {}

#[diagnostic::do_not_recommend]
impl<N: Framed, const CAPACITY: usize> FitsIn<CAPACITY> for N where
    Const<CAPACITY>: ToUInt<Output: IsGreaterOrEqual<N::FrameLength, Output = True>>
{
}

/// Why a frame was not loaded or not written. The network or the array is then as it was.
///
/// ```
/// use gradlet::flat::{FrameError, Framed};
/// use gradlet::prelude::*;
///
/// let error = Dense::<1, 1>::ZERO.load_frame(&[0; 20]).unwrap_err();
/// assert_eq!(error, FrameError::Length { expected: 16, found: 20 });
/// assert_eq!(error.to_string(), "the frame has 20 bytes, expected 16");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum FrameError {
    /// It has another length.
    Length {
        /// [`Framed::FRAME_BYTES`] of the network.
        expected: usize,
        /// Bytes of the frame.
        found: usize,
    },
    /// Some of its bits changed on the way.
    Damaged {
        /// The CRC in the frame.
        expected: u32,
        /// That of its bytes.
        found: u32,
    },
    /// It is of another type of network.
    OtherNetwork {
        /// [`Layer::FINGERPRINT`](crate::Layer::FINGERPRINT) of the network.
        expected: u32,
        /// What is in the frame.
        found: u32,
    },
    /// A number is NaN or infinite.
    NotFinite {
        /// Its index among the parameters.
        index: usize,
    },
}

impl Error for FrameError {}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { expected, found } => {
                write!(f, "the frame has {found} bytes, expected {expected}")
            }
            Self::Damaged { expected, found } => {
                write!(f, "the frame is damaged: its CRC is {found:08x}, expected {expected:08x}")
            }
            Self::OtherNetwork { expected, found } => write!(
                f,
                "the frame is of another type of network: fingerprint {found:08x}, \
                 expected {expected:08x}"
            ),
            Self::NotFinite { index } => {
                write!(f, "parameter {index} is NaN or infinite, which no frame may have")
            }
        }
    }
}

/// Writes a frame to the beginning of `bytes`.
fn write<N: Layer>(net: &N, bytes: &mut [u8]) -> Result<(), FrameError> {
    let (mut index, mut result) = (0_usize, Ok(()));
    net.parameters([], &mut |_, numbers, []| {
        for number in numbers {
            if result.is_ok() && !number.is_finite() {
                result = Err(FrameError::NotFinite { index });
            }
            index = index.saturating_add(1);
        }
    });
    result?;
    let (mut places, mut digest) = (bytes.iter_mut(), Crc::new());
    let mut put = |bytes: &[u8]| {
        for (byte, place) in bytes.iter().zip(&mut places) {
            *place = *byte;
        }
    };
    let fingerprint = N::FINGERPRINT.to_le_bytes();
    digest.update(&fingerprint);
    put(&fingerprint);
    net.parameters([], &mut |_, numbers, []| {
        for number in numbers {
            let bytes = number.bytes();
            digest.update(bytes.as_ref());
            put(bytes.as_ref());
        }
    });
    put(&digest.value().to_le_bytes());
    Ok(())
}

fn load<N: Framed>(net: &mut N, frame: &[u8]) -> Result<(), FrameError> {
    let wrong_length = FrameError::Length { expected: N::FRAME_BYTES, found: frame.len() };
    if frame.len() != N::FRAME_BYTES {
        return Err(wrong_length);
    }
    let (content, &crc) = frame.split_last_chunk().ok_or(wrong_length)?;
    let (&fingerprint, numbers) = content.split_first_chunk().ok_or(wrong_length)?;
    let (expected, found) = (u32::from_le_bytes(crc), Crc::of(content));
    if found != expected {
        return Err(FrameError::Damaged { expected, found });
    }
    let (expected, found) = (N::FINGERPRINT, u32::from_le_bytes(fingerprint));
    if found != expected {
        return Err(FrameError::OtherNetwork { expected, found });
    }
    let (number, mut rest) = (<N::Scalar as Sealed>::DTYPE, numbers);
    for index in 0..N::PARAMS {
        let value: N::Scalar;
        (value, rest) = Sealed::take(number, rest);
        if !value.is_finite() {
            return Err(FrameError::NotFinite { index });
        }
    }
    let mut rest = numbers;
    N::tensors([], [net], [], &mut |_, [], [values], []| {
        for value in values {
            (*value, rest) = Sealed::take(number, rest);
        }
    });
    Ok(())
}
