//! Training examples: inputs with their targets, and weights.

use core::any::Any;

use crate::number::Number;

/// A training example, an input `X` with its target `Y`: a pair, a reference to a pair, or a pair
/// of references; and the same with a weight as the third. It can be implemented for custom types,
/// such as a camera frame with its label.
///
/// ```
/// use gradlet::Example;
///
/// let pair = ([0.1, 0.2], [1.0]);
/// assert_eq!(Example::<[f64; 2], [f64; 1]>::target(&pair), &[1.0]);
/// assert_eq!(Example::<[f64; 2], [f64; 1]>::input(&&pair), &[0.1, 0.2]);
/// assert_eq!(Example::<[f64; 2], [f64; 1]>::weight::<f64>(&pair), 1.0);
/// assert_eq!(Example::<[f64; 2], [f64; 1]>::weight::<f64>(&([0.1, 0.2], [1.0], 2.5)), 2.5);
/// ```
///
/// # Weights
///
/// With weights `w_k`, gradients `g_k` and losses `L_k` of the samples:
///
/// ```text
/// mini-batch       sum w_k g_k / sum w_k     its gradient, as PyTorch's reduction='mean'
///   with `Summed`  sum w_k g_k
/// one at a time    w_k g_k                   the gradient of each step
/// mean loss        sum w_k L_k / sum w_k
/// ```
///
/// So a factor common to all weights changes the steps of a [`Trainer`](crate::Trainer), not those
/// of a [`BatchTrainer`](crate::BatchTrainer). An example of weight 0, or less than the smallest
/// normal number, is as if it were not there, except that it has its place in a mini-batch. A weight that is negative, NaN or above 1e28 is
/// refused: `fit` ends with [`Outcome::Weight`](crate::Outcome::Weight), and a function that
/// returns a loss returns NaN.
///
/// Weights of classes are the weights of their samples, those of a rare class being larger:
///
/// ```
/// use gradlet::{metrics::argmax, prelude::*};
///
/// let data = [([0.1], [1.0, 0.0]), ([0.2], [1.0, 0.0]), ([0.9], [0.0, 1.0])];
/// let class_weights = [0.75, 1.5]; // number of examples / (classes * those of the class)
/// let weighted = data.iter().map(|(x, t)| (x, t, class_weights[argmax(t).unwrap()]));
///
/// let mut net = Dense::<1, 2, Softmax>::ZERO;
/// let mut trainer = BatchTrainer::<_, CrossEntropy>::new();
/// trainer.fit(&mut net, &Sgd::new(1.0), FULL_BATCH, weighted, Stop::after(1));
/// assert_eq!(net.bias(), &[0.0, 0.0]); // Both classes matter the same.
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an example for a network with input `{X}` and target `{Y}`",
    label = "each example must be a pair `({X}, {Y})`, by value or by reference",
    note = "a weight may be the third of a triple"
)]
pub trait Example<X, Y> {
    /// The input.
    fn input(&self) -> &X;
    /// The target, or label.
    fn target(&self) -> &Y;
    /// The weight: 1 by default. A custom type that has one returns `T::from_f64(..)` of it.
    #[inline]
    fn weight<T: Number>(&self) -> T {
        T::ONE
    }
}

/// A weight as a number of another type; without a conversion, which takes floats, of the same.
#[inline(always)]
fn convert<W: Number, T: Number>(weight: W) -> T {
    match (&weight as &dyn Any).downcast_ref() {
        Some(&same) => same,
        None => T::from_f64(weight.to_f64()),
    }
}

/// `$x`, `$y` and `$w` of a tuple.
macro_rules! example {
    ($([$($W:ident)?] $Tuple:ty, $this:ident => $x:expr, $y:expr $(, $w:expr)?;)+) => {
        $(
            #[diagnostic::do_not_recommend]
            impl<X, Y $(, $W: Number)?> Example<X, Y> for $Tuple {
                #[inline]
                fn input(&self) -> &X {
                    let $this = self;
                    $x
                }
                #[inline]
                fn target(&self) -> &Y {
                    let $this = self;
                    $y
                }
                $(
                    #[inline]
                    fn weight<T: Number>(&self) -> T {
                        let $this = self;
                        convert($w)
                    }
                )?
            }
        )+
    };
}
example! {
    [] (X, Y), this => &this.0, &this.1;
    [] &(X, Y), this => &this.0, &this.1;
    [] (&X, &Y), this => this.0, this.1;
    [W] (X, Y, W), this => &this.0, &this.1, this.2;
    [W] &(X, Y, W), this => &this.0, &this.1, this.2;
    [W] (&X, &Y, W), this => this.0, this.1, this.2;
}
