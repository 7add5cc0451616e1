type Net = net![3 => 3 Tanh => 3 Tanh => 1 Tanh];
static NET: Net = gradlet::load![include_bytes!("torch_reused.safetensors"); "0", "0_again", "4"];
