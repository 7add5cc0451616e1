//! A number format of integers, as the author of another crate would write it: a network of whole numbers
//! trains through the public traits alone.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "tests may panic"
)]

use gradlet::{Activation, Element, Format, flat, prelude::*};

/// Weights with 26 fraction bits, of which the upper 16 bits are multiplied; values with 12.
struct Whole;

#[derive(Clone, Copy, Debug, PartialEq)]
struct Weight(i32);
#[derive(Clone, Copy, Debug, PartialEq)]
struct Value(i32);
/// Derivatives are whole numbers of `2^-bits`.
#[derive(Clone, Copy)]
struct Bits(i32);
#[derive(Clone, Copy)]
struct Step {
    factor: i32,
    shift: i32,
}

macro_rules! number {
    ($type:ident $bits:literal) => {
        impl Zero for $type {
            const ZERO: Self = Self(0);
        }
        impl Element for $type {
            type Bytes = [u8; 4];
            fn to_le_bytes(self) -> [u8; 4] {
                self.0.to_le_bytes()
            }
            fn from_le_bytes(bytes: [u8; 4]) -> Self {
                Self(i32::from_le_bytes(bytes))
            }
        }
        impl $type {
            #[allow(clippy::cast_possible_truncation, reason = "small numbers only")]
            fn new(value: f32) -> Self {
                Self((f64::from(value) * f64::from(1 << $bits)).round() as i32)
            }
            fn get(self) -> f64 {
                f64::from(self.0) / f64::from(1 << $bits)
            }
        }
    };
}
number!(Weight 26);
number!(Value 12);

impl Zero for Bits {
    const ZERO: Self = Self(0);
}

fn shift(value: i32, right: i32) -> i32 {
    if right >= 0 { value >> right.min(31) } else { value << (-right).min(15) }
}

impl Format for Whole {
    type Weight = Weight;
    type Value = Value;
    type Sum = i32;
    type Scale = Bits;
    type Real = f32;
    type Step = Step;
    type Descent = ();
    const FINGERPRINT: u32 = 0x0026_0012;
    const BIAS_INPUT: Value = Value(1 << 12);
    const STORED: Bits = Bits(26);

    fn empty() -> i32 {
        0
    }
    fn add_product(sum: i32, w: Weight, x: Value) -> i32 {
        sum.wrapping_add((w.0 >> 16).wrapping_mul(x.0))
    }
    fn add_bias(sum: i32, bias: Weight) -> Value {
        Value(sum.wrapping_add(bias.0 >> 4) >> 10)
    }
    fn add_back(sum: i32, w: Weight, d: i32) -> i32 {
        sum.wrapping_add((w.0 >> 16).wrapping_mul(d))
    }
    fn product(x: Value, d: i32) -> i32 {
        d.wrapping_mul(x.0) >> 12
    }
    fn product_scale(bits: Bits) -> Bits {
        bits
    }
    fn add(a: i32, b: i32) -> i32 {
        a.wrapping_add(b)
    }
    fn back_scale(Bits(bits): Bits) -> Bits {
        Bits(bits + 10)
    }
    /// The largest gets 12 bits.
    fn align(deltas: &mut [i32], _: usize, bits: &mut Bits) {
        let largest = deltas.iter().fold(0, |bits, d| bits | d.unsigned_abs());
        #[allow(clippy::cast_possible_wrap, reason = "32 at most")]
        let right = 20 - largest.leading_zeros() as i32;
        deltas.iter_mut().for_each(|d| *d = shift(*d, right));
        bits.0 -= right;
    }
    /// `factor * 2^-shift` is the rate, for the product of a derivative and a value.
    #[allow(clippy::cast_possible_truncation, reason = "128..=255")]
    fn step(rate: f32, Bits(bits): Bits) -> Step {
        let exponent = rate.log2().floor();
        let factor = (rate / (exponent - 7.0).exp2()) as i32;
        Step { factor, shift: bits - exponent as i32 + 12 - 26 }
    }
    fn scaled(d: i32, step: Step) -> i32 {
        d.wrapping_mul(step.factor) >> 7
    }
    fn learn(w: Weight, g: i32, x: Value, step: Step) -> Weight {
        Weight(w.0.wrapping_sub(shift(g.wrapping_mul(x.0), step.shift)))
    }
    fn descend(w: Weight, g: i32, step: Step, (): &mut ()) -> Weight {
        Self::learn(w, Self::scaled(g, step), Self::BIAS_INPUT, step)
    }
    /// No sample has a weight here.
    fn weigh(_: &mut [i32], _: &mut Bits, _: f32) {}
    fn add_gradient(sum: Weight, g: i32, Bits(bits): Bits) -> Weight {
        Weight(sum.0.saturating_add(shift(g, bits - 26)))
    }
    fn stored_one(gradient: Weight) -> i32 {
        gradient.0
    }
    #[allow(clippy::cast_possible_truncation, reason = "a value has 20 whole bits at most")]
    fn real(value: Value) -> f32 {
        value.get() as f32
    }
    fn errors(outputs: &[Value], targets: &[Value], deltas: &mut [i32], bits: &mut Bits) {
        for ((d, y), t) in deltas.iter_mut().zip(outputs).zip(targets) {
            *d = y.0 - t.0;
        }
        bits.0 = 12;
    }
    fn half_squared_error(outputs: &[Value], targets: &[Value]) -> f32 {
        let errors = outputs.iter().zip(targets).map(|(&y, &t)| Self::real(Value(y.0 - t.0)));
        errors.map(|e| 0.5 * e * e).sum()
    }
}

