//! How real numbers become int8.

use super::error::QuantizeError;

/// What an int8 number `q` stands for: `x = scale (q - zero_point)`.
///
/// `TFLite`'s affine quantisation of activations. Weights have a zero point of 0.
///
/// ```
/// use gradlet::quantized::Quantization;
///
/// const TENTHS: Quantization = Quantization::new(0.1, -28).unwrap();
/// assert_eq!((TENTHS.quantize(0.0), TENTHS.quantize(1.26), TENTHS.quantize(1000.0)), (-28, -15, 127));
/// assert_eq!(TENTHS.dequantize(-15), 1.3000001);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Quantization {
    scale: f32,
    zero_point: i8,
}

impl Quantization {
    /// From the distance between two numbers, and the one that stands for 0. `None` unless the scale is
    /// positive, finite and not subnormal.
    #[must_use]
    pub const fn new(scale: f32, zero_point: i8) -> Option<Self> {
        if is_scale(scale) { Some(Self { scale, zero_point }) } else { None }
    }

    /// With a scale that is known to be one.
    pub(super) const fn fixed(scale: f32, zero_point: i8) -> Self {
        Self { scale, zero_point }
    }

    /// For numbers in this range, widened to include 0: as `TFLite`'s quantiser chooses it, in `f32`.
    /// With `a = min(min, 0)` and `b = max(max, 0)`:
    ///
    /// ```text
    /// scale      = (b - a) / 255
    /// zero_point = round(-128 - a / scale) or round(127 - b / scale), whose terms are smaller
    /// ```
    ///
    /// ```
    /// use gradlet::quantized::{Quantization, Range};
    ///
    /// let unit = Quantization::of(Range { min: 0.0, max: 255.0 }).unwrap();
    /// assert_eq!((unit.scale(), unit.zero_point()), (1.0, -128));
    /// ```
    ///
    /// # Errors
    ///
    /// [`QuantizeError::NotFinite`] if a bound is NaN or the width is infinite,
    /// [`QuantizeError::ZeroRange`] if both are 0, or so close to it that the scale is subnormal; the layer
    /// that they name is 0.
    pub const fn of(range: Range) -> Result<Self, QuantizeError> {
        let Range { min, max } = range;
        if !min.is_finite() || !max.is_finite() {
            return Err(QuantizeError::NotFinite { layer: 0 });
        }
        let (min, max) = (if min < 0.0 { min } else { 0.0 }, if max > 0.0 { max } else { 0.0 });
        let scale = (max - min) / 255.0;
        if !scale.is_finite() {
            return Err(QuantizeError::NotFinite { layer: 0 });
        }
        if !is_scale(scale) {
            return Err(QuantizeError::ZeroRange { layer: 0 });
        }
        let (below, above) = (min / scale, max / scale);
        let zero = if 128.0 - below < 127.0 + above { -128.0 - below } else { 127.0 - above };
        Ok(Self { scale, zero_point: saturate(round(zero)) })
    }

    /// The distance between two numbers.
    #[must_use]
    pub const fn scale(self) -> f32 {
        self.scale
    }

    /// The number that stands for 0.
    #[must_use]
    pub const fn zero_point(self) -> i8 {
        self.zero_point
    }

    /// The number nearest to `x / scale + zero_point`, halves away from 0; NaN becomes the zero point.
    #[inline]
    #[must_use]
    pub const fn quantize(self, x: f32) -> i8 {
        saturate(round(x / self.scale).saturating_add(self.zero_point as i32))
    }

    /// The real number that `q` stands for.
    #[inline]
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "at most 255")]
    pub const fn dequantize(self, q: i8) -> f32 {
        self.scale * (q as i32).wrapping_sub(self.zero_point as i32) as f32
    }
}

/// The smallest and the largest of some numbers.
///
/// ```
/// use gradlet::quantized::Range;
///
/// let mut range = Range::EMPTY;
/// range.observe(&[0.5, -2.0]);
/// assert_eq!(range, Range { min: -2.0, max: 0.5 });
/// range.observe(&[f32::NAN]);
/// assert!(range.min.is_nan());
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Range {
    /// The smallest.
    pub min: f32,
    /// The largest.
    pub max: f32,
}

impl Range {
    /// Of no numbers.
    pub const EMPTY: Self = Self { min: f32::INFINITY, max: f32::NEG_INFINITY };

    /// Widens it to include these numbers. It becomes and stays NaN if one of them is NaN or infinite.
    pub fn observe(&mut self, values: &[f32]) {
        for &x in values {
            if !x.is_finite() {
                self.min = f32::NAN;
            }
            // A comparison with NaN is false: such a minimum stays.
            if x < self.min {
                self.min = x;
            }
            if x > self.max {
                self.max = x;
            }
        }
    }
}

/// Whether a scale is positive, finite and not subnormal.
pub(super) const fn is_scale(scale: f32) -> bool {
    scale >= f32::MIN_POSITIVE && scale <= f32::MAX
}

/// The nearest integer, halves away from 0; saturates, NaN is 0.
#[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "it saturates")]
pub(super) const fn round(x: f32) -> i32 {
    let whole = x as i32;
    // Exact: either both are small, or there is no fraction.
    let fraction = x - whole as f32;
    if fraction >= 0.5 {
        whole.saturating_add(1)
    } else if fraction <= -0.5 {
        whole.saturating_sub(1)
    } else {
        whole
    }
}

/// The same in `f64`, to 64 bits.
#[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "it saturates")]
pub(super) const fn round_wide(x: f64) -> i64 {
    let whole = x as i64;
    let fraction = x - whole as f64;
    if fraction >= 0.5 {
        whole.saturating_add(1)
    } else if fraction <= -0.5 {
        whole.saturating_sub(1)
    } else {
        whole
    }
}

/// The nearest int8.
#[allow(clippy::cast_possible_truncation, reason = "it is in the range")]
pub(super) const fn saturate(q: i32) -> i8 {
    if q < -128 {
        -128
    } else if q > 127 {
        127
    } else {
        q as i8
    }
}
