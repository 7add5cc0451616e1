type Net = Quantized<net![24 => 12 HardSwish => 9 LeakyRelu<1, 10> => 7 Tanh => 2 Sigmoid]>;
static NET: Net = gradlet::load![include_bytes!("tflite_vector.safetensors"); "0", "1", "2", "3"];
