type Net = Quantized<net![16 x 9 x 2 => Conv2d(4, 3 x 3, step 2, padding same) Relu6 => Conv2d(8, 3 x 3, step 2 x 1, padding 1, groups 4) Relu => MaxPool(2 x 2, step 1) => Conv2d(6, 1 x 1) LeakyRelu<0, 1> => Depthwise(3 x 4) Identity => FlattenChannelsLast => 5 Identity]>;
static NET: Net = gradlet::load![include_bytes!("tflite_padded.safetensors"); "0", "1", "3", "4", "6"];
