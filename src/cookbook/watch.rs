//! Monitor training: dying units and divergence.
//!
//! # Question
//!
//! The device is in the field, and nobody looks at a learning curve. What can it detect by itself?
//!
//! # Rule
//!
//! - **A loss no better than guessing** means that nothing is learned: half the mean of `t^2` for
//!   scaled targets and half squared error, `ln 2` for each yes/no output, `ln K` for `K` classes.
//! - **Dying units**: a ReLU unit whose output is 0 for every example has no gradient, so it never
//!   recovers (Lu and others, Dying ReLU and Initialization, 2020). Count units that are above 0
//!   for no example. The usual cause is a step that is too large.
//! - **Divergence**: a loss that is NaN or infinite ends [`fit`](crate::Trainer::fit) with
//!   [`Outcome::NotFinite`](crate::Outcome::NotFinite), such a parameter after an epoch with
//!   [`Outcome::Diverged`](crate::Outcome::Diverged). [`EarlyStopping`](crate::EarlyStopping) has
//!   the best parameters before it.
//! - **Gradient clipping** limits the effect of single examples: [`ClipByNorm`](crate::ClipByNorm)
//!   with a limit that is a few times the usual norm of the gradient, so that it rarely acts
//!   (Pascanu, Mikolov, Bengio, On the difficulty of training recurrent neural networks, ICML
//!   2013).
//!
//! # Example: dying units
//!
//! ```
//! use gradlet::prelude::*;
//!
//! type Net = Mlp<1, 4, 1, Relu, Identity>;
//! let examples: Vec<_> = (-10..=10).map(|i| i as f32 / 10.0).map(|x| ([x], [x * x])).collect();
//!
//! /// A few epochs at `rate`, many at a good one; then the number of hidden units that are above
//! /// 0 for no example, and the loss.
//! fn dead(rate: f32, examples: &[([f32; 1], [f32; 1])]) -> (usize, f32) {
//!     let mut net = Net::new(
//!         Dense::new([[1.0, -1.0, 1.5, -0.5]], [0.1, 0.1, -0.5, -0.2]),
//!         Dense::new([[0.3], [0.4], [0.5], [0.2]], [0.0]),
//!     );
//!     let mut trainer = Trainer::<_, HalfSquaredError>::new();
//!     trainer.fit(&mut net, &Sgd { learning_rate: rate }, examples, Stop::after(10));
//!     trainer.fit(&mut net, &Sgd { learning_rate: 0.05 }, examples, Stop::after(300));
//!     let mut alive = [false; 4];
//!     for (x, _) in examples {
//!         for (alive, y) in alive.iter_mut().zip(net.first().forward(x)) {
//!             *alive |= y > 0.0;
//!         }
//!     }
//!     (alive.iter().filter(|alive| !**alive).count(), trainer.mean_loss(&net, examples).unwrap())
//! }
//! let guess = 0.04; // half of the variance of the targets, about
//! let (dead_units, loss) = dead(0.05, &examples);
//! assert!(dead_units == 0 && loss < guess / 10.0, "{dead_units} {loss}");
//! let (dead_units, loss) = dead(1.2, &examples);
//! assert!(dead_units == 4 && loss > guess, "{dead_units} {loss}"); // A good rate is too late.
//! ```
//!
//! # Example: divergence
//!
//! ```
//! use core::ops::ControlFlow;
//! use gradlet::prelude::*;
//!
//! type Net = Dense<1, 1, Identity>;
//! let line = |x: f32| ([x], [2.0 * x + 1.0]);
//! let usual: Vec<_> = (-5..=5).map(|i| line(i as f32 / 5.0)).collect();
//! // From epoch 20 on, the sensor has a loose contact: 30 in place of 0.3.
//! let seen = |epoch| usual.iter().copied().chain((epoch >= 20).then_some(([30.0], [1.6])));
//!
//! fn train<O: Optimizer<Net>, S: IntoIterator<Item = ([f32; 1], [f32; 1])>>(
//!     optimizer: impl Fn() -> O,
//!     seen: impl Fn(u32) -> S,
//!     usual: &[([f32; 1], [f32; 1])],
//! ) -> (Outcome, [f32; 2]) {
//!     let mut net = Net::ZERO;
//!     let mut trainer = Trainer::<Net, HalfSquaredError, O>::new();
//!     let mut judge = Trainer::<Net, HalfSquaredError>::new();
//!     let mut best = EarlyStopping::new();
//!     let report = trainer.fit_with(
//!         &mut net,
//!         |_| optimizer(),
//!         |epoch| epoch.learn(seen(epoch.completed)),
//!         Stop::after(100),
//!         |epoch| {
//!             // Unlimited patience here, to show what happens.
//!             let loss = judge.mean_loss(epoch.net, usual).unwrap_or(f32::NAN);
//!             best.observe(epoch.net, loss, u32::MAX)
//!         },
//!     );
//!     let at_the_end = judge.mean_loss(&net, usual).unwrap();
//!     assert!(best.restore(&mut net));
//!     (report.outcome, [at_the_end, judge.mean_loss(&net, usual).unwrap()])
//! }
//! let sgd = || Sgd { learning_rate: 0.2 };
//! let (outcome, [end, restored]) = train(sgd, seen, &usual);
//! assert!(matches!(outcome, Outcome::NotFinite { .. }));
//! assert!(end.is_nan() && restored < 1e-4, "{end} {restored}"); // as it was at epoch 20
//!
//! let clipped = || ClipByNorm { optimizer: sgd(), limit: 1.0 };
//! let (outcome, [end, restored]) = train(clipped, seen, &usual);
//! assert_eq!(outcome, Outcome::EpochsDone);
//! assert!(end < 0.1 && restored < 1e-4, "{end} {restored}"); // worse, but never diverges
//! ```
//!
//! # What goes wrong
//!
//! - Units that are dead after the first epochs were killed by the learning rate: use a smaller one
//!   and start again. [`LeakyRelu`](crate::LeakyRelu) leaves them a gradient, but one so small that
//!   it takes long to revive them.
//! - Checking the loss only for NaN detects divergence too late. Saved weights may have been poor
//!   for hours: evaluate on held-out examples before every save.
//! - A clipping limit below the usual norm is only a smaller learning rate.
//! - Sigmoid and tanh units do not die but saturate: all outputs near an end of the range for all
//!   examples. Unscaled inputs cause that, see [scaling](super::normalise).
