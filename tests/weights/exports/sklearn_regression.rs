type Net = Mlp<3, 6, 1, Tanh, Identity, f64>;
static NET: Net = gradlet::load![f64; include_bytes!("sklearn_regression.safetensors"); "0", "1"];
