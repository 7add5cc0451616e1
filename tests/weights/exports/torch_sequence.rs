type Net = net![32 x 2 => Conv1d(4, 5, step 2) Relu => MaxPool(2) => Conv1d(6, 3, padding 2, dilation 2, groups 2) Tanh => Flatten => 3 Softmax];
static NET: Net = gradlet::load![include_bytes!("torch_sequence.safetensors"); "0", "5", "8"];
