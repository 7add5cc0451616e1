//! On-device training on a stream: a timer interrupt reads the sensor, the main loop trains on the
//! samples in its own time.
//!
//! The interrupt owns one end of a queue and the main loop the other, so neither waits for the
//! other, and interrupts stay enabled. The sensor is simulated: a triangle wave with some noise.
#![no_std]
#![no_main]

use defmt::println;
use gradlet::{init, prelude::*, stream::Window};
use gradlet_firmware::small::Hash;
use rand_pcg::Pcg32;
use rand_pcg::rand_core::{Rng, SeedableRng};

type Sample = [f32; 1];
/// An autoencoder for the features of a window.
type Net = Mlp<5, 3, 5, Tanh, Identity>;
const WINDOWS: u32 = 64;

/// Takes the place of a sensor driver.
struct Sensor {
    time: u32,
    noise: Pcg32,
}

impl Sensor {
    fn new() -> Self {
        Self { time: 0, noise: Pcg32::seed_from_u64(1) }
    }

    fn read(&mut self) -> Sample {
        self.time = self.time.wrapping_add(1);
        let triangle = (self.time % 12).abs_diff(6) as f32 / 3.0 - 1.0;
        let noise = (self.noise.next_u32() >> 8) as f32 / 16_777_216.0 - 0.5;
        [triangle + 0.2 * noise]
    }
}

/// Trains the autoencoder on windows of 16 samples.
struct Learner {
    window: Window<1, 16>,
    net: Net,
    trainer: Trainer<Net, MeanSquaredError>,
    windows: u32,
    loss: f32,
}

impl Learner {
    fn new() -> Self {
        let mut net = Net::ZERO;
        init::xavier_uniform(&mut net, &mut Pcg32::seed_from_u64(2));
        Self { window: Window::new(), net, trainer: Trainer::new(), windows: 0, loss: 0.0 }
    }

    fn learn(&mut self, sample: Sample) {
        let Some(full) = self.window.push(sample) else { return };
        // Brings the number of zero crossings to about the scale of the others.
        let mut x: [f32; 5] = full.features().to_array();
        x[4] /= 16.0;
        self.loss = self.trainer.step(&mut self.net, &Sgd { learning_rate: 0.1 }, &x, &x);
        self.windows += 1;
    }
}

#[cfg(target_arch = "arm")]
mod timer {
    use core::cell::RefCell;
    use core::sync::atomic::{AtomicU32, Ordering};

    use cortex_m::Peripherals;
    use cortex_m::peripheral::syst::SystClkSource;
    use cortex_m_rt::exception;
    use critical_section::Mutex;
    use heapless::spsc::{Consumer, Producer, Queue};

    use super::{Sample, Sensor};

    /// One more than the samples that fit in. It must hold all that arrive during a training step.
    const QUEUE: usize = 32;

    /// What `main` hands over to the interrupt.
    static TO_INTERRUPT: Mutex<RefCell<Option<Producer<'static, Sample>>>> =
        Mutex::new(RefCell::new(None));
    /// Samples dropped because the queue was full. Only the interrupt writes it, so cores without
    /// atomic read-modify-write instructions (Cortex-M0) can count too.
    static DROPPED: AtomicU32 = AtomicU32::new(0);

    /// Starts the interrupt, every 20,000 cycles; returns the main loop's end of the queue.
    pub(crate) fn start() -> Option<Consumer<'static, Sample>> {
        let queue = cortex_m::singleton!(: Queue<Sample, QUEUE> = Queue::new())?;
        let (producer, consumer) = queue.split();
        critical_section::with(|cs| TO_INTERRUPT.borrow_ref_mut(cs).replace(producer));
        let mut timer = Peripherals::take()?.SYST;
        timer.set_clock_source(SystClkSource::Core);
        timer.set_reload(19_999);
        timer.clear_current();
        timer.enable_counter();
        timer.enable_interrupt();
        Some(consumer)
    }

    pub(crate) fn dropped() -> u32 {
        DROPPED.load(Ordering::Relaxed)
    }

    #[exception]
    fn SysTick() {
        // Made safe by `exception`: nothing else can access it.
        static mut OWN: Option<(Producer<'static, Sample>, Sensor)> = None;
        if OWN.is_none() {
            let producer = critical_section::with(|cs| TO_INTERRUPT.borrow_ref_mut(cs).take());
            *OWN = producer.map(|producer| (producer, Sensor::new()));
        }
        if let Some((producer, sensor)) = OWN
            && producer.enqueue(sensor.read()).is_err()
        {
            DROPPED.store(DROPPED.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        }
    }
}

#[cfg(target_arch = "arm")]
#[gradlet_firmware::entry]
fn main() -> ! {
    gradlet_firmware::start();
    let Some(mut samples) = timer::start() else { gradlet_firmware::exit(1) };
    let mut learner = Learner::new();
    while learner.windows < WINDOWS {
        match samples.dequeue() {
            Some(sample) => learner.learn(sample),
            // Until the next interrupt.
            None => cortex_m::asm::wfi(),
        }
    }
    tell(&learner);
    println!("{=u32} samples dropped", timer::dropped());
    gradlet_firmware::exit(0)
}

/// Without a timer, whose name and interrupt set-up depend on the chip.
#[cfg(target_arch = "riscv32")]
#[gradlet_firmware::entry]
fn main() -> ! {
    gradlet_firmware::start();
    let (mut sensor, mut learner) = (Sensor::new(), Learner::new());
    while learner.windows < WINDOWS {
        learner.learn(sensor.read());
    }
    tell(&learner);
    gradlet_firmware::exit(0)
}

fn tell(Learner { net, windows, loss, .. }: &Learner) {
    println!("{=u32} windows learned, last loss {=f32}", windows, loss);
    println!("hash of all parameters {=u64:016x}", Hash::of(net).0);
}
