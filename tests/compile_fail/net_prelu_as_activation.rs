//! An activation with learned slopes is a layer.
use gradlet::prelude::*;

type Net = net![4 => 3 PRelu => 1 Sigmoid];
type Convolution = net![9 x 2 => Conv1d(3, 2) PRelu(1) => GlobalMean];

static NET: Net = Net::ZERO;
static CONVOLUTION: Convolution = Convolution::ZERO;

fn main() {}
