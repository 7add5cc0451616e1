//! Weights that were quantised to whole numbers.
use gradlet::prelude::*;

const FILE: &[u8] =
    b"\x40\0\0\0\0\0\0\0{\"0.weight\":{\"dtype\":\"I8\",\"shape\":[1,2],\"data_offsets\":[0,2]}}  \x01\x02";

static LAYER: Dense<2, 1> = gradlet::load![FILE; "0"];

fn main() {}
