//! Charts as SVG, a few kilobytes each.
//!
//! ```text
//! let chart = Chart::new("Training", Axis::linear("updates"), Axis::log("loss"))
//!     .with(Line::solid(0, points).named("training"))
//!     .with(Line::dashed(1, others).named("held out"));
//! folder.write_picture(&chart.picture("loss")?)?;
//! ```
//!
//! Shapes are drawn on a finer grid than the size of the picture, since `plotters` rounds every
//! position in an SVG to an integer.
#![allow(unused_imports, reason = "each example uses its own part")]

mod axis;
mod contour;
mod heat;
pub mod matrix;
mod panels;
mod series;
mod surface;

use core::error::Error;
use core::fmt;

pub use axis::three_digits;
use axis::{Ticks, place};
pub use contour::contours;
pub use heat::{Heat, Palette};
pub use panels::Panels;
use plotters::chart::{ChartContext, SeriesLabelPosition};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
pub use surface::Surface;

use crate::output::Picture;
use crate::table::Csv;

/// Width and height of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    width: u32,
    height: u32,
}

impl Size {
    pub const WIDE: Self = Self { width: 840, height: 500 };
    pub const SQUARE: Self = Self { width: 620, height: 600 };

    /// The SVG of what `draw` draws.
    fn svg(
        self,
        draw: impl FnOnce(&Area<'_>) -> Result<(), DrawError>,
    ) -> Result<String, DrawError> {
        let fine = (units(self.width), units(self.height));
        let mut svg = String::new();
        {
            let area = SVGBackend::with_string(&mut svg, fine).into_drawing_area();
            area.fill(&WHITE)?;
            draw(&area)?;
            area.present()?;
        }
        // The finer grid stays in the `viewBox`.
        let of = |(width, height)| format!("width=\"{width}\" height=\"{height}\"");
        Ok(svg.replacen(&of(fine), &of((self.width, self.height)), 1))
    }
}

/// Grid positions per unit of a [`Size`].
const FINE: u32 = 8;

/// Colours that colour-blind people can distinguish (Okabe and Ito).
const COLOURS: [RGBColor; 5] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
];
const TEXT: RGBColor = RGBColor(34, 34, 34);

fn colour(number: usize) -> RGBColor {
    COLOURS.get(number).copied().unwrap_or(TEXT)
}

/// The colour, mixed with four parts of white.
fn pale(RGBColor(red, green, blue): RGBColor) -> RGBColor {
    let mix = |full: u8| heat::byte(f64::from(full).mul_add(0.2, 0.8 * 255.0));
    RGBColor(mix(red), mix(green), mix(blue))
}

/// A chart that could not be drawn.
#[derive(Debug)]
pub struct DrawError(String);

impl fmt::Display for DrawError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot draw the chart: {}", self.0)
    }
}

impl Error for DrawError {}

impl<E: Error + Send + Sync> From<DrawingAreaErrorKind<E>> for DrawError {
    fn from(error: DrawingAreaErrorKind<E>) -> Self {
        Self(error.to_string())
    }
}

/// Scale of an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    Linear,
    /// Logarithmic. Values of 0 and below are omitted.
    Log,
}

/// An axis.
#[derive(Clone, Debug)]
pub struct Axis {
    pub label: String,
    pub scale: Scale,
    /// Its ends; by default, those of the lines and the heat map, extended to ticks.
    pub range: Option<(f64, f64)>,
}

impl Axis {
    /// A linear axis, which ends at ticks.
    pub fn linear(label: &str) -> Self {
        Self { label: label.to_owned(), scale: Scale::Linear, range: None }
    }

    /// A logarithmic axis, which ends at powers of ten.
    pub fn log(label: &str) -> Self {
        Self { label: label.to_owned(), scale: Scale::Log, range: None }
    }

    /// The same axis with these ends.
    pub fn from(self, low: f64, high: f64) -> Self {
        Self { range: Some((low, high)), ..self }
    }
}

/// Style of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// A line through them.
    Solid,
    /// A dashed line through them.
    Dashed,
    /// A dot at each.
    Dots,
    /// An x at each.
    Crosses,
    /// A square at each.
    Squares,
    /// A pale area enclosed by the points, under the grid.
    Area,
}

