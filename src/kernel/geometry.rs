//! Where the windows of convolutions and pooling are.

#![allow(clippy::arithmetic_side_effects, reason = "sizes and indices are those of arrays")]

use core::marker::PhantomData;
use core::ops::Range;

use crate::fingerprint::size;

/// One dimension of the windows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Axis {
    /// Number of steps or pixels of the input.
    pub(crate) input: usize,
    /// Number of taps of the kernel.
    pub(crate) kernel: usize,
    /// Number of positions of the window.
    pub(crate) output: usize,
    /// Distance between two positions: the stride.
    pub(crate) step: usize,
    /// Padding before the first step.
    pub(crate) padding: usize,
    /// Distance between two taps.
    pub(crate) dilation: usize,
}

/// `a / b`, rounded up.
pub(crate) const fn ceiling(a: usize, b: usize) -> usize {
    match a.wrapping_add(b).wrapping_sub(1).checked_div(b) {
        Some(quotient) => quotient,
        None => 0,
    }
}

pub(crate) const fn least(a: usize, b: usize) -> usize {
    if a < b { a } else { b }
}

impl Axis {
    /// The dimension that a sequence lacks.
    pub(crate) const ONE: Self =
        Self { input: 1, kernel: 1, output: 1, step: 1, padding: 0, dilation: 1 };

    /// One window over all of the input.
    pub(crate) const fn covered(input: usize) -> Self {
        Self { input, kernel: input, ..Self::ONE }
    }

    /// Whether the windows are inside of the input, and the last one ends with it.
    pub(crate) const fn is_exact(self) -> bool {
        let last = self.output.wrapping_sub(1).saturating_mul(self.step);
        self.is_valid() && last.saturating_add(self.kernel) == self.input
    }

    /// Whether each window is at least partly inside of the input, and no index overflows, as it could where
    /// `usize` has 16 bits.
    pub(crate) const fn is_valid(self) -> bool {
        let last = self.output.wrapping_sub(1).saturating_mul(self.step);
        let width = self.kernel.wrapping_sub(1).saturating_mul(self.dilation);
        let ahead = self.kernel.saturating_mul(self.dilation).saturating_mul(self.step);
        let largest = ahead.saturating_add(self.input).saturating_add(self.padding);
        largest < usize::MAX
            && self.input > 0
            && self.kernel > 0
            && self.output > 0
            && self.step > 0
            && self.dilation > 0
            && self.padding <= width
            && last < self.input.saturating_add(self.padding)
    }

    /// The taps that are inside of the input at this position.
    #[inline(always)]
    pub(crate) const fn taps(self, position: usize) -> Range<usize> {
        if self.whole_len() == self.output {
            return 0..self.kernel;
        }
        let start = position * self.step;
        let first = ceiling(self.padding.saturating_sub(start), self.dilation);
        let end = ceiling((self.input + self.padding).saturating_sub(start), self.dilation);
        first..least(end, self.kernel)
    }

    /// The place of a tap that is inside.
    #[inline(always)]
    pub(crate) const fn place(self, position: usize, tap: usize) -> usize {
        (position * self.step + tap * self.dilation).saturating_sub(self.padding)
    }

    /// The place of a tap, if it is inside.
    #[inline(always)]
    fn inside(self, position: usize, tap: usize) -> Option<usize> {
        let place = (position * self.step + tap * self.dilation).checked_sub(self.padding)?;
        (self.whole_len() == self.output || place < self.input).then_some(place)
    }

    /// The position whose window a place is in, where windows do not overlap.
    #[inline(always)]
    pub(crate) fn window(self, place: usize) -> usize {
        if self.output == 1 { 0 } else { place.checked_div(self.kernel).unwrap_or(0) }
    }

    /// The positions at which all taps are inside.
    #[inline(always)]
    pub(crate) const fn whole(self) -> Range<usize> {
        let width = (self.kernel - 1) * self.dilation;
        let end = (self.input + self.padding).saturating_sub(width);
        let end = least(ceiling(end, self.step), self.output);
        least(ceiling(self.padding, self.step), end)..end
    }

