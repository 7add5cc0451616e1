// A NOR flash in memory, as strict as real ones, whose power can be cut and which can fail.

use embedded_storage::nor_flash::{
    ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash, check_erase, check_read,
    check_write,
};

/// `PAGES` pages of `PAGE` bytes, written in words of `WORD` bytes, read in units of `READ`.
#[derive(Clone, Debug)]
pub struct Flash<const PAGES: usize, const PAGE: usize, const WORD: usize, const READ: usize = 1> {
    pub bytes: Vec<u8>,
    /// Words that may not be written before their page is erased, whatever they read.
    pub written: Vec<bool>,
    /// How often each page was erased.
    pub erased: [u32; PAGES],
    /// Words and pages changed so far.
    pub operations: u32,
    /// Words that were written though they did not read erased.
    pub overwritten: u32,
    /// The operation in which power is cut.
    pub cut_at: Option<u32>,
    /// What becomes of that word or page.
    pub left: Left,
    /// What an erased byte reads: 0xff or 0x00.
    pub blank: u8,
    /// Which words may be written twice.
    pub rewrites: Rewrites,
    /// What goes wrong while power lasts.
    pub fault: Fault,
    /// Of the generator for what is left.
    pub seed: u64,
    /// Reads so far.
    pub reads: u32,
    /// A read in which a bit, counted from its start, comes out wrong.
    pub wrong_read: Option<(u32, usize)>,
}

/// What a cut leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// Of each bit that was to change, one of so many 256ths does; and the word or page may not be
    /// written again, even if it now reads erased.
    Some(u16),
    /// As that, but with a share for each byte that is drawn from 0 to 256.
    Bytes,
    /// All but one bit change.
    AllButOne,
    /// All bits change, but that does not count: an erased page may not be written.
    Weak,
}

/// What happens to a word that is written again before it is erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rewrites {
    /// It is an error.
    Never,
    /// It is an error, unless all bits of the word are programmed.
    AllBits,
    /// Bits are programmed, none is erased, without an error.
    Any,
}

/// An operation that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    None,
    /// Of so many operations, one does half of its work and reports an error.
    Reported(u64),
    /// Of so many operations, one does half of its work and reports none.
    Silent(u64),
    /// This page can be neither written nor erased, and reports that.
    DeadPage(usize),
    /// This page can be neither written nor erased, and does not report that.
    StuckPage(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlashError {
    PowerCut,
    Misuse(NorFlashErrorKind),
    /// A word was written twice without being erased.
    WrittenTwice,
    /// A part of the flash is broken.
    Broken,
}

impl NorFlashError for FlashError {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            Self::Misuse(kind) => *kind,
            _ => NorFlashErrorKind::Other,
        }
    }
}

/// How an operation goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Course {
    Well,
    /// As far as `Left` says, then this error, if it is reported.
    Badly(Left, Option<FlashError>),
    /// Not at all.
    Nothing(Option<FlashError>),
}

