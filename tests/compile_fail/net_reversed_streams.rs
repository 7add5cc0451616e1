//! The first answer of a layer that begins with the last step would need the whole sequence.
use gradlet::{Streaming, prelude::*};

type Net = net![29 x 12 => Gru(16, reversed) => 9 Softmax];

static NET: Net = Net::ZERO;

fn main() {
    let _ = Streaming::new(&NET);
}
