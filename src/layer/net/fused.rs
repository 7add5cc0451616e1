//! What `net!` knows of convolutions that are fused with a pooling.

/// A convolution, and the pooling that is fused with it or the layers after it, if any.
#[doc(hidden)]
#[macro_export]
macro_rules! __after {
    ([$layer:ty] $f:ty; $shape:tt $(=> $($rest:tt)*)?) => {
        $crate::__then!([$layer] $f; $shape $($($rest)*)?)
    };
    ([$layer:ty] $f:ty; [$l:tt $c:tt] | MaxPool($k:tt) $(=> $($rest:tt)*)?) => {
        $crate::__fused!([$layer] MaxPool1d $f; [$l $c] $k; $($($rest)*)?)
    };
    ([$layer:ty] $f:ty; [$l:tt $c:tt] | MeanPool($k:tt) $(=> $($rest:tt)*)?) => {
        $crate::__fused!([$layer] MeanPool1d $f; [$l $c] $k; $($($rest)*)?)
    };
    ([$layer:ty] $f:ty; [$h:tt $w:tt $c:tt] | MaxPool($m:tt x $n:tt) $(=> $($rest:tt)*)?) => {
        $crate::__fused!([$layer] MaxPool2d $f; [$h $w $c] $m $n; $($($rest)*)?)
    };
    ([$layer:ty] $f:ty; [$h:tt $w:tt $c:tt] | MeanPool($m:tt x $n:tt) $(=> $($rest:tt)*)?) => {
        $crate::__fused!([$layer] MeanPool2d $f; [$h $w $c] $m $n; $($($rest)*)?)
    };
    ([$layer:ty] $f:ty; [$l:tt $c:tt] | GlobalMean $(=> $($rest:tt)*)?) => {
        $crate::__fused!([$layer] GlobalMean $f; of [[$f; $c]; $l], $c; $($($rest)*)?)
    };
    ([$layer:ty] $f:ty; [$h:tt $w:tt $c:tt] | GlobalMean $(=> $($rest:tt)*)?) => {
        $crate::__fused!([$layer] GlobalMean $f; of [[[$f; $c]; $w]; $h], $c; $($($rest)*)?)
    };
    ([$layer:ty] $f:ty; [$l:tt $c:tt] | GlobalMax $(=> $($rest:tt)*)?) => {
        $crate::__fused!([$layer] GlobalMax $f; of [[$f; $c]; $l], $c; $($($rest)*)?)
    };
    ([$layer:ty] $f:ty; [$h:tt $w:tt $c:tt] | GlobalMax $(=> $($rest:tt)*)?) => {
        $crate::__fused!([$layer] GlobalMax $f; of [[[$f; $c]; $w]; $h], $c; $($($rest)*)?)
    };
    ([$layer:ty] $f:ty; $shape:tt | $($rest:tt)*) => {
        $crate::__error!($f; $shape
            "after `|` follows a pooling that is fused with the convolution: `MaxPool(K)`, \
             `MeanPool(K)`, for images `MaxPool(K x K)` and `MeanPool(K x K)`, `GlobalMean` or \
             `GlobalMax`"
        )
    };
}

/// Two convolutions, each fused with a pooling. The bytes that they pack are the same for all formats.
#[doc(hidden)]
#[macro_export]
macro_rules! __compact {
    ($f:ty; $shape:tt [$($first:tt)*] [$($next:tt)*] $($rest:tt)*) => {
        $crate::__net!(
            $f; $shape $($first)*
            => (@compact {
                $crate::__sizes::packed::<$crate::__net!(f32; $shape $($first)* => $($next)*)>()
            } $($next)*) $($rest)*
        )
    };
}

/// A convolution fused with a pooling, and the layers after it, if any.
#[doc(hidden)]
#[macro_export]
macro_rules! __fused {
    ([$layer:ty] $pool:ident $f:ty; [$l:tt $c:tt] $k:tt; $($rest:tt)*) => {
        $crate::__then!(
            [$crate::Fused<
                $layer,
                $crate::$pool<$l, $c, $k, { $crate::__sizes::checked_pool($l, $k, $k) }, $f>,
            >]
            $f; [{ $crate::__sizes::pool($l, $k, $k) } $c] $($rest)*
        )
    };
    ([$layer:ty] $pool:ident $f:ty; [$h:tt $w:tt $c:tt] $m:tt $n:tt; $($rest:tt)*) => {
        $crate::__then!(
            [$crate::Fused<
                $layer,
                $crate::$pool<
                    $h, $w, $c, $m, $n,
                    { $crate::__sizes::checked_pool($h, $m, $m) },
                    { $crate::__sizes::checked_pool($w, $n, $n) },
                    $f,
                >,
            >]
            $f; [{ $crate::__sizes::pool($h, $m, $m) } { $crate::__sizes::pool($w, $n, $n) } $c]
            $($rest)*
        )
    };
    ([$layer:ty] $pool:ident $f:ty; of $x:ty, $c:tt; $($rest:tt)*) => {
        $crate::__then!([$crate::Fused<$layer, $crate::$pool<$x>>] $f; [$c] $($rest)*)
    };
}
