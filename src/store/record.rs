//! The header of a save, as laid out in flash.

use super::StoreError;
use super::sizes::Sizes;
use crate::crc::Crc;

/// Bytes of a header.
pub(super) const BYTES: usize = 32;
const WORDS: usize = BYTES / 4;

/// Version of the format.
pub(super) const VERSION: u16 = 2;
const MAGIC: u32 = u32::from_le_bytes(*b"gnet");

/// Format 1: the words that identify the item with a save's header. They hold the length of the
/// item and a checksum of it; then, where its data begins, its key and the version.
const ITEM: u32 = 0xe746_001a;
const ITEM_DATA: u32 = 0x0001_0000;

/// In place of the optimizer's fingerprint, if its state is not saved.
pub(super) const NO_OPTIMIZER: u32 = 0;

/// The header of a save; the data follows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// [`Layer::FINGERPRINT`](crate::Layer::FINGERPRINT).
    pub(super) network: u32,
    /// [`Optimizer::FINGERPRINT`](crate::Optimizer::FINGERPRINT), if its state is saved.
    pub(super) optimizer: Option<u32>,
    /// Sequence number, from 1.
    pub(super) number: u32,
    /// Counts the places that were tried for this save.
    pub(super) attempt: u16,
    /// Bytes of the data.
    pub(super) length: u32,
    /// Of the data.
    pub(super) crc: u32,
}

impl Header {
    /// Sort key: the newer of two saves has the higher one.
    pub(super) fn order(&self) -> u64 {
        u64::from(self.number) << 16 | u64::from(self.attempt)
    }

    /// Checks the fingerprint of the network.
    pub(super) fn is_of<E>(&self, network: u32) -> Result<(), StoreError<E>> {
        let other = StoreError::OtherNetwork { expected: network, found: self.network };
        if self.network == network { Ok(()) } else { Err(other) }
    }

    /// Checks the fingerprint of the optimizer.
    pub(super) fn is_with<E>(&self, optimizer: Option<u32>) -> Result<(), StoreError<E>> {
        let other = StoreError::OtherOptimizer { expected: optimizer, found: self.optimizer };
        if self.optimizer == optimizer { Ok(()) } else { Err(other) }
    }

    /// Checks the length of the data. After the parameters there may be the state of an optimizer.
    pub(super) fn has<E>(&self, length: usize) -> Result<(), StoreError<E>> {
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        let fits = self.length == length || (self.optimizer.is_some() && self.length > length);
        let wrong = StoreError::Length { expected: length, found: self.length };
        if fits { Ok(()) } else { Err(wrong) }
    }

    /// Writes it for this place of the range.
    pub(super) fn write(&self, place: u32, bytes: &mut [u8]) {
        let Self { network, optimizer, number, attempt, length, crc } = *self;
        let version = u32::from(VERSION) | u32::from(attempt) << 16;
        let optimizer = optimizer.unwrap_or(NO_OPTIMIZER);
        let content = [MAGIC, version, network, optimizer, number, length, crc];
        let crc_of_header = checksum(&content, place);
        let words = content.iter().chain([&crc_of_header]);
        for (to, word) in bytes.chunks_exact_mut(4).zip(words) {
            to.iter_mut().zip(word.to_le_bytes()).for_each(|(to, byte)| *to = byte);
        }
    }

    /// Whether these bytes are this header.
    pub(super) fn is_in(&self, bytes: &[u8], place: u32) -> bool {
        bytes.first_chunk().is_some_and(|bytes| read(&words(bytes), place) == Seen::Header(*self))
    }
}

/// A header and its place.
pub(super) type Placed = (u32, Header);

/// Length of a buffer.
#[allow(clippy::cast_possible_truncation, reason = "pages have up to 1 GB")]
pub(super) fn length(bytes: &[u8]) -> u32 {
    bytes.len() as u32
}

/// CRC of a header, valid at this place only.
fn checksum(words: &[u32; WORDS - 1], place: u32) -> u32 {
    let mut digest = Crc::new();
    for word in words.iter().chain([&place]) {
        digest.update(&word.to_le_bytes());
    }
    digest.value()
}

