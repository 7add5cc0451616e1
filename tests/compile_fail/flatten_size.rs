//! A vector of another length than the sequence.
use gradlet::prelude::*;

fn main() {
    let _ = Flatten::<[[f32; 2]; 8], 15>::new().forward(&[[0.0; 2]; 8]);
}
