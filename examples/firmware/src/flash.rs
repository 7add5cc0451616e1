//! Flash simulated in RAM, for every core: a reset does not change it.
//!
//! It takes the place of the chip's flash, for which the crates for most chips have a driver.
//! Unlike flash, it loses its contents when the power fails.

use core::cell::{Cell, UnsafeCell};
use core::mem::MaybeUninit;

use critical_section::Mutex;
use embedded_storage::nor_flash::{
    ErrorType, NorFlash, NorFlashErrorKind, ReadNorFlash, check_erase, check_read, check_write,
};

const PAGES: usize = 8;
const PAGE: usize = 1024;

/// Size in bytes.
pub const BYTES: u32 = (PAGES * PAGE) as u32;

struct Memory(UnsafeCell<MaybeUninit<[u32; PAGES * PAGE / 4]>>);

// SAFETY: only the single `Flash` reads and writes it.
unsafe impl Sync for Memory {}

// SAFETY: this section is neither loaded nor cleared at start-up, as uninitialised memory may be.
#[unsafe(link_section = ".uninit.flash")]
static MEMORY: Memory = Memory(UnsafeCell::new(MaybeUninit::uninit()));

static TAKEN: Mutex<Cell<bool>> = Mutex::new(Cell::new(false));

/// Eight pages of 1,024 bytes, in words of 4. The initial contents are arbitrary, as in flash that
/// was never erased.
#[derive(Debug)]
pub struct Flash(());

impl Flash {
    /// The flash, for the first caller only.
    pub fn take() -> Option<Self> {
        critical_section::with(|cs| !TAKEN.borrow(cs).replace(true)).then_some(Self(()))
    }

    fn word(&mut self, offset: usize) -> *mut u32 {
        MEMORY.0.get().cast::<u32>().wrapping_add(offset / 4)
    }
}

impl ErrorType for Flash {
    type Error = NorFlashErrorKind;
}

impl ReadNorFlash for Flash {
    const READ_SIZE: usize = 4;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), NorFlashErrorKind> {
        check_read(self, offset, bytes.len())?;
        for (bytes, offset) in bytes.chunks_exact_mut(4).zip((offset as usize..).step_by(4)) {
            // SAFETY: within the memory, as checked. Any bits are a valid `u32`, and volatile reads
            // take them as they are.
            bytes.copy_from_slice(&unsafe { self.word(offset).read_volatile() }.to_le_bytes());
        }
        Ok(())
    }

    fn capacity(&self) -> usize {
        BYTES as usize
    }
}

impl NorFlash for Flash {
    const WRITE_SIZE: usize = 4;
    const ERASE_SIZE: usize = PAGE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), NorFlashErrorKind> {
        check_erase(self, from, to)?;
        for offset in (from as usize..to as usize).step_by(4) {
            // SAFETY: within the memory, as checked.
            unsafe { self.word(offset).write_volatile(u32::MAX) };
        }
        Ok(())
    }

    /// Only clears bits, from 1 to 0.
    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), NorFlashErrorKind> {
        check_write(self, offset, bytes.len())?;
        for (bytes, offset) in bytes.chunks_exact(4).zip((offset as usize..).step_by(4)) {
            let new = bytes.try_into().map_or(u32::MAX, u32::from_le_bytes);
            // SAFETY: within the memory, as checked.
            unsafe { self.word(offset).write_volatile(self.word(offset).read_volatile() & new) };
        }
        Ok(())
    }
}
