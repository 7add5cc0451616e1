//! Learning rates that change from step to step: plain functions of the step number.

use crate::scalar::Scalar;

/// `initial * factor^step`.
#[must_use]
pub fn exponential<T: Scalar>(initial: T, factor: T, step: u32) -> T {
    initial * factor.powf(T::from_u32(step))
}
