//! The checksum of what is kept and sent.

use crc::{CRC_32_ISO_HDLC, Crc, NoTable};

/// CRC-32 of IEEE 802.3, without a table, which would take 1 KB of flash.
pub(crate) const CRC: Crc<u32, NoTable> = Crc::<u32, NoTable>::new(&CRC_32_ISO_HDLC);
