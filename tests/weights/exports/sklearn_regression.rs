type Net = Mlp<3, 6, 1, Tanh, Identity, f64>;
static NET: Net = gradlet::load![include_bytes!("sklearn_regression.safetensors"); "0", "1"];