    /// The positions at which this tap is inside.
    #[inline(always)]
    pub(crate) const fn positions(self, tap: usize) -> Range<usize> {
        if self.whole_len() == self.output {
            return 0..self.output;
        }
        let start = tap * self.dilation;
        let first = ceiling(self.padding.saturating_sub(start), self.step);
        let end = ceiling((self.input + self.padding).saturating_sub(start), self.step);
        let end = least(end, self.output);
        least(first, end)..end
    }

    /// The position at which this tap is at this place.
    #[inline(always)]
    pub(crate) fn position(self, place: usize, tap: usize) -> Option<usize> {
        let start = (place + self.padding).checked_sub(tap * self.dilation)?;
        let position = start.checked_div(self.step)?;
        (position * self.step == start && position < self.output).then_some(position)
    }

    /// The first position at which this tap is at this place or one some steps behind it, and how many
    /// steps behind it that is.
    #[inline(always)]
    pub(crate) fn positions_from(self, place: usize, tap: usize) -> Option<(usize, usize)> {
        // All positions that can be, counted from one before the input.
        let ahead = self.kernel * self.dilation;
        let start = place + self.padding + ahead * self.step - tap * self.dilation;
        let position = start.checked_div(self.step)?;
        let before = ahead.saturating_sub(position);
        (position * self.step == start).then(|| (before, position.saturating_sub(ahead)))
    }

    /// The places of a phase, counted in steps, at which every tap that is ever at one has a
    /// position.
    #[inline(always)]
    pub(crate) const fn inner(self, phase: usize) -> Range<usize> {
        let width = (self.kernel - 1) * self.dilation;
        let first = width.saturating_sub(self.padding + phase);
        let end = (self.output * self.step).saturating_sub(self.padding + phase);
        let (first, end) = (ceiling(first, self.step), ceiling(end, self.step));
        least(first, end)..end
    }

    /// Number of positions at which all taps are inside.
    #[inline(always)]
    pub(crate) const fn whole_len(self) -> usize {
        let Range { start, end } = self.whole();
        end - start
    }
}

/// The windows of a convolution.
#[derive(Clone, Copy, Debug)]
pub struct Windows {
    /// From top to bottom.
    pub(crate) rows: Axis,
    /// From left to right, or in time.
    pub(crate) columns: Axis,
    /// Number of input channels.
    pub(crate) channels: usize,
    /// Number of input channels that each output sees.
    pub(crate) group: usize,
}

impl Windows {
    /// Multiply-accumulates of a forward pass, without those of the padding; `usize::MAX` if there are more.
    pub(crate) const fn macs(self, outputs: usize) -> usize {
        let taps = inside(self.rows).saturating_mul(inside(self.columns));
        taps.saturating_mul(self.group).saturating_mul(outputs)
    }

    /// Number of taps.
    pub(crate) const fn count(self) -> u32 {
        size(self.rows.kernel.saturating_mul(self.columns.kernel))
    }

    /// Whether no number is in two windows.
    pub(crate) const fn is_apart(self) -> bool {
        self.rows.step == self.rows.kernel && self.columns.step == self.columns.kernel
            || self.rows.output == 1 && self.columns.output == 1
    }

    /// Whether each output sees all channels.
    pub(crate) const fn sees_all(self) -> bool {
        self.group == self.channels
    }

    /// Whether the numbers of each window are one run.
    pub(crate) const fn is_run(self) -> bool {
        self.sees_all() && self.rows.kernel == 1 && self.columns.dilation == 1
    }

    /// Whether each output sees one channel, its own.
    pub(crate) const fn is_depthwise(self, outputs: usize) -> bool {
        self.group == 1 && self.channels == outputs
    }

    /// The first channel that an output sees.
    #[inline(always)]
    pub(crate) const fn first_channel(self, output: usize, outputs: usize) -> usize {
        if self.sees_all() {
            return 0;
        }
        if self.is_depthwise(outputs) {
            return output;
        }
        // `channels / group` divides `outputs`. No product here exceeds the number of weights.
        let outputs_of_group = match (outputs * self.group).checked_div(self.channels) {
            Some(outputs) => outputs,
            None => 0,
        };
        match output.checked_div(outputs_of_group) {
            Some(group) => group * self.group,
            None => 0,
        }
    }

