//! The parameters of any network as one list, in the order of `Layer::parameters`.
//!
//! Nothing here is inlined: the gradient tests call it for hundreds of types.

use gradlet::{Layer, Scalar};

/// The parameters that are learned.
#[inline(never)]
pub(crate) fn flat<N: Layer>(net: &N) -> Vec<f64> {
    let mut list = Vec::new();
    net.parameters([], &mut |_, p, []| list.extend(p.iter().map(|v| v.to_f64())));
    list
}

/// A gradient, or what an optimizer keeps, in the same order.
#[inline(never)]
pub(crate) fn flat_gradient<N: Layer>(gradient: &N::Gradient) -> Vec<f64> {
    let mut list = Vec::new();
    N::tensors([gradient], [], [], &mut |_, [g], [], []| list.extend(g.iter().map(|v| v.to_f64())));
    list
}

/// Sets all parameters.
#[inline(never)]
pub(crate) fn set_flat<N: Layer>(net: &mut N, list: &[f64]) {
    assert_eq!(list.len(), N::PARAMS);
    let mut rest = list.iter();
    N::tensors([], [net], [], &mut |_, [], [p], []| {
        for (p, &v) in p.iter_mut().zip(rest.by_ref()) {
            *p = N::Scalar::from_f64(v);
        }
    });
}

/// One parameter.
#[inline(never)]
pub(crate) fn parameter<N: Layer>(net: &N, index: usize) -> f64 {
    let (mut start, mut found) = (0, None);
    net.parameters([], &mut |_, p, []| {
        if (start..start + p.len()).contains(&index) {
            found = Some(p[index - start].to_f64());
        }
        start += p.len();
    });
    found.unwrap()
}

/// Sets one parameter.
#[inline(never)]
pub(crate) fn set_parameter<N: Layer>(net: &mut N, index: usize, value: f64) {
    let mut start = 0;
    N::tensors([], [net], [], &mut |_, [], [p], []| {
        if (start..start + p.len()).contains(&index) {
            p[index - start] = N::Scalar::from_f64(value);
        }
        start += p.len();
    });
    assert!(index < start);
}
