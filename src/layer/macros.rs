//! Macros for the type of a network, and for the tensors of a layer.

/// A network type of any depth: each size is written once, so sizes cannot disagree.
///
/// `net![IN => OUT Activation => OUT Activation ..]`, or with a number format `net![f64; IN => ..]`
/// (default `f32`). A size is a literal, a constant, or `{ an expression }`.
///
/// ```
/// use gradlet::prelude::*;
///
/// type Net = net![784 => 32 Relu => 16 Tanh => 10 Softmax];
/// // stands for
/// type Same = Chain<
///     Dense<784, 32, Relu, f32>,
///     Chain<Dense<32, 16, Tanh, f32>, Dense<16, 10, Softmax, f32>>,
/// >;
/// fn check(net: Net) -> Same {
///     net
/// }
/// assert_eq!(Net::PARAMS, 784 * 32 + 32 + 32 * 16 + 16 + 16 * 10 + 10);
/// ```
///
/// `=> Scaling =>` stands for a layer that scales its inputs by [fixed
/// values](crate::preprocess::Scaling), as many as there are:
///
/// ```
/// use gradlet::{prelude::*, preprocess::Scaling};
///
/// type Net = net![3 => Scaling => 8 Tanh => 2 Softmax];
/// fn check(net: Net) -> Chain<Scaling<3>, Mlp<3, 8, 2, Tanh, Softmax>> {
///     net
/// }
/// ```
///
/// Up to 64 layers compile without further settings, fewer with Rust 1.85. For up to 100, put
/// `#![recursion_limit = "256"]` at the top of the `main.rs` or `lib.rs` that names the network, as
/// the compiler suggests.
#[macro_export]
macro_rules! net {
    ($input:tt => $($layers:tt)+) => { $crate::net!(@chain f32; $input => $($layers)+) };
    (@chain $format:ty; $input:tt => Scaling => $($rest:tt)+) => {
        $crate::Chain<
            $crate::preprocess::Scaling<$input, $format>,
            $crate::net!(@chain $format; $input => $($rest)+)
        >
    };
    (@chain $format:ty; $input:tt => Scaling) => {
        ::core::compile_error!("a layer is missing after `Scaling`")
    };
    (@chain $format:ty; $input:tt => $output:tt $activation:ty) => {
        $crate::Dense<$input, $output, $activation, $format>
    };
    (@chain $format:ty; $input:tt => $output:tt $activation:ty => $($rest:tt)+) => {
        $crate::Chain<
            $crate::Dense<$input, $output, $activation, $format>,
            $crate::net!(@chain $format; $output => $($rest)+)
        >
    };
    (@chain $format:ty; $input:tt => $output:tt $(=> $($rest:tt)*)?) => {
        ::core::compile_error!(::core::concat!(
            "the activation of the layer with `", ::core::stringify!($output), "` outputs is \
             missing: write `", ::core::stringify!($output), " Tanh`, or `",
            ::core::stringify!($output), " Identity` for none"
        ))
    };
    ($format:ty; $input:tt => $($layers:tt)+) => {
        $crate::net!(@chain $format; $input => $($layers)+)
    };
}

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
