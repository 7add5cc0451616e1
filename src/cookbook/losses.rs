//! Choose a loss: by the kind of prediction, and by the distribution of the noise.
//!
//! # Question
//!
//! I know squared error. When is it the wrong loss?
//!
//! # Rule
//!
//! | prediction | last activation | loss | targets |
//! |---|---|---|---|
//! | numbers | [`Identity`] | [`MeanSquaredError`] | scaled numbers |
//! | numbers, with outliers | [`Identity`] | [`Huber`] | scaled numbers |
//! | numbers, with outliers, smooth everywhere | [`Identity`] | [`LogCosh`] | scaled numbers |
//! | a bound that 9 of 10 numbers are below | [`Identity`] | [`Pinball<9, 10>`](crate::Pinball) | scaled numbers |
//! | yes or no, for each output | [`Sigmoid`] | [`BinaryCrossEntropy`] | 0 or 1 |
//! | one of several classes | [`Softmax`] | [`CrossEntropy`] | [`one_hot`] |
//! | either, where most examples are easy | the same | [`Focal`] | the same |
//!
//! Each is the negative log-likelihood of a kind of noise (Bishop, Pattern Recognition and Machine
//! Learning, 2006, section 5.2): squared error estimates the mean and so follows every outlier,
//! absolute error the median; cross-entropies make outputs probabilities, and have a large gradient
//! on a confident wrong prediction. Squared error does not: its derivative there has the factor
//! `y (1 - y)`.
//!
//! # Example
//!
//! ```
//! use gradlet::prelude::*;
//!
//! /// What a bias learns from 20 degrees, where 1 of 10 readings is a spike of 100.
//! fn learned<L: Loss<Identity>>(rate: f32) -> f32 {
//!     let readings = (0..10_u8).map(|i| ([0.0], [if i == 9 { 100.0 } else { 20.0 }]));
//!     let mut net = Dense::<1, 1, Identity>::ZERO;
//!     let mut trainer = BatchTrainer::<_, L>::new();
//!     trainer.fit(&mut net, &Sgd { learning_rate: rate }, FULL_BATCH, readings, Stop::after(500));
//!     net.bias()[0]
//! }
//! assert!((learned::<HalfSquaredError>(0.1) - 28.0).abs() < 0.01); // the mean
//! assert!((learned::<Huber>(0.1) - 20.0).abs() < 0.2); // near the median
//! assert!((learned::<AbsoluteError>(0.1) - 20.0).abs() < 0.2);
//!
//! /// How far one step moves the logit of a prediction of 0.9999 whose target is 0.
//! fn moved<L: Loss<Sigmoid>>() -> f32 {
//!     let mut net = Dense::<1, 1, Sigmoid>::new([[0.0]], [9.2]);
//!     Trainer::<_, L>::new().step(&mut net, &Sgd { learning_rate: 1.0 }, &[0.0], &[0.0]);
//!     9.2 - net.bias()[0]
//! }
//! assert!(moved::<HalfSquaredError>() < 0.001); // It will take thousands of steps.
//! assert!(moved::<BinaryCrossEntropy>() > 0.99);
//! ```
//!
//! # Example: a number known only at run time
//!
//! A loss is a type, and so is an activation: that takes no memory, and the compiler knows its
//! numbers. For a number that a user sets on the device, write a custom one that reads a `static`.
//! Networks with such an activation need a [fingerprint](crate::Layer::FINGERPRINT) of their own
//! kind, or one that was saved with one number is loaded with another.
//!
//! ```
//! use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
//! use gradlet::prelude::*;
//!
//! /// [`Pinball`] loss, whose minimum is a quantile: `E = sum max(q (t - y), (q - 1) (t - y))`.
//! struct AnyQuantile;
//!
//! /// The bits of `q`.
//! static QUANTILE: AtomicU32 = AtomicU32::new(0);
//!
//! impl Loss<Identity> for AnyQuantile {
//!     fn evaluate(values: &mut [f32], target: &[f32]) -> f32 {
//!         let q = f32::from_bits(QUANTILE.load(Relaxed));
//!         values.iter().zip(target).map(|(y, t)| (q * (t - y)).max((q - 1.0) * (t - y))).sum()
//!     }
//!     fn delta(output: &[f32], target: &[f32], delta: &mut [f32], (): &mut ()) {
//!         let q = f32::from_bits(QUANTILE.load(Relaxed));
//!         for ((d, y), t) in delta.iter_mut().zip(output).zip(target) {
//!             *d = if t > y { -q } else { 1.0 - q };
//!         }
//!     }
//! }
//!
//! let learned = |q: f32| {
//!     QUANTILE.store(q.to_bits(), Relaxed);
//!     let readings = (0..=10_u8).map(|i| ([0.0], [f32::from(i)]));
//!     let mut net = Dense::<1, 1, Identity>::ZERO;
//!     let mut trainer = BatchTrainer::<_, AnyQuantile>::new();
//!     trainer.fit(&mut net, &Sgd::new(0.05), FULL_BATCH, readings, Stop::after(3000));
//!     net.bias()[0]
//! };
//! assert!((learned(0.8) - 8.0).abs() < 0.1);
//! assert!((learned(0.25) - 2.0).abs() < 0.1);
//! ```
//!
//! # What goes wrong
//!
//! - Squared error for classes learns, but corrects confident wrong predictions only slowly.
//! - Absolute error has the same gradient near the target as far from it, so it never settles: let
//!   the learning rate [decay](crate::schedule), or use Huber's loss, which is quadratic near the
//!   target. Its threshold, 1 by default, is where an outlier begins, in units of the *scaled*
//!   target.
//! - [`Focal`] loss makes probabilities less certain than they are, as it hardly learns from easy
//!   examples. Where the probabilities count, and not only the classes, use cross-entropy.
//! - A softmax of two outputs for yes or no costs twice the units and says the same as one sigmoid.
//! - Where one class has 99 of 100 examples, always predicting it is 99 % accurate. Look at a
//!   [`ConfusionMatrix`](crate::metrics::ConfusionMatrix), and give the rare class a larger
//!   [weight](crate::Example::weight).
//!
//! [`BinaryCrossEntropy`]: crate::BinaryCrossEntropy
//! [`CrossEntropy`]: crate::CrossEntropy
//! [`Focal`]: crate::Focal
//! [`Huber`]: crate::Huber
//! [`Identity`]: crate::Identity
//! [`LogCosh`]: crate::LogCosh
//! [`MeanSquaredError`]: crate::MeanSquaredError
//! [`Pinball`]: crate::Pinball
//! [`Sigmoid`]: crate::Sigmoid
//! [`Softmax`]: crate::Softmax
//! [`one_hot`]: crate::preprocess::one_hot
