//! Cross-entropy for a network that ends in a sigmoid.
use gradlet::prelude::*;

static TRAINER: Trainer<Mlp<2, 4, 2>, CrossEntropy, Sgd> = Trainer::new();

fn main() {}
