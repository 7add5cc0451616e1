//! Fixed-point numbers of weights and values.

use core::fmt;

use super::convert::{parts, scale, single_parts, to_f32, to_f64, write_decimal};
use crate::shape::Element;
use crate::zero::Zero;

/// A fixed-point number `$name`: an `$integer` with `$fraction` fraction bits, within `$limit` in bits.
macro_rules! fixed_point {
    ($(#[$doc:meta])* $name:ident($integer:ident): $fraction:literal, $limit:expr, $digits:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(transparent)]
        pub struct $name($integer);

        impl $name {
            /// Number of fraction bits: the value is the bits times `2^-FRACTION_BITS`.
            pub const FRACTION_BITS: u32 = $fraction;
            /// The largest number.
            pub const MAX: Self = Self($limit);
            /// The smallest number, `-MAX`.
            pub const MIN: Self = Self(-$limit);

            /// The nearest number: [`MAX`](Self::MAX) or [`MIN`](Self::MIN) for values beyond it, 0
            /// for NaN. [`checked_new`](Self::checked_new) refuses these.
            ///
            /// Integer operations alone, also at run time.
            #[must_use]
            pub const fn new(value: f32) -> Self {
                match single_parts(value) {
                    None => Self(0),
                    Some((negative, mantissa, exponent)) => {
                        let size = scale(mantissa, exponent.wrapping_add($fraction));
                        #[allow(clippy::cast_possible_truncation, reason = "not above the limit")]
                        let size = if size > $limit as i64 { $limit } else { size as $integer };
                        Self(if negative { size.wrapping_neg() } else { size })
                    }
                }
            }

            /// The nearest number; `None` for NaN, and for values beyond the range by half a unit or
            /// more.
            #[must_use]
            pub const fn checked_new(value: f32) -> Option<Self> {
                match single_parts(value) {
                    Some((_, mantissa, exponent))
                        if scale(mantissa, exponent.wrapping_add($fraction)) <= $limit as i64 =>
                    {
                        Some(Self::new(value))
                    }
                    _ => None,
                }
            }

            /// As [`new`](Self::new), for each of an array.
            #[must_use]
            #[allow(
                clippy::indexing_slicing,
                clippy::arithmetic_side_effects,
                reason = "a const fn has no iterators"
            )]
            pub const fn array<const N: usize>(values: [f32; N]) -> [Self; N] {
                let mut numbers = [Self(0); N];
                let mut i = 0;
                while i < N {
                    numbers[i] = Self::new(values[i]);
                    i += 1;
                }
                numbers
            }

            /// The number `bits * 2^-FRACTION_BITS`; [`MAX`](Self::MAX) or [`MIN`](Self::MIN) beyond
            /// it.
            #[must_use]
            #[inline]
            pub const fn from_bits(bits: $integer) -> Self {
                if bits > $limit {
                    Self::MAX
                } else if bits < -$limit {
                    Self::MIN
                } else {
                    Self(bits)
                }
            }

            /// The number times `2^FRACTION_BITS`.
            #[must_use]
            #[inline(always)]
            pub const fn to_bits(self) -> $integer {
                self.0
            }

            /// The nearest `f32`.
            #[must_use]
            pub const fn to_f32(self) -> f32 {
                to_f32(self.0 as i64, $fraction)
            }
        }

        impl Zero for $name {
            const ZERO: Self = Self(0);
        }

        impl Element for $name {
            type Bytes = [u8; size_of::<$integer>()];
            #[inline]
            fn to_le_bytes(self) -> Self::Bytes {
                self.0.to_le_bytes()
            }
            #[inline]
            fn from_le_bytes(bytes: Self::Bytes) -> Self {
                Self::from_bits($integer::from_le_bytes(bytes))
            }
        }

        /// In decimal, with digits enough to tell two numbers apart.
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_decimal(f, i64::from(self.0) << (32 - $fraction), $digits)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        #[cfg(feature = "defmt")]
        impl defmt::Format for $name {
            fn format(&self, f: defmt::Formatter<'_>) {
                defmt::write!(f, "{=f32}", self.to_f32());
            }
        }
    };
}

fixed_point! {
    /// An input, an output or a target of a [`Fixed`](crate::Fixed) network: 12 fraction bits in 32
    /// bits, from -64 to 64 in steps of 1/4096.
    ///
    /// ```
    /// use gradlet::Q12;
    ///
    /// const INPUT: [Q12; 2] = Q12::array([0.5, -1.25]);
    /// assert_eq!(INPUT[1].to_bits(), -5120);
    /// assert_eq!(INPUT[1].to_f32(), -1.25);
    /// // A reading of a 12-bit converter, 0..4096, as 0.0..1.0.
    /// assert_eq!(Q12::from_bits(1024).to_string(), "0.2500");
    /// // Beyond the range.
    /// assert_eq!(Q12::new(100.0), Q12::MAX);
    /// assert_eq!((Q12::checked_new(100.0), Q12::checked_new(f32::NAN)), (None, None));
    /// ```
    Q12(i32): 12, 64 << 12, 4
}

