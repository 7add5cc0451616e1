//! Feature scaling (standardisation): inputs of mean 0 and variance 1, and raw readings on the
//! device.
//!
//! # Question
//!
//! The pressure is about 1,000 hPa and varies by some 20, the temperature is about 20 degrees. The
//! loss does not fall, or becomes infinite. What is wrong with my readings?
//!
//! # Rule
//!
//! Standardise each input to a mean of 0 and a variance of about 1, and regression targets too
//! (LeCun, Bottou, Orr, Mueller, Efficient BackProp, 1998, section 4.3). The input with the largest
//! range bounds the [learning rate](super::learning_rate), the one with the smallest needs the most
//! steps: training time grows with the square of their ratio. Take the statistics from training
//! examples only, then keep them fixed: weights trained with one scaling are wrong with another.
//!
//! - **Inference only** on the device: [fold](crate::preprocess::Scaling::fold_into) the scaling
//!   into the weights.
//! - **Training** on the device: make it the [first
//!   layer](crate::preprocess::Scaling#as-a-layer). It is saved with the weights, so a reboot does
//!   not part them.
//!
//! # Example
//!
//! ```
//! use gradlet::{prelude::*, preprocess::Standardize};
//!
//! // Height in metres from pressure in hPa and temperature in degrees Celsius, roughly.
//! let height = |p: f32, t: f32| [8.3 * (1013.0 - p) + 2.0 * (t - 15.0)];
//! let examples: Vec<_> = (0..100_u8)
//!     .map(|i| (980.0 + f32::from(i % 10) * 5.0, 10.0 + f32::from(i / 10) * 2.0))
//!     .map(|(p, t)| ([p, t], height(p, t)))
//!     .collect();
//! let (mut inputs, mut targets) = (Standardize::new(), Standardize::new());
//! for (x, t) in &examples {
//!     inputs.observe(x);
//!     targets.observe(t);
//! }
//! let (inputs, targets) = (inputs.scaling(), targets.scaling());
//!
//! type Net = Dense<2, 1, Identity>;
//! let mut trainer = BatchTrainer::<Net, HalfSquaredError>::new();
//! let stop = Stop::after(200);
//!
//! // Raw inputs: 2 divided by the mean squared length is the largest rate known to be stable ..
//! let mut raw = Net::ZERO;
//! let scaled_targets = examples.iter().map(|(x, t)| (*x, targets.transform(t)));
//! let sgd = Sgd { learning_rate: 1.9e-6 };
//! let report = trainer.fit(&mut raw, &sgd, FULL_BATCH, scaled_targets, stop);
//! assert!(report.loss.unwrap() > 0.4); // .. and too small.
//!
//! // Scaled inputs: the same number of steps.
//! let mut net = Net::ZERO;
//! let scaled = examples.iter().map(|(x, t)| (inputs.transform(x), targets.transform(t)));
//! let sgd = Sgd { learning_rate: 0.5 };
//! let report = trainer.fit(&mut net, &sgd, FULL_BATCH, scaled, stop);
//! assert!(report.loss.unwrap() < 1e-9);
//!
//! // For the device: hPa and degrees in, metres out, no preprocessing.
//! inputs.fold_into(&mut net);
//! targets.fold_into_output(&mut net);
//! let [metres] = net.forward(&[1003.0, 25.0]);
//! assert!((metres - 103.0).abs() < 0.1, "{metres}");
//! ```
//!
//! A device that measures the scaling of its own sensors, and trains:
//!
//! ```
//! use gradlet::flat::{frame_bytes, load_frame, to_frame};
//! use gradlet::{prelude::*, preprocess::Standardize};
//!
//! // Pressure in hPa, temperature in degrees Celsius; whether the door is open.
//! let readings = [
//!     ([1010.0, 21.0], [0.0]),
//!     ([1010.5, 21.5], [0.0]),
//!     ([1008.5, 18.0], [1.0]),
//!     ([1008.0, 17.5], [1.0]),
//! ];
//! type Net = net![2 => Scaling => 4 Tanh => 1 Sigmoid];
//! let mut net = Net::ZERO;
//!
//! // First boot: measure, then never again.
//! let mut statistics = Standardize::new();
//! for (x, _) in &readings {
//!     statistics.observe(x);
//! }
//! *net.first_mut() = statistics.scaling().with_floor(&[0.1, 0.1]); // the sensors' resolution
//! for (i, row) in net.rest_mut().first_mut().weights_mut().iter_mut().enumerate() {
//!     row[i] = 0.5; // for `init::xavier_uniform`
//! }
//! let mut trainer = Trainer::<_, BinaryCrossEntropy>::new();
//! trainer.fit(&mut net, &Sgd { learning_rate: 0.5 }, &readings, Stop::after(100));
//!
//! // What a store, a frame or a file keeps is all that it takes.
//! let saved: [u8; frame_bytes::<Net>()] = to_frame(&net)?;
//! let mut after_reboot = Net::ZERO;
//! load_frame(&mut after_reboot, &saved)?;
//! assert_eq!(after_reboot, net);
//! assert!(readings.iter().all(|(x, t)| (after_reboot.forward(x)[0] - t[0]).abs() < 0.1));
//! # Ok::<(), gradlet::flat::FrameError>(())
//! ```
//!
//! # What goes wrong
//!
//! - Where the mean is 1,000 times the standard deviation or more,
//!   [folding](crate::preprocess::Scaling::fold_into) loses 3 of the 7 digits of `f32`: call
//!   [`transform`](crate::preprocess::Scaling::transform) on the device instead.
//! - A layer that is trained after folding is trained on raw readings again. Fold a copy for
//!   inference, or do not fold where the device trains.
//! - Scaling in a variable beside the network is lost at a reboot, and measured anew it is another:
//!   a classifier that was always right can fall to chance. The first layer is kept.
//! - Measuring again while training makes the weights wrong each time. To follow a sensor that
//!   drifts, replace the scaling rarely, and train on.
//! - An input that hardly varies among the examples is divided by very little, and becomes huge as
//!   soon as it does vary: give [`Scaling::with_floor`](crate::preprocess::Scaling::with_floor) its
//!   smallest meaningful spread.
//! - A broken sensor gives extreme values, which tanh and sigmoid hide. Treat a scaled input beyond
//!   about 6 as a sensor fault, not as an example.
