//! Which tensors a network has, known at compile time.

use core::fmt;

/// The shapes of the weights and biases of a layer, or of many: [`Layer::WEIGHTS`], from which the
/// size of a file is computed at compile time.
///
/// A layer of your own needs it if it shows [`Tensor::Weights`] and is to be saved; it then says the
/// same here:
///
/// ```
/// use gradlet::safetensors::WeightShapes;
///
/// /// Two matrices in one layer, of which the second has no biases.
/// const WEIGHTS: WeightShapes = WeightShapes::both(
///     &WeightShapes::with_bias(2, 4),
///     &WeightShapes::without_bias(4, 4),
/// );
/// assert_eq!(WEIGHTS.count(), 2);
/// ```
///
/// [`Layer::WEIGHTS`]: crate::Layer::WEIGHTS
/// [`Tensor::Weights`]: crate::Tensor::Weights
#[derive(Clone, Copy)]
pub struct WeightShapes {
    count: usize,
    shapes: Shapes,
}

/// A tree without recursion: each one knows how many leaves there are, so that one finds the way.
#[derive(Clone, Copy)]
enum Shapes {
    None,
    One(Weights),
    Both(&'static WeightShapes, &'static WeightShapes),
}

/// The shape of one layer's weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(super) struct Weights {
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    pub(super) bias: bool,
}

impl WeightShapes {
    /// No weights, or none that a file is to have.
    pub const NONE: Self = Self { count: 0, shapes: Shapes::None };

    /// Weights, `outputs` by `inputs`, and a bias for each output.
    #[must_use]
    pub const fn with_bias(inputs: usize, outputs: usize) -> Self {
        Self { count: 1, shapes: Shapes::One(Weights { inputs, outputs, bias: true }) }
    }

    /// Weights, `outputs` by `inputs`.
    #[must_use]
    pub const fn without_bias(inputs: usize, outputs: usize) -> Self {
        Self { count: 1, shapes: Shapes::One(Weights { inputs, outputs, bias: false }) }
    }

    /// Those of the first, then those of the rest.
    #[must_use]
    pub const fn both(first: &'static Self, rest: &'static Self) -> Self {
        let count = first.count.saturating_add(rest.count);
        Self { count, shapes: Shapes::Both(first, rest) }
    }

    /// How many layers have weights: as many names are needed.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.count
    }

    /// One of them, by its place from 0 on.
    pub(super) const fn get(&self, place: usize) -> Option<Weights> {
        let (mut here, mut place) = (self, place);
        loop {
            match here.shapes {
                Shapes::Both(first, rest) => match place.checked_sub(first.count) {
                    Some(beyond) => {
                        here = rest;
                        place = beyond;
                    }
                    None => here = first,
                },
                Shapes::One(weights) if place == 0 => return Some(weights),
                _ => return None,
            }
        }
    }

    fn iter(&self) -> impl Iterator<Item = Weights> {
        (0..self.count).map_while(|place| self.get(place))
    }
}

impl PartialEq for WeightShapes {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for WeightShapes {}

impl fmt::Debug for WeightShapes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for WeightShapes {
    fn format(&self, f: defmt::Formatter<'_>) {
        for weights in self.iter() {
            defmt::write!(f, "{} ", weights);
        }
    }
}
