//! The macro for the type of a network.

mod fused;
mod recurrent;
mod windows;

/// A network type of any depth: each size is written once, so sizes cannot disagree.
///
/// `net![INPUT => LAYER => LAYER ..]`, or with a number format `net![f64; INPUT => ..]` (default
/// `f32`). The input is a vector `N`, a sequence `L x C` of `L` steps with `C` channels, or an image
/// `H x W x C`. A size is a literal, a constant, or `{ an expression }`.
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
/// # Layers
///
/// `A` is an [activation](crate::Activation), `Identity` for none.
///
/// | layer | takes | stands for |
/// |---|---|---|
/// | `OUT A` | vector | [`Dense`](crate::Dense) |
/// | `Embedding(N, D)` | vector of indices | [`Embedding`](crate::Embedding): a sequence with `D` channels, of `N` vectors |
/// | `Scaling` | vector | [`Scaling`](crate::preprocess::Scaling), by fixed values |
/// | `Conv1d(OUT, K) A` | sequence | [`Conv1d`](crate::Conv1d) with a kernel of `K` steps |
/// | `Depthwise(K) A` | sequence | [`Conv1d`](crate::Conv1d) with one filter for each channel |
/// | `MaxPool(K)`, `MeanPool(K)` | sequence | [`MaxPool1d`](crate::MaxPool1d), [`MeanPool1d`](crate::MeanPool1d) |
/// | `Conv2d(OUT, K x K) A` | image | [`Conv2d`](crate::Conv2d) with a kernel of `K` by `K` pixels |
/// | `Depthwise(K x K) A` | image | [`Conv2d`](crate::Conv2d) with one filter for each channel |
/// | `MaxPool(K x K)`, `MeanPool(K x K)` | image | [`MaxPool2d`](crate::MaxPool2d), [`MeanPool2d`](crate::MeanPool2d) |
/// | `Gru(H)`, `Lstm(H)` | sequence | [`Gru`](crate::Gru), [`Lstm`](crate::Lstm) with `H` units: their last state, a vector |
/// | `Rnn(H)`, `Rnn(H) A` | sequence | [`Rnn`](crate::Rnn) with `H` units and [`Tanh`](crate::Tanh), or another elementwise activation |
/// | `GlobalMean`, `GlobalMax` | sequence, image | [`GlobalMean`](crate::GlobalMean), [`GlobalMax`](crate::GlobalMax): a vector with a number for each channel |
/// | `LastStep` | sequence | [`LastStep`](crate::LastStep): the last step alone, as a vector |
/// | `Flatten` | sequence, image | [`Flatten`](crate::Flatten): a vector in the order of PyTorch |
/// | `FlattenChannelsLast` | sequence, image | [`FlattenChannelsLast`](crate::FlattenChannelsLast): in the order of Keras |
/// | `BatchNorm A`, `BatchNorm(1 / 1000) A` | any | [`BatchNorm`](crate::BatchNorm) with an epsilon of 1e-5, or that fraction |
/// | `LayerNorm A`, `LayerNorm(1 / 1000) A` | any | [`LayerNorm`](crate::LayerNorm), as above |
/// | `PRelu`, `PRelu(1)` | any | [`PRelu`](crate::PRelu): a learned slope for each channel, or one for all |
/// | `Dropout`, `Dropout(1 / 4)` | any | [`Dropout`](crate::Dropout) of half of the values, or that share |
/// | `Residual(LAYER => LAYER ..)` | any | [`Residual`](crate::Residual): adds the input to the output of these layers, which has its shape |
/// | `Residual(LAYER ..) + (LAYER)` | any | the same with a projection, one layer from the input to the output of the others |
/// | `Residual(LAYER ..) A`, `Residual(LAYER ..) + (LAYER) A` | any | the same with an activation behind the sum |
/// | `Parallel((LAYER ..), (LAYER ..))` | any | [`Parallel`](crate::Parallel): both end in a vector, and these are one vector |
///
/// `|` in place of `=>` between a convolution and a pooling [fuses](crate::Fused) them: the same
/// results with less memory, `Conv1d(16, 5) Relu | MaxPool(2)`.
///
/// `Compact(Conv1d(16, 5) Relu | MaxPool(2) => Conv1d(32, 3) Relu | GlobalMean)` are two such
/// convolutions, of sequences or of images, with the least memory in training: see
/// [`Compact`](crate::Compact).
///
/// Options follow after a comma, in any order:
///
/// | option | for | meaning |
/// |---|---|---|
/// | `step N` | convolution, pooling | distance of two windows (stride): 1, and for a pooling its size, unless given |
/// | `padding same` | convolution | zeros on both sides, so that with step 1 the length stays the same |
/// | `padding causal` | `Conv1d`, `Depthwise(K)` | zeros before the first step only: an output sees no later step |
/// | `padding N` | convolution | `N` zeros on each side, a literal |
/// | `dilation N` | convolution | distance of two steps or pixels of the window |
/// | `groups N` | `Conv1d`, `Conv2d` | groups of channels that do not see each other |
/// | `all` | `Rnn`, `Gru`, `Lstm` | the output is all states, a sequence |
/// | `reversed` | `Rnn`, `Gru`, `Lstm` | [`Reversed`](crate::Reversed): begins with the last step |
/// | `bidirectional` | `Rnn`, `Gru`, `Lstm` | two layers side by side, one of them `reversed` |
/// | `masked` | `Rnn`, `Gru`, `Lstm` | [`Masked`](crate::Masked): leaves out steps of zeros at the beginning |
/// | `learned state` | `Rnn`, `Gru`, `Lstm` | [`LearnedState`](crate::LearnedState): its initial state is a parameter |
/// | `stateful`, `stateful N` | `Rnn`, `Gru`, `Lstm` | [`Stateful`](crate::Stateful): its initial state is that at the end of the last window, or after `N` steps of it |
/// | `by rational`, `by fast` | `Gru`, `Lstm` | sigmoid and tanh of [`rational`](crate::rational) or [`fast`](crate::fast) |
///
/// For images, `step 2 x 1`, `padding 1 x 0` and `dilation 2 x 1` are first the distance of rows,
/// then that of columns; one number stands for both.
///
/// The lengths follow from these, and what does not fit does not compile: a kernel longer than its
/// input, groups that do not divide the channels, a pooling that leaves out steps, a dense layer
/// after a sequence without a layer that makes it a vector.
///
/// ```
/// use gradlet::prelude::*;
///
/// // 128 steps of 6 sensors; 6 activities.
/// type Activity = net![
///     128 x 6 => Conv1d(16, 5, step 2) Relu => MaxPool(2) => Conv1d(32, 3) Relu => GlobalMean
///     => 6 Softmax
/// ];
/// assert_eq!((Activity::PARAMS, Activity::MACS), (2262, 74_496));
///
/// // 28 by 28 pixels of 1 channel; 10 digits.
/// type Digit = net![
///     28 x 28 x 1 => Conv2d(8, 3 x 3, padding same) Relu => MaxPool(2 x 2)
///     => Depthwise(3 x 3, padding same) Relu => Conv2d(16, 1 x 1) Relu => MeanPool(2 x 2)
///     => Flatten => 10 Softmax
/// ];
/// let scores: [f32; 10] = Digit::ZERO.forward(&[[[0.0]; 28]; 28]);
/// # assert_eq!(scores, [0.1; 10]);
/// ```
///
/// Recurrent layers, one behind the other:
///
/// ```
/// use gradlet::prelude::*;
///
/// // 29 steps of 12 channels; 9 speakers.
/// type Speaker = net![29 x 12 => Gru(16, all) => Lstm(8) => 9 Softmax];
/// let scores: [f32; 9] = Speaker::ZERO.forward(&[[0.0; 12]; 29]);
/// # assert!((scores[0] - 1.0 / 9.0).abs() < 1e-6);
/// ```
///
/// Layers around layers, with an input of any shape:
///
/// ```
/// use gradlet::prelude::*;
///
/// // Two residual blocks, the second with a projection and an activation behind the sum; then 3
/// // classes and 2 coordinates.
/// type Net = net![
///     64 x 3 => Conv1d(8, 3, padding same) Identity => BatchNorm Relu
///     => Residual(Conv1d(8, 3, padding same) Identity => BatchNorm Relu)
///     => Residual(Conv1d(16, 3, step 2, padding same) Identity) + (Conv1d(16, 1, step 2) Identity) Relu
///     => GlobalMean => Dropout(1 / 4) => Parallel((3 Softmax), (8 Relu => 2 Identity))
/// ];
/// let y: [f32; 5] = Net::ZERO.forward(&[[0.0; 3]; 64]);
/// # assert!((y[0] - 1.0 / 3.0).abs() < 1e-6 && y[3] == 0.0);
/// ```
///
/// Up to about 60 layers compile without further settings. For more, put
/// `#![recursion_limit = "256"]` at the top of the `main.rs` or `lib.rs` that names the network, as
/// the compiler suggests.
#[macro_export]
macro_rules! net {
    // The shape of the input, in brackets: `[N]`, `[L C]`, or `[H W C]`.
    ($n:tt => $($layers:tt)+) => { $crate::__net!(f32; [$n] $($layers)+) };
    ($l:tt x $c:tt => $($layers:tt)+) => { $crate::__net!(f32; [$l $c] $($layers)+) };
    ($h:tt x $w:tt x $c:tt => $($layers:tt)+) => { $crate::__net!(f32; [$h $w $c] $($layers)+) };
    ($format:ty; $n:tt => $($layers:tt)+) => { $crate::__net!($format; [$n] $($layers)+) };
    ($format:ty; $l:tt x $c:tt => $($layers:tt)+) => {
        $crate::__net!($format; [$l $c] $($layers)+)
    };
    ($format:ty; $h:tt x $w:tt x $c:tt => $($layers:tt)+) => {
        $crate::__net!($format; [$h $w $c] $($layers)+)
    };
}

