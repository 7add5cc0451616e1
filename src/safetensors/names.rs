//! Names of tensors: those of a network, those to ignore, and the nearest to a missing one.

use super::header::Entries;
use super::json::Quoted;
use super::text::Names;
use crate::tensors::{Tensor, TensorList};

/// The name before two dots at the end: all tensors of that name are ignored, and all whose names
/// begin with it and a dot. If it is empty, all.
pub(super) const fn ignored(name: &str) -> Option<&[u8]> {
    if let [ignored @ .., b'.', b'.'] = name.as_bytes() { Some(ignored) } else { None }
}

/// Number of layer names.
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

/// A tensor of a network, with the name of its layer.
#[derive(Clone, Copy)]
pub(super) struct Named<'n> {
    pub(super) layer: &'n str,
    pub(super) tensor: Tensor,
    /// Index among all tensors of the network.
    pub(super) place: usize,
}

impl<'n> Named<'n> {
    pub(super) const fn name(&self) -> FullName<'n> {
        FullName::of(self.layer, self.tensor.name)
    }
}

/// Iterator over the tensors of a network: each layer that has tensors takes the next name.
#[derive(Clone, Copy)]
pub(super) struct NamedTensors<'n, 'l> {
    all: TensorList,
    place: usize,
    /// The rest of the layer's tensors, and its name.
    tensors: &'static [Tensor],
    layer: &'n str,
    names: &'l [&'n str],
}

impl<'n, 'l> NamedTensors<'n, 'l> {
    pub(super) const fn of(all: TensorList, names: &'l [&'n str]) -> Self {
        Self { all, place: 0, tensors: &[], layer: "", names }
    }

    /// The next tensor; none if there is no name for it.
    pub(super) const fn next(&mut self) -> Option<Named<'n>> {
        let place = self.place;
        while self.tensors.is_empty() {
            if place >= self.all.len() {
                return None;
            }
            let [name, others @ ..] = self.names else { return None };
            self.names = others;
            if ignored(name).is_none() {
                self.layer = name;
                (self.tensors, _) = self.all.layer(place);
            }
        }
        let [tensor, others @ ..] = self.tensors else { return None };
        self.tensors = others;
        self.place = place.wrapping_add(1);
        Some(Named { layer: self.layer, tensor: *tensor, place })
    }

    /// Whether one of them has this name.
    const fn has(mut self, name: Quoted<'_>) -> bool {
        while let Some(Named { layer, tensor, .. }) = self.next() {
            if name.is_joined(pieces(layer, tensor.name))
                || is_running_mean(tensor) && name.is_joined(pieces(layer, "num_batches_tracked"))
            {
                return true;
            }
        }
        false
    }
}

/// Whether a layer with this tensor normalises batches: then PyTorch's file has their number too,
/// which only counts while training there.
const fn is_running_mean(tensor: Tensor) -> bool {
    matches!(tensor.name.as_bytes(), b"running_mean")
}

/// Tensors of a file that are neither ignored nor part of the network.
pub(super) const fn unexpected(
    mut entries: Entries<'_>,
    tensors: TensorList,
    names: &[&str],
) -> Names {
    let mut unexpected = Names::NONE;
    while let Some(entry) = entries.next_entry() {
        if !is_ignored(entry.name, names) && !NamedTensors::of(tensors, names).has(entry.name) {
            unexpected.add(entry.name);
        }
    }
    unexpected
}

/// Number of similar names to list.
const LISTED: usize = 3;

/// The tensors with the most similar names, and the number of the others.
pub(super) const fn nearest(mut entries: Entries<'_>, wanted: FullName<'_>) -> Names {
    let (mut nearest, mut others) = ([None; LISTED], 0_usize);
    while let Some(entry) = entries.next_entry() {
        let mut next = Some((distance(entry.name, wanted), entry.name));
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
    }
    let (mut names, mut nearest): (_, &[Option<(usize, Quoted<'_>)>]) = (Names::NONE, &nearest);
    while let [Some((_, name)), rest @ ..] = nearest {
        names.add(*name);
        nearest = rest;
    }
    names.add_others(others);
    names
}

/// Bytes of both names outside of their common prefix and suffix.
const fn distance(name: Quoted<'_>, wanted: FullName<'_>) -> usize {
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
    // Prefix and suffix may overlap.
    if others > longer_by { others } else { longer_by }
}

/// The pieces of a tensor's full name: the name of its layer, a dot, and its own. In a layer's name with a
/// `*`, its own without `_l0` takes the place of the `*`.
pub(super) const fn pieces<'a>(layer: &'a str, part: &'a str) -> [&'a [u8]; 3] {
    let (layer, part) = (layer.as_bytes(), part.as_bytes());
    let mut length = 0_usize;
    while let Some((before, after)) = layer.split_at_checked(length) {
        if let [b'*', after @ ..] = after {
            let part = if let [stem @ .., b'_', b'l', b'0'] = part { stem } else { part };
            return [before, part, after];
        }
        length = length.wrapping_add(1);
    }
    [layer, b".", part]
}

/// A tensor's full name, as an iterator over its bytes.
#[derive(Clone, Copy)]
pub(super) struct FullName<'a> {
    parts: [&'a [u8]; 3],
}

impl<'a> FullName<'a> {
    pub(super) const fn of(layer: &'a str, part: &'a str) -> Self {
        Self { parts: pieces(layer, part) }
    }

    const fn len(&self) -> usize {
        let [a, b, c] = self.parts;
        a.len().saturating_add(b.len()).saturating_add(c.len())
    }

    const fn next(&mut self) -> Option<u8> {
        let mut parts: &mut [&[u8]] = &mut self.parts;
        while let [part, others @ ..] = parts {
            if let [byte, rest @ ..] = *part {
                *part = rest;
                return Some(*byte);
            }
            parts = others;
        }
        None
    }

    /// Whether it sorts before another, by its bytes.
    pub(super) const fn is_less(mut self, mut other: Self) -> bool {
        loop {
            match (self.next(), other.next()) {
                (Some(a), Some(b)) if a == b => {}
                (Some(a), Some(b)) => return a < b,
                (a, b) => return a.is_none() && b.is_some(),
            }
        }
    }
}
