//! Registers and memory of the ATmega328P: all that this package has of unsafe code, but for statics.
//!
//! Addresses and bits are those of its data sheet (Microchip DS40002061), section "Register Summary". The
//! ATmega1284P, which has the same core and more memory, has the same ones.

use core::arch::asm;

/// A register of one byte.
#[derive(Clone, Copy)]
pub(crate) struct Register(usize);

/// Status and control of the serial port.
pub(crate) const UCSR0A: Register = Register(0xC0);
pub(crate) const UCSR0B: Register = Register(0xC1);
/// Its baud rate.
pub(crate) const UBRR0L: Register = Register(0xC4);
/// The byte that it sends.
pub(crate) const UDR0: Register = Register(0xC6);
/// Flags of the timer of 16 bits.
pub(crate) const TIFR1: Register = Register(0x36);
/// The prescaler of all timers.
pub(crate) const GTCCR: Register = Register(0x43);
/// What the timer counts.
pub(crate) const TCCR1B: Register = Register(0x81);
/// Its number. Reading the low byte keeps the high one; writing the low one sets both.
pub(crate) const TCNT1L: Register = Register(0x84);
pub(crate) const TCNT1H: Register = Register(0x85);
const SPL: Register = Register(0x5D);
const SPH: Register = Register(0x5E);

impl Register {
    #[inline(always)]
    pub(crate) fn read(self) -> u8 {
        // SAFETY: only the constants above are made of this type: registers that can be read at any time.
        unsafe { (self.0 as *const u8).read_volatile() }
    }

    #[inline(always)]
    pub(crate) fn write(self, value: u8) {
        // SAFETY: as above, and what is written changes no memory: `SPL` and `SPH` are private.
        unsafe { (self.0 as *mut u8).write_volatile(value) }
    }
}

/// The address of the first free byte below all that is on the stack.
#[inline(always)]
pub(crate) fn stack_pointer() -> usize {
    usize::from(u16::from_le_bytes([SPL.read(), SPH.read()]))
}

/// What unused memory is painted with.
const PAINT: u8 = 0xA5;

/// The addresses of the memory between the statics and the stack.
#[inline(always)]
fn free() -> core::ops::Range<usize> {
    unsafe extern "C" {
        /// The end of the statics, by avr-libc's linker script.
        static __heap_start: u8;
    }
    (&raw const __heap_start) as usize..stack_pointer()
}

/// Paints all free memory.
#[inline(always)]
pub(crate) fn paint() {
    for address in free() {
        // SAFETY: nothing is there, as no interrupt comes, and what is inlined here has no frame of its own.
        unsafe { (address as *mut u8).write_volatile(PAINT) };
    }
}

/// The lowest address from which on there is something other than paint.
#[inline(always)]
pub(crate) fn end_of_paint() -> usize {
    let mut free = free();
    let end = free.end;
    // SAFETY: it is memory, of bytes that are read as they are.
    let is_used = |&address: &usize| unsafe { (address as *const u8).read_volatile() } != PAINT;
    free.find(is_used).unwrap_or(end)
}

/// Ends the program: simavr stops where the core sleeps and no interrupt can wake it.
pub fn exit() -> ! {
    loop {
        // SAFETY: turns interrupts off, which do not come anyway, and halts.
        unsafe { asm!("cli", "sleep") };
    }
}
