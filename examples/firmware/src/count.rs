//! Counts instructions and stack.
//!
//! The counts are exact in QEMU with `-icount shift=0`, where every instruction takes a nanosecond,
//! so that SysTick counts instructions; a loop of known length calibrates the ticks.

use core::arch::asm;

use cortex_m::Peripherals;
use cortex_m::peripheral::SYST;
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m::register::msp;
use cortex_m_rt::STACK_PAINT_VALUE;

pub use crate::measured::{fill, weight};

/// SysTick counts down from here, and wraps around.
const LARGEST: u32 = 0x00FF_FFFF;

/// Ticks of the calls `0..times`.
#[inline(always)]
fn ticks(times: u32, mut f: impl FnMut(u32)) -> u32 {
    let start = SYST::get_current();
    for time in 0..times {
        f(time);
    }
    start.wrapping_sub(SYST::get_current()) & LARGEST
}

/// Instructions per thousand ticks, from a loop of a million instructions.
fn instructions_in_a_thousand_ticks() -> u32 {
    let ticks = ticks(1, |_| {
        // SAFETY: only counts a register of its own down.
        unsafe { asm!("1: subs {0}, #1", "bne 1b", inout(reg) 500_000_u32 => _) }
    });
    // Rounded to a quarter of an instruction per tick: clocks are whole numbers of MHz.
    (1_000_000_000 / ticks + 125) / 250 * 250
}

/// Bytes of stack that `f` takes, measured from here.
#[inline(always)]
pub fn stack(f: impl FnOnce()) -> u32 {
    unsafe extern "C" {
        static mut _stack_end: u32;
    }
    let top = msp::read();
    // In a large RAM, the last 512 KB suffice, less what this function may use below `top`.
    let end =
        (&raw const _stack_end as u32).max(top.saturating_sub(512 * 1024)).next_multiple_of(4);
    let free = (end..top).step_by(4);
    for address in free.clone() {
        // SAFETY: the memory between the statics and the stack pointer is free.
        unsafe { (address as *mut u32).write_volatile(STACK_PAINT_VALUE) };
    }
    f();
    // SAFETY: as above.
    let is_used =
        |&address: &u32| unsafe { (address as *const u32).read_volatile() } != STACK_PAINT_VALUE;
    free.clone().find(is_used).map_or(0, |lowest| top - lowest)
}

/// Instructions (mean of many calls) and stack of a function, without the call itself: `call` is
/// given the function, or an empty one with the same arguments, and the number of the call, to
/// choose an input; without a number, the input stays the same.
#[inline(always)]
pub fn count<F: Copy>(function: F, nothing: F, call: impl FnMut(F, Option<u32>)) -> (u32, u32) {
    count_by(16, function, nothing, call)
}

/// [`count`] by at least this many calls: SysTick wraps around after 600 million instructions.
#[inline(always)]
pub fn count_by<F: Copy>(
    least: u32,
    function: F,
    nothing: F,
    mut call: impl FnMut(F, Option<u32>),
) -> (u32, u32) {
    let rate = instructions_in_a_thousand_ticks();
    let once = ticks(1, |time| call(function, Some(time))).max(1);
    let times = (LARGEST / 8 / once).clamp(least, 1000);
    let all = ticks(times, |time| call(function, Some(time)))
        - ticks(times, |time| call(nothing, Some(time)));
    let instructions = (u64::from(all) * u64::from(rate) / 1000 + u64::from(times) / 2) as u32;
    let stack = stack(|| call(function, None)) - stack(|| call(nothing, None));
    (instructions / times, stack)
}

/// Starts SysTick.
pub fn start_counting() {
    let Some(Peripherals { mut SYST, .. }) = Peripherals::take() else { crate::exit(1) };
    SYST.set_reload(LARGEST);
    SYST.clear_current();
    SYST.set_clock_source(SystClkSource::Core);
    SYST.enable_counter();
}
