use gradlet::prelude::*;
static NET: Mlp<2, 2, 2> = gradlet::load![include_bytes!("weights/worked.safetensors"); "0", "2"];
#[test]
fn worked() {
    assert_eq!(NET.first().rows(), [[0.1, 0.2], [0.3, 0.4]]);
    let net = Mlp::<2, 2, 2>::from_safetensors(include_bytes!("weights/worked.safetensors"), &["0", "2"]).unwrap();
    assert_eq!(net, NET);
    let mixed = Mlp::<2, 2, 2>::from_safetensors(include_bytes!("weights/mixed.safetensors"), &["0", "2"]).unwrap();
    println!("{mixed:?}");
}
