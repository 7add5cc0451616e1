//! Scalar math functions, with the same bits on every target.

pub(crate) mod exp;
pub(crate) mod fast;
pub(crate) mod integer;
