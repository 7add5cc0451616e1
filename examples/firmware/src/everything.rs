//! Calls every function of the library that firmware would call, to prove that none of them can
//! panic, and that those for `f32` need no `f64`.
//!
//! All values go through [`black_box`], so that the optimiser knows none of them and removes
//! nothing. Not called: formatting, which is core's (also of networks as Rust source), in `f32` the
//! conversions from and to `f64`, and views as `nalgebra` matrices.

use core::hint::black_box;
use core::ops::{Add, AddAssign, ControlFlow, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign};

use embedded_io::{ErrorKind, ErrorType, Write};
use gradlet::convert::{compare, convert};
use gradlet::flat::{
    Assembler, frame_bytes, load_array, load_frame, piece_count, pieces, to_array, to_frame,
    write_array, write_frame,
};
#[cfg(not(target_arch = "avr"))]
use gradlet::linear::{LeastSquares, RecursiveLeastSquares};
use gradlet::metrics::{
    Accuracy, ConfusionMatrix, ErrorStatistics, LossMeter, MeanAbsoluteError, Quantile, RSquared,
    argmax,
};
use gradlet::preprocess::{MinMax, Scaling, Standardize, one_hot};
use gradlet::quantized::{
    Calibration, Exact, Finish, Granularity, Int8, Int8Activation, Int8Layer, Multiplier,
    Quantization, Range, Rounding, Sequence, Softmax8, Table, TwoProducts,
};
use gradlet::safetensors::{self, Dtype, Fault, LoadError, Safetensors, file_size};
#[cfg(not(target_arch = "avr"))]
use gradlet::spectrum::{self, MelBands, Spectrum};
#[cfg(not(target_arch = "avr"))]
use gradlet::store::Store;
use gradlet::stream::{LossHistory, ReplayBuffer, Window};
use gradlet::{
    Arithmetic, BiasOnly, Biased, Channels, Compact, Delta, EndsIn, Exponent, FoldNorm, Format,
    Fused, GradientVisitor, Gradients, Hidden, Kept, Kind, PoolFormat, Q10, Real, Recompute,
    Samples, Shape, SlopeFormat, Streaming, Tensor, TensorList, Tensors, Weight, fast, fingerprint,
    for_each, init, is_finite, kernel, pad_front, prelude::*, rational, schedule,
};
#[cfg(not(target_arch = "avr"))]
use gradlet_firmware::flash::{BYTES, Flash};
use rand_pcg::Pcg32;

/// Calls everything with one scalar type, for which the frame of a network has the given numbers of
/// bytes and pieces.
pub(crate) fn call_everything<T: Scalar, const FRAME: usize, const PIECES: usize>() {
    scalars::<T>();
    formats::<T>();
    rules_of_optimizers::<T>();
    if const { size_of::<T>() == size_of::<f64>() } {
        conversions::<T>();
    }
    kernels::<T>();
    elementwise_functions::<T>();
    shapes::<T>();
    frozen_layers::<T>();
    layers::<T>();
    tensor_lists::<T>();
    schedules::<T>();
    initialisers::<T>();
    metrics::<T>();
    preprocessing::<T>();
    streams::<T>();
    #[cfg(not(target_arch = "avr"))]
    int8_layers();
    // Scales are computed in `f64`.
    #[cfg(not(target_arch = "avr"))]
    if size_of::<T>() > size_of::<f32>() && fits::<T>() {
        quantisation::<Exact>();
        quantisation::<TwoProducts>();
    }
    files::<T>();
    if fits::<T>() {
        flat::<Mlp<2, 4, 2, Tanh, Softmax, T>, 22, FRAME, PIECES>();
    }
    losses::<T>();
    optimizers::<T>();
    // For AVR, the others take longer to compile than these, and some need more than there is.
    #[cfg(not(target_arch = "avr"))]
    {
        activations::<T>();
        layers_in_little_memory::<T>();
        windows::<T>();
        recurrent_layers::<T>();
        blocks::<T>();
        step_by_step::<T>();
        spectra();
        store::<T>();
        if fits::<T>() {
            linear::<T>();
        }
    }
}

/// In `f64`, all this does not fit into the flash of the M0, which is the core without atomics.
fn fits<T>() -> bool {
    size_of::<T>() == size_of::<f32>() || cfg!(target_has_atomic = "32")
}

/// A value unknown to the optimiser.
fn number<T: Number>() -> T {
    black_box(T::HALF)
}

fn count() -> u32 {
    black_box(3)
}

fn vector<Y: Zero>() -> Y {
    black_box(Y::ZERO)
}

/// Calls functions one after the other, with arguments and results hidden from the optimiser.
macro_rules! call {
    ($($call:expr),+ $(,)?) => {
        $( let _ = black_box($call); )+
    };
}

#[inline(never)]
fn scalars<T: Scalar>() {
    let x = number::<T>;
    call! {
        T::from_u32(count()), x().exp(), x().exp_m1(), x().ln(), x().ln_1p(), x().tanh(),
        x().erfc(), x().sqrt(), x().powf(x()), x().abs(), x().is_finite(),
    }
    let mut layer = vector::<[T; 3]>();
    T::sigmoid(&mut layer);
    call! { layer, T::from_le_bytes(black_box(x().to_le_bytes())) }
}

/// The operations that kernels consist of.
#[inline(never)]
fn formats<T: Scalar>() {
    let x = number::<T>;
    call! {
        T::empty(), T::add_product(x(), x(), x()), T::add_bias(x(), x()), T::add_back(x(), x(), x()),
        T::product(x(), x()), <T as Format>::add(x(), x()), T::back_scale(()), T::real(x()),
        T::learn(x(), T::scaled(x(), T::step(x(), ())), x(), x()),
        T::descend(x(), x(), T::step(x(), ()), &mut ()), T::add_gradient(x(), x(), ()), T::stored_one(x()),
        T::worse(x(), T::check(&[[x(); 3]; 2], &[x(); 3], &[x(); 2], &[x(); 3])), T::stored(&vector::<[T; 3]>()).is_some(),
        T::add_outer(x(), x(), x()), T::check_all(&vector::<[T; 3]>()),
        T::larger(x(), T::lowest()), T::plus(x(), x()),
        T::mean(x(), count()),
    }
    T::share_scale((), count());
    call! { T::share(x(), count()) }
    let (a, b, mut d) = (vector::<[T; 3]>(), vector::<[T; 3]>(), vector::<Delta<T, [T; 3]>>());
    let (values, scale) = d.parts();
    T::errors(&a, &b, values, scale);
    T::align(values, values.len(), scale);
    T::weigh(values, scale, x());
    T::product_scale(());
    T::settle(&mut (), |_| ());
    call! { d.values, T::half_squared_error(&a, &b) }
}

/// From one number format to another, which computes in `f64`.
#[inline(never)]
fn conversions<T: Scalar>() {
    let mut floats = vector::<net![T; 3 => 4 Tanh => 2 Sigmoid]>();
    let mut net = vector::<net![Fixed; 3 => 4 Tanh => 2 Sigmoid]>();
    call! { convert(&net, &mut floats), convert(&floats, &mut net) }
    call! { compare(&floats, &net, [vector::<[T; 3]>()].iter()) }
}

/// The operations that optimizers consist of, in any number format.
#[inline(never)]
fn rules_of_optimizers<F: Arithmetic>() {
    let real = number::<F::Real>;
    let weight = || F::nearest(real());
    let (factor, decay) = (F::factor(real()), F::decay(real()));
    call! {
        F::number(weight()), F::value(real()), F::gradient(F::empty(), F::STORED),
        F::sum(weight(), weight()), F::difference(weight(), weight()),
        F::times(weight(), factor), F::without(weight(), factor),
        F::running_mean(weight(), decay, weight()), F::add_square(weight(), weight()),
        F::mean_square(weight(), decay, weight()), F::clip(weight(), weight()),
        F::over_root(factor, weight(), weight(), factor),
        F::squared_length(&[F::value(real()); 3]), F::add_squares(real(), &[F::empty(); 3], F::STORED),
    }
}

