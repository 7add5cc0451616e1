//! Line charts as SVG text, a few kilobytes each.
//!
//! The shapes are placed on a grid finer than the picture's size, since `plotters` rounds every
//! position of an SVG to a whole number.
#![allow(clippy::arithmetic_side_effects, reason = "`+` also joins drawn elements")]

use core::error::Error;
use core::fmt;
use core::iter::successors;
use core::ops::Range;

use plotters::chart::{ChartContext, SeriesAnno, SeriesLabelPosition};
use plotters::coord::Shift;
use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// Width and height of the picture.
const SIZE: (u32, u32) = (840, 500);
/// Positions for each unit of [`SIZE`].
const FINE: u32 = 8;

/// Colours that the colour-blind can tell apart (Okabe and Ito).
const COLOURS: [RGBColor; 5] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
];
const TEXT: RGBColor = RGBColor(34, 34, 34);

/// A chart that could not be drawn.
#[derive(Debug)]
pub(crate) struct DrawError(String);

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

/// How values become places on an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scale {
    Linear,
    /// Equal factors take equal room. Values of 0 and below are left out.
    Log,
}

/// An axis; its range is that of the lines, widened to ticks.
#[derive(Clone, Debug)]
pub(crate) struct Axis {
    pub(crate) label: String,
    pub(crate) scale: Scale,
}

/// What is drawn at the points of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// A line through them.
    Solid,
    /// A dashed line through them.
    Dashed,
    /// A dot at each.
    Dots,
}

/// A line of a chart.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    /// What the legend says; a line without it is not in the legend.
    pub(crate) label: Option<String>,
    pub(crate) look: Look,
    /// Which of the colours.
    pub(crate) colour: usize,
    pub(crate) points: Vec<(f64, f64)>,
}

/// A text to the upper right of a point; to the lower left of one near the right edge.
#[derive(Clone, Debug)]
pub(crate) struct Note {
    pub(crate) at: (f64, f64),
    pub(crate) text: String,
}

/// A line chart.
#[derive(Clone, Debug)]
pub(crate) struct Chart {
    pub(crate) title: String,
    pub(crate) x: Axis,
    pub(crate) y: Axis,
    pub(crate) lines: Vec<Line>,
    pub(crate) notes: Vec<Note>,
}

/// Where a value stands on the axis, if anywhere.
fn place(scale: Scale, value: f64) -> Option<f64> {
    let place = if scale == Scale::Log { value.log10() } else { value };
    place.is_finite().then_some(place)
}

/// Range and ticks of an axis, in places.
struct Ticks {
    scale: Scale,
    /// Between two ticks.
    step: f64,
    /// Number of the first and of the last tick, in steps from 0.
    numbers: Range<f64>,
    places: RangedCoordf64,
}

impl Ticks {
    fn of(scale: Scale, values: impl Iterator<Item = f64>) -> Self {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for place in values.filter_map(|value| place(scale, value)) {
            (low, high) = (low.min(place), high.max(place));
        }
        if low > high {
            (low, high) = (0.0, 1.0);
        }
        let step = match scale {
            Scale::Log => ((high - low) / 8.0).ceil().max(1.0),
            Scale::Linear => nice_step(high - low),
        };
        let first = (low / step).floor();
        let last = (high / step).ceil().max(first + 1.0);
        Self { scale, step, numbers: first..last, places: (first * step..last * step).into() }
    }

    fn bold(&self) -> Vec<f64> {
        // Counting in whole steps keeps rounding out of the ticks.
        let next = |number: &f64| Some(number + 1.0).filter(|next| *next <= self.numbers.end);
        successors(Some(self.numbers.start), next).map(|number| number * self.step).collect()
    }

    /// 2, 3 .. 9 times each power of ten.
    fn light(&self) -> Vec<f64> {
        if self.scale == Scale::Linear || self.step > 1.0 {
            return vec![];
        }
        let decades = self.bold();
        let within = decades.split_last().map_or(&[][..], |(_, within)| within);
        let lines =
            |decade: &f64| (2..10).map(|k| f64::from(k).log10() + decade).collect::<Vec<_>>();
        within.iter().flat_map(lines).collect()
    }
}

