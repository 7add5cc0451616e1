//! Transfer learning: frozen features in flash, a trainable head in RAM, and experience replay.
//!
//! # Question
//!
//! The factory's network knows two gestures, the user wants a third. There is not enough RAM to
//! train the whole network, and the two must not be forgotten.
//!
//! # Rule
//!
//! - The first layers of a trained network serve similar tasks too (Yosinski, Clune, Bengio,
//!   Lipson, How transferable are features in deep neural networks?, NIPS 2014). Leave them in
//!   flash, [`Frozen<&'static _>`](crate::Frozen), and train the last one. Training then takes the
//!   RAM and time of the head alone. Give the factory's network the outputs that will be needed
//!   later.
//! - Training on new data alone makes a network forget the old (catastrophic forgetting): in each
//!   batch, mix examples of both, from a [`ReplayBuffer`](crate::stream::ReplayBuffer) that is
//!   shipped with some from the factory.
//! - Store *features* in the buffer instead of inputs if they are fewer: frozen layers always
//!   compute the same features.
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
//! // Three gestures, each a cluster of its own.
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
//! // In the factory: gestures 0 and 1; 16 examples are shipped with the device.
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
//! // The user shows gesture 2 twenty times; the network trains on each ten times.
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
//! # Where even that is too little, or too much
//!
//! What a trainer holds depends on which parts of a network are trained, and on what is kept for
//! them. Each choice is a type, so its RAM is a constant. A network for 128 steps of 6 sensors, with
//! 2262 parameters:
//!
//! ```
//! use gradlet::{BiasOnly, Recompute, prelude::*};
//!
//! type First = net![128 x 6 => Conv1d(16, 5, step 2) Relu => MaxPool(2)];
//! type Second = net![31 x 16 => Conv1d(32, 3) Relu => GlobalMean];
//! type Body = Chain<First, Second>;
//! type Head = Dense<32, 6, Softmax>;
//!
//! /// Bytes of parameters in RAM, but for pointers to flash, and of the trainer for plain SGD.
//! const fn ram<N: Layer<Format = f32, Activation = Softmax>>() -> (usize, usize) {
//!     (4 * N::PARAMS, size_of::<Trainer<N, CrossEntropy>>())
//! }
//!
//! // Everything is trained, everything is kept: for each layer an output and a derivative.
//! const _: () = assert!(matches!(ram::<Chain<Body, Head>>(), (9048, 19_632)));
//!
//! // Only the head is trained. The weights of the body stay in flash.
//! type Frost = Frozen<&'static Body>;
//! const _: () = assert!(matches!(ram::<Chain<Frost, Head>>(), (792, 19_632)));
//!
//! // The same, but nothing is kept of the body except its output.
//! type Thin = Recompute<Frost>;
//! const _: () = assert!(matches!(ram::<Chain<Thin, Head>>(), (792, 304)));
//! const _: () = assert!(Thin::STACK_BYTES == 19_584); // while the body is computed
//!
//! // The biases of the body are trained too: 48 numbers, and for Adam 2 more for each.
//! type Biases = BiasOnly<&'static Body>;
//! const _: () = assert!(matches!(ram::<Chain<Biases, Head>>(), (984, 19_632)));
//! const _: () = assert!(size_of::<<Biases as Layer>::Gradient>() == 4 * 48);
//!
//! // Everything is trained, but each of two parts is computed again in the backward pass.
//! type Parts = Chain<Recompute<First>, Chain<Recompute<Second>, Head>>;
//! const _: () = assert!(matches!(ram::<Parts>(), (9048, 4272)));
//! const _: () = assert!(Recompute::<First>::STACK_BYTES == 11_904); // of the larger part
//! ```
//!
//! - **[`Frozen`](crate::Frozen) body**: the least time. Behind it nothing needs its inner values, but
//!   a layer cannot know what is before it, so they have their place in the trainer.
//! - **[`Recompute`](crate::Recompute) of a frozen body**: the inner values are on the stack while the
//!   body is computed, and the rest of the program has that RAM between two steps. If the body comes
//!   first, it takes no more time.
//! - **[`BiasOnly`](crate::BiasOnly) body**: fits a body to a new sensor or a new place, where a new
//!   head alone does not help. No gradient of weights is computed, and gradient and optimizer have
//!   the size of the biases. Derivatives go through the body, so its inner values are needed.
//! - **[`Recompute`](crate::Recompute) of each part**: all is trained with the same bits. It needs
//!   what is kept at the cuts and the stack of the largest part, here 16,176 bytes instead of 19,632;
//!   cut so that no part is much larger than the others.
//!
//! How accurate each way is on two tasks, with its RAM and instructions on a Cortex-M4F, is in a table
//! on the page of `examples/firmware`, "Transfer learning in little memory".
//!
//! # What goes wrong
//!
//! - Frozen features that saturate or die for the new examples cannot be repaired by a head.
//! - A head saved with `gradlet::store` fits only these features: its fingerprint covers their
//!   type, not their weights. Give new features their own range of flash, or erase the old head.
//! - With many new examples in each batch and few old ones, the old are still forgotten: balance
//!   the classes.
