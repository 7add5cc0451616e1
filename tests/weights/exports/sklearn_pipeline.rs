type Net = Mlp<4, 8, 3, Relu, Softmax>;
static NET: Net = gradlet::load![include_bytes!("sklearn_pipeline.safetensors"); "0", "1"];
/// The classes in the order of the outputs.
const CLASSES: [&str; 3] = ["a \u{22}quoted\u{5c}\u{a}name", "versicolor", "virginica"];
