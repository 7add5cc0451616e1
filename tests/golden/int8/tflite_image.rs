type Net = Quantized<net![9 x 8 x 3 => Conv2d(6, 3 x 3, step 2 x 1, padding same) Relu6 => Conv2d(12, 3 x 3, groups 6) Identity => MaxPool(1 x 2) => Conv2d(5, 1 x 1, padding same) Relu => GlobalMean => 4 Softmax]>;
static NET: Net = gradlet::load![include_bytes!("tflite_image.safetensors"); "0", "1", "3", "5"];
