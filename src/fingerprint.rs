//! Fingerprints of types.

/// Fingerprint of a type: a hash of a name and numbers, for
/// [`FINGERPRINT`](crate::Layer::FINGERPRINT).
///
/// Layers, activations and optimizers have one each, so that data saved from one type of network is
/// not loaded into another. It is the 32-bit FNV-1a hash (Fowler, Noll, Vo; RFC 9923) of the bytes
/// of the name and of each number in little-endian order.
///
/// ```
/// use gradlet::{Layer, Mlp, Relu, fingerprint};
///
/// const OWN: u32 = fingerprint("my crate: Scale", &[3, 4]);
/// assert_ne!(OWN, fingerprint("my crate: Scale", &[4, 3]));
/// assert_ne!(<Mlp<2, 4, 2>>::FINGERPRINT, <Mlp<2, 4, 2, Relu>>::FINGERPRINT);
/// ```
#[must_use]
pub const fn fingerprint(name: &str, numbers: &[u32]) -> u32 {
    let mut hash = bytes(0x811c_9dc5, name.as_bytes());
    let mut numbers = numbers;
    while let [number, rest @ ..] = numbers {
        hash = bytes(hash, &number.to_le_bytes());
        numbers = rest;
    }
    hash
}

const fn bytes(mut hash: u32, mut bytes: &[u8]) -> u32 {
    while let [byte, rest @ ..] = bytes {
        hash = (hash ^ *byte as u32).wrapping_mul(0x0100_0193);
        bytes = rest;
    }
    hash
}

/// A size, for [`fingerprint`].
#[allow(clippy::cast_possible_truncation, reason = "networks of 16 GB are not for this crate")]
pub(crate) const fn size(size: usize) -> u32 {
    size as u32
}

#[cfg(test)]
mod tests {
    use super::fingerprint;

    #[test]
    fn known_hashes() {
        assert_eq!(fingerprint("", &[]), 0x811c_9dc5);
        assert_eq!(fingerprint("foobar", &[]), 0xbf9c_f968);
        assert_eq!(fingerprint("foob", &[0x7261]), 0xc90d_dba8);
    }
}
