//! What is in the range.

use super::record::{self, Eye, Placed, Seen};
use super::sizes::Sizes;

/// The headers of all pages.
#[derive(Debug)]
pub(super) struct Scan {
    /// Only saves that are older than this are looked for.
    pub(super) below: u64,
    /// The newest of them.
    pub(super) newest: Option<Placed>,
    /// The highest number that any save had.
    pub(super) highest: u32,
    /// Another format, if there is one.
    pub(super) version: Option<u16>,
    pub(super) eye: Eye,
}

impl Scan {
    pub(super) fn new(below: u64) -> Self {
        Self { below, newest: None, highest: 0, version: None, eye: Eye::default() }
    }

    /// Looks for headers in what is at a place; returns how far it got.
    pub(super) fn look(&mut self, sizes: Sizes, bytes: &[u8], place: u32) -> u32 {
        let mut done = 0_u32;
        while let Some(header) =
            bytes.get(done as usize..).and_then(<[u8]>::first_chunk::<{ record::BYTES }>)
        {
            let place = place.wrapping_add(done);
            let mut step = sizes.step();
            match self.eye.look(header, place) {
                Seen::Nothing => {}
                Seen::Header(header) => {
                    self.highest = self.highest.max(header.number);
                    let newest = self.newest.map_or(0, |(_, newest)| newest.order());
                    if (newest..self.below).contains(&header.order()) {
                        self.newest = Some((place, header));
                    }
                    // Its numbers hold no headers.
                    step = sizes.saved(header.length);
                }
                Seen::Damaged(number) => self.highest = self.highest.max(number),
                Seen::Version(version) => self.version = Some(version),
            }
            done = done.saturating_add(step);
        }
        done.max(sizes.step())
    }
}
