//! Loading of layers that consist of layers or have no tensors, at compile time.

use core::mem::ManuallyDrop;

use super::compile_time::{After, File, Load, Loaded};
use crate::activation::{Activation, Hidden};
use crate::layer::{
    Beside, Chain, Compact, Dropout, Frozen, Fused, Layer, Parallel, Recompute, Residual, Shortcut,
    Skip, Takes, layers_without_parameters,
};
use crate::scalar::Scalar;
use crate::shape::Shape;
use crate::tensors::TensorList;
use crate::zero::Zero;

impl<F, First, Rest> Load<F> for Chain<First, Rest>
where
    F: File,
    First: Layer<Activation: Hidden> + Load<F>,
    Rest: Takes<First::Output, First::Format> + Load<After<F, First>>,
{
    const READS: TensorList = TensorList::pair(&First::READS, &Rest::READS);
    const LOADED: Loaded<Self> = match First::LOADED {
        Ok(first) => match Rest::LOADED {
            Ok(rest) => Ok(ManuallyDrop::new(Self::new(
                ManuallyDrop::into_inner(first),
                ManuallyDrop::into_inner(rest),
            ))),
            Err(error) => Err(error),
        },
        Err(error) => Err(error),
    };
}

impl<F, T, X, const NUMERATOR: u32, const DENOMINATOR: u32> Load<F>
    for Dropout<X, NUMERATOR, DENOMINATOR>
where
    F: File,
    T: Scalar,
    X: Shape<Element = T>,
{
    const LOADED: Loaded<Self> = Ok(ManuallyDrop::new(Self::new()));
}

/// Its tensors are those of the layer.
impl<F: File, L: Load<F>> Load<F> for Recompute<L> {
    const READS: TensorList = L::READS;
    const LOADED: Loaded<Self> = match L::LOADED {
        Ok(layer) => Ok(ManuallyDrop::new(Self::new(ManuallyDrop::into_inner(layer)))),
        Err(error) => Err(error),
    };
}

/// Its tensors are those of the layers.
impl<F: File, L: Load<F>, const PACKED: usize> Load<F> for Compact<L, PACKED>
where
    Self: Layer,
{
    const READS: TensorList = L::READS;
    const LOADED: Loaded<Self> = match L::LOADED {
        Ok(layers) => Ok(ManuallyDrop::new(Self::new(ManuallyDrop::into_inner(layers)))),
        Err(error) => Err(error),
    };
}

/// A constant has no weights yet that a frozen layer could keep: in [`load!`](crate::load) it takes
/// names and tensors as the layer itself does.
impl<F: File, L: Load<F>> Load<F> for Frozen<L> {
    const READS: TensorList = L::READS;
    const LOADED: Loaded<Self> = match L::LOADED {
        Ok(layer) => Ok(ManuallyDrop::new(Self::new(ManuallyDrop::into_inner(layer)))),
        Err(error) => Err(error),
    };
}

impl<F, T, A, B, const N: usize> Load<F> for Parallel<A, B, N>
where
    F: File,
    T: Scalar,
    A: Load<F> + Layer<Format = T>,
    B: Beside<A::Input, T> + Load<After<F, A>>,
{
    const READS: TensorList = TensorList::pair(&A::READS, &B::READS);
    const LOADED: Loaded<Self> = match A::LOADED {
        Ok(first) => match B::LOADED {
            Ok(second) => Ok(ManuallyDrop::new(Self::new(
                ManuallyDrop::into_inner(first),
                ManuallyDrop::into_inner(second),
            ))),
            Err(error) => Err(error),
        },
        Err(error) => Err(error),
    };
}

impl<F, T, L, A> Load<F> for Residual<L, Skip, A>
where
    F: File,
    T: Scalar,
    L: Load<F> + Layer<Format = T>,
    Skip: Shortcut<L::Input, L::Output, T>,
    A: Activation<T>,
{
    const READS: TensorList = L::READS;
    const LOADED: Loaded<Self> = match L::LOADED {
        Ok(layer) => Ok(ManuallyDrop::new(Self::new(ManuallyDrop::into_inner(layer)))),
        Err(error) => Err(error),
    };
}

impl<F, T, L, P, A> Load<F> for Residual<L, P, A>
where
    F: File,
    T: Scalar,
    L: Load<F> + Layer<Format = T>,
    P: Layer + Shortcut<L::Input, L::Output, T> + Load<After<F, L>>,
    A: Activation<T>,
{
    const READS: TensorList = TensorList::pair(&L::READS, &P::READS);
    const LOADED: Loaded<Self> = match L::LOADED {
        Ok(layer) => match P::LOADED {
            Ok(projection) => Ok(ManuallyDrop::new(Self::with_projection(
                ManuallyDrop::into_inner(layer),
                ManuallyDrop::into_inner(projection),
            ))),
            Err(error) => Err(error),
        },
        Err(error) => Err(error),
    };
}

impl<F: File, C: Load<F>, P: Zero> Load<F> for Fused<C, P>
where
    Self: Layer,
{
    const READS: TensorList = C::READS;
    const LOADED: Loaded<Self> = match C::LOADED {
        Ok(layer) => Ok(ManuallyDrop::new(Self::new(ManuallyDrop::into_inner(layer)))),
        Err(error) => Err(error),
    };
}

macro_rules! loads {
    ([$($generics:tt)*] $Type:ty, $name:literal) => {
        impl<F: File, $($generics)*> Load<F> for $Type
        where
            Self: Layer,
        {
            const LOADED: Loaded<Self> = Ok(ManuallyDrop::new(Self::new()));
        }
    };
}
layers_without_parameters!(loads);
