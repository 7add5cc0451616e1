//! SYNTHETIC vibration of a pump with rolling bearings: generated for this example, not measured.
//!
//! It simulates what makes real signals difficult. Speed and load drift, and the vibration level
//! varies with them far more than with a small fault. The foundation resonates at some speeds. No
//! two machines are alike: each seed is a different machine. Faults have the signatures described
//! in the literature, but their size, and that of everything else, is chosen, not measured: the
//! performance of a detector here says nothing about its performance on a real machine.
//!
//! Three axes in g: `x` across the shaft, `y` upwards, including gravity, `z` along the shaft. All
//! sums, products, quotients and square roots have a fixed order, and the occasional sine is from
//! libm, so results are bit-identical on every target.

use core::f32::consts::PI;

use rand_pcg::Pcg32;
use rand_pcg::rand_core::{Rng, SeedableRng};

/// Samples per second.
pub const SAMPLE_RATE: f32 = 1600.0;
/// Minimum and maximum speed of the shaft, in revolutions per second.
pub const SPEED: [f32; 2] = [15.0, 50.0];

/// Number of balls: a 6205 deep groove ball bearing.
const BALLS: f32 = 9.0;
/// Ball diameter divided by pitch diameter (that of the circle through the ball centres), in mm.
const RATIO: f32 = 7.94 / 39.04;
/// Ball passes over a point of the outer race per revolution, `n / 2 (1 - d / D cos phi)`, with the
/// contact angle `phi = 0`: Randall, Antoni, Rolling element bearing diagnostics - a tutorial,
/// Mechanical Systems and Signal Processing 25 (2011), equation 1.
pub const OUTER_RACE: f32 = BALLS / 2.0 * (1.0 - RATIO);
/// Ball passes over a point of the inner race per revolution, `n / 2 (1 + d / D cos phi)`:
/// equation 2.
pub const INNER_RACE: f32 = BALLS / 2.0 * (1.0 + RATIO);
/// The balls slip, so the time between impulses varies by up to this fraction: 1 % to 2 %, as in
/// that paper.
const SLIP: f32 = 0.015;
/// Frequency of the resonance that the impulses excite, in Hz.
pub const RESONANCE: f32 = 560.0;
/// Damping ratio: the ringing decays to 1 / e in 5.7 ms.
const DAMPING: f32 = 0.05;

/// Samples per block, 20 ms: speed and amplitudes are computed once per block.
const BLOCK: u32 = 32;
/// Blocks between new set points of speed and load: every 0.8 s.
const GOAL: u32 = 40;
/// Fraction of the distance to the set point that is covered in a block.
const PACE: f32 = 0.08;

/// A fault of the machine. Each has a severity: 0 is none, 1 is obvious in a spectrum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A pit in the outer race: each ball that passes it makes the housing ring, with 0.2 g at a
    /// severity of 1 and the maximum speed.
    OuterRace,
    /// A pit in the inner race. It rotates with the shaft through the loaded zone, so the ringing
    /// swells and fades once per revolution.
    InnerRace,
    /// The rotor's centre of mass is off its axis: a force across the shaft, once per revolution,
    /// proportional to the square of the speed. A severity of 1 doubles that of an average machine.
    Imbalance,
    /// A foot is loose, so the vibration repeats only every two revolutions: it contains 1/2, 3/2
    /// and 5/2 of the shaft's frequency.
    Looseness,
}

impl Fault {
    /// All faults.
    pub const ALL: [Self; 4] = [Self::OuterRace, Self::InnerRace, Self::Imbalance, Self::Looseness];

    /// Name of the fault.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OuterRace => "outer race",
            Self::InnerRace => "inner race",
            Self::Imbalance => "imbalance",
            Self::Looseness => "looseness",
        }
    }
}

/// The vibration of a running machine: an endless stream of samples.
#[derive(Clone, Debug)]
pub struct Vibration {
    rng: Pcg32,
    machine: Machine,
    fault: Option<(Fault, f32)>,
    /// Revolutions per second, and their set point.
    speed: [f32; 2],
    /// Load, from 0 (none) to 1 (full), and its set point.
    load: [f32; 2],
    /// Samples so far in this block, and blocks since the last set point.
    samples: u32,
    blocks: u32,
    /// Half the angle of the shaft, and its increment per sample.
    half_angle: Turn,
    half_step: Turn,
    amplitudes: Amplitudes,
    /// Phase of a ball on its way to the pit: the last one was there at 0, this one will be at
    /// about 1.
    way: f32,
    way_end: f32,
    /// The last two values of the resonance.
    ringing: [f32; 2],
}

