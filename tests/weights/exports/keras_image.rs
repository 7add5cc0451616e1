type Net = net![9 x 6 x 2 => Conv2d(4, 3 x 2, step 2, padding same) Relu => Depthwise(3 x 3, padding same) Tanh => Depthwise(2 x 2) Identity => Conv2d(5, 1 x 1) Relu => MeanPool(2 x 2, step 2 x 1) => FlattenChannelsLast => 3 Softmax];
static NET: Net = gradlet::load![include_bytes!("keras_image.safetensors"); "0", "1", "2", "3", "4"];
