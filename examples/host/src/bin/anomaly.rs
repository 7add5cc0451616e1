//! Anomaly detection with an autoencoder, which learns the normal vibration of a machine window by
//! window.
//!
//! ```text
//! cargo run --release -p examples --features devices --bin anomaly
//! cargo run --release -p examples --features devices --bin anomaly -- --help
//! ```
//!
//! The detector is `examples/firmware/devices/src/detector.rs`, the vibration is synthetic, from
//! `vibration.rs` beside it. The program `anomaly` of that firmware runs both on a microcontroller,
//! with bit-identical results.
//!
//! With `--spectra`, the features are 8 mel bands of each axis in place of 15 statistics. They flag
//! 66.8 % in place of 17.8 % of the windows with the smallest fault of an outer race, but 2.0 % in
//! place of 96.7 % of those with the largest looseness: `examples/README.md` has the reason.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use devices::detector::{self, Detector, Limit, SpectraDetector};
use devices::vibration::{self, Fault};
use examples::anomaly::{self as compute, METHODS, Machine, Plan, SEVERITIES, Seen, Story, mean};
use gradlet::Fixed;
use shared::console::Console;
use shared::options;
use shared::options::{flag, path, positive, real, whole};
use shared::output::{Folder, Picture};
use shared::plot::{Axis, Chart, DrawError, Legend, Line};
use shared::progress;
use shared::run::{Failure, exit_code};
use shared::table::Csv;

options! {
    "anomaly",
    /// Anomaly detection: learns the normal vibration of synthetic machines, then introduces faults
    /// of four kinds.
    struct Options {
        /// Number of machines, each with its own detector
        machines: u64 = whole("N", 10, 1..=1000),
        /// Number of the first machine; the detector was designed on machines 0 to 9
        first: u64 = whole("N", compute::FIRST, ..=1_000_000),
        /// Threshold, in standard deviations above the mean of the errors of healthy windows
        deviations: f64 = real("K", 4.0, positive),
        /// Use the 99.5th percentile of the errors of healthy windows as the threshold instead
        percentile: bool = flag(),
        /// Features from the spectra: 8 mel bands of each axis
        spectra: bool = flag(),
        /// In fixed point, as on a core without an FPU: samples, their sums and the network are
        /// integers
        fixed: bool = flag(),
        /// Three machines, watched for a shorter time
        quick: bool = flag(),
        /// Folder for the pictures and tables [default: `anomaly` in Cargo's target folder]
        output: Option<PathBuf> = path("DIR"),
    }
}

fn main() -> ExitCode {
    exit_code(run(&Options::parse()))
}

fn run(options: &Options) -> Result<(), Failure> {
    let folder = Folder::create_or_default(options.output.as_deref(), "anomaly")?;
    #[allow(clippy::cast_possible_truncation, reason = "the detector has f32")]
    let deviations = options.deviations as f32;
    let plan = Plan {
        limit: if options.percentile { Limit::Percentile } else { Limit::Deviations(deviations) },
        spectra: options.spectra,
        fixed: options.fixed,
        ..if options.quick { Plan::QUICK } else { Plan::FULL }
    };
    let count = if options.quick { options.machines.min(3) } else { options.machines };
    let bar = progress::bar(count, "machines");
    let machines: Vec<_> = (0..count)
        .map(|number| options.first.saturating_add(number))
        .map(|number| {
            let machine = compute::watch(number, &plan);
            bar.inc(1);
            machine
        })
        .collect();
    bar.finish_and_clear();
    let mut out = Console::default();
    introduce(&mut out, &plan, count)?;
    table(&mut out, &machines)?;
    let story = compute::story(options.first, &plan);
    folder.write_pictures(&mut out, &[errors(&story)?, roc(&machines)?])
}

fn introduce(out: &mut impl Write, plan: &Plan, machines: u64) -> io::Result<()> {
    let settings = plan.settings(0);
    let [bytes, features, parameters] = if plan.spectra {
        [SpectraDetector::BYTES, SpectraDetector::FEATURES, SpectraDetector::PARAMETERS]
    } else if plan.fixed {
        let bytes = Detector::<Fixed>::BYTES;
        [bytes, Detector::<Fixed>::FEATURES, Detector::<Fixed>::PARAMETERS]
    } else {
        [Detector::<f32>::BYTES, Detector::<f32>::FEATURES, Detector::<f32>::PARAMETERS]
    };
    writeln!(
        out,
        "SYNTHETIC vibration of {machines} pumps whose speed and load wander: three axes, {} samples per
second. Each pump has a detector of {} bytes, which learns normal vibration, in windows of {}
samples:

  {:>5} windows  scaling    mean and deviation of each of the {} features
  {:>5} windows  learning   an autoencoder of {} parameters, 8 steps of {} for each window
  {:>5} windows  weighing   how well the network reproduces each feature
  {:>5} windows  threshold  the usual errors; from now on: {}
  {:>5} windows  watching   the healthy machine, for false alarms; then each fault at each severity",
        vibration::SAMPLE_RATE,
        bytes,
        detector::WINDOW,
        settings.scaling,
        features,
        settings.learning,
        parameters,
        if plan.fixed && !plan.spectra { "momentum" } else { "Adam" },
        settings.weighing,
        settings.threshold,
        match settings.limit {
            Limit::Deviations(k) => format!("mean + {k} deviations of the log error"),
            Limit::Percentile => "the 99.5th percentile".to_owned(),
        },
        plan.healthy,
    )
}

fn percent(share: f64) -> f64 {
    100.0 * share
}

/// The minimum, or the maximum.
fn extreme(shares: &[f64], pick: fn(f64, f64) -> f64) -> f64 {
    shares.iter().copied().reduce(pick).unwrap_or_default()
}

