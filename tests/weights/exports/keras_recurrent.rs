type Net = net![7 x 2 => Gru(4, all, bidirectional) => LayerNorm(1 / 1000) Identity => Lstm(3, all) => Rnn(5) => 3 Softmax];
static NET: Net = gradlet::load![include_bytes!("keras_recurrent.safetensors"); "0", "0.*_l0_reverse", "1", "2", "3", "4"];
