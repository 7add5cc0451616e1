//! Shapes of layer inputs and outputs: arrays of one, two or three dimensions.

use crate::zero::Zero;

/// Element of an array: `f32`, `f64`, or a type of a custom [`Format`](crate::Format), for which
/// you implement it. Arrays are not elements, so a [`Shape`] is unambiguous.
///
/// ```
/// use gradlet::{Element, Zero};
///
/// /// A weight with 14 fraction bits.
/// #[derive(Clone, Copy)]
/// struct Weight(i16);
///
/// impl Zero for Weight {
///     const ZERO: Self = Self(0);
/// }
///
/// impl Element for Weight {
///     type Bytes = [u8; 2];
///     fn to_le_bytes(self) -> [u8; 2] {
///         self.0.to_le_bytes()
///     }
///     fn from_le_bytes(bytes: [u8; 2]) -> Self {
///         Self(i16::from_le_bytes(bytes))
///     }
/// }
/// ```
pub trait Element: Zero + Copy + 'static {
    /// An array of bytes: 1, 2, 4 or 8 for types that are saved or sent.
    type Bytes: AsRef<[u8]> + for<'a> TryFrom<&'a [u8]>;
    /// Serialises it for flash and frames, in little-endian order.
    #[must_use]
    fn to_le_bytes(self) -> Self::Bytes;
    /// Deserialises it from these bytes.
    #[must_use]
    fn from_le_bytes(bytes: Self::Bytes) -> Self;
}

macro_rules! elements {
    ($($type:ident)+) => { $(
        impl Element for $type {
            type Bytes = [u8; size_of::<Self>()];
            #[inline]
            fn to_le_bytes(self) -> Self::Bytes {
                Self::to_le_bytes(self)
            }
            #[inline]
            fn from_le_bytes(bytes: Self::Bytes) -> Self {
                Self::from_le_bytes(bytes)
            }
        }
    )+ };
}
elements!(f32 f64 i8 i16 i32 i64 u8 u16 u32);

/// An array of one, two or three dimensions: `[E; N]`, a sequence `[[E; C]; L]` of `L` steps with
/// `C` channels, or an image `[[[E; C]; W]; H]`. A tensor of weights may have a fourth.
///
/// Steps and pixels are contiguous in memory, so a window of them is one slice. Implemented for
/// these arrays only; it exists so that elementwise code, such as activations and losses, is
/// independent of the number of dimensions.
///
/// ```
/// use gradlet::Shape;
///
/// let sequence = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]];
/// assert_eq!(Shape::as_slice(&sequence), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
/// assert_eq!(<[[f32; 2]; 3] as Shape>::LEN, 6);
/// ```
pub trait Shape: Zero + Clone + 'static {
    /// The type of the elements.
    type Element: Element;
    /// An array of the same shape with other elements.
    type With<E: Element>: Shape<Element = E>;
    /// An array of the same shape with `N` elements in the last dimension.
    type WithChannels<const N: usize>: Shape<Element = Self::Element>;
    /// Number of elements.
    const LEN: usize;
    /// Number of elements in the last dimension: of a vector all, of a sequence or an image the channels.
    const CHANNELS: usize;
    /// The other dimensions, from the inner one: none of a vector, the steps of a sequence, width and height
    /// of an image.
    const POSITIONS: &'static [usize];
    /// The elements as a flat slice.
    fn as_slice(&self) -> &[Self::Element];
    /// The elements as a flat mutable slice.
    fn as_mut_slice(&mut self) -> &mut [Self::Element];
    /// The elements of several arrays as one flat mutable slice.
    fn flatten(several: &mut [Self]) -> &mut [Self::Element];
}

/// Implements [`Shape`] for arrays with these dimensions, from the inner one; `$channels` are as many with `N`
/// elements in it, and `$as_flattened` flatten them to a slice.
macro_rules! shape {
    ([$c:ident $($n:ident)*] $type:ty, $with:ty, $channels:ty,
        $($as_flattened:ident $as_flattened_mut:ident)*) => {
        impl<E: Element, const $c: usize, $(const $n: usize),*> Shape for $type {
            type Element = E;
            type With<X: Element> = $with;
            type WithChannels<const N: usize> = $channels;
            const LEN: usize = $c $(* $n)*;
            const CHANNELS: usize = $c;
            const POSITIONS: &'static [usize] = &[$($n),*];

            #[inline(always)]
            fn as_slice(&self) -> &[E] {
                self.as_ref()$(.$as_flattened())*
            }
            #[inline(always)]
            fn as_mut_slice(&mut self) -> &mut [E] {
                self.as_mut()$(.$as_flattened_mut())*
            }
            #[inline(always)]
            fn flatten(several: &mut [Self]) -> &mut [E] {
                several.as_flattened_mut()$(.$as_flattened_mut())*
            }
        }
    };
}
shape!([C] [E; C], [X; C], [E; N],);
shape!([C L] [[E; C]; L], [[X; C]; L], [[E; N]; L], as_flattened as_flattened_mut);
shape!([C W H] [[[E; C]; W]; H], [[[X; C]; W]; H], [[[E; N]; W]; H],
    as_flattened as_flattened_mut as_flattened as_flattened_mut);
shape!([A B C D] [[[[E; A]; B]; C]; D], [[[[X; A]; B]; C]; D], [[[[E; N]; B]; C]; D],
    as_flattened as_flattened_mut as_flattened as_flattened_mut as_flattened as_flattened_mut);
