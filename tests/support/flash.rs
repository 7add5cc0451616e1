// A NOR flash in memory, as strict as real ones, whose power can be cut.

use embedded_storage::nor_flash::{
    ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash, check_erase, check_read,
    check_write,
};

/// `PAGES` pages of `PAGE` bytes, written in words of `WORD` bytes.
#[derive(Clone, Debug)]
pub struct Flash<const PAGES: usize, const PAGE: usize, const WORD: usize> {
    pub bytes: Vec<u8>,
    /// Words that were written since their page was erased.
    pub written: Vec<bool>,
    /// How often each page was erased.
    pub erased: [u32; PAGES],
    /// Words and pages changed so far.
    pub operations: u32,
    /// The operation in which power is cut.
    pub cut_at: Option<u32>,
    /// What becomes of that word or page: a bit of it is 1 if it was 1 and this says so.
    pub left: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlashError {
    PowerCut,
    Misuse(NorFlashErrorKind),
    /// A word was written twice without being erased.
    WrittenTwice,
}

impl NorFlashError for FlashError {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            Self::Misuse(kind) => *kind,
            _ => NorFlashErrorKind::Other,
        }
    }
}

impl<const PAGES: usize, const PAGE: usize, const WORD: usize> Flash<PAGES, PAGE, WORD> {
    pub fn new() -> Self {
        Self {
            bytes: vec![0xff; PAGES * PAGE],
            written: vec![false; PAGES * PAGE / WORD],
            erased: [0; PAGES],
            operations: 0,
            cut_at: None,
            left: 0xff,
        }
    }

    /// Counts an operation: whether power lasts.
    fn goes_on(&mut self) -> Result<bool, FlashError> {
        match self.cut_at {
            Some(cut_at) if self.operations > cut_at => Err(FlashError::PowerCut),
            cut_at => {
                self.operations += 1;
                Ok(cut_at.is_none_or(|cut_at| self.operations <= cut_at))
            }
        }
    }
}

impl<const PAGES: usize, const PAGE: usize, const WORD: usize> ErrorType
    for Flash<PAGES, PAGE, WORD>
{
    type Error = FlashError;
}

impl<const PAGES: usize, const PAGE: usize, const WORD: usize> ReadNorFlash
    for Flash<PAGES, PAGE, WORD>
{
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), FlashError> {
        check_read(self, offset, bytes.len()).map_err(FlashError::Misuse)?;
        bytes.copy_from_slice(&self.bytes[offset as usize..][..bytes.len()]);
        Ok(())
    }

    fn capacity(&self) -> usize {
        PAGES * PAGE
    }
}

impl<const PAGES: usize, const PAGE: usize, const WORD: usize> NorFlash
    for Flash<PAGES, PAGE, WORD>
{
    const WRITE_SIZE: usize = WORD;
    const ERASE_SIZE: usize = PAGE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), FlashError> {
        check_erase(self, from, to).map_err(FlashError::Misuse)?;
        for page in from as usize / PAGE..to as usize / PAGE {
            let goes_on = self.goes_on()?;
            self.erased[page] += 1;
            for byte in &mut self.bytes[page * PAGE..][..PAGE] {
                *byte = if goes_on { 0xff } else { *byte | self.left };
            }
            if !goes_on {
                return Err(FlashError::PowerCut);
            }
            self.written[page * PAGE / WORD..][..PAGE / WORD].fill(false);
        }
        Ok(())
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), FlashError> {
        check_write(self, offset, bytes.len()).map_err(FlashError::Misuse)?;
        for (word, at) in bytes.chunks_exact(WORD).zip((offset as usize..).step_by(WORD)) {
            if self.written[at / WORD] {
                return Err(FlashError::WrittenTwice);
            }
            let goes_on = self.goes_on()?;
            for (byte, new) in self.bytes[at..][..WORD].iter_mut().zip(word) {
                *byte &= if goes_on { *new } else { *new | self.left };
            }
            // A word in which no bit fell is as good as new.
            self.written[at / WORD] = self.bytes[at..][..WORD] != [0xff; WORD];
            if !goes_on {
                return Err(FlashError::PowerCut);
            }
        }
        Ok(())
    }
}