/// Networks of integers, and their numbers.
#[inline(never)]
pub(crate) fn fixed_point() {
    fn learn<N, L>()
    where
        N: Layer<Format = Fixed, Output = [Q12; 5]> + Zero + Clone,
        L: Loss<N::Activation, Fixed>,
    {
        let x = black_box(N::Input::ZERO);
        let t = [black_box(Q12::ONE); 5];
        let (mut net, sgd) = (black_box(N::ZERO), Sgd::new(black_box(Q32::HALF)));
        let (mut trainer, mut batch) = (Trainer::<N, L>::new(), BatchTrainer::<N, L>::new());
        call! { trainer.step_weighted(&mut net, &sgd, &x, &t, black_box(Q32::HALF)) }
        call! { trainer.fit(&mut net, &sgd, [(&x, &t)], Stop::after(count())).loss }
        call! { batch.fit(&mut net, &sgd, 3, [(&x, &t, Q32::HALF)], Stop::after(count())).loss }
        let mut early = EarlyStopping::new();
        call! { early.observe(&net, black_box(Q32::ONE), count()).is_break(), early.restore(&mut net) }
        call! { net.forward(&x), L::accepts(&t) }
    }
    learn::<net![Fixed; 3 => 9 Relu => 5 Softmax], CrossEntropy>();
    learn::<net![Fixed; 3 => 9 LeakyRelu => 5 Sigmoid], BinaryCrossEntropy>();
    learn::<net![Fixed; 3 => 9 Relu6 => 5 Tanh], HalfSquaredError>();
    learn::<net![Fixed; 3 => 9 HardTanh => 5 HardSigmoid], MeanSquaredError>();
    learn::<net![Fixed; 3 => 9 Softsign => 5 Identity], AbsoluteError>();
    learn::<net![Fixed; 3 => 9 Elu => 5 Softplus], Huber>();
    learn::<net![Fixed; 3 => 9 Selu => 5 Softmax], LogCosh>();
    learn::<net![Fixed; 3 => 9 Gelu => 5 Silu], HalfSquaredError>();
    learn::<net![Fixed; 3 => 9 HardSwish => 5 Softmax], CrossEntropy>();
    learn::<net![Fixed; 3 => 9 Relu => 5 Identity], Pinball<9, 10>>();
    learn::<net![Fixed; 3 => 9 Relu => 5 Sigmoid], Focal>();
    learn::<net![Fixed; 3 => 9 Relu => 5 Softmax], Focal<1, 2>>();
    rules_of_optimizers::<Fixed>();
    fn optimize<O: Optimizer<Small>>(optimizer: &O) {
        let (x, t) = (black_box([Q12::ONE; 3]), black_box([Q12::ONE; 2]));
        let mut net = black_box(Small::ZERO);
        let (mut trainer, mut batch) = (
            Trainer::<Small, HalfSquaredError, O>::new(),
            BatchTrainer::<Small, HalfSquaredError, O>::new(),
        );
        call! { trainer.step(&mut net, optimizer, &x, &t), batch.accumulate(&net, &x, &t) }
        call! { batch.apply(&mut net, optimizer), &net }
    }
    type Small = net![Fixed; 3 => 4 Tanh => 2 Sigmoid];
    let rate = black_box(Q32::HALF);
    optimize(&Momentum::new(rate, rate));
    optimize(&Nesterov::new(rate, rate));
    optimize(&Adagrad::new(rate));
    optimize(&RmsProp::new(rate));
    optimize(&Adam::new(rate));
    optimize(&AdamW::new(rate));
    optimize(&ClipByValue::new(Sgd::new(rate), rate));
    optimize(&ClipByNorm::new(Sgd::new(rate), rate));
    optimize(&WeightDecay::new(NoBias::new(Summed::new(Sgd::new(rate))), rate));
    let mut net = black_box(Small::ZERO);
    init::xavier_uniform(&mut net, &mut Pcg32::new(1, 2));
    init::he_normal(&mut net, &mut Pcg32::new(1, 2));
    let mut file = [0; 800];
    call! { safetensors::save(&net, &["0", "1"], black_box(&mut file)) }
    call! { safetensors::load(&mut net, black_box(&file), &["0", "1"]) }
    call! { argmax(&black_box([Q12::ONE; 3])), one_hot::<4, Q12>(black_box(7)) }
    let mut window = black_box(Window::<2, 4, 3, Q12>::default());
    if let Some(full) = window.push(vector()) {
        call! { full.samples().count(), full.to_array(), full.map_channels(|x| x) }
    }
    let mut error = MeanAbsoluteError::<Q12>::new();
    let mut explained = RSquared::<3, Q12>::new();
    let mut usual = ErrorStatistics::<Q32>::with_memory::<9>();
    let mut quantile = Quantile::<9, 10, Q32>::new();
    for _ in 0..black_box(99) {
        let (y, t) = (black_box([Q12::ONE; 3]), black_box([Q12::ONE; 3]));
        call! { error.observe(&y, &t), explained.observe(&y, &t) }
        call! { usual.observe(black_box(rate)), quantile.observe(black_box(rate)) }
    }
    call! { error.mean(), explained.mean(), usual.threshold(rate), quantile.value() }
    learn::<
        net![
            Fixed; 13 x 2 => Conv1d(9, 3, padding same) Relu => MaxPool(3, step 2) => MeanPool(2)
            => Conv1d(6, 2, groups 3) Tanh => Depthwise(2) Relu => Flatten => 5 Softmax
        ],
        CrossEntropy,
    >();
    learn::<
        net![
            Fixed; 6 x 7 x 2 => Conv2d(5, 3 x 2, step 1 x 2) Relu => MaxPool(1 x 3) => GlobalMean
            => 5 Sigmoid
        ],
        BinaryCrossEntropy,
    >();
    learn::<net![Fixed; 9 x 2 => Conv1d(3, 2) Relu => GlobalMax => 5 Identity], HalfSquaredError>();
    learn::<
        net![Fixed; 4 x 2 => Conv1d(3, 2, padding causal) Relu => LastStep => 5 Identity],
        HalfSquaredError,
    >();
    learn::<
        net![Fixed; 4 x 2 => Conv1d(3, 2) Relu => FlattenChannelsLast => 5 Identity],
        HalfSquaredError,
    >();

    learn::<
        net![
            Fixed; 4 x 2 => PRelu(1) => Conv1d(5, 2) Identity => PRelu => Dropout(1 / 4) => GlobalMean
        ],
        HalfSquaredError,
    >();

    let (x, d) = (black_box(Q12::ONE), black_box(1));
    call! { <Fixed>::slope(<Fixed>::ratio(count(), count()), x), <Fixed>::unchanged(d) }
    call! {
        <Fixed>::larger(x, <Fixed>::lowest()), <Fixed>::plus(x, x), <Fixed>::mean(x, count()),
        <Fixed>::share(d, count()), <Fixed>::share_scale(black_box(Exponent(3)), count()),
        <Fixed>::add_outer(d, x, d), <Fixed>::check_all(&[x]),
        <Fixed>::check(&black_box([[Q26::ZERO; 3]; 2]), &black_box([Q26::ZERO; 3]), &[x; 2], &[x; 3]),
    }
    type Half = net![Fixed<Q10>; 3 => 9 Tanh => 5 Sigmoid];
    let (mut half, sgd) = (black_box(Half::ZERO), Sgd::new(black_box(Q32::HALF)));
    let mut trainer = Trainer::<Half, HalfSquaredError>::new();
    call! { trainer.step(&mut half, &sgd, &[x; 3], &[x; 5]), half.forward(&[x; 3]), &half }

    macro_rules! numbers {
        ($($Number:ident;)+) => { $(
            let x = $Number::new(black_box(0.5));
            call! { $Number::checked_new(black_box(0.5)), $Number::array(black_box([0.5; 3])) }
            call! { $Number::from_bits(black_box(i32::MIN)).to_bits(), x.to_f32() }
        )+ };
    }
    numbers! { Q12; Q26; }
    call! {
        Q10::new(black_box(0.5)), Q10::checked_new(black_box(0.5)), Q10::array(black_box([0.5; 3])),
        Q10::from_bits(black_box(i16::MIN)).to_bits(), Q10::new(black_box(0.5)).to_f32(),
    }
    let (a, b) = (Q32::from_bits(black_box(3)), black_box(Q32::HALF));
    let mut sum = Add::add(a, Sub::sub(a, Mul::mul(b, Div::div(a, Neg::neg(b)))));
    sum.add_assign(a);
    sum.sub_assign(b);
    sum.mul_assign(a);
    sum.div_assign(b);
    call! { sum, sum.partial_cmp(&a).is_none() }
    call! { a.abs(), a < b, a.is_finite(), a.to_f32(), Q32::from_u32(count()) }
    call! { schedule::cosine(a, b, 5, count()), schedule::exponential(a, b, count()), [a, b].into_iter().sum::<Q32>() }
}

