//! The loops of all orders of weights, those of other hardware too, against plain loops.

extern crate std;

use std::vec;
use std::vec::Vec;

use super::kernel::{Aligned, Bytes, Order, Parts, Unit};
use super::multiplier::{Bounds, Exact, Multiplier, Rounding};
use crate::kernel::geometry::{Axis, Windows};

const ORDERS: [Order; 6] =
    [Order::Rows, Order::Pairs, Order::Fours, Order::Words, Order::Columns, Order::Taps];

impl Bytes for Vec<u8> {
    fn bytes(&self) -> &[u8] {
        self
    }
}

/// Random numbers that are the same on every run: `SplitMix64`.
struct Random(u64);

impl Random {
    fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn up_to(&mut self, most: usize) -> usize {
        1 + (self.word() >> 33) as usize % most
    }

    /// An axis whose sizes fit.
    fn axis(&mut self) -> Axis {
        loop {
            let axis = Axis {
                input: self.up_to(9),
                kernel: self.up_to(4),
                output: self.up_to(6),
                step: self.up_to(3),
                padding: self.up_to(4) - 1,
                dilation: self.up_to(2),
            };
            if axis.is_valid() {
                return axis;
            }
        }
    }

    fn int8(&mut self, count: usize) -> Vec<i8> {
        (0..count).map(|_| self.word() as i8).collect()
    }
}

/// The place in the input of a tap, if it is inside.
fn place(axis: Axis, position: usize, tap: usize) -> Option<usize> {
    let place = (position * axis.step + tap * axis.dilation).checked_sub(axis.padding)?;
    (place < axis.input).then_some(place)
}

/// Compares all orders that go with these windows.
fn check(random: &mut Random, windows: Windows, outputs: usize) {
    let Windows { rows, columns, channels, group } = windows;
    let inputs = rows.kernel * columns.kernel * group;
    let x = random.int8(rows.input * columns.input * channels);
    let (weights, zero_point) = (random.int8(outputs * inputs), random.word() as i8);
    let weights: Vec<i8> = weights.into_iter().map(|w| w.max(-127)).collect();
    let units: Vec<_> = (0..outputs)
        .map(|_| Unit {
            bias: random.word() as i32 >> 16,
            by: Multiplier::new(random.up_to(4000) as f64 * 1e-6, Exact::BITS),
        })
        .collect();
    let bounds = Bounds { zero_point: -5, min: -120, max: 126 };

    let mut want = vec![];
    for row in 0..rows.output {
        for column in 0..columns.output {
            for o in 0..outputs {
                let first = o / (outputs / (channels / group)) * group;
                let mut sum = units[o].bias;
                for i in 0..inputs {
                    let (tap, c) = (i / group, i % group);
                    let at = place(rows, row, tap / columns.kernel);
                    let at = at.zip(place(columns, column, tap % columns.kernel));
                    let x = at.map_or(zero_point, |(row, column)| {
                        x[(row * columns.input + column) * channels + first + c]
                    });
                    sum += i32::from(weights[o * inputs + i]) * i32::from(x);
                }
                want.push((Exact::multiply_convolved(sum, units[o].by) - 5).clamp(-120, 126) as i8);
            }
        }
    }

    let is_depthwise = group == 1 && channels == outputs && channels > 1;
    for order in ORDERS {
        if (order == Order::Taps) != is_depthwise
            || order != Order::Rows && group < channels && !is_depthwise
        {
            continue;
        }
        let mut packed = vec![0; weights.len()];
        for o in 0..outputs {
            for i in 0..inputs {
                packed[order.place((outputs, inputs), o, i)] =
                    order.encode(outputs, o, weights[o * inputs + i]);
            }
        }
        let parts =
            Parts { weights: &Aligned(packed), units: &units, bounds, zero_point, convolves: true };
        let mut got = vec![99; want.len()];
        parts.run::<Exact>(
            order,
            windows,
            &x,
            &mut got,
            &mut vec![99; inputs],
            &mut vec![99; outputs],
        );
        assert_eq!(got, want, "{order:?} {windows:?} {outputs}");
    }
}

#[test]
fn every_order_computes_the_same() {
    let random = &mut Random(1);
    for _ in 0..1500 {
        let (rows, columns) = match random.up_to(3) {
            1 => (Axis::ONE, random.axis()),
            _ => (random.axis(), random.axis()),
        };
        let groups = random.up_to(3);
        let group = random.up_to(3);
        let (channels, outputs) = (groups * group, groups * random.up_to(5));
        check(random, Windows { rows, columns, channels, group }, outputs);
    }
    // Dense layers.
    for inputs in (1..40).chain([255, 256, 257, 300, 600]) {
        for outputs in [1, 2, 3, 4, 5, 7, 8, 9, 12, 13, 16, 18] {
            let windows =
                Windows { rows: Axis::ONE, columns: Axis::ONE, channels: inputs, group: inputs };
            check(random, windows, outputs);
        }
    }
}

/// The largest sums that there are.
#[test]
fn extreme_numbers_do_not_overflow() {
    for (x, w) in [(-128, -127), (-128, 127), (127, 127), (127, -127)] {
        let windows = Windows { rows: Axis::ONE, columns: Axis::ONE, channels: 4000, group: 4000 };
        let want = 4000 * x * w;
        for order in ORDERS {
            if order == Order::Taps {
                continue;
            }
            let mut weights = vec![0; 4000 * 15];
            for o in 0..15 {
                for i in 0..4000 {
                    weights[order.place((15, 4000), o, i)] = order.encode(15, o, w as i8);
                }
            }
            let parts = Parts {
                weights: &Aligned(weights),
                // A 2^20th.
                units: &[Unit { bias: 0, by: Multiplier::new(1.0 / 1_048_576.0, Exact::BITS) }; 15],
                bounds: Bounds { zero_point: 0, min: -128, max: 127 },
                zero_point: 0,
                convolves: false,
            };
            let mut y = [0; 15];
            let x = vec![x as i8; 4000];
            parts.run::<Exact>(order, windows, &x, &mut y, &mut vec![0; 4000], &mut [0; 15]);
            assert_eq!(y, [((want + (1 << 19)) >> 20) as i8; 15]);
        }
    }
}
