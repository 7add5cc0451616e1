//! A file of another format.
use gradlet::prelude::*;

static NET: Mlp<2, 2, 2> = gradlet::load![b"PK\x03\x04 archive/data.pkl"; "0", "2"];

fn main() {}