/// The type of the layers that take this shape.
#[doc(hidden)]
#[macro_export]
macro_rules! __net {
    ($f:ty; $shape:tt Scaling) => {
        $crate::__error!($f; $shape "a layer is missing after `Scaling`")
    };
    ($f:ty; [$n:tt] Scaling => $($rest:tt)*) => {
        $crate::__then!([$crate::preprocess::Scaling<$n, $f>] $f; [$n] $($rest)*)
    };

    ($f:ty; [$l:tt] Embedding($n:tt, $d:tt) $(=> $($rest:tt)*)?) => {
        $crate::__then!([$crate::Embedding<$l, { $crate::__sizes::vectors($n) }, $d, $f>] $f; [$l $d] $($($rest)*)?)
    };
    ($f:ty; $shape:tt Embedding $($rest:tt)*) => {
        $crate::__error!($f; $shape
            "this `Embedding` does not fit here: it takes a vector of indices, as in `12 => Embedding(20, 8) => \
             ..`, 12 indices below 20 with 8 numbers each, and has no activation"
        )
    };

    ($f:ty; $shape:tt BatchNorm $($rest:tt)*) => {
        $crate::__norm!(BatchNorm $f; $shape $($rest)*)
    };
    ($f:ty; $shape:tt LayerNorm $($rest:tt)*) => {
        $crate::__norm!(LayerNorm $f; $shape $($rest)*)
    };

    ($f:ty; $shape:tt PRelu $(=> $($rest:tt)*)?) => {
        $crate::__then!(
            [$crate::PRelu<{ $crate::__channels!($shape) }, $crate::__array!($f; $shape)>]
            $f; $shape $($($rest)*)?
        )
    };
    ($f:ty; $shape:tt PRelu(1) $(=> $($rest:tt)*)?) => {
        $crate::__then!([$crate::PRelu<1, $crate::__array!($f; $shape)>] $f; $shape $($($rest)*)?)
    };
    ($f:ty; $shape:tt PRelu $($rest:tt)*) => {
        $crate::__error!($f; $shape
            "`PRelu ", ::core::stringify!($($rest)*), "` is not understood: write `PRelu => ..` for a slope \
             for each channel, or `PRelu(1) => ..` for one; it has no activation"
        )
    };
    // Where an activation would be: it has a name in files, so it is a layer.
    ($f:ty; $shape:tt $layer:tt PRelu $($rest:tt)*) => {
        $crate::__error!($f; $shape
            "`", ::core::stringify!($layer), " PRelu`: its slopes are learned, so it is a layer of its own: write `",
            ::core::stringify!($layer), " Identity => PRelu`"
        )
    };
    ($f:ty; $shape:tt $layer:ident ($($options:tt)*) PRelu $($rest:tt)*) => {
        $crate::__error!($f; $shape
            "`", ::core::stringify!($layer), "(..) PRelu`: its slopes are learned, so it is a layer of its own: \
             write `", ::core::stringify!($layer), "(..) Identity => PRelu`"
        )
    };

    ($f:ty; $shape:tt Dropout $(=> $($rest:tt)*)?) => {
        $crate::__net!($f; $shape Dropout(1 / 2) $(=> $($rest)*)?)
    };
    ($f:ty; $shape:tt Dropout($a:tt / $b:tt) $(=> $($rest:tt)*)?) => {
        $crate::__then!(
            [$crate::Dropout<$crate::__array!($f; $shape), { $crate::__sizes::share($a, $b) }, $b>]
            $f; $shape $($($rest)*)?
        )
    };
    ($f:ty; $shape:tt Dropout $($rest:tt)*) => {
        $crate::__error!($f; $shape
            "`Dropout ", ::core::stringify!($($rest)*), "` is not understood: write `Dropout => ..` for \
             half of the values, or `Dropout(1 / 4) => ..`; it has no activation"
        )
    };

    // Without an activation.
    ($f:ty; $shape:tt Residual($($layers:tt)+) $(+ ($($by:tt)+))? $(=> $($rest:tt)*)?) => {
        $crate::__net!(
            $f; $shape Residual($($layers)+) $(+ ($($by)+))? $crate::Identity $(=> $($rest)*)?
        )
    };
    // The layer by which a projection goes knows the shape after it.
    ($f:ty; $shape:tt Residual($($layers:tt)+) + ($by:ident ($($options:tt)*) $($activation:ty)?)
        $after:ty $(=> $($rest:tt)*)?) => {
        $crate::__net!(
            $f; $shape $by($($options)*) $($activation)?
            => (@add [$crate::__net!($f; $shape $($layers)+)] $after) $($($rest)*)?
        )
    };
    ($f:ty; $shape:tt Residual($($layers:tt)+) + ($by:ident ($($options:tt)*) $($by_rest:tt)*)
        $($rest:tt)*) => {
        $crate::__error!($f; $shape
            "a projection is one layer: write `Residual(..) + (Conv1d(16, 1) Identity)`"
        )
    };
    ($f:ty; $shape:tt Residual($($layers:tt)+) + ($out:tt $activation:ty)
        $after:ty $(=> $($rest:tt)*)?) => {
        $crate::__net!(
            $f; $shape $out $activation
            => (@add [$crate::__net!($f; $shape $($layers)+)] $after) $($($rest)*)?
        )
    };
    // An activation before the projection, which would be read as a type `Relu + ..`.
    ($f:ty; $shape:tt Residual($($layers:tt)+) $after:ident + $($rest:tt)*) => {
        $crate::__net!($f; $shape Residual)
    };
    ($f:ty; $shape:tt Residual($($layers:tt)+) $after:ty $(=> $($rest:tt)*)?) => {
        $crate::__residual!(
            $f; $shape [$crate::__net!($f; $shape $($layers)+)] $crate::Skip,
            $crate::__array!($f; $shape), $after, $($($rest)*)?
        )
    };
    ($f:ty; $shape:tt Residual $($rest:tt)*) => {
        $crate::__error!($f; $shape
            "this `Residual` is not understood: write `Residual(16 Relu => 8 Tanh) => ..`, or with a \
             projection, one layer, `Residual(16 Relu => 8 Tanh) + (8 Identity) => ..`; behind them may \
             be an activation of the sum, `Residual(16 Relu => 8 Tanh) + (8 Identity) Relu => ..`"
        )
    };

    ($f:ty; $shape:tt Compact($conv:ident $a:tt Relu | MaxPool $p:tt
        => $next:ident $b:tt Relu | GlobalMean) $(=> $($rest:tt)*)?) => {
        $crate::__compact!(
            $f; $shape [$conv $a $crate::Relu | MaxPool $p] [$next $b $crate::Relu | GlobalMean]
            $($($rest)*)?
        )
    };
    ($f:ty; $shape:tt Compact($conv:ident $a:tt Relu | MaxPool $p:tt
        => $next:ident $b:tt Relu | MeanPool $q:tt) $(=> $($rest:tt)*)?) => {
        $crate::__compact!(
            $f; $shape [$conv $a $crate::Relu | MaxPool $p] [$next $b $crate::Relu | MeanPool $q]
            $($($rest)*)?
        )
    };
    ($f:ty; $shape:tt Compact $($rest:tt)*) => {
        $crate::__error!($f; $shape
            "this `Compact` is not understood: write `Compact(Conv1d(16, 5) Relu | MaxPool(2) => \
             Conv1d(32, 3) Relu | GlobalMean)`, with `Relu`, a max pooling, and a mean"
        )
    };

    ($f:ty; $shape:tt Parallel(($($first:tt)+), ($($second:tt)+) $(,)?) $(=> $($rest:tt)*)?) => {
        $crate::__parallel!(
            $f; [$crate::__net!($f; $shape $($first)+)] [$crate::__net!($f; $shape $($second)+)]
            $($($rest)*)?
        )
    };
    ($f:ty; $shape:tt Parallel $($rest:tt)*) => {
        $crate::__error!($f; $shape
            "this `Parallel` is not understood: write `Parallel((3 Softmax), (8 Relu => 2 Identity))`, \
             without an activation"
        )
    };

    ($f:ty; [$l:tt $c:tt] Conv1d($out:tt, $k:tt $($options:tt)*) $($rest:tt)*) => {
        $crate::__window!(conv1d $f; [$l $c] [$out $k $k] {[1 1] [0 0] [1 1] 1} ($($options)*) $($rest)*)
    };
    ($f:ty; [$l:tt $c:tt] Depthwise($k:tt $($options:tt)*) $($rest:tt)*) => {
        $crate::__window!(conv1d $f; [$l $c] [$c $k $k] {[1 1] [0 0] [1 1] $c} ($($options)*) $($rest)*)
    };
    ($f:ty; [$l:tt $c:tt] MaxPool($k:tt $($options:tt)*) $($rest:tt)*) => {
        $crate::__window!(MaxPool1d $f; [$l $c] [$c $k $k] {[$k $k] [0 0] [1 1] 1} ($($options)*) $($rest)*)
    };
    ($f:ty; [$l:tt $c:tt] MeanPool($k:tt $($options:tt)*) $($rest:tt)*) => {
        $crate::__window!(MeanPool1d $f; [$l $c] [$c $k $k] {[$k $k] [0 0] [1 1] 1} ($($options)*) $($rest)*)
    };

    ($f:ty; [$h:tt $w:tt $c:tt] Conv2d($out:tt, $m:tt x $n:tt $($options:tt)*) $($rest:tt)*) => {
        $crate::__window!(conv2d $f; [$h $w $c] [$out $m $n] {[1 1] [0 0] [1 1] 1} ($($options)*) $($rest)*)
    };
    ($f:ty; [$h:tt $w:tt $c:tt] Depthwise($m:tt x $n:tt $($options:tt)*) $($rest:tt)*) => {
        $crate::__window!(conv2d $f; [$h $w $c] [$c $m $n] {[1 1] [0 0] [1 1] $c} ($($options)*) $($rest)*)
    };
    ($f:ty; [$h:tt $w:tt $c:tt] MaxPool($m:tt x $n:tt $($options:tt)*) $($rest:tt)*) => {
        $crate::__window!(MaxPool2d $f; [$h $w $c] [$c $m $n] {[$m $n] [0 0] [1 1] 1} ($($options)*) $($rest)*)
    };
    ($f:ty; [$h:tt $w:tt $c:tt] MeanPool($m:tt x $n:tt $($options:tt)*) $($rest:tt)*) => {
        $crate::__window!(MeanPool2d $f; [$h $w $c] [$c $m $n] {[$m $n] [0 0] [1 1] 1} ($($options)*) $($rest)*)
    };

    ($f:ty; [$l:tt $c:tt] Rnn($h:tt $($options:tt)*) $(=> $($rest:tt)*)?) => {
        $crate::__recurrent!(RnnCell 1 $f; [$l $c] $h [last forwards plain zero] [$crate::Tanh] ($($options)*) $($($rest)*)?)
    };
    ($f:ty; [$l:tt $c:tt] Rnn($h:tt $($options:tt)*) $activation:ty $(=> $($rest:tt)*)?) => {
        $crate::__recurrent!(RnnCell 1 $f; [$l $c] $h [last forwards plain zero] [$activation] ($($options)*) $($($rest)*)?)
    };
    ($f:ty; [$l:tt $c:tt] Gru($h:tt $($options:tt)*) $(=> $($rest:tt)*)?) => {
        $crate::__recurrent!(
            GruCell 3 $f; [$l $c] $h [last forwards plain zero] [$crate::Sigmoid, $crate::Tanh] ($($options)*) $($($rest)*)?
        )
    };
    ($f:ty; [$l:tt $c:tt] Lstm($h:tt $($options:tt)*) $(=> $($rest:tt)*)?) => {
        $crate::__recurrent!(
            LstmCell 4 $f; [$l $c] $h [last forwards plain zero] [$crate::Sigmoid, $crate::Tanh] ($($options)*) $($($rest)*)?
        )
    };

    ($f:ty; [$l:tt $c:tt] LastStep $(=> $($rest:tt)*)?) => {
        $crate::__then!([$crate::LastStep<[[<$f as $crate::Format>::Value; $c]; $l]>] $f; [$c] $($($rest)*)?)
    };
    ($f:ty; [$l:tt $c:tt] $layer:ident $(=> $($rest:tt)*)?) => {
        $crate::__whole!($layer $f; [[<$f as $crate::Format>::Value; $c]; $l], $c, { $crate::__sizes::numbers($l, 1, $c) }; $($($rest)*)?)
    };
    ($f:ty; [$h:tt $w:tt $c:tt] $layer:ident $(=> $($rest:tt)*)?) => {
        $crate::__whole!($layer $f; [[[<$f as $crate::Format>::Value; $c]; $w]; $h], $c, { $crate::__sizes::numbers($h, $w, $c) }; $($($rest)*)?)
    };

    ($f:ty; $shape:tt $layer:ident ($($options:tt)*) $($rest:tt)*) => {
        $crate::__error!($f; $shape
            "`", ::core::stringify!($layer($($options)*)), "` does not fit here: a sequence `L x C` \
             takes `Conv1d(OUTPUTS, K)`, `Depthwise(K)`, `MaxPool(K)`, `MeanPool(K)`, `Rnn(UNITS)`, \
             `Gru(UNITS)` and `Lstm(UNITS)`, an image `H x W x C` takes `Conv2d(OUTPUTS, K x K)`, `Depthwise(K x K)`, `MaxPool(K x K)` and \
             `MeanPool(K x K)`"
        )
    };
    ($f:ty; [$n:tt] $out:tt $activation:ty) => { $crate::Dense<$n, $out, $activation, $f> };
    ($f:ty; [$n:tt] $out:tt $activation:ty => $($rest:tt)*) => {
        $crate::__then!([$crate::Dense<$n, $out, $activation, $f>] $f; [$out] $($rest)*)
    };
    ($f:ty; [$n:tt] $out:tt $(=> $($rest:tt)*)?) => {
        $crate::__error!($f; [$n]
            "the activation of the layer with `", ::core::stringify!($out), "` outputs is \
             missing: write `", ::core::stringify!($out), " Tanh`, or `",
            ::core::stringify!($out), " Identity` for none"
        )
    };
    ($f:ty; $shape:tt $out:tt $($rest:tt)*) => {
        $crate::__error!($f; $shape
            "`", ::core::stringify!($out $($rest)*), "` takes a vector, not a sequence or an image: \
             write `Flatten`, `GlobalMean` or `GlobalMax` before it"
        )
    };
}

