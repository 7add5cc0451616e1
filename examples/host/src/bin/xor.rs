//! How often a small network learns XOR, over many random initialisations.
//!
//! ```text
//! cargo run --release -p examples --bin xor
//! ```
//!
//! Two hidden units are just enough, and training gets stuck half of the time; with four units it
//! seldom does.

use std::io::{self, Write};
use std::process::ExitCode;

use gradlet::{init, prelude::*};
use indicatif::ProgressBar;
use rand_pcg::Pcg32;
use rand_pcg::rand_core::SeedableRng;
use shared::console::Console;
use shared::options;
use shared::options::{flag, positive, real, whole};
use shared::progress;
use shared::run::{Failure, exit_code};

options! {
    "xor",
    /// Counts how many random initialisations learn XOR.
    struct Options {
        /// Number of random initialisations of each network, by each initialiser
        seeds: u32 = whole("N", 1000, 1..),
        /// Number of epochs
        epochs: u32 = whole("N", 2000, 1..),
        /// Learning rate of gradient descent, one example at a time
        learning_rate: f64 = real("RATE", 0.2, positive),
        /// 50 random initialisations
        quick: bool = flag(),
    }
}

const EXAMPLES: [([f64; 2], [f64; 1]); 4] =
    [([0.0, 0.0], [0.0]), ([0.0, 1.0], [1.0]), ([1.0, 0.0], [1.0]), ([1.0, 1.0], [0.0])];

type Net<const HIDDEN: usize> = Mlp<2, HIDDEN, 1, Tanh, Sigmoid, f64>;
type Initialiser<N> = fn(&mut N, &mut Pcg32);

/// Trains from one random initialisation; returns whether all four predictions are correct.
fn learns<const HIDDEN: usize>(
    options: &Options,
    initialise: Initialiser<Net<HIDDEN>>,
    seed: u32,
) -> bool {
    let mut net = Net::<HIDDEN>::ZERO;
    initialise(&mut net, &mut Pcg32::seed_from_u64(seed.into()));
    let sgd = Sgd { learning_rate: options.learning_rate };
    let mut trainer = Trainer::<_, BinaryCrossEntropy>::new();
    trainer.fit(&mut net, &sgd, &EXAMPLES, Stop::after(options.epochs));
    EXAMPLES.iter().all(|(x, [t])| {
        let [y] = net.forward(x);
        (y > 0.5) == (*t > 0.5)
    })
}

fn row<const HIDDEN: usize>(
    console: &mut impl Write,
    options: &Options,
    bar: &ProgressBar,
) -> io::Result<()> {
    let initialisers: [Initialiser<Net<HIDDEN>>; 4] =
        [init::xavier_uniform, init::xavier_normal, init::he_uniform, init::he_normal];
    write!(console, "2-{HIDDEN}-1")?;
    for initialise in initialisers {
        let learned: f64 = (0..options.seeds)
            .map(|seed| {
                bar.inc(1);
                f64::from(u8::from(learns(options, initialise, seed)))
            })
            .sum();
        write!(console, "{:14.1} %", 100.0 * learned / f64::from(options.seeds))?;
    }
    writeln!(console)
}

fn main() -> ExitCode {
    let mut options = Options::parse();
    if options.quick {
        options.seeds = 50;
    }
    exit_code(run(&options))
}

fn run(options: &Options) -> Result<(), Failure> {
    let bar = progress::bar(4 * 4 * u64::from(options.seeds), "training");
    let mut console = Console::default();
    writeln!(
        console,
        "XOR learned, of {} random starts (tanh hidden units, sigmoid output, binary cross-entropy,\n\
         one example at a time, learning rate {}, {} epochs, f64):\n\n\
         net    Xavier uniform   Xavier normal      He uniform       He normal",
        options.seeds, options.learning_rate, options.epochs
    )?;
    row::<2>(&mut console, options, &bar)?;
    row::<3>(&mut console, options, &bar)?;
    row::<4>(&mut console, options, &bar)?;
    row::<8>(&mut console, options, &bar)?;
    bar.finish_and_clear();
    console.flush()?;
    Ok(())
}