    /// Which row of weights of a tap an output sees a channel by, if it sees it.
    #[inline(always)]
    pub(crate) fn row_of_tap(self, channel: usize, output: usize, outputs: usize) -> Option<usize> {
        let row = channel.checked_sub(self.first_channel(output, outputs))?;
        (row < self.group).then_some(row)
    }

    /// Index of the first number of a pixel.
    #[inline(always)]
    pub(crate) const fn pixel(self, row: usize, column: usize) -> usize {
        (row * self.columns.input + column) * self.channels
    }

    /// Index of the first row of weights of a tap.
    #[inline(always)]
    pub(crate) const fn weights(self, row_tap: usize, column_tap: usize) -> usize {
        (row_tap * self.columns.kernel + column_tap) * self.group
    }

    /// Calls `f` with each tap.
    #[inline(always)]
    pub(crate) fn taps(self, mut f: impl FnMut(usize, usize)) {
        for row_tap in 0..self.rows.kernel {
            for column_tap in 0..self.columns.kernel {
                f(row_tap, column_tap);
            }
        }
    }

    /// Calls `f` with each tap inside of the window at a position: the indices of its pixel and of
    /// its first row of weights.
    #[inline(always)]
    pub(crate) fn taps_at(self, row: usize, column: usize, mut f: impl FnMut(usize, usize)) {
        for row_tap in self.rows.taps(row) {
            let place = self.rows.place(row, row_tap);
            for column_tap in self.columns.taps(column) {
                let pixel = self.pixel(place, self.columns.place(column, column_tap));
                f(pixel, self.weights(row_tap, column_tap));
            }
        }
    }

    /// Index of the first number of a tap at a position, if it is inside.
    #[inline(always)]
    pub(crate) fn tap_at(
        self,
        (row, column): (usize, usize),
        (row_tap, column_tap): (usize, usize),
    ) -> Option<usize> {
        let row = self.rows.inside(row, row_tap)?;
        Some(self.pixel(row, self.columns.inside(column, column_tap)?))
    }

    /// The runs of the window at a position; `WHOLE` is whether all of its columns are inside.
    #[inline(always)]
    pub(crate) const fn runs<const WHOLE: bool>(self, row: usize, column: usize) -> Runs {
        let rows = self.rows.taps(row);
        let columns = if WHOLE { 0..self.columns.kernel } else { self.columns.taps(column) };
        let (taps, dilation) = (columns.end - columns.start, self.columns.dilation);
        let place = self.columns.place(column, columns.start);
        Runs {
            x: self.pixel(self.rows.place(row, rows.start), place),
            weights: self.weights(rows.start, columns.start),
            apart: self.columns.step * self.channels,
            len: if dilation == 1 { taps * self.channels } else { self.channels },
            columns: if dilation == 1 { 1 } else { taps },
            x_column: dilation * self.channels,
            weights_column: self.channels,
            rows: rows.end - rows.start,
            x_row: self.pixel(self.rows.dilation, 0),
            weights_row: self.weights(1, 0),
        }
    }

    /// Calls `f` with the position and the first row of weights of each tap that is at a place, while it
    /// returns something.
    #[inline(always)]
    pub(crate) fn sources(
        self,
        row: usize,
        column: usize,
        mut f: impl FnMut(usize, usize) -> Option<()>,
    ) -> Option<()> {
        for row_tap in 0..self.rows.kernel {
            let Some(y) = self.rows.position(row, row_tap) else { continue };
            for column_tap in 0..self.columns.kernel {
                let Some(x) = self.columns.position(column, column_tap) else { continue };
                f(y * self.columns.output + x, self.weights(row_tap, column_tap))?;
            }
        }
        Some(())
    }

    /// A function from a position to the index of the first number of a tap there, if it is inside.
    #[inline(always)]
    pub(crate) fn run_at(
        self,
        row_tap: usize,
        column_tap: usize,
    ) -> impl Fn(usize, usize) -> Option<usize> {
        let (rows, columns) = (self.rows.positions(row_tap), self.columns.positions(column_tap));
        let all_inside = self.rows.whole_len() == self.rows.output
            && self.columns.whole_len() == self.columns.output;
        move |row, column| {
            let inside = all_inside || rows.contains(&row) && columns.contains(&column);
            let place = self.columns.place(column, column_tap);
            inside.then(|| self.pixel(self.rows.place(row, row_tap), place))
        }
    }