fn table(out: &mut impl Write, machines: &[Machine]) -> io::Result<()> {
    let false_alarms: Vec<_> = machines.iter().map(Machine::false_alarms).collect();
    writeln!(
        out,
        "
False alarms of the detector: {:.2} % of the healthy windows, {:.2} % on the worst machine.

Windows with a fault that are flagged, in percent: mean, and worst machine. The two rules without a
network get the same features and the same smoothing, and that threshold, chosen with hindsight, with
which they have as many false alarms on each machine as the detector has.

  {:<12}{:>8}  {:>17}  {:>19}  {:>20}",
        percent(mean(&false_alarms)),
        percent(extreme(&false_alarms, f64::max)),
        "fault",
        "severity",
        METHODS[0],
        METHODS[1],
        METHODS[2]
    )?;
    for (kind, fault) in Fault::ALL.into_iter().enumerate() {
        for (degree, severity) in SEVERITIES.into_iter().enumerate() {
            write!(out, "  {:<12}{severity:>8.2}", fault.name())?;
            for (method, width) in [11, 13, 14].into_iter().enumerate() {
                let shares: Vec<_> =
                    machines.iter().map(|m| m.flagged(method, kind, degree)).collect();
                let (mean, worst) = (mean(&shares), extreme(&shares, f64::min));
                write!(out, "  {:>width$.1}{:>6.1}", percent(mean), percent(worst))?;
            }
            writeln!(out)?;
        }
    }
    write!(out, "\nArea under the ROC curve, severity {}:  ", SEVERITIES[compute::MIDDLE])?;
    let areas = METHODS.iter().enumerate().map(|(method, name)| {
        format!("{name} {:.4}", compute::area(&compute::roc(machines, method)))
    });
    writeln!(out, "{}", areas.collect::<Vec<_>>().join(", "))
}

/// Windows in seconds.
fn seconds(windows: usize) -> f64 {
    let length = f64::from(u16::try_from(detector::WINDOW).unwrap_or(u16::MAX));
    f64::from(u32::try_from(windows).unwrap_or(u32::MAX)) * length
        / f64::from(vibration::SAMPLE_RATE)
}

/// All windows of the periods with their times.
fn times(story: &Story) -> impl Iterator<Item = (f64, &Seen)> {
    let all = story.learning.iter().chain(&story.healthy).chain(&story.broken);
    all.enumerate().map(|(number, seen)| (seconds(number), seen))
}

/// The errors over time, with the threshold.
fn errors(story: &Story) -> Result<Picture, DrawError> {
    let watching = seconds(story.learning.len());
    let broken = watching + seconds(story.healthy.len());
    let end = broken + seconds(story.broken.len());
    let of_method = |method: usize| {
        times(story).filter_map(move |(time, seen)| Some((time, *seen.scores.get(method)?)))
    };
    let (fault, severity) = story.fault;
    let (low, high, threshold) = (-10.0, 15.0, story.threshold);
    let border = |time| Line::solid(usize::MAX, [(time, low), (time, high)]);
    let title = format!(
        "A machine from learning to a fault ({}, severity {severity}); synthetic vibration",
        fault.name()
    );
    let chart = Chart::new(
        title,
        Axis::linear("time, in seconds").from(0.0, end),
        Axis::linear("standard deviations above the usual mean").from(low, high),
    )
    .with(Line::solid(2, of_method(2)).named(METHODS[2]))
    .with(Line::solid(0, of_method(0)).named("error of the autoencoder"))
    .with(Line::dashed(1, [(watching, threshold), (end, threshold)]).named("threshold"))
    .with_all([border(watching), border(broken)])
    .note((0.0, high - 1.1), "finding the threshold")
    .note((watching, high - 1.1), "watching the healthy machine")
    .note((broken, high - 1.1), "the fault")
    .legend(Legend::LowerRight);
    let mut csv =
        Csv::new(&["seconds", "autoencoder", "largest_z_score", "vibration_level", "flagged"]);
    for (time, Seen { scores: [a, b, c], is_flagged }) in times(story) {
        csv.row(&[time, *a, *b, *c, if *is_flagged { 1.0 } else { 0.0 }]);
    }
    Ok(Picture { name: "error", svg: chart.svg()?, csv: csv.finish() })
}

/// A curve without points that are too close to others to be seen.
fn thinned(curve: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    let mut kept: Vec<(f64, f64)> = vec![];
    let last = curve.last().copied();
    for point in curve {
        let is_far = |end: &&mut (f64, f64)| (point.0 - end.0).max(point.1 - end.1) > 0.004;
        if kept.is_empty() || kept.last_mut().filter(is_far).is_some() || Some(point) == last {
            kept.push(point);
        }
    }
    kept
}

/// The ROC curves of the methods.
fn roc(machines: &[Machine]) -> Result<Picture, DrawError> {
    let curve = |(method, name): (usize, &&str)| {
        let points = compute::roc(machines, method);
        let label = format!("{name}, area {:.3}", compute::area(&points));
        Line::solid(method, thinned(points)).named(label)
    };
    let title = format!(
        "Four faults of severity {} on {} machines; synthetic vibration",
        SEVERITIES[compute::MIDDLE],
        machines.len()
    );
    Chart::new(
        title,
        Axis::linear("false alarms, share of healthy windows").from(0.0, 1.0),
        Axis::linear("flagged, share of windows with a fault").from(0.0, 1.0),
    )
    .with_all(METHODS.iter().enumerate().map(curve))
    .with(Line::dashed(usize::MAX, [(0.0, 0.0), (1.0, 1.0)]).named("chance, area 0.5"))
    .legend(Legend::LowerRight)
    .picture("roc")
}
