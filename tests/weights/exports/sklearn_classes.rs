type Net = Mlp<4, 8, 3, Relu, Softmax>;
static NET: Net = gradlet::load![include_bytes!("sklearn_classes.safetensors"); "0", "1"];
