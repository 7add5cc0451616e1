//! Pictures of pixels with captions.

use plotters::prelude::*;

use super::heat::byte;
use super::{DrawError, Size, font, heading, signed, units};

/// A picture of pixels.
#[derive(Clone, Debug)]
pub(crate) struct Image {
    pub(crate) caption: String,
    /// Pixels in a row.
    pub(crate) width: usize,
    /// From left to right, the top row first: from -1, blue, by 0, white, to 1, red.
    pub(crate) pixels: Vec<f64>,
}

/// Pictures side by side, in rows of `columns`.
#[derive(Clone, Debug)]
pub(crate) struct Images {
    pub(crate) title: String,
    pub(crate) images: Vec<Image>,
    pub(crate) columns: usize,
}

/// Width of a picture with the room around it, and height with its caption.
const CELL: (u32, u32) = (130, 150);
const SIDE: u32 = 112;
const HEADING: u32 = 48;
/// Colours from white to full.
const STEPS: f64 = 5.0;

impl Images {
    /// The picture as the text of an SVG file.
    pub(crate) fn svg(&self) -> Result<String, DrawError> {
        let columns = self.columns.max(1);
        let rows = self.images.len().div_ceil(columns).max(1);
        let times = |length: u32, count: usize| {
            length.saturating_mul(u32::try_from(count).unwrap_or(u32::MAX))
        };
        let height = times(CELL.1, rows).saturating_add(HEADING);
        let width = times(CELL.0, columns).saturating_add(12).max(400);
        Size { width, height }.svg(|area| {
            heading(area, &self.title, 17)?;
            let (_, below) = area.split_vertically(units(HEADING));
            for (area, image) in below.split_evenly((rows, columns)).iter().zip(&self.images) {
                image.draw(area)?;
            }
            Ok(())
        })
    }
}

impl Image {
    fn draw(&self, area: &super::Area<'_>) -> Result<(), DrawError> {
        let columns = self.width.max(1);
        let rows = self.pixels.len().div_ceil(columns).max(1);
        let place = |number: usize, count: usize| {
            let whole = units(SIDE) as usize;
            let number = whole.saturating_mul(number).checked_div(count).unwrap_or(whole);
            signed(8).saturating_add(i32::try_from(number).unwrap_or(i32::MAX))
        };
        for (row, pixels) in self.pixels.chunks(columns).enumerate() {
            let mut start = 0;
            // Neighbours of one colour are one rectangle, which makes a smaller file.
            for (column, pixel) in (1..).zip(pixels) {
                let colour = shade(*pixel);
                if pixels.get(column).is_none_or(|next| shade(*next) != colour) {
                    if colour != WHITE {
                        let from = (place(start, columns), place(row, rows));
                        let to = (place(column, columns), place(row.saturating_add(1), rows));
                        area.draw(&Rectangle::new([from, to], colour.filled()))?;
                    }
                    start = column;
                }
            }
        }
        let (one, other) = ((signed(8), signed(8)), (place(1, 1), place(1, 1)));
        area.draw(&Rectangle::new([one, other], super::thin(160)))?;
        let below = signed(8 + SIDE + 6);
        area.draw(&Text::new(self.caption.clone(), (signed(8), below), font(13)))?;
        Ok(())
    }
}

/// A colour for a pixel, one of eleven.
fn shade(pixel: f64) -> RGBColor {
    let pixel = (pixel.clamp(-1.0, 1.0) * STEPS).round() / STEPS;
    let mix = |full: f64| byte(255.0 + (full - 255.0) * pixel.abs());
    if pixel < 0.0 {
        RGBColor(mix(20.0), mix(90.0), mix(170.0))
    } else {
        RGBColor(mix(190.0), mix(40.0), mix(30.0))
    }
}