fixed_point! {
    /// A weight of a [`Fixed`](crate::Fixed) network: 26 fraction bits in 32 bits, below 32 in size,
    /// in steps of 2^-26. Products take its upper 16 bits, which have 10 fraction bits; the others
    /// are there for small steps.
    ///
    /// ```
    /// use gradlet::Q26;
    ///
    /// const WEIGHT: Q26 = Q26::new(-0.75);
    /// assert_eq!(WEIGHT.to_bits(), -3 << 24);
    /// assert_eq!((WEIGHT.to_f32(), WEIGHT.to_string().as_str()), (-0.75, "-0.75000000"));
    /// assert_eq!(Q26::new(40.0), Q26::MAX);
    /// ```
    Q26(i32): 26, i32::MAX, 8
}

fixed_point! {
    /// A weight of a fixed-point network in half the memory, [`Fixed<Q10>`](crate::Fixed): 10 fraction bits in 16
    /// bits, below 32 in size, in steps of 1/1024. A step that is smaller moves it now and then, by a whole one.
    ///
    /// ```
    /// use gradlet::Q10;
    ///
    /// assert_eq!(Q10::new(-0.75).to_bits(), -3 << 8);
    /// assert_eq!((Q10::MAX.to_string().as_str(), size_of::<Q10>()), ("31.999", 2));
    /// ```
    Q10(i16): 10, i16::MAX, 3
}

impl Q12 {
    /// 1.
    pub const ONE: Self = Self(1 << 12);

    /// From bits in the range; or a logit, which may be beyond it until an activation clips it.
    #[inline(always)]
    pub(crate) const fn raw(bits: i32) -> Self {
        Self(bits)
    }
}

impl Q26 {
    /// From bits in the range: not `i32::MIN`.
    #[inline(always)]
    pub(crate) const fn raw(bits: i32) -> Self {
        Self(bits)
    }
}

/// What weights have, and values have not.
macro_rules! weight {
    ($name:ident($integer:ident): $fraction:literal) => {
        impl $name {
            /// The same number as `f64`.
            #[must_use]
            pub const fn to_f64(self) -> f64 {
                to_f64(self.0 as i64, $fraction)
            }

            /// The nearest number: [at the limit](Self::is_at_limit) for NaN and for values beyond the range.
            pub(crate) const fn of_f64(value: f64) -> Self {
                Self::of_parts(parts(value))
            }

            /// As [`of_f64`](Self::of_f64).
            pub(crate) const fn of_f32(value: f32) -> Self {
                Self::of_parts(single_parts(value))
            }

            const fn of_parts(parts: Option<(bool, u64, i32)>) -> Self {
                let Some((negative, mantissa, exponent)) = parts else { return Self::MIN };
                let size = scale(mantissa, exponent.wrapping_add($fraction));
                #[allow(clippy::cast_possible_truncation, reason = "not above the limit")]
                let size =
                    if size > $integer::MAX as i64 { $integer::MAX } else { size as $integer };
                Self(if negative { size.wrapping_neg() } else { size })
            }

            /// Whether a weight is at the limit of the range, where it counts as not finite.
            pub(crate) const fn is_at_limit(self) -> bool {
                self.0 == $integer::MAX || self.0 <= -$integer::MAX
            }
        }
    };
}
weight!(Q26(i32): 26);
weight!(Q10(i16): 10);

pub(crate) mod sealed {
    use crate::zero::Zero;

    /// What the loops over weights need of them.
    pub trait Weight: Copy {
        /// Identifies the type in a format's fingerprint.
        const SIZES: &'static [u32];
        /// The most that a weight can move, or be away from the limit, without being there, with 26 fraction bits.
        const FAR: u32;
        /// Whether gradients may be summed up in numbers of this type.
        const HOLDS_GRADIENTS: bool;
        /// What decides how it is rounded.
        type Dither: Copy + core::fmt::Debug + PartialEq + Zero + AsRef<[Self]> + AsMut<[Self]>;

        /// The upper 16 bits, which are multiplied: 10 fraction bits.
        fn upper(self) -> i32;
        /// With 26 fraction bits.
        fn wide(self) -> i32;
        /// From 26 fraction bits, below the limit by [`FAR`](Self::FAR).
        fn narrow(wide: i32, dither: &mut Self::Dither) -> Self;
        /// From 26 fraction bits; the limit beyond it.
        fn narrow_any(wide: i32, dither: &mut Self::Dither) -> Self;
        /// A distance with 26 fraction bits, rounded down.
        fn at_most(wide: u32) -> Self;
        /// A distance with 26 fraction bits, rounded up.
        fn at_least(wide: u32) -> Self;
        /// The nearest to one with 26 fraction bits.
        fn nearest(wide: i32) -> Self;
        /// The nearest number; at the limit for NaN and for values beyond the range.
        fn of_f32(value: f32) -> Self;
        /// As [`of_f32`](Self::of_f32).
        fn of_f64(value: f64) -> Self;
        /// The same number.
        fn to_f64(self) -> f64;
        /// Whether it is at the limit.
        fn is_at_limit(self) -> bool;
    }
}

