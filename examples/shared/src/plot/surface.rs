//! Surface plots of functions of two variables.

use plotters::prelude::*;

use super::heat::byte;
use super::{Axis, DrawError, Size, colour, font, heading, thin, units};

/// A surface plot, with a path on the surface.
#[derive(Clone, Debug)]
pub struct Surface {
    pub title: String,
    /// Must have explicit ends.
    pub x: Axis,
    /// Must have explicit ends.
    pub y: Axis,
    /// Axis of the function's values.
    pub z: Axis,
    /// Values at the nodes of a grid, both ends of the axes included: rows from low `y` to high. Up
    /// to about 25 by 25: each cell takes a hundred bytes.
    pub values: Vec<Vec<f64>>,
    /// Points on the surface: `(x, y, z)`.
    pub path: Vec<(f64, f64, f64)>,
    /// View: yaw and pitch in radians.
    pub yaw: f64,
    pub pitch: f64,
}

impl Default for Surface {
    fn default() -> Self {
        Self {
            title: String::new(),
            x: Axis::linear(""),
            y: Axis::linear(""),
            z: Axis::linear(""),
            values: vec![],
            path: vec![],
            yaw: 0.6,
            pitch: 0.5,
        }
    }
}

impl Surface {
    /// The picture as SVG.
    pub fn svg(&self) -> Result<String, DrawError> {
        let all = || self.values.iter().flatten().copied().filter(|value| value.is_finite());
        let ends = |ends: (f64, f64)| if ends.1 > ends.0 { ends } else { (0.0, 1.0) };
        let found = (all().fold(f64::INFINITY, f64::min), all().fold(f64::NEG_INFINITY, f64::max));
        let (low, high) = ends(self.z.range.unwrap_or(found));
        let unit = (0.0, 1.0);
        let (x0, x1) = ends(self.x.range.unwrap_or(unit));
        let (y0, y1) = ends(self.y.range.unwrap_or(unit));
        Size::SQUARE.svg(|area| {
            heading(area, &self.title, 17)?;
            let mut space = ChartBuilder::on(area)
                .margin(units(30))
                .margin_top(units(46))
                .margin_bottom(units(44))
                // In a 3D chart of `plotters`, the vertical axis is the second.
                .build_cartesian_3d(x0..x1, low..high, y0..y1)?;
            space.with_projection(|mut projection| {
                (projection.yaw, projection.pitch, projection.scale) = (self.yaw, self.pitch, 0.85);
                projection.into_matrix()
            });
            space
                .configure_axes()
                .light_grid_style(TRANSPARENT)
                .bold_grid_style(thin(205))
                .axis_panel_style(WHITE)
                .x_labels(5)
                .y_labels(5)
                .z_labels(5)
                .label_style(font(13))
                .draw()?;
            space.draw_series(self.cells((x0, x1), (y0, y1), (low, high)))?;
            let line = ShapeStyle::from(&colour(1)).stroke_width(units(3)).filled();
            let points = || self.path.iter().map(|&(x, y, z)| (x, z, y));
            space.draw_series(LineSeries::new(points(), line))?;
            space.draw_series(points().map(|point| Circle::new(point, units(4), line)))?;
            self.name_axes(area)
        })
    }

    /// The cells, from back to front.
    #[allow(clippy::cast_precision_loss, reason = "grids are small")]
    fn cells(
        &self,
        x: (f64, f64),
        y: (f64, f64),
        (low, high): (f64, f64),
    ) -> Vec<Polygon<(f64, f64, f64)>> {
        let at = |(low, high): (f64, f64), number: usize, count: usize| {
            low + (high - low) * number as f64 / count.saturating_sub(1).max(1) as f64
        };
        let columns = self.values.first().map_or(0, Vec::len);
        let node = |row: usize, column: usize| {
            let z = *self.values.get(row)?.get(column)?;
            Some((at(x, column, columns), z.clamp(low, high), at(y, row, self.values.len())))
        };
        let mut cells = vec![];
        for row in 1..self.values.len() {
            for column in 1..columns {
                let (before, left) = (row.saturating_sub(1), column.saturating_sub(1));
                let corners = [(before, left), (before, column), (row, column), (row, left)];
                let corners: Option<Vec<_>> =
                    corners.into_iter().map(|(row, column)| node(row, column)).collect();
                let Some(corners) = corners else { continue };
                let height = corners.iter().map(|corner| corner.1).sum::<f64>() / 4.0;
                let share = (height - low) / (high - low);
                let mix = |from: f64, to: f64| byte(from + (to - from) * share);
                let fill = RGBColor(mix(40.0, 225.0), mix(100.0, 238.0), mix(170.0, 250.0));
                cells.push((corners.clone(), Polygon::new(corners, fill.filled())));
            }
        }
        // Where `x sin yaw + y cos yaw` is large, the distance from the eye is large.
        let (sine, cosine) = self.yaw.sin_cos();
        let width = |(low, high): (f64, f64)| (high - low).max(f64::MIN_POSITIVE);
        let distance = |corners: &[(f64, f64, f64)]| {
            corners
                .first()
                .map_or(0.0, |&(at_x, _, at_y)| at_y / width(y) * cosine - at_x / width(x) * sine)
        };
        cells.sort_by(|(a, _), (b, _)| distance(a).total_cmp(&distance(b)));
        cells.into_iter().map(|(_, cell)| cell).collect()
    }

    /// The names of the axes, in a line at the bottom: in 3D the surface would hide them.
    fn name_axes(&self, area: &super::Area<'_>) -> Result<(), DrawError> {
        let names = format!(
            "to the right: {}, to the front: {}, up: {}",
            self.x.label, self.y.label, self.z.label
        );
        let (width, height) = area.dim_in_pixel();
        let half = |length: u32| i32::try_from(length / 2).unwrap_or(i32::MAX);
        let bottom = i32::try_from(height.saturating_sub(units(12))).unwrap_or(i32::MAX);
        let style = font(14).pos(super::Pos::new(super::HPos::Center, super::VPos::Bottom));
        area.draw(&Text::new(names, (half(width), bottom), style))?;
        Ok(())
    }
}
