//! On-device learning from the sensor to the flash: windows over acceleration, features, scaling measured on
//! the device, experience replay, and a network that survives a reset with its scaling.
//!
//! The acceleration is synthetic, in thousandths of g; each gesture is a movement along other axes.
#![no_std]
#![no_main]

use defmt::println;
use gradlet::preprocess::{Standardize, one_hot};
use gradlet::store::{Store, StoreError};
use gradlet::stream::{ReplayBuffer, Window};
use gradlet::{init, metrics::argmax, prelude::*};
use gradlet_firmware::flash::{BYTES, Flash};
use gradlet_firmware::small::Hash;
use rand_pcg::Pcg32;
use rand_pcg::rand_core::{Rng, SeedableRng};

/// Five features for each of three axes.
const FEATURES: usize = 15;
const GESTURES: usize = 3;
type Net = net![15 => Scaling => 8 Tanh => 3 Softmax];
type Learner = BatchTrainer<Net, CrossEntropy, Sgd>;
type Example = ([f32; FEATURES], [f32; GESTURES]);
type Error = StoreError<<Flash as embedded_storage::nor_flash::ErrorType>::Error>;

/// The sensor, and whoever moves it.
struct Sensor {
    rng: Pcg32,
    window: Window<3, 32>,
}

impl Sensor {
    fn new(seed: u64) -> Self {
        Self { rng: Pcg32::seed_from_u64(seed), window: Window::new() }
    }

    /// A number in `-1..1`.
    fn noise(&mut self) -> f32 {
        (self.rng.next_u32() >> 8) as f32 / 8_388_608.0 - 1.0
    }

    /// One window of a gesture: its features, with the gesture as label.
    fn example(&mut self, gesture: usize) -> Example {
        let (phase, speed) = (self.noise(), 0.4 + 0.1 * self.noise());
        for time in 0_u8.. {
            let swing = 300.0 * libm::sinf(phase + speed * f32::from(time));
            let mut sample = [0.0, 0.0, 1000.0].map(|rest: f32| rest + 80.0 * self.noise());
            sample[gesture] += swing;
            if let Some(full) = self.window.push(sample) {
                let label = one_hot(gesture).unwrap_or_default();
                return (full.features().to_array(), label);
            }
        }
        ([0.0; FEATURES], [0.0; GESTURES])
    }
}

/// How many of 60 windows that were not trained on are classified correctly.
fn accuracy(net: &Net) -> u32 {
    let mut sensor = Sensor::new(7);
    let is_right = |k: usize| {
        let (x, t) = sensor.example(k % GESTURES);
        argmax(&net.forward(&x)) == argmax(&t)
    };
    (0..60).map(is_right).map(u32::from).sum()
}

fn train(net: &mut Net, trainer: &mut Learner) {
    let mut sensor = Sensor::new(1);
    let mut statistics = Standardize::new();
    for k in 0..60 {
        statistics.observe(&sensor.example(k % GESTURES).0);
    }
    init::xavier_uniform(net, &mut Pcg32::seed_from_u64(3));
    *net.first_mut() = statistics.scaling();
    let mut rng = Pcg32::seed_from_u64(5);
    let mut replay = ReplayBuffer::<_, _, 24>::new();
    // Gesture by gesture, as a person shows them: without replay, the first would be forgotten.
    for k in 0..180 {
        let example = sensor.example(k / 60);
        trainer.accumulate(net, &example.0, &example.1);
        trainer.accumulate_all(net, replay.draw(7, &mut rng));
        trainer.apply(net, &Sgd::new(0.1));
        replay.push_reservoir(example, &mut rng);
    }
}

/// Runs from one reset to the next; returns whether to reset again.
fn run() -> Result<bool, Error> {
    let Some(flash) = Flash::take() else { return Ok(false) };
    let mut store = Store::new(flash, 0..BYTES)?;
    let (mut net, mut trainer) = (Net::ZERO, Learner::new());
    let tell = |when: &str, net: &Net| {
        let (right, hash) = (accuracy(net), Hash::of(net).0);
        println!("{=str}: {=u32} of 60 right, hash {=u64:016x}", when, right, hash);
    };
    match store.load(&mut net) {
        Ok(_) => {
            tell("after a reset", &net);
            store.erase()?;
            return Ok(false);
        }
        // The first start, or power was cut during the first save: there is none to load.
        Err(StoreError::Empty | StoreError::Damaged) => {}
        Err(error) => return Err(error),
    }
    train(&mut net, &mut trainer);
    tell("after training", &net);
    println!("{}", net.first());
    store.save(&net)?;
    Ok(true)
}

#[gradlet_firmware::entry]
fn main() -> ! {
    gradlet_firmware::start();
    gradlet_firmware::reset_or_exit(run())
}
