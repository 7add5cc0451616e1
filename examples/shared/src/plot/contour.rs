//! Contour lines.

use std::collections::BTreeMap;

/// A point on a grid line where the level is crossed: between a node and the one to its right or
/// above.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Crossing {
    row: usize,
    column: usize,
    upwards: bool,
}

/// The contour lines of a function at `level`, by marching squares.
///
/// `values` are those at the nodes of a grid from `x.0` to `x.1` and from `y.0` to `y.1`, both ends
/// included: rows from low `y` to high. A closed line ends at its first point.
///
/// ```text
/// for points in contours((-1.0, 1.0), (-1.0, 1.0), &grid, 0.5) { lines.push(Line { points, .. }) }
/// ```
pub fn contours(
    x: (f64, f64),
    y: (f64, f64),
    values: &[Vec<f64>],
    level: f64,
) -> Vec<Vec<(f64, f64)>> {
    let grid = Grid { x, y, values, level };
    let mut neighbours: BTreeMap<Crossing, Vec<Crossing>> = BTreeMap::new();
    for (from, to) in grid.pieces() {
        neighbours.entry(from).or_default().push(to);
        neighbours.entry(to).or_default().push(from);
    }
    let mut lines = vec![];
    // Open lines first, starting at an end.
    while let Some(start) = start(&neighbours) {
        let mut line = vec![start];
        let mut here = start;
        while let Some(next) = neighbours.get_mut(&here).and_then(Vec::pop) {
            if let Some(back) = neighbours.get_mut(&next)
                && let Some(place) = back.iter().position(|other| *other == here)
            {
                back.swap_remove(place);
            }
            line.push(next);
            here = next;
        }
        lines.push(line.into_iter().filter_map(|crossing| grid.place(crossing)).collect());
    }
    lines
}

fn start(neighbours: &BTreeMap<Crossing, Vec<Crossing>>) -> Option<Crossing> {
    let with = |count: usize| neighbours.iter().find(|(_, others)| others.len() == count);
    with(1).or_else(|| with(2)).map(|(crossing, _)| *crossing)
}

struct Grid<'a> {
    x: (f64, f64),
    y: (f64, f64),
    values: &'a [Vec<f64>],
    level: f64,
}

impl Grid<'_> {
    fn value(&self, row: usize, column: usize) -> Option<f64> {
        self.values.get(row)?.get(column).copied()
    }

    /// The line segments within each cell.
    fn pieces(&self) -> Vec<(Crossing, Crossing)> {
        let columns = self.values.first().map_or(0, Vec::len);
        let cells =
            (1..self.values.len()).flat_map(|row| (1..columns).map(move |column| (row, column)));
        cells.flat_map(|(top, right)| self.cell(top, right).unwrap_or_default()).collect()
    }

    /// The segments of the cell with this upper right corner.
    fn cell(&self, top: usize, right: usize) -> Option<Vec<(Crossing, Crossing)>> {
        let (bottom, left) = (top.checked_sub(1)?, right.checked_sub(1)?);
        let corners = [(bottom, left), (bottom, right), (top, right), (top, left)];
        let mut above = [false; 4];
        for (above, (row, column)) in above.iter_mut().zip(corners) {
            *above = self.value(row, column)? > self.level;
        }
        let edges = [
            Crossing { row: bottom, column: left, upwards: false },
            Crossing { row: bottom, column: right, upwards: true },
            Crossing { row: top, column: left, upwards: false },
            Crossing { row: bottom, column: left, upwards: true },
        ];
        let next = [above[1], above[2], above[3], above[0]];
        let is_crossed = above.iter().zip(next).map(|(&one, other)| one != other);
        let crossed: Vec<_> =
            edges.into_iter().zip(is_crossed).filter_map(|(edge, is)| is.then_some(edge)).collect();
        Some(match crossed[..] {
            [a, b] => vec![(a, b)],
            // A saddle: the two corners above the level stay separate.
            [a, b, c, d] if above[0] => vec![(a, d), (b, c)],
            [a, b, c, d] => vec![(a, b), (c, d)],
            _ => vec![],
        })
    }

    /// The crossing between two nodes, by linear interpolation.
    #[allow(clippy::cast_precision_loss, reason = "grids are small")]
    fn place(&self, Crossing { row, column, upwards }: Crossing) -> Option<(f64, f64)> {
        let here = self.value(row, column)?;
        let there = if upwards {
            self.value(row.checked_add(1)?, column)?
        } else {
            self.value(row, column.checked_add(1)?)?
        };
        let share = (self.level - here) / (there - here);
        let (dx, dy) = if upwards { (0.0, share) } else { (share, 0.0) };
        let at = |(low, high): (f64, f64), number: f64, count: usize| {
            low + (high - low) * number / count.checked_sub(1).map_or(1.0, |steps| steps as f64)
        };
        let columns = self.values.first()?.len();
        Some((
            at(self.x, column as f64 + dx, columns),
            at(self.y, row as f64 + dy, self.values.len()),
        ))
    }
}