/// The kernels, for single and several samples, as a custom layer calls them.
#[inline(never)]
fn kernels<T: Scalar>() {
    let (mut weights, mut bias) = (vector::<[[T; 5]; 3]>(), vector::<[T; 5]>());
    let (x, mut y) = (vector::<[T; 3]>(), vector::<[[T; 5]; 2]>());
    let (d, mut dx) = (vector::<[T; 5]>(), vector::<[[T; 3]; 2]>());
    kernel::affine::<T, 3, 5, 2>(&weights, &bias, [&x; 2], y.each_mut());
    kernel::input_gradient::<T, 3, 5, 2>(&weights, [&d; 2], dx.each_mut());
    kernel::update::<T, 3, 5>(&mut weights, &mut bias, &x, &d, number());
    let mut add = for_each(|[], [s], g: T| ([], [s + g]));
    GradientVisitor::<T, 0, 1>::affine(&mut add, [], [(&mut weights, &mut bias)], &x, &d, ());
    GradientVisitor::<T, 0, 1>::affine_sum(
        &mut add,
        [],
        [(&mut weights, &mut bias)],
        [(&x, &d); 2].into_iter(),
        (),
    );
    GradientVisitor::<T, 0, 1>::few(&mut add, Kind::Bias, [], [&mut bias], d, ());
    T::accumulate_sum(&mut weights, &mut bias, [(&x, &d); 2].into_iter(), ());
    call! { y, dx, weights, bias, <[[T; 3]; 2]>::flatten(&mut [dx; 2]).len() }
}

#[inline(never)]
fn elementwise_functions<T: Scalar>() {
    fn both<A: Elementwise, T: Scalar>() {
        call! { A::apply(number::<T>()), A::derivative(number::<T>()) }
        call! { A::times_derivative(number::<T>(), number::<T>()) }
        let mut layer = vector::<[T; 3]>();
        A::apply_all(&mut layer);
        call! { layer }
    }
    both::<Identity, T>();
    both::<Sigmoid, T>();
    both::<Tanh, T>();
    both::<Relu, T>();
    both::<LeakyRelu, T>();
    both::<Relu6, T>();
    both::<Elu, T>();
    both::<Selu, T>();
    both::<Softplus, T>();
    both::<HardSigmoid, T>();
    both::<HardTanh, T>();
    both::<Softsign, T>();
    both::<fast::Sigmoid, T>();
    both::<fast::Tanh, T>();
    both::<rational::Sigmoid, T>();
    both::<rational::Tanh, T>();
}

#[inline(never)]
fn activations<T: Scalar>() {
    #[inline(never)]
    fn direct<A: Activation<T>, T: Scalar>() {
        let (mut values, mut deltas) = (vector::<[T; 3]>(), vector::<[T; 3]>());
        A::activate(&mut values);
        let mut kept = <A::Kept<[T; 3]> as Zero>::ZERO;
        kept.keep(&values);
        A::backpropagate(&values, kept.logits(), &mut deltas, &mut ());
        let mut several = vector::<[[T; 3]; 2]>();
        A::activate_each(several.each_mut());
        call! { values, deltas, several }
    }
    #[inline(never)]
    fn hidden<A: Hidden + Activation<T>, T: Scalar>() {
        direct::<A, T>();
        type Net<A, T> = Chain<Dense<2, 5, A, T>, Dense<5, 1, A, T>>;
        train::<Net<A, T>, HalfSquaredError, Sgd<T>>(&Sgd { learning_rate: number() });
    }
    hidden::<Identity, T>();
    hidden::<Sigmoid, T>();
    hidden::<Tanh, T>();
    hidden::<Relu, T>();
    hidden::<LeakyRelu, T>();
    hidden::<Relu6, T>();
    hidden::<Elu, T>();
    hidden::<Selu, T>();
    hidden::<Softplus, T>();
    hidden::<HardSigmoid, T>();
    hidden::<HardTanh, T>();
    hidden::<Softsign, T>();
    hidden::<Gelu, T>();
    hidden::<Silu, T>();
    hidden::<HardSwish, T>();
    hidden::<fast::Sigmoid, T>();
    hidden::<fast::Tanh, T>();
    hidden::<rational::Sigmoid, T>();
    hidden::<rational::Tanh, T>();
    direct::<Softmax, T>();
    direct::<fast::Softmax, T>();
    train::<Dense<2, 3, Softmax, T>, HalfSquaredError, Sgd<T>>(&Sgd { learning_rate: number() });
}

#[inline(never)]
fn losses<T: Scalar>() {
    #[inline(never)]
    fn loss<A: Activation<T>, L: Loss<A, T>, T: Scalar>() {
        let (mut values, target) = (vector::<[T; 3]>(), vector::<[T; 3]>());
        call! { L::accepts(&target), L::evaluate(&mut values, &target) }
        let mut deltas = vector::<[T; 3]>();
        L::delta(&values, &target, &mut deltas, &mut ());
        let mut several = vector::<[[T; 3]; 2]>();
        call! { L::evaluate_each(several.each_mut(), [&target; 2]), values, deltas, several }
        type Net<A, T> = Chain<Dense<2, 4, Tanh, T>, Dense<4, 3, A, T>>;
        train::<Net<A, T>, L, Sgd<T>>(&Sgd { learning_rate: number() });
    }
    loss::<Sigmoid, HalfSquaredError, T>();
    loss::<Sigmoid, MeanSquaredError, T>();
    loss::<Identity, AbsoluteError, T>();
    loss::<Identity, Huber, T>();
    loss::<Identity, LogCosh, T>();
    loss::<Identity, Pinball<9, 10>, T>();
    loss::<Sigmoid, BinaryCrossEntropy, T>();
    loss::<Softmax, CrossEntropy, T>();
    loss::<Sigmoid, Focal, T>();
    loss::<Softmax, Focal<1, 2>, T>();
    loss::<fast::Sigmoid, BinaryCrossEntropy, T>();
    loss::<fast::Softmax, CrossEntropy, T>();
    loss::<fast::Sigmoid, Focal<1, 2>, T>();
    loss::<fast::Softmax, Focal, T>();
}

/// A custom optimizer.
#[derive(Clone)]
struct Own<T>(T);

impl<T: Scalar, N: Layer<Format = T>> Optimizer<N> for Own<T> {
    type State = N::Gradient;

    fn update(
        &self,
        net: &mut N,
        state: &mut N::Gradient,
        gradients: &impl Gradients<N>,
        scale: T,
    ) {
        let Self(rate) = *self;
        let visitor = &mut for_each(|[p], [s], g| ([p - rate * scale * g + s], [g]));
        gradients.visit([net], [state], visitor);
    }
}