impl Ranged for Ticks {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, place: &f64, limit: (i32, i32)) -> i32 {
        self.places.map(place, limit)
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if hint.weight().allow_light_points() { self.light() } else { self.bold() }
    }

    fn range(&self) -> Range<f64> {
        self.places.range()
    }
}

impl ValueFormatter<f64> for Ticks {
    fn format_ext(&self, place: &f64) -> String {
        match self.scale {
            Scale::Linear => rounded(*place, self.step),
            Scale::Log if (-3.0..=5.0).contains(place) => rounded(10_f64.powf(*place), 1e-3),
            Scale::Log => format!("10{}", superscript(&place.to_string())),
        }
    }
}

/// The multiple of `step` that `value` is, without the last digits that rounding has left.
fn rounded(value: f64, step: f64) -> String {
    let decimals = (0..18).find(|&decimals| step * 10_f64.powi(decimals) >= 1.0);
    match decimals.and_then(|decimals| usize::try_from(decimals).ok()) {
        Some(decimals) => format!("{value:.decimals$}").parse().unwrap_or(value).to_string(),
        None => format!("{value:e}"),
    }
}

/// 1, 2 or 5 times a power of ten, so that a range has 4 to 10 steps.
fn nice_step(room: f64) -> f64 {
    let rough = if room > 0.0 { room / 8.0 } else { 0.125 };
    let unit = 10_f64.powf(rough.log10().floor());
    let factor = [1.0, 2.0, 5.0].into_iter().find(|factor| factor * unit >= rough);
    factor.unwrap_or(10.0) * unit
}

/// A whole number as an exponent.
fn superscript(number: &str) -> String {
    let raised = "⁰¹²³⁴⁵⁶⁷⁸⁹";
    let raise = |c: char| match c.to_digit(10) {
        Some(digit) => raised.chars().nth(digit as usize).unwrap_or(c),
        None => '⁻',
    };
    number.chars().map(raise).collect()
}

/// Three digits: `0.307`, `2.21×10⁻⁶`.
pub(crate) fn three_digits(value: f64) -> String {
    let scientific = format!("{value:.2e}");
    match scientific.split_once('e') {
        Some((digits, "0")) => digits.to_owned(),
        Some((_, "-1")) => format!("{value:.3}"),
        Some((_, "-2")) => format!("{value:.4}"),
        Some((_, "-3")) => format!("{value:.5}"),
        Some((digits, exponent)) => format!("{digits}×10{}", superscript(exponent)),
        None => scientific,
    }
}

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Plane<'a, DB> = ChartContext<'a, DB, Cartesian2d<Ticks, Ticks>>;

/// So many units of [`SIZE`].
fn units(number: u32) -> u32 {
    number.saturating_mul(FINE)
}

/// A length that `plotters` wants to have a sign.
fn signed(number: u32) -> i32 {
    units(number).try_into().unwrap_or(i32::MAX)
}

fn font(size: u32) -> TextStyle<'static> {
    // `plotters` divides the size by 1.24 when it writes an SVG.
    TextStyle::from(("sans-serif", f64::from(units(size)) * 1.24)).color(&TEXT)
}

/// A line one unit wide, in this grey.
fn thin(grey: u8) -> ShapeStyle {
    ShapeStyle::from(&RGBColor(grey, grey, grey)).stroke_width(FINE)
}

impl Chart {
    /// The chart as the text of an SVG file.
    pub(crate) fn svg(&self) -> Result<String, DrawError> {
        let (fine, size) = ((units(SIZE.0), units(SIZE.1)), SIZE);
        let mut svg = String::new();
        {
            let area = SVGBackend::with_string(&mut svg, fine).into_drawing_area();
            self.draw(&area)?;
            area.present()?;
        }
        // The finer grid stays in the `viewBox`.
        let of = |(width, height)| format!("width=\"{width}\" height=\"{height}\"");
        Ok(svg.replacen(&of(fine), &of(size), 1))
    }

