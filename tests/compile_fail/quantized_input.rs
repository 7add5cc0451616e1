//! An input of `f32` for a network in int8.
use gradlet::prelude::*;

fn main() {
    let net = Dense::<2, 1, Relu>::ZERO;
    let int8 = Quantized::<_>::calibrate(&net, &[[1.0, 2.0]]).unwrap();
    int8.run(&[1.0, 2.0]);
}
