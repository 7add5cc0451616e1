//! Values that are zero at first.

/// A value that is all zeros, known at compile time.
///
/// Everything that a trainer stores starts as zero, so that a trainer in a `static` costs no flash; that is
/// why it exists. Implemented for numbers, arrays, networks and trainers; a layer of your own implements it.
///
/// ```
/// use gradlet::Zero;
///
/// static BUFFER: [f32; 4] = Zero::ZERO;
/// assert_eq!(BUFFER, [0.0; 4]);
/// ```
pub trait Zero {
    /// The zero of this type.
    const ZERO: Self;
}

impl Zero for () {
    const ZERO: Self = ();
}

impl<Z: Zero, const N: usize> Zero for [Z; N] {
    const ZERO: Self = [Z::ZERO; N];
}

impl<A: Zero, B: Zero> Zero for (A, B) {
    const ZERO: Self = (A::ZERO, B::ZERO);
}

macro_rules! zero {
    ($zero:literal: $($type:ty)+) => { $(
        impl Zero for $type {
            const ZERO: Self = $zero;
        }
    )+ };
}
zero!(0.0: f32 f64);
zero!(0: i8 i16 i32 i64 u8 u16 u32);
