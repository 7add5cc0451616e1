//! Held-out points from the same distribution as the text's data: two half circles, and noise.

use core::f64::consts::{PI, TAU};

use rand_pcg::Pcg32;
use rand_pcg::rand_core::{Rng, SeedableRng};

use super::Point;

/// `count` points, about half of each class, from a generator with this seed.
///
/// The upper moon is `(cos a, sin a)`, the lower one `(1 - cos a, 0.5 - sin a)`, each for equally
/// spaced angles `a` from 0 to pi. A normal number with the standard deviation `noise` is added to
/// each coordinate.
pub fn moons(count: u32, noise: f64, generator: u64) -> Vec<Point> {
    let mut rng = Pcg32::seed_from_u64(generator);
    let upper = count / 2;
    let angles = |count: u32| super::nodes((0.0, PI), count);
    let upper = angles(upper).map(|a| ([a.cos(), a.sin()], 0));
    let lower = angles(count.div_ceil(2)).map(|a| ([1.0 - a.cos(), 0.5 - a.sin()], 1));
    upper
        .chain(lower)
        .map(|(at, class)| {
            let noise = normal_pair(&mut rng).map(|deviate| noise * deviate);
            let ([x, y], [dx, dy]) = (at, noise);
            Point { at: [x + dx, y + dy], class }
        })
        .collect()
}

/// `count` points of each class in two clouds that a line separates, around (-1.5, -1) and (1.5, 1).
pub fn clouds(count: u32, generator: u64) -> Vec<Point> {
    let mut rng = Pcg32::seed_from_u64(generator);
    let mut point = |class: usize, [x, y]: [f64; 2]| {
        let [dx, dy] = normal_pair(&mut rng);
        Point { at: [x + 0.55 * dx, y + 0.55 * dy], class }
    };
    let both = |_| [point(0, [-1.5, -1.0]), point(1, [1.5, 1.0])];
    (0..count).flat_map(both).collect()
}

/// `count` points in the middle, of class 0, and as many on a ring around them, of class 1.
pub fn ring(count: u32, generator: u64) -> Vec<Point> {
    let mut rng = Pcg32::seed_from_u64(generator);
    let mut place = |radius: f64, angle: f64| {
        let [dx, dy] = normal_pair(&mut rng);
        [radius * angle.cos() + 0.2 * dx, radius * angle.sin() + 0.2 * dy]
    };
    let both = |angle| {
        let (middle, around) = (place(0.2, angle), place(1.6, angle));
        [Point { at: middle, class: 0 }, Point { at: around, class: 1 }]
    };
    super::nodes((0.0, TAU), count).flat_map(both).collect()
}

/// Accuracy of the optimal (Bayes) classifier: it predicts the class whose half circle and noise
/// make the point more likely.
pub fn best_share(points: &[Point], noise: f64) -> f64 {
    let angles: Vec<_> = super::nodes((0.0, PI), 100).map(f64::sin_cos).collect();
    let likelihood = |[x, y]: [f64; 2]| {
        let near = |&(sin, cos): &(f64, f64)| {
            let (dx, dy) = ((x - cos) / noise, (y - sin) / noise);
            (-0.5 * (dx * dx + dy * dy)).exp()
        };
        angles.iter().map(near).sum::<f64>()
    };
    let is_right = |point: &Point| {
        let [x, y] = point.at;
        // The lower moon is the upper one, rotated by 180 degrees.
        let lower = likelihood([1.0 - x, 0.5 - y]) > likelihood([x, y]);
        lower == (point.class == 1)
    };
    let share = |is_right: bool| if is_right { 1.0 } else { 0.0 };
    let right: f64 = points.iter().map(|point| share(is_right(point))).sum();
    right / f64::from(u32::try_from(points.len()).unwrap_or(u32::MAX)).max(1.0)
}

/// Two standard normal numbers, by the Box-Muller transform (1958).
fn normal_pair(rng: &mut Pcg32) -> [f64; 2] {
    // In 0 .. 1, excluding 0.
    let mut uniform = || (f64::from(rng.next_u32()) + 0.5) / 4_294_967_296.0;
    let radius = (-2.0 * uniform().ln()).sqrt();
    let (sin, cos) = (TAU * uniform()).sin_cos();
    [radius * cos, radius * sin]
}
