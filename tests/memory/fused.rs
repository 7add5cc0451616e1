//! Convolutions that are fused with a pooling.

use gradlet::prelude::*;

use crate::check::{any, check};

#[test]
fn fused_layers_have_the_right_gradient() {
    check::<net![f64; 12 x 3 => Conv1d(4, 3) Tanh | MaxPool(5)], HalfSquaredError>(any);
    check::<net![f64; 9 x 2 => Conv1d(3, 3, step 2) Relu | GlobalMean], HalfSquaredError>(any);
    check::<net![f64; 12 x 3 => Conv1d(4, 3) Relu6 | MaxPool(5)], HalfSquaredError>(any);
    check::<net![f64; 12 x 3 => Conv1d(4, 3) HardTanh | MaxPool(5)], HalfSquaredError>(any);
    type Image = net![
        f64; 6 x 5 x 2 => Conv2d(3, 3 x 2, padding same) Silu => Conv2d(2, 3 x 2) Relu | MeanPool(2 x 1)
    ];
    check::<Image, HalfSquaredError>(any);
}

#[test]
fn fused_layers_with_groups_have_the_right_gradient() {
    check::<net![f64; 8 x 4 => Conv1d(6, 3, groups 2) Relu | MaxPool(3)], HalfSquaredError>(any);
    check::<net![f64; 8 x 4 => Conv1d(6, 3, groups 2) Relu | MeanPool(3)], HalfSquaredError>(any);
    check::<net![f64; 8 x 4 => Depthwise(3, padding same) Elu | MaxPool(4)], HalfSquaredError>(any);
    type Image = net![f64; 6 x 6 x 2 => Depthwise(3 x 3) Relu | MaxPool(2 x 2)];
    check::<Image, HalfSquaredError>(any);
}
