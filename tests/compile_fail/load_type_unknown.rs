//! A network whose type nothing says.
use gradlet::prelude::*;

fn main() {
    let net = gradlet::load![include_bytes!("../weights/worked.safetensors"); "0", "2"];
    println!("{:?}", net.forward(&[1.0, 2.0]));
}
