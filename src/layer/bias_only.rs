//! Layers of which only the biases are trained.

use super::{Biased, Deltas, Layer, Real, Samples, Weight};
use crate::fingerprint::fingerprint;
use crate::gradient::GradientVisitor;
use crate::tensors::{Kind, TensorList};
use crate::zero::Zero;

/// A layer or network of which only the biases are trained: for fine-tuning in little RAM.
///
/// | name | meaning                                                             |
/// |------|---------------------------------------------------------------------|
/// | `L`  | [`Dense`](crate::Dense), [`Conv1d`](crate::Conv1d), [`Conv2d`](crate::Conv2d), layers without weights, and any [`Chain`](crate::Chain) of these; owned, or `&'static` |
///
/// Cai, Gan, Zhu, Han, `TinyTL`, 2020; Lin, Zhu, Chen, Wang, Gan, Han, On-Device Training
/// Under 256KB Memory, 2022. The weights are frozen as those of a [`Frozen`](crate::Frozen) layer: neither
/// trained nor kept in files and flash, so `BiasOnly<&'static L>` leaves them in flash. The biases
/// are copied out of `L` and trained, one for each output or output channel, with the bits that they
/// would have if `L` were trained whole and its weights stayed the same. Files, frames and the store
/// hold the biases, in the order of the layers.
///
/// The gradient and the state of an optimizer have the size of the biases, and a step computes no
/// gradient of weights. What the forward pass keeps is what it keeps for `L`: the derivatives of
/// activations need the outputs (of [`Relu`](crate::Relu) the sign would do, but all is kept). A
/// [`Recompute`](crate::Recompute) keeps less. A [`Dropout`](crate::Dropout) inside drops nothing.
///
/// ```
/// use gradlet::{BiasOnly, prelude::*};
///
/// type Body = net![16 x 3 => Conv1d(8, 3) Relu => Conv1d(8, 3) Relu => GlobalMean];
/// static BODY: Body = Zero::ZERO; // in flash: `load!` it
///
/// type Net = Chain<BiasOnly<&'static Body>, Dense<8, 2, Softmax>>;
/// assert_eq!((Body::PARAMS, Net::PARAMS), (80 + 200, 16 + 18));
/// const _: () = assert!(Net::BYTES <= 4 * (16 + 18) + size_of::<u64>()); // and a pointer
///
/// let mut net = Net::new(BiasOnly::new(&BODY), Zero::ZERO);
/// let mut trainer = Trainer::<Net, CrossEntropy>::new();
/// trainer.step(&mut net, &Sgd { learning_rate: 0.1 }, &[[1.0; 3]; 16], &[1.0, 0.0]);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct BiasOnly<L: Biased> {
    layer: L,
    biases: L::Biases,
}

impl<L: Biased> BiasOnly<L> {
    /// Trains the biases of `layer`, from their values in it.
    #[must_use]
    pub fn new(layer: L) -> Self {
        let biases = layer.biases();
        Self { layer, biases }
    }

    /// Trains these biases in place of those of `layer`, which are not used.
    ///
    /// ```
    /// use gradlet::{BiasOnly, prelude::*};
    ///
    /// static LAYER: Dense<1, 1, Identity> = Dense::new([[2.0]], [1.0]);
    /// static OWN: BiasOnly<&Dense<1, 1, Identity>> = BiasOnly::with_biases(&LAYER, [5.0]);
    /// assert_eq!(OWN.forward(&[3.0]), [11.0]);
    /// ```
    #[must_use]
    pub const fn with_biases(layer: L, biases: L::Biases) -> Self {
        Self { layer, biases }
    }

    /// The layer, with the biases that it had.
    #[must_use]
    pub const fn layer(&self) -> &L {
        &self.layer
    }

    /// The biases: `[T; OUT]` for a layer with weights, pairs of these for a [`Chain`](crate::Chain).
    #[must_use]
    pub const fn biases(&self) -> &L::Biases {
        &self.biases
    }

