//! What was learned, kept in flash: it survives a power cut, at any moment (feature `store`).
//!
//! [`Store`] takes any flash with the traits of [`embedded_storage`], which the hardware abstraction
//! crates of most microcontrollers implement, and [`AsyncStore`] any with those of
//! [`embedded_storage_async`]. Both keep networks by [`sequential_storage`], which spreads the wear
//! over all pages that it is given.
//!
//! ```
//! use gradlet::prelude::*;
//! use gradlet::store::{Store, StoreError};
//! # mod flash { include!("../../tests/support/flash.rs"); }
//! # let flash = flash::Flash::<4, 512, 4>::new();
//!
//! // `flash` is the driver. Two pages of 512 bytes of it, from the start on, are for the network.
//! let mut store = Store::<_>::new(flash, 0..1024)?;
//! let mut net = Mlp::<2, 4, 2>::ZERO;
//! match store.load(&mut net) {
//!     Ok(()) => {}
//!     Err(StoreError::Empty) => {} // The first start: train from the initial weights.
//!     Err(error) => return Err(error),
//! }
//! net.first_mut().bias_mut()[0] = 0.5; // Learned something.
//! store.save(&net)?;
//!
//! let mut after_power_cut = Mlp::<2, 4, 2>::ZERO;
//! store.load(&mut after_power_cut)?;
//! assert_eq!(after_power_cut, net);
//! # Ok::<(), StoreError<flash::FlashError>>(())
//! ```
//!
//! # What is kept
//!
//! The parameters that are learned, those of [`Frozen`](crate::Frozen) layers not among them; with
//! [`save_training`](Store::save_training) also what the optimizer remembers, so that training goes on
//! bit for bit as if it had not been interrupted. With them go a format version, a fingerprint of the
//! network's type and of the optimizer's ([`Layer::FINGERPRINT`]), a generation and a CRC. A network of
//! another type is not loaded, nor overwritten.
//!
//! # Power cuts
//!
//! Each save goes beside the last one: first the numbers, in pieces, then a header that makes them
//! count. Whenever power is cut, the last complete save is still there.
//!
//! # Size and wear
//!
//! Each piece has up to `BUFFER` bytes (and no more than a page), of which 6 are its own, 8 the
//! storage's, and up to 7 fill its last word of 8 bytes (more where the flash has longer words); the
//! header takes 40.
//! [`Store::saved_bytes`] gives the sum. The store has one page in reserve, and needs room for three
//! saves in the others. All pages are erased in turn: a network 2-4-2 (144 bytes a save) can be saved
//! 520,000 times into two pages of 4,096 bytes that bear 10,000 erasures each; in general about
//! `pages * erasures * page size / saved bytes` times.
//!
//! # What can panic
//!
//! This module does not, but `sequential_storage` has some assertions for what should not happen, so
//! the linker may find the code for panics where it is used.

mod blocking;
mod content;
mod error;
mod words;

pub use blocking::Store;
pub use content::KeepsState;
pub use error::{RangeError, StoreError};

use core::fmt;
use core::ops::Range;

use embedded_storage_async::nor_flash::NorFlash;
use sequential_storage::cache::{Cache, Uncached};
use sequential_storage::map::{MapConfig, MapStorage, SerializationError, Value};

use crate::crc::CRC;
use crate::layer::Layer;
use crate::optimizer::Optimizer;
use content::{Content, Parameters, ParametersMut, Target, Training, TrainingMut};
use words::Words;

/// The layout of what is kept.
const VERSION: u16 = 1;

/// Bytes of a piece that are its generation, and of its key.
const GENERATION: usize = 4;
const KEY: usize = 2;

/// Bytes of the storage: the header of an item, and the words at both ends of a page.
const ITEM: usize = 8;

type NoCache = Cache<Uncached, Uncached, Uncached, u16>;

/// As [`Store`], for flash whose functions are `async`.
///
/// ```
/// use gradlet::prelude::*;
/// use gradlet::store::{AsyncStore, StoreError};
/// # mod flash { include!("../../tests/support/flash.rs"); }
///
/// /// Keeps what was learned, in any task of an executor.
/// async fn keep<F>(store: &mut AsyncStore<F>, net: &Mlp<2, 4, 2>) -> Result<(), StoreError<F::Error>>
/// where
///     F: embedded_storage_async::nor_flash::NorFlash,
/// {
///     store.save(net).await
/// }
/// ```
pub struct AsyncStore<F: NorFlash, const BUFFER: usize = 256> {
    map: MapStorage<u16, Words<F>, NoCache>,
    buffer: Buffer<BUFFER>,
}

