//! Learning curves: accuracy by the number of samples that networks have seen.

use devices::training::Plan;
use gradlet::metrics::ConfusionMatrix;
use shared::plot::{Line, Look};

/// Whether a network is tested after this number of samples: after `first`, then twice as many, and
/// so on up to an epoch, and then after each epoch.
pub fn is_tested(samples: u32, first: u32, plan: &Plan) -> bool {
    let is_doubled = samples.is_multiple_of(first)
        && samples.checked_div(first).is_some_and(u32::is_power_of_two);
    let is_epoch = samples.is_multiple_of(plan.samples);
    is_epoch || (is_doubled && samples < plan.samples)
}

/// Accuracy in percent.
pub fn percent<const N: usize>(matrix: &ConfusionMatrix<N>) -> f64 {
    100.0 * f64::from(matrix.accuracy().unwrap_or(0.0))
}

/// Mean, minimum and maximum.
pub fn summary(values: &[f64]) -> [f64; 3] {
    let count = u32::try_from(values.len()).unwrap_or(u32::MAX).max(1);
    let mean = values.iter().sum::<f64>() / f64::from(count);
    let fold = |start, pick: fn(f64, f64) -> f64| values.iter().copied().fold(start, pick);
    [mean, fold(f64::INFINITY, f64::min), fold(f64::NEG_INFINITY, f64::max)]
}

/// Number of samples, then mean, minimum and maximum of the accuracies.
pub type Mark = (u32, [f64; 3]);

/// The curve of several networks, from the curve of each: number of samples seen, and accuracy.
pub fn curve<'a>(curves: impl Iterator<Item = &'a Vec<(u32, f64)>>) -> Vec<Mark> {
    let curves: Vec<_> = curves.collect();
    let marks = curves.first().map_or(&[][..], |curve| curve).iter().enumerate();
    let at = |mark: usize| {
        curves.iter().filter_map(|curve| Some(curve.get(mark)?.1)).collect::<Vec<_>>()
    };
    marks.map(|(mark, (samples, _))| (*samples, summary(&at(mark)))).collect()
}

/// The first marks, before the end of the first epoch, and about 16 of the others, with the last.
pub fn thinned(marks: &[Mark]) -> impl Iterator<Item = &Mark> {
    let every = marks.len().div_ceil(16);
    let kept = marks.iter().zip((0..marks.len()).rev()).enumerate();
    let kept = kept.filter(move |(number, (_, left))| *number < 6 || left.is_multiple_of(every));
    kept.map(|(_, (mark, _))| mark)
}

/// A line through the mean, with an area from the lowest to the highest; for a logarithmic axis.
pub fn lines(colour: usize, name: &str, marks: &[Mark]) -> [Line; 2] {
    let line = |pick: fn(&[f64; 3]) -> f64| {
        let marks = marks.iter().filter(|(samples, _)| *samples > 0);
        marks.map(move |(samples, values)| (f64::from(*samples), pick(values)))
    };
    let area = line(|[_, lowest, _]| *lowest).chain(line(|[.., highest]| *highest).rev());
    let mean = Line::solid(colour, line(|[mean, ..]| *mean)).named(name);
    [Line::new(Look::Area, colour, area), mean]
}
