type Net = net![4 => 5 Sigmoid => 3 Sigmoid => 1 Sigmoid];
static NET: Net = gradlet::load![include_bytes!("sklearn_yes_or_no.safetensors"); "0", "1", "2"];
/// The classes; the output is the probability of the second.
const CLASSES: [&str; 2] = ["False", "True"];