/// A line of a chart.
#[derive(Clone, Debug)]
pub struct Line {
    /// Label in the legend; a line without one is not in the legend.
    pub label: Option<String>,
    pub look: Look,
    /// Index of its colour.
    pub colour: usize,
    pub points: Vec<(f64, f64)>,
}

/// The points of a line.
pub type Points = Vec<(f64, f64)>;

impl Line {
    /// A line in one of the colours, without a label.
    pub fn new(look: Look, colour: usize, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        Self { label: None, look, colour, points: points.into_iter().collect() }
    }

    /// A solid line.
    pub fn solid(colour: usize, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        Self::new(Look::Solid, colour, points)
    }

    /// A dashed line.
    pub fn dashed(colour: usize, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        Self::new(Look::Dashed, colour, points)
    }

    /// Dots.
    pub fn dots(colour: usize, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        Self::new(Look::Dots, colour, points)
    }

    /// Crosses.
    pub fn crosses(colour: usize, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        Self::new(Look::Crosses, colour, points)
    }

    /// With a label in the legend.
    pub fn named(self, label: impl Into<String>) -> Self {
        Self { label: Some(label.into()), ..self }
    }
}

/// A text to the upper right of a point; to the lower left if the point is near the right edge.
#[derive(Clone, Debug)]
pub struct Note {
    pub at: (f64, f64),
    pub text: String,
}

/// Position of the legend, if more than one line has a label: where it hides no line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Legend {
    UpperRight,
    MiddleRight,
    #[default]
    LowerLeft,
    LowerRight,
}

impl Legend {
    const fn position(self) -> SeriesLabelPosition {
        match self {
            Self::UpperRight => SeriesLabelPosition::UpperRight,
            Self::MiddleRight => SeriesLabelPosition::MiddleRight,
            Self::LowerLeft => SeriesLabelPosition::LowerLeft,
            Self::LowerRight => SeriesLabelPosition::LowerRight,
        }
    }
}

/// A chart of lines and points.
#[derive(Clone, Debug)]
pub struct Chart {
    pub title: String,
    pub x: Axis,
    pub y: Axis,
    /// A heat map under the lines.
    pub heat: Option<Heat>,
    /// Drawn in this order.
    pub lines: Vec<Line>,
    pub notes: Vec<Note>,
    pub legend: Legend,
    pub size: Size,
}

impl Default for Chart {
    fn default() -> Self {
        Self {
            title: String::new(),
            x: Axis::linear(""),
            y: Axis::linear(""),
            heat: None,
            lines: vec![],
            notes: vec![],
            legend: Legend::default(),
            size: Size::WIDE,
        }
    }
}

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Plane<'a, DB> = ChartContext<'a, DB, Cartesian2d<Ticks, Ticks>>;

/// A number of units of [`SIZE`], in grid positions.
fn units(number: u32) -> u32 {
    number.saturating_mul(FINE)
}

/// A length as a signed integer, as `plotters` needs it.
fn signed(number: u32) -> i32 {
    units(number).try_into().unwrap_or(i32::MAX)
}

fn font(size: u32) -> TextStyle<'static> {
    // `plotters` divides the size by 1.24 when it writes an SVG.
    TextStyle::from(("sans-serif", f64::from(units(size)) * 1.24)).color(&TEXT)
}

/// Draws a title at the top of an area.
fn heading(area: &Area<'_>, title: &str, size: u32) -> Result<(), DrawError> {
    let style = font(size).pos(Pos::new(HPos::Center, VPos::Top));
    let (width, _) = area.dim_in_pixel();
    let middle = i32::try_from(width / 2).unwrap_or(i32::MAX);
    area.draw(&Text::new(title, (middle, signed(14)), style))?;
    Ok(())
}

/// Style of a line one unit wide, in this grey.
fn thin(grey: u8) -> ShapeStyle {
    ShapeStyle::from(&RGBColor(grey, grey, grey)).stroke_width(FINE)
}

impl Chart {
    /// An empty chart.
    pub fn new(title: impl Into<String>, x: Axis, y: Axis) -> Self {
        Self { title: title.into(), x, y, ..Self::default() }
    }

