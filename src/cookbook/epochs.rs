//! Shuffle and weight examples: what an epoch trains on.
//!
//! # Question
//!
//! My recordings are sorted by class, and the one that matters is rare. What do I do?
//!
//! # Rule
//!
//! - **Shuffle before each epoch**, in [`fit_with`](crate::Trainer::fit_with). Training one example
//!   at a time, or in mini-batches, is stochastic gradient descent, which assumes that examples
//!   come in random order; sorted, the last class wins (Bengio, Practical recommendations for
//!   gradient-based training of deep architectures, 2012, section 3.1.1). Shuffle an order of
//!   indices if the data is large or in flash, else the data itself. A
//!   [full batch](crate::FULL_BATCH) needs no shuffling.
//! - **Weight a rare class** by `number of examples / (classes * examples of the class)`, so that
//!   all classes weigh the same in sum (King, Zeng, Logistic regression in rare events data, 2001).
//!   The example's [weight](crate::Example::weight) is the third of a triple; for single steps,
//!   [`step_weighted`](crate::Trainer::step_weighted). Divide by the largest weight if steps become
//!   too large.
//!
//! # Example
//!
//! ```
//! use core::ops::ControlFlow;
//! use gradlet::{init, prelude::*};
//! use rand_pcg::{Pcg32, rand_core::SeedableRng};
//!
//! // 190 windows of class 0, then 10 of class 1. They overlap: neither is beyond doubt.
//! let noise = |k: usize| (f32::sin(k as f32 * 12.9) + f32::sin(k as f32 * 7.3)) * 0.3;
//! let data: Vec<_> = (0..200)
//!     .map(|k| if k < 190 { ([noise(k)], [0.0]) } else { ([0.5 + noise(k)], [1.0]) })
//!     .collect();
//! let class_weights = [0.05, 1.0]; // 190 and 10 examples, divided by the largest weight
//! let of_class = |class: f32| data.iter().filter(move |(_, t)| t[0] == class);
//! let found = |net: &Dense<1, 1>, class: f32| {
//!     let right = of_class(class).filter(|(x, _)| (net.forward(x)[0] > 0.5) == (class > 0.5));
//!     right.count()
//! };
//!
//! let mut rng = Pcg32::seed_from_u64(1);
//! let mut order: Vec<usize> = (0..data.len()).collect();
//! let mut train = |class_weights: [f32; 2]| {
//!     let mut net = Dense::<1, 1>::ZERO;
//!     let mut trainer = Trainer::<_, BinaryCrossEntropy>::new();
//!     let report = trainer.fit_with(
//!         &mut net,
//!         |_| Sgd::new(0.1),
//!         |epoch| {
//!             init::shuffle(&mut order, &mut rng);
//!             epoch.learn(order.iter().map(|&i| {
//!                 let (x, t) = &data[i];
//!                 (x, t, class_weights[usize::from(t[0] > 0.5)])
//!             }))
//!         },
//!         Stop::after(200),
//!         |_| ControlFlow::Continue(()),
//!     );
//!     assert_eq!(report.outcome, Outcome::EpochsDone);
//!     (found(&net, 0.0), found(&net, 1.0))
//! };
//! let (common, rare) = train([1.0, 1.0]);
//! assert!(common >= 188 && rare <= 5, "{common} {rare}"); // 97 % accurate, and useless
//! let (common, rare) = train(class_weights);
//! assert!(common >= 150 && rare >= 9, "{common} {rare}");
//! ```
//!
//! # What goes wrong
//!
//! - Windows of one recording are alike, whatever their order: shuffle, but hold out whole
//!   recordings for evaluation.
//! - A mini-batch is divided by the sum of its weights, so one that happens to have a single class
//!   is not weighted at all. Use batches that are large enough to hold all classes, or
//!   [`Summed`](crate::Summed).
//! - Weights change what outputs mean: a probability of 0.5 is then that of classes that are equally
//!   frequent. Evaluate with a [`ConfusionMatrix`](crate::metrics::ConfusionMatrix), not by loss.
//! - With [`Adam`](crate::Adam) and one example at a time, weights act only by their ratios, and
//!   slowly: it divides by the size of recent gradients.
