//! A generator that implements another version of `rand_core`.
use gradlet::prelude::*;

mod rand_core_of_a_hal {
    pub trait RngCore {
        fn next_u32(&mut self) -> u32;
    }
}

struct Oscillator;

impl rand_core_of_a_hal::RngCore for Oscillator {
    fn next_u32(&mut self) -> u32 {
        4
    }
}

fn main() {
    let mut net = Mlp::<2, 4, 1>::ZERO;
    gradlet::init::xavier_uniform(&mut net, &mut Oscillator);
}
