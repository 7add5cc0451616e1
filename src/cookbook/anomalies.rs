//! Anomaly detection with an autoencoder: learn to reconstruct normal windows, flag a large
//! reconstruction error.
//!
//! # Question
//!
//! I have hours of a pump that runs well and no recording of one that fails. When do I raise an
//! alarm?
//!
//! # Rule
//!
//! - Train an autoencoder: a network whose target is its input, with fewer hidden units than
//!   inputs. It then keeps only what normal windows have in common, as principal component analysis
//!   does (Bourlard, Kamp, Auto-association by multilayer perceptrons, Biological Cybernetics 59,
//!   1988), and reconstructs others worse.
//! - Take the threshold from windows that were *not* trained on, as a
//!   [`Quantile`](crate::metrics::Quantile) of the reconstruction error. The share above it is the
//!   false alarm rate: at one window per second, 1 in 1,000 is 86 false alarms a day. Requiring 2
//!   alarms in a row makes it 1 in 1,000,000 if windows are independent, which those of a real
//!   machine are not quite. There is no threshold before enough windows have been seen, 100 for the
//!   99th percentile; from 1,000 on, the rate is within a tenth of the chosen one.
//! - Never train on a window above the threshold, or the failing pump becomes the normal one.
//!
//! # Example
//!
//! ```
//! use gradlet::{metrics::Quantile, prelude::*};
//!
//! type Net = net![8 => 3 Tanh => 8 Identity];
//! /// A window of 8 samples of a vibration, with some noise and an arbitrary phase.
//! fn window(i: u16, step: f32) -> [f32; 8] {
//!     let noise = |k: usize| (f32::from(i) * 12.9898 + k as f32 * 78.233).sin() * 0.02;
//!     core::array::from_fn(|k| (f32::from(i) * 2.4 + k as f32 * step).sin() * 0.7 + noise(k))
//! }
//! const USUAL: f32 = 0.8; // radians from sample to sample
//!
//! let mut net = Net::new(
//!     Dense::new([[0.3, 0.1, -0.2], [0.2, -0.3, 0.1], [-0.1, -0.3, 0.3], [-0.3, 0.2, 0.2],
//!         [-0.2, 0.3, -0.1], [0.1, 0.2, -0.3], [0.3, -0.1, -0.1], [0.1, -0.2, 0.3]], [0.0; 3]),
//!     Dense::ZERO,
//! );
//! let mut trainer = Trainer::<Net, MeanSquaredError>::new();
//! for x in (0..3000).map(|i| window(i, USUAL)) {
//!     trainer.step(&mut net, &Sgd { learning_rate: 0.1 }, &x, &x);
//! }
//!
//! let mut error = |x: &[f32; 8]| trainer.evaluate(&net, x, x);
//! let mut usual = Quantile::<99, 100>::new();
//! for i in 3000..4000 {
//!     usual.observe(error(&window(i, USUAL)));
//! }
//! let threshold = usual.value().unwrap();
//!
//! let alarms = |error: &mut dyn FnMut(&[f32; 8]) -> f32, step: f32| {
//!     (4000..5000).filter(|&i| error(&window(i, step)) > threshold).count()
//! };
//! let false_alarms = alarms(&mut error, USUAL);
//! assert!((2..=25).contains(&false_alarms), "{false_alarms} of 1000"); // 10 expected
//! assert_eq!(alarms(&mut error, 1.3 * USUAL), 1000); // The bearing runs 30 % faster.
//! ```
//!
//! # What goes wrong
//!
//! - As many hidden units as inputs: the network copies its input, and nothing is anomalous.
//! - A threshold from training windows is too low, and there are many false alarms.
//! - The mean of the errors plus 3 standard deviations assumes a normal distribution; see
//!   [`ErrorStatistics`](crate::metrics::ErrorStatistics).
//! - Normal may change, with the weather or with wear. Let the threshold follow slowly, with
//!   [`Quantile::with_memory`](crate::metrics::Quantile::with_memory), from windows below it or
//!   only a little above, and ask a person to confirm when it doubles.
