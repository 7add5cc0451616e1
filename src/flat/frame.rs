//! Parameters as bytes, for transmission or storage.

use crate::content;
use crate::crc::Crc;
use crate::format::Format;
use crate::layer::{Layer, expect_parameters};
use crate::macros::error_texts;

/// Size in bytes of a frame of `N`: the parameters of a network, serialised for transmission or
/// storage.
///
/// The bytes are the same on every target:
///
/// | bytes | content, little-endian |
/// |---|---|
/// | 4 | [`Layer::FINGERPRINT`] |
/// | 4 for each `f32`, 8 for each `f64` | the parameters in the order of [`Layer::visit`] |
/// | 4 | CRC-32 (ISO-HDLC, as in Ethernet) of all bytes before it |
///
/// The CRC detects any two flipped bits, and any burst of errors within 32 bits; of other errors it
/// misses one in 2^32. It does not protect against an attacker.
///
/// As a `const fn`, it can be used as the length of an array and in an assertion:
///
/// ```
/// use gradlet::flat::{FrameError, frame_bytes, load_frame, to_frame};
/// use gradlet::prelude::*;
///
/// type Net = Mlp<2, 4, 2>;
/// const FRAME: usize = frame_bytes::<Net>();
/// const _: () = assert!(FRAME == 4 + 22 * 4 + 4);
///
/// /// Loads the parameters of another device.
/// fn exchange(
///     net: &mut Net,
///     radio: impl FnOnce([u8; FRAME]) -> [u8; FRAME],
/// ) -> Result<(), FrameError> {
///     let received = radio(to_frame(net)?);
///     load_frame(net, &received)
/// }
///
/// let mut net = Net::ZERO;
/// assert_eq!(exchange(&mut net, |sent| sent), Ok(()));
///
/// let result = exchange(&mut net, |mut sent| {
///     sent[50] ^= 1;
///     sent
/// });
/// assert!(matches!(result, Err(FrameError::Damaged { .. })));
/// ```
#[must_use]
pub const fn frame_bytes<N: Layer>() -> usize {
    const { expect_parameters::<N>() };
    content::length::<N, ()>().saturating_add(8)
}

/// Returns the parameters as a frame, at the beginning of an array: the rest is filled with 0xFF,
/// like erased flash.
///
/// ```
/// use gradlet::flat::{FrameError, frame_bytes, to_frame};
/// use gradlet::prelude::*;
///
/// /// The payload of a LoRa packet, for any network that fits.
/// fn packet<N: Layer>(net: &N) -> Result<[u8; 222], FrameError> {
///     to_frame(net)
/// }
/// type Net = Mlp<2, 4, 2>;
/// assert_eq!(packet(&Net::ZERO)?[..96], to_frame::<_, { frame_bytes::<Net>() }>(&Net::ZERO)?);
/// # Ok::<(), FrameError>(())
/// ```
///
/// A network that does not fit does not compile:
///
/// ```compile_fail,E0080
/// # use gradlet::flat::{FrameError, to_frame};
/// # use gradlet::prelude::*;
/// # fn packet<N: Layer>(net: &N) -> Result<[u8; 222], FrameError> {
/// #     to_frame(net)
/// # }
/// packet(&Mlp::<8, 8, 2>::ZERO); // 368 bytes
/// ```
///
/// # Errors
///
/// [`FrameError::NotFinite`] if a parameter is NaN or infinite.
pub fn to_frame<N: Layer, const BYTES: usize>(net: &N) -> Result<[u8; BYTES], FrameError> {
    let mut frame = [0; BYTES];
    write_frame(net, &mut frame)?;
    Ok(frame)
}

/// Writes the parameters as a frame; see [`to_frame`].
///
/// ```
/// use gradlet::flat::{frame_bytes, to_frame, write_frame};
/// use gradlet::prelude::*;
///
/// type Net = Mlp<2, 4, 2>;
/// let mut frame = [0; frame_bytes::<Net>()]; // in a static, for a large network
/// write_frame(&Net::ZERO, &mut frame)?;
/// assert_eq!(Ok(frame), to_frame(&Net::ZERO));
/// # Ok::<(), gradlet::flat::FrameError>(())
/// ```
///
/// # Errors
///
/// As [`to_frame`]. `frame` is then unchanged.
pub fn write_frame<N: Layer, const BYTES: usize>(
    net: &N,
    frame: &mut [u8; BYTES],
) -> Result<(), FrameError> {
    const {
        assert!(
            BYTES >= frame_bytes::<N>(),
            "the array must have room for a frame of the network: `frame_bytes` bytes"
        );
    }
    write(net, frame)
}

