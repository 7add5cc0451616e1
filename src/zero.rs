//! Zero values.

/// All-zero value of a type, as a constant.
///
/// Everything that a trainer stores starts as zero, so a trainer in a `static` is in `.bss` and
/// takes no flash. Implemented for scalars, arrays, networks and trainers; custom layers implement
/// it.
///
/// ```
/// use gradlet::Zero;
///
/// static BUFFER: [f32; 4] = Zero::ZERO;
/// assert_eq!(BUFFER, [0.0; 4]);
/// ```
pub trait Zero {
    /// The zero value of this type.
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