#[inline(never)]
fn optimizers<T: Scalar>() {
    #[inline(never)]
    fn optimizer<O, T>(optimizer: &O)
    where
        T: Scalar,
        O: Optimizer<Chain<Dense<3, 4, Tanh, T>, Dense<4, 2, Sigmoid, T>>> + Clone,
    {
        train::<Chain<Dense<3, 4, Tanh, T>, Dense<4, 2, Sigmoid, T>>, BinaryCrossEntropy, O>(
            optimizer,
        );
    }
    let (learning_rate, momentum, limit) = (number(), number(), number());
    let sgd = Sgd { learning_rate };
    optimizer::<_, T>(&sgd);
    optimizer::<_, T>(&Momentum { learning_rate, momentum });
    optimizer::<_, T>(&Nesterov { learning_rate, momentum });
    optimizer::<_, T>(&Adagrad::new(learning_rate));
    optimizer::<_, T>(&RmsProp::new(learning_rate));
    optimizer::<_, T>(&Adam::new(learning_rate));
    optimizer::<_, T>(&AdamW { adam: Adam::new(learning_rate), weight_decay: number() });
    optimizer::<_, T>(&ClipByValue { optimizer: sgd, limit });
    optimizer::<_, T>(&ClipByNorm { optimizer: sgd, limit });
    optimizer::<_, T>(&WeightDecay::new(sgd, number()));
    optimizer::<_, T>(&NoBias { optimizer: sgd });
    optimizer::<_, T>(&Summed::new(sgd));
    optimizer::<_, T>(&WeightDecay::new(
        ClipByNorm { optimizer: Adam::new(learning_rate), limit },
        number(),
    ));
    optimizer::<_, T>(&Own(learning_rate));
    fit::<Dense<3, 4, Softmax, T>, CrossEntropy, _>(&mut vector(), &Adam::new(learning_rate));
    if fits::<T>() {
        together::<Mlp<3, 4, 5, Relu, Softmax, T>, CrossEntropy>();
    }
}

/// The loops over four rows and over eight lanes, with and without a remainder, in networks that
/// fit into 16 KB of RAM.
#[inline(never)]
fn shapes<T: Scalar>() {
    type Odd<T> = net![T; 5 => 7 Relu => 3 Softmax];
    train::<Odd<T>, CrossEntropy, Adam<T>>(&Adam::new(number()));
    let momentum = Momentum { learning_rate: number(), momentum: number() };
    type Rest<T> = net![T; 2 => 2 Tanh => 33 Sigmoid];
    train::<Rest<T>, MeanSquaredError, Momentum<T>>(&momentum);
    type NoRest<T> = net![T; 2 => 2 Relu => 32 Identity];
    train::<NoRest<T>, MeanSquaredError, Momentum<T>>(&momentum);
}

#[inline(never)]
fn frozen_layers<T: Scalar>() {
    type Features<T> = Dense<2, 3, Tanh, T>;
    type First<'a, T> = Chain<Frozen<&'a Features<T>>, Dense<3, 1, Sigmoid, T>>;
    type Last<T> = Chain<Dense<4, 2, Tanh, T>, Frozen<Chain<Features<T>, Dense<3, 1, Sigmoid, T>>>>;
    let features = vector::<Features<T>>();
    let mut net = First::new(Frozen::new(&features), vector());
    call! { net.first().layer() }
    let sgd = Sgd { learning_rate: number() };
    fit::<_, BinaryCrossEntropy, _>(&mut net, &sgd);
    call! { net.into_parts().0.into_inner() }
    train::<Last<T>, BinaryCrossEntropy, _>(&sgd);
}

/// A step of each trainer, for a network that starts as zeros.
#[inline(never)]
fn train<N, L, O>(optimizer: &O)
where
    N: Layer<Format: Scalar> + Zero,
    L: Loss<N::Activation, N::Format>,
    O: Optimizer<N>,
{
    let (net, x, t) = (&mut vector::<N>(), vector::<N::Input>(), vector::<N::Output>());
    call! { net.forward(&x) }
    call! { optimizer.check(), Trainer::<N, L, O>::new().step(net, optimizer, &x, &t), &net }
    let mut batch = BatchTrainer::<N, L, O>::new();
    call! { batch.accumulate(net, &x, &t), batch.apply(net, optimizer), &net }
}

/// Several samples at once, which needs all loops over a tile.
#[inline(never)]
fn together<N, L>()
where
    N: Layer<Format: Scalar> + Zero,
    L: Loss<N::Activation, N::Format>,
{
    let (x, t) = (vector::<N::Input>(), vector::<N::Output>());
    let mut tiles = BatchTrainer::<N, L, Sgd<Real<N>>, 2>::new();
    let net = vector::<N>();
    call! { tiles.accumulate_all(&net, black_box([(&x, &t); 3])), tiles.gradient() }
    call! { net.forward_all([&x; 2]) }
}

