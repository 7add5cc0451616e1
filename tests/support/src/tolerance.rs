//! How far a result may be from the right one, and why. No test has a tolerance of its own.

/// Below this size a golden number is compared absolutely: the rule of the golden files' README.
pub const FLOOR: f64 = 1e-3;

/// `f64`, up to 10 updates, another order of the same sums: about 1e-15 was measured for each
/// update; the golden files ask for this.
pub const F64_STEP: f64 = 1e-12;

/// `f64`, one forward and backward pass: some ten roundings of 1.1e-16 each; the golden files ask
/// for this.
pub const F64_PASS: f64 = 1e-13;

/// `f64`, thousands of updates: rounding grows by the run's sensitivity, at most 4 in the golden
/// runs, so this leaves five digits in reserve.
pub const F64_LONG: f64 = 1e-9;

/// Absolute: a number of which the first ten decimals are known.
pub const TEN_DECIMALS: f64 = 0.5e-10;

/// `f64` parameters of the moons after 30,000 updates: the golden file's own bound. Parameters are
/// less sharp than the cost, which is flat around them.
pub const MOONS_PARAMETERS_F64: f64 = 1e-7;

/// `f32` cost of the moons after 30,000 updates: the golden file's own bound; 30,000 roundings of
/// 6e-8, amplified by a sensitivity of up to 4, and a cost of 0.01 made of parts near 1.
pub const MOONS_COST_F32: f64 = 1e-3;

/// `f32`, relative: four updates of the chain x^2, ln, sqrt, some 40 roundings of 6e-8; `lnf` may be
/// another one than that of the golden numbers.
pub const CHAIN_F32: f64 = 1e-6;

/// `f64`, units in the last place between an activation and its value: `libm`'s functions are within
/// 1 to 2, and two more operations follow.
pub const ACTIVATION_F64_ULP: u64 = 4;

/// `f32`, the same: `tanhf` alone is off by up to 2.2.
pub const ACTIVATION_F32_ULP: u32 = 8;

/// Units of the type's epsilon, absolute, between a derivative that is computed from `y` and its
/// value. `y` is known to within an epsilon, so `1 - y`, `1 - y * y` and `y + 1` are too; near
/// saturation that is all there is of them.
pub const DERIVATIVE_EPSILONS: f64 = 4.0;

/// A derivative from `y` or `z`, relative, in units of the type's epsilon, besides the above.
pub const DERIVATIVE_RELATIVE_EPSILONS: f64 = 8.0;

/// Relative, in units of the type's epsilon: probabilities of a softmax. `e^(z - m)`, a sum and a
/// quotient; `z - m` is itself rounded, and `e^` turns `|z - m| <= 3` half epsilons into as many.
pub const SOFTMAX_EPSILONS: f64 = 8.0;

/// Relative, in units of the type's epsilon: a loss from its closed form, `exp`, `ln_1p` or `ln`,
/// and a few sums.
pub const LOSS_EPSILONS: f64 = 8.0;

/// Relative error between a derivative and its difference quotient of order 4 in `f64`: with steps
/// of 1e-4 the truncation is near 1e-16 and the rounding near 1e-12 of the loss.
pub const GRADIENT: f64 = 1e-6;

/// Derivatives smaller than this share of the largest one are compared with that share: a
/// difference quotient has an absolute error, near 1e-12 of the loss.
pub const GRADIENT_FLOOR: f64 = 1e-4;

/// Absolute error of such a difference quotient for a loss of 1: with steps of 5e-5, each of four losses is
/// some 1e-16 off, and in deep networks several times as much.
pub const QUOTIENT: f64 = 2e-11;

/// Two difference quotients of order 4, with steps of 1e-4 and 5e-5, agree to 1e-11 where the loss
/// is smooth; where they differ by more than this, a kink is between, and the derivative is skipped.
pub const KINK: f64 = 1e-7;

/// Share of the derivatives of a net that may be skipped for kinks. A kink is seen only within 2e-4
/// of a parameter, times the input and the number of units behind: some 2% at 33 units.
pub const KINKS_SKIPPED: f64 = 0.05;

/// `f64`, five updates by an optimizer against the plain rule: a few roundings each; Adam has its
/// corrections in another order.
pub const OPTIMIZER_F64: f64 = 1e-12;

/// `f32`, the same: 5 updates of 10 roundings of 6e-8.
pub const OPTIMIZER_F32: f64 = 5e-6;

/// `f64`, hundreds of updates, per sample against batches of one: `x (-r d)` against `-r (x d)`, one
/// rounding of 1.1e-16 for each update.
pub const ORDER_F64: f64 = 1e-12;

/// Relative, in units of the type's epsilon: `Gelu`. `erfc` of `libm` is within 2.7 units in the last
/// place.
pub const GELU_EPSILONS: f64 = 5.0;

/// Absolute, in units of the type's epsilon: `HardSigmoid`, which is a difference near `z = -3`.
pub const HARD_SIGMOID_EPSILONS: f64 = 1.0;

/// Relative error between the derivative of a loss and its difference quotient, in `f64`.
pub const LOSS_SLOPE: f64 = 1e-8;

/// Relative, in units of the type's epsilon: an activation with its known value, 2 to 4 units in the
/// last place; `expm1` and `exp` of `libm` are within 1.
pub const KNOWN_EPSILONS: f64 = 4.0;

/// Right answers of 500 to 1000 in `f64`: the golden file's own bound. Rounding decides where two
/// digits have nearly the same score.
pub const DIGITS_CORRECT_F64: u32 = 3;

/// The same in `f32`.
pub const DIGITS_CORRECT_F32: u32 = 5;

/// `f32`, relative: the sum of a thousand losses, each from a weighted sum of up to 784 terms; a
/// thousand roundings of 6e-8 that do not all point one way.
pub const DIGITS_SUM_F32: f64 = 3e-5;

/// Absolute: the share of right answers among 20,000 fresh points, against the share that another
/// generator's points gave. Four standard errors, 0.0033 each, of both samples.
pub const MOONS_FRESH: f64 = 0.0187;

/// The same number.
pub const EXACT: f64 = 0.0;

/// The bound for the `f64` state after so many updates.
pub fn after(updates: usize) -> f64 {
    if updates <= 10 { F64_STEP } else { F64_LONG }
}

/// `f64`, relative to the largest weight: least squares and recursive least squares against numpy,
/// some 100 examples of 10 operations, in problems with condition numbers up to 100.
pub const LEAST_SQUARES_F64: f64 = 1e-11;

/// `f32`, the same.
pub const LEAST_SQUARES_F32: f64 = 2e-3;

/// `f64`, relative to the largest weight: powers of a number, with a condition number of 5e5, times
/// some 10 roundings. Normal equations are off by 3e-6.
pub const POLYNOMIAL_F64: f64 = 1e-9;

/// `f64`: the slope of the squared error at its least, a sum of up to 40 products up to 20 that cancel.
pub const SLOPE_F64: f64 = 1e-9;

/// `f64`, relative to the largest weight: what a regularisation of 1e-9 changes, where the inputs
/// vary by a tenth or more.
pub const BARELY_REGULARISED: f64 = 1e-5;

/// `f32`, absolute: networks of some ten layers with outputs up to 4, sums of up to 576 products in
/// another order than PyTorch's, which is itself off by 5e-6 at most.
pub const PYTORCH_F32: f64 = 1e-5;
