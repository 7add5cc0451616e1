//! What `net!` knows of layers with windows: their options, and the sizes that follow from them.

/// A layer with windows: reads its options one by one into `{[step] [padding] [dilation] groups}`.
#[doc(hidden)]
#[macro_export]
macro_rules! __window {
    ($kind:ident $f:ty; $x:tt $k:tt {$s:tt $p:tt $d:tt $g:tt} (, step $a:tt x $b:tt $($o:tt)*) $($rest:tt)*) => {
        $crate::__window!($kind $f; $x $k {[$a $b] $p $d $g} ($($o)*) $($rest)*)
    };
    ($kind:ident $f:ty; $x:tt $k:tt {$s:tt $p:tt $d:tt $g:tt} (, step $a:tt $($o:tt)*) $($rest:tt)*) => {
        $crate::__window!($kind $f; $x $k {[$a $a] $p $d $g} ($($o)*) $($rest)*)
    };
    (conv1d $f:ty; $x:tt $k:tt {$s:tt $p:tt $d:tt $g:tt} (, padding causal $($o:tt)*) $($rest:tt)*) => {
        $crate::__window!(conv1d $f; $x $k {$s causal $d $g} ($($o)*) $($rest)*)
    };
    (conv1d $f:ty; $x:tt $k:tt {$s:tt $p:tt $d:tt $g:tt} (, padding same $($o:tt)*) $($rest:tt)*) => {
        $crate::__window!(conv1d $f; $x $k {$s same $d $g} ($($o)*) $($rest)*)
    };
    (conv2d $f:ty; $x:tt $k:tt {$s:tt $p:tt $d:tt $g:tt} (, padding same $($o:tt)*) $($rest:tt)*) => {
        $crate::__window!(conv2d $f; $x $k {$s same $d $g} ($($o)*) $($rest)*)
    };
    (conv2d $f:ty; $x:tt $k:tt {$s:tt $p:tt $d:tt $g:tt} (, padding $a:tt x $b:tt $($o:tt)*) $($rest:tt)*) => {
        $crate::__window!(conv2d $f; $x $k {$s [$a $b] $d $g} ($($o)*) $($rest)*)
    };
    (conv1d $f:ty; $x:tt $k:tt {$s:tt $p:tt $d:tt $g:tt} (, padding $a:literal $($o:tt)*) $($rest:tt)*) => {
        $crate::__window!(conv1d $f; $x $k {$s [$a $a] $d $g} ($($o)*) $($rest)*)
    };
    (conv2d $f:ty; $x:tt $k:tt {$s:tt $p:tt $d:tt $g:tt} (, padding $a:literal $($o:tt)*) $($rest:tt)*) => {
        $crate::__window!(conv2d $f; $x $k {$s [$a $a] $d $g} ($($o)*) $($rest)*)
    };
    (conv2d $f:ty; $x:tt $k:tt {$s:tt $p:tt $d:tt $g:tt} (, dilation $a:tt x $b:tt $($o:tt)*) $($rest:tt)*) => {
        $crate::__window!(conv2d $f; $x $k {$s $p [$a $b] $g} ($($o)*) $($rest)*)
    };
    (conv1d $f:ty; $x:tt $k:tt {$s:tt $p:tt $d:tt $g:tt} (, dilation $a:tt $($o:tt)*) $($rest:tt)*) => {
        $crate::__window!(conv1d $f; $x $k {$s $p [$a $a] $g} ($($o)*) $($rest)*)
    };
    (conv2d $f:ty; $x:tt $k:tt {$s:tt $p:tt $d:tt $g:tt} (, dilation $a:tt $($o:tt)*) $($rest:tt)*) => {
        $crate::__window!(conv2d $f; $x $k {$s $p [$a $a] $g} ($($o)*) $($rest)*)
    };
    (conv1d $f:ty; $x:tt $k:tt {$s:tt $p:tt $d:tt $g:tt} (, groups $a:tt $($o:tt)*) $($rest:tt)*) => {
        $crate::__window!(conv1d $f; $x $k {$s $p $d $a} ($($o)*) $($rest)*)
    };
    (conv2d $f:ty; $x:tt $k:tt {$s:tt $p:tt $d:tt $g:tt} (, groups $a:tt $($o:tt)*) $($rest:tt)*) => {
        $crate::__window!(conv2d $f; $x $k {$s $p $d $a} ($($o)*) $($rest)*)
    };

    (conv1d $f:ty; $x:tt $k:tt $o:tt () $activation:ty) => {
        $crate::__window!(conv1d_type $f; $x $k $o () [$activation])
    };
    (conv1d $f:ty; $x:tt $k:tt $o:tt () $activation:ty => $($rest:tt)*) => {
        $crate::__window!(conv1d_type $f; $x $k $o () [$activation] => $($rest)*)
    };
    (conv1d $f:ty; $x:tt $k:tt $o:tt () $activation:ty | $($rest:tt)*) => {
        $crate::__window!(conv1d_type $f; $x $k $o () [$activation] | $($rest)*)
    };
    (conv1d_type $f:ty; [$l:tt $c:tt] [$out:tt $k:tt $_k:tt] {[$s:tt $_s:tt] $p:tt [$d:tt $_d:tt] $g:tt} () [$activation:ty] $($rest:tt)*) => {
        $crate::__after!(
            [$crate::Conv1d<
                $l, $c, $out, $k,
                { $crate::__sizes::checked($crate::__padding!($p 0), $l, $k, $s, $d) },
                $activation, $f, $s,
                { $crate::__sizes::zeros($crate::__padding!($p 0), $l, $k, $s, $d) },
                $d, { $crate::__sizes::group($c, $out, $g) },
            >]
            $f; [{ $crate::__sizes::positions($crate::__padding!($p 0), $l, $k, $s, $d) } $out]
            $($rest)*
        )
    };
    (conv2d $f:ty; $x:tt $k:tt $o:tt () $activation:ty) => {
        $crate::__window!(conv2d_type $f; $x $k $o () [$activation])
    };
    (conv2d $f:ty; $x:tt $k:tt $o:tt () $activation:ty => $($rest:tt)*) => {
        $crate::__window!(conv2d_type $f; $x $k $o () [$activation] => $($rest)*)
    };
    (conv2d $f:ty; $x:tt $k:tt $o:tt () $activation:ty | $($rest:tt)*) => {
        $crate::__window!(conv2d_type $f; $x $k $o () [$activation] | $($rest)*)
    };
    (conv2d_type $f:ty; [$h:tt $w:tt $c:tt] [$out:tt $m:tt $n:tt]
        {[$sh:tt $sw:tt] $p:tt [$dh:tt $dw:tt] $g:tt} () [$activation:ty] $($rest:tt)*) => {
        $crate::__after!(
            [$crate::Conv2d<
                $h, $w, $c, $out, $m, $n,
                { $crate::__sizes::checked($crate::__padding!($p 0), $h, $m, $sh, $dh) },
                { $crate::__sizes::checked($crate::__padding!($p 1), $w, $n, $sw, $dw) },
                $activation, $f, $sh, $sw,
                { $crate::__sizes::zeros($crate::__padding!($p 0), $h, $m, $sh, $dh) },
                { $crate::__sizes::zeros($crate::__padding!($p 1), $w, $n, $sw, $dw) },
                $dh, $dw, { $crate::__sizes::group($c, $out, $g) },
            >]
            $f; [
                { $crate::__sizes::positions($crate::__padding!($p 0), $h, $m, $sh, $dh) }
                { $crate::__sizes::positions($crate::__padding!($p 1), $w, $n, $sw, $dw) }
                $out
            ]
            $($rest)*
        )
    };
    (conv1d $f:ty; $shape:tt $k:tt $o:tt () $($rest:tt)*) => {
        $crate::__error!($f; $shape
            "the activation of a convolution is missing: write `Conv1d(16, 5) Relu`, or `Identity` for \
             none"
        )
    };
    (conv2d $f:ty; $shape:tt $k:tt $o:tt () $($rest:tt)*) => {
        $crate::__error!($f; $shape
            "the activation of a convolution is missing: write `Conv2d(16, 3 x 3) Relu`, or `Identity` \
             for none"
        )
    };

    ($pool:ident $f:ty; [$l:tt $c:tt] [$_c:tt $k:tt $_k:tt] {[$s:tt $_s:tt] $p:tt $d:tt $g:tt} ()
        $(=> $($rest:tt)*)?) => {
        $crate::__then!(
            [$crate::$pool<$l, $c, $k, { $crate::__sizes::checked_pool($l, $k, $s) }, $f, $s>]
            $f; [{ $crate::__sizes::pool($l, $k, $s) } $c] $($($rest)*)?
        )
    };
    ($pool:ident $f:ty; [$h:tt $w:tt $c:tt] [$_c:tt $m:tt $n:tt]
        {[$sh:tt $sw:tt] $p:tt $d:tt $g:tt} () $(=> $($rest:tt)*)?) => {
        $crate::__then!(
            [$crate::$pool<
                $h, $w, $c, $m, $n,
                { $crate::__sizes::checked_pool($h, $m, $sh) },
                { $crate::__sizes::checked_pool($w, $n, $sw) },
                $f, $sh, $sw,
            >]
            $f; [
                { $crate::__sizes::pool($h, $m, $sh) } { $crate::__sizes::pool($w, $n, $sw) } $c
            ]
            $($($rest)*)?
        )
    };
    ($pool:ident $f:ty; $shape:tt $k:tt $o:tt () $($rest:tt)*) => {
        $crate::__error!($f; $shape "a pooling has no activation: write `=>` after it")
    };
    ($kind:ident $f:ty; $shape:tt $k:tt $o:tt (, $option:ident $($options:tt)*) $($rest:tt)*) => {
        $crate::__error!($f; $shape
            "there is no option `", ::core::stringify!($option), "` here: there are `step N`, for \
             convolutions `padding N`, `padding same`, `dilation N` and `groups N`, for those of \
             sequences `padding causal`"
        )
    };
    ($kind:ident $f:ty; $shape:tt $k:tt $o:tt ($($options:tt)*) $($rest:tt)*) => {
        $crate::__error!($f; $shape
            "`", ::core::stringify!($($options)*), "` is not understood: an option is a comma, its \
             name and its value, as in `Conv1d(16, 5, step 2)`"
        )
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __padding {
    (same $axis:tt) => {
        $crate::__sizes::Padding::Same
    };
    (causal $axis:tt) => {
        $crate::__sizes::Padding::Causal
    };
    ([$a:tt $b:tt] 0) => {
        $crate::__sizes::Padding::Zeros($a)
    };
    ([$a:tt $b:tt] 1) => {
        $crate::__sizes::Padding::Zeros($b)
    };
}
