//! An epoch whose examples are never trained on.
use core::ops::ControlFlow;
use gradlet::prelude::*;

fn learn(net: &mut Mlp<2, 4, 1>, examples: &[([f32; 2], [f32; 1])]) {
    let mut trainer = Trainer::<Mlp<2, 4, 1>, HalfSquaredError, Sgd>::new();
    trainer.fit_with(
        net,
        |_| Sgd::new(0.5),
        |_epoch| examples,
        Stop::after(100),
        |_| ControlFlow::Continue(()),
    );
}

fn main() {}
