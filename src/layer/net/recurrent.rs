//! What `net!` knows of recurrent layers: their options, and the sizes of their gates.

/// A recurrent layer: reads its options one by one into `[answer] [functions]`.
#[doc(hidden)]
#[macro_export]
macro_rules! __recurrent {
    ($cell:ident $n:tt $f:ty; $x:tt $h:tt [$answer:tt] $by:tt (, all $($o:tt)*) $($rest:tt)*) => {
        $crate::__recurrent!($cell $n $f; $x $h [all] $by ($($o)*) $($rest)*)
    };
    ($cell:ident $n:tt $f:ty; [$l:tt $c:tt] $h:tt [last] [$($by:ty),+] () $($rest:tt)*) => {
        $crate::__then!(
            [$crate::Recurrent<
                $crate::$cell<$($by),+>, [[$f; $c]; $l], [$f; $h], $c, $h,
                { $crate::__sizes::gates($n, $h) }, $f,
            >]
            $f; [$h] $($rest)*
        )
    };
    ($cell:ident $n:tt $f:ty; [$l:tt $c:tt] $h:tt [all] [$($by:ty),+] () $($rest:tt)*) => {
        $crate::__then!(
            [$crate::Recurrent<
                $crate::$cell<$($by),+>, [[$f; $c]; $l], [[$f; $h]; $l], $c, $h,
                { $crate::__sizes::gates($n, $h) }, $f,
            >]
            $f; [$l $h] $($rest)*
        )
    };
    ($cell:ident $n:tt $f:ty; $shape:tt $h:tt $answer:tt $by:tt ($($options:tt)*) $($rest:tt)*) => {
        $crate::__error!($f; $shape
            "`", ::core::stringify!($($options)*), "` is not understood: a recurrent layer has the option \
             `all`, as in `Gru(16, all)`: its output is all states, in place of the last one"
        )
    };
}
