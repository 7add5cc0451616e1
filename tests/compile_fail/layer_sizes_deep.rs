//! The fourth of five layers takes 7 numbers, the third gives 6.
use gradlet::prelude::*;

type Net = Chain<
    Dense<8, 8, Relu>,
    Chain<Dense<8, 6, Relu>, Chain<Dense<6, 6, Relu>, Chain<Dense<7, 4, Relu>, Dense<4, 2>>>>,
>;

fn answer(net: &Net, input: &[f32; 8]) -> [f32; 2] {
    net.forward(input)
}

fn main() {}
