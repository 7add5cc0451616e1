// Zeros are left out at the beginning only, where `gradlet::pad_front` puts them.
type Net = net![7 x 2 => Lstm(3, all, masked) => Gru(4, bidirectional, masked) => 3 Identity];
static NET: Net = gradlet::load![include_bytes!("keras_masked.safetensors"); "0", "1", "1.*_l0_reverse", "2"];
