//! Update over the air: packets, checks, a trial, and rollback.
//!
//! # Question
//!
//! A better network was trained on a PC. How does it get onto a thousand devices, and what if it is
//! not better there?
//!
//! # Rule
//!
//! Three gates; only a network that passes all of them is saved:
//!
//! 1. **Is it complete, and of this type?** [`load_frame`](crate::flat::load_frame) checks length,
//!    CRC, [fingerprint](crate::Layer::FINGERPRINT), and that each number is finite; on an error
//!    the network is unchanged.
//! 2. **Is it better *here*?** The device evaluates the old and the new one on held-out examples
//!    from its own sensor. [`EarlyStopping`](crate::EarlyStopping) holds the old one meanwhile: one
//!    number for each parameter.
//! 3. **Does it survive a reset?** Save only after that. A [store](crate::store) keeps the old one
//!    until the new one is complete.
//!
//! # Example
//!
//! ```standalone_crate
//! use gradlet::flat::{Assembler, FrameError, frame_bytes, load_frame, piece_count, pieces, to_frame};
//! use gradlet::prelude::*;
//! use gradlet::store::Store;
//! # mod flash { include!("../../tests/simulated/flash.rs"); }
//! # let flash = flash::Flash::<4, 512, 4>::new();
//!
//! type Net = Mlp<1, 4, 1, Tanh, Identity>;
//! const FRAME: usize = frame_bytes::<Net>();
//! const PACKET: usize = 20; // bytes of a frame in a packet, beside its number
//! type Inbox = Assembler<Net, PACKET, { piece_count::<Net, PACKET>() }>;
//!
//! #[derive(Debug, PartialEq)]
//! enum Update {
//!     Accepted,
//!     Refused(FrameError),
//!     RolledBack,
//! }
//!
//! /// On the device: the first two gates. `own` are held-out examples from its own sensor.
//! fn update(net: &mut Net, frame: &[u8], own: &[([f32; 1], [f32; 1])]) -> Update {
//!     let mut judge = Trainer::<Net, HalfSquaredError>::new();
//!     let mut loss = |net: &Net| judge.mean_loss(net, own).unwrap_or(f32::NAN);
//!     let mut old = EarlyStopping::new();
//!     let _ = old.observe(net, loss(net), 1);
//!     if let Err(error) = load_frame(net, frame) {
//!         return Update::Refused(error);
//!     }
//!     if old.observe(net, loss(net), 1).is_break() {
//!         old.restore(net); // Not better, or NaN.
//!         return Update::RolledBack;
//!     }
//!     Update::Accepted
//! }
//!
//! let own: Vec<_> = (-8..=8).map(|i| i as f32 / 8.0).map(|x| ([x], [(2.0 * x).sin()])).collect();
//! let factory = Net::new(
//!     Dense::new([[1.5, -0.5, 1.0, -2.0]], [0.1, -0.3, 0.2, 0.4]),
//!     Dense::new([[0.3], [0.2], [-0.1], [0.1]], [0.0]),
//! );
//! // On the PC.
//! let mut better = factory.clone();
//! let mut trainer = Trainer::<_, HalfSquaredError>::new();
//! trainer.fit(&mut better, &Sgd { learning_rate: 0.1 }, &own, Stop::after(200));
//!
//! // On the device, at first: the factory's network, in its store.
//! let mut store = Store::new(flash, 0..2048)?;
//! let mut net = factory.clone();
//! store.save(&net)?;
//!
//! // Packets arrive twice, in any order, or not at all; `missing` ones are requested again.
//! let sent: [u8; FRAME] = to_frame(&better)?; // An error if a parameter is NaN or infinite.
//! let mut assembler = Inbox::new();
//! for (index, piece) in pieces::<PACKET>(&sent).skip(1).chain(pieces::<PACKET>(&sent)) {
//!     assembler.put(index, piece)?;
//! }
//! let frame = assembler.frame().unwrap();
//!
//! // One bit flipped on the way.
//! let mut damaged = frame.to_vec();
//! damaged[10] ^= 4;
//! let refused = update(&mut net, &damaged, &own);
//! assert!(matches!(refused, Update::Refused(FrameError::Damaged { .. })));
//! // For a device with another activation: the same size, another fingerprint.
//! let other: [u8; FRAME] = to_frame(&Mlp::<1, 4, 1, Relu, Identity>::ZERO)?;
//! let refused = update(&mut net, &other, &own);
//! assert!(matches!(refused, Update::Refused(FrameError::OtherNetwork { .. })));
//! // Complete, of the right type, and worse here.
//! let zeros: [u8; FRAME] = to_frame(&Net::ZERO)?;
//! assert_eq!(update(&mut net, &zeros, &own), Update::RolledBack);
//! assert_eq!(net, factory); // after all of that
//!
//! assert_eq!(update(&mut net, frame, &own), Update::Accepted);
//! store.save(&net)?;
//! assert_eq!(store.load(&mut net)?.lost, None);
//! assert_eq!(net, better); // bit for bit what the PC trained
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What goes wrong
//!
//! - A CRC detects accidents, not attackers: anyone can compute it. Check a signature or a MAC of
//!   the frame before `load_frame`, with a counter in it against replay of old frames.
//! - A fingerprint covers sizes, activations and the scalar type, not the meaning of the inputs. A
//!   network for other [scaling](super::normalise) or other units passes the first gate, and fails
//!   the second.
//! - What the device has learned is replaced. Send [frozen](crate::Frozen) features rarely, and let
//!   the device retrain its head; or average both, as [`flat`](crate::flat) shows.
//! - The examples of the second gate must be the device's own, and recent. On data from a device at
//!   rest, all networks look equal: hold out examples of each class.
