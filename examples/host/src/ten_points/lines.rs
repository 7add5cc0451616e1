//! All separations of the points by a straight line.
//!
//! Any line that separates the points can be moved, without changing the separation, until it
//! almost goes through two of them. So it is enough to examine the lines through two points: a
//! small rotation of such a line puts its points up to some position on one side and those after it
//! on the other. All coordinates are multiples of 1/2, so the computation is exact.

use std::collections::BTreeSet;

use super::{POINTS, Point};

/// The points with a positive prediction.
pub type Split = Vec<bool>;

/// Result of the search.
#[derive(Clone, Debug)]
pub struct Search {
    /// Lines through two points or more.
    pub lines: usize,
    /// The different separations, counted for both sides.
    pub splits: BTreeSet<Split>,
}

impl Search {
    /// Number of separations by number of correct predictions, from none to all.
    pub fn by_correct(&self) -> Vec<usize> {
        let with = |number| self.splits.iter().filter(|split| correct(split) == number).count();
        (0..=POINTS.len()).map(with).collect()
    }

    /// The highest number of correct predictions by a line.
    pub fn best(&self) -> usize {
        self.splits.iter().map(|split| correct(split)).max().unwrap_or(0)
    }
}

/// Number of correct predictions.
pub fn correct(split: &[bool]) -> usize {
    split.iter().zip(&POINTS).filter(|(yes, point)| **yes == is_yes(point)).count()
}

fn is_yes(&(_, [label]): &Point) -> bool {
    label > 0.5
}

/// The side of the line from `from` to `to` on which a point is, and its position along the line.
fn place([a1, a2]: [f64; 2], [b1, b2]: [f64; 2], [x1, x2]: [f64; 2]) -> (f64, f64) {
    let (d1, d2) = (b1 - a1, b2 - a2);
    (d1 * (x2 - a2) - d2 * (x1 - a1), d1 * (x1 - a1) + d2 * (x2 - a2))
}

/// Examines every line through two points, rotated a little and moved a little to either side.
pub fn search() -> Search {
    let (mut lines, mut splits) = (BTreeSet::new(), BTreeSet::new());
    for (number, &(from, _)) in POINTS.iter().enumerate() {
        for &(to, _) in POINTS.iter().skip(number.saturating_add(1)) {
            let places: Vec<_> = POINTS.iter().map(|&(x, _)| place(from, to, x)).collect();
            lines.insert(places.iter().map(|&(side, _)| side == 0.0).collect::<Split>());
            splits.extend(near(&places));
        }
    }
    Search { lines: lines.len(), splits }
}

/// The separations by lines very close to one line, along which the points have these positions.
fn near(places: &[(f64, f64)]) -> Vec<Split> {
    let on: Vec<f64> =
        places.iter().filter(|(side, _)| *side == 0.0).map(|&(_, along)| along).collect();
    // A cut after each point of the line, and one before all of them.
    let cuts = on.iter().copied().chain([f64::NEG_INFINITY]);
    let mut splits = vec![];
    for cut in cuts {
        for early in [false, true] {
            let split = |&(side, along): &(f64, f64)| {
                if side == 0.0 { (along <= cut) == early } else { side > 0.0 }
            };
            let split: Split = places.iter().map(split).collect();
            splits.push(split.iter().map(|yes| !yes).collect());
            splits.push(split);
        }
    }
    splits
}

/// The weights and the bias of a neuron with nine correct predictions: only that for `(1, 1)` is
/// negative, by the line halfway between that point and `(1/2, 1/2)`.
pub const NINE: [f64; 3] = [-1.0, -1.0, 1.5];

/// The coefficients of `(1, 1)` and `(-1, -1)` in the convex combination `(1/2, 1/2)`.
pub const SHARES: [f64; 2] = [0.75, 0.25];
