type Net = Quantized<net![18 x 3 => Conv1d(4, 3, padding causal) Identity => Depthwise(18) Identity => Conv1d(3, 1) Identity => FlattenChannelsLast]>;
static NET: Net = gradlet::load![include_bytes!("tflite_causal.safetensors"); "0", "1", "2"];
