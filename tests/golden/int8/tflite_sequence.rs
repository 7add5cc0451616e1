type Net = Quantized<net![20 x 4 => Conv1d(8, 3, step 2, padding same) Relu => MaxPool(2) => Conv1d(6, 2) Tanh => FlattenChannelsLast => 10 Relu => 3 Identity]>;
static NET: Net = gradlet::load![include_bytes!("tflite_sequence.safetensors"); "0", "2", "4", "5"];
