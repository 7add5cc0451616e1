//! Branch-free scalar functions, which vectorise.

/// `values[0] + x values[1] + x^2 values[2] ..`, for `square = x^2`.
///
/// By two coefficients at a time, which halves the dependency chain.
macro_rules! polynomial {
    ($x:ident $square:ident; $first:expr) => { $first };
    ($x:ident $square:ident; $first:expr, $second:expr) => { $first + $x * $second };
    ($x:ident $square:ident; $first:expr, $second:expr, $($rest:expr),+) => {
        ($first + $x * $second) + $square * polynomial!($x $square; $($rest),+)
    };
}

macro_rules! fast {
    (
        $float:ident, $whole:ident, bias $bias:literal, shift $shift:literal,
        ln_2 $high:literal $low:literal, least $least:literal, one $one:literal,
        exp $($exp:literal)+, tanh $($tanh:literal)+, artanh $($artanh:literal)+
    ) => {
        /// `ln 2` in two parts; products of the first with `k` are exact.
        const HIGH: $float = $high;
        const LOW: $float = $low;
        const LOG2_E: $float = core::$float::consts::LOG2_E;
        const DIGITS: $whole = $float::MANTISSA_DIGITS as $whole;

        /// `e^x` for `x <= 0`.
        #[inline(always)]
        pub(crate) fn exp(x: $float) -> $float {
            // Below `$least`, it is 0.
            let x = if x < $least { $least } else { x };
            let (k, whole) = round(x * LOG2_E);
            let r = x - k * HIGH - k * LOW;
            let rr = r * r;
            let power = 1.0 + (r + rr * polynomial!(r rr; $($exp),+));
            // 2^k may be subnormal, which cannot be built from an exponent alone.
            let scale =
                power_of_2(whole.wrapping_add(DIGITS)) * power_of_2(DIGITS.wrapping_neg());
            power * scale
        }

        /// `ln(1 + x)` for `x` in `0..=1`.
        #[inline(always)]
        pub(crate) fn ln_1p(x: $float) -> $float {
            // 2 artanh s = 2 s + s^3 l(s^2), where 2 s = x - s x.
            let s = x / (2.0 + x);
            let t = s * s;
            let tt = t * t;
            x - s * (x - t * polynomial!(t tt; $($artanh),+))
        }

        /// Hyperbolic tangent.
        #[inline(always)]
        pub(crate) fn tanh(x: $float) -> $float {
            // Above `$one`, it is 1.
            let size = if x.abs() > $one { $one } else { x.abs() };
            // k is 0 below 0.55, where tanh is 1/2 or less and needs all digits of h.
            let k = size * (2.0 * LOG2_E) - (0.55 * 2.0 * LOG2_E - 0.5);
            let (k, whole) = round(if k < 0.0 { 0.0 } else { k });
            let r = size - k * (0.5 * HIGH) - k * (0.5 * LOW);
            let t = r * r;
            let tt = t * t;
            let h = r + r * (t * polynomial!(t tt; $($tanh),+));
            // e^2x = 2^k (1 + h) / (1 - h), and tanh x = 1 - 2 / (e^2x + 1).
            let rest = 1.0 - h;
            let far = 1.0 - (rest + rest) / (power_of_2(whole) * (1.0 + h) + rest);
            (if k > 0.0 { far } else { h }).copysign(x)
        }

        /// The nearest integer, as both types.
        #[inline(always)]
        fn round(x: $float) -> ($float, $whole) {
            // A float this large has no fraction bits: adding it rounds.
            const SHIFT: $float = $shift;
            let shifted = x + SHIFT;
            (shifted - SHIFT, shifted.to_bits().wrapping_sub(SHIFT.to_bits()) as $whole)
        }

        /// `2^k`, for a result that is a normal number.
        #[inline(always)]
        fn power_of_2(k: $whole) -> $float {
            $float::from_bits((k.wrapping_add($bias) << (DIGITS - 1)) as _)
        }
    };
}

pub(crate) mod single {
    fast! {
        f32, i32, bias 127, shift 12_582_912.0, ln_2 0.693_359_4 -2.121_944_4e-4, least -104.0,
        one 9.1,
        exp 0.499_999_94 0.166_665_21 0.041_668_39 0.008_368_71 0.001_381_460_3,
        tanh -0.333_333_2 0.133_326_01 -0.053_853_747 0.021_077_26 -0.006_281_719_5,
        artanh 0.666_664_1 0.400_217 0.279_991_5 0.280_244_2
    }
}

pub(crate) mod double {
    fast! {
        f64, i64, bias 1023, shift 6_755_399_441_055_744.0,
        ln_2 0.693_147_180_369_123_8 1.908_214_929_270_587_7e-10, least -745.2, one 20.0,
        exp 0.500_000_000_000_001_1 0.166_666_666_666_664_13 0.041_666_666_666_530_267
            0.008_333_333_333_494_345 0.001_388_888_894_359_867_9 0.000_198_412_695_067_526_13
            2.480_149_313_464_354_5e-5 2.755_758_628_826_508_3e-6 2.763_023_464_255_874e-7
            2.500_006_697_643_912_4e-8,
        tanh -0.333_333_333_333_323_5 0.133_333_333_331_732_67 -0.053_968_253_878_136_94
            0.021_869_486_020_347_786 -0.008_863_195_074_388_65 0.003_591_724_010_176_628_8
            -0.001_453_236_846_010_016_5 0.000_579_193_394_516_998 -0.000_210_389_815_144_441_05
            5.107_899_663_030_64e-5,
        artanh 0.666_666_666_666_778_8 0.399_999_999_959_975_04 0.285_714_290_631_969_5
            0.222_221_926_540_761_17 0.181_828_207_531_648_55 0.153_641_917_347_162_5
            0.135_872_495_722_809_85 0.098_982_893_976_587_48 0.177_488_881_699_281_98
    }
}
