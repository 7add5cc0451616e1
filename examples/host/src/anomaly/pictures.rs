//! Plots of errors over time and of ROC curves.

use crate::anomaly::compute;
use crate::anomaly::compute::{METHODS, Machine, SEVERITIES, Seen, Story};
use devices::{detector, vibration};
use shared::output::{Folder, Picture};
use shared::plot::{Axis, Chart, Legend, Line, Look, Note};
use shared::run::Failure;
use shared::table::Csv;

/// Writes all pictures and their data; returns the paths.
pub fn write(folder: &Folder, machines: &[Machine], story: &Story) -> Result<Vec<String>, Failure> {
    let mut paths = vec![];
    let curves: Vec<_> =
        (0..METHODS.len()).map(|method| thinned(compute::roc(machines, method))).collect();
    for picture in [
        Picture { name: "error", svg: errors(story).svg()?, csv: error_table(story) },
        Picture { name: "roc", svg: roc(machines, &curves).svg()?, csv: roc_table(&curves) },
    ] {
        paths.extend(folder.write_picture(&picture)?);
    }
    Ok(paths)
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

fn errors(story: &Story) -> Chart {
    let watching = seconds(story.learning.len());
    let broken = watching + seconds(story.healthy.len());
    let end = broken + seconds(story.broken.len());
    let of_method = |method: usize| -> Vec<_> {
        times(story)
            .filter_map(|(time, seen)| seen.scores.get(method).map(|&score| (time, score)))
            .collect()
    };
    let line = |label: Option<&str>, look, colour, points| Line {
        label: label.map(str::to_owned),
        look,
        colour,
        points,
    };
    let (fault, severity) = story.fault;
    let (low, high) = (-10.0, 15.0);
    let note = |x, text: &str| Note { at: (x, high - 1.1), text: text.to_owned() };
    Chart {
        title: format!(
            "A machine from learning to a fault ({}, severity {severity}); synthetic vibration",
            fault.name()
        ),
        x: Axis::linear("time, in seconds").from(0.0, end),
        y: Axis::linear("standard deviations above the usual mean").from(low, high),
        lines: vec![
            line(Some(METHODS[2]), Look::Solid, 2, of_method(2)),
            line(Some("error of the autoencoder"), Look::Solid, 0, of_method(0)),
            line(
                Some("threshold"),
                Look::Dashed,
                1,
                vec![(watching, story.threshold), (end, story.threshold)],
            ),
            line(None, Look::Solid, usize::MAX, vec![(watching, low), (watching, high)]),
            line(None, Look::Solid, usize::MAX, vec![(broken, low), (broken, high)]),
        ],
        notes: vec![
            note(0.0, "finding the threshold"),
            note(watching, "watching the healthy machine"),
            note(broken, "the fault"),
        ],
        legend: Legend::LowerRight,
        ..Chart::default()
    }
}

fn error_table(story: &Story) -> String {
    let mut csv =
        Csv::new(&["seconds", "autoencoder", "largest_z_score", "vibration_level", "flagged"]);
    for (time, Seen { scores: [a, b, c], is_flagged }) in times(story) {
        csv.row(&[time, *a, *b, *c, if *is_flagged { 1.0 } else { 0.0 }]);
    }
    csv.finish()
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

fn roc(machines: &[Machine], curves: &[Vec<(f64, f64)>]) -> Chart {
    let mut lines: Vec<_> = METHODS
        .iter()
        .enumerate()
        .zip(curves)
        .map(|((method, name), curve)| Line {
            label: Some(format!(
                "{name}, area {:.3}",
                compute::area(&compute::roc(machines, method))
            )),
            look: Look::Solid,
            colour: method,
            points: curve.clone(),
        })
        .collect();
    lines.push(Line {
        label: Some("chance, area 0.5".to_owned()),
        look: Look::Dashed,
        colour: usize::MAX,
        points: vec![(0.0, 0.0), (1.0, 1.0)],
    });
    Chart {
        title: format!(
            "Four faults of severity {} on {} machines; synthetic vibration",
            SEVERITIES[compute::MIDDLE],
            machines.len()
        ),
        x: Axis::linear("false alarms, share of healthy windows").from(0.0, 1.0),
        y: Axis::linear("flagged, share of windows with a fault").from(0.0, 1.0),
        lines,
        legend: Legend::LowerRight,
        ..Chart::default()
    }
}

fn roc_table(curves: &[Vec<(f64, f64)>]) -> String {
    let mut csv = Csv::new(&["method", "false_alarms", "flagged"]);
    for (name, curve) in METHODS.iter().zip(curves) {
        for (x, y) in curve {
            csv.words([name.to_string(), x.to_string(), y.to_string()]);
        }
    }
    csv.finish()
}
