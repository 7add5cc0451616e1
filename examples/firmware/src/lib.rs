//! Shared code of the firmware programs: start-up, output, the trained and the measured networks.
//!
//! Functions that use the library are `inline`, so that they are compiled in the program that calls
//! them. Otherwise, at opt-levels `s` and `z`, rustc would reuse generic code of the library and of
//! `core` that this crate has instantiated with the same types, and the figures of one program
//! would depend on the others.
#![no_std]

mod board;
#[cfg(feature = "measure")]
pub mod count;
pub mod course;
pub mod flash;
pub mod measured;
pub mod measuring;
pub mod models;
#[allow(clippy::needless_range_loop, reason = "the loops that textbooks have")]
pub mod reference;
pub mod small;
#[cfg(feature = "large")]
pub mod toycar;

pub use board::start;
pub use devices::{
    detector, mlperf, motions, personal, signals, training, transfer, vibration, vowels,
};

#[cfg(target_arch = "arm")]
pub use cortex_m_rt::entry;
#[cfg(target_arch = "riscv32")]
pub use riscv_rt::entry;

/// What the programs `anomaly` and `personalise`, and those that count their instructions, compute in.
#[cfg(not(feature = "fixed"))]
pub type NumberFormat = f32;
/// In fixed point, by the feature `fixed`.
#[cfg(feature = "fixed")]
pub type NumberFormat = gradlet::Fixed;

// Without these lines, the linker would not see what these crates define: the critical section, the
// global logger, the panic handler.
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

/// Resets the chip after the last log is out; RAM keeps its contents.
pub fn reset() -> ! {
    #[cfg(not(feature = "panic-never"))]
    defmt::flush();
    #[cfg(target_arch = "arm")]
    cortex_m::peripheral::SCB::sys_reset();
    #[cfg(target_arch = "riscv32")]
    {
        /// SiFive's test device, which ends or resets QEMU's `virt`.
        const TEST_DEVICE: *mut u32 = 0x10_0000 as *mut u32;
        const RESET: u32 = 0x7777;
        // SAFETY: this address belongs to that device only.
        unsafe { TEST_DEVICE.write_volatile(RESET) };
        loop {}
    }
}

/// Ends the program after its last log is out: QEMU and probe-rs exit with this code.
pub fn exit(code: i32) -> ! {
    #[cfg(not(feature = "panic-never"))]
    defmt::flush();
    semihosting::process::exit(code)
}

/// Resets the chip if there is more to do (`true`), otherwise ends the program; logs an error.
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