    /// With one more line.
    pub fn with(mut self, line: Line) -> Self {
        self.lines.push(line);
        self
    }

    /// With more lines.
    pub fn with_all(mut self, lines: impl IntoIterator<Item = Line>) -> Self {
        self.lines.extend(lines);
        self
    }

    /// With a note at a point.
    pub fn note(mut self, at: (f64, f64), text: impl Into<String>) -> Self {
        self.notes.push(Note { at, text: text.into() });
        self
    }

    /// With the legend at this position.
    pub fn legend(self, legend: Legend) -> Self {
        Self { legend, ..self }
    }

    /// The points of its lines as CSV: a column with the label of the line, or its number from 1, then
    /// `x` and `y`.
    pub fn csv(&self) -> String {
        let mut csv = Csv::new(&["line", "x", "y"]);
        self.rows(&mut csv, None);
        csv.finish()
    }

    /// Adds its points to a table, after the name of the panel if there is one.
    fn rows(&self, csv: &mut Csv, panel: Option<&str>) {
        // Cells have no commas.
        let cell = |text: &str| text.replace(',', ";");
        for (line, number) in self.lines.iter().zip(1_u32..) {
            let name = line.label.clone().unwrap_or_else(|| number.to_string());
            for (x, y) in line.points.iter().filter(|(x, y)| x.is_finite() && y.is_finite()) {
                let cells = [cell(&name), x.to_string(), y.to_string()];
                csv.words(panel.map(cell).into_iter().chain(cells));
            }
        }
    }

    /// The chart and its points, in files of this name.
    pub fn picture(&self, name: &'static str) -> Result<Picture, DrawError> {
        Ok(Picture { name, svg: self.svg()?, csv: self.csv() })
    }

    /// The chart as SVG.
    pub fn svg(&self) -> Result<String, DrawError> {
        self.size.svg(|area| self.draw(area, 19, 46))
    }

    fn points(&self) -> impl Iterator<Item = (f64, f64)> {
        let corners = self.heat.iter().flat_map(Heat::corners);
        self.lines.iter().flat_map(|line| line.points.iter().copied()).chain(corners)
    }

    fn place(&self, (x, y): (f64, f64)) -> Option<(f64, f64)> {
        place(self.x.scale, x).zip(place(self.y.scale, y))
    }

    /// Draws the chart, with a title of size `title` and a top margin of `room`.
    fn draw(&self, area: &Area<'_>, title: u32, room: u32) -> Result<(), DrawError> {
        heading(area, &self.title, title)?;
        let mut plane = ChartBuilder::on(area)
            .margin(units(14))
            .margin_top(units(room))
            .margin_right(units(28))
            .x_label_area_size(units(50))
            .y_label_area_size(units(76))
            .build_cartesian_2d(
                Ticks::of(&self.x, self.points().map(|(x, _)| x)),
                Ticks::of(&self.y, self.points().map(|(_, y)| y)),
            )?;
        if let Some(heat) = &self.heat {
            heat.draw(&mut plane)?;
        }
        for area in self.lines.iter().filter(|line| line.look == Look::Area) {
            self.draw_line(&mut plane, area)?;
        }
        plane
            .configure_mesh()
            .bold_line_style(thin(208))
            .light_line_style(thin(238))
            .axis_style(thin(110))
            .set_all_tick_mark_size(units(5))
            .label_style(font(14))
            .axis_desc_style(font(15))
            .x_desc(&self.x.label)
            .y_desc(&self.y.label)
            .draw()?;
        for line in self.lines.iter().filter(|line| line.look != Look::Area) {
            self.draw_line(&mut plane, line)?;
        }
        for note in &self.notes {
            self.draw_note(&mut plane, note)?;
        }
        if self.lines.iter().filter(|line| line.label.is_some()).count() > 1 {
            plane
                .configure_series_labels()
                .position(self.legend.position())
                .margin(units(14))
                .legend_area_size(units(40))
                .background_style(WHITE)
                .border_style(thin(190))
                .label_font(font(14))
                .draw()?;
        }
        Ok(())
    }
}
