//! Frozen layers, which are not trained.

use super::{Deltas, Layer, Real, Samples};
use crate::fingerprint::fingerprint;
use crate::zero::Zero;

/// A frozen layer or network, used but not trained: for transfer learning and fine-tuning.
///
/// Its parameters are neither trained nor kept: optimizers have no state for it, files and flash do
/// not hold it, and if it comes first no derivatives are computed for it. `Frozen<&'static L>`
/// leaves the weights in flash, so only the layers after it need RAM.
///
/// A trainer keeps the values inside of it, in case that a layer before it is trained. If it comes
/// first, [`Recompute<Frozen<L>>`](crate::Recompute) keeps its output only and takes no more time.
///
/// ```
/// use gradlet::prelude::*;
///
/// static FEATURES: Dense<2, 2, Tanh> = Dense::new([[1.0, -1.0], [0.5, 0.5]], [0.0, 0.0]);
///
/// type Net = Chain<Frozen<&'static Dense<2, 2, Tanh>>, Dense<2, 1, Identity>>;
/// assert_eq!(Net::PARAMS, 3);
///
/// let mut net = Net::new(Frozen::new(&FEATURES), Zero::ZERO);
/// let mut trainer = Trainer::<Net, HalfSquaredError, Sgd>::new();
/// for _ in 0..200 {
///     trainer.step(&mut net, &Sgd { learning_rate: 0.5 }, &[0.3, 0.6], &[0.8]);
/// }
/// assert!((net.forward(&[0.3, 0.6])[0] - 0.8).abs() < 1e-6);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Frozen<L> {
    layer: L,
}

impl<L> Frozen<L> {
    /// Freezes `layer`.
    #[must_use]
    pub const fn new(layer: L) -> Self {
        Self { layer }
    }

    /// The frozen layer.
    #[must_use]
    pub const fn layer(&self) -> &L {
        &self.layer
    }

    /// The layer itself, to be trained again.
    ///
    /// ```
    /// use gradlet::prelude::*;
    ///
    /// let mut net = Frozen::new(Dense::<1, 1, Identity>::ZERO).into_inner();
    /// let mut trainer = Trainer::<_, HalfSquaredError>::new();
    /// trainer.step(&mut net, &Sgd { learning_rate: 1.0 }, &[0.0], &[0.5]);
    /// assert_eq!(net.bias(), &[0.5]);
    /// ```
    #[must_use]
    pub fn into_inner(self) -> L {
        self.layer
    }
}

impl<L: Zero> Zero for Frozen<L> {
    const ZERO: Self = Self { layer: L::ZERO };
}

macro_rules! frozen {
    ($(#[$doc:meta])* $type:ty, $this:ident => $layer:expr, { $($carry:tt)* }) => {
        $(#[$doc])*
        impl<L: Layer> Layer for $type {
            type Format = L::Format;
            type Input = L::Input;
            type Output = L::Output;
            type Activation = L::Activation;
            type Trace = L::Trace;
            type Gradient = ();
            const MACS: usize = L::MACS;
            const UNITS: usize = L::UNITS;
            const FINGERPRINT: u32 = fingerprint("Frozen", &[L::FINGERPRINT]);

            #[inline]
            fn logits(&self, input: &L::Input, logits: &mut L::Output) {
                let $this = self;
                $layer.logits(input, logits);
            }

            #[inline]
            fn forward_all<const K: usize>(&self, inputs: [&L::Input; K]) -> [L::Output; K] {
                let $this = self;
                $layer.forward_all(inputs)
            }

            #[inline]
            fn forward_trace<const K: usize>(
                &self,
                inputs: [&L::Input; K],
                traces: [&mut L::Trace; K],
            ) -> [Real<L>; K] {
                let $this = self;
                $layer.forward_trace(inputs, traces)
            }

            #[inline]
            fn backward<const WANTED: bool, const K: usize>(
                &self,
                inputs: [&L::Input; K],
                traces: [&mut L::Trace; K],
            ) {
                if WANTED {
                    let $this = self;
                    $layer.backward::<true, K>(inputs, traces);
                }
            }

            #[inline]
            fn input_gradient<const K: usize>(
                &self,
                Samples { inputs, traces }: Samples<'_, Self, K>,
                gradients: Deltas<'_, Self, K>,
            ) {
                let $this = self;
                $layer.input_gradient(Samples { inputs, traces }, gradients);
            }

            $($carry)*
        }
    };
}

frozen!(Frozen<L>, this => this.layer, {
    const STATEFUL: bool = L::STATEFUL;

    #[inline]
    fn carry(&mut self, trace: &L::Trace) {
        self.layer.carry(trace);
    }
});
frozen!(
    /// A borrowed layer is a frozen layer; see [`Frozen`].
    &L, this => **this, {}
);
