//! Shared code of the programs for the ATmega328P: its registers, a serial port, time and stack; and the
//! networks of the other firmware.
//!
//! No program has a panic handler, so none links if anything in it can panic.
#![no_std]
#![feature(asm_experimental_arch)]

mod chip;
pub mod count;
#[path = "../../src/measured.rs"]
pub mod measured;
#[path = "../../src/measuring.rs"]
pub mod measuring;
#[path = "../../src/reference.rs"]
#[allow(clippy::needless_range_loop, reason = "the loops that textbooks have")]
pub mod reference;
pub mod serial;
#[path = "../../src/small.rs"]
pub mod small;

pub use chip::exit;

// Without this line, the linker would not see what the crate defines.
use panic_never as _;