/// A type of weights of fixed-point networks: [`Q26`], or [`Q10`] in half the memory. Sealed.
///
/// ```
/// use gradlet::prelude::*;
///
/// /// In 4 bytes or in 2.
/// type Net<W> = net![Fixed<W>; 64 => 32 Tanh => 10 Softmax];
/// assert_eq!((Net::<Q26>::BYTES, Net::<gradlet::Q10>::BYTES), (9640, 4820));
/// ```
pub trait FixedWeight: sealed::Weight + Element + PartialOrd + fmt::Debug {}

macro_rules! sealed_weight {
    ($name:ident) => {
        #[inline]
        fn of_f32(value: f32) -> Self {
            Self::of_f32(value)
        }
        #[inline]
        fn of_f64(value: f64) -> Self {
            Self::of_f64(value)
        }
        #[inline]
        fn to_f64(self) -> f64 {
            Self::to_f64(self)
        }
        #[inline(always)]
        fn is_at_limit(self) -> bool {
            Self::is_at_limit(self)
        }
    };
}

impl FixedWeight for Q26 {}

impl sealed::Weight for Q26 {
    const SIZES: &'static [u32] = &[];
    const FAR: u32 = (i32::MAX as u32) - 1;
    const HOLDS_GRADIENTS: bool = true;
    type Dither = [Self; 0];

    sealed_weight!(Q26);
    #[inline(always)]
    fn upper(self) -> i32 {
        self.0 >> 16
    }
    #[inline(always)]
    fn wide(self) -> i32 {
        self.0
    }
    #[inline(always)]
    fn narrow(wide: i32, _: &mut [Self; 0]) -> Self {
        Self::raw(wide)
    }
    #[inline(always)]
    fn narrow_any(wide: i32, _: &mut [Self; 0]) -> Self {
        Self::from_bits(wide)
    }
    #[inline(always)]
    fn at_most(wide: u32) -> Self {
        Self::raw(wide as i32)
    }
    #[inline(always)]
    fn at_least(wide: u32) -> Self {
        Self::raw(wide as i32)
    }
    #[inline]
    fn nearest(wide: i32) -> Self {
        Self::from_bits(wide)
    }
}

impl FixedWeight for Q10 {}

/// The next of a sequence that is spread evenly, of 16 bits: the multiples of the golden ratio, modulo 1 (Weyl,
/// Mathematische Annalen 77, 1916). Added to what is then rounded down, it rounds up as often as the fraction says.
#[inline(always)]
const fn next([Q10(last)]: &mut [Q10; 1]) -> i32 {
    *last = last.wrapping_add(0x9e37_u16 as i16);
    *last as i32 & 0xffff
}

impl sealed::Weight for Q10 {
    const SIZES: &'static [u32] = &[16];
    const FAR: u32 = (i32::MAX as u32) - (2 << 16);
    const HOLDS_GRADIENTS: bool = false;
    type Dither = [Self; 1];

    sealed_weight!(Q10);
    #[inline(always)]
    fn upper(self) -> i32 {
        self.0.into()
    }
    #[inline(always)]
    fn wide(self) -> i32 {
        i32::from(self.0) << 16
    }
    #[inline(always)]
    #[allow(clippy::cast_possible_truncation, reason = "16 bits")]
    fn narrow(wide: i32, dither: &mut [Self; 1]) -> Self {
        Self((wide.wrapping_add(next(dither)) >> 16) as i16)
    }
    #[inline(always)]
    #[allow(clippy::cast_possible_truncation, reason = "16 bits")]
    fn narrow_any(wide: i32, dither: &mut [Self; 1]) -> Self {
        Self::from_bits((wide.saturating_add(next(dither)) >> 16) as i16)
    }
    #[inline(always)]
    #[allow(clippy::cast_possible_truncation, reason = "16 bits")]
    fn at_most(wide: u32) -> Self {
        Self((wide >> 16) as i16)
    }
    #[inline(always)]
    #[allow(clippy::cast_possible_truncation, reason = "16 bits")]
    fn at_least(wide: u32) -> Self {
        Self((wide.saturating_add(0xffff) >> 16).min(i16::MAX as u32) as i16)
    }
    #[inline]
    #[allow(clippy::cast_possible_truncation, reason = "16 bits")]
    fn nearest(wide: i32) -> Self {
        Self::from_bits((wide.saturating_add(1 << 15) >> 16) as i16)
    }
}
