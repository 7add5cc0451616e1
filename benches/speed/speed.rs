//! Training examples and inferences per second: `cargo bench -p speed`.
//!
//! `benches/peers` compares them with other libraries, C and loops written by hand.

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::arithmetic_side_effects,
    unreachable_pub,
    dead_code,
    reason = "`benches/peers` uses this module too"
)]
#[path = "../workloads/mod.rs"]
mod workloads;

use divan::Bencher;
use divan::counter::ItemsCount;
use gradlet::{Sigmoid, Softmax, Tanh, fast};
use workloads::Work;

fn main() {
    divan::main();
}

macro_rules! workloads {
    ($($name:ident: $work:expr),+ $(,)?) => {
        /// One epoch.
        mod training {
            use super::*;
            $(#[divan::bench]
            fn $name(bencher: Bencher<'_, '_>) {
                let mut work = $work;
                let count = ItemsCount::new(work.len());
                bencher.counter(count).bench_local(|| work.epoch());
            })+
        }

        /// One inference for each example.
        mod inference {
            use super::*;
            $(#[divan::bench]
            fn $name(bencher: Bencher<'_, '_>) {
                let work = $work;
                let count = ItemsCount::new(work.len());
                bencher.counter(count).bench_local(|| work.inferences());
            })+
        }
    };
}

workloads! {
    net_2_2_2: workloads::worked::<Sigmoid>(),
    net_2_2_2_fast: workloads::worked::<fast::Sigmoid>(),
    net_2_1_2_batch_60: workloads::moons::<1, Tanh, Sigmoid>(),
    net_2_1_2_batch_60_fast: workloads::moons::<1, fast::Tanh, fast::Sigmoid>(),
    net_2_2_2_batch_60: workloads::moons::<2, Tanh, Sigmoid>(),
    net_2_2_2_batch_60_fast: workloads::moons::<2, fast::Tanh, fast::Sigmoid>(),
    net_2_4_2_batch_60: workloads::moons::<4, Tanh, Sigmoid>(),
    net_2_4_2_batch_60_fast: workloads::moons::<4, fast::Tanh, fast::Sigmoid>(),
    net_2_10_2_batch_60: workloads::moons::<10, Tanh, Sigmoid>(),
    net_2_10_2_batch_60_fast: workloads::moons::<10, fast::Tanh, fast::Sigmoid>(),
    net_2_20_2_batch_60: workloads::moons::<20, Tanh, Sigmoid>(),
    net_2_20_2_batch_60_fast: workloads::moons::<20, fast::Tanh, fast::Sigmoid>(),
    net_2_50_2_batch_60: workloads::moons::<50, Tanh, Sigmoid>(),
    net_2_50_2_batch_60_fast: workloads::moons::<50, fast::Tanh, fast::Sigmoid>(),
    net_64_32_10: workloads::digits::<Sigmoid>(),
    net_64_32_10_fast: workloads::digits::<fast::Sigmoid>(),
    net_64_32_10_batch_32: workloads::digits_in_batches::<Sigmoid>(),
    net_64_32_10_batch_32_fast: workloads::digits_in_batches::<fast::Sigmoid>(),
    net_784_128_10: workloads::images::<Softmax>(),
    net_784_128_10_batch_32: workloads::images_in_batches::<Softmax>(),
}
