//! What `net!` knows of recurrent layers: their options, and the sizes of their gates.

/// A recurrent layer: reads its options one by one into `[answer direction mask] [functions]`.
#[doc(hidden)]
#[macro_export]
macro_rules! __recurrent {
    ($cell:ident $n:tt $f:ty; $x:tt $h:tt [$y:tt $d:tt $m:tt $b:tt] $by:tt (, all $($o:tt)*) $($rest:tt)*) => {
        $crate::__recurrent!($cell $n $f; $x $h [all $d $m $b] $by ($($o)*) $($rest)*)
    };
    ($cell:ident $n:tt $f:ty; $x:tt $h:tt [$y:tt $d:tt $m:tt $b:tt] $by:tt (, reversed $($o:tt)*) $($rest:tt)*) => {
        $crate::__recurrent!($cell $n $f; $x $h [$y reversed $m $b] $by ($($o)*) $($rest)*)
    };
    ($cell:ident $n:tt $f:ty; $x:tt $h:tt [$y:tt $d:tt $m:tt $b:tt] $by:tt (, bidirectional $($o:tt)*)
        $($rest:tt)*) => {
        $crate::__recurrent!($cell $n $f; $x $h [$y bidirectional $m $b] $by ($($o)*) $($rest)*)
    };
    ($cell:ident $n:tt $f:ty; $x:tt $h:tt [$y:tt $d:tt $m:tt $b:tt] $by:tt (, masked $($o:tt)*) $($rest:tt)*) => {
        $crate::__recurrent!($cell $n $f; $x $h [$y $d masked $b] $by ($($o)*) $($rest)*)
    };
    ($cell:ident $n:tt $f:ty; $x:tt $h:tt [$y:tt $d:tt $m:tt $b:tt] $by:tt (, learned state $($o:tt)*)
        $($rest:tt)*) => {
        $crate::__recurrent!($cell $n $f; $x $h [$y $d $m learned] $by ($($o)*) $($rest)*)
    };
    ($cell:ident $n:tt $f:ty; $x:tt $h:tt [$y:tt $d:tt $m:tt $b:tt] $by:tt
        (, stateful $($after:literal)? $(, $($o:tt)*)?) $($rest:tt)*) => {
        $crate::__recurrent!(
            $cell $n $f; $x $h [$y $d $m (stateful $($after)?)] $by ($(, $($o)*)?) $($rest)*
        )
    };
    ($cell:ident $n:tt $f:ty; $x:tt $h:tt $answer:tt [$s:ty, $a:ty] (, by $module:ident $($o:tt)*)
        $($rest:tt)*) => {
        $crate::__recurrent!(
            $cell $n $f; $x $h $answer [$crate::$module::Sigmoid, $crate::$module::Tanh] ($($o)*) $($rest)*
        )
    };
    ($cell:ident $n:tt $f:ty; [$l:tt $c:tt] $h:tt [last $d:tt $m:tt $b:tt] [$($by:ty),+] () $($rest:tt)*) => {
        $crate::__directed!(
            $d [$crate::__cell!($m $b $crate::$cell<$($by),+>)] $b $n $f; [$l $c] $h [[$f; $h]] []; $($rest)*
        )
    };
    ($cell:ident $n:tt $f:ty; [$l:tt $c:tt] $h:tt [all $d:tt $m:tt $b:tt] [$($by:ty),+] () $($rest:tt)*) => {
        $crate::__directed!(
            $d [$crate::__cell!($m $b $crate::$cell<$($by),+>)] $b $n $f; [$l $c] $h [[[$f; $h]; $l]] [$l];
            $($rest)*
        )
    };
    ($cell:ident $n:tt $f:ty; $shape:tt $h:tt $answer:tt $by:tt ($($options:tt)*) $($rest:tt)*) => {
        $crate::__error!($f; $shape
            "`", ::core::stringify!($($options)*), "` is not understood: a recurrent layer has the options \
             `all`, as in `Gru(16, all)`: its output is all states, in place of the last one; `reversed`: it \
             begins with the last step; `bidirectional`: a layer for each direction, side by side; `masked`: \
             it leaves out steps of zeros at the beginning; `learned state`: its initial state is learned; \
             `stateful`, or `stateful 4`: its initial state is kept from the window before; and of \
             `Gru` and `Lstm` `by rational` or `by fast`: the functions of the gates"
        )
    };
}

/// A recurrent layer with the output `$y`, or one for each direction.
#[doc(hidden)]
#[macro_export]
macro_rules! __directed {
    (forwards [$cell:ty] $b:tt $n:tt $f:ty; $x:tt $h:tt [$y:ty] [$($l:tt)?]; $($rest:tt)*) => {
        $crate::__then!([$crate::__one_direction!([$cell] $b $n $f; $x $h $y)] $f; [$($l)? $h] $($rest)*)
    };
    (reversed [$cell:ty] $b:tt $n:tt $f:ty; $x:tt $h:tt [$y:ty] [$($l:tt)?]; $($rest:tt)*) => {
        $crate::__then!(
            [$crate::__one_direction!([$crate::Reversed<$cell>] $b $n $f; $x $h $y)]
            $f; [$($l)? $h] $($rest)*
        )
    };
    (bidirectional [$cell:ty] $b:tt $n:tt $f:ty; $x:tt $h:tt [$y:ty] [$($l:tt)?]; $($rest:tt)*) => {
        $crate::__then!(
            [$crate::Parallel<
                $crate::__one_direction!([$cell] $b $n $f; $x $h $y),
                $crate::__one_direction!([$crate::Reversed<$cell>] $b $n $f; $x $h $y),
                { $crate::__sizes::gates(2, $h) },
            >]
            $f; [$($l)? { $crate::__sizes::gates(2, $h) }] $($rest)*
        )
    };
}

/// The type of a cell: masked or not, with its initial state.
#[doc(hidden)]
#[macro_export]
macro_rules! __cell {
    (plain zero $cell:ty) => {
        $cell
    };
    (masked $begin:tt $cell:ty) => {
        $crate::Masked<$crate::__cell!(plain $begin $cell)>
    };
    (plain learned $cell:ty) => {
        $crate::LearnedState<$cell>
    };
    (plain (stateful $($after:literal)?) $cell:ty) => {
        $crate::Stateful<$cell $(, $after)?>
    };
}

/// The type of a recurrent layer.
#[doc(hidden)]
#[macro_export]
macro_rules! __one_direction {
    ([$cell:ty] zero $n:tt $f:ty; [$l:tt $c:tt] $h:tt $y:ty) => {
        $crate::Recurrent<
            $cell, [[$f; $c]; $l], $y, $c, $h, { $crate::__sizes::gates($n, $h) }, $f,
        >
    };
    ([$cell:ty] $begin:tt $n:tt $f:ty; [$l:tt $c:tt] $h:tt $y:ty) => {
        $crate::Recurrent<
            $cell, [[$f; $c]; $l], $y, $c, $h, { $crate::__sizes::gates($n, $h) }, $f,
            { $crate::__sizes::states($n) },
        >
    };
}
