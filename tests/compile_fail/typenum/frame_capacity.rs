//! A network whose frame is longer than the packet that is to carry it.
use gradlet::flat::Framed;
use gradlet::prelude::*;

type Net = net![2 => 8 Tanh => 2 Sigmoid];

fn packet(net: &Net) -> [u8; 64] {
    net.to_frame_of()
}

fn main() {}
