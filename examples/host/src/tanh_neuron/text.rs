//! The output of the text's script, and its errors.

use std::io::{self, Write};

use super::compute::{RATE, UPDATES, by_inversion, on_square};

/// The loss that the script prints before each of its first five updates.
pub const LOSSES: [&str; 5] =
    ["-4.0517000000", "-3.8085980000", "-3.5800821200", "-3.3652771928", "-3.1633605612"];

/// `w1`, `w2`, `b`, `f`, `out` and the loss, as the script prints them before training, after 4 and
/// after 104 updates.
pub const INFO: [(u32, [&str; 6]); 3] = [
    (0, ["0.2", "0.3", "0.1", "0.9", "0.7162978702", "0.0804868985"]),
    (
        4,
        [
            "0.3480565731",
            "0.5961131463",
            "0.2480565731",
            "1.7883394388",
            "0.9455850395",
            "0.0029609879",
        ],
    ),
    (
        104,
        [
            "0.8741999484",
            "1.6483998967",
            "0.7741999484",
            "4.9451996902",
            "0.9998986877",
            "0.0000000103",
        ],
    ),
];

/// Explanation of the words in the verdicts.
pub fn explain(out: &mut impl Write) -> io::Result<()> {
    let run = by_inversion(RATE, UPDATES, |_| true);
    let backpropagation = on_square(RATE, UPDATES, |_| false);
    let ([first, ..], [.., last], [right]) =
        (&run.moments[..], &run.moments[..], &backpropagation.moments[..])
    else {
        return Ok(());
    };
    write!(
        out,
        "
7. Where the text errs
  residual  What it prints as its loss is f - f*, a difference with a sign: {:.4} where the loss is
            {:.10}. It is not infinitely near to 0 in the end but {:.10}; the answer is
            {:.10}, and the loss {:.4e}.
  inverse   Its derivatives are those of f, not of the loss. They belong to 1/2 (f - f*)^2, which it
            never writes down; it defines the derivative of its loss and never uses it, and the
            slope of tanh is nowhere. Its first step is {:.1} times that of gradient descent on the loss,
            and later ones more: by backpropagation the loss after {UPDATES} updates is {:.10}.
            The way is not wrong for one neuron and one sample: fitting atanh of the target is a
            linear problem. But it is another loss; a hidden unit has no target to be inverted;
            atanh 1 is infinite, which is why f* is that of 0.9999; and with samples that cannot
            all be met, a small error of f is not a small error of out.
  What helps against saturation: targets that tanh can reach, as +-0.9, or a loss that takes the
  slope out of dE/df, as the cross-entropy does for a sigmoid (the example ten_points).
",
        first.residual(),
        first.loss(),
        last.residual(),
        last.out,
        last.loss(),
        first.residual() / first.delta(),
        right.loss(),
    )
}
