//! SYNTHETIC vibration of a pump on rolling bearings: made up for this example, measured nowhere.
//!
//! It has what makes the real thing hard. Speed and load wander, and the level of the vibration with
//! them, far more than by a small fault. The foundation resonates at some speeds. No two machines are
//! alike: each number is a machine of its own. Faults leave the marks that the literature describes, but
//! their size, and that of all else, is chosen, not measured: how well a detector does here says
//! nothing about how well it does on a real machine.
//!
//! Three axes in g: `x` across the shaft, `y` upwards, with gravity on it, `z` along the shaft. It takes
//! sums, products, quotients and square roots in one order, and a sine now and then from libm, so the
//! bits are the same on every target.

use core::f32::consts::PI;

use rand_pcg::Pcg32;
use rand_pcg::rand_core::{Rng, SeedableRng};

/// Samples per second.
pub const SAMPLE_RATE: f32 = 1600.0;
/// Least and greatest speed of the shaft, in revolutions per second.
pub const SPEED: [f32; 2] = [15.0, 50.0];

/// Balls of the bearing: a deep groove ball bearing 6205.
const BALLS: f32 = 9.0;
/// Diameter of a ball over that of the circle on which their centres are, in mm.
const RATIO: f32 = 7.94 / 39.04;
/// Balls that pass a point of the outer race in a revolution, `n / 2 (1 - d / D cos phi)`, with the
/// contact angle `phi = 0`: Randall, Antoni, Rolling element bearing diagnostics - a tutorial,
/// Mechanical Systems and Signal Processing 25 (2011), equation 1.
pub const OUTER_RACE: f32 = BALLS / 2.0 * (1.0 - RATIO);
/// Balls that pass a point of the inner race in a revolution, `n / 2 (1 + d / D cos phi)`: equation 2.
pub const INNER_RACE: f32 = BALLS / 2.0 * (1.0 + RATIO);
/// The balls slip, so the time between two impulses varies by up to this share: 1 % to 2 %, as there.
const SLIP: f32 = 0.015;
/// What the impulses make ring, in Hz.
pub const RESONANCE: f32 = 560.0;
/// Damping ratio: the ringing is down to 1 / e after 5.7 ms.
const DAMPING: f32 = 0.05;

/// How often speed and amplitudes are computed, in samples: every 20 ms.
const BLOCK: u32 = 32;
/// How often there is a new speed and a new load to go to, in blocks: every 0.8 s.
const GOAL: u32 = 40;
/// Which part of the way is gone in a block.
const PACE: f32 = 0.08;

/// What is wrong with the machine. Each has a severity: 0 is nothing, 1 is plain to see in a spectrum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A pit in the outer race: each ball that passes it makes the housing ring. A severity of 1 rings
    /// with 0.2 g at the greatest speed.
    OuterRace,
    /// A pit in the inner race. It turns with the shaft through the side that carries the load, so the
    /// ringing swells and fades with each revolution.
    InnerRace,
    /// The rotor's mass is off its axis: more force across the shaft at its speed, by its square. A
    /// severity of 1 doubles what the mean machine has.
    Imbalance,
    /// A foot is loose, so the machine repeats itself every two revolutions only: there are 1/2, 3/2 and
    /// 5/2 of the shaft's speed in the vibration.
    Looseness,
}

impl Fault {
    /// Each of them.
    pub const ALL: [Self; 4] = [Self::OuterRace, Self::InnerRace, Self::Imbalance, Self::Looseness];

    /// In words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OuterRace => "outer race",
            Self::InnerRace => "inner race",
            Self::Imbalance => "imbalance",
            Self::Looseness => "looseness",
        }
    }
}

/// The vibration of a running machine, sample by sample, without end.
#[derive(Clone, Debug)]
pub struct Vibration {
    rng: Pcg32,
    machine: Machine,
    fault: Option<(Fault, f32)>,
    /// Revolutions per second, and what they go to.
    speed: [f32; 2],
    /// Between none, 0, and full, 1, and what it goes to.
    load: [f32; 2],
    /// In this block, and blocks since there was a goal.
    samples: u32,
    blocks: u32,
    /// Half the angle of the shaft, and what is added in a sample.
    half_angle: Turn,
    half_step: Turn,
    amplitudes: Amplitudes,
    /// How far a ball is on its way to the pit: the ball before was there at 0, this one will be at 1,
    /// or a little earlier or later.
    way: f32,
    way_end: f32,
    /// The resonance: its last two values.
    ringing: [f32; 2],
}

/// What makes this machine different from others.
#[derive(Clone, Debug)]
struct Machine {
    /// Factors around 1: of once, twice and thrice the speed, the blades, the noise.
    factors: [f32; 5],
    /// Speeds at which the foundation resonates along `x` and `y`.
    foundation: [f32; 2],
    /// `2 r cos w` and `r^2` of the poles of the resonance that impulses excite.
    poles: [f32; 2],
}

/// In g, as they are at the speed and load of this block.
#[derive(Clone, Debug, Default)]
struct Amplitudes {
    once: f32,
    twice: f32,
    thrice: f32,
    blades: f32,
    noise: f32,
    /// How much the foundation makes of a force along `x` and `y` at the shaft's speed.
    sway: [f32; 2],
    /// Square of the speed, as a share of its greatest: forces of inertia grow like this.
    inertia: f32,
}

impl Vibration {
    /// The machine of this number, healthy.
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

    /// Breaks the machine from the next sample on, by a severity of 0 to 1, or repairs it.
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

    /// Lets speed and load wander, and computes what follows from them.
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

    /// What the shaft, its blades and a loose foot do, without noise and bearings.
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

    /// What a ball's passing of the pit does to the resonance in this sample.
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

/// How much a mass on springs, of damping ratio 0.15, moves at `r` times its resonance, against no
/// springs' yielding: `1 / sqrt((1 - r^2)^2 + (2 zeta r)^2)`.
#[inline]
fn amplification(r: f32) -> f32 {
    let (stiff, damped) = (1.0 - r * r, 2.0 * 0.15 * r);
    1.0 / libm::sqrtf(stiff * stiff + damped * damped)
}

/// An angle, as cosine and sine: adding angles takes no sines then.
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

    /// Takes back what rounding did to the length.
    #[inline]
    fn normalized(&self) -> Self {
        let length = libm::sqrtf(self.cos * self.cos + self.sin * self.sin);
        Self { cos: self.cos / length, sin: self.sin / length }
    }
}

/// From `low` to `high`, by 16 random bits.
#[inline]
fn uniform(rng: &mut Pcg32, low: f32, high: f32) -> f32 {
    let [.., a, b] = rng.next_u32().to_le_bytes();
    low + (high - low) * (f32::from(u16::from_le_bytes([a, b])) / 65_536.0)
}

/// Of mean 0 and variance 1, nearly normal: the sum of four random bytes, within 3.5.
#[inline]
fn normal(rng: &mut Pcg32) -> f32 {
    let sum: u16 = rng.next_u32().to_le_bytes().map(u16::from).iter().sum();
    (f32::from(sum) - 510.0) / 147.8
}