    /// Row and column of a place, counted in pixels.
    #[inline(always)]
    pub(crate) fn place(self, place: usize) -> (usize, usize) {
        if self.rows.input == 1 {
            return (0, place);
        }
        let row = place.checked_div(self.columns.input).unwrap_or(0);
        (row, place - row * self.columns.input)
    }

    /// The position whose window a place is in, where windows do not overlap.
    #[inline(always)]
    pub(crate) fn pooled(self, row: usize, column: usize) -> usize {
        self.rows.window(row) * self.columns.output + self.columns.window(column)
    }

    /// Row and column of a tap.
    #[inline(always)]
    pub(crate) fn tap(self, tap: usize) -> (usize, usize) {
        if self.rows.kernel == 1 {
            return (0, tap);
        }
        let row = tap.checked_div(self.columns.kernel).unwrap_or(0);
        (row, tap - row * self.columns.kernel)
    }

    /// Calls `f` with the first tap and the length of each run of rows of weights whose numbers are
    /// contiguous and inside at the same positions.
    #[inline(always)]
    pub(crate) fn runs_of_weights(self, mut f: impl FnMut((usize, usize), usize)) {
        let columns = self.columns;
        if self.sees_all() && columns.dilation == 1 && columns.whole_len() == columns.output {
            for row_tap in 0..self.rows.kernel {
                f((row_tap, 0), columns.kernel * self.channels);
            }
        } else {
            self.taps(|row_tap, column_tap| f((row_tap, column_tap), self.group));
        }
    }
}

/// The windows of a layer. As a type, [`Of`] a layer, each loop is compiled for its sizes; the tests
/// pass [`Windows`] that are known at run time only.
pub trait Sizes: Copy {
    /// The windows.
    fn windows(self) -> Windows;
}

impl Sizes for Windows {
    #[inline(always)]
    fn windows(self) -> Windows {
        self
    }
}

/// A layer with windows.
pub(crate) trait Windowed {
    /// Its windows.
    const WINDOWS: Windows;
}

/// The windows of the layer `L`.
pub(crate) struct Of<L>(pub(crate) PhantomData<L>);

impl<L> Clone for Of<L> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<L> Copy for Of<L> {}

impl<L: Windowed> Sizes for Of<L> {
    #[inline(always)]
    fn windows(self) -> Windows {
        L::WINDOWS
    }
}

/// The numbers that a window sees: runs that are contiguous in memory, in columns and rows.
pub(crate) struct Runs {
    /// Indices of the first number and of the first row of weights.
    pub(crate) x: usize,
    pub(crate) weights: usize,
    /// Distance to the same number at the next position.
    pub(crate) apart: usize,
    /// Length of a run.
    pub(crate) len: usize,
    /// Number of runs in a row, and the distances from one to the next.
    pub(crate) columns: usize,
    pub(crate) x_column: usize,
    pub(crate) weights_column: usize,
    /// Number of rows, and the distances from one to the next.
    pub(crate) rows: usize,
    pub(crate) x_row: usize,
    pub(crate) weights_row: usize,
}

impl Runs {
    /// Calls `f` with the indices of the first number and the first row of weights of each run, while
    /// it returns something.
    #[inline(always)]
    pub(crate) fn each(&self, mut f: impl FnMut(usize, usize) -> Option<()>) -> Option<()> {
        for row in 0..self.rows {
            let (x, weights) = (self.x + row * self.x_row, self.weights + row * self.weights_row);
            for column in 0..self.columns {
                f(x + column * self.x_column, weights + column * self.weights_column)?;
            }
        }
        Some(())
    }
}

/// Number of pairs of position and tap that are inside.
const fn inside(axis: Axis) -> usize {
    let (mut sum, mut tap) = (0, 0);
    while tap < axis.kernel {
        let Range { start, end } = axis.positions(tap);
        sum = end.saturating_sub(start).saturating_add(sum);
        tap += 1;
    }
    sum
}
