//! Training examples: inputs with their targets.

/// A training example, an input `X` with its target `Y`: a pair, a reference to a pair, or a pair
/// of references. It can be implemented for custom types, such as a camera frame with its label.
///
/// ```
/// use gradlet::Example;
///
/// let pair = ([0.1, 0.2], [1.0]);
/// assert_eq!(Example::<[f64; 2], [f64; 1]>::target(&pair), &[1.0]);
/// assert_eq!(Example::<[f64; 2], [f64; 1]>::input(&&pair), &[0.1, 0.2]);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an example for a network with input `{X}` and target `{Y}`",
    label = "each example must be a pair `({X}, {Y})`, by value or by reference"
)]
pub trait Example<X, Y> {
    /// The input.
    fn input(&self) -> &X;
    /// The target, or label.
    fn target(&self) -> &Y;
}

#[diagnostic::do_not_recommend]
impl<X, Y> Example<X, Y> for (X, Y) {
    fn input(&self) -> &X {
        &self.0
    }
    fn target(&self) -> &Y {
        &self.1
    }
}

#[diagnostic::do_not_recommend]
impl<X, Y> Example<X, Y> for &(X, Y) {
    fn input(&self) -> &X {
        &self.0
    }
    fn target(&self) -> &Y {
        &self.1
    }
}

#[diagnostic::do_not_recommend]
impl<X, Y> Example<X, Y> for (&X, &Y) {
    fn input(&self) -> &X {
        self.0
    }
    fn target(&self) -> &Y {
        self.1
    }
}