/// Writes a frame to the beginning of an array.
fn write<N: Layer>(net: &N, array: &mut [u8]) -> Result<(), FrameError> {
    let (mut before, mut wrong) = (0_usize, None);
    content::show(net, &(), &mut |values| {
        let place = values.iter().position(|&value| !N::Format::is_finite(value));
        wrong = wrong.or(place.map(|place| before.saturating_add(place)));
        before = before.saturating_add(values.len());
    });
    if let Some(index) = wrong {
        return Err(FrameError::NotFinite { index });
    }
    array.fill(0xFF);
    let frame = array.get_mut(..const { frame_bytes::<N>() });
    if let Some((content, crc)) = frame.and_then(<[u8]>::split_last_chunk_mut) {
        if let Some((first, numbers)) = content.split_first_chunk_mut() {
            *first = N::FINGERPRINT.to_le_bytes();
            content::copy(net, &(), 0, numbers);
        }
        *crc = Crc::of(content).to_le_bytes();
    }
    Ok(())
}

/// Loads the parameters from a frame, which must have exactly the right length.
///
/// ```
/// use gradlet::flat::{FrameError, frame_bytes, load_frame, to_frame};
/// use gradlet::prelude::*;
///
/// let mut net = Dense::<1, 1>::ZERO;
/// let packet: [u8; 20] = to_frame(&net)?;
/// let error = load_frame(&mut net, &packet).unwrap_err();
/// assert_eq!(error, FrameError::Length { expected: 16, found: 20 });
/// load_frame(&mut net, &packet[..frame_bytes::<Dense<1, 1>>()])?;
/// # Ok::<(), FrameError>(())
/// ```
///
/// # Errors
///
/// [`FrameError`] if it is not an intact frame of this network type, or has a NaN or infinite
/// parameter. The network is then unchanged.
pub fn load_frame<N: Layer>(net: &mut N, frame: &[u8]) -> Result<(), FrameError> {
    let expected = const { frame_bytes::<N>() };
    let wrong_length = FrameError::Length { expected, found: frame.len() };
    if frame.len() != expected {
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
    if let Some(index) = content::not_finite::<N>(numbers) {
        return Err(FrameError::NotFinite { index });
    }
    content::fill(net, &mut (), 0, numbers);
    Ok(())
}

/// Error of loading or writing a frame. The network or the array is then unchanged.
///
/// ```
/// use gradlet::flat::FrameError;
///
/// let error = FrameError::Length { expected: 16, found: 20 };
/// assert_eq!(error.to_string(), "the frame has 20 bytes, expected 16");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum FrameError {
    /// The length of the frame is wrong.
    Length {
        /// [`frame_bytes`] of the network.
        expected: usize,
        /// Bytes of the frame.
        found: usize,
    },
    /// The CRC does not match: the frame is corrupted.
    Damaged {
        /// The CRC in the frame.
        expected: u32,
        /// The CRC of its bytes.
        found: u32,
    },
    /// The frame is of a different network type.
    OtherNetwork {
        /// [`Layer::FINGERPRINT`](crate::Layer::FINGERPRINT) of the network.
        expected: u32,
        /// What is in the frame.
        found: u32,
    },
    /// A parameter is NaN or infinite.
    NotFinite {
        /// Its index among the parameters.
        index: usize,
    },
}

error_texts! {
    [] FrameError:
    Self::Length { expected, found } => "the frame has {found} bytes, expected {expected}",
    Self::Damaged { expected, found } =>
        "the frame is damaged: its CRC is {found:08x}, expected {expected:08x}",
    Self::OtherNetwork { expected, found } =>
        "the frame is of a different network type: fingerprint {found:08x}, \
         expected {expected:08x}",
    Self::NotFinite { index } => "parameter {index} is NaN or infinite",
}
