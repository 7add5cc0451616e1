//! Freeze layers: features in flash, a head in RAM that learns, and examples to learn again.
//!
//! # Question
//!
//! The factory's network knows two gestures, the user wants a third. There is no RAM for a trainer
//! of the whole network, and the two must not be forgotten.
//!
//! # Rule
//!
//! - The first layers of a trained network serve similar tasks too (Yosinski, Clune, Bengio,
//!   Lipson, How transferable are features in deep neural networks?, NIPS 2014). Leave them in
//!   flash, [`Frozen<&'static _>`](crate::Frozen), and train the last one. RAM and time of training
//!   are then those of the head. Give the factory's network the outputs that will be needed later.
//! - What is trained on the new alone forgets the old: in each batch, mix examples of both, from a
//!   [`ReplayBuffer`](crate::stream::ReplayBuffer) that begins with some from the factory.
//! - Keep *features* in the buffer instead of inputs if they are fewer: frozen layers do not change
//!   them.
//!
//! # Example
//!
//! ```
//! use gradlet::{metrics::Accuracy, prelude::*, stream::ReplayBuffer};
//! use rand_pcg::{Pcg32, rand_core::SeedableRng};
//!
//! type Features = Dense<2, 6, Tanh>;
//! static FEATURES: Features = Dense::new(
//!     [[2.0, -1.0, -1.0, 1.0, 0.5, -2.0], [0.0, 1.7, -1.7, 1.0, -2.0, 0.5]],
//!     [0.1, -0.2, 0.3, -0.4, 0.0, 0.2],
//! );
//! type Head = Dense<6, 3, Softmax>; // room for a third gesture
//! type Net = Chain<Frozen<&'static Features>, Head>;
//! const _: () = assert!(Net::PARAMS == 21 && Net::BYTES <= 4 * 21 + 12); // and a pointer
//!
//! // Three gestures, each with a place of its own.
//! type Example = ([f32; 2], [f32; 3]);
//! let gesture = |class: usize, i: usize| -> Example {
//!     let [x, y] = [[1.0, 0.0], [-0.5, 0.9], [0.3, 0.6]][class];
//!     let off = |k: f32| (i as f32 * k).sin() * 0.25;
//!     ([x + off(1.1), y + off(2.3)], gradlet::preprocess::one_hot(class).unwrap())
//! };
//! let accuracy = |net: &Net, class: usize| {
//!     let mut accuracy = Accuracy::new();
//!     for (x, t) in (1000..1100).map(|i| gesture(class, i)) {
//!         accuracy.observe(&net.forward(&x), &t);
//!     }
//!     accuracy.correct()
//! };
//!
//! // In the factory: gestures 0 and 1, and 16 of them go with the device.
//! let mut rng = Pcg32::seed_from_u64(1);
//! let mut factory = Net::new(Frozen::new(&FEATURES), Zero::ZERO);
//! let mut replay = ReplayBuffer::<[f32; 2], [f32; 3], 16>::new();
//! let mut trainer = BatchTrainer::<Net, CrossEntropy>::new();
//! let sgd = Sgd { learning_rate: 0.3 };
//! for example in (0..400).map(|i| gesture(i % 2, i)) {
//!     trainer.accumulate_all(&factory, [&example]);
//!     trainer.apply(&mut factory, &sgd);
//!     replay.push_reservoir(example, &mut rng);
//! }
//!
//! // The user shows gesture 2 twenty times; the network sees each ten times.
//! let mut user = |with_old: bool| {
//!     let mut net = factory.clone();
//!     for i in 0..200 {
//!         trainer.accumulate_all(&net, [&gesture(2, i % 20)]);
//!         if with_old {
//!             trainer.accumulate_all(&net, replay.draw(2, &mut rng));
//!         }
//!         trainer.apply(&mut net, &sgd);
//!     }
//!     [0, 1, 2].map(|class| accuracy(&net, class))
//! };
//! assert!(accuracy(&factory, 2) < 60);
//! let alone = user(false);
//! assert!(alone[2] > 95 && (alone[0] < 60 || alone[1] < 60), "{alone:?}"); // forgotten
//! let mixed = user(true);
//! assert!(mixed.iter().all(|&correct| correct > 95), "{mixed:?}");
//! ```
//!
//! # What goes wrong
//!
//! - Frozen features that saturate or die for the new examples cannot be mended by a head.
//! - A head saved with `gradlet::store` fits only these features: its fingerprint has their type,
//!   not their numbers. Give new features a range of flash of their own, or erase the old head.
//! - With many examples of the new in each batch and few of the old, the old is still forgotten: as
//!   many old ones for each class.
