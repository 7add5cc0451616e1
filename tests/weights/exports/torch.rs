type Net = net![3 => 6 Silu => 5 Elu => 2 Identity];
static NET: Net = gradlet::load![include_bytes!("torch.safetensors"); "0", "3", "5"];
