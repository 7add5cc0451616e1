//! Counts cycles and bytes of stack.

use core::hint::black_box;

use crate::chip::{self, GTCCR, TCCR1B, TCNT1H, TCNT1L, TIFR1};

/// CS11 of `TCCR1B`: the timer counts every eighth cycle.
const EVERY_8: u8 = 1 << 1;
/// PSRSYNC of `GTCCR`: the prescaler begins anew.
const BEGIN: u8 = 1;
/// TOV1 of `TIFR1`: the timer has begun again at 0. It is cleared by writing it.
const OVERFLOW: u8 = 1;

/// Starts the timer.
pub fn start_counting() {
    TCCR1B.write(EVERY_8);
}

/// The ticks of 8 cycles that `f` takes, up to 131,071.
#[inline(always)]
fn ticks(f: impl FnOnce()) -> u32 {
    TCNT1H.write(0);
    TCNT1L.write(0);
    TIFR1.write(OVERFLOW);
    GTCCR.write(BEGIN);
    f();
    let low = TCNT1L.read();
    let ticks = u16::from_le_bytes([low, TCNT1H.read()]);
    u32::from(ticks) + if TIFR1.read() & OVERFLOW == 0 { 0 } else { 1 << 16 }
}

/// Bytes of stack that `f` takes, measured from here.
#[inline(always)]
pub fn stack(f: impl FnOnce()) -> u32 {
    chip::paint();
    let top = chip::stack_pointer();
    f();
    // The stack pointer is that of the next free byte.
    (top + 1).wrapping_sub(chip::end_of_paint()) as u32
}

/// Cycles (the mean of 16 calls) and stack of a function, without the call itself: `call` is given the
/// function, or an empty one with the same arguments, and the number of the call, to choose an input; without
/// a number, the input stays the same.
#[inline(always)]
pub fn count<F: Copy>(function: F, nothing: F, mut call: impl FnMut(F, Option<u32>)) -> (u32, u32) {
    let (mut all, mut without) = (0, 0);
    for (f, sum) in [(function, &mut all), (nothing, &mut without)] {
        for time in 0..16 {
            *sum += ticks(|| call(black_box(f), Some(time)));
        }
    }
    let stack = stack(|| call(function, None)) - stack(|| call(nothing, None));
    ((all - without) * 8 / 16, stack)
}
