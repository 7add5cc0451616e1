//! Train a linear head by recursive least squares: few examples, no learning rate.
//!
//! # Question
//!
//! My device gets twenty examples from its user, not two thousand. Must it train on them a hundred
//! times?
//!
//! # Rule
//!
//! Where the last layer is linear ([`Identity`](crate::Identity)) and the rest is
//! [`Frozen`](crate::Frozen), [`RecursiveLeastSquares`](crate::linear::RecursiveLeastSquares) gives
//! the optimal weights after each example, once there are as many examples as weights per output
//! (Haykin, Adaptive Filter Theory).
//!
//! - It takes `IN (IN + 1) + 3` numbers: 300 bytes for a head of 8 features, 17 KB for 64. Above
//!   about 32 features, use [`Sgd`](crate::Sgd).
//! - **Forgetting** factor `1 - 1/n` remembers about `n` examples: 1 for data that does not change.
//!   With fewer remembered examples than features it is underdetermined: `n >= 3 IN`.
//! - **Regularisation** is small (`1e-3`) for a head that starts at zero, and large for one from
//!   the factory: about as many examples as it should take to change its predictions, times the
//!   mean square of a feature.
//!
//! # Example
//!
//! ```
//! use gradlet::{linear::RecursiveLeastSquares, prelude::*};
//!
//! type Features = Dense<1, 4, Tanh>;
//! static FEATURES: Features = Dense::new([[1.0, 2.0, -1.5, 3.0]], [0.5, -0.5, 1.0, 0.2]);
//! type Net = Chain<Frozen<&'static Features>, Dense<4, 1, Identity>>;
//!
//! let curve = |i: u16, bend: f32| {
//!     let x = f32::from(i * 7 % 20) / 10.0 - 1.0;
//!     ([x], [bend * x * x + 0.5 * x])
//! };
//! let loss = |net: &Net, bend| {
//!     let examples = (0..20).map(|i| curve(i, bend));
//!     Trainer::<Net, HalfSquaredError>::new().mean_loss(net, examples).unwrap()
//! };
//!
//! // Twenty examples, once.
//! let mut exact = Net::new(Frozen::new(&FEATURES), Zero::ZERO);
//! let mut least_squares = RecursiveLeastSquares::<4>::new(1e-3, 1.0)?;
//! for (x, t) in (0..20).map(|i| curve(i, 1.0)) {
//!     let features = exact.first().forward(&x);
//!     least_squares.step(exact.rest_mut(), &features, &t);
//! }
//! // The same by gradient descent, a hundred times.
//! let mut descent = Net::new(Frozen::new(&FEATURES), Zero::ZERO);
//! let mut trainer = Trainer::<Net, HalfSquaredError>::new();
//! let examples = (0..20).map(|i| curve(i, 1.0));
//! trainer.fit(&mut descent, &Sgd { learning_rate: 0.1 }, examples, Stop::after(100));
//! let (once, hundred_times) = (loss(&exact, 1.0), loss(&descent, 1.0));
//! assert!(once < hundred_times / 5.0, "{once} {hundred_times}");
//!
//! // The sensor ages: the curve bends the other way. Only with forgetting can the head follow.
//! let after = |forgetting| {
//!     let mut net = Net::new(Frozen::new(&FEATURES), Zero::ZERO);
//!     let mut least_squares = RecursiveLeastSquares::<4>::new(1e-3, forgetting).unwrap();
//!     for i in 0..400 {
//!         let (x, t) = curve(i, if i < 300 { 1.0 } else { -1.0 });
//!         let features = net.first().forward(&x);
//!         least_squares.step(net.rest_mut(), &features, &t);
//!     }
//!     loss(&net, -1.0)
//! };
//! let (remembers_20, remembers_all) = (after(0.95), after(1.0));
//! assert!(remembers_20 < 0.01 && remembers_all > 0.1, "{remembers_20} {remembers_all}");
//! # Ok::<(), gradlet::linear::RecursiveLeastSquaresError>(())
//! ```
//!
//! # What goes wrong
//!
//! - An outlier is fitted at once, as with all least squares: skip an example whose loss before the
//!   step is many times the usual ([`Quantile`](crate::metrics::Quantile)).
//! - The matrix is not saved by `gradlet::store`: after a reset it starts anew. Then use a larger
//!   regularisation, so that the saved weights count.
//! - The features must not change: do not combine least squares with gradient descent on the layers
//!   before it.
