//! A network whose frame is longer than the packet that is to carry it.
use gradlet::flat::{FrameError, Framed};
use gradlet::prelude::*;

type Net = net![2 => 8 Tanh => 2 Sigmoid];

fn packet(net: &Net) -> Result<[u8; 64], FrameError> {
    net.to_frame_of()
}

fn main() {}
