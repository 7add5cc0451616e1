//! How well a network for MNIST-1D adapts to signals of another kind, by what of it is trained.

use devices::signals::{SHAPES, Signals};
use devices::training::Plan;
use devices::transfer::{Biases, Classifies, Everything, First, HeadAlone, Second, Shift, Upper};
use gradlet::preprocess::one_hot;
use gradlet::{BiasOnly, init, metrics::Accuracy, prelude::*};
use rand_pcg::Pcg32;
use rand_pcg::rand_core::SeedableRng;

/// What is trained on the device, as [`adapt`] has it.
pub const WAYS: [&str; 4] = ["everything", "second block and head", "biases and head", "head"];
/// The number of parameters that are trained.
pub const TRAINED: [usize; 4] =
    [Everything::PARAMS, Upper::PARAMS, Biases::PARAMS, HeadAlone::PARAMS];

/// Trains, one signal at a time.
pub fn train<N: Classifies>(net: &mut N, shift: Shift, plan: &Plan) {
    let [training, _] = Signals::all();
    let mut trainer = Trainer::<N, CrossEntropy, Sgd>::new();
    for (number, learning_rate) in plan.steps() {
        let Some((signal, shape)) = training.get(number) else { continue };
        let Some(target) = one_hot(shape.into()) else { continue };
        let input = shift.apply(signal.input());
        trainer.step(net, &Sgd { learning_rate }, &input, &target);
    }
}

/// Accuracy in percent on the test set.
pub fn accuracy<N: Classifies>(net: &N, shift: Shift) -> f64 {
    let [_, test] = Signals::all();
    let mut accuracy = Accuracy::new();
    for (signal, shape) in test.iter() {
        if let Some(target) = one_hot::<SHAPES, f32>(shape.into()) {
            accuracy.observe(&net.forward(&shift.apply(signal.input())), &target);
        }
    }
    100.0 * f64::from(accuracy.ratio().unwrap_or(0.0))
}

/// The network of the factory.
pub fn factory(plan: &Plan) -> Box<Everything> {
    let mut net = Box::new(Everything::ZERO);
    init::he_uniform(&mut *net, &mut Pcg32::seed_from_u64(plan.seed));
    train(&mut *net, Shift::None, plan);
    net
}

/// Accuracy in percent after training on the device, in each of the [`WAYS`].
pub fn adapt(factory: &Everything, shift: Shift, plan: &Plan) -> [f64; 4] {
    fn after<N: Classifies>(mut net: N, shift: Shift, plan: &Plan) -> f64 {
        train(&mut net, shift, plan);
        accuracy(&net, shift)
    }
    let (first, second, head): (&First, &Second, _) =
        (factory.first(), factory.rest().first(), factory.rest().rest());
    [
        after(factory.clone(), shift, plan),
        after::<Upper<'_>>(Chain::new(Frozen::new(first), factory.rest().clone()), shift, plan),
        after::<Biases<'_>>(
            Chain::new(BiasOnly::new(first), Chain::new(BiasOnly::new(second), head.clone())),
            shift,
            plan,
        ),
        after::<HeadAlone<'_>>(
            Chain::new(Frozen::new(first), Chain::new(Frozen::new(second), head.clone())),
            shift,
            plan,
        ),
    ]
}
