//! Counts the instructions and the stack of fixed-point networks.
#![no_std]
#![no_main]

use gradlet::{Q10, prelude::*};
use gradlet_firmware::count::start_counting;
use gradlet_firmware::fixed_cost;

macro_rules! say {
    ($name:literal, $inference:expr, $step:expr, $its_stack:expr, $stack:expr, $bytes:expr) => {
        defmt::println!(
            "{=str}: {=u32} {=u32} instructions, {=u32} {=u32} bytes of stack, {=usize} bytes",
            $name,
            $inference,
            $step,
            $its_stack,
            $stack,
            $bytes
        )
    };
}

#[gradlet_firmware::entry]
fn main() -> ! {
    gradlet_firmware::start();
    start_counting();
    fixed_cost!(say: "2-2-2", net![Fixed; 2 => 2 Sigmoid => 2 Sigmoid]);
    fixed_cost!(say: "16-16-4", net![Fixed; 16 => 16 Sigmoid => 4 Sigmoid]);
    fixed_cost!(say: "64-32-10", net![Fixed; 64 => 32 Sigmoid => 10 Sigmoid]);
    fixed_cost!(say: "64-32-10, 16-bit weights", net![Fixed<Q10>; 64 => 32 Sigmoid => 10 Sigmoid]);
    type Small = net![Fixed; 8 => 8 Sigmoid => 4 Sigmoid];
    fixed_cost!(say: "8-8-4", Small);
    fixed_cost!(say: "8-8-4, Momentum", Small, Momentum<Q32>, |rate| Momentum::new(rate, Q32::new(0.9)));
    fixed_cost!(say: "8-8-4, RmsProp", Small, RmsProp<Q32>, RmsProp::new);
    fixed_cost!(say: "8-8-4, Adam", Small, Adam<Q32>, Adam::new);
    fixed_cost!(
        say: "activity",
        net![
            Fixed; 128 x 6 => Conv1d(16, 5, step 2) Relu => MaxPool(2) => Conv1d(32, 3) Relu => GlobalMean
            => 6 Sigmoid
        ]
    );
    gradlet_firmware::exit(0)
}
