//! Choose a learning rate: computed for a linear layer, found by experiment for the rest.
//!
//! # Question
//!
//! What is the largest learning rate that does not end in NaN? I cannot watch a thousand devices.
//!
//! # Rule for a linear layer
//!
//! With squared error, `E = 1/2 sum (y - t)^2`, gradient descent over a batch is stable below
//! `2 / l`, where `l` is the largest eigenvalue of the mean of `x x^T` over the examples, with a 1
//! for the bias among the inputs (LeCun, Bottou, Orr, Mueller, Efficient BackProp, 1998, section
//! 5). No eigenvalue exceeds their sum, the trace, which is the mean of `|x|^2`, so
//!
//! ```text
//! rate < 2 / mean |x|^2        with the 1 for the bias in |x|^2
//! ```
//!
//! is safe, and needs only a sum (Widrow, Stearns, Adaptive Signal Processing, 1985). For
//! [`MeanSquaredError`](crate::MeanSquaredError) of `n` outputs, multiply by `n / 2`. For one
//! example at a time, use the largest `|x|^2` instead of the mean.
//!
//! ```
//! use gradlet::prelude::*;
//!
//! let examples: Vec<_> = (0..20)
//!     .map(|i| (f32::sin(i as f32), f32::cos(i as f32 * 1.7)))
//!     .map(|(a, b)| ([a + 0.5, 2.0 * b + a], [3.0 * a - b + 0.7]))
//!     .collect();
//! let with_one = |x: &[f32; 2]| [x[0], x[1], 1.0];
//! let dot = |a: [f32; 3], b: [f32; 3]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
//! let count = examples.len() as f32;
//!
//! // The largest eigenvalue, by power iteration: each product turns v towards its eigenvector.
//! let (mut v, mut largest) = ([1.0; 3], 0.0);
//! for _ in 0..50 {
//!     let mut product = [0.0; 3];
//!     for (x, _) in &examples {
//!         let x = with_one(x);
//!         let share = dot(x, v) / count;
//!         product.iter_mut().zip(x).for_each(|(p, x)| *p += share * x);
//!     }
//!     largest = dot(product, product).sqrt();
//!     v = product.map(|p| p / largest);
//! }
//! let limit = 2.0 / largest;
//! let squares = examples.iter().map(|(x, _)| dot(with_one(x), with_one(x)));
//! let safe = 2.0 / (squares.sum::<f32>() / count);
//! assert!(safe < limit && limit < 3.0 * safe);
//!
//! let train = |learning_rate| {
//!     let mut net = Dense::<2, 1, Identity>::ZERO;
//!     let mut trainer = BatchTrainer::<_, HalfSquaredError>::new();
//!     trainer.fit(&mut net, &Sgd { learning_rate }, FULL_BATCH, &examples, Stop::after(1500))
//! };
//! assert!(train(0.98 * limit).loss.unwrap() < 1e-9); // just below: converges
//! assert!(matches!(train(1.02 * limit).outcome, Outcome::NotFinite { .. })); // just above: not
//! assert!(train(safe).loss.unwrap() < 1e-9); // needs no eigenvalue
//! ```
//!
//! # Rule for deeper networks
//!
//! There is no such formula: the curvature changes with the weights. A range test finds the rate
//! (Smith, Cyclical Learning Rates for Training Neural Networks, WACV 2017): raise the rate a
//! little in each step, until the loss is a few times its minimum. Use a tenth of the rate at that
//! step.
//!
//! ```
//! use gradlet::prelude::*;
//!
//! type Net = Mlp<1, 4, 1, Tanh, Identity>;
//! let start = Net::new(
//!     Dense::new([[1.5, -2.5, 3.0, 0.5]], [0.5, 1.0, -1.0, -0.5]),
//!     Dense::new([[0.3], [-0.6], [0.1], [0.8]], [0.0]),
//! );
//! let examples: Vec<_> = (-10..=10)
//!     .map(|i| i as f32 / 10.0)
//!     .map(|x| ([x], [f32::sin(4.0 * x)]))
//!     .collect();
//! let mut trainer = BatchTrainer::<Net, HalfSquaredError>::new();
//!
//! // The range test, on a copy.
//! let (mut net, mut rate, mut lowest) = (start.clone(), 1e-3, f32::INFINITY);
//! loop {
//!     let loss = trainer.accumulate_all(&net, &examples).unwrap();
//!     if !(loss < 4.0 * lowest) {
//!         break; // NaN ends it too.
//!     }
//!     lowest = lowest.min(loss);
//!     trainer.apply(&mut net, &Sgd { learning_rate: rate });
//!     rate *= 1.1;
//! }
//! trainer.clear();
//!
//! let mut train = |learning_rate| {
//!     let sgd = Sgd { learning_rate };
//!     let stop = Stop::after(1000);
//!     trainer.fit(&mut start.clone(), &sgd, FULL_BATCH, &examples, stop).loss.unwrap()
//! };
//! let (chosen, too_large, too_small) = (train(rate / 10.0), train(rate), train(rate / 1000.0));
//! assert!(chosen < 0.01, "{chosen} at {rate}");
//! assert!(too_large > 3.0 * chosen && too_small > 3.0 * chosen, "{too_large}, {too_small}");
//! ```
//!
//! # What goes wrong
//!
//! - Too large by 2 % is as bad as by 100 %: the error grows by a factor in each step, slowly at
//!   first.
//! - Inputs become larger than those that the rate was chosen for. Stay at half of the limit, and
//!   [clip gradients](crate::ClipByNorm).
//! - For [`Momentum`](crate::Momentum) with factor `m` the limit is only `1 + m` times as high,
//!   while each gradient counts `1 / (1 - m)` times in total.
//! - [`Adam`](crate::Adam) takes steps of about its learning rate whatever the gradient: start at
//!   0.001; the range test works for it too.
