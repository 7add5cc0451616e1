//! Applications with on-device training, a synthetic vibration signal for one of them, and two networks
//! for inference: bit-identical on a PC and on a microcontroller.
//!
//! Functions that use gradlet are `inline`, as in the firmware's library.
#![no_std]

pub mod detector;
pub mod mlperf;
pub mod motions;
pub mod personal;
pub mod signals;
pub mod toycar;
pub mod training;
pub mod transfer;
pub mod vibration;
pub mod vowels;
