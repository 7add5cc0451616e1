//! Models of `TensorFlow` Lite, exported by `examples/python/export_tflite.py`: to the bit of `LiteRT`.
//!
//! `tests/python/tflite.py` made them, and exports them again in `tests/all.sh python`.

use gradlet::{Quantized, Shape};

use super::quantized::{int8, shaped};

/// What the script printed, and what the model puts out.
macro_rules! printed {
    ($($name:ident)+) => { $(
        mod $name {
            use gradlet::prelude::*;
            include!(concat!("int8/tflite_", stringify!($name), ".rs"));
            pub(super) static MODEL: &Net = &NET;
            pub(super) const CASES: &[u8] =
                include_bytes!(concat!("int8/tflite_", stringify!($name), "_cases.safetensors"));
        }
    )+ };
}
printed!(image sequence vector padded causal);

#[track_caller]
fn check<N: gradlet::quantized::Quantize>(net: &Quantized<N>, file: &[u8]) {
    let (inputs, outputs) = (int8(file, "input"), int8(file, "output"));
    let cases = inputs.chunks_exact(N::Input::LEN).zip(outputs.chunks_exact(N::Output::LEN));
    assert_eq!(cases.len(), 12);
    for (x, want) in cases {
        assert_eq!(net.run(&shaped(x)).as_slice(), want);
    }
}

#[test]
fn exported_models_have_the_bits_of_lite_rt() {
    check(image::MODEL, image::CASES);
    check(sequence::MODEL, sequence::CASES);
    check(vector::MODEL, vector::CASES);
    check(padded::MODEL, padded::CASES);
    check(causal::MODEL, causal::CASES);
}
