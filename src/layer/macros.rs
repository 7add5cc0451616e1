//! Macros for the implementation of layers.

/// Used inside `impl Layer`: lists the tensors of a layer, all that is learned or kept.
///
/// Each is a field, an array of weights, followed by its [kind](crate::Kind), its name in files
/// and its shape in file order. Memory has the dimensions in reverse order, unless `in` specifies
/// another order. The gradient of the layer has fields of the same names: it is `Self`, or for a
/// layer with [buffers](crate::Kind::Buffer) a type without those, `()` if there is nothing else. The last
/// tensor may exist only `if` a constant condition holds.
///
/// ```
/// # use gradlet::tensors;
/// # macro_rules! lines { ($($t:tt)*) => {}; }
/// # lines! {
/// tensors! {
///     weights: Weight "weight" [OUT, C, K], // in memory [[[T; OUT]; C]; K]
///     bias: Bias "bias" [OUT],
///     mean: Buffer "running_mean" [C],
///     slope: Other "slope" [OUT] if A::HAS_SLOPE, // otherwise `slope` is not used
/// }
/// # }
/// ```
///
/// It expands to [`Layer::TENSORS`](crate::Layer::TENSORS) and [`Layer::walk`](crate::Layer::walk).
#[macro_export]
macro_rules! tensors {
    (
        $($field:ident: $kind:ident $name:literal [$($size:expr),+] $(in [$($axis:literal),+])?
            $(if $exists:expr)?),+ $(,)?
    ) => {
        const TENSORS: $crate::TensorList = $crate::__checked::<Self>($crate::TensorList::of({
            $crate::__existing(const { &[$($crate::Tensor {
                kind: $crate::Kind::$kind,
                name: $name,
                shape: &[$($size),+],
                order: &[$($($axis),+)?],
            }),+] }, &[$(true $(&& $exists)?),+])
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
            $(if const { true $(&& $exists)? } {
                $crate::tensors!(@visit $kind $field nets nets_mut read write visit);
            })+
        }
    };
    // Gradients have no buffers, so a walk with gradients does not visit them.
    (
        @visit Buffer $field:ident
        $nets:ident $nets_mut:ident $read:ident $write:ident $visit:ident
    ) => {
        if const { READ == 0 && WRITE == 0 } {
            $crate::tensors!(@slices $field values NETS of $nets);
            $crate::tensors!(@slices_mut $field values_mut NETS_MUT of $nets_mut);
            let (_, _) = (&$read, &mut $write);
            $visit($crate::Kind::Buffer, values, values_mut, [&[]; READ], $crate::__slices());
        }
    };
    (
        @visit $kind:ident $field:ident
        $nets:ident $nets_mut:ident $read:ident $write:ident $visit:ident
    ) => {
        $crate::tensors!(@slices $field values NETS of $nets);
        $crate::tensors!(@slices_mut $field values_mut NETS_MUT of $nets_mut);
        $crate::tensors!(@slices $field read_values READ of $read);
        $crate::tensors!(@slices_mut $field written_values WRITE of $write);
        $visit($crate::Kind::$kind, values, values_mut, read_values, written_values);
    };
    // Loops, as closures would be compiled again for each type of `visit`.
    (@slices $field:ident $slices:ident $n:ident of $all:ident) => {
        let mut $slices = [&[][..]; $n];
        for (slice, one) in $slices.iter_mut().zip(&$all) {
            *slice = $crate::Shape::as_slice(&one.$field);
        }
    };
    (@slices_mut $field:ident $slices:ident $n:ident of $all:ident) => {
        let mut $slices = $crate::__slices::<_, $n>();
        for (slice, one) in $slices.iter_mut().zip(&mut $all) {
            *slice = $crate::Shape::as_mut_slice(&mut one.$field);
        }
    };
}

/// Used inside `impl Layer` of a layer that consists of two, `$a` in the field `$first` and `$b` in
/// `$second`, whose gradient is a [`Pair`](crate::Pair): what only goes on to both.
macro_rules! both_layers {
    (walk $a:ident $first:ident $first_mut:ident, $b:ident $second:ident $second_mut:ident) => {
        #[inline]
        fn walk<const NETS: usize, const NETS_MUT: usize, const READ: usize, const WRITE: usize>(
            nets: [&Self; NETS],
            mut nets_mut: [&mut Self; NETS_MUT],
            read: [&Self::Gradient; READ],
            mut write: [&mut Self::Gradient; WRITE],
            visit: &mut impl FnMut(
                Kind,
                [&[Weight<Self>]; NETS],
                [&mut [Weight<Self>]; NETS_MUT],
                [&[Weight<Self>]; READ],
                [&mut [Weight<Self>]; WRITE],
            ),
        ) {
            $a::walk(
                nets.map(Self::$first),
                reborrow(&mut nets_mut).map(Self::$first_mut),
                read.map(Pair::first),
                reborrow(&mut write).map(Pair::first_mut),
                visit,
            );
            $b::walk(
                nets.map(Self::$second),
                nets_mut.map(Self::$second_mut),
                read.map(Pair::rest),
                write.map(Pair::rest_mut),
                visit,
            );
        }

        #[inline]
        fn seed_dropout(&mut self, seeds: &mut impl FnMut() -> u64) {
            self.$first.seed_dropout(seeds);
            self.$second.seed_dropout(seeds);
        }
    };
    (carry $a:ident $first:ident, $b:ident $second:ident: $trace:ident => $traces:expr) => {
        const STATEFUL: bool = $a::STATEFUL || $b::STATEFUL;

        #[inline]
        fn carry(&mut self, $trace: &Self::Trace) {
            self.$first.carry(&$traces.first);
            self.$second.carry(&$traces.rest);
        }
    };
    (gradient $a:ident $first:ident, $b:ident $second:ident) => {
        #[inline]
        fn gradient<const NETS: usize, const STATES: usize, const SAMPLES: usize>(
            mut nets: [&mut Self; NETS],
            mut state: [&mut Self::Gradient; STATES],
            samples: Samples<'_, Self, SAMPLES>,
            visitor: &mut impl GradientVisitor<Self::Format, NETS, STATES>,
        ) {
            $a::gradient(
                nets.each_mut().map(|n| &mut n.$first),
                state.each_mut().map(|s| &mut s.first),
                samples.$first(),
                visitor,
            );
            $b::gradient(
                nets.map(|n| &mut n.$second),
                state.map(|s| &mut s.rest),
                samples.$second(),
                visitor,
            );
        }

        #[inline]
        fn gradient_at<const STATES: usize, const SAMPLES: usize>(
            &self,
            mut state: [&mut Self::Gradient; STATES],
            samples: Samples<'_, Self, SAMPLES>,
            visitor: &mut impl GradientVisitor<Self::Format, 0, STATES>,
        ) {
            let own = state.each_mut().map(|s| &mut s.first);
            self.$first.gradient_at(own, samples.$first(), visitor);
            self.$second.gradient_at(state.map(|s| &mut s.rest), samples.$second(), visitor);
        }
    };
}
pub(super) use both_layers;