impl Activation<Whole> for Identity {
    type Kept<Y: gradlet::Shape<Element = Value>> = ();
    fn activate(_: &mut [Value]) {}
    fn backpropagate(_: &[Value], _: &[Value], _: &mut [i32], _: &mut Bits) {}
}

impl Activation<Whole> for Relu {
    type Kept<Y: gradlet::Shape<Element = Value>> = ();
    fn activate(values: &mut [Value]) {
        values.iter_mut().for_each(|value| value.0 = value.0.max(0));
    }
    fn backpropagate(outputs: &[Value], _: &[Value], deltas: &mut [i32], _: &mut Bits) {
        let off = outputs.iter().zip(deltas).filter(|(y, _)| y.0 == 0);
        off.for_each(|(_, d)| *d = 0);
    }
}

/// The function to be learned.
fn target([a, b]: [f32; 2]) -> f32 {
    0.75 * a.abs() - 0.5 * b
}

type Net = gradlet::net![Whole; 2 => 8 Relu => 1 Identity];

/// Random numbers from -1 to 1.
fn random() -> impl FnMut() -> f32 {
    let mut k = 12_345_u32;
    move || {
        k = k.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f32::from(u16::try_from(k >> 16).unwrap_or(0)) / 32_768.0 - 1.0
    }
}

fn net(random: &mut impl FnMut() -> f32) -> Net {
    let mut net = Net::ZERO;
    net.visit_mut(|_, weights| {
        weights.iter_mut().for_each(|w| *w = Weight::new(random()));
    });
    net
}

#[test]
fn network_of_whole_numbers_learns() {
    let mut random = random();
    let mut net = net(&mut random);
    let examples: Vec<_> = (0..64)
        .map(|_| {
            let x = [random(), random()];
            (x.map(Value::new), [Value::new(target(x))])
        })
        .collect();
    let mut trainer = Trainer::<Net, HalfSquaredError>::new();
    let before = trainer.mean_loss(&net, &examples);
    let sgd = Sgd { learning_rate: 0.05 };
    let report = trainer.fit(&mut net, &sgd, &examples, Stop::after(300));
    let after = trainer.mean_loss(&net, &examples);
    assert!(after < Some(1e-3) && before > Some(0.05), "{before:?} {after:?} {report:?}");
    let [y] = net.forward(&[Value::new(-0.5), Value::new(0.25)]);
    assert!((y.get() - 0.25).abs() < 0.06, "{y:?}");
}

#[test]
fn network_of_whole_numbers_goes_into_frames() {
    let sent = net(&mut random());
    let frame: [u8; flat::frame_bytes::<Net>()] = flat::to_frame(&sent).unwrap();
    let first = sent.first().weights()[0][0];
    assert!(first.get() != 0.0);
    assert_eq!(frame[4..8], first.0.to_le_bytes());
    let mut received = Net::ZERO;
    assert_eq!(flat::load_frame(&mut received, &frame), Ok(()));
    assert_eq!(received, sent);
}

#[cfg(feature = "embedded-storage-v0.3")]
#[test]
fn network_of_whole_numbers_is_kept() {
    use gradlet::store::Store;

    let (kept, mut loaded) = (net(&mut random()), Net::ZERO);
    let trainer = &mut Trainer::<Net, HalfSquaredError>::new();
    let mut store = Store::new(crate::flash::Flash::<2, 512, 4>::new(), 0..1024).unwrap();
    store.save_training(&kept, trainer).unwrap();
    assert_eq!(store.load_training(&mut loaded, trainer).unwrap().number, 1);
    assert_eq!(loaded, kept);
}
