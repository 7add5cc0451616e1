//! Elementary functions of fixed-point numbers, in integers: tables with linear interpolation.
//!
//! Where a function is curved, a chord lies on one side of it. The tables hold its values less half of
//! the largest distance in the intervals around, so that the error has both signs and half the size.

/// `1 / (1 + e^-x)` for x = 0, 1/8 .. 8, with 15 fraction bits.
static SIGMOID: [u16; 65] = [
    16_384, 17_407, 18_422, 19_422, 20_399, 21_346, 22_258, 23_130, 23_958, 24_740, 25_474, 26_158,
    26_793, 27_380, 27_920, 28_414, 28_865, 29_274, 29_646, 29_982, 30_284, 30_556, 30_801, 31_020,
    31_215, 31_390, 31_546, 31_685, 31_808, 31_918, 32_016, 32_102, 32_179, 32_247, 32_308, 32_361,
    32_408, 32_450, 32_487, 32_520, 32_549, 32_574, 32_597, 32_617, 32_635, 32_650, 32_664, 32_676,
    32_687, 32_697, 32_705, 32_712, 32_719, 32_725, 32_730, 32_734, 32_738, 32_742, 32_745, 32_747,
    32_750, 32_752, 32_754, 32_756, 32_757,
];

/// `2^x` for x = 0, 1/32 .. 1, with 15 fraction bits.
static POWER: [u16; 33] = [
    32_768, 33_485, 34_218, 34_967, 35_733, 36_515, 37_315, 38_132, 38_967, 39_820, 40_692, 41_583,
    42_494, 43_424, 44_375, 45_347, 46_340, 47_354, 48_391, 49_451, 50_534, 51_640, 52_771, 53_927,
    55_107, 56_314, 57_547, 58_807, 60_095, 61_411, 62_756, 64_130, 65_534,
];

/// `log2(1 + x)` for x = 0, 1/64 .. 1, with 15 fraction bits.
static LOGARITHM: [u16; 65] = [
    0, 734, 1_455, 2_166, 2_867, 3_557, 4_237, 4_907, 5_569, 6_221, 6_864, 7_498, 8_125, 8_743,
    9_353, 9_955, 10_549, 11_137, 11_717, 12_290, 12_856, 13_415, 13_968, 14_515, 15_055, 15_589,
    16_117, 16_640, 17_156, 17_667, 18_173, 18_673, 19_168, 19_658, 20_143, 20_623, 21_098, 21_569,
    22_034, 22_496, 22_952, 23_405, 23_853, 24_297, 24_736, 25_172, 25_604, 26_032, 26_456, 26_876,
    27_292, 27_705, 28_115, 28_520, 28_923, 29_322, 29_717, 30_110, 30_499, 30_885, 31_267, 31_647,
    32_024, 32_397, 32_768,
];

/// `erfc(x / sqrt(2)) / 2`, the upper tail of the normal distribution, for x = 0, 1/16 .. 4, with 16 fraction bits.
static NORMAL_TAIL: [u16; 65] = [
    32_768, 31_134, 29_507, 27_893, 26_297, 24_727, 23_186, 21_682, 20_217, 18_798, 17_428, 16_111,
    14_849, 13_644, 12_500, 11_416, 10_394, 9_434, 8_535, 7_698, 6_920, 6_201, 5_539, 4_931, 4_375,
    3_869, 3_410, 2_996, 2_623, 2_288, 1_990, 1_724, 1_489, 1_282, 1_099, 939, 800, 679, 574, 484,
    406, 340, 283, 235, 195, 161, 132, 108, 88, 72, 58, 47, 38, 30, 24, 19, 15, 12, 9, 7, 6, 4, 3,
    3, 2,
];

/// Between two entries of a table: `index`, and how far behind it, with `bits` fraction bits. The result has
/// `bits` fraction bits more than the table.
#[inline(always)]
fn between<const N: usize>(table: &[u16; N], index: u32, behind: u32, bits: u32) -> u32 {
    let index = index as usize;
    let (Some(&p), Some(&q)) = (table.get(index), table.get(index.wrapping_add(1))) else {
        return 0;
    };
    let (p, q) = (u32::from(p), u32::from(q));
    p.wrapping_shl(bits).wrapping_add(q.wrapping_sub(p).wrapping_mul(behind))
}

/// The sigmoid of `size`, which has 12 fraction bits and is below 8; the result has 24.
#[inline(always)]
fn sigmoid_below_8(size: u32) -> u32 {
    between(&SIGMOID, size >> 9 & 63, size & 511, 9)
}

