//! What the firmware binaries share: start-up, output, the measured networks.
#![no_std]

pub mod models;
pub mod reference;

#[cfg(target_arch = "arm")]
pub use cortex_m_rt::entry;
#[cfg(target_arch = "riscv32")]
pub use riscv_rt::entry;

#[cfg(target_arch = "arm")]
use cortex_m as _;
#[cfg(target_arch = "riscv32")]
use riscv as _;

#[cfg(feature = "panic-never")]
use panic_never as _;
#[cfg(not(feature = "panic-never"))]
use defmt_semihosting as _;

#[cfg(not(feature = "panic-never"))]
#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    defmt::error!("{}", defmt::Display2Format(info));
    exit(101)
}

#[cfg(not(feature = "panic-never"))]
/// Ends the program: QEMU and probe-rs exit with this code.
pub fn exit(code: i32) -> ! {
    semihosting::process::exit(code)
}
