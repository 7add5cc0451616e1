//! Output of the program.

mod chain;
mod linear;
mod rounding;

use std::io::{self, Write};

use super::compute::Plan;

/// Prints all sections.
pub fn all(out: &mut impl Write, plan: &Plan) -> io::Result<()> {
    introduce(out)?;
    linear::derivatives(out)?;
    linear::by_hand(out)?;
    linear::runs(out, plan)?;
    linear::distances(out, plan)?;
    linear::gradient_descent(out, plan)?;
    rounding::endless_loops(out)?;
    chain::newton(out, plan)?;
    chain::course(out)?;
    chain::gradient_descent(out, plan)?;
    slips(out)
}

fn introduce(out: &mut impl Write) -> io::Result<()> {
    write!(
        out,
        "Backpropagation on paper: go forward to the result, then carry the wanted change back,
derivative by derivative, to the numbers that can be changed.

  x = 2 w + 3 b     y = 2 b + 1     z = x y         from w = 3, b = 4: z = 162, wanted 150
  a = x^2           b = ln a        c = sqrt b      from x = 2: c = 1.177, wanted 2.14

\"agrees\": the computed number rounds to the digits of the text. \"differs\" gives the reason in a
word, which section 10 explains. \"-\": not in the text. f64, where nothing else is said.
"
    )
}

/// A count, for a row.
fn count(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::INFINITY, f64::from)
}

fn slips(out: &mut impl Write) -> io::Result<()> {
    write!(
        out,
        "
10. Where the text differs
  path     The text calls 3 the last partial derivative. 3 is dx/db, one stretch of one path. b acts
           on z through x and through y, so dz/db = 3 y + 2 x, which the text's own step uses.
  delta    The text says that b is 12/63. That is delta b, what is taken away from b.
  cut      z at b = 3.81 is 150.2466. The text cuts it to 150.246; rounded, it is 150.247.
  rounded  With b not rounded to 3.81 on the way, z is 150.218.
  e        The text writes the threshold 1e-4 as e^-4. That would be 0.0183.
  product  The text multiplies 4 by the rounded 2.267. With all digits delta a is -9.066905.
  order    The course gives exp(2.13^2 / 2) as 9.6653. It is 9.6644; 9.6653 is what two exchanged
           digits give: exp(2.26854) in place of exp(2.26845).
  Newton   The text calls these steps gradient descent. They divide by the derivative: that is
           Newton's method for the root of z - 150. Gradient descent multiplies by it (sections 4
           and 9), and needs a learning rate. Half of the error for w and half for b is a choice;
           the gradient would share it out by the squares of 18 and 63.
  input    \"Weights are what is changed\": in the chain of section 7 it is x, the input.
"
    )
}