/// 8, with 12 fraction bits.
const EIGHT: u32 = 8 << 12;

/// `1 / (1 + e^-x)`; both with 12 fraction bits. At most 4095/4096, and 1/4096 at least, so that the derivative
/// does not vanish.
#[inline(always)]
pub(crate) fn sigmoid(x: i32) -> i32 {
    let size = x.unsigned_abs().min(EIGHT - 1);
    let y = (sigmoid_below_8(size).wrapping_add(1 << 11) >> 12) as i32;
    if x < 0 { y.wrapping_neg().wrapping_add(1 << 12) } else { y }
}

/// Hyperbolic tangent; both with 12 fraction bits. At most 4095/4096 in size, as above.
#[inline(always)]
pub(crate) fn tanh(x: i32) -> i32 {
    // 2 sigmoid(2 x) - 1. From 8 on, the sigmoid is a line up to 9.25.
    let twice = x.unsigned_abs().saturating_mul(2);
    let y = match twice.checked_sub(EIGHT) {
        None => sigmoid_below_8(twice).wrapping_sub(1 << 23).wrapping_add(1 << 10) >> 11,
        Some(beyond) => (4093_u32.wrapping_add(beyond >> 11)).min(4095),
    };
    if x < 0 { (y as i32).wrapping_neg() } else { y as i32 }
}

/// `e^x` for x of 0 or less with 12 fraction bits; the result has 15.
#[inline]
pub(crate) fn exp(x: i32) -> i32 {
    // Below -11 it is below half a unit.
    if x < -11 << 12 {
        return 0;
    }
    // x / ln 2 with 16 fraction bits: as far below 0 as 16.
    power_of_two(x.wrapping_mul(23_637) >> 10)
}

/// `e^-x` for x of 0 or more; both with 15 fraction bits.
#[inline]
pub(crate) fn exp_minus(x: u32) -> u32 {
    if x > 11 << 15 {
        return 0;
    }
    power_of_two((x.wrapping_mul(11_819) >> 12).wrapping_neg() as i32) as u32
}

/// `2^power` for a power of 0 or less with 16 fraction bits; the result has 15.
#[inline(always)]
fn power_of_two(power: i32) -> i32 {
    let (down, rest) = (((power >> 16).wrapping_neg() as u32), (power as u32) & 0xffff);
    let y = between(&POWER, rest >> 11, rest & 2047, 11) >> 10;
    (y.wrapping_shr(down).wrapping_add(1) >> 1) as i32
}

/// `ln x` for x of 1 or more; both with 15 fraction bits.
#[inline]
pub(crate) fn ln(x: u32) -> u32 {
    let zeros = x.leading_zeros();
    let rest = x.wrapping_shl(zeros) & 0x7fff_ffff;
    let log = between(&LOGARITHM, rest >> 25, rest >> 15 & 1023, 10).wrapping_add(1 << 9) >> 10;
    let log = 16_u32.wrapping_sub(zeros).wrapping_shl(15).wrapping_add(log);
    // ln 2 with 15 fraction bits; up to 17 whole bits times it would not fit, up to 2^16 does.
    let (whole, part) = (log >> 15, log & 0x7fff);
    whole.wrapping_mul(22_713).wrapping_add(part.wrapping_mul(22_713).wrapping_add(1 << 14) >> 15)
}

/// `1 / (1 + e^x)` for `size`, which is 0 or more and has 12 fraction bits; the result has 16.
#[inline]
pub(crate) fn sigmoid_tail(size: u32) -> u32 {
    if size < EIGHT {
        (1_u32 << 24).wrapping_sub(sigmoid_below_8(size)) >> 8
    } else {
        (exp((size as i32).wrapping_neg()) as u32) << 1
    }
}

/// `erfc(x / sqrt(2)) / 2` for `size`, which is 0 or more and has 12 fraction bits; the result has 16.
#[inline]
pub(crate) fn normal_tail(size: u32) -> u32 {
    if size < 4 << 12 { between(&NORMAL_TAIL, size >> 8, size & 255, 8) >> 8 } else { 0 }
}

/// `e^(-x^2 / 2) / sqrt(2 pi)` for `size`, which is 0 or more and has 12 fraction bits; the result has 15.
#[inline]
pub(crate) fn normal_density(size: u32) -> u32 {
    let size = size.min(EIGHT);
    let power = exp(((size.wrapping_mul(size) >> 13) as i32).wrapping_neg()) as u32;
    // 1 / sqrt(2 pi) with 15 fraction bits.
    power.wrapping_mul(13_073) >> 15
}
