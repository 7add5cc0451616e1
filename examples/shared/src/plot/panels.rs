//! Panels: several charts in one picture.

use super::{Chart, DrawError, Size, heading, units};
use crate::output::Picture;
use crate::table::Csv;

/// A grid of charts, in rows of `columns`.
#[derive(Clone, Debug)]
pub struct Panels {
    pub title: String,
    /// Their own sizes are ignored.
    pub charts: Vec<Chart>,
    pub columns: usize,
}

/// Width and height of a panel.
const PANEL: (u32, u32) = (420, 340);
const HEADING: u32 = 44;

impl Panels {
    /// Charts in rows of `columns`.
    pub fn new(title: impl Into<String>, columns: usize, charts: Vec<Chart>) -> Self {
        Self { title: title.into(), charts, columns }
    }

    /// The charts and their points, in files of this name.
    pub fn picture(&self, name: &'static str) -> Result<Picture, DrawError> {
        let mut csv = Csv::new(&["panel", "line", "x", "y"]);
        for chart in &self.charts {
            chart.rows(&mut csv, Some(&chart.title));
        }
        Ok(Picture { name, svg: self.svg()?, csv: csv.finish() })
    }

    /// The picture as SVG.
    pub fn svg(&self) -> Result<String, DrawError> {
        let columns = self.columns.max(1);
        let rows = self.charts.len().div_ceil(columns).max(1);
        let times = |length: u32, count: usize| {
            length.saturating_mul(u32::try_from(count).unwrap_or(u32::MAX))
        };
        let height = times(PANEL.1, rows).saturating_add(HEADING);
        let size = Size { width: times(PANEL.0, columns), height };
        size.svg(|area| {
            heading(area, &self.title, 19)?;
            let (_, below) = area.split_vertically(units(HEADING));
            for (area, chart) in below.split_evenly((rows, columns)).iter().zip(&self.charts) {
                chart.draw(area, 15, 40)?;
            }
            Ok(())
        })
    }
}
