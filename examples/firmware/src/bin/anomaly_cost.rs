//! Counts the instructions of the detector of `anomaly` per window, phase by phase; with the feature `fixed`, in
//! fixed point.
#![no_std]
#![no_main]

use core::hint::black_box;

use gradlet_firmware::NumberFormat;
use gradlet_firmware::count::{count, start_counting};
use gradlet_firmware::detector::{self, Limit, Phase, Reading, Settings, WINDOW};
use gradlet_firmware::vibration::Vibration;

type Detector = detector::Detector<NumberFormat>;
type Sample = detector::Sample<<NumberFormat as gradlet::Format>::Value>;
type Push = fn(&mut Detector, &[Sample; WINDOW]);

#[inline(never)]
fn push(detector: &mut Detector, samples: &[Sample; WINDOW]) {
    for &sample in samples {
        black_box(detector.push(sample));
    }
}

#[gradlet_firmware::entry]
fn main() -> ! {
    gradlet_firmware::start();
    start_counting();
    defmt::println!("detector {=usize} bytes", Detector::BYTES);
    // The phase that is measured is long, those before it are short.
    const LONG: u32 = 1_000_000;
    for (name, phase, lengths) in [
        ("scaling", Phase::Scaling, [LONG; 4]),
        ("learning", Phase::Learning, [20, LONG, LONG, LONG]),
        ("weighing", Phase::Weighing, [20, 20, LONG, LONG]),
        ("threshold", Phase::Threshold, [20, 20, 20, LONG]),
        ("watching", Phase::Watching, [20; 4]),
    ] {
        let [scaling, learning, weighing, threshold] = lengths;
        let limit = Limit::Deviations(4.0);
        let settings = Settings { scaling, learning, weighing, threshold, limit, seed: 1 };
        let (mut vibration, mut detector) = (Vibration::new(1), Detector::new(settings));
        let mut samples = [[0.0; 3].map(Reading::from_f32); WINDOW];
        for _ in 0..100 {
            samples.fill_with(|| vibration.sample().map(Reading::from_f32));
            push(&mut detector, &samples);
        }
        let (instructions, stack) =
            count(black_box(push as Push), black_box((|_, _| ()) as Push), |f, _| {
                f(black_box(&mut detector), black_box(&samples))
            });
        assert!(detector.phase() == phase, "this was another phase");
        defmt::println!(
            "{=str} {=u32} instructions for a window, {=u32} for a sample, stack {=u32}",
            name,
            instructions,
            instructions / WINDOW as u32,
            stack
        );
    }
    gradlet_firmware::exit(0)
}
