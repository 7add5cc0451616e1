//! Layers whose biases can be trained alone.

use super::{
    Chain, Conv1d, Conv2d, Dense, Dropout, EndsIn, Flatten, FlattenChannelsLast, Frozen, GlobalMax,
    GlobalMean, LastStep, Layer, LayerTrace, MaxPool1d, MaxPool2d, MeanPool1d, MeanPool2d, Real,
    Takes, Weight,
};
use crate::activation::{Activation, Hidden};
use crate::format::Format;
use crate::gradient::GradientVisitor;
use crate::kernel::{each_sample, windows};
use crate::scalar::Scalar;
use crate::shape::{Element, Shape};
use crate::tensors::{Kind, Pair, Tensor, TensorList, Tensors};
use crate::zero::Zero;

/// What [`BiasOnly`](crate::BiasOnly) can train: a layer with biases, or a chain of such layers and of layers without
/// weights.
///
/// ```
/// use gradlet::{Biased, prelude::*};
///
/// let layer = Dense::<1, 2, Relu>::new([[0.5, 0.5]], [3.0, 4.0]);
/// assert_eq!(layer.biases(), [3.0, 4.0]);
/// ```
#[diagnostic::on_unimplemented(
    message = "`BiasOnly` cannot train the biases of `{Self}`",
    label = "it can for `Dense`, `Conv1d`, `Conv2d`, layers without weights and chains of these"
)]
pub trait Biased: Layer {
    /// The biases, and their gradient: an array for a layer with weights, `()` for one without.
    type Biases: Tensors<Weight<Self>> + Zero + Clone;
    /// The tensors of the biases.
    const BIASES: TensorList;
    #[doc(hidden)]
    const OWNED: bool = true;

    /// A copy of the biases.
    #[must_use]
    fn biases(&self) -> Self::Biases;

    /// Replaces the biases.
    #[doc(hidden)]
    fn set_biases(&mut self, biases: &Self::Biases);

    /// As `Layer::logits`, with these biases.
    #[doc(hidden)]
    fn logits_with(&self, biases: &Self::Biases, input: &Self::Input, logits: &mut Self::Output);

    /// As `Layer::forward_trace`, with these biases.
    #[doc(hidden)]
    fn forward_trace_with<const K: usize>(
        &self,
        biases: &Self::Biases,
        inputs: [&Self::Input; K],
        traces: [&mut Self::Trace; K],
    ) -> [Real<Self>; K];

    /// As `Layer::backward` of a layer whose biases are trained.
    #[doc(hidden)]
    #[inline]
    fn backward_within<const WANTED: bool, const K: usize>(
        &self,
        inputs: [&Self::Input; K],
        traces: [&mut Self::Trace; K],
    ) {
        self.backward::<WANTED, K>(inputs, traces);
    }

    /// As `Layer::gradient`, for the biases.
    #[doc(hidden)]
    fn bias_gradient<const P: usize, const S: usize, const K: usize>(
        biases: [&mut Self::Biases; P],
        state: [&mut Self::Biases; S],
        traces: [&Self::Trace; K],
        visitor: &mut impl GradientVisitor<Self::Format, P, S>,
    );

    /// As `Layer::walk`, for the biases.
    #[doc(hidden)]
    fn walk_biases<const Q: usize, const P: usize, const R: usize, const S: usize>(
        biases: [&Self::Biases; Q],
        biases_mut: [&mut Self::Biases; P],
        read: [&Self::Biases; R],
        write: [&mut Self::Biases; S],
        visit: &mut impl FnMut(
            Kind,
            [&[Weight<Self>]; Q],
            [&mut [Weight<Self>]; P],
            [&[Weight<Self>]; R],
            [&mut [Weight<Self>]; S],
        ),
    );
}

impl<W: Element, const N: usize> Tensors<W> for [W; N] {
    #[inline]
    fn walk<const R: usize, const M: usize>(
        read: [&Self; R],
        write: [&mut Self; M],
        visit: &mut impl FnMut(Kind, [&[W]; R], [&mut [W]; M]),
    ) {
        visit(Kind::Bias, read.map(|r| r.as_slice()), write.map(|w| w.as_mut_slice()));
    }
}