/// A layer and those after it, if any.
#[doc(hidden)]
#[macro_export]
macro_rules! __then {
    ([$layer:ty] $f:ty; $shape:tt) => { $layer };
    // This was the projection of a residual connection.
    ([$layer:ty] $f:ty; $shape:tt (@add [$around:ty] $after:ty) $($rest:tt)*) => {
        $crate::__residual!(
            $f; $shape [$around] $layer, $crate::__array!($f; $shape), $after, $($rest)*
        )
    };
    // The first of two compact layers, and the second.
    ([$layer:ty] $f:ty; $shape:tt (@compact $packed:tt $($next:tt)*) $($rest:tt)*) => {
        $crate::__net!($f; $shape $($next)* => (@after $packed [$layer]) $($rest)*)
    };
    ([$layer:ty] $f:ty; $shape:tt (@after $packed:tt [$first:ty]) $($rest:tt)*) => {
        $crate::__then!(
            [$crate::Compact<$crate::Chain<$first, $layer>, $packed>] $f; $shape $($rest)*
        )
    };
    ([$layer:ty] $f:ty; $shape:tt $($rest:tt)+) => {
        $crate::Chain<$layer, $crate::__net!($f; $shape $($rest)+)>
    };
}

/// Layers with what is added to their output, of type `$y`, and the activation of the sum.
#[doc(hidden)]
#[macro_export]
macro_rules! __residual {
    ($f:ty; $shape:tt [$around:ty] $by:ty, $y:ty, $after:ty, $($rest:tt)*) => {
        $crate::__then!(
            [$crate::Residual<
                $around,
                <$crate::__sizes::Added<{ $crate::__sizes::added::<$around, $y>() }>
                    as $crate::__sizes::Projection<$by>>::Checked,
                $after,
            >]
            $f; $shape $($rest)*
        )
    };
}