/// The individual properties of a machine.
#[derive(Clone, Debug)]
struct Machine {
    /// Factors around 1, for the first three harmonics of the speed, the blades and the noise.
    factors: [f32; 5],
    /// Speeds at which the foundation resonates along `x` and `y`.
    foundation: [f32; 2],
    /// `2 r cos w` and `r^2` of the poles of the resonance that impulses excite.
    poles: [f32; 2],
}

/// Amplitudes in g, at the speed and load of this block.
#[derive(Clone, Debug, Default)]
struct Amplitudes {
    once: f32,
    twice: f32,
    thrice: f32,
    blades: f32,
    noise: f32,
    /// Gain of the foundation along `x` and `y`, at the shaft's speed.
    sway: [f32; 2],
    /// Square of the speed, relative to its maximum: inertial forces are proportional to it.
    inertia: f32,
}

impl Vibration {
    /// A healthy machine with this seed.
    #[must_use]
    #[inline]
    pub fn new(number: u64) -> Self {
        let mut rng = Pcg32::seed_from_u64(number);
        let factors = [(); 5].map(|()| uniform(&mut rng, 0.7, 1.3));
        let foundation = [uniform(&mut rng, 26.0, 30.0), uniform(&mut rng, 38.0, 44.0)];
        let angle = 2.0 * PI * RESONANCE / SAMPLE_RATE;
        let radius = libm::expf(-DAMPING * angle);
        let poles = [2.0 * radius * libm::cosf(angle), radius * radius];
        Self {
            rng,
            machine: Machine { factors, foundation, poles },
            fault: None,
            speed: [30.0; 2],
            load: [0.5; 2],
            samples: 0,
            blocks: 0,
            half_angle: Turn::NONE,
            half_step: Turn::NONE,
            amplitudes: Amplitudes::default(),
            way: 0.0,
            way_end: 1.0,
            ringing: [0.0; 2],
        }
    }

    /// Introduces a fault of a severity from 0 to 1 at the next sample, or repairs the machine.
    #[inline]
    pub fn set_fault(&mut self, fault: Option<(Fault, f32)>) {
        self.fault = fault;
    }

    /// Revolutions of the shaft per second.
    #[must_use]
    pub const fn speed(&self) -> f32 {
        let [now, _] = self.speed;
        now
    }

    /// The next sample.
    #[inline]
    pub fn sample(&mut self) -> [f32; 3] {
        if self.samples == 0 {
            self.begin_block();
        }
        self.samples = if self.samples < BLOCK - 1 { self.samples.wrapping_add(1) } else { 0 };
        self.half_angle = self.half_angle.plus(&self.half_step);
        let force = self.force();
        let [x, y, z] = self.periodic();
        let [one, two] = self.ringing;
        let [a, b] = self.machine.poles;
        let ringing = a * one - b * two + force;
        self.ringing = [ringing, one];
        let [noise_x, noise_y, noise_z] =
            [(); 3].map(|()| self.amplitudes.noise * normal(&mut self.rng));
        [
            x + 0.5 * ringing + noise_x,
            1.0 + y + ringing + noise_y,
            z + 0.3 * ringing + 0.6 * noise_z,
        ]
    }

    /// Lets speed and load drift, and computes the amplitudes that depend on them.
    #[inline]
    fn begin_block(&mut self) {
        if self.blocks == 0 {
            let [least, greatest] = SPEED;
            self.speed[1] = uniform(&mut self.rng, least, greatest);
            self.load[1] = uniform(&mut self.rng, 0.0, 1.0);
        }
        self.blocks = if self.blocks < GOAL - 1 { self.blocks.wrapping_add(1) } else { 0 };
        for [now, goal] in [&mut self.speed, &mut self.load] {
            *now += PACE * (*goal - *now);
        }
        let ([speed, _], [load, _], [_, greatest]) = (self.speed, self.load, SPEED);
        self.half_step = Turn::by(PI * speed / SAMPLE_RATE);
        self.half_angle = self.half_angle.normalized();
        let inertia = speed * speed / (greatest * greatest);
        let [once, twice, thrice, blades, noise] = self.machine.factors;
        self.amplitudes = Amplitudes {
            once: 0.12 * once * inertia,
            twice: 0.10 * twice * inertia,
            thrice: 0.06 * thrice * inertia,
            blades: 0.12 * blades * inertia * (0.2 + load),
            noise: noise * (0.01 + 0.06 * inertia * (0.25 + 0.75 * load)),
            sway: self.machine.foundation.map(|resonance| amplification(speed / resonance)),
            inertia,
        };
    }

