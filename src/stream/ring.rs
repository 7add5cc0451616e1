//! A ring buffer.

use core::mem;

use ::heapless::Vec;

/// The last `N` items, in memory in the order in which their slots were filled. (The ring buffer of
/// `heapless`, `HistoryBuf`, has checks that can panic.)
#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(super) struct Ring<X, const N: usize> {
    pub(super) items: Vec<X, N>,
    /// The slot of the oldest item, if all slots are filled.
    oldest: usize,
}

impl<X, const N: usize> Ring<X, N> {
    pub(super) const fn new() -> Self {
        Self { items: Vec::new(), oldest: 0 }
    }

    /// Adds an item, replacing the oldest if there is no room; returns the replaced one.
    pub(super) fn push(&mut self, item: X) -> Option<X> {
        let out = self.push_or_replace(item, self.oldest);
        if out.is_some() {
            let next = self.oldest.saturating_add(1);
            self.oldest = if next < N { next } else { 0 };
        }
        out
    }

    /// Adds an item; if there is no room, replaces the one at index `place`, or nothing if there is
    /// no such index. Returns the item that is left over.
    pub(super) fn push_or_replace(&mut self, item: X, place: usize) -> Option<X> {
        let item = self.items.push(item).err()?;
        Some(match self.items.get_mut(place) {
            Some(old) => mem::replace(old, item),
            None => item,
        })
    }

    /// Older items and newer ones, each in order.
    pub(super) fn parts(&self) -> (&[X], &[X]) {
        let (newer, older) = self.items.split_at_checked(self.oldest).unwrap_or_default();
        (older, newer)
    }

    pub(super) fn clear(&mut self) {
        self.items.clear();
        self.oldest = 0;
    }
}
