//! A training that went wrong.
use gradlet::prelude::*;

const FILE: &[u8] =
    b"\x40\0\0\0\0\0\0\0{\"0.weight\":{\"dtype\":\"BF16\",\"shape\":[1,2],\"data_offsets\":[0,4]}}\0\0\xff\xff";

static LAYER: Dense<2, 1> = gradlet::load![FILE; "0"];

fn main() {}