    /// The biases, mutable.
    #[must_use]
    pub const fn biases_mut(&mut self) -> &mut L::Biases {
        &mut self.biases
    }
}

impl<L: Biased + Layer> BiasOnly<L> {
    /// The layer itself with the trained biases.
    ///
    /// ```
    /// use gradlet::{BiasOnly, prelude::*};
    ///
    /// let mut net = BiasOnly::new(Dense::<1, 1, Identity>::new([[2.0]], [1.0]));
    /// let mut trainer = Trainer::<_, HalfSquaredError>::new();
    /// trainer.step(&mut net, &Sgd { learning_rate: 1.0 }, &[1.0], &[4.0]);
    /// assert_eq!(net.into_inner(), Dense::new([[2.0]], [2.0]));
    /// ```
    ///
    /// A borrowed layer has no place for them: it would keep its own.
    ///
    /// ```compile_fail,E0080
    /// use gradlet::{BiasOnly, prelude::*};
    ///
    /// static LAYER: Dense<1, 1> = Zero::ZERO;
    /// BiasOnly::new(&LAYER).into_inner();
    /// ```
    #[must_use]
    pub fn into_inner(self) -> L {
        const { assert!(L::OWNED, "the layer is borrowed, so its biases cannot be replaced") };
        let Self { mut layer, biases } = self;
        layer.set_biases(&biases);
        layer
    }
}

impl<L: Biased + Zero> Zero for BiasOnly<L> {
    const ZERO: Self = Self { layer: L::ZERO, biases: Zero::ZERO };
}

impl<L: Biased> Layer for BiasOnly<L> {
    type Format = L::Format;
    type Input = L::Input;
    type Output = L::Output;
    type Activation = L::Activation;
    type Trace = L::Trace;
    type Gradient = L::Biases;
    const MACS: usize = L::MACS;
    const TENSORS: TensorList = L::BIASES;
    const FINGERPRINT: u32 = fingerprint("BiasOnly", &[L::FINGERPRINT]);

    #[inline]
    fn logits(&self, input: &L::Input, logits: &mut L::Output) {
        self.layer.logits_with(&self.biases, input, logits);
    }

    #[inline]
    fn forward_trace<const K: usize>(
        &self,
        inputs: [&L::Input; K],
        traces: [&mut L::Trace; K],
    ) -> [Real<L>; K] {
        self.layer.forward_trace_with(&self.biases, inputs, traces)
    }

    #[inline]
    fn backward<const WANTED: bool, const K: usize>(
        &self,
        inputs: [&L::Input; K],
        traces: [&mut L::Trace; K],
    ) {
        self.layer.backward_within::<WANTED, K>(inputs, traces);
    }

    #[inline]
    fn input_gradient<const K: usize>(
        &self,
        Samples { inputs, traces }: Samples<'_, Self, K>,
        gradients: Deltas<'_, Self, K>,
    ) {
        self.layer.input_gradient(Samples { inputs, traces }, gradients);
    }

    #[inline]
    fn gradient<const P: usize, const S: usize, const K: usize>(
        nets: [&mut Self; P],
        state: [&mut L::Biases; S],
        samples: Samples<'_, Self, K>,
        visitor: &mut impl GradientVisitor<L::Format, P, S>,
    ) {
        L::bias_gradient(nets.map(|n| &mut n.biases), state, samples.traces, visitor);
    }

    #[inline]
    fn walk<const Q: usize, const P: usize, const R: usize, const S: usize>(
        nets: [&Self; Q],
        nets_mut: [&mut Self; P],
        read: [&L::Biases; R],
        write: [&mut L::Biases; S],
        visit: &mut impl FnMut(
            Kind,
            [&[Weight<L>]; Q],
            [&mut [Weight<L>]; P],
            [&[Weight<L>]; R],
            [&mut [Weight<L>]; S],
        ),
    ) {
        L::walk_biases(
            nets.map(|n| &n.biases),
            nets_mut.map(|n| &mut n.biases),
            read,
            write,
            visit,
        );
    }
}