/// What is the same for all layers with one array of biases.
macro_rules! one_bias {
    ($F:ty) => {
        type Biases = [<$F as Format>::Weight; OUT];
        const BIASES: TensorList = TensorList::of(
            const { &[Tensor { kind: Kind::Bias, name: "bias", shape: &[OUT], order: &[] }] },
        );

        #[inline]
        fn biases(&self) -> Self::Biases {
            *self.bias()
        }

        #[inline]
        fn set_biases(&mut self, biases: &Self::Biases) {
            *self.bias_mut() = *biases;
        }

        #[inline]
        fn walk_biases<const Q: usize, const P: usize, const R: usize, const S: usize>(
            biases: [&Self::Biases; Q],
            biases_mut: [&mut Self::Biases; P],
            read: [&Self::Biases; R],
            write: [&mut Self::Biases; S],
            visit: &mut impl FnMut(
                Kind,
                [&[Weight<Self>]; Q],
                [&mut [Weight<Self>]; P],
                [&[Weight<Self>]; R],
                [&mut [Weight<Self>]; S],
            ),
        ) {
            visit(
                Kind::Bias,
                biases.map(|b| b.as_slice()),
                biases_mut.map(|b| b.as_mut_slice()),
                read.map(|r| r.as_slice()),
                write.map(|w| w.as_mut_slice()),
            );
        }
    };
}

impl<const IN: usize, const OUT: usize, A: Activation<F>, F: Format> Biased
    for Dense<IN, OUT, A, F>
{
    one_bias!(F);

    #[inline]
    fn logits_with(
        &self,
        biases: &Self::Biases,
        input: &[F::Value; IN],
        logits: &mut [F::Value; OUT],
    ) {
        F::affine(self.weights(), biases, [input], [logits]);
    }

    #[inline]
    fn forward_trace_with<const K: usize>(
        &self,
        biases: &Self::Biases,
        inputs: [&[F::Value; IN]; K],
        mut traces: [&mut Self::Trace; K],
    ) -> [F::Real; K] {
        let logits = traces.each_mut().map(|trace| trace.output_mut());
        F::affine(self.weights(), biases, inputs, logits);
        let mut inputs = inputs.into_iter();
        traces.map(|trace| match inputs.next() {
            Some(x) => F::check(self.weights(), biases, x, trace.output()),
            None => Zero::ZERO,
        })
    }

    #[inline]
    fn bias_gradient<const P: usize, const S: usize, const K: usize>(
        mut biases: [&mut Self::Biases; P],
        mut state: [&mut Self::Biases; S],
        traces: [&Self::Trace; K],
        visitor: &mut impl GradientVisitor<F, P, S>,
    ) {
        each_sample::<K, _>(traces.into_iter(), |trace| {
            visitor.vector(
                Kind::Bias,
                biases.each_mut().map(|b| b.as_mut_slice()),
                state.each_mut().map(|s| s.as_mut_slice()),
                &trace.delta().values,
                trace.delta().scale,
            );
        });
    }
}

/// [`Biased`] of a convolution; `$flat` makes its weights, and `$rows` its outputs, rows.
macro_rules! convolution {
    ([$($generics:tt)*] $Conv:ty, $($flat:ident)+, $($rows:ident $rows_mut:ident)*) => {
        impl<$($generics)*> Biased for $Conv {
            one_bias!(T);

            #[inline]
            fn logits_with(
                &self,
                biases: &Self::Biases,
                input: &Self::Input,
                logits: &mut Self::Output,
            ) {
                let (weights, y) = (self.weights()$(.$flat())+, logits.as_mut_slice());
                let (x, y) = (Shape::as_slice(input), y$(.$rows_mut())*);
                windows::affine(Self::WINDOWS, weights, biases, x, y);
            }

            #[inline]
            fn forward_trace_with<const N: usize>(
                &self,
                biases: &Self::Biases,
                inputs: [&Self::Input; N],
                traces: [&mut Self::Trace; N],
            ) -> [T; N] {
                let mut inputs = inputs.into_iter();
                traces.map(|trace| {
                    let logits = trace.output_mut();
                    if let Some(input) = inputs.next() {
                        self.logits_with(biases, input, logits);
                    }
                    Shape::as_slice(logits).iter().copied().sum()
                })
            }

            #[inline]
            fn bias_gradient<const P: usize, const S: usize, const N: usize>(
                mut biases: [&mut Self::Biases; P],
                mut state: [&mut Self::Biases; S],
                traces: [&Self::Trace; N],
                visitor: &mut impl GradientVisitor<T, P, S>,
            ) {
                each_sample::<N, _>(traces.into_iter(), |trace| {
                    let mut sums = [-T::ZERO; OUT];
                    let positions = trace.delta().values.as_slice();
                    for d in positions$(.$rows())* {
                        sums.iter_mut().zip(d).for_each(|(sum, &d)| *sum += d);
                    }
                    visitor.vector(
                        Kind::Bias,
                        biases.each_mut().map(|b| b.as_mut_slice()),
                        state.each_mut().map(|s| s.as_mut_slice()),
                        &sums,
                        (),
                    );
                });
            }
        }
    };
}
convolution!(
    [
        const L: usize, const C: usize, const OUT: usize, const K: usize, const M: usize,
        A: Activation<T>, T: Scalar,
        const STEP: usize, const PADDING: usize, const DILATION: usize, const GROUP: usize
    ]
    Conv1d<L, C, OUT, K, M, A, T, STEP, PADDING, DILATION, GROUP>, as_flattened,
);
convolution!(
    [
        const H: usize, const W: usize, const C: usize, const OUT: usize,
        const KH: usize, const KW: usize, const MH: usize, const MW: usize,
        A: Activation<T>, T: Scalar,
        const SH: usize, const SW: usize, const PH: usize, const PW: usize,
        const DH: usize, const DW: usize, const GROUP: usize
    ]
    Conv2d<H, W, C, OUT, KH, KW, MH, MW, A, T, SH, SW, PH, PW, DH, DW, GROUP>,
    as_flattened as_flattened, as_flattened as_flattened_mut
);

