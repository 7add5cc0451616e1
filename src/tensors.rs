//! Tensors of layers, gradients and optimizer states.

use core::fmt;

use crate::zero::Zero;

/// Role of a tensor in its layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Kind {
    /// Weights: initialisers set them to random values.
    Weight,
    /// Biases: initialisers set them to zero.
    Bias,
    /// Any other trainable parameters: initialisers do not change them.
    Other,
    /// Buffers, as in PyTorch: kept in files, flash and frames, but not learned. They have no
    /// gradient, and neither optimizers nor initialisers change them. Those of
    /// [`Scaling`](crate::preprocess::Scaling) are an example.
    Buffer,
}

/// Description of a tensor of parameters: role, name, shape, and memory order.
///
/// ```
/// use gradlet::{Kind, Layer, Mlp, Tensor};
///
/// let [weight, bias] = [0, 1].map(|place| Mlp::<2, 4, 3>::TENSORS.get(place).unwrap());
/// assert_eq!((weight.kind, weight.name, weight.shape), (Kind::Weight, "weight", &[4, 2][..]));
/// assert_eq!((bias.kind, bias.len()), (Kind::Bias, 4));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Tensor {
    /// Its role.
    pub kind: Kind,
    /// Its name in a file, after that of the layer.
    pub name: &'static str,
    /// Its shape, in file order: `[units, inputs]` for a dense layer, as in PyTorch.
    pub shape: &'static [usize],
    /// For each dimension in memory, from the outermost to the innermost, its index in `shape`.
    /// Empty if memory order is the reverse of file order: `[input][unit]` for a dense layer.
    pub order: &'static [usize],
}

impl Tensor {
    /// Number of elements.
    #[must_use]
    #[allow(clippy::len_without_is_empty, reason = "it is not a collection")]
    pub const fn len(&self) -> usize {
        product(self.shape)
    }

    /// Fan-in and fan-out, which determine the scale of random weights: `shape[1]` and `shape[0]`,
    /// times the product of the remaining sizes, as in PyTorch.
    #[must_use]
    pub const fn fans(&self) -> (usize, usize) {
        match self.shape {
            [outputs, inputs, window @ ..] => {
                let window = product(window);
                (inputs.saturating_mul(window), outputs.saturating_mul(window))
            }
            _ => (self.len(), self.len()),
        }
    }

    /// Stride in memory of the dimension `axis` of the file.
    const fn stride(&self, axis: usize) -> usize {
        let (mut stride, mut inner) = (1_usize, self.shape.len());
        // From the innermost dimension in memory outwards, up to `axis`.
        while inner > 0 {
            inner = inner.wrapping_sub(1);
            let here = self.axis_in_memory(inner);
            if here == axis {
                break;
            }
            stride = stride.saturating_mul(at(self.shape, here));
        }
        stride
    }

    /// The dimension of the file that is the dimension `place` in memory, counted from the
    /// outermost.
    const fn axis_in_memory(&self, place: usize) -> usize {
        if self.order.is_empty() {
            self.shape.len().wrapping_sub(1).wrapping_sub(place)
        } else {
            at(self.order, place)
        }
    }

    /// Whether `order` is a permutation of the dimensions, or empty.
    pub(crate) const fn is_ordered(&self) -> bool {
        let (rank, mut axis) = (self.shape.len(), 0);
        while axis < rank && !self.order.is_empty() {
            let mut place = 0;
            while place < rank && at(self.order, place) != axis {
                place = place.wrapping_add(1);
            }
            if place == rank {
                return false;
            }
            axis = axis.wrapping_add(1);
        }
        true
    }

    /// The index in memory of the element `index` of the file, the first of a row; the stride and
    /// the number of the elements of the row.
    pub(crate) const fn run(&self, index: usize) -> (usize, usize, usize) {
        let (mut rest, mut place, mut stride, mut run) = (index, 0_usize, 1, 1);
        let last = self.shape.len().wrapping_sub(1);
        // The last dimension of the file varies fastest.
        let mut axis = self.shape.len();
        while axis > 0 {
            axis = axis.wrapping_sub(1);
            let (size, step) = (at(self.shape, axis), self.stride(axis));
            let (Some(here), Some(quotient)) = (rest.checked_rem(size), rest.checked_div(size))
            else {
                return (0, 0, 1);
            };
            place = place.saturating_add(here.saturating_mul(step));
            if axis == last {
                (stride, run) = (step, size);
            }
            rest = quotient;
        }
        (place, stride, run)
    }

    /// The indices in memory of the elements, in file order.
    #[must_use]
    pub const fn places(self) -> Places {
        Places { tensor: self, next: 0, place: 0, stride: 0, run: 0 }
    }
}

/// The product of the sizes.
const fn product(sizes: &[usize]) -> usize {
    let (mut product, mut sizes) = (1_usize, sizes);
    while let [size, others @ ..] = sizes {
        product = product.saturating_mul(*size);
        sizes = others;
    }
    product
}

