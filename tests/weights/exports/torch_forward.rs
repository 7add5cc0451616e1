type Net = Mlp<3, 4, 2, LeakyRelu<3, 10>, Softmax>;
static NET: Net = gradlet::load![include_bytes!("torch_forward.safetensors"); "hidden", "output"];