/// [`Biased`] of layers without biases.
macro_rules! no_bias {
    ($([$($generics:tt)*] $Type:ty;)+) => { $(
        impl<$($generics)*> Biased for $Type
        where
            Self: Layer,
        {
            type Biases = ();
            const BIASES: TensorList = TensorList::NONE;

            #[inline]
            fn biases(&self) {}

            #[inline]
            fn set_biases(&mut self, (): &()) {}

            #[inline]
            fn logits_with(&self, (): &(), input: &Self::Input, logits: &mut Self::Output) {
                self.logits(input, logits);
            }

            #[inline]
            fn forward_trace_with<const SAMPLES: usize>(
                &self,
                (): &(),
                inputs: [&Self::Input; SAMPLES],
                traces: [&mut Self::Trace; SAMPLES],
            ) -> [Real<Self>; SAMPLES] {
                self.forward_trace(inputs, traces)
            }

            #[inline]
            fn bias_gradient<const NETS: usize, const STATES: usize, const SAMPLES: usize>(
                _: [&mut (); NETS],
                _: [&mut (); STATES],
                _: [&Self::Trace; SAMPLES],
                _: &mut impl GradientVisitor<Self::Format, NETS, STATES>,
            ) {
            }

            #[inline]
            fn walk_biases<
                const NETS: usize,
                const NETS_MUT: usize,
                const READ: usize,
                const WRITE: usize,
            >(
                _: [&(); NETS],
                _: [&mut (); NETS_MUT],
                _: [&(); READ],
                _: [&mut (); WRITE],
                _: &mut impl FnMut(
                    Kind,
                    [&[Weight<Self>]; NETS],
                    [&mut [Weight<Self>]; NETS_MUT],
                    [&[Weight<Self>]; READ],
                    [&mut [Weight<Self>]; WRITE],
                ),
            ) {
            }
        }
    )+ };
}
pub(crate) use no_bias;

no_bias! {
    [N] Frozen<N>;
    [X, const NUMERATOR: u32, const DENOMINATOR: u32] Dropout<X, NUMERATOR, DENOMINATOR>;
    [X] GlobalMean<X>;
    [X] GlobalMax<X>;
    [X] LastStep<X>;
    [X, const N: usize] Flatten<X, N>;
    [X, const N: usize] FlattenChannelsLast<X, N>;
    [const L: usize, const C: usize, const K: usize, const M: usize, T, const STEP: usize]
        MaxPool1d<L, C, K, M, T, STEP>;
    [const L: usize, const C: usize, const K: usize, const M: usize, T, const STEP: usize]
        MeanPool1d<L, C, K, M, T, STEP>;
    [const H: usize, const W: usize, const C: usize, const KH: usize, const KW: usize,
        const MH: usize, const MW: usize, T, const SH: usize, const SW: usize]
        MaxPool2d<H, W, C, KH, KW, MH, MW, T, SH, SW>;
    [const H: usize, const W: usize, const C: usize, const KH: usize, const KW: usize,
        const MH: usize, const MW: usize, T, const SH: usize, const SW: usize]
        MeanPool2d<H, W, C, KH, KW, MH, MW, T, SH, SW>;
}

