//! A sequence of 18 steps beside one of 20.
use gradlet::prelude::*;

type Branches = Parallel<Conv1d<20, 3, 4, 3, 18, Relu>, Conv1d<20, 3, 2, 1, 20, Relu>, 6>;

static BRANCHES: Branches = Zero::ZERO;

fn main() {}
