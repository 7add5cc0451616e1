type Net = Mlp<2, 6, 2, Relu, Identity>;
static NET: Net = gradlet::load![include_bytes!("sklearn_scaling.safetensors"); "0", "1"];
/// For the inputs: `NET.forward(&SCALING.transform(&x))`.
static SCALING: gradlet::preprocess::Scaling<2> =
    gradlet::preprocess::Scaling::new([1006.1, 3.2], [1.8, 1.2]);