/// Flash drivers may want it at an even address.
#[repr(align(8))]
struct Buffer<const BYTES: usize>([u8; BYTES]);

impl<F: NorFlash, const BUFFER: usize> fmt::Debug for AsyncStore<F, BUFFER> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncStore").finish_non_exhaustive()
    }
}

#[cfg(feature = "defmt")]
impl<F: NorFlash, const BUFFER: usize> defmt::Format for AsyncStore<F, BUFFER> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "AsyncStore {{ .. }}");
    }
}

/// What makes the pieces of a save count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Header {
    /// Bytes of numbers in a piece.
    piece: u16,
    network: u32,
    /// 0 if there is nothing of one.
    optimizer: u32,
    /// Counts the saves, from 1 on. Odd and even ones have pieces of their own.
    generation: u32,
    /// Bytes of all numbers.
    length: u32,
    crc: u32,
}

impl Header {
    const KEY: u16 = 0;
    const BYTES: usize = 24;

    fn to_bytes(self) -> [u8; Self::BYTES] {
        let Self { piece, network, optimizer, generation, length, crc } = self;
        let first = u32::from(VERSION) | u32::from(piece) << 16;
        let words = [first, network, optimizer, generation, length, crc];
        let mut bytes = [0; Self::BYTES];
        for (place, byte) in bytes.iter_mut().zip(words.into_iter().flat_map(u32::to_le_bytes)) {
            *place = byte;
        }
        bytes
    }

    fn from_bytes<E>(bytes: &[u8]) -> Result<Self, StoreError<E>> {
        let Some((&[a, b], rest)) = bytes.split_first_chunk() else {
            return Err(StoreError::Damaged);
        };
        let version = u16::from_le_bytes([a, b]);
        if version != VERSION {
            return Err(StoreError::Version { expected: VERSION, found: version });
        }
        let Some((&[a, b], mut rest)) = rest.split_first_chunk() else {
            return Err(StoreError::Damaged);
        };
        let mut words = [0; 5];
        for word in &mut words {
            let Some((&bytes, others)) = rest.split_first_chunk() else {
                return Err(StoreError::Damaged);
            };
            *word = u32::from_le_bytes(bytes);
            rest = others;
        }
        let [network, optimizer, generation, length, crc] = words;
        Ok(Self { piece: u16::from_le_bytes([a, b]), network, optimizer, generation, length, crc })
    }

    /// Whether it is of this type of network.
    fn is_of<E>(&self, network: u32) -> Result<(), StoreError<E>> {
        if self.network == network {
            Ok(())
        } else {
            Err(StoreError::OtherNetwork { expected: network, found: self.network })
        }
    }

    /// Where the pieces are: those of the last save stay where they are.
    fn keys(&self) -> impl Iterator<Item = u16> + use<> {
        let odd = self.generation & 1 == 1;
        (1..=u16::MAX).skip(odd.into()).step_by(2)
    }
}

/// A piece to be written.
struct Piece<'a, C> {
    content: &'a C,
    generation: u32,
    /// The first of its numbers, and how many bytes it may have.
    first: usize,
    bytes: usize,
}

impl<C: Content> Value<'_> for Piece<'_, C> {
    fn serialize_into(&self, buffer: &mut [u8]) -> Result<usize, SerializationError> {
        let Some((generation, numbers)) = buffer.split_first_chunk_mut() else {
            return Err(SerializationError::BufferTooSmall);
        };
        *generation = self.generation.to_le_bytes();
        let Some((numbers, _)) = numbers.split_at_mut_checked(self.bytes) else {
            return Err(SerializationError::BufferTooSmall);
        };
        Ok(GENERATION.saturating_add(content::copy(self.content, self.first, numbers)))
    }

    fn deserialize_from(_: &[u8]) -> Result<(Self, usize), SerializationError> {
        Err(SerializationError::InvalidFormat)
    }
}

impl<F: NorFlash, const BUFFER: usize> AsyncStore<F, BUFFER> {
    /// Flash is read and written in multiples of so many bytes.
    const WORD: usize = Words::<F>::WORD;

