//! Number types: which one for which chip, and from `f32` on a PC to a network that learns on a Cortex-M0.
//!
//! # Question
//!
//! The chip has no FPU, and a training step in `f32` takes a million instructions. What else is there, and what
//! does it lose?
//!
//! # Rule
//!
//! | chip | to learn | for inference alone |
//! |---|---|---|
//! | Cortex-M0, M0+, M23, RV32IMC | [`Fixed`](crate::Fixed) | [`Quantized`](crate::Quantized), with [`TwoProducts`](crate::quantized::TwoProducts); `Fixed` |
//! | Cortex-M3 | `Fixed` | `Quantized` |
//! | Cortex-M4F, M7, M33, RISC-V with F | `f32` | `f32`; `Quantized` where flash is short |
//! | ATmega328P | `Fixed`, in small networks | `Fixed` |
//! | PC | `f32`; `f64` to check gradients | `f32` |
//!
//! Instructions of an inference and of a training step of 64-32-10 at opt-level 3, and bytes of the weights:
//!
//! | | Cortex-M0 | Cortex-M4F | weights |
//! |---|---|---|---:|
//! | `f32` | 620,687 / 1,236,271 | 5,924 / 11,727 | 9,640 |
//! | `Fixed` | 16,331 / 38,722 | | 9,640 |
//! | `Fixed<Q10>` | 17,559 / 65,121 | | 4,820 |
//! | `Quantized` | 13,915 / does not learn | 5,870 / does not learn | 2,912 |
//!
//! (The page of `examples/firmware` has them all, with the commands.) On the 8 x 8 digits, all of them read the same
//! share right, within 0.2 points, `Fixed<Q10>` within half a point.
//!
//! Two programs of `examples/firmware` are the same code in `f32` and, with the feature `fixed`, in fixed point:
//! `personalise` trains the last layer of a network that was trained on a PC, `anomaly` a whole network, on windows of
//! integers. On a Cortex-M0 they take a fourteenth of the instructions of `f32`.
//!
//! What fixed point cannot do: an input or an output beyond ±64, or a weight of 32 or more; resolve outputs
//! finer than 1/4096, an error that has a half squared error of 3e-8; recurrent layers,
//! normalisation, residuals, embeddings and `Parallel`. A body in int8 in
//! front of a head that learns in `f32` is another way to learn without an FPU: the recipe `freeze`.
//!
//! # Reading ranges
//!
//! [`convert`](crate::convert::convert) says how large the largest weight is; a weight stops at 32, and
//! training ends as diverged there. [`compare`](crate::convert::compare) says for how many inputs a value or a sum
//! is out of range, and how far the outputs are apart. Many samples out of range mean inputs that are not
//! [scaled](super::normalise). A large error with none out of range comes from weights that are rounded down to
//! multiples of 1/1024 for products: a sum is off by the sum of the sizes of its inputs, over 1024, at most. Smaller
//! inputs, or fewer, have a smaller error.
//!
//! # Example
//!
//! ```
//! use gradlet::convert::{compare, convert};
//! use gradlet::{init, prelude::*};
//! use rand_pcg::{Pcg32, rand_core::SeedableRng};
//!
//! /// One description for both.
//! type Of<F> = net![F; 2 => 8 Tanh => 2 Softmax];
//!
//! /// Two classes: inside of a circle, and outside.
//! fn sample(i: usize, radius: f32) -> ([f32; 2], usize) {
//!     let [x, y] = [0.618, 0.414].map(|step| (i as f32 * step).fract() * 2.0 - 1.0);
//!     ([x, y], usize::from(x * x + y * y > radius * radius))
//! }
//! fn target(class: usize) -> [f32; 2] {
//!     [[1.0, 0.0], [0.0, 1.0]][class]
//! }
//!
//! // On the PC, in floats.
//! let mut floats = Of::<f32>::ZERO;
//! init::xavier_uniform(&mut floats, &mut Pcg32::seed_from_u64(1));
//! let mut trainer = Trainer::<_, CrossEntropy>::new();
//! for (x, class) in (0..40_000).map(|i| sample(i, 0.8)) {
//!     trainer.step(&mut floats, &Sgd::new(0.1), &x, &target(class));
//! }
//!
//! // Still there: does it fit?
//! let mut net = Of::<Fixed>::ZERO;
//! let conversion = convert(&floats, &mut net)?;
//! assert!(conversion.largest < 16.0);
//! let inputs: Vec<_> = (0..500).map(|i| sample(i, 0.8).0).collect();
//! let comparison = compare(&floats, &net, &inputs);
//! assert_eq!(comparison.out_of_range, 0);
//! assert!(comparison.largest_error < 0.02 && comparison.other_class < 5);
//!
//! // To the device, in a frame, or by `static NET: Of<Fixed> = gradlet::load![FILE; "0", "2"]`. There the circle
//! // is smaller, and the network learns that in integers.
//! let right = |net: &Of<Fixed>| {
//!     let samples = (0..500).map(|i| sample(i, 0.5));
//!     samples.filter(|(x, class)| {
//!         let y = net.forward(&x.map(Q12::new));
//!         (y[1] > y[0]) == (*class == 1)
//!     })
//!     .count()
//! };
//! let before = right(&net);
//! let mut trainer = Trainer::<_, CrossEntropy>::new();
//! let rate = Q32::new(0.1);
//! for (x, class) in (0..20_000).map(|i| sample(i, 0.5)) {
//!     trainer.step(&mut net, &Sgd::new(rate), &x.map(Q12::new), &target(class).map(Q12::new));
//! }
//! let after = right(&net);
//! assert!(before < 450 && after > 470, "{before} {after}");
//!
//! // And back, for a look at it on the PC.
//! convert(&net, &mut floats)?;
//! # Ok::<(), gradlet::convert::ConvertError>(())
//! ```
//!
//! # Mistakes
//!
//! - Inputs in their own units: a pressure in pascal ends at 64. [Scale](super::normalise) them first.
//! - Readings converted through `f32` on the device: [`Q12::from_bits`](crate::Q12::from_bits) takes those of a
//!   12-bit converter as they are.
//! - [`Adam`](crate::Adam) on a Cortex-M0 by habit: a step of 8-8-4 takes 100,721 instructions, one of plain gradient
//!   descent 3,996 (the page of the firmware). In that time there are 25 of these.
