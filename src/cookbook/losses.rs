//! Pick a loss: by what the answer is, and by how the noise looks.
//!
//! # Question
//!
//! Squared error is what I know. When is it the wrong one?
//!
//! # Rule
//!
//! | the answer | last activation | loss | targets |
//! |---|---|---|---|
//! | numbers | [`Identity`] | [`MeanSquaredError`] | scaled numbers |
//! | numbers, some readings wild | [`Identity`] | [`Huber`] | scaled numbers |
//! | yes or no, each output by itself | [`Sigmoid`] | [`BinaryCrossEntropy`] | 0 or 1 |
//! | one class of several | [`Softmax`] | [`CrossEntropy`] | [`one_hot`] |
//!
//! Each is the likelihood of a kind of noise (Bishop, Pattern Recognition and Machine Learning,
//! 2006, section 5.2): squared error finds the mean and so believes every wild reading, absolute
//! error the median; the cross-entropies make outputs probabilities, and pull hard on an answer
//! that is sure and wrong. Squared error does not: its derivative there has the factor `y (1 - y)`.
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
//! /// How far one step moves the logit of an answer of 0.9999 that should have been 0.
//! fn moved<L: Loss<Sigmoid>>() -> f32 {
//!     let mut net = Dense::<1, 1, Sigmoid>::new([[0.0]], [9.2]);
//!     Trainer::<_, L>::new().step(&mut net, &Sgd { learning_rate: 1.0 }, &[0.0], &[0.0]);
//!     9.2 - net.bias()[0]
//! }
//! assert!(moved::<HalfSquaredError>() < 0.001); // It will take thousands of steps.
//! assert!(moved::<BinaryCrossEntropy>() > 0.99);
//! ```
//!
//! # What goes wrong
//!
//! - Squared error for classes learns, but stays wrong for long where it once was sure.
//! - Absolute error pulls as hard near the target as far from it, so it never comes to rest: let
//!   the rate [fall](crate::schedule), or take Huber's loss, which is squared near the target. Its
//!   threshold, 1 unless given, is what counts as wild, in units of the *scaled* target.
//! - A softmax of two outputs for yes or no costs twice the units and says the same as one sigmoid.
//! - Where one class has 99 of 100 examples, always saying it is 99 % right. Look at a
//!   [`ConfusionMatrix`](crate::metrics::ConfusionMatrix), and show the rare class more often.
//!
//! [`BinaryCrossEntropy`]: crate::BinaryCrossEntropy
//! [`CrossEntropy`]: crate::CrossEntropy
//! [`Huber`]: crate::Huber
//! [`Identity`]: crate::Identity
//! [`MeanSquaredError`]: crate::MeanSquaredError
//! [`Sigmoid`]: crate::Sigmoid
//! [`Softmax`]: crate::Softmax
//! [`one_hot`]: crate::preprocess::one_hot
