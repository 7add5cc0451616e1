//! Layers that are used, not trained.

use super::{Deltas, DeltasMut, Layer, Tensor};
use crate::fingerprint::fingerprint;
use crate::optimizer::GradientVisitor;
use crate::scalar::Zero;

/// A layer, or a whole network, that is used but not trained.
///
/// It has no learned parameters: optimizers keep nothing for it, and where it stands first no
/// derivative is computed for it. `Frozen<&'static L>` leaves the weights where they are, in flash,
/// so that only what follows needs memory.
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
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Frozen<L> {
    layer: L,
}

impl<L> Frozen<L> {
    /// `layer`, to be used but not trained.
    #[must_use]
    pub const fn new(layer: L) -> Self {
        Self { layer }
    }

    /// The layer inside.
    #[must_use]
    pub const fn layer(&self) -> &L {
        &self.layer
    }
}

impl<L: Zero> Zero for Frozen<L> {
    const ZERO: Self = Self { layer: L::ZERO };
}

macro_rules! frozen {
    ($(#[$doc:meta])* $type:ty, $this:ident => $layer:expr) => {
        $(#[$doc])*
        impl<L: Layer> Layer for $type {
            type Scalar = L::Scalar;
            type Input = L::Input;
            type Output = L::Output;
            type Activation = L::Activation;
            type Trace = L::Trace;
            type Gradient = ();
            const PARAMS: usize = 0;
            const MACS: usize = L::MACS;
            const FINGERPRINT: u32 = fingerprint("Frozen", &[L::FINGERPRINT]);

            #[inline]
            fn logits(&self, input: &L::Input, logits: &mut L::Output) {
                let $this = self;
                $layer.logits(input, logits);
            }

            #[inline]
            fn forward_trace(&self, input: &L::Input, trace: &mut L::Trace) -> L::Scalar {
                let $this = self;
                $layer.forward_trace(input, trace)
            }

            #[inline]
            fn backward<const WANTED: bool>(
                &self,
                input: &L::Input,
                trace: &L::Trace,
                deltas: &mut DeltasMut<'_, L>,
            ) {
                if WANTED {
                    let $this = self;
                    $layer.backward::<true>(input, trace, deltas);
                }
            }

            #[inline]
            fn input_gradient(
                &self,
                input: &L::Input,
                trace: &L::Trace,
                deltas: Deltas<'_, L>,
                gradient: &mut L::Input,
            ) {
                let $this = self;
                $layer.input_gradient(input, trace, deltas, gradient);
            }

            #[inline]
            fn gradient<const P: usize, const S: usize>(
                _nets: [&mut Self; P],
                _state: [&mut (); S],
                _input: &L::Input,
                _trace: &L::Trace,
                _deltas: Deltas<'_, L>,
                _visitor: &mut impl GradientVisitor<L::Scalar, P, S>,
            ) {
            }

            #[inline]
            fn parameters<const S: usize>(
                &self,
                _state: [&mut (); S],
                _visit: &mut impl FnMut(Tensor, &[L::Scalar], [&mut [L::Scalar]; S]),
            ) {
            }

            #[inline]
            fn tensors<const G: usize, const P: usize, const S: usize>(
                _gradients: [&(); G],
                _nets: [&mut Self; P],
                _state: [&mut (); S],
                _visit: &mut impl FnMut(
                    Tensor,
                    [&[L::Scalar]; G],
                    [&mut [L::Scalar]; P],
                    [&mut [L::Scalar]; S],
                ),
            ) {
            }

            #[inline]
            fn forward_each<const K: usize>(
                &self,
                samples: [(&L::Input, &mut L::Trace); K],
            ) -> [L::Scalar; K] {
                let $this = self;
                $layer.forward_each(samples)
            }

            #[inline]
            fn backward_each<const WANTED: bool, const K: usize>(
                &self,
                samples: [(&L::Input, &L::Trace); K],
                deltas: [&mut L::Trace; K],
            ) {
                if WANTED {
                    let $this = self;
                    $layer.backward_each::<true, K>(samples, deltas);
                }
            }

            #[inline]
            fn input_gradient_each<const K: usize>(
                &self,
                samples: [(&L::Input, &L::Trace); K],
                deltas: [(&L::Trace, &mut L::Input); K],
            ) {
                let $this = self;
                $layer.input_gradient_each(samples, deltas);
            }
        }
    };
}

frozen!(Frozen<L>, this => this.layer);
frozen!(
    /// A borrowed layer is a layer that cannot be trained; see [`Frozen`].
    &L, this => **this
);
