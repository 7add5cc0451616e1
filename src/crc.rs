//! CRC-32 checksum of saved and sent data.

/// Lookup table for four bits at a time; one for eight bits would take 1 KB of flash.
const TABLE: [u32; 16] = [
    0x0000_0000,
    0x1db7_1064,
    0x3b6e_20c8,
    0x26d9_30ac,
    0x76dc_4190,
    0x6b6b_51f4,
    0x4db2_6158,
    0x5005_713c,
    0xedb8_8320,
    0xf00f_9344,
    0xd6d6_a3e8,
    0xcb61_b38c,
    0x9b64_c2b0,
    0x86d3_d2d4,
    0xa00a_e278,
    0xbdbd_f21c,
];

/// CRC-32 of IEEE 802.3 (ISO-HDLC).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Crc(u32);

impl Crc {
    /// The CRC of no bytes.
    pub(crate) const fn new() -> Self {
        Self(u32::MAX)
    }

    /// Adds more bytes.
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 ^= u32::from(byte);
            for _ in 0..2 {
                let entry = TABLE.get((self.0 & 15) as usize).copied().unwrap_or_default();
                self.0 = (self.0 >> 4) ^ entry;
            }
        }
    }

    /// The CRC of all bytes so far.
    pub(crate) const fn value(self) -> u32 {
        !self.0
    }

    /// The CRC of these bytes.
    pub(crate) fn of(bytes: &[u8]) -> u32 {
        let mut crc = Self::new();
        crc.update(bytes);
        crc.value()
    }
}

#[cfg(test)]
mod tests {
    use super::Crc;

    /// The check value in catalogues of CRCs.
    #[test]
    fn check_value_is_that_of_iso_hdlc() {
        assert_eq!(Crc::of(b"123456789"), 0xcbf4_3926);
        let mut crc = Crc::new();
        crc.update(b"1234");
        crc.update(b"56789");
        assert_eq!(crc.value(), 0xcbf4_3926);
    }

    #[test]
    fn table_is_four_steps_of_one_bit() {
        let step = |register: u32| (register >> 1) ^ (0xedb8_8320 * (register & 1));
        for (bits, entry) in (0..).zip(super::TABLE) {
            assert_eq!(entry, step(step(step(step(bits)))));
        }
    }
}
