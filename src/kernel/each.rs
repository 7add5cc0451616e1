//! Loops as the compilers of small cores need them: written out, or kept from being unrolled.

use core::hint::black_box;

use crate::target::{HARDWARE, Hardware, SMALL};

/// Calls `f` with the item of each of `K` samples. For one sample, without a loop: values that pass
/// through an iterator over an array would go through memory (3 to 7 % of a step at opt-level 3).
#[inline(always)]
pub(crate) fn each_sample<const K: usize, I: Iterator>(mut samples: I, mut f: impl FnMut(I::Item)) {
    if const { K > 1 } {
        samples.for_each(f);
    } else if let Some(sample) = samples.next() {
        f(sample);
    }
}

/// Whether LLVM must be kept from unrolling loops: at opt-level 3, on cores with little flash.
const UNROLLS: bool = !SMALL && !matches!(HARDWARE, Hardware::Simd);

/// Emits no code, but looks like 128 opaque instructions to LLVM, which puts the enclosing loop
/// over the unrolling threshold: unrolled, it takes a tenth more flash (48-24-12-6-12-24-48 on a
/// Cortex-M4F) and is no faster.
#[inline(always)]
pub(crate) fn stay_rolled() {
    if UNROLLS {
        eight(|| eight(|| black_box(())));
        eight(|| eight(|| black_box(())));
    }
}

#[inline(always)]
pub(super) fn eight(f: impl Fn()) {
    f();
    f();
    f();
    f();
    f();
    f();
    f();
    f();
}

/// Calls `f` with each item, in a loop that is not unrolled: unrolled, 64-32-10 takes a quarter more
/// flash on a Cortex-M4F and more than half more on a Cortex-M0, for 1 % of a step.
#[inline(always)]
pub(super) fn rolled<I: Iterator>(items: I, mut f: impl FnMut(I::Item)) {
    for item in items {
        if UNROLLS {
            eight(|| black_box(()));
        }
        f(item);
    }
}

/// Loops of up to this many iterations are unrolled by hand: the compiler does not unroll when it
/// optimises for size, and in small layers the loops dominate (a fifth of a step of 2-2-2 on a
/// Cortex-M4F).
pub(crate) const WRITTEN_OUT: usize = 4;

/// `Zip`, but always inlined. At opt-level s, rustc reuses parts of `Zip` from any crate that has
/// compiled them for the same types, and LLVM cannot inline those: 8 % of the flash of a small
/// network, and 4 % of the instructions of its step.
pub(crate) struct Both<A, B>(pub(crate) A, pub(crate) B);

impl<A: Iterator, B: Iterator> Iterator for Both<A, B> {
    type Item = (A::Item, B::Item);
    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        Some((self.0.next()?, self.1.next()?))
    }
}

/// `len` elements from `at` on.
#[inline(always)]
pub(crate) fn run<X>(all: &[X], at: usize, len: usize) -> Option<&[X]> {
    all.get(at..)?.get(..len)
}

/// The complete chunks of a slice; `chunks_exact` asserts that they are not empty, in a function of
/// its own at level z.
#[inline(always)]
pub(crate) fn chunks<T>(all: &[T], size: usize) -> impl Iterator<Item = &[T]> {
    let mut rest = all;
    core::iter::from_fn(move || {
        let (chunk, others) = rest.split_at_checked(size)?;
        rest = others;
        (size > 0).then_some(chunk)
    })
}

/// As [`chunks`], mutable.
#[inline(always)]
pub(crate) fn chunks_mut<T>(all: &mut [T], size: usize) -> impl Iterator<Item = &mut [T]> {
    let mut rest = all;
    core::iter::from_fn(move || {
        let (chunk, others) = core::mem::take(&mut rest).split_at_mut_checked(size)?;
        rest = others;
        (size > 0).then_some(chunk)
    })
}

/// Calls `f` with each of `len` pairs of items.
#[inline(always)]
pub(crate) fn each<A: IntoIterator, B: IntoIterator>(
    len: usize,
    a: A,
    b: B,
    mut f: impl FnMut(A::Item, B::Item),
) {
    if len > WRITTEN_OUT {
        rolled(a.into_iter().zip(b), |(a, b)| f(a, b));
    } else {
        written_out(Both(a.into_iter(), b.into_iter()), |(a, b)| f(a, b));
    }
}

/// Fewer pairs than this are not worth the flash of a loop that is unrolled.
const MANY: usize = 40;

/// As [`each`], for slices that may be long: with a scalar FPU, four pairs at a time, which is a third
/// fewer instructions for the update of a convolution.
#[inline(always)]
pub(crate) fn each_of_many<A, B>(a: &mut [A], b: &[B], mut f: impl FnMut(&mut A, &B)) {
    let (mut a, mut b) = (a, b);
    if b.len() >= MANY && matches!(HARDWARE, Hardware::Fpu | Hardware::Vldm) {
        while let Some((four, rest)) = b.split_first_chunk::<4>() {
            let Some((items, others)) = core::mem::take(&mut a).split_first_chunk_mut::<4>() else {
                return;
            };
            stay_rolled();
            each(4, items, four, &mut f);
            (a, b) = (others, rest);
        }
    }
    each(b.len(), a, b, f);
}

/// As [`each`], for numbers in registers: up to five are written out.
#[inline(always)]
pub(crate) fn each_of_few<A, B: Copy, const N: usize>(
    a: &mut [A],
    b: [B; N],
    mut f: impl FnMut(&mut A, B),
) {
    let Some(a) = a.first_chunk_mut::<N>() else { return };
    match (a.as_mut_slice(), b.as_slice()) {
        ([a0, a1, a2, a3, a4], &[b0, b1, b2, b3, b4]) => {
            f(a0, b0);
            f(a1, b1);
            f(a2, b2);
            f(a3, b3);
            f(a4, b4);
        }
        (a, b) => each(N, a, b, |a, &b| f(a, b)),
    }
}

/// Calls `f` with each of up to four items, unrolled by hand.
#[inline(always)]
fn written_out<I: Iterator>(mut items: I, mut f: impl FnMut(I::Item)) {
    let Some(item) = items.next() else { return };
    f(item);
    let Some(item) = items.next() else { return };
    f(item);
    let Some(item) = items.next() else { return };
    f(item);
    let Some(item) = items.next() else { return };
    f(item);
}
