type Net = net![3 => 6 Gelu => 5 LeakyRelu<1, 4> => 4 LeakyRelu<1, 5> => 2 Softmax];
static NET: Net = gradlet::load![include_bytes!("keras.safetensors"); "0", "1", "2", "3"];
