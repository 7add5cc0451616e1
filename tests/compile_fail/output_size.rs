//! Three numbers expected from a network with two outputs.
use gradlet::prelude::*;

fn answer(net: &Mlp<2, 4, 2>) -> [f32; 3] {
    net.forward(&[0.1, 0.2])
}

fn main() {}