/// A normalisation, and the layers after it.
#[doc(hidden)]
#[macro_export]
macro_rules! __norm {
    ($name:ident $f:ty; $shape:tt ($a:tt / $b:tt) $activation:ty $(=> $($rest:tt)*)?) => {
        $crate::__then!(
            [$crate::$name<
                { $crate::__channels!($shape) }, $activation, $crate::__array!($f; $shape),
                { $crate::__sizes::epsilon($a, $b) },
            >]
            $f; $shape $($($rest)*)?
        )
    };
    ($name:ident $f:ty; $shape:tt ($($options:tt)*) $($rest:tt)*) => {
        $crate::__error!($f; $shape
            "`", ::core::stringify!($name), "(", ::core::stringify!($($options)*), ")` is not understood: \
             write `", ::core::stringify!($name), " Relu`, with another epsilon `",
            ::core::stringify!($name), "(1 / 1000) Relu`, or `Identity` for no activation"
        )
    };
    ($name:ident $f:ty; $shape:tt $(=> $($rest:tt)*)?) => {
        $crate::__error!($f; $shape
            "the activation of `", ::core::stringify!($name), "` is missing: write `",
            ::core::stringify!($name), " Relu`, or `", ::core::stringify!($name), " Identity` for none"
        )
    };
    ($name:ident $f:ty; $shape:tt $activation:ty $(=> $($rest:tt)*)?) => {
        $crate::__norm!($name $f; $shape (1 / 100_000) $activation $(=> $($rest)*)?)
    };
}