    /// Bytes of numbers in a piece: as many as the buffer holds, and a page.
    #[allow(clippy::cast_possible_truncation, reason = "less than 2^16")]
    const PIECE: u16 = {
        let page = F::ERASE_SIZE.saturating_sub(2 * Self::WORD + ITEM.next_multiple_of(Self::WORD));
        let room = if BUFFER < page { BUFFER } else { page } / Self::WORD * Self::WORD;
        // Whole numbers of either type; an item has less than 64 KB.
        let numbers = room.saturating_sub(KEY + GENERATION) / 8 * 8;
        assert!(numbers >= 32, "buffer and pages must have room for 38 bytes, in whole words");
        if numbers < 65_000 { numbers as u16 } else { 65_000 }
    };

    /// A store in the bytes `range` of a flash: whole pages, two or more.
    ///
    /// They hold nothing else, and are best erased before the first use: by [`erase`](Self::erase).
    ///
    /// # Errors
    ///
    /// [`StoreError::Range`] if the range does not consist of pages of the flash.
    pub fn new(flash: F, range: Range<u32>) -> Result<Self, StoreError<F::Error>> {
        let buffer = Buffer([0; BUFFER]);
        let end = u32::try_from(flash.capacity()).unwrap_or(u32::MAX);
        if range.start > range.end || range.end > end {
            return Err(StoreError::Range(RangeError::Outside { end }));
        }
        let config = MapConfig::try_new(range).map_err(|error| StoreError::Range(error.into()))?;
        Ok(Self { map: MapStorage::new(Words(flash), config, Cache::new_uncached()), buffer })
    }

    /// Bytes of flash that a save of the parameters of `N` takes.
    #[must_use]
    pub const fn saved_bytes<N: Layer>() -> usize {
        let numbers = content::bytes::<N::Scalar>(N::PARAMS);
        let (piece, mut rest) = (Self::PIECE as usize, numbers);
        let mut bytes = Self::item(Header::BYTES);
        while rest > 0 {
            let this = if rest < piece { rest } else { piece };
            bytes = bytes.saturating_add(Self::item(GENERATION.saturating_add(this)));
            rest = rest.saturating_sub(this);
        }
        bytes
    }

    /// Bytes that a value takes with its key.
    const fn item(value: usize) -> usize {
        let value = value.saturating_add(KEY).next_multiple_of(Self::WORD);
        value.saturating_add(ITEM.next_multiple_of(Self::WORD))
    }

    /// Keeps the parameters of a network. The last save stays until this one is complete.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the flash has an error or no room, or holds another type of network. The last
    /// save is then still there.
    pub async fn save<N: Layer>(&mut self, net: &N) -> Result<(), StoreError<F::Error>> {
        self.save_content(&Parameters(net), N::FINGERPRINT, 0).await
    }

    /// Keeps the parameters of a network, and what the optimizer remembers.
    ///
    /// Of a [`BatchTrainer`](crate::BatchTrainer), a batch that is not complete is not kept.
    ///
    /// # Errors
    ///
    /// As [`save`](Self::save); and [`StoreError::NotShown`] for an optimizer that does not implement
    /// [`Optimizer::remembered`].
    pub async fn save_training<N: Layer, R: KeepsState<N>>(
        &mut self,
        net: &N,
        trainer: &R,
    ) -> Result<(), StoreError<F::Error>> {
        let content = Training::<N, R::Optimizer>(net, trainer.state());
        content::is_whole(&content)?;
        self.save_content(&content, N::FINGERPRINT, R::Optimizer::FINGERPRINT).await
    }

    /// Gives a network the parameters of the last complete save.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if there is none, if it is of another type of network, or if it is damaged. The
    /// network is then as it was; only if the flash fails half-way, after it could be read once, some
    /// of the parameters are new.
    pub async fn load<N: Layer>(&mut self, net: &mut N) -> Result<(), StoreError<F::Error>> {
        let header = self.header().await?.ok_or(StoreError::Empty)?;
        header.is_of(N::FINGERPRINT)?;
        self.load_content(&mut ParametersMut(net), header).await
    }

