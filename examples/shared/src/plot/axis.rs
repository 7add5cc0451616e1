//! Axes: positions of values and ticks.

use core::iter::successors;
use core::ops::Range;

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};
use plotters::coord::types::RangedCoordf64;

use super::{Axis, Scale};

/// Position of a value on the axis; `None` if it has none.
pub(super) fn place(scale: Scale, value: f64) -> Option<f64> {
    let place = if scale == Scale::Log { value.log10() } else { value };
    place.is_finite().then_some(place)
}

/// Range and ticks of an axis, as positions.
pub(super) struct Ticks {
    scale: Scale,
    /// Distance between ticks.
    step: f64,
    /// The first and the last tick, as multiples of that distance.
    numbers: Range<f64>,
    places: RangedCoordf64,
}

impl Ticks {
    /// For the given values, or for a given range.
    pub(super) fn of(axis: &Axis, values: impl Iterator<Item = f64>) -> Self {
        let scale = axis.scale;
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        let given = axis.range.and_then(|(low, high)| place(scale, low).zip(place(scale, high)));
        match given {
            Some(range) => (low, high) = range,
            None => {
                for place in values.filter_map(|value| place(scale, value)) {
                    (low, high) = (low.min(place), high.max(place));
                }
            }
        }
        if low > high {
            (low, high) = (0.0, 1.0);
        }
        let step = match scale {
            Scale::Log => ((high - low) / 8.0).ceil().max(1.0),
            Scale::Linear => nice_step(high - low),
        };
        if given.is_some() {
            // A little more than the range, because of rounding.
            // Avoids negative zero.
            let first = (low / step - 1e-9).ceil() + 0.0;
            let last = (high / step + 1e-9).floor();
            return Self { scale, step, numbers: first..last, places: (low..high).into() };
        }
        let first = (low / step).floor();
        let last = (high / step).ceil().max(first + 1.0);
        Self { scale, step, numbers: first..last, places: (first * step..last * step).into() }
    }

    fn bold(&self) -> Vec<f64> {
        // Counting in integer steps avoids rounding errors in the ticks.
        let next = |number: &f64| Some(number + 1.0).filter(|next| *next <= self.numbers.end);
        successors(Some(self.numbers.start), next).map(|number| number * self.step).collect()
    }

    /// Minor ticks: 2, 3 .. 9 times each power of ten.
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

/// `value`, a multiple of `step`, without the last digits, which are rounding errors.
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

/// An integer as a superscript.
pub(super) fn superscript(number: &str) -> String {
    let raised = "⁰¹²³⁴⁵⁶⁷⁸⁹";
    let raise = |c: char| match c.to_digit(10) {
        Some(digit) => raised.chars().nth(digit as usize).unwrap_or(c),
        None => '⁻',
    };
    number.chars().map(raise).collect()
}

/// A value with three digits: `0.307`, `2.21×10⁻⁶`.
pub fn three_digits(value: f64) -> String {
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