impl<First, Rest> Biased for Chain<First, Rest>
where
    First: Biased<Activation: Hidden>,
    Rest: Takes<First::Output, First::Format> + Biased,
{
    type Biases = Pair<First::Biases, Rest::Biases>;
    const BIASES: TensorList = TensorList::pair(&First::BIASES, &Rest::BIASES);
    const OWNED: bool = First::OWNED && Rest::OWNED;

    #[inline]
    fn biases(&self) -> Self::Biases {
        Pair { first: self.first().biases(), rest: self.rest().biases() }
    }

    #[inline]
    fn set_biases(&mut self, biases: &Self::Biases) {
        self.first_mut().set_biases(&biases.first);
        self.rest_mut().set_biases(&biases.rest);
    }

    #[inline]
    fn logits_with(&self, biases: &Self::Biases, input: &Self::Input, logits: &mut Self::Output) {
        let mut hidden = First::Output::ZERO;
        self.first().logits_with(&biases.first, input, &mut hidden);
        First::Activation::activate(hidden.as_mut_slice());
        self.rest().logits_with(&biases.rest, &hidden, logits);
    }

    #[inline]
    fn forward_trace_with<const K: usize>(
        &self,
        biases: &Self::Biases,
        inputs: [&Self::Input; K],
        mut traces: [&mut Self::Trace; K],
    ) -> [Real<Self>; K] {
        let first = traces.each_mut().map(|t| &mut t.first);
        let sums = self.first().forward_trace_with(&biases.first, inputs, first);
        let hidden = traces.each_mut().map(|t| t.first.last_mut());
        LayerTrace::activate_by(hidden, First::Activation::activate_each);
        let mut rests = traces.map(|Pair { first, rest }| (first.last().output(), rest));
        let hidden = rests.each_ref().map(|(hidden, _)| *hidden);
        let rests = rests.each_mut().map(|(_, rest)| &mut **rest);
        self.rest().forward_trace_with(&biases.rest, hidden, rests);
        sums
    }

    #[inline]
    fn bias_gradient<const P: usize, const S: usize, const K: usize>(
        mut biases: [&mut Self::Biases; P],
        mut state: [&mut Self::Biases; S],
        traces: [&Self::Trace; K],
        visitor: &mut impl GradientVisitor<Self::Format, P, S>,
    ) {
        First::bias_gradient(
            biases.each_mut().map(|b| &mut b.first),
            state.each_mut().map(|s| &mut s.first),
            traces.map(|t| &t.first),
            visitor,
        );
        Rest::bias_gradient(
            biases.map(|b| &mut b.rest),
            state.map(|s| &mut s.rest),
            traces.map(|t| &t.rest),
            visitor,
        );
    }

    #[inline]
    fn walk_biases<const Q: usize, const P: usize, const R: usize, const S: usize>(
        biases: [&Self::Biases; Q],
        mut biases_mut: [&mut Self::Biases; P],
        read: [&Self::Biases; R],
        mut write: [&mut Self::Biases; S],
        visit: &mut impl FnMut(
            Kind,
            [&[Weight<Self>]; Q],
            [&mut [Weight<Self>]; P],
            [&[Weight<Self>]; R],
            [&mut [Weight<Self>]; S],
        ),
    ) {
        First::walk_biases(
            biases.map(|b| &b.first),
            biases_mut.each_mut().map(|b| &mut b.first),
            read.map(|r| &r.first),
            write.each_mut().map(|w| &mut w.first),
            visit,
        );
        Rest::walk_biases(
            biases.map(|b| &b.rest),
            biases_mut.map(|b| &mut b.rest),
            read.map(|r| &r.rest),
            write.map(|w| &mut w.rest),
            visit,
        );
    }
}

/// The biases of a borrowed layer are copied; it keeps its own.
impl<L: Biased> Biased for &L {
    type Biases = L::Biases;
    const BIASES: TensorList = L::BIASES;
    const OWNED: bool = false;

    #[inline]
    fn biases(&self) -> L::Biases {
        (**self).biases()
    }

    #[inline]
    fn set_biases(&mut self, _: &L::Biases) {}

    #[inline]
    fn logits_with(&self, biases: &L::Biases, input: &L::Input, logits: &mut L::Output) {
        (**self).logits_with(biases, input, logits);
    }

    #[inline]
    fn forward_trace_with<const K: usize>(
        &self,
        biases: &L::Biases,
        inputs: [&L::Input; K],
        traces: [&mut L::Trace; K],
    ) -> [Real<L>; K] {
        (**self).forward_trace_with(biases, inputs, traces)
    }

    #[inline]
    fn backward_within<const WANTED: bool, const K: usize>(
        &self,
        inputs: [&L::Input; K],
        traces: [&mut L::Trace; K],
    ) {
        (**self).backward_within::<WANTED, K>(inputs, traces);
    }

    #[inline]
    fn bias_gradient<const P: usize, const S: usize, const K: usize>(
        biases: [&mut L::Biases; P],
        state: [&mut L::Biases; S],
        traces: [&L::Trace; K],
        visitor: &mut impl GradientVisitor<L::Format, P, S>,
    ) {
        L::bias_gradient(biases, state, traces, visitor);
    }

    #[inline]
    fn walk_biases<const Q: usize, const P: usize, const R: usize, const S: usize>(
        biases: [&L::Biases; Q],
        biases_mut: [&mut L::Biases; P],
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
        L::walk_biases(biases, biases_mut, read, write, visit);
    }
}