    /// Vibration of the shaft, its blades and a loose foot, without noise and bearings.
    #[inline]
    fn periodic(&self) -> [f32; 3] {
        let Amplitudes { mut once, twice, thrice, blades, sway: [sway_x, sway_y], inertia, .. } =
            self.amplitudes;
        let half = &self.half_angle;
        let one = half.plus(half);
        let two = one.plus(&one);
        let three = two.plus(&one);
        let five = three.plus(&two);
        let along = 0.25 * once * one.sin + 0.5 * twice * two.cos + 0.5 * blades * five.cos;
        let (mut loose_x, mut loose_y) = (0.0, 0.0);
        match self.fault {
            Some((Fault::Imbalance, severity)) => once += 0.12 * severity * inertia,
            Some((Fault::Looseness, severity)) => {
                let (three_halves, five_halves) = (half.plus(&one), half.plus(&two));
                let size = 0.3 * severity * inertia;
                loose_x = size * (0.3 * half.cos + 0.2 * three_halves.cos + 0.15 * five_halves.cos);
                loose_y = size * (0.6 * half.sin + 0.4 * three_halves.sin + 0.3 * five_halves.sin);
            }
            _ => {}
        }
        [
            sway_x * once * one.cos
                + twice * two.cos
                + thrice * three.sin
                + 0.6 * blades * five.cos
                + loose_x,
            0.8 * sway_y * once * one.sin
                + 1.2 * twice * two.sin
                + thrice * three.cos
                + blades * five.cos
                + loose_y,
            along,
        ]
    }

    /// The impulse on the resonance in this sample, when a ball passes the pit.
    // After McFadden, Smith, Model for the vibration produced by a single point defect in a rolling
    // element bearing, Journal of Sound and Vibration 96 (1984).
    #[inline]
    fn force(&mut self) -> f32 {
        let Some((fault, severity)) = self.fault else { return 0.0 };
        let (rate, strength) = match fault {
            Fault::OuterRace => (OUTER_RACE, 0.4),
            Fault::InnerRace => {
                let angle = self.half_angle.plus(&self.half_angle);
                (INNER_RACE, 0.6 * (0.5 + 0.5 * angle.cos))
            }
            Fault::Imbalance | Fault::Looseness => return 0.0,
        };
        let [speed, _] = self.speed;
        self.way += rate * speed / SAMPLE_RATE;
        if self.way < self.way_end {
            return 0.0;
        }
        self.way -= self.way_end;
        self.way_end = 1.0 + uniform(&mut self.rng, -SLIP, SLIP);
        0.5 * severity * strength * speed / SPEED[1]
    }
}

/// Gain of a mass-spring system of damping ratio 0.15, at `r` times its resonance frequency,
/// relative to the static deflection: `1 / sqrt((1 - r^2)^2 + (2 zeta r)^2)`.
#[inline]
fn amplification(r: f32) -> f32 {
    let (stiff, damped) = (1.0 - r * r, 2.0 * 0.15 * r);
    1.0 / libm::sqrtf(stiff * stiff + damped * damped)
}

/// An angle, as cosine and sine: adding angles then needs no trigonometric functions.
#[derive(Clone, Copy, Debug)]
struct Turn {
    cos: f32,
    sin: f32,
}

impl Turn {
    const NONE: Self = Self { cos: 1.0, sin: 0.0 };

    #[inline]
    fn by(angle: f32) -> Self {
        Self { cos: libm::cosf(angle), sin: libm::sinf(angle) }
    }

    #[inline]
    fn plus(&self, other: &Self) -> Self {
        Self {
            cos: self.cos * other.cos - self.sin * other.sin,
            sin: self.sin * other.cos + self.cos * other.sin,
        }
    }

    /// Normalises the length, against rounding errors.
    #[inline]
    fn normalized(&self) -> Self {
        let length = libm::sqrtf(self.cos * self.cos + self.sin * self.sin);
        Self { cos: self.cos / length, sin: self.sin / length }
    }
}

/// A random number from `low` to `high`, from 16 random bits.
#[inline]
fn uniform(rng: &mut Pcg32, low: f32, high: f32) -> f32 {
    let [.., a, b] = rng.next_u32().to_le_bytes();
    low + (high - low) * (f32::from(u16::from_le_bytes([a, b])) / 65_536.0)
}

/// A nearly normal random number of mean 0 and variance 1: a sum of four random bytes, within 3.5.
#[inline]
fn normal(rng: &mut Pcg32) -> f32 {
    let sum: u16 = rng.next_u32().to_le_bytes().map(u16::from).iter().sum();
    (f32::from(sum) - 510.0) / 147.8
}
