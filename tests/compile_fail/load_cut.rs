//! A file of which the end is missing.
use gradlet::prelude::*;

const FILE: &[u8] =
    b"\x40\0\0\0\0\0\0\0{\"0.weight\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":[0,8]}} \x01\x02";

static LAYER: Dense<2, 1> = gradlet::load![FILE; "0"];

fn main() {}