impl<const PAGES: usize, const PAGE: usize, const WORD: usize, const READ: usize>
    Flash<PAGES, PAGE, WORD, READ>
{
    /// Erased, and without faults.
    pub fn new() -> Self {
        Self::erased_to(0xff)
    }

    /// Erased bytes read so.
    pub fn erased_to(blank: u8) -> Self {
        Self {
            bytes: vec![blank; PAGES * PAGE],
            written: vec![false; PAGES * PAGE / WORD],
            erased: [0; PAGES],
            operations: 0,
            overwritten: 0,
            cut_at: None,
            left: Left::Bytes,
            blank,
            rewrites: Rewrites::Never,
            fault: Fault::None,
            seed: 1,
            reads: 0,
            wrong_read: None,
        }
    }

    /// Any number: xorshift64*.
    pub fn random(&mut self) -> u64 {
        self.seed ^= self.seed >> 12;
        self.seed ^= self.seed << 25;
        self.seed ^= self.seed >> 27;
        self.seed.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    /// Counts an operation on a page, and says how it goes.
    fn course(&mut self, page: usize) -> Course {
        if self.cut_at.is_some_and(|cut_at| self.operations > cut_at) {
            return Course::Nothing(Some(FlashError::PowerCut));
        }
        self.operations += 1;
        if self.cut_at.is_some_and(|cut_at| self.operations > cut_at) {
            return Course::Badly(self.left, Some(FlashError::PowerCut));
        }
        let fault = self.fault;
        match fault {
            Fault::Reported(of) if self.random() % of == 0 => {
                Course::Badly(Left::Bytes, Some(FlashError::Broken))
            }
            Fault::Silent(of) if self.random() % of == 0 => {
                Course::Badly(Left::Bytes, None)
            }
            Fault::DeadPage(dead) if dead == page => Course::Nothing(Some(FlashError::Broken)),
            Fault::StuckPage(stuck) if stuck == page => Course::Nothing(None),
            _ => Course::Well,
        }
    }

    /// Changes bits that have another value in `new`, as far as `left` says.
    fn change(&mut self, at: usize, new: &[u8], left: Left) {
        let bits = |old: u8, new: u8| (0..8).filter(move |bit| (old ^ new) >> bit & 1 == 1);
        let pairs = self.bytes[at..].iter().zip(new);
        let changes: usize = pairs.map(|(&old, &new)| bits(old, new).count()).sum();
        let spared = (changes > 0).then(|| self.random() as usize % changes);
        let mut count = 0;
        for (at, &new) in (at..).zip(new) {
            let old = self.bytes[at];
            let share = match left {
                Left::Some(share) => u64::from(share),
                Left::Bytes => [0, 1, 16, 128, 240, 255, 256][self.random() as usize % 7],
                Left::AllButOne | Left::Weak => 256,
            };
            for bit in bits(old, new) {
                let changes = match share {
                    0 => false,
                    256 => true,
                    share => self.random() % 256 < share,
                };
                if changes && !(left == Left::AllButOne && Some(count) == spared) {
                    self.bytes[at] ^= 1 << bit;
                }
                count += 1;
            }
        }
    }
}

impl<const PAGES: usize, const PAGE: usize, const WORD: usize, const READ: usize> ErrorType
    for Flash<PAGES, PAGE, WORD, READ>
{
    type Error = FlashError;
}

impl<const PAGES: usize, const PAGE: usize, const WORD: usize, const READ: usize> ReadNorFlash
    for Flash<PAGES, PAGE, WORD, READ>
{
    const READ_SIZE: usize = READ;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), FlashError> {
        check_read(self, offset, bytes.len()).map_err(FlashError::Misuse)?;
        bytes.copy_from_slice(&self.bytes[offset as usize..][..bytes.len()]);
        self.reads += 1;
        if let Some((_, bit)) = self.wrong_read.filter(|&(read, _)| read == self.reads) {
            bytes[bit / 8 % bytes.len()] ^= 1 << (bit % 8);
        }
        Ok(())
    }

    fn capacity(&self) -> usize {
        PAGES * PAGE
    }
}

impl<const PAGES: usize, const PAGE: usize, const WORD: usize, const READ: usize> NorFlash
    for Flash<PAGES, PAGE, WORD, READ>
{
    const WRITE_SIZE: usize = WORD;
    const ERASE_SIZE: usize = PAGE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), FlashError> {
        check_erase(self, from, to).map_err(FlashError::Misuse)?;
        for page in from as usize / PAGE..to as usize / PAGE {
            let (course, words) = (self.course(page), page * PAGE / WORD..(page + 1) * PAGE / WORD);
            let blank = [self.blank; PAGE];
            match course {
                Course::Well => {
                    self.bytes[page * PAGE..][..PAGE].fill(self.blank);
                    self.written[words].fill(false);
                }
                Course::Badly(left, _) => {
                    self.change(page * PAGE, &blank, left);
                    self.written[words].fill(true);
                }
                Course::Nothing(_) => {}
            }
            if !matches!(course, Course::Nothing(_)) {
                self.erased[page] += 1;
            }
            if let Course::Badly(_, Some(error)) | Course::Nothing(Some(error)) = course {
                return Err(error);
            }
        }
        Ok(())
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), FlashError> {
        check_write(self, offset, bytes.len()).map_err(FlashError::Misuse)?;
        for (word, at) in bytes.chunks_exact(WORD).zip((offset as usize..).step_by(WORD)) {
            if self.bytes[at..][..WORD] != [self.blank; WORD] {
                self.overwritten += 1;
            }
            let all_bits = word.iter().all(|&byte| byte == !self.blank);
            let may = match self.rewrites {
                Rewrites::Never => false,
                Rewrites::AllBits => all_bits,
                Rewrites::Any => true,
            };
            if self.written[at / WORD] && !may {
                return Err(FlashError::WrittenTwice);
            }
            // Programmed bits stay.
            let old = &self.bytes[at..][..WORD];
            let join = |(&old, &new): (&u8, &u8)| match self.blank {
                0xff => old & new,
                _ => old | new,
            };
            let new: Vec<_> = old.iter().zip(word).map(join).collect();
            let course = self.course(at / PAGE);
            match course {
                Course::Well => self.bytes[at..][..WORD].copy_from_slice(&new),
                Course::Badly(left, _) => self.change(at, &new, left),
                Course::Nothing(_) => {}
            }
            // A word in which no bit was to change is as good as new.
            if !matches!(course, Course::Nothing(_)) && new != [self.blank; WORD] {
                self.written[at / WORD] = true;
            }
            if let Course::Badly(_, Some(error)) | Course::Nothing(Some(error)) = course {
                return Err(error);
            }
        }
        Ok(())
    }
}