    /// Gives a network the parameters of the last complete save, and a trainer what the optimizer
    /// remembered.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load); and [`StoreError::OtherOptimizer`] if it was saved without the state of
    /// an optimizer, or with that of another one. Network and trainer are then as they were.
    pub async fn load_training<N: Layer, R: KeepsState<N>>(
        &mut self,
        net: &mut N,
        trainer: &mut R,
    ) -> Result<(), StoreError<F::Error>> {
        let header = self.header().await?.ok_or(StoreError::Empty)?;
        header.is_of(N::FINGERPRINT)?;
        let (expected, found) = (R::Optimizer::FINGERPRINT, header.optimizer);
        if found != expected {
            return Err(StoreError::OtherOptimizer { expected, found });
        }
        self.load_content(&mut TrainingMut::<N, R::Optimizer>(net, trainer.state_mut()), header)
            .await
    }

    /// How often this network was saved since the store was erased.
    ///
    /// # Errors
    ///
    /// [`StoreError::Flash`], [`StoreError::Version`] or [`StoreError::Damaged`].
    pub async fn saves(&mut self) -> Result<u32, StoreError<F::Error>> {
        Ok(self.header().await?.map_or(0, |header| header.generation))
    }

    /// Erases all that is kept.
    ///
    /// # Errors
    ///
    /// [`StoreError::Flash`].
    pub async fn erase(&mut self) -> Result<(), StoreError<F::Error>> {
        self.map.erase_all().await.map_err(StoreError::from)
    }

    /// Gives the flash back.
    pub fn release(self) -> F {
        self.map.destroy().0.0
    }

    async fn header(&mut self) -> Result<Option<Header>, StoreError<F::Error>> {
        match self.map.fetch_item::<&[u8]>(&mut self.buffer.0, &Header::KEY).await? {
            Some(bytes) => Header::from_bytes(bytes).map(Some),
            None => Ok(None),
        }
    }

    async fn save_content<C: Content>(
        &mut self,
        content: &C,
        network: u32,
        optimizer: u32,
    ) -> Result<(), StoreError<F::Error>> {
        let piece = Self::PIECE;
        let generation = match self.header().await? {
            Some(old) => {
                old.is_of(network)?;
                if old.piece != piece {
                    return Err(StoreError::Buffer { expected: piece, found: old.piece });
                }
                old.generation.wrapping_add(1)
            }
            None => 1,
        };
        let (length, crc) = content::sum(content);
        let length = u32::try_from(length).map_err(|_| StoreError::Full)?;
        let header = Header { piece, network, optimizer, generation, length, crc };
        let mut keys = header.keys();
        let mut first = 0;
        while content::bytes::<C::Number>(first) < length as usize {
            let key = keys.next().ok_or(StoreError::Full)?;
            let piece = Piece { content, generation, first, bytes: piece.into() };
            self.map.store_item(&mut self.buffer.0, &key, &piece).await?;
            first = first.saturating_add(content::numbers::<C::Number>(Self::PIECE.into()));
        }
        let header = header.to_bytes();
        Ok(self.map.store_item(&mut self.buffer.0, &Header::KEY, &header.as_slice()).await?)
    }

    async fn load_content<C: Target>(
        &mut self,
        target: &mut C,
        header: Header,
    ) -> Result<(), StoreError<F::Error>> {
        let mut digest = CRC.digest();
        let (mut rest, mut keys) = (header.length as usize, header.keys());
        while rest > 0 {
            let key = keys.next().ok_or(StoreError::Damaged)?;
            let numbers = self.piece(key, header).await?;
            digest.update(numbers);
            rest = rest.checked_sub(numbers.len()).ok_or(StoreError::Damaged)?;
        }
        if digest.finalize() != header.crc || (header.length as usize) < content::length(target) {
            return Err(StoreError::Damaged);
        }
        let mut first = 0;
        for key in header.keys() {
            if content::bytes::<C::Number>(first) >= header.length as usize {
                break;
            }
            content::fill(target, first, self.piece(key, header).await?);
            first = first.saturating_add(content::numbers::<C::Number>(header.piece.into()));
        }
        Ok(())
    }

    /// The numbers of a piece.
    async fn piece(&mut self, key: u16, header: Header) -> Result<&[u8], StoreError<F::Error>> {
        let bytes = self.map.fetch_item::<&[u8]>(&mut self.buffer.0, &key).await?;
        match bytes.and_then(<[u8]>::split_first_chunk) {
            Some((generation, numbers))
                if u32::from_le_bytes(*generation) == header.generation && !numbers.is_empty() =>
            {
                Ok(numbers)
            }
            _ => Err(StoreError::Damaged),
        }
    }
}
