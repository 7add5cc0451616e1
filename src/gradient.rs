//! Gradient visitors: an optimizer receives the gradient tensor by tensor, never stored as a whole.

use crate::format::{Arithmetic, Format};
use crate::kernel::each_of_few;
use crate::tensors::Kind;
use crate::zero::Zero;

/// Mutable weights and biases of a layer with `IN` inputs and `OUT` units.
pub type Affine<'a, W, const IN: usize, const OUT: usize> =
    (&'a mut [[W; OUT]; IN], &'a mut [W; OUT]);

/// Receives the gradient of a network, tensor by tensor, together with the same tensor of `P`
/// networks and `S` states. [`for_each`] makes one from a function of single parameters.
///
/// Implemented by optimizers, and by code that inspects a gradient. It exists because the gradient
/// of a single sample is not stored: a layer passes on its factors, `x` and `d`.
///
/// ```
/// use gradlet::{GradientVisitor, Kind};
///
/// /// The largest magnitude of a derivative.
/// struct Largest(f32);
///
/// impl GradientVisitor<f32, 0, 0> for Largest {
///     fn vector(
///         &mut self,
///         _: Kind,
///         _: [&mut [f32]; 0],
///         _: [&mut [f32]; 0],
///         gradient: &[f32],
///         (): (),
///     ) {
///         self.0 = gradient.iter().fold(self.0, |largest, g| largest.max(g.abs()));
///     }
/// }
/// let mut largest = Largest(0.0);
/// largest.affine([], [], &[1.0, -3.0], &[2.0, 0.5], ());
/// assert_eq!(largest.0, 6.0);
/// ```
pub trait GradientVisitor<F: Format, const P: usize, const S: usize> {
    /// The gradient of a weight matrix, `x[i] * d[o]`, and of its biases, `d[o]`, from one sample.
    #[inline]
    fn affine<const IN: usize, const OUT: usize>(
        &mut self,
        mut parameters: [Affine<'_, F::Weight, IN, OUT>; P],
        mut state: [Affine<'_, F::Weight, IN, OUT>; S],
        x: &[F::Value; IN],
        d: &[F::Sum; OUT],
        scale: F::Scale,
    ) {
        for (i, &x) in x.iter().enumerate() {
            self.vector(
                Kind::Weight,
                parameters.each_mut().map(|p| row(p.0, i)),
                state.each_mut().map(|s| row(s.0, i)),
                &d.map(|d| F::product(x, d)),
                F::product_scale(scale),
            );
        }
        self.vector(
            Kind::Bias,
            parameters.map(|p| p.1.as_mut_slice()),
            state.map(|s| s.1.as_mut_slice()),
            d,
            scale,
        );
    }

    /// The sum of such gradients over several pairs of `x` and `d`: the samples of a mini-batch,
    /// the positions of a convolution, the steps of a sequence.
    #[inline]
    fn affine_sum<'a, const IN: usize, const OUT: usize>(
        &mut self,
        mut parameters: [Affine<'_, F::Weight, IN, OUT>; P],
        mut state: [Affine<'_, F::Weight, IN, OUT>; S],
        pairs: impl Iterator<Item = (&'a [F::Value; IN], &'a [F::Sum; OUT])> + Clone,
        scale: F::Scale,
    ) {
        for i in 0..IN {
            let mut sums = [F::empty(); OUT];
            for (x, d) in pairs.clone() {
                let Some(&x) = x.get(i) else { return };
                for (sum, &d) in sums.iter_mut().zip(d) {
                    *sum = F::add(*sum, F::product(x, d));
                }
            }
            self.vector(
                Kind::Weight,
                parameters.each_mut().map(|p| row(p.0, i)),
                state.each_mut().map(|s| row(s.0, i)),
                &sums,
                F::product_scale(scale),
            );
        }
        let mut sums = [F::empty(); OUT];
        for (_, d) in pairs {
            for (sum, &d) in sums.iter_mut().zip(d) {
                *sum = F::add(*sum, d);
            }
        }
        self.vector(
            Kind::Bias,
            parameters.map(|p| p.1.as_mut_slice()),
            state.map(|s| s.1.as_mut_slice()),
            &sums,
            scale,
        );
    }

    /// Whether the elements of a tensor may come in any order, because each is updated by itself. The
    /// gradient of a convolution then comes in [`few`](Self::few) at a time.
    const IN_ANY_ORDER: bool = false;

    /// As [`vector`](Self::vector), for a few elements, which need not go through memory.
    ///
    /// ```
    /// use gradlet::{GradientVisitor, Kind};
    ///
    /// /// Gradient descent with a learning rate of 0.5.
    /// struct Descend;
    ///
    /// impl GradientVisitor<f32, 1, 0> for Descend {
    ///     const IN_ANY_ORDER: bool = true;
    ///
    ///     fn vector(
    ///         &mut self,
    ///         _: Kind,
    ///         [parameters]: [&mut [f32]; 1],
    ///         _: [&mut [f32]; 0],
    ///         gradient: &[f32],
    ///         (): (),
    ///     ) {
    ///         parameters.iter_mut().zip(gradient).for_each(|(p, g)| *p -= 0.5 * g);
    ///     }
    /// }
    /// let mut weights = [1.0, 2.0];
    /// Descend.few(Kind::Weight, [&mut weights], [], [2.0, 6.0], ());
    /// assert_eq!(weights, [0.0, -1.0]);
    /// ```
    #[inline]
    fn few<const N: usize>(
        &mut self,
        kind: Kind,
        parameters: [&mut [F::Weight]; P],
        state: [&mut [F::Weight]; S],
        gradient: [F::Sum; N],
        scale: F::Scale,
    ) {
        self.vector(kind, parameters, state, &gradient, scale);
    }

    /// The gradient of a tensor of this kind, or of a part of it, element by element; all slices
    /// have its length. Parts come in the order of the elements; how long they are depends on the
    /// target.
    fn vector(
        &mut self,
        kind: Kind,
        parameters: [&mut [F::Weight]; P],
        state: [&mut [F::Weight]; S],
        gradient: &[F::Sum],
        scale: F::Scale,
    );
}

/// A row, or nothing beyond the last.
pub(crate) fn row<W, const OUT: usize>(rows: &mut [[W; OUT]], i: usize) -> &mut [W] {
    rows.get_mut(i).map_or(&mut [], |row| row.as_mut_slice())
}

/// A [`GradientVisitor`] that computes each parameter and its optimizer state from their old values
/// and the gradient: `f(parameters, state, gradient) -> (parameters, state)`.
///
/// In [`Fixed`](crate::Fixed) all of them are [`Q26`](crate::Q26): derivatives beyond ±32 end there.
/// [`Optimizer`](crate::Optimizer) has an example.
pub fn for_each<T, F, const P: usize, const S: usize>(f: F) -> ForEach<F>
where
    F: FnMut([T; P], [T; S], T) -> ([T; P], [T; S]),
{
    ForEach { f }
}

/// Returned by [`for_each`].
#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ForEach<F> {
    f: F,
}

impl<F, G, const P: usize, const S: usize> GradientVisitor<F, P, S> for ForEach<G>
where
    F: Arithmetic,
    G: FnMut([F::Weight; P], [F::Weight; S], F::Weight) -> ([F::Weight; P], [F::Weight; S]),
{
    #[inline]
    fn vector(
        &mut self,
        _: Kind,
        mut parameters: [&mut [F::Weight]; P],
        mut state: [&mut [F::Weight]; S],
        gradient: &[F::Sum],
        scale: F::Scale,
    ) {
        fn load<T: Copy + Zero, const K: usize>(slices: &mut [&mut [T]; K], i: usize) -> [T; K] {
            slices.each_ref().map(|s| s.get(i).copied().unwrap_or(T::ZERO))
        }
        fn store<T, const K: usize>(slices: &mut [&mut [T]; K], i: usize, values: [T; K]) {
            for (slice, value) in slices.iter_mut().zip(values) {
                if let Some(slot) = slice.get_mut(i) {
                    *slot = value;
                }
            }
        }
        for (i, &g) in gradient.iter().enumerate() {
            let g = F::gradient(g, scale);
            let (p, s) = (self.f)(load(&mut parameters, i), load(&mut state, i), g);
            store(&mut parameters, i, p);
            store(&mut state, i, s);
        }
    }
}

/// Accumulates the gradient into one state.
pub(crate) struct Accumulate;

impl<F: Format> GradientVisitor<F, 0, 1> for Accumulate {
    const IN_ANY_ORDER: bool = true;

    #[inline]
    fn affine<const IN: usize, const OUT: usize>(
        &mut self,
        _: [Affine<'_, F::Weight, IN, OUT>; 0],
        [(weights, bias)]: [Affine<'_, F::Weight, IN, OUT>; 1],
        x: &[F::Value; IN],
        d: &[F::Sum; OUT],
        scale: F::Scale,
    ) {
        F::accumulate(weights, bias, x, d, scale);
    }

    #[inline]
    fn affine_sum<'a, const IN: usize, const OUT: usize>(
        &mut self,
        _: [Affine<'_, F::Weight, IN, OUT>; 0],
        [(weights, bias)]: [Affine<'_, F::Weight, IN, OUT>; 1],
        pairs: impl Iterator<Item = (&'a [F::Value; IN], &'a [F::Sum; OUT])> + Clone,
        scale: F::Scale,
    ) {
        F::accumulate_sum(weights, bias, pairs, scale);
    }

    #[inline(always)]
    fn few<const N: usize>(
        &mut self,
        _: Kind,
        _: [&mut [F::Weight]; 0],
        [sum]: [&mut [F::Weight]; 1],
        gradient: [F::Sum; N],
        scale: F::Scale,
    ) {
        each_of_few(sum, gradient, |s, g| *s = F::add_gradient(*s, g, scale));
    }

    #[inline]
    fn vector(
        &mut self,
        _: Kind,
        _: [&mut [F::Weight]; 0],
        [sum]: [&mut [F::Weight]; 1],
        gradient: &[F::Sum],
        scale: F::Scale,
    ) {
        for (s, &g) in sum.iter_mut().zip(gradient) {
            *s = F::add_gradient(*s, g, scale);
        }
    }
}