/// Two layers beside each other, and those after them.
#[doc(hidden)]
#[macro_export]
macro_rules! __parallel {
    ($f:ty; [$a:ty] [$b:ty] $($rest:tt)*) => {
        $crate::__then!(
            [$crate::Parallel<$a, $b, { $crate::__sizes::checked_outputs::<$a, $b>() }>]
            $f; [{ $crate::__sizes::outputs::<$a, $b>() }] $($rest)*
        )
    };
}

/// The type of an array with this shape.
#[doc(hidden)]
#[macro_export]
macro_rules! __array {
    ($f:ty; [$n:tt]) => {
        [<$f as $crate::Format>::Value; $n]
    };
    ($f:ty; [$l:tt $c:tt]) => {
        [[<$f as $crate::Format>::Value; $c]; $l]
    };
    ($f:ty; [$h:tt $w:tt $c:tt]) => {
        [[[<$f as $crate::Format>::Value; $c]; $w]; $h]
    };
}

/// The last dimension of a shape.
#[doc(hidden)]
#[macro_export]
macro_rules! __channels {
    ([$n:tt]) => {
        $n
    };
    ([$l:tt $c:tt]) => {
        $c
    };
    ([$h:tt $w:tt $c:tt]) => {
        $c
    };
}

/// A layer without options, for a sequence or an image of type `$x`.
#[doc(hidden)]
#[macro_export]
macro_rules! __whole {
    (GlobalMean $f:ty; $x:ty, $c:tt, $n:tt; $($rest:tt)*) => {
        $crate::__then!([$crate::GlobalMean<$x>] $f; [$c] $($rest)*)
    };
    (GlobalMax $f:ty; $x:ty, $c:tt, $n:tt; $($rest:tt)*) => {
        $crate::__then!([$crate::GlobalMax<$x>] $f; [$c] $($rest)*)
    };
    (Flatten $f:ty; $x:ty, $c:tt, $n:tt; $($rest:tt)*) => {
        $crate::__then!([$crate::Flatten<$x, $n>] $f; [$n] $($rest)*)
    };
    (FlattenChannelsLast $f:ty; $x:ty, $c:tt, $n:tt; $($rest:tt)*) => {
        $crate::__then!([$crate::FlattenChannelsLast<$x, $n>] $f; [$n] $($rest)*)
    };
    ($layer:ident $f:ty; $x:ty, $c:tt, $n:tt; $($rest:tt)*) => {
        $crate::__error!($f; $x,
            "`", ::core::stringify!($layer), "` does not fit here: a sequence or an image takes \
             `GlobalMean`, `GlobalMax`, `Flatten` or `FlattenChannelsLast`, a convolution or pooling, \
             `BatchNorm Relu` or `Dropout`"
        )
    };
}

/// A mistake: a layer that fits the layer before it, with a size that cannot be evaluated, so that
/// there is no other error.
#[doc(hidden)]
#[macro_export]
macro_rules! __error {
    ($f:ty; [$n:tt] $($text:expr),+ $(,)?) => {
        $crate::Dense<$n, { ::core::panic!("{}", ::core::concat!($($text),+)) }, $crate::Identity, $f>
    };
    ($f:ty; [$l:tt $c:tt] $($text:expr),+ $(,)?) => {
        $crate::__error!($f; [[$f; $c]; $l], $($text),+)
    };
    ($f:ty; [$h:tt $w:tt $c:tt] $($text:expr),+ $(,)?) => {
        $crate::__error!($f; [[[$f; $c]; $w]; $h], $($text),+)
    };
    ($f:ty; $x:ty, $($text:expr),+) => {
        $crate::Flatten<$x, { ::core::panic!("{}", ::core::concat!($($text),+)) }>
    };
}
