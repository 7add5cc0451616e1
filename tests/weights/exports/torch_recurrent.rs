type Net = net![7 x 2 => Conv1d(3, 2) Identity => Lstm(4, all, bidirectional) => Lstm(4, all, bidirectional) => LayerNorm Identity => Gru(3, all) => Rnn(4) Relu => 3 Identity];
static NET: Net = gradlet::load![include_bytes!("torch_recurrent.safetensors"); "body", "lstm", "lstm.*_l0_reverse", "lstm.*_l1", "lstm.*_l1_reverse", "norm", "gru", "rnn", "head"];
