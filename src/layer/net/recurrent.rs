//! What `net!` knows of recurrent layers: their options, and the sizes of their gates.

/// A recurrent layer: reads its options one by one into `[answer direction mask] [functions]`.
#[doc(hidden)]
#[macro_export]
macro_rules! __recurrent {
    ($cell:ident $n:tt $f:ty; $x:tt $h:tt [$y:tt $d:tt $m:tt] $by:tt (, all $($o:tt)*) $($rest:tt)*) => {
        $crate::__recurrent!($cell $n $f; $x $h [all $d $m] $by ($($o)*) $($rest)*)
    };
    ($cell:ident $n:tt $f:ty; $x:tt $h:tt [$y:tt $d:tt $m:tt] $by:tt (, reversed $($o:tt)*) $($rest:tt)*) => {
        $crate::__recurrent!($cell $n $f; $x $h [$y reversed $m] $by ($($o)*) $($rest)*)
    };
    ($cell:ident $n:tt $f:ty; $x:tt $h:tt [$y:tt $d:tt $m:tt] $by:tt (, bidirectional $($o:tt)*)
        $($rest:tt)*) => {
        $crate::__recurrent!($cell $n $f; $x $h [$y bidirectional $m] $by ($($o)*) $($rest)*)
    };
    ($cell:ident $n:tt $f:ty; $x:tt $h:tt [$y:tt $d:tt $m:tt] $by:tt (, masked $($o:tt)*) $($rest:tt)*) => {
        $crate::__recurrent!($cell $n $f; $x $h [$y $d masked] $by ($($o)*) $($rest)*)
    };
    ($cell:ident $n:tt $f:ty; $x:tt $h:tt $answer:tt [$s:ty, $a:ty] (, by $module:ident $($o:tt)*)
        $($rest:tt)*) => {
        $crate::__recurrent!(
            $cell $n $f; $x $h $answer [$crate::$module::Sigmoid, $crate::$module::Tanh] ($($o)*) $($rest)*
        )
    };
    ($cell:ident $n:tt $f:ty; [$l:tt $c:tt] $h:tt [last $d:tt $m:tt] [$($by:ty),+] () $($rest:tt)*) => {
        $crate::__directed!(
            $d [$crate::__masked!($m $crate::$cell<$($by),+>)] $n $f; [$l $c] $h [[$f; $h]] []; $($rest)*
        )
    };
    ($cell:ident $n:tt $f:ty; [$l:tt $c:tt] $h:tt [all $d:tt $m:tt] [$($by:ty),+] () $($rest:tt)*) => {
        $crate::__directed!(
            $d [$crate::__masked!($m $crate::$cell<$($by),+>)] $n $f; [$l $c] $h [[[$f; $h]; $l]] [$l];
            $($rest)*
        )
    };
    ($cell:ident $n:tt $f:ty; $shape:tt $h:tt $answer:tt $by:tt ($($options:tt)*) $($rest:tt)*) => {
        $crate::__error!($f; $shape
            "`", ::core::stringify!($($options)*), "` is not understood: a recurrent layer has the options \
             `all`, as in `Gru(16, all)`: its output is all states, in place of the last one; `reversed`: it \
             begins with the last step; `bidirectional`: a layer for each direction, side by side; `masked`: \
             it leaves out steps of zeros at the beginning; and of \
             `Gru` and `Lstm` `by rational` or `by fast`: the functions of the gates"
        )
    };
}

/// A recurrent layer with the output `$y`, or one for each direction.
#[doc(hidden)]
#[macro_export]
macro_rules! __directed {
    (forwards [$cell:ty] $n:tt $f:ty; $x:tt $h:tt [$y:ty] [$($l:tt)?]; $($rest:tt)*) => {
        $crate::__then!([$crate::__one_direction!([$cell] $n $f; $x $h $y)] $f; [$($l)? $h] $($rest)*)
    };
    (reversed [$cell:ty] $n:tt $f:ty; $x:tt $h:tt [$y:ty] [$($l:tt)?]; $($rest:tt)*) => {
        $crate::__then!(
            [$crate::__one_direction!([$crate::Reversed<$cell>] $n $f; $x $h $y)]
            $f; [$($l)? $h] $($rest)*
        )
    };
    (bidirectional [$cell:ty] $n:tt $f:ty; $x:tt $h:tt [$y:ty] [$($l:tt)?]; $($rest:tt)*) => {
        $crate::__then!(
            [$crate::Parallel<
                $crate::__one_direction!([$cell] $n $f; $x $h $y),
                $crate::__one_direction!([$crate::Reversed<$cell>] $n $f; $x $h $y),
                { $crate::__sizes::gates(2, $h) },
            >]
            $f; [$($l)? { $crate::__sizes::gates(2, $h) }] $($rest)*
        )
    };
}

/// The type of a cell.
#[doc(hidden)]
#[macro_export]
macro_rules! __masked {
    (plain $cell:ty) => {
        $cell
    };
    (masked $cell:ty) => {
        $crate::Masked<$cell>
    };
}

/// The type of a recurrent layer.
#[doc(hidden)]
#[macro_export]
macro_rules! __one_direction {
    ([$cell:ty] $n:tt $f:ty; [$l:tt $c:tt] $h:tt $y:ty) => {
        $crate::Recurrent<
            $cell, [[$f; $c]; $l], $y, $c, $h, { $crate::__sizes::gates($n, $h) }, $f,
        >
    };
}
