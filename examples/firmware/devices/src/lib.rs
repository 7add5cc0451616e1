//! Two devices that learn, and the vibration that one of them watches: the same bits on a PC as on a
//! microcontroller.
//!
//! Functions that use gradlet are `inline`, as those of the firmware's own library are.
#![no_std]

pub mod detector;
pub mod personal;
pub mod vibration;
