type Net = net![3 => 3 Tanh => 3 Tanh => 2 Relu => 1 Sigmoid];
static NET: Net = gradlet::load![include_bytes!("keras_chain.safetensors"); "0", "1", "2", "3"];
