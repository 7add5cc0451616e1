//! Every function of the library with `f64`, in a program that does not link if one can panic.
#![no_std]
#![no_main]

#[path = "../everything.rs"]
mod everything;

use core::hint::black_box;

use gradlet::Scalar;

#[gradlet_firmware::entry]
fn main() -> ! {
    everything::call_everything::<f64>();
    // These are `f64` by definition, so they are not in the other program.
    black_box(<f32 as Scalar>::from_f64(black_box(0.5)));
    black_box(<f32 as Scalar>::to_f64(black_box(0.5)));
    black_box(<f64 as Scalar>::from_f64(black_box(0.5)));
    black_box(<f64 as Scalar>::to_f64(black_box(0.5)));
    gradlet_firmware::exit(0)
}
