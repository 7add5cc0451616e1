//! A compact layer by hand, with another number of bytes than its layers pack.
use gradlet::{Compact, Fused, prelude::*};

type First = Fused<Conv1d<9, 1, 2, 2, 8, Relu>, MaxPool1d<8, 2, 2, 4>>;
type Second = Fused<Conv1d<4, 2, 3, 2, 3, Relu>, GlobalMean<[[f32; 3]; 3]>>;
type Net = Compact<Chain<First, Second>, 4>;

const PARAMETERS: usize = Net::PARAMS;

fn main() {
    let _ = PARAMETERS;
}