/// All methods of trainers.
#[inline(never)]
fn fit<N, L, O>(net: &mut N, optimizer: &O)
where
    N: Layer<Format: Scalar>,
    L: Loss<N::Activation, N::Format>,
    O: Optimizer<N> + Clone,
{
    let (x, t) = (vector::<N::Input>(), vector::<N::Output>());
    let example = (&x, &t);
    let examples = [example, black_box(example)];
    call! { fingerprint("own", &[count(), N::FINGERPRINT, O::FINGERPRINT.unwrap_or(0)]) }
    let stop = Stop::after(count()).or_at_loss(number());
    let mut judge = Trainer::<N, L, O>::new();
    let mut early = EarlyStopping::<N>::default();
    let pairs = [(x.clone(), t.clone())];
    call! { net.forward(&x) }

    let mut single = Trainer::<N, L, O>::default();
    call! { single.step(net, optimizer, &x, &t), single.evaluate(net, &x, &t) }
    call! { single.mean_loss(net, examples) }
    let weighted = [(&x, &t, number::<Real<N>>()), (&x, &t, number())];
    call! { single.step_weighted(net, optimizer, &x, &t, number()) }
    call! { single.fit(net, optimizer, weighted, stop) }
    call! { single.output(), single.fit(net, optimizer, &pairs, stop) }
    call! { single.fit(net, optimizer, pairs, stop) }
    call! {
        single.fit_with(net, |_| optimizer.clone(), |epoch| epoch.learn(examples), stop, |epoch| {
            let loss = judge.evaluate(epoch.net, &x, &t);
            early.observe(epoch.net, loss, count())
        }),
        early.best_loss(),
        early.restore(net),
    }

    let mut batch = BatchTrainer::<N, L, O>::default();
    call! { batch.accumulate(net, &x, &t), batch.apply(net, optimizer), batch.count() }
    call! { batch.evaluate(net, &x, &t), batch.output(), batch.gradient() }
    call! { batch.accumulate_all(net, examples) }
    call! { batch.accumulate_weighted(net, &x, &t, number()) }
    call! { batch.fit(net, optimizer, count(), weighted, stop) }
    call! { batch.mean_loss(net, examples) }
    batch.clear();
    call! { batch.fit(net, optimizer, count(), examples, stop) }
    let (kept, mut state) = (vector::<O::State>(), vector::<O::State>());
    Tensors::walk([&kept], [&mut state], &mut |_, [kept], [state]: [&mut [Weight<N>]; 1]| {
        for (state, &kept) in state.iter_mut().zip(kept) {
            *state = black_box(kept);
        }
    });
    call! { state }
    call! {
        batch.fit_with(net, |_| optimizer.clone(), count(), |epoch| epoch.learn(examples), stop, |epoch| {
            if black_box(epoch.loss) > Real::<N>::ONE {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })
    }
}

/// What a network reports about its tensors.
#[inline(never)]
fn tensor_lists<T: Scalar>() {
    const OTHER: Tensor =
        Tensor { kind: Kind::Other, name: "a", shape: &[2, 3, 4], order: &[1, 0, 2] };
    static SOME: TensorList = TensorList::of(&[OTHER, OTHER]);
    let net = &black_box(Mlp::<3, 4, 2, Tanh, Softmax, T>::TENSORS);
    let both = black_box(TensorList::pair(black_box(&SOME), black_box(&SOME)));
    call! { net.eq(&both), net.len(), both.len(), both.layers(), both.parameters() }
    call! { both.trainable() }
    for tensor in net.iter().chain(both.get(black_box(1))) {
        call! { tensor.len(), tensor.fans(), tensor.places().map(black_box).count() }
        call! { tensor.places().split_first() }
    }
}

/// The functions that training calls internally, and the accessors of a network.
#[inline(never)]
fn layers<T: Scalar>() {
    type Net<T> = Chain<Dense<3, 4, Tanh, T>, Dense<4, 2, Sigmoid, T>>;
    let mut net = Net::<T>::new(Dense::from_rows(vector(), vector()), vector());
    let (x, mut y) = (vector::<[T; 3]>(), vector::<[T; 2]>());
    net.logits(&x, &mut y);
    let mut trace = <Net<T> as Layer>::Trace::ZERO;
    call! { net.forward_trace([&x], [&mut trace]), trace.last().output().as_slice(), y }
    trace.last_mut().output_mut().as_mut_slice().fill(number());
    let (output, delta) = trace.last_mut().parts();
    delta.values = black_box(*output);
    net.backward::<true, 1>([&x], [&mut trace]);
    call! { &trace.last().delta().values }
    let samples = Samples { inputs: [&x], traces: [&trace] };
    let mut by_input = vector::<Delta<T, [T; 3]>>();
    net.input_gradient(samples, [&mut by_input]);
    let mut sum = <Net<T> as Layer>::Gradient::ZERO;
    let mut add = for_each(|[], [s], g| ([], [s + g]));
    Net::<T>::gradient([], [&mut sum], samples, &mut add);
    call! { samples.iter().count(), by_input.values, sum.first().weights(), sum.rest().bias() }
    let other = sum.clone();
    Net::<T>::walk([], [&mut net], [&other], [&mut sum], &mut |kind, [], [p], [g], [s]| {
        call! { kind, p, g, s }
    });
    net.visit(|tensor, p| {
        call! { tensor.fans(), p }
    });
    net.visit_mut(|tensor, p| {
        call! { tensor.places().next().and_then(|place| p.get(place)) }
    });
    call! { &sum, is_finite(&net) }

    let dense = net.first_mut();
    *dense.bias_mut() = vector();
    *dense.weights_mut() = vector();
    call! { dense.rows(), dense.bias(), dense.weights(), net.rest_mut(), net.first(), net.rest() }
    let copy = black_box(net.clone());
    call! { copy == net }
}

/// Residual connections, heads, normalisation and dropout.
#[inline(never)]
fn blocks<T: Scalar>() {
    type Two<T> = Parallel<Dense<3, 1, Sigmoid, T>, Dense<3, 1, Sigmoid, T>, 2>;
    type Norms<T> = Chain<BatchNorm<3, Relu, [T; 3]>, LayerNorm<3, Identity, [T; 3]>>;
    type Learned<T> = Chain<Norms<T>, PRelu<3, [T; 3]>>;
    type Middle<T> = Chain<Learned<T>, Chain<Dropout<[T; 3]>, Two<T>>>;
    type Heads<T> = Chain<Residual<Dense<3, 3, Tanh, T>>, Middle<T>>;
    let sgd = Sgd { learning_rate: number() };
    train::<Heads<T>, HalfSquaredError, _>(&sgd);
    let (mut net, x) = (vector::<Heads<T>>(), vector::<[T; 3]>());
    net.seed_dropout(&mut || black_box(1));
    let mut rng = Pcg32::new(black_box(1), black_box(2));
    call! { init::with_dropout(&mut net, &mut rng, |net| net.forward(&x)) }

    let mut layer = PRelu::<3, [T; 3]>::new(vector());
    *layer.slopes_mut() = vector();
    let mut trainer = BatchTrainer::<PRelu<3, [T; 3]>, HalfSquaredError, Sgd<T>>::new();
    call! { trainer.accumulate(&layer, &x, &x), trainer.gradient().slopes(), layer.slopes() }
    call! { Streaming::new(&layer).step(&x), Streaming::new(PRelu::<1, [[T; 3]; 2]>::ZERO).step(&x) }

    type Projected<T> = Residual<Dense<3, 2, Tanh, T>, Dense<3, 2, Identity, T>, Silu>;
    let mut net = Projected::<T>::with_projection(vector(), vector());
    *net.projection_mut() = vector();
    *net.layer_mut() = vector();
    call! { net.projection().bias(), net.layer().bias(), net.forward(&x), net.into_parts() }

    let mut net = vector::<Two<T>>();
    *net.second_mut() = vector();
    *net.first_mut() = vector();
    call! { net.first().bias(), net.second().bias(), net.into_parts() }

    type Norm<T> = BatchNorm<3, Identity, [T; 3]>;
    let norm = Norm::<T>::new(vector(), vector(), vector(), vector());
    call! { norm.weight(), norm.bias(), norm.mean(), norm.variance() }
    let linear = vector::<Dense<3, 3, Identity, T>>();
    call! { norm.fold_into_previous(&linear).is_ok() }
    call! { FoldNorm::<3, Relu>::fold_norm(&linear, &x, &x, &x) }
    let mut next = vector::<Dense<3, 1, Sigmoid, T>>();
    call! { norm.fold_into_next(&mut next).is_ok(), next }
    let mut sequence = vector::<[[T; 3]; 2]>();
    Channels::<3>::positions_mut(&mut sequence).fill(vector());
    call! { Channels::<3>::positions(&sequence) }
}

/// Convolutions, pooling, and the way to a vector.
#[inline(never)]
fn windows<T: Scalar>() {
    type Filters<T> = Conv1d<9, 2, 5, 3, 9, Relu, T, 1, 1>;
    type Sequence<T> = net![
        T; 9 x 2 => Conv1d(5, 3, padding same) Relu => MaxPool(3)
        => Conv1d(4, 2, padding causal, dilation 2) Tanh => Conv1d(4, 2, groups 2) Relu
        => GlobalMax => 2 Sigmoid
    ];
    type Image<T> = net![
        T; 4 x 6 x 2 => Conv2d(4, 3 x 3, padding same) Relu => MeanPool(2 x 2)
        => Depthwise(1 x 2) Relu => MaxPool(1 x 2) => FlattenChannelsLast => 2 Sigmoid
    ];
    let sgd = Sgd { learning_rate: number() };
    train::<Sequence<T>, BinaryCrossEntropy, _>(&sgd);
    train::<Image<T>, BinaryCrossEntropy, _>(&sgd);
    if fits::<T>() {
        together::<Sequence<T>, BinaryCrossEntropy>();
    }
    type Ends<T> = net![T; 4 x 2 => MeanPool(2) => Flatten => 2 Sigmoid];
    call! { vector::<Ends<T>>().forward(&vector()) }
    call! { GlobalMean::<[[T; 2]; 3]>::new().forward(&vector()) }
    let mut layer = Filters::<T>::from_filters(vector(), vector());
    *layer.bias_mut() = vector();
    *layer.weights_mut() = vector();
    call! { layer.filters(), layer.bias(), layer.weights() }

    type FusedNet<T> = net![
        T; 9 x 2 => Conv1d(5, 3, padding same) Tanh => Conv1d(5, 3, padding same) Relu | MaxPool(3)
        => Conv1d(4, 2) Relu | GlobalMean => 2 Sigmoid
    ];
    train::<FusedNet<T>, BinaryCrossEntropy, _>(&sgd);
    let mut fused = Fused::<Filters<T>, MaxPool1d<9, 5, 3, 3, T>>::new(layer);
    *fused.convolution_mut().bias_mut() = vector();
    call! { fused.forward(&vector()), fused.convolution().bias() }

    type Small<T> = net![
        T; 11 x 2 => Conv1d(3, 3) Tanh
        => Compact(Conv1d(4, 3, step 2) Relu | MaxPool(2) => Conv1d(3, 2) Relu | GlobalMean)
        => 2 Sigmoid
    ];
    train::<Small<T>, BinaryCrossEntropy, _>(&sgd);
    if fits::<T>() {
        together::<Small<T>, BinaryCrossEntropy>();
    }
    let mut small = vector::<Small<T>>().into_parts().1.into_parts().0;
    *small.layers_mut() = vector();
    call! { small.forward(&vector()), small.layers().first().convolution().bias() }
    call! { Compact::<_, 0>::new(small.into_inner()) }
}

/// Recurrent layers.
#[inline(never)]
fn recurrent_layers<T: Scalar>() {
    type Sequence<T> = net![
        T; 5 x 2 => Rnn(3, all, masked) => Gru(2, all, bidirectional) => Lstm(3, all) => Gru(2) => 2 Sigmoid
    ];
    let sgd = Sgd { learning_rate: number() };
    train::<Sequence<T>, BinaryCrossEntropy, _>(&sgd);
    if fits::<T>() {
        together::<Sequence<T>, BinaryCrossEntropy>();
    }
    let mut layer = Lstm::<5, 2, 3, 12, T>::new(vector(), vector(), vector(), vector());
    *layer.input_weights_mut() = vector();
    *layer.state_weights_mut() = vector();
    *layer.input_bias_mut() = vector();
    *layer.state_bias_mut() = vector();
    call! { layer.input_weights(), layer.state_weights(), layer.input_bias(), layer.state_bias() }
    let mut stream = Streaming::new(&layer);
    let mut layer = Embedding::<5, 7, 2, T>::new(vector());
    *layer.rows_mut() = vector();
    call! { layer.rows(), Streaming::new(&layer).step(&[number()]) }
    type Symbols<T> = net![T; 5 => Embedding(7, 2) => Gru(2) => 2 Sigmoid];
    train::<Symbols<T>, BinaryCrossEntropy, _>(&sgd);
    call! { stream.step(&vector()), pad_front::<T, 2, 4>(black_box(&[vector(), vector()])) }

    type Begins<T> =
        net![T; 4 x 2 => Gru(3, all, learned state) => Lstm(3, stateful 2) => 2 Sigmoid];
    let mut net = vector::<Begins<T>>();
    let mut trainer = Trainer::<_, BinaryCrossEntropy, _>::new();
    call! { trainer.step(&mut net, &sgd, &vector(), &vector()) }
    call! { trainer.carry(&mut net), net.forward(&vector()) }
    let (first, rest) = net.into_parts();
    let first = first.with_initial_state(vector());
    let mut second = rest.into_parts().0;
    *second.initial_state_mut() = black_box(*second.initial_state());
    let mut streams = (Streaming::new(first), Streaming::new(second));
    call! { streams.0.step(&vector()), streams.1.step(&vector()) }
}

/// Layers of which only the biases are trained, or that are computed again.
#[inline(never)]
fn layers_in_little_memory<T: Scalar>() {
    type Body<T> = net![
        T; 6 x 2 => Conv1d(3, 3, padding same) Relu => MaxPool(2) => Flatten => 3 Tanh
    ];
    type Biases<'a, T> = Chain<BiasOnly<&'a Body<T>>, Dense<3, 1, Sigmoid, T>>;
    type Again<T> = Chain<Recompute<Body<T>>, Dense<3, 1, Sigmoid, T>>;
    let body = black_box(vector::<Body<T>>());
    let (x, sgd) = (vector::<[[T; 2]; 6]>(), Sgd { learning_rate: number() });
    let mut net = Biases::new(BiasOnly::new(&body), vector());
    let mut trainer = Trainer::<_, BinaryCrossEntropy, _>::new();
    call! { trainer.step(&mut net, &sgd, &x, &vector()), net.forward(&x) }
    let first = net.first_mut();
    *first.biases_mut() = black_box(body.biases());
    call! { first.biases().first(), first.layer().forward(&x) }
    call! { BiasOnly::with_biases(&body, body.biases()).forward(&x) }
    call! { BiasOnly::new(vector::<Body<T>>()).into_inner() }

    train::<Again<T>, BinaryCrossEntropy, _>(&sgd);
    let mut net = Recompute::new(vector::<Dense<3, 1, Sigmoid, T>>());
    *net.layer_mut() = vector();
    let (x, mut sum) = (vector::<[T; 3]>(), vector::<Dense<3, 1, Sigmoid, T>>());
    let mut trace = <Recompute<Dense<3, 1, Sigmoid, T>> as Layer>::Trace::ZERO;
    net.forward_trace([&x], [&mut trace]);
    let samples = Samples { inputs: [&x], traces: [&trace] };
    net.gradient_at([&mut sum], samples, &mut for_each(|[], [s], g| ([], [s + g])));
    call! { sum, net.layer(), net.into_inner() }
}

/// Streaming inference.
#[inline(never)]
fn step_by_step<T: Scalar>() {
    type Net<T> = net![
        T; 8 x 2 => Conv1d(3, 3, padding causal, dilation 2) Relu
        => Conv1d(4, 2, padding causal, groups 1) Tanh => Depthwise(2, padding causal) Relu
        => LastStep => 2 Sigmoid
    ];
    train::<Net<T>, BinaryCrossEntropy, _>(&Sgd { learning_rate: number() });
    let mut stream = Streaming::new(vector::<Net<T>>());
    let state = black_box(stream.state().clone());
    call! { stream.step(&vector()), stream.state().first().len(), stream.net() }
    *stream.state_mut() = state;
    call! { stream.step(&vector()) }
    stream.reset();
    call! { stream.into_net() }
}

#[inline(never)]
fn schedules<T: Scalar>() {
    let (rate, other) = (number::<T>, number::<T>);
    call! {
        schedule::step_decay(rate(), other(), count(), count()),
        schedule::exponential(rate(), other(), count()),
        schedule::inverse_time(rate(), other(), count()),
        schedule::cosine(rate(), other(), count(), count()),
        schedule::warm_up(rate(), count(), count()),
    }
}

#[inline(never)]
fn initialisers<T: Scalar>() {
    type Net<T> = net![T; 3 => 4 Tanh => 2 Softmax];
    let net = &mut vector::<Net<T>>();
    let rng = &mut Pcg32::new(black_box(1), black_box(2));
    init::xavier_uniform(net, rng);
    init::xavier_normal(net, rng);
    init::he_uniform(net, rng);
    init::he_normal(net, rng);
    init::lecun_uniform(net, rng);
    init::lecun_normal(net, rng);
    init::uniform(net, number(), rng);
    init::normal(net, number(), rng);
    init::zeros(net);
    call! { &net }
    let mut order = black_box([0_u16, 1, 2, 3, 4]);
    let length = black_box(4);
    init::shuffle(order.get_mut(..length).unwrap_or_default(), rng);
    call! { order }
}

#[inline(never)]
fn metrics<T: Scalar>() {
    let (y, t) = (vector::<[T; 3]>(), vector::<[T; 3]>());
    let (one, yes) = (vector::<[T; 1]>(), vector::<[T; 1]>());
    call! { argmax(&y), argmax::<T>(black_box(&[])) }

    let mut accuracy = Accuracy::new();
    accuracy.observe(&y, &t);
    accuracy.observe(&one, &yes);
    accuracy.observe_each(&y, &t);
    accuracy.record(black_box(true));
    call! { accuracy.correct(), accuracy.count(), accuracy.ratio() }

    let mut matrix = ConfusionMatrix::<3>::default();
    let class = black_box(7_usize);
    call! { matrix.observe(&y, &t), matrix.record(class, class), matrix.count(), matrix.counts() }
    call! { matrix.accuracy(), matrix.precision(), matrix.recall() }
    call! { matrix.correct() }
    let mut binary = ConfusionMatrix::<2>::new();
    call! { binary.observe_binary(&one, &yes), binary }

    let mut error = MeanAbsoluteError::<T>::new();
    error.observe(&y, &t);
    call! { error.mean() }

    let mut explained = RSquared::<3, T>::default();
    explained.observe(&y, &t);
    call! { explained.each(), explained.mean() }

    let mut meter = LossMeter::<T>::new();
    meter.observe(number());
    call! { meter.mean(), meter.last(), meter.min(), meter.count() }

    let mut usual = ErrorStatistics::<T>::default();
    call! { usual.observe(number()), usual.count(), usual.mean(), usual.standard_deviation() }
    call! { usual.threshold(number()) }
    let mut lately = black_box(ErrorStatistics::<T>::with_memory::<9>());
    call! { lately.observe(number()), lately.threshold(number()) }
    let mut quantile = black_box(Quantile::<9, 10, T>::default());
    let mut lately = black_box(Quantile::<9, 10, T, 8>::with_memory::<20>());
    for _ in 0..black_box(99) {
        call! { quantile.observe(number()), lately.observe(number()) }
    }
    call! { quantile.count(), quantile.value(), lately.value() }
}

#[inline(never)]
fn streams<T: Scalar>() {
    let mut window = black_box(Window::<2, 4, 3, T>::default());
    for _ in 0..black_box(9) {
        if let Some(full) = window.push(vector()) {
            call! { full.samples().count(), full.to_array(), full.features().to_array::<10>() }
            call! { full.map_channels(|x| x) }
        }
    }
    window.clear();
    call! { window }

    let mut rng = Pcg32::new(black_box(1), 1);
    let mut buffer = black_box(ReplayBuffer::<[T; 2], [T; 1], 4>::default());
    for _ in 0..black_box(9) {
        call! { buffer.push(vector()), buffer.push_reservoir(vector(), &mut rng) }
    }
    call! { buffer.draw(count(), &mut rng).count(), buffer.as_slice(), buffer.len() }
    call! { buffer.is_empty(), buffer.seen() }
    buffer.clear();
    call! { buffer }

    let mut history = black_box(LossHistory::<4, T>::default());
    for _ in 0..black_box(99) {
        call! { history.observe(number()) }
    }
    call! { history.means(), history.stride() }
}

/// Spectra, which are all in `f32`. At the level `z` the compiler leaves checks in `microfft` that cannot
/// fail, and `build.rs` says so.
#[cfg(not(target_arch = "avr"))]
#[inline(never)]
fn spectra() {
    if cfg!(checks_stay) {
        return;
    }
    let spectrum = black_box(Spectrum::new(vector::<[f32; 64]>()).with_hann());
    call! { spectrum.bins().count(), spectrum.magnitude(), Spectrum::new(vector::<[f32; 512]>()) }
    if let Ok(mel) = black_box(MelBands::<64, 4>::new(number(), number()..number())) {
        call! { spectrum::log(&mel.apply(&spectrum.power()), number()) }
    }
}

#[inline(never)]
fn preprocessing<T: Scalar>() {
    type Layers<T> = (Dense<2, 3, Tanh, T>, Dense<3, 2, Identity, T>);
    let (input, output) = &mut vector::<Layers<T>>();
    let x = vector::<[T; 2]>();
    call! { one_hot::<4, T>(black_box(7)) }

    let scaling = Scaling::new(vector::<[T; 2]>(), vector());
    call! { scaling.transform(&x), scaling.inverse(&x), scaling.offset(), scaling.scale() }
    let scaling = scaling.with_floor(&vector());
    scaling.fold_into(input);
    scaling.fold_into_output(output);
    type Net<T> = net![T; 2 => Scaling => 3 Tanh => 1 Sigmoid];
    let mut net = vector::<Net<T>>();
    *net.first_mut() = scaling;
    fit::<_, BinaryCrossEntropy, _>(
        &mut net,
        &Momentum { learning_rate: number(), momentum: number() },
    );
    let mut delta = vector::<Delta<T, [T; 2]>>();
    let samples = Samples { inputs: [&x], traces: [&Zero::ZERO] };
    net.first().input_gradient(samples, [&mut delta]);
    call! { delta.values, is_finite(&net), net.into_parts(), Scaling::<2, T>::default() }

    let mut standard = Standardize::<2, T>::default();
    call! { standard.observe(&x), standard.count(), standard.mean(), standard.variance() }
    call! { standard.scaling(), standard.transform(&x), standard.inverse(&x) }
    let mut lately = black_box(Standardize::<2, T>::with_memory::<9>());
    call! { lately.observe(&x), lately.scaling() }
    standard.fold_into(input);
    standard.fold_into_output(output);

    let mut range = MinMax::<2, T>::default();
    call! { range.observe(&x), range.count(), range.min(), range.max() }
    call! { range.scaling(), range.transform(&x), range.inverse(&x) }
    range.fold_into(input);
    range.fold_into_output(output);
    call! { &input, &output }
}

#[cfg(not(target_arch = "avr"))]
#[inline(never)]
fn linear<T: Scalar>() {
    let (x, t) = (vector::<[T; 3]>(), vector::<[T; 2]>());
    let mut fit = LeastSquares::<3, 2, T>::default();
    call! { fit.observe(&x, &t), fit.count(), fit.mean_squared_error(), fit.solve() }
    let mut layer = vector::<Dense<3, 2, Identity, T>>();
    if let Ok(mut recursive) = black_box(RecursiveLeastSquares::new(number(), number())) {
        call! { recursive.step(&mut layer, &x, &t), &layer }
    }
    let (weights, bias) = layer.to_matrix();
    call! { Dense::<3, 2, Tanh, T>::from_matrix(weights, bias) }
}

#[inline(never)]
fn files<T: Scalar>() {
    const WEIGHT: Tensor =
        Tensor { kind: Kind::Weight, name: "weight", shape: &[3, 2], order: &[] };
    let mut net = vector::<Mlp<2, 4, 2, Tanh, Softmax, T>>();
    let (file, names) = (black_box(&[0_u8; 64]), black_box(["0", "2"]));
    call! { safetensors::load(&mut net, file, &names), &net }
    call! { safetensors::from_bytes::<Mlp<2, 4, 2, Tanh, Softmax, T>>(file, &names) }
    if let Ok(file) = black_box(Safetensors::new(file)) {
        call! { file.load_into(&mut net, &names), &net }
        if let Err(LoadError::Unexpected { found }) = file.expect_only::<Mlp<2, 4, 2>>(&names) {
            call! { found.as_str(), found.more() }
        }
        call! { file.tensors().any(|tensor| tensor.name == "0.weight") }
        call! { Dense::<2, 4, Tanh, f32>::from_safetensors(&file, black_box("0")) }
        call! { Scaling::<2, f32>::from_safetensors(&file, black_box("0")) }
        call! { file.tensor_f32::<3, 2>("0", black_box(WEIGHT)) }
        call! { file.array_f32::<3, 2, 1, 1>("0", black_box(WEIGHT)) }
        call! { file.tensor_q26::<3, 2>("0", black_box(WEIGHT)) }
        call! { file.array_q26::<3, 2, 1, 1>("0", black_box(WEIGHT)) }
        call! { Dense::<2, 4, Tanh, Fixed>::from_safetensors(&file, black_box("0")) }
    }
    call! { LoadError::File(black_box(Fault::Json)).text().as_str(), black_box(Dtype::F32).name() }

    let mut buffer = black_box([0_u8; 512]);
    let length = file_size::<Mlp<2, 4, 2, Tanh, Softmax, T>>(&names);
    let length = black_box(length.unwrap_or_default().min(black_box(512)));
    call! { safetensors::save(&net, &names, buffer.get_mut(..length).unwrap_or_default()) }
    call! { safetensors::write(&net, &names, &mut Port) }
}

/// Inference in int8.
#[cfg(not(target_arch = "avr"))]
#[inline(never)]
fn int8_layers() {
    fn run<L: Int8Layer>(layer: &L) {
        let (x, mut y) = (vector::<L::Input>(), vector::<L::Output>());
        black_box(layer).run(black_box(&x), &mut y);
        call! { y.as_slice() }
    }
    const Q: Quantization = match Quantization::new(0.5, 1) {
        Some(q) => q,
        None => panic!(),
    };
    /// In a constant, as its scales are computed in `f64`.
    macro_rules! layer {
        ($Layer:ty, $from:ident, $weights:expr, $out:literal, $after:expr) => {
            run(const {
                &match Int8::<$Layer, R>::$from(&$weights, &[1; $out], &[0.5; $out], Q, Q, $after) {
                    Some(layer) => layer,
                    None => panic!(),
                }
            })
        };
    }
    fn rounded<R: Rounding>() {
        layer!(Dense<5, 7, Relu>, from_rows, [[1; 5]; 7], 7, ());
        layer!(Dense<5, 7, Softmax>, from_rows, [[1; 5]; 7], 7, Softmax8::new(Q));
        layer!(Dense<5, 7, Tanh>, from_rows, [[1; 5]; 7], 7, Table::new([1; 256], Q));
        layer!(Conv1d<9, 2, 6, 3, 9, Relu, f32, 1, 1>, from_filters, [[[1; 3]; 2]; 6], 6, ());
        layer!(Conv1d<9, 4, 6, 3, 9, Relu, f32, 1, 1, 1, 2>, from_filters, [[[1; 3]; 2]; 6], 6, ());
        layer!(DepthwiseConv2d<3, 3, 2, 2, 3, 3, 3, 3, Relu6, f32, 1, 1, 1, 1>, from_filters,
            [[[[1; 3]; 3]]; 2], 2, ());
    }
    rounded::<Exact>();
    rounded::<TwoProducts>();
    type Pools = Sequence<MaxPool1d<4, 2, 2, 2>, GlobalMean<[[f32; 2]; 2]>>;
    let pools: Pools = black_box(Sequence::new(MaxPool1d::new(), GlobalMean::new()));
    run(&pools);
    run(pools.first());
    run(pools.rest());
    let net = Quantized::<GlobalMean<[[f32; 2]; 2]>>::from_parts(Q, GlobalMean::new(), Q);
    let x = vector::<[[f32; 2]; 2]>();
    let int8 = net.run(&net.quantize(black_box(&x)));
    call! { net.input(), net.output(), net.layers(), net.dequantize(&int8), net.forward(&x) }
    run(&MeanPool2d::<4, 4, 2, 2, 2, 2, 2>::new());
    run(&MaxPool2d::<4, 4, 2, 2, 2, 2, 2>::new());
    run(&MeanPool1d::<4, 2, 2, 2>::new());
    run(&GlobalMax::<[[f32; 2]; 300]>::new());
    run(&GlobalMean::<[[f32; 2]; 300]>::new());
    run(&LastStep::<[[f32; 2]; 3]>::new());
    run(&Flatten::<[[f32; 2]; 3], 6>::new());
    run(&FlattenChannelsLast::<[[f32; 2]; 3], 6>::new());
    let by = black_box(const { Multiplier::new(0.5, 31) });
    let sum = black_box(5);
    call! {
        Exact::multiply(sum, by), Exact::multiply_convolved(sum, by), TwoProducts::multiply(sum, by),
        TwoProducts::multiply_convolved(sum, by), Q.quantize(number()), Q.dequantize(black_box(3)),
        Q.scale(), Q.zero_point(), Quantization::new(number(), 1),
    }
    let mut values = black_box([1_i8; 4]);
    black_box(const { Softmax8::new(Q) }).apply(&mut values);
    let table = black_box(const { Table::new([1; 256], Q) });
    table.apply(&mut values);
    ().apply(&mut values);
    call! { values, table.values() }
}

/// From `f32` to int8.
#[cfg(not(target_arch = "avr"))]
#[inline(never)]
fn quantisation<R: Rounding>() {
    type Net =
        net![6 x 2 => Conv1d(4, 3, padding same) Relu | MaxPool(2) => GlobalMean => 3 Softmax];
    let net = vector::<Net>();
    let mut calibration = Calibration::new();
    calibration.observe(&net, &black_box([[0.5; 2]; 6]));
    let mut range = black_box(Range::EMPTY);
    range.observe(&black_box([0.5; 3]));
    call! {
        calibration.input(), calibration.ranges(), calibration.quantize::<R>(&net, Granularity::PerTensor),
        Quantized::<Net, R>::calibrate(&net, &black_box([[[0.5; 2]; 6]; 2])), Quantization::of(range),
    }
    let (names, mut buffer) = (black_box(["0", "2"]), black_box([0_u8; 512]));
    if let Ok(int8) = calibration.quantize::<R>(&net, Granularity::PerChannel) {
        let length = Quantized::<Net, R>::file_size(&names).unwrap_or_default();
        let length = black_box(length.min(black_box(512)));
        call! { int8.save(&names, buffer.get_mut(..length).unwrap_or_default()) }
        call! { int8.write(&names, &mut Port) }
    }
    if let Ok(file) = Safetensors::new(&buffer) {
        call! { Quantized::<Net, R>::from_safetensors(&file, &names) }
        call! { Quantized::<Dense<2, 3, Tanh>, R>::from_safetensors(&file, black_box(&["0"])) }
        call! { Quantized::<Conv2d<3, 3, 1, 1, 2, 2, 2, 2, Relu>, R>::from_safetensors(&file, black_box(&["0"])) }
    }
    if let Ok(q) = Quantization::of(range) {
        let dense = vector::<Dense<3, 2, Relu>>();
        let conv = vector::<Conv1d<6, 2, 4, 3, 4, Relu>>();
        let image = vector::<Conv2d<3, 3, 1, 1, 2, 2, 2, 2, Tanh>>();
        let (table, _) = Tanh::finish(q, range).unwrap_or((Table::of::<Tanh>(q, q), q));
        call! {
            Int8::<Dense<3, 2, Relu>, R>::from_layer(&dense, q, q, (), Granularity::PerChannel),
            Int8::<Conv1d<6, 2, 4, 3, 4, Relu>, R>::from_layer(&conv, q, q, (), Granularity::PerTensor),
            Int8::<Conv2d<3, 3, 1, 1, 2, 2, 2, 2, Tanh>, R>::from_layer(
                &image, q, q, table, Granularity::PerTensor,
            ),
            Softmax8::new(q), Multiplier::new(number::<f64>(), R::BITS),
        }
    }
}

#[cfg(not(target_arch = "avr"))]
#[inline(never)]
fn store<T: Scalar>() {
    type Net<T> = Mlp<2, 4, 2, Tanh, Softmax, T>;
    let Some(flash) = Flash::take() else { return };
    let Ok(mut store) = Store::<_, 256>::with_buffer(flash, black_box(0..BYTES)) else { return };
    let mut net = vector::<Net<T>>();
    let mut trainer = Trainer::<Net<T>, HalfSquaredError, Adam<T>>::new();
    call! { store.erase(), store.save(&net), store.load(&mut net), store.saves() }
    call! { store.save_training(&net, &trainer), store.load_training(&mut net, &mut trainer) }
    call! { Store::<Flash>::saved_bytes::<Net<T>>(), trainer.state_mut() }
    call! { Store::<Flash>::saved_training_bytes::<Net<T>, Adam<T>>() }
    call! { trainer.state(), net, store.release() }
}

/// With the sizes of frame and pieces of `N`.
#[inline(never)]
fn flat<N: Layer + Zero, const PARAMS: usize, const FRAME: usize, const PIECES: usize>() {
    let mut net = vector::<N>();
    let mut numbers = black_box(to_array::<N, PARAMS>(&net));
    write_array(&net, black_box(&mut numbers));
    load_array(&mut net, &numbers);
    let mut frame = black_box(to_frame::<N, FRAME>(&net).unwrap_or([0; FRAME]));
    call! { write_frame(&net, black_box(&mut frame)), to_frame::<N, 256>(&net) }
    call! { load_frame(&mut net, &frame), &net }

    call! { frame_bytes::<N>(), piece_count::<N, 40>() }
    let mut assembler = black_box(Assembler::<N, 40, PIECES>::new());
    for (index, piece) in pieces::<40>(&frame) {
        call! { assembler.put(black_box(index), black_box(piece)) }
    }
    call! { assembler.missing().next(), assembler.frame() }
    assembler.clear();
    call! { assembler }
}

/// A sink for files, which accepts an unknown number of bytes.
struct Port;

impl ErrorType for Port {
    type Error = ErrorKind;
}

impl Write for Port {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        black_box(Ok(black_box(bytes).len()))
    }

    fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}
