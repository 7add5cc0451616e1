//! Calls every function of the library with `f64`: the program does not link if one can panic.
#![no_std]
#![no_main]

#[path = "../everything.rs"]
#[allow(dead_code, reason = "what has no `f64` is in `no_panic`")]
mod everything;

use core::hint::black_box;

use gradlet::prelude::*;
use gradlet::safetensors::Safetensors;

#[gradlet_firmware::entry]
fn main() -> ! {
    everything::call_everything::<f64, 184, 5>();
    // These are `f64` by definition, so they are not in the other program.
    black_box(<f32 as Number>::from_f64(black_box(0.5)));
    black_box(<f32 as Number>::to_f64(black_box(0.5)));
    black_box(<f64 as Number>::from_f64(black_box(0.5)));
    black_box(<f64 as Number>::to_f64(black_box(0.5)));
    let file = black_box(Safetensors::new(black_box(&[0; 64])));
    if let (Ok(file), Some(weight)) = (file, Mlp::<2, 4, 2>::TENSORS.get(black_box(0))) {
        let _ = black_box(file.tensor_f64::<4, 2>(black_box("0"), weight));
    }
    gradlet_firmware::exit(0)
}
