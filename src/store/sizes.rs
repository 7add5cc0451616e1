//! Sizes and places (offsets from the start of the range), in bytes.

use core::num::NonZeroU32;
use core::ops::Range;

use super::RangeError;
use super::record::{self, Placed};

/// Sizes derived from those of the flash and the buffer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    /// Saves begin and end at multiples of this, a multiple of the flash's word and of 8 bytes: so
    /// a scan for headers takes few steps, and no value is split across two pieces.
    pub(super) unit: u32,
    /// Size of a header.
    pub(super) header: u32,
    /// Most bytes read or written at once.
    piece: u32,
    pub(super) page: NonZeroU32,
}

impl Sizes {
    /// For flash with these sizes of reads, writes and erasures, and this buffer.
    #[allow(clippy::arithmetic_side_effects, reason = "at compile time, where it is an error")]
    pub(super) const fn new(read: usize, write: usize, erase: usize, buffer: usize) -> Self {
        let unit = common_multiple(common_multiple(read, write), 8);
        let header = record::BYTES.next_multiple_of(unit);
        assert!(erase as u64 <= 1 << 30, "pages may have up to 1 GB");
        assert!(erase >= header, "a page must have room for a header in whole words");
        assert!(erase % unit == 0, "the page size must be a multiple of the word size and of 8");
        assert!(buffer >= header, "`BUFFER` must have room for a header in whole words");
        let pieces = if buffer < erase { buffer / unit } else { erase / unit };
        let Some(page) = NonZeroU32::new(word(erase)) else { unreachable!() };
        Self { unit: word(unit), header: word(header), piece: word(pieces * unit), page }
    }

    /// Size of a save with `length` bytes of data.
    pub(super) const fn saved(self, length: u32) -> u32 {
        let Some(length) = length.checked_next_multiple_of(self.unit) else { return u32::MAX };
        self.header.saturating_add(length)
    }

    /// How many of these bytes can be read or written at once from `place`: whole words, not beyond
    /// the page.
    pub(super) fn piece(self, place: u32, bytes: u32) -> u32 {
        let page = self.page.get().saturating_sub(place % self.page);
        let bytes = bytes.checked_next_multiple_of(self.unit).unwrap_or(u32::MAX);
        bytes.min(page).min(self.piece)
    }

    /// Where a page starts.
    pub(super) const fn start_of(self, page: u32) -> u32 {
        page.wrapping_mul(self.page.get())
    }

    /// The first page after a save with `length` bytes of data.
    pub(super) fn page_after(self, place: u32, length: u32) -> u32 {
        let pages =
            (place % self.page).saturating_add(self.saved(length)).div_ceil(self.page.get());
        (place / self.page).wrapping_add(pages)
    }

    /// [`saved`](Self::saved) for lengths of any size.
    pub(super) const fn saved_bytes(self, length: usize) -> usize {
        let unit = self.unit as usize;
        (self.header as usize).saturating_add(length.div_ceil(unit).saturating_mul(unit))
    }

    /// The number of pages in a range of a flash of this capacity.
    pub(super) fn pages_in(
        self,
        range: &Range<u32>,
        capacity: usize,
    ) -> Result<NonZeroU32, RangeError> {
        let end = u32::try_from(capacity).unwrap_or(u32::MAX);
        if range.start > range.end {
            return Err(RangeError::Reversed);
        }
        if range.end > end {
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
    /// Number of pages from there on that are erased first.
    pub(super) erased: u32,
}

/// All candidate spots for a save.
#[derive(Debug)]
pub(super) struct Spots {
    /// The place right after the newest save, in its last page, if there is room.
    behind: Option<u32>,
    /// The page after that one.
    first: u32,
    /// Number of pages, from `first` on, that can be the first of the save: attempts 1 and later.
    /// Attempt 0 is right after the newest save.
    pub(super) tries: u16,
    /// Pages of the save.
    needed: u32,
}

impl Spots {
    /// For a save with `length` bytes of data. `None` if it does not fit beside the newest save, or
    /// if two of its size do not fit.
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
            // Pages that hold a part of the newest save are not used.
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
