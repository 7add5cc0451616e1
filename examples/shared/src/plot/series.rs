//! Lines, points and notes.
#![allow(clippy::arithmetic_side_effects, reason = "`+` also joins drawn elements")]

use core::ops::Range;

use plotters::chart::SeriesAnno;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::{Chart, DrawError, Line, Look, Note, Plane, colour, font, pale, signed, units};

impl Chart {
    pub(super) fn draw_line<'a, DB: DrawingBackend + 'a>(
        &self,
        plane: &mut Plane<'a, DB>,
        line: &Line,
    ) -> Result<(), DrawError> {
        let style = ShapeStyle::from(&colour(line.colour)).stroke_width(units(2)).filled();
        let points: Vec<_> = line.points.iter().filter_map(|&p| self.place(p)).collect();
        let series = match line.look {
            Look::Solid => plane.draw_series(LineSeries::new(points, style))?,
            Look::Dashed => {
                plane.draw_series(DashedLineSeries::new(points, units(7), units(5), style))?
            }
            Look::Dots => {
                plane.draw_series(points.into_iter().map(|p| Circle::new(p, units(4), style)))?
            }
            Look::Crosses => {
                let cross = |p| EmptyElement::at(p) + Cross::new((0, 0), units(5), style);
                plane.draw_series(points.into_iter().map(cross))?
            }
            Look::Squares => {
                let square = |p| EmptyElement::at(p) + square((0, 0), style);
                plane.draw_series(points.into_iter().map(square))?
            }
            Look::Area => {
                let fill = pale(colour(line.colour)).filled();
                plane.draw_series([Polygon::new(points, fill)])?
            }
        };
        if let Some(label) = &line.label {
            let style =
                if line.look == Look::Area { pale(colour(line.colour)).filled() } else { style };
            legend(series, label, line.look, style);
        }
        Ok(())
    }

    pub(super) fn draw_note<'a, DB: DrawingBackend + 'a>(
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

/// Adds a line to the legend, in its style.
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
    let cross = move |at| EmptyElement::at(at) + Cross::new((signed(19), 0), units(5), style);
    let small_square = move |at| EmptyElement::at(at) + square((signed(19), 0), style);
    let corners = [(signed(4), -signed(6)), (signed(35), signed(6))];
    let patch = move |at| EmptyElement::at(at) + Rectangle::new(corners, style);
    series.label(label);
    match look {
        Look::Solid => series.legend(whole),
        Look::Dashed => series.legend(dashes),
        Look::Dots => series.legend(dot),
        Look::Crosses => series.legend(cross),
        Look::Squares => series.legend(small_square),
        Look::Area => series.legend(patch),
    };
}

/// A square around a point, in positions relative to it.
fn square((x, y): (i32, i32), style: ShapeStyle) -> Rectangle<(i32, i32)> {
    let half = signed(4);
    Rectangle::new([(x - half, y - half), (x + half, y + half)], style)
}
