//! The parameters of any network as one list, in the order of `Layer::parameters`.
//!
//! Nothing here is inlined: the gradient tests call it for hundreds of types.

use gradlet::{Format, Layer, Number, Scalar};

/// The parameters that are learned.
#[inline(never)]
pub fn flat<T: Scalar, N: Layer<Format = T>>(net: &N) -> Vec<f64> {
    let mut list = Vec::new();
    net.visit(|_, p| list.extend(p.iter().map(|v| v.to_f64())));
    list
}

/// A gradient, or what an optimizer keeps, in the same order.
#[inline(never)]
pub fn flat_gradient<N: Layer<Format: Format<Weight: Scalar>>>(gradient: &N::Gradient) -> Vec<f64> {
    let mut list = Vec::new();
    N::walk([], [], [gradient], [], &mut |_, [], [], [g], []| {
        list.extend(g.iter().map(|v| v.to_f64()))
    });
    list
}

/// Sets all parameters.
#[inline(never)]
pub fn set_flat<T: Scalar, N: Layer<Format = T>>(net: &mut N, list: &[f64]) {
    assert_eq!(list.len(), N::PARAMS);
    let mut rest = list.iter();
    net.visit_mut(|_, p| {
        for (p, &v) in p.iter_mut().zip(rest.by_ref()) {
            *p = T::from_f64(v);
        }
    });
}

/// One parameter.
#[inline(never)]
pub fn parameter<T: Scalar, N: Layer<Format = T>>(net: &N, index: usize) -> f64 {
    let (mut start, mut found) = (0, None);
    net.visit(|_, p| {
        if (start..start + p.len()).contains(&index) {
            found = Some(p[index - start].to_f64());
        }
        start += p.len();
    });
    found.unwrap()
}

/// Sets one parameter.
#[inline(never)]
pub fn set_parameter<T: Scalar, N: Layer<Format = T>>(net: &mut N, index: usize, value: f64) {
    let mut start = 0;
    net.visit_mut(|_, p| {
        if (start..start + p.len()).contains(&index) {
            p[index - start] = T::from_f64(value);
        }
        start += p.len();
    });
    assert!(index < start);
}
