//! Names of tensors: those that a caller ignores, and those next to one that is not there.

use super::header::Entries;
use super::json::Quoted;
use super::text::Names;

/// What a name that ends in two dots ignores: all tensors of this name, or whose names begin with it
/// and a dot. If it is empty, all.
pub(super) const fn ignored(name: &str) -> Option<&[u8]> {
    match name.as_bytes() {
        [ignored @ .., b'.', b'.'] => Some(ignored),
        _ => None,
    }
}

/// Number of names that are of layers.
pub(super) const fn count_layers(mut names: &[&str]) -> usize {
    let mut count = 0_usize;
    while let [name, others @ ..] = names {
        if ignored(name).is_none() {
            count = count.saturating_add(1);
        }
        names = others;
    }
    count
}

/// Whether one of the names ignores a tensor.
pub(super) const fn is_ignored(tensor: Quoted<'_>, mut names: &[&str]) -> bool {
    while let [name, others @ ..] = names {
        if let Some(ignored) = ignored(name) {
            if ignored.is_empty() || tensor.is_in(ignored) {
                return true;
            }
        }
        names = others;
    }
    false
}

/// Tensors that are not ignored, and are not of one of the layers.
pub(super) const fn unexpected(mut entries: Entries<'_>, names: &[&str]) -> Names {
    let mut unexpected = Names::NONE;
    while let Some((entry, rest)) = entries.next_entry() {
        let (mut others, mut is_taken) = (names, is_ignored(entry.name, names));
        while let ([layer, rest @ ..], false) = (others, is_taken) {
            is_taken = entry.name.is_joined(layer, ".", "weight")
                || entry.name.is_joined(layer, ".", "bias");
            others = rest;
        }
        if !is_taken {
            unexpected.add(entry.name);
        }
        entries = rest;
    }
    unexpected
}

/// Names that are listed of the tensors nearest to one.
const LISTED: usize = 3;

/// The tensors whose names are nearest to the weights of a layer, and the number of the others.
pub(super) const fn nearest(mut entries: Entries<'_>, layer: &str) -> Names {
    let (mut nearest, mut others) = ([None; LISTED], 0_usize);
    while let Some((entry, rest)) = entries.next_entry() {
        let mut next = Some((distance(entry.name, layer), entry.name));
        let mut places: &mut [Option<(usize, Quoted<'_>)>] = &mut nearest;
        while let [place, rest @ ..] = places {
            match (next, *place) {
                (Some((distance, _)), Some((other, _))) if distance >= other => {}
                _ => (next, *place) = (*place, next),
            }
            places = rest;
        }
        if next.is_some() {
            others = others.saturating_add(1);
        }
        entries = rest;
    }
    let (mut names, mut nearest): (_, &[Option<(usize, Quoted<'_>)>]) = (Names::NONE, &nearest);
    while let [Some((_, name)), rest @ ..] = nearest {
        names.add(*name);
        nearest = rest;
    }
    names.add_others(others);
    names
}

/// Bytes of both names that are neither in a common beginning nor in a common end.
const fn distance(name: Quoted<'_>, layer: &str) -> usize {
    let wanted = Wanted { layer: layer.as_bytes(), part: b".weight" };
    let (length, wanted_length) = (name.len(), wanted.len());
    let (mut a, mut b) = (name, wanted);
    let mut beginning = 0_usize;
    while let (Ok(Some(first)), Some(second)) = (a.next(), b.next()) {
        if first != second {
            break;
        }
        beginning = beginning.saturating_add(1);
    }
    let longer_by = length.abs_diff(wanted_length);
    let (mut a, mut b, mut end, mut skip) = (name, wanted, 0_usize, longer_by);
    while skip > 0 {
        if length > wanted_length {
            let _ = a.next();
        } else {
            let _ = b.next();
        }
        skip = skip.saturating_sub(1);
    }
    while let (Ok(Some(first)), Some(second)) = (a.next(), b.next()) {
        end = if first == second { end.saturating_add(1) } else { 0 };
    }
    let common = beginning.saturating_add(end).saturating_mul(2);
    let others = length.saturating_add(wanted_length).saturating_sub(common);
    // Beginning and end may overlap.
    if others > longer_by { others } else { longer_by }
}

/// The rest of a name in two parts.
#[derive(Clone, Copy)]
struct Wanted<'a> {
    layer: &'a [u8],
    part: &'a [u8],
}

impl Wanted<'_> {
    const fn len(&self) -> usize {
        self.layer.len().saturating_add(self.part.len())
    }

    const fn next(&mut self) -> Option<u8> {
        match (self.layer, self.part) {
            ([byte, rest @ ..], _) => {
                self.layer = rest;
                Some(*byte)
            }
            ([], [byte, rest @ ..]) => {
                self.part = rest;
                Some(*byte)
            }
            _ => None,
        }
    }
}
