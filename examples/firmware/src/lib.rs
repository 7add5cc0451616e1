//! What the firmware binaries share: start-up, output, the trained and the measured networks.
//!
//! Functions that use the library are `inline`: they are compiled in the program that calls them. Otherwise,
//! at levels `s` and `z`, rustc would take what is generic in the library, and in `core`, from this crate
//! wherever the types are the same, and the figures of one program would depend on the others.
#![no_std]

mod board;
#[cfg(feature = "measure")]
pub mod count;
pub mod course;
pub mod flash;
pub mod measured;
pub mod models;
#[allow(clippy::needless_range_loop, reason = "the loops that textbooks have")]
pub mod reference;

pub use board::start;
pub use devices::{detector, personal, vibration};

#[cfg(target_arch = "arm")]
pub use cortex_m_rt::entry;
#[cfg(target_arch = "riscv32")]
pub use riscv_rt::entry;

// Without these lines the linker would not see what the crates define: how to turn interrupts off,
// where logs go, what happens in a panic.
#[cfg(target_arch = "arm")]
use cortex_m as _;
#[cfg(target_arch = "riscv32")]
use riscv as _;

#[cfg(feature = "panic-never")]
use panic_never as _;

#[cfg(all(not(feature = "panic-never"), feature = "rtt"))]
use defmt_rtt as _;
#[cfg(all(not(feature = "panic-never"), not(feature = "rtt")))]
use defmt_semihosting as _;

#[cfg(not(feature = "panic-never"))]
#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    defmt::error!("{}", defmt::Display2Format(info));
    exit(101)
}

/// Starts the program anew, after its last log is out; the memory stays as it is.
pub fn reset() -> ! {
    #[cfg(not(feature = "panic-never"))]
    defmt::flush();
    #[cfg(target_arch = "arm")]
    cortex_m::peripheral::SCB::sys_reset();
    #[cfg(target_arch = "riscv32")]
    {
        /// What ends or resets QEMU's `virt`: SiFive's test device.
        const TEST_DEVICE: *mut u32 = 0x10_0000 as *mut u32;
        const RESET: u32 = 0x7777;
        // SAFETY: there is this device, and nothing but it.
        unsafe { TEST_DEVICE.write_volatile(RESET) };
        loop {}
    }
}

/// Ends the program, after its last log is out: QEMU and probe-rs exit with this code.
pub fn exit(code: i32) -> ! {
    #[cfg(not(feature = "panic-never"))]
    defmt::flush();
    semihosting::process::exit(code)
}

/// Starts the program anew if there is more to do (`true`), ends it otherwise, and tells of an error.
pub fn reset_or_exit(result: Result<bool, impl core::fmt::Display>) -> ! {
    match result {
        Ok(true) => reset(),
        Ok(false) => exit(0),
        Err(error) => {
            defmt::error!("{}", defmt::Display2Format(&error));
            exit(1)
        }
    }
}
