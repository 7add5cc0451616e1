//! The same, where the length of the packet is a bound.
use gradlet::flat::FitsIn;
use gradlet::prelude::*;

fn send<N: FitsIn<64>>(_: &N) {}

fn main() {
    send(&Mlp::<2, 8, 2>::ZERO);
}
