//! Gradient descent in fixed point: how far weights move, and whether they may reach the limit of their range.

use super::{Fixed, sizes};
use crate::format::Format;
use crate::kernel::{fixed as kernel, stay_rolled};
use crate::number::{FixedWeight, Q12, Q26};
use crate::tensors::{Kind, Tensors};
use crate::zero::Zero;

/// A learning rate and the scale of a layer's derivatives, for many weights.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct FixedStep {
    /// The rate is this, 128 to 255, times a power of 2; or 0.
    pub(super) factor: i32,
    /// How far a product `g x` is shifted to the right to have 26 fraction bits.
    pub(super) shift: i32,
}

/// What gradient descent remembers from step to step: how far all weights are from the limit of
/// their range, at least. So it needs to look at all of them only when that is used up, or when the first
/// is not what the last step left: other weights were loaded.
#[derive(Clone, Debug, PartialEq)]
pub struct Headroom<W: FixedWeight = Q26> {
    /// How far all weights are from the limit, at least; how far the step so far moved one, at most, and 0 before
    /// it; the first weight.
    known: [W; 3],
    /// How the next weight is rounded.
    pub(super) dither: W::Dither,
}

impl<W: FixedWeight> Zero for Headroom<W> {
    const ZERO: Self = Self { known: Zero::ZERO, dither: Zero::ZERO };
}

impl<W: FixedWeight> Tensors<W> for Headroom<W> {
    #[inline]
    fn walk<const R: usize, const M: usize>(
        read: [&Self; R],
        mut write: [&mut Self; M],
        visit: &mut impl FnMut(Kind, [&[W]; R], [&mut [W]; M]),
    ) {
        let known = write.each_mut().map(|headroom| headroom.known.as_mut_slice());
        visit(Kind::Other, read.map(|headroom| headroom.known.as_slice()), known);
        let dither = write.map(|headroom| headroom.dither.as_mut());
        visit(Kind::Other, read.map(|headroom| headroom.dither.as_ref()), dither);
    }
}

#[cfg(feature = "defmt")]
impl<W: FixedWeight> defmt::Format for Headroom<W> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Headroom {{ left: {=i32}, .. }}", self.known[0].wide());
    }
}

/// `value * 2^-right`, rounded down; the limit with its sign where it is beyond 32 bits.
#[inline]
pub(super) fn saturating_shift(value: i32, right: i32) -> i32 {
    if right >= 0 {
        return value >> right.min(31);
    }
    let left = right.unsigned_abs();
    let shifted = value.checked_shl(left).unwrap_or(0);
    if shifted.checked_shr(left).unwrap_or(0) == value {
        shifted
    } else if value < 0 {
        i32::MIN
    } else {
        i32::MAX
    }
}

/// The largest size of the weights, with 26 fraction bits.
#[inline(never)]
fn largest<W: FixedWeight>(weights: &[W]) -> u32 {
    weights.iter().fold(0, |largest: u32, w| {
        stay_rolled();
        largest.max(w.wide().unsigned_abs())
    })
}

/// More than any weight moves without being at the limit.
const TOO_FAR: u32 = i32::MAX as u32;

impl FixedStep {
    /// How far a step moves a weight, at most, for inputs of this size.
    #[inline(never)]
    fn reach(self, x: &[Q12]) -> u32 {
        if self.shift < 0 {
            return TOO_FAR;
        }
        // 1 is the input of the biases. The size of a negative number is one less.
        let x = (sizes(x, Q12::to_bits) | Q12::ONE.to_bits() as u32).wrapping_add(1);
        // The largest derivative has 12 bits: times the factor, less 7 bits.
        let g = self.factor << 5;
        ((g as u32).wrapping_mul(x) >> (self.shift & 31)).min(TOO_FAR - 1).wrapping_add(1)
    }

    /// [`scaled`](Format::scaled) derivatives.
    #[inline(never)]
    fn scale(self, d: &[i32], g: &mut [i32]) {
        for (g, &d) in g.iter_mut().zip(d) {
            *g = <Fixed>::scaled(d, self);
            stay_rolled();
        }
    }

    /// `w - g x`, where it ends at the limit of the range.
    #[inline]
    pub(super) fn learn<W: FixedWeight>(self, w: W, g: i32, x: i32, dither: &mut W::Dither) -> W {
        let change = saturating_shift(g.wrapping_mul(x), self.shift);
        W::narrow_any(w.wide().saturating_sub(change), dither)
    }
}

impl<W: FixedWeight> Headroom<W> {
    /// The step of a layer, for an input and derivatives.
    #[inline(always)]
    pub(super) fn update<const IN: usize, const OUT: usize>(
        &mut self,
        weights: &mut [[W; OUT]; IN],
        bias: &mut [W; OUT],
        x: &[Q12; IN],
        d: &[i32; OUT],
        step: FixedStep,
    ) {
        let reach = step.reach(x);
        let Self { known: [left, used, known], dither } = self;
        let begins = *used == W::ZERO;
        if begins && first(weights, bias) != *known {
            *left = W::ZERO;
        }
        let fits = reach <= left.wide() as u32;
        let reach = W::at_least(reach);
        if reach > *used {
            *used = reach;
        }
        let mut g = [0; OUT];
        step.scale(d, &mut g);
        let g = &g;
        if fits {
            kernel::update(weights, bias, x, g, step.shift as u32, dither);
        } else {
            for (w, &x) in weights.iter_mut().zip(x) {
                *dither = saturate(w, g, x, step, *dither);
            }
            *dither = saturate(bias, g, Q12::ONE, step, *dither);
        }
        if begins {
            *known = first(weights, bias);
        }
    }

    /// After a step; `visit` shows all weights.
    #[inline]
    pub(super) fn settle(&mut self, visit: impl FnOnce(&mut dyn FnMut(&[W]))) {
        let [left, used, _] = &mut self.known;
        *left = W::at_most(left.wide().saturating_sub(used.wide()) as u32);
        if *left < *used {
            let mut rest = W::FAR;
            visit(&mut |weights| rest = rest.min(W::FAR.saturating_sub(largest(weights))));
            *left = W::at_most(rest);
        }
        *used = W::ZERO;
    }
}

/// The first weight of a layer, or its first bias, if it has no inputs.
#[inline(always)]
fn first<W: FixedWeight, const OUT: usize>(weights: &[[W; OUT]], bias: &[W; OUT]) -> W {
    weights.as_flattened().first().or(bias.first()).copied().unwrap_or(W::ZERO)
}

/// The step of a row of weights, which may reach the limit.
#[inline(never)]
fn saturate<W: FixedWeight>(
    weights: &mut [W],
    g: &[i32],
    x: Q12,
    step: FixedStep,
    mut dither: W::Dither,
) -> W::Dither {
    for (w, &g) in weights.iter_mut().zip(g) {
        *w = step.learn(*w, g, x.to_bits(), &mut dither);
        stay_rolled();
    }
    dither
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_step_reaches_further_than_expected() {
        for x in [Q12::MIN, Q12::MAX, Q12::new(-1.0), Q12::new(-2.0)] {
            let (step, d) = (FixedStep { factor: 255, shift: 0 }, 1 << 12);
            let moved = <Fixed>::scaled(d, step).wrapping_mul(x.to_bits()).unsigned_abs();
            assert!(step.reach(&[x]) >= moved.min(TOO_FAR - 1), "{x}");
        }
    }
}
