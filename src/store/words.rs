//! Flash in words of 8 bytes or more.

use embedded_storage_async::nor_flash::{ErrorType, NorFlash, ReadNorFlash};

/// A flash that is written and read in words of at least 8 bytes, the length of what the storage writes
/// before each item.
///
/// Where power is cut within that, the next item would else begin in the middle of it, and what is there
/// could be taken for an item of any length: about once in 65,536 such cuts. And of the words that mark
/// the ends of pages the storage would look at the first or last bytes alone.
pub(super) struct Words<F>(pub(super) F);

impl<F: NorFlash> Words<F> {
    pub(super) const WORD: usize = {
        let word = if F::WRITE_SIZE > F::READ_SIZE { F::WRITE_SIZE } else { F::READ_SIZE };
        word.saturating_mul(8_usize.div_ceil(word))
    };
}

impl<F: NorFlash> ErrorType for Words<F> {
    type Error = F::Error;
}

impl<F: NorFlash> ReadNorFlash for Words<F> {
    const READ_SIZE: usize = Self::WORD;

    async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), F::Error> {
        self.0.read(offset, bytes).await
    }

    fn capacity(&self) -> usize {
        self.0.capacity()
    }
}

impl<F: NorFlash> NorFlash for Words<F> {
    const WRITE_SIZE: usize = Self::WORD;
    const ERASE_SIZE: usize = F::ERASE_SIZE;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), F::Error> {
        self.0.erase(from, to).await
    }

    async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), F::Error> {
        self.0.write(offset, bytes).await
    }
}
