//! The macro for the tensors of a layer.

/// Used inside `impl Layer`: lists the tensors of a layer, all that is learned or kept.
///
/// Each is a field, an array of weights, followed by its [kind](crate::Kind), its name in files
/// and its shape in file order. Memory has the dimensions in reverse order, unless `in` specifies
/// another order. The gradient of the layer has fields of the same names: it is `Self`, or for a
/// layer with [buffers](crate::Kind::Buffer) a type without those, `()` if there is nothing else.
///
/// ```
/// # use gradlet::tensors;
/// # macro_rules! lines { ($($t:tt)*) => {}; }
/// # lines! {
/// tensors! {
///     weights: Weight "weight" [OUT, C, K], // in memory [[[T; OUT]; C]; K]
///     bias: Bias "bias" [OUT],
///     mean: Buffer "running_mean" [C],
/// }
/// # }
/// ```
///
/// It expands to [`Layer::TENSORS`](crate::Layer::TENSORS) and [`Layer::walk`](crate::Layer::walk).
#[macro_export]
macro_rules! tensors {
    ($($field:ident: $kind:ident $name:literal [$($size:expr),+] $(in [$($axis:literal),+])?),+ $(,)?) => {
        const TENSORS: $crate::TensorList = $crate::__checked::<Self>($crate::TensorList::of({
            const { &[$($crate::Tensor {
                kind: $crate::Kind::$kind,
                name: $name,
                shape: &[$($size),+],
                order: &[$($($axis),+)?],
            }),+] }
        }));

        #[inline]
        fn walk<const NETS: usize, const NETS_MUT: usize, const READ: usize, const WRITE: usize>(
            nets: [&Self; NETS],
            mut nets_mut: [&mut Self; NETS_MUT],
            read: [&<Self as $crate::Layer>::Gradient; READ],
            mut write: [&mut <Self as $crate::Layer>::Gradient; WRITE],
            visit: &mut impl FnMut(
                $crate::Kind,
                [&[$crate::Weight<Self>]; NETS],
                [&mut [$crate::Weight<Self>]; NETS_MUT],
                [&[$crate::Weight<Self>]; READ],
                [&mut [$crate::Weight<Self>]; WRITE],
            ),
        ) {
            $($crate::tensors!(@visit $kind $field nets nets_mut read write visit);)+
        }
    };
    // Gradients have no buffers, so a walk with gradients does not visit them.
    (
        @visit Buffer $field:ident
        $nets:ident $nets_mut:ident $read:ident $write:ident $visit:ident
    ) => {
        if READ == 0 && WRITE == 0 {
            $visit(
                $crate::Kind::Buffer,
                $nets.map(|net| $crate::Shape::as_slice(&net.$field)),
                $nets_mut.each_mut().map(|net| $crate::Shape::as_mut_slice(&mut net.$field)),
                $read.map(|_| Default::default()),
                $write.each_mut().map(|_| Default::default()),
            );
        }
    };
    (
        @visit $kind:ident $field:ident
        $nets:ident $nets_mut:ident $read:ident $write:ident $visit:ident
    ) => {
        $visit(
            $crate::Kind::$kind,
            $nets.map(|net| $crate::Shape::as_slice(&net.$field)),
            $nets_mut.each_mut().map(|net| $crate::Shape::as_mut_slice(&mut net.$field)),
            $read.map(|read| $crate::Shape::as_slice(&read.$field)),
            $write.each_mut().map(|write| $crate::Shape::as_mut_slice(&mut write.$field)),
        )
    };
}