/// What is found at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    /// No header.
    Nothing,
    /// A header.
    Header(Header),
    /// A header with one wrong bit, of the save with this number.
    Damaged(u32),
    /// A header of another format.
    Version(u16),
}

fn words(bytes: &[u8; BYTES]) -> [u32; WORDS] {
    let mut words = [0; WORDS];
    for (word, bytes) in words.iter_mut().zip(bytes.chunks_exact(4)) {
        *word = bytes.iter().rev().fold(0, |word, &byte| word << 8 | u32::from(byte));
    }
    words
}

/// The header in these words, if there is one.
fn read(words: &[u32; WORDS], place: u32) -> Seen {
    let [content @ .., crc_of_header] = words;
    let [magic, version, network, optimizer, number, length, crc] = *content;
    if magic != MAGIC || *crc_of_header != checksum(content, place) {
        return Seen::Nothing;
    }
    let [a, b, c, d] = version.to_le_bytes();
    let (version, attempt) = (u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d]));
    if version != VERSION {
        return Seen::Version(version);
    }
    let optimizer = (optimizer != NO_OPTIMIZER).then_some(optimizer);
    Seen::Header(Header { network, optimizer, number, attempt, length, crc })
}

/// Detects a header in which one bit has flipped, by flipping each.
#[inline(never)]
fn repair(words: &mut [u32; WORDS], place: u32) -> Seen {
    for nth in 0..WORDS {
        for bit in 0..u32::BITS {
            flip(words, nth, bit);
            let seen = read(words, place);
            flip(words, nth, bit);
            if let Seen::Header(header) = seen {
                return Seen::Damaged(header.number);
            }
        }
    }
    Seen::Nothing
}

fn flip(words: &mut [u32; WORDS], nth: usize, bit: u32) {
    if let Some(word) = words.get_mut(nth) {
        *word ^= 1 << bit;
    }
}

/// A scan of all pages for headers.
#[derive(Debug)]
pub(super) struct Scan {
    /// Only saves older than this count.
    below: u64,
    /// The newest of them.
    pub(super) newest: Option<Placed>,
    /// The highest number that any save had.
    pub(super) highest: u32,
    /// Another version of the format, if one was found.
    pub(super) version: Option<u16>,
    /// Whether a header of format 1 may have begun at the previous place.
    item: bool,
}

impl Scan {
    pub(super) fn new(below: u64) -> Self {
        Self { below, newest: None, highest: 0, version: None, item: false }
    }

    /// Looks for headers in the bytes at a place; returns how many bytes are done.
    pub(super) fn look(&mut self, sizes: Sizes, bytes: &[u8], place: u32) -> u32 {
        let mut done = 0_u32;
        while let Some(header) =
            bytes.get(done as usize..).and_then(<[u8]>::first_chunk::<{ BYTES }>)
        {
            let place = place.wrapping_add(done);
            let mut step = sizes.unit;
            match self.seen(header, place) {
                Seen::Nothing => {}
                Seen::Header(header) => {
                    self.highest = self.highest.max(header.number);
                    let newest = self.newest.map_or(0, |(_, newest)| newest.order());
                    if (newest..self.below).contains(&header.order()) {
                        self.newest = Some((place, header));
                    }
                    // Its data holds no headers.
                    step = sizes.saved(header.length);
                }
                Seen::Damaged(number) => self.highest = self.highest.max(number),
                Seen::Version(version) => self.version = Some(version),
            }
            done = done.saturating_add(step);
        }
        done.max(sizes.unit)
    }

    /// What is at a place of the range; called in order of places.
    fn seen(&mut self, bytes: &[u8; BYTES], place: u32) -> Seen {
        let [a, b, c, d, e, f, g, h, ..] = *bytes;
        let (first, second) = (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h]));
        let item = core::mem::replace(&mut self.item, second == ITEM);
        if item && first == ITEM_DATA {
            return Seen::Version(1);
        }
        // Most places are done here: more than one bit of the magic number is wrong.
        let other = first ^ MAGIC;
        if other & other.wrapping_sub(1) != 0 {
            return Seen::Nothing;
        }
        let mut words = words(bytes);
        match read(&words, place) {
            Seen::Nothing => repair(&mut words, place),
            seen => seen,
        }
    }
}
