//! Validation: the tensors of a file must cover its data without gaps or overlaps.
//!
//! There is no memory for a list of them. Most files are sorted, by name and by offset; others take
//! one pass over the header for every [`ROOM`] tensors, so they may have only [`MOST`].

use super::header::{Entries, Entry};
use super::json::{Quoted, attempt};
use super::{Fault, Wide};

/// Keys held in memory. Also the most tensors of a file in which a name occurs twice.
const ROOM: usize = 64;

/// Most tensors of a file that is not sorted.
const MOST: usize = 1024;

/// Sort key, compared lexicographically.
type Key = [Wide; 2];

/// Greater than all keys.
const NONE: Key = [Wide::MAX; 2];

impl<'a> Entries<'a> {
    /// The end of the data, if the tensors cover it without a gap or an overlap, and the length of
    /// each matches its shape.
    ///
    /// Of several with the same name only the last counts, as in the Python library.
    pub(super) const fn end(self, count: usize) -> Result<usize, Fault> {
        let mut all_count = self.names_ascend();
        if !all_count {
            attempt!(at_most(MOST, count));
            all_count = self.names_differ();
        }
        if !all_count {
            attempt!(at_most(ROOM, count));
        }
        let (mut rest, mut position) = (self, 0);
        while let Some(entry) = rest.next_entry() {
            if all_count || !rest.has(entry.name) {
                if !entry.is_as_long_as_its_shape() {
                    return Err(Fault::Offsets);
                }
                if entry.start != position {
                    attempt!(at_most(MOST, count));
                    return self.end_in_any_order(all_count);
                }
                position = entry.end;
            }
        }
        Ok(position)
    }

    const fn end_in_any_order(self, all_count: bool) -> Result<usize, Fault> {
        let (mut least, mut position): (_, Wide) = (Least::of_all(), 0);
        loop {
            let mut rest = self;
            while let Some(entry) = rest.next_entry() {
                let (name, start, end) = (entry.name, entry.start as Wide, entry.end as Wide);
                if least.takes([start, end]) && (all_count || !rest.has(name)) {
                    let is_new = least.add([start, end]);
                    // An empty tensor may share its offset with others.
                    if !entry.is_as_long_as_its_shape() || !is_new && start != end {
                        return Err(Fault::Offsets);
                    }
                }
            }
            let mut keys: &[Key] = &least.keys;
            while let [key @ [start, end], others @ ..] = keys {
                if is_less(*key, NONE) {
                    if *start != position {
                        return Err(Fault::Offsets);
                    }
                    position = *end;
                }
                keys = others;
            }
            #[allow(
                clippy::cast_possible_truncation,
                clippy::unnecessary_cast,
                reason = "the end of an entry: a `usize`, kept as `Wide`"
            )]
            let Some(next) = least.next() else { return Ok(position as usize) };
            least = next;
        }
    }

    /// Whether the names are strictly ascending.
    const fn names_ascend(mut self) -> bool {
        let Some(mut last) = self.next_entry() else { return true };
        while let Some(entry) = self.next_entry() {
            if !last.name.is_less(entry.name) {
                return false;
            }
            last = entry;
        }
        true
    }

    /// Whether all names differ, by their hashes: a collision gives `false`.
    const fn names_differ(self) -> bool {
        let mut least = Least::of_all();
        loop {
            let mut rest = self;
            while let Some(entry) = rest.next_entry() {
                let hash = entry.name.hash();
                #[allow(clippy::cast_possible_truncation, reason = "the two halves, never `NONE`")]
                let key = [(hash >> 33) as Wide, hash as u32 as Wide];
                if least.takes(key) && !least.add(key) {
                    return false;
                }
            }
            let Some(next) = least.next() else { return true };
            least = next;
        }
    }

    /// The next tensor.
    pub(super) const fn next_entry(&mut self) -> Option<Entry<'a>> {
        while self.more {
            match self.next() {
                Ok(None) => {}
                Ok(entry) => return entry,
                Err(_) => return None,
            }
        }
        None
    }

    const fn has(mut self, name: Quoted<'_>) -> bool {
        while let Some(entry) = self.next_entry() {
            if entry.name.equals(name) {
                return true;
            }
        }
        false
    }
}

/// Rejects files that would take too long.
const fn at_most(most: usize, found: usize) -> Result<(), Fault> {
    if found > most { Err(Fault::TooMany { found, most }) } else { Ok(()) }
}

const fn is_less([a, b]: Key, [c, d]: Key) -> bool {
    a < c || a == c && b < d
}

/// The smallest keys greater than a bound in ascending order, padded with `NONE`.
struct Least {
    bound: Option<Key>,
    keys: [Key; ROOM],
}

impl Least {
    const fn of_all() -> Self {
        Self { bound: None, keys: [NONE; ROOM] }
    }

    /// Empty, for the keys greater than these, if there may be some.
    const fn next(&self) -> Option<Self> {
        let [.., last] = self.keys;
        let next = Self { bound: Some(last), ..Self::of_all() };
        if is_less(last, NONE) { Some(next) } else { None }
    }

    /// Whether a key is, or should be, among them.
    const fn takes(&self, key: Key) -> bool {
        let [.., last] = self.keys;
        match self.bound {
            Some(bound) if !is_less(bound, key) => false,
            _ => !is_less(last, key),
        }
    }

    /// Adds a key that [`takes`](Self::takes) accepts. Returns whether it is new.
    const fn add(&mut self, mut key: Key) -> bool {
        let mut keys: &mut [Key] = &mut self.keys;
        while let [place, others @ ..] = keys {
            if is_less(key, *place) {
                (*place, key) = (key, *place);
            } else if !is_less(*place, key) {
                // Either `NONE` twice, or this key.
                return !is_less(key, NONE);
            }
            keys = others;
        }
        true
    }
}