/// The size at an index; 1 beyond the last.
const fn at(sizes: &[usize], place: usize) -> usize {
    match sizes.split_at_checked(place) {
        Some((_, [size, ..])) => *size,
        _ => 1,
    }
}

/// Iterator over the indices in memory of the elements of a [`Tensor`], in file order.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Places {
    tensor: Tensor,
    /// Index in the file.
    next: usize,
    /// Index in memory, stride, and number of elements left in the row.
    place: usize,
    stride: usize,
    run: usize,
}

impl Places {
    /// The next index, and the rest of the iterator: for const functions.
    #[must_use]
    pub const fn split_first(mut self) -> Option<(usize, Self)> {
        if self.run == 0 {
            if self.next >= self.tensor.len() {
                return None;
            }
            (self.place, self.stride, self.run) = self.tensor.run(self.next);
        }
        let place = self.place;
        self.next = self.next.wrapping_add(1);
        self.place = place.wrapping_add(self.stride);
        self.run = self.run.wrapping_sub(1);
        Some((place, self))
    }
}

impl Iterator for Places {
    type Item = usize;
    fn next(&mut self) -> Option<usize> {
        let (place, rest) = self.split_first()?;
        *self = rest;
        Some(place)
    }
}

/// List of the tensors of a layer or a network, known at compile time.
///
/// A tree without recursion: each node stores its leaf count, by which [`get`](Self::get) descends.
#[derive(Clone, Copy)]
pub struct TensorList {
    tensors: usize,
    node: Node,
}

#[derive(Clone, Copy)]
enum Node {
    Leaf(&'static [Tensor]),
    Pair(&'static TensorList, &'static TensorList),
}

impl TensorList {
    /// The empty list.
    pub const NONE: Self = Self::of(&[]);

    /// A list of these tensors.
    #[must_use]
    pub const fn of(tensors: &'static [Tensor]) -> Self {
        Self { tensors: tensors.len(), node: Node::Leaf(tensors) }
    }

    /// The tensors of the first, then those of the rest.
    #[must_use]
    pub const fn pair(first: &'static Self, rest: &'static Self) -> Self {
        let tensors = first.tensors.saturating_add(rest.tensors);
        Self { tensors, node: Node::Pair(first, rest) }
    }

    /// Number of tensors.
    #[must_use]
    #[allow(clippy::len_without_is_empty, reason = "nobody asks whether it is empty")]
    pub const fn len(&self) -> usize {
        self.tensors
    }

    /// The tensor at an index.
    #[must_use]
    pub const fn get(&self, place: usize) -> Option<Tensor> {
        match self.find(place) {
            Some((tensor, _)) => Some(tensor),
            None => None,
        }
    }

    /// The tensor at an index, and whether it is the first of its layer.
    pub(crate) const fn find(&self, place: usize) -> Option<(Tensor, bool)> {
        let (tensors, place) = self.layer(place);
        match tensors.split_at_checked(place) {
            Some((before, [tensor, ..])) => Some((*tensor, before.is_empty())),
            _ => None,
        }
    }

    /// The tensors of the layer that the tensor at an index belongs to, and its index among these.
    pub(crate) const fn layer(&self, place: usize) -> (&'static [Tensor], usize) {
        let (mut here, mut place) = (*self, place);
        loop {
            match here.node {
                Node::Pair(first, rest) => match place.checked_sub(first.tensors) {
                    Some(beyond) => {
                        here = *rest;
                        place = beyond;
                    }
                    None => here = *first,
                },
                Node::Leaf(tensors) => return (tensors, place),
            }
        }
    }

    /// Number of elements of all tensors: parameters, with the buffers.
    #[must_use]
    pub const fn parameters(&self) -> usize {
        self.elements(true)
    }

    /// Number of trainable parameters, which have a gradient: those without the
    /// [buffers](Kind::Buffer).
    ///
    /// ```
    /// use gradlet::prelude::*;
    ///
    /// type Net = net![3 => Scaling => 1 Sigmoid]; // 3 offsets, 3 scales; 3 weights, 1 bias
    /// assert_eq!((Net::TENSORS.parameters(), Net::TENSORS.trainable()), (10, 4));
    /// ```
    #[must_use]
    pub const fn trainable(&self) -> usize {
        self.elements(false)
    }

    const fn elements(&self, with_buffers: bool) -> usize {
        let (mut elements, mut place) = (0_usize, 0);
        while let Some(tensor) = self.get(place) {
            if with_buffers || !matches!(tensor.kind, Kind::Buffer) {
                elements = elements.saturating_add(tensor.len());
            }
            place = place.wrapping_add(1);
        }
        elements
    }

    /// Whether the memory order of each tensor is valid.
    pub(crate) const fn are_ordered(&self) -> bool {
        let mut place = 0;
        while let Some(tensor) = self.get(place) {
            if !tensor.is_ordered() {
                return false;
            }
            place = place.wrapping_add(1);
        }
        true
    }