    fn points(&self) -> impl Iterator<Item = (f64, f64)> {
        self.lines.iter().flat_map(|line| line.points.iter().copied())
    }

    fn place(&self, (x, y): (f64, f64)) -> Option<(f64, f64)> {
        place(self.x.scale, x).zip(place(self.y.scale, y))
    }

    fn draw(&self, area: &Area<'_>) -> Result<(), DrawError> {
        area.fill(&WHITE)?;
        let title = font(19).pos(Pos::new(HPos::Center, VPos::Top));
        area.draw(&Text::new(self.title.as_str(), (signed(SIZE.0 / 2), signed(14)), title))?;
        let mut plane = ChartBuilder::on(area)
            .margin(units(14))
            .margin_top(units(46))
            .margin_right(units(28))
            .x_label_area_size(units(50))
            .y_label_area_size(units(76))
            .build_cartesian_2d(
                Ticks::of(self.x.scale, self.points().map(|(x, _)| x)),
                Ticks::of(self.y.scale, self.points().map(|(_, y)| y)),
            )?;
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
        for line in &self.lines {
            self.draw_line(&mut plane, line)?;
        }
        for note in &self.notes {
            self.draw_note(&mut plane, note)?;
        }
        if self.lines.iter().filter(|line| line.label.is_some()).count() > 1 {
            plane
                .configure_series_labels()
                .position(SeriesLabelPosition::LowerLeft)
                .margin(units(14))
                .legend_area_size(units(40))
                .background_style(WHITE)
                .border_style(thin(190))
                .label_font(font(14))
                .draw()?;
        }
        Ok(())
    }

    fn draw_line<'a, DB: DrawingBackend + 'a>(
        &self,
        plane: &mut Plane<'a, DB>,
        line: &Line,
    ) -> Result<(), DrawError> {
        let colour = COLOURS.get(line.colour).copied().unwrap_or(TEXT);
        let style = ShapeStyle::from(&colour).stroke_width(units(2)).filled();
        let points: Vec<_> = line.points.iter().filter_map(|&p| self.place(p)).collect();
        let series = match line.look {
            Look::Solid => plane.draw_series(LineSeries::new(points, style))?,
            Look::Dashed => {
                plane.draw_series(DashedLineSeries::new(points, units(7), units(5), style))?
            }
            Look::Dots => {
                plane.draw_series(points.into_iter().map(|p| Circle::new(p, units(4), style)))?
            }
        };
        if let Some(label) = &line.label {
            legend(series, label, line.look, style);
        }
        Ok(())
    }

    fn draw_note<'a, DB: DrawingBackend + 'a>(
        &self,
        plane: &mut Plane<'a, DB>,
        note: &Note,
    ) -> Result<(), DrawError> {
        let Some(at) = self.place(note.at) else { return Ok(()) };
        let Range { start, end } = plane.x_range();
        let (offset, pos) = if at.0 > 0.08 * start + 0.92 * end {
            ((-signed(8), signed(2)), Pos::new(HPos::Right, VPos::Top))
        } else {
            ((signed(6), -signed(4)), Pos::new(HPos::Left, VPos::Bottom))
        };
        let text = Text::new(note.text.clone(), offset, font(13).pos(pos));
        plane.draw_series([EmptyElement::at(at) + text])?;
        Ok(())
    }
}

/// Puts a line into the legend, as it looks.
fn legend<'a, DB: DrawingBackend + 'a>(
    series: &mut SeriesAnno<'a, DB>,
    label: &str,
    look: Look,
    style: ShapeStyle,
) {
    let piece = move |from, to| PathElement::new([(signed(from), 0), (signed(to), 0)], style);
    let whole = move |at| EmptyElement::at(at) + piece(4, 35);
    let dashes = move |at| EmptyElement::at(at) + piece(4, 11) + piece(16, 23) + piece(28, 35);
    let dot = move |at| EmptyElement::at(at) + Circle::new((signed(19), 0), units(4), style);
    series.label(label);
    match look {
        Look::Solid => series.legend(whole),
        Look::Dashed => series.legend(dashes),
        Look::Dots => series.legend(dot),
    };
}
