//! Loops that never end in f32.

use std::io::{self, Write};

use gradlet::Scalar;

use super::super::compute::{self, Change, Ending, Factors, Run, Task, endless, ulp};

const RUNS: [(Change, Factors, &str); 4] = [
    (Change::B, Factors::Frozen, "b, frozen"),
    (Change::B, Factors::Recomputed, "b, recomputed"),
    (Change::Both, Factors::Frozen, "w and b, frozen"),
    (Change::Both, Factors::Recomputed, "w and b, recomputed"),
];
const THRESHOLDS: [f32; 5] = [1e-5, 2e-5, 3e-5, 5e-5, 1e-4];

/// Sections 5 and 6.
pub fn endless_loops(out: &mut impl Write) -> io::Result<()> {
    writeln!(
        out,
        "
5. The loop without a cap never ends in f32 for many targets
  Targets 100, 100.5 .. 200: how many of these {} are never reached, by threshold.

  {:<22}{}  the first ones at 1e-5",
        compute::targets().count(),
        "changed, derivatives",
        THRESHOLDS.map(|threshold| format!("{threshold:>7e}")).concat()
    )?;
    for (change, factors, name) in RUNS {
        let counts = THRESHOLDS
            .map(|threshold| format!("{:>7}", endless(change, factors, threshold).len()))
            .concat();
        let targets = endless(change, factors, 1e-5);
        let first: Vec<_> = targets.iter().take(4).map(ToString::to_string).collect();
        writeln!(out, "  {name:<22}{counts}  {} ..", first.join(", "))?;
    }
    example(out)?;
    let (root, by_b) = compute::root_b(150.0).map_or((0.0, 0.0), |root| {
        (nearest(root), nearest(compute::forward(compute::W, root).partials().by_b))
    });
    writeln!(
        out,
        "
6. Why, and what to do
  f32 has 24 binary digits. Near 150 its numbers are {:.2e} apart (the ulp), so |z - 150| < 1e-5
  means z = 150 exactly. And b moves in steps too: near {root:.2} they are {:.2e}, and dz/db = {by_b:.1}
  makes {:.2e} of z out of each. Where no b gives the wanted z, the loop goes on for ever. So:
    - cap every loop that waits for convergence;
    - choose a threshold above the ulp of what is compared: 1e-4 is {:.1} times the ulp here.",
        ulp(150.0),
        ulp(root),
        by_b * ulp(root),
        1e-4 / ulp(150.0)
    )
}

fn nearest(value: f64) -> f32 {
    f32::from_f64(value)
}

/// The last distances of a run that never ends.
fn example(out: &mut impl Write) -> io::Result<()> {
    let (change, factors) = (Change::B, Factors::Frozen);
    let Some(&target) = endless(change, factors, 1e-5).first() else { return Ok(()) };
    let task = Task { change, factors, target, threshold: 1e-5, limit: 1000 };
    let run: Run<f32> = task.run();
    writeln!(
        out,
        "\n  For example b, frozen, to {target}: |z - {target}| after the updates 0, 1, 2 .. is\n   {}",
        run.distances().iter().map(|d| format!(" {d:.2e}")).collect::<String>()
    )?;
    match run.ending {
        Ending::Cycle(1) => {
            writeln!(out, "  and stays there: delta b is less than half an ulp of b.")
        }
        Ending::Cycle(updates) => writeln!(out, "  and repeats itself every {updates} updates."),
        _ => Ok(()),
    }
}
