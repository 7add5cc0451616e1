//! Heat maps.

use plotters::prelude::*;

use super::{DrawError, Plane};

/// Colour palette.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Palette {
    /// Two pale colours, below and above 0.5: the decision regions of two classes.
    Classes,
    /// From white to blue, from the minimum to the maximum.
    Blue,
    /// From blue by way of white, at 0, to red: as far from 0 as the value that is farthest.
    Signed,
}

/// Number of steps between two colours.
const STEPS: f64 = 12.0;
const BLUE: [f64; 3] = [20.0, 90.0, 160.0];
const RED: [f64; 3] = [190.0, 40.0, 30.0];

/// A grid of values, each shown as the colour of a cell.
#[derive(Clone, Debug)]
pub struct Heat {
    /// Ends of the axis.
    pub x: (f64, f64),
    /// Ends of the axis.
    pub y: (f64, f64),
    /// Rows from low `y` to high, each from low `x` to high.
    pub values: Vec<Vec<f64>>,
    pub palette: Palette,
}

impl Heat {
    pub(super) fn corners(&self) -> [(f64, f64); 2] {
        [(self.x.0, self.y.0), (self.x.1, self.y.1)]
    }

    pub(super) fn draw<'a, DB: DrawingBackend + 'a>(
        &self,
        plane: &mut Plane<'a, DB>,
    ) -> Result<(), DrawError> {
        let all = || self.values.iter().flatten().copied();
        let (low, high) = (all().fold(f64::INFINITY, f64::min), all().fold(f64::MIN, f64::max));
        let colour = |value: f64| self.palette.colour(value, low, high);
        let mut cells = vec![];
        for (row, values) in (0_u32..).zip(&self.values) {
            let y = |row| between(self.y, row, self.values.len());
            let x = |column| between(self.x, column, values.len());
            let mut start = 0;
            // Neighbours of the same colour are merged, which makes the file smaller.
            for (column, value) in (1_u32..).zip(values) {
                let next = values.get(column as usize);
                if next.is_none_or(|next| colour(*next) != colour(*value)) {
                    let corners = [(x(start), y(row)), (x(column), y(row.saturating_add(1)))];
                    cells.push(Rectangle::new(corners, colour(*value).filled()));
                    start = column;
                }
            }
        }
        plane.draw_series(cells)?;
        Ok(())
    }
}

/// Start of a cell.
#[allow(clippy::cast_precision_loss, reason = "there are few cells")]
fn between((low, high): (f64, f64), number: u32, count: usize) -> f64 {
    low + (high - low) * f64::from(number) / count as f64
}

impl Palette {
    fn colour(self, value: f64, low: f64, high: f64) -> RGBColor {
        match self {
            Self::Classes if value < 0.5 => RGBColor(250, 222, 204),
            Self::Classes => RGBColor(207, 227, 242),
            Self::Blue => {
                let share = if high > low { (value - low) / (high - low) } else { 0.0 };
                mixed(BLUE, share)
            }
            Self::Signed => {
                let most = high.max(-low);
                let share = if most > 0.0 { value / most } else { 0.0 };
                mixed(if share < 0.0 { BLUE } else { RED }, share.abs())
            }
        }
    }
}

/// White with a share of a colour, in steps.
fn mixed(full: [f64; 3], share: f64) -> RGBColor {
    let share = (share * STEPS).round() / STEPS;
    let [red, green, blue] = full.map(|full| byte(255.0 + (full - 255.0) * share));
    RGBColor(red, green, blue)
}

/// Rounds to an integer from 0 to 255.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "that is wanted")]
pub(super) fn byte(value: f64) -> u8 {
    value.round().clamp(0.0, 255.0) as u8
}
