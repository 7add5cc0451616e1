//! Sizes and places, in bytes; places are counted from the start of the range.

use core::num::NonZeroU32;
use core::ops::Range;

use super::RangeError;
use super::record::{self, Placed};

/// What follows from the sizes of flash and buffer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    /// Saves begin and end at multiples of this, which are words of the flash, and of 8 bytes: so
    /// headers are found by few looks, and no number is in two pieces.
    pub(super) unit: u32,
    /// What a header takes.
    pub(super) header: u32,
    /// As much as is read or written at once.
    piece: u32,
    pub(super) page: NonZeroU32,
}

impl Sizes {
    /// Of flash that is read and written in multiples of so many bytes, and erased in pages.
    #[allow(clippy::arithmetic_side_effects, reason = "at compile time, where it is an error")]
    pub(super) const fn new(read: usize, write: usize, erase: usize, buffer: usize) -> Self {
        let unit = common_multiple(common_multiple(read, write), 8);
        let header = record::BYTES.next_multiple_of(unit);
        assert!(erase as u64 <= 1 << 30, "pages have up to 1 GB");
        assert!(erase >= header, "a page must have room for a header, in whole words");
        assert!(erase % unit == 0, "pages must be whole words, and multiples of 8 bytes");
        assert!(buffer >= header, "`BUFFER` must have room for a header, in whole words");
        let pieces = if buffer < erase { buffer / unit } else { erase / unit };
        let Some(page) = NonZeroU32::new(word(erase)) else { unreachable!() };
        Self { unit: word(unit), header: word(header), piece: word(pieces * unit), page }
    }

    /// What a save takes whose numbers have so many bytes.
    pub(super) const fn saved(self, length: u32) -> u32 {
        let Some(length) = length.checked_next_multiple_of(self.unit) else { return u32::MAX };
        self.header.saturating_add(length)
    }

    /// What can be read or written at once from a place on, of so many bytes: in whole words, not
    /// beyond the page.
    pub(super) fn piece(self, place: u32, bytes: u32) -> u32 {
        let page = self.page.get().saturating_sub(place % self.page);
        let bytes = bytes.checked_next_multiple_of(self.unit).unwrap_or(u32::MAX);
        bytes.min(page).min(self.piece)
    }

    /// Where a page starts.
    pub(super) const fn start_of(self, page: u32) -> u32 {
        page.wrapping_mul(self.page.get())
    }

    /// The first page behind a save whose numbers have so many bytes.
    pub(super) fn page_after(self, place: u32, length: u32) -> u32 {
        let pages =
            (place % self.page).saturating_add(self.saved(length)).div_ceil(self.page.get());
        (place / self.page).wrapping_add(pages)
    }

    /// As [`saved`](Self::saved), where any length may be asked for.
    pub(super) const fn saved_bytes(self, length: usize) -> usize {
        let unit = self.unit as usize;
        (self.header as usize).saturating_add(length.div_ceil(unit).saturating_mul(unit))
    }

    /// The number of pages in a range of a flash with so many bytes.
    pub(super) fn pages_in(
        self,
        range: &Range<u32>,
        capacity: usize,
    ) -> Result<NonZeroU32, RangeError> {
        let end = u32::try_from(capacity).unwrap_or(u32::MAX);
        if range.start > range.end || range.end > end {
            return Err(RangeError::Outside { end });
        }
        if range.start % self.page != 0 || range.end % self.page != 0 {
            return Err(RangeError::NotPages);
        }
        match NonZeroU32::new(range.end.wrapping_sub(range.start) / self.page) {
            Some(pages) if pages.get() > 1 => Ok(pages),
            _ => Err(RangeError::TooShort),
        }
    }
}

#[allow(clippy::cast_possible_truncation, reason = "all are asserted to be small")]
const fn word(bytes: usize) -> u32 {
    bytes as u32
}

#[allow(clippy::arithmetic_side_effects, reason = "as above")]
const fn common_multiple(a: usize, b: usize) -> usize {
    let mut multiple = a;
    while multiple % b != 0 {
        multiple += a;
    }
    multiple
}

/// Where a save may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) place: u32,
    /// So many pages from there on are erased first.
    pub(super) erased: u32,
}

/// All spots for a save.
#[derive(Debug)]
pub(super) struct Spots {
    /// The place behind the newest save, in its last page, if there is room.
    behind: Option<u32>,
    /// The page after that one.
    first: u32,
    /// So many pages from there on will do as the first one, in the attempts from 1 on. Attempt 0
    /// is behind the newest save.
    pub(super) tries: u16,
    /// Pages of the save.
    needed: u32,
}

impl Spots {
    /// For a save whose numbers have so many bytes. There are none if it and the newest do not both
    /// fit, or if two of it do not.
    pub(super) fn new(
        sizes: Sizes,
        pages: NonZeroU32,
        newest: Option<Placed>,
        length: u32,
    ) -> Option<Self> {
        let saved = sizes.saved(length);
        let needed = saved.div_ceil(sizes.page.get());
        let (mut behind, mut first, mut tries) = (None, 0, pages.get());
        if let Some((place, header)) = newest {
            first = sizes.page_after(place, header.length);
            // No page is taken in which a part of the newest save is.
            let held = first.wrapping_sub(place / sizes.page);
            tries = tries.saturating_add(1).saturating_sub(held.saturating_add(needed));
            let used = place.wrapping_add(sizes.saved(header.length)) % sizes.page;
            if used != 0 && sizes.page.get().wrapping_sub(used) >= saved {
                let last = first.wrapping_sub(1) % pages;
                behind = Some(sizes.start_of(last).wrapping_add(used));
            }
        }
        let tries = u16::try_from(tries).unwrap_or(u16::MAX);
        (tries > 0 && needed <= pages.get() / 2).then_some(Self { behind, first, tries, needed })
    }

    /// Where an attempt is made.
    pub(super) fn spot(&self, sizes: Sizes, pages: NonZeroU32, attempt: u16) -> Option<Spot> {
        match attempt.checked_sub(1) {
            None => self.behind.map(|place| Spot { place, erased: 0 }),
            Some(nth) => {
                let page = self.first.wrapping_add(nth.into()) % pages;
                Some(Spot { place: sizes.start_of(page), erased: self.needed })
            }
        }
    }
}
