//! Plots of accuracy while a device learns, and of confusion matrices.

use crate::digits::drawing;
use crate::personalise::compute::Run;
use devices::personal::DIGITS;
use shared::output::{Folder, Picture};
use shared::plot::{Axis, Chart, Legend, Line, Look};
use shared::run::Failure;
use shared::table::Csv;

/// Writes all pictures and their data; returns the paths.
pub fn write(folder: &Folder, runs: &[Run]) -> Result<Vec<String>, Failure> {
    let mut csv = Csv::new(&["world", "labelled", "upright_percent", "turned_percent"]);
    for (world, run) in (1_u32..).zip(runs) {
        for (labelled, [old, new]) in &run.curve {
            csv.row(&[world.into(), (*labelled).into(), *old, *new]);
        }
    }
    let svg = curves(runs).svg()?;
    let mut paths = vec![];
    paths.extend(folder.write_picture(&Picture { name: "accuracy", svg, csv: csv.finish() })?);
    if let Some(Run { before: [_, before], after: [_, after], .. }) = runs.first() {
        for (name, title, matrix) in [
            ("confusion_before", "Turned digits, read by the factory's network", before),
            ("confusion_after", "Turned digits, read after learning", after),
        ] {
            let mut csv = Csv::new(&["target", "output", "count"]);
            for (target, row) in (0_u32..).zip(matrix.counts()) {
                for (output, &count) in (0_u32..).zip(row) {
                    csv.row(&[target.into(), output.into(), count.into()]);
                }
            }
            let svg = drawing::table::<DIGITS>(title, matrix.counts());
            paths.extend(folder.write_picture(&Picture { name, svg, csv: csv.finish() })?);
        }
    }
    Ok(paths)
}

/// The means over all splits, with an area from the worst to the best.
fn curves(runs: &[Run]) -> Chart {
    let mut lines = vec![];
    for (kind, label) in
        ["upright digits, as in the factory", "turned digits, as now"].into_iter().enumerate()
    {
        let points = |pick: &dyn Fn(&[f64]) -> f64| -> Vec<(f64, f64)> {
            let first = runs.first().map_or(&[][..], |run| &run.curve);
            let at = |number: usize| {
                let values: Vec<_> = runs
                    .iter()
                    .filter_map(|run| run.curve.get(number)?.1.get(kind).copied())
                    .collect();
                pick(&values)
            };
            (0..).zip(first).map(|(number, mark)| (mark.0.into(), at(number))).collect()
        };
        let lowest = points(&|values| values.iter().copied().fold(100.0, f64::min));
        let highest = points(&|values| values.iter().copied().fold(0.0, f64::max));
        let area = lowest.into_iter().chain(highest.into_iter().rev()).collect();
        let means = points(&crate::anomaly::compute::mean);
        lines.push(Line { label: None, look: Look::Area, colour: kind, points: area });
        let label = Some(label.to_owned());
        lines.push(Line { label, look: Look::Solid, colour: kind, points: means });
    }
    let forgetful = |kind: usize| {
        let values = runs.iter().filter_map(|run| run.forgetful.get(kind));
        crate::anomaly::compute::mean(&values.map(super::compute::percent).collect::<Vec<_>>())
    };
    let end = runs.first().and_then(|run| run.curve.last()).map_or(0.0, |mark| mark.0.into());
    for (kind, label) in [(0, "the same without upright images in each step"), (1, "")] {
        lines.push(Line {
            label: (!label.is_empty()).then(|| label.to_owned()),
            look: Look::Crosses,
            colour: kind,
            points: vec![(end, forgetful(kind))],
        });
    }
    Chart {
        title: format!(
            "Right answers on held-out digits: means and ranges of {} worlds",
            runs.len()
        ),
        x: Axis::linear("labelled turned digits learned").from(0.0, 105.0),
        y: Axis::linear("right answers, in percent").from(0.0, 100.0),
        lines,
        legend: Legend::LowerRight,
        ..Chart::default()
    }
}
