//! Training examples and inferences per second: `cargo bench --bench speed`.
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
mod workloads;

use divan::Bencher;
use divan::counter::ItemsCount;
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
    net_2_2_2: workloads::worked(),
    net_2_1_2_batch_60: workloads::moons::<1>(),
    net_2_2_2_batch_60: workloads::moons::<2>(),
    net_2_4_2_batch_60: workloads::moons::<4>(),
    net_2_10_2_batch_60: workloads::moons::<10>(),
    net_2_20_2_batch_60: workloads::moons::<20>(),
    net_2_50_2_batch_60: workloads::moons::<50>(),
    net_64_32_10: workloads::digits(),
    net_64_32_10_batch_32: workloads::digits_in_batches(),
    net_784_128_10: workloads::images(),
    net_784_128_10_batch_32: workloads::images_in_batches(),
}