    /// Number of layers that have tensors.
    #[must_use]
    pub const fn layers(&self) -> usize {
        let (mut layers, mut place) = (0_usize, 0);
        while let Some((_, is_first)) = self.find(place) {
            layers = layers.saturating_add(is_first as usize);
            place = place.wrapping_add(1);
        }
        layers
    }

    /// Iterates over the tensors.
    pub fn iter(&self) -> impl Iterator<Item = Tensor> {
        (0..self.tensors).map_while(|place| self.get(place))
    }
}

impl PartialEq for TensorList {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for TensorList {}

impl fmt::Debug for TensorList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for TensorList {
    fn format(&self, f: defmt::Formatter<'_>) {
        for tensor in self.iter() {
            defmt::write!(f, "{} ", tensor);
        }
    }
}

/// Tensors of elements `W` that can be walked: a gradient, or the state of an optimizer.
///
/// Implemented for every layer whose gradient has the layer's own type. A custom optimizer
/// implements it for its [`State`](crate::Optimizer::State), a custom layer with
/// [buffers](Kind::Buffer) for its [`Gradient`](crate::Layer::Gradient). It exists so that code
/// that saves, checks or resets values works for all.
///
/// ```
/// use gradlet::{Kind, Tensors, Zero};
///
/// /// The gradient of a batch normalisation, which keeps mean and variance too.
/// #[derive(Clone)]
/// struct Learned<const N: usize> {
///     weight: [f32; N],
///     bias: [f32; N],
/// }
///
/// impl<const N: usize> Zero for Learned<N> {
///     const ZERO: Self = Self { weight: [0.0; N], bias: [0.0; N] };
/// }
///
/// impl<const N: usize> Tensors<f32> for Learned<N> {
///     fn walk<const R: usize, const M: usize>(
///         read: [&Self; R],
///         mut write: [&mut Self; M],
///         visit: &mut impl FnMut(Kind, [&[f32]; R], [&mut [f32]; M]),
///     ) {
///         let weights = write.each_mut().map(|w| w.weight.as_mut_slice());
///         visit(Kind::Weight, read.map(|r| r.weight.as_slice()), weights);
///         let biases = write.map(|w| w.bias.as_mut_slice());
///         visit(Kind::Bias, read.map(|r| r.bias.as_slice()), biases);
///     }
/// }
/// ```
pub trait Tensors<W> {
    /// Walks the tensors of several values in parallel, always in the same order.
    fn walk<const R: usize, const M: usize>(
        read: [&Self; R],
        write: [&mut Self; M],
        visit: &mut impl FnMut(Kind, [&[W]; R], [&mut [W]; M]),
    );
}

impl<W> Tensors<W> for () {
    #[inline]
    fn walk<const R: usize, const M: usize>(
        _: [&Self; R],
        _: [&mut Self; M],
        _: &mut impl FnMut(Kind, [&[W]; R], [&mut [W]; M]),
    ) {
    }
}

/// A pair of values for the two parts of a [`Chain`](crate::Chain): traces, derivatives, or
/// gradients.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
// In reverse order LLVM has enough registers for a step of 2-2-2 on a PC: 5 % fewer instructions.
// On a Cortex-M4F it takes 1 % more.
#[cfg_attr(hardware = "simd", repr(C))]
pub struct Pair<F, R> {
    #[cfg(hardware = "simd")]
    pub(crate) rest: R,
    pub(crate) first: F,
    #[cfg(not(hardware = "simd"))]
    pub(crate) rest: R,
}

impl<F, R> Pair<F, R> {
    /// The value of the first layer.
    #[must_use]
    pub const fn first(&self) -> &F {
        &self.first
    }

    /// The value of the layers after it.
    #[must_use]
    pub const fn rest(&self) -> &R {
        &self.rest
    }

    // Functions for `map`: a closure would be compiled again for each type of visitor.

    #[inline(always)]
    pub(crate) const fn first_mut(&mut self) -> &mut F {
        &mut self.first
    }

    #[inline(always)]
    pub(crate) const fn rest_mut(&mut self) -> &mut R {
        &mut self.rest
    }
}

impl<F: Zero, R: Zero> Zero for Pair<F, R> {
    const ZERO: Self = Self { first: F::ZERO, rest: R::ZERO };
}

impl<W, F: Tensors<W>, R: Tensors<W>> Tensors<W> for Pair<F, R> {
    #[inline]
    fn walk<const N: usize, const M: usize>(
        read: [&Self; N],
        mut write: [&mut Self; M],
        visit: &mut impl FnMut(Kind, [&[W]; N], [&mut [W]; M]),
    ) {
        F::walk(read.map(Self::first), reborrow(&mut write).map(Self::first_mut), visit);
        R::walk(read.map(Self::rest), write.map(Self::rest_mut), visit);
    }
}

/// The same references, for a shorter time.
#[inline(always)]
pub(crate) fn reborrow<'a, T, const N: usize>(all: &'a mut [&mut T; N]) -> [&'a mut T; N] {
    all.each_mut().map(|one| &mut **one)
}
