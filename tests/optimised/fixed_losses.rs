//! Losses in fixed point, over all logits: those of floats, within the documented errors.
#![allow(clippy::arithmetic_side_effects, clippy::unwrap_used, reason = "tests may panic")]

use gradlet::prelude::*;
use gradlet::{Activation, Exponent, Loss};

/// The exact value.
fn exact(value: Q12) -> f64 {
    f64::from(value.to_bits()) / 4096.0
}

/// The largest errors of a loss and of its derivatives, in units of `unit`.
struct Errors {
    unit: f64,
    loss: f64,
    delta: f64,
}

impl Errors {
    const fn new(unit: f64) -> Self {
        Self { unit, loss: 0.0, delta: 0.0 }
    }

    /// Compares a loss with that of `f64`; relatively, if it is above a unit.
    fn observe<L, A, const N: usize>(&mut self, logits: [Q12; N], target: [Q12; N])
    where
        A: Activation<Fixed> + Activation<f64>,
        L: Loss<A, Fixed> + Loss<A, f64>,
    {
        let (mut y, mut activated) = (logits, logits);
        let loss = <L as Loss<A, Fixed>>::evaluate(&mut y, &target).to_f64();
        <A as Activation<Fixed>>::activate(&mut activated);
        assert_eq!(y, activated, "the outputs are those of the activation");
        let of_floats =
            <L as Loss<A, f64>>::evaluate(&mut logits.map(exact), &target.map(exact)) / self.unit;
        let error = (loss / self.unit - of_floats).abs() / of_floats.max(1.0);
        assert!(error.is_finite());
        self.loss = self.loss.max(error);

        let (mut d, mut scale) = ([0; N], Exponent(0));
        <L as Loss<A, Fixed>>::delta(&y, &target, &mut d, &mut scale);
        let mut of_floats = [0.0; N];
        <L as Loss<A, f64>>::delta(&y.map(exact), &target.map(exact), &mut of_floats, &mut ());
        for (d, of_floats) in d.into_iter().zip(of_floats) {
            let error = f64::from(d) / f64::from(scale.0).exp2() - of_floats;
            self.delta = self.delta.max(error.abs() / self.unit);
        }
    }

    fn assert_within(&self, what: &str, loss: f64, delta: f64) {
        println!("{what}: loss {:.1e}, derivative {:.1e}", self.loss, self.delta);
        assert!(self.loss <= loss && self.delta <= delta, "{what}: {} {}", self.loss, self.delta);
    }
}

/// All values, from -64 to 64.
fn values() -> impl Iterator<Item = Q12> {
    (Q12::MIN.to_bits()..=Q12::MAX.to_bits()).map(Q12::from_bits)
}

#[test]
fn focal_losses_of_labels_are_as_precise_as_documented() {
    fn check<L: Loss<Sigmoid, Fixed> + Loss<Sigmoid, f64>>(
        what: &str,
        alpha: f64,
        loss: f64,
        delta: f64,
    ) {
        for t in [0.0, 0.25, 1.0].map(Q12::new) {
            // The factor of the label 0 is `1 - a`.
            let mut errors =
                Errors::new(if t == Q12::ONE { alpha } else { alpha.max(1.0 - alpha) });
            values().for_each(|z| errors.observe::<L, Sigmoid, 1>([z], [t]));
            errors.assert_within(&format!("{what}, {t}"), loss, delta);
        }
    }
    check::<Focal>("Focal", 0.25, 2e-4, 4e-4);
    check::<Focal<1, 2>>("Focal<1, 2>", 0.25, 2e-4, 4e-4);
    // The factor is rounded to 15 fraction bits in derivatives.
    check::<Focal<1, 3, 1, 100>>("Focal<1, 3, 1, 100>", 0.01, 2e-4, 4e-4 + 100.0 / 65_536.0);
    check::<Focal<0>>("Focal<0>", 0.25, 2e-4, 4e-4);
    check::<Focal<15, 1, 3, 4>>("Focal<15, 1, 3, 4>", 0.75, 1.2e-3, 2.4e-3);
}

#[test]
fn focal_losses_of_classes_are_as_precise_as_documented() {
    fn check<L: Loss<Softmax, Fixed> + Loss<Softmax, f64>>(
        what: &str,
        alpha: f64,
        loss: f64,
        delta: f64,
    ) {
        let mut errors = Errors::new(alpha);
        for z in values() {
            for t in [0.0, 0.25, 1.0].map(Q12::new) {
                let rest = Q12::from_bits(Q12::ONE.to_bits() - t.to_bits());
                errors.observe::<L, Softmax, 2>([z, Q12::ZERO], [t, rest]);
            }
        }
        let mut state = 1_u32;
        let mut random = |range: f32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            Q12::new((f32::from(u16::try_from(state >> 16).unwrap()) / 32_768.0 - 1.0) * range)
        };
        for round in 0..40_000_usize {
            let range = [0.1, 1.0, 8.0, 30.0].into_iter().cycle().nth(round % 4).unwrap();
            let logits = [(); 5].map(|()| random(range));
            let mut place = 0_usize..;
            let target = [(); 5].map(|()| if place.next() == Some(round % 5) { 1.0 } else { 0.0 });
            errors.observe::<L, Softmax, 5>(logits, target.map(Q12::new));
        }
        errors.assert_within(what, loss, delta);
    }
    check::<Focal>("Focal", 0.25, 2e-4, 4e-4);
    check::<Focal<2, 1, 1, 1>>("Focal<2, 1, 1, 1>", 1.0, 2e-4, 4e-4);
    check::<Focal<1, 2, 3, 1>>("Focal<1, 2, 3, 1>", 3.0, 2e-4, 4e-4);
    check::<Focal<0, 1, 1, 1>>("Focal<0, 1, 1, 1>", 1.0, 2e-4, 4e-4);
    check::<Focal<15, 1, 1, 1>>("Focal<15, 1, 1, 1>", 1.0, 1.2e-3, 2.4e-3);
}

#[test]
fn focal_losses_refuse_targets_outside_of_their_domain() {
    let [wrong, right] = [[1.5, 0.0], [0.5, 0.5]].map(Q12::array);
    let labels = |target| <Focal as Loss<Sigmoid, Fixed>>::evaluate(&mut [Q12::ONE; 2], target);
    let classes = |target| <Focal as Loss<Softmax, Fixed>>::evaluate(&mut [Q12::ONE; 2], target);
    assert!(!labels(&wrong).is_finite() && labels(&right).is_finite());
    assert!(!classes(&wrong).is_finite() && classes(&right).is_finite());
}

#[test]
fn pinball_losses_are_as_precise_as_documented() {
    fn check<L: Loss<Identity, Fixed> + Loss<Identity, f64>>(what: &str) {
        let mut errors = Errors::new(128.0);
        for y in values() {
            // Errors of up to 128.
            for t in [Q12::ZERO, Q12::from_bits(-y.to_bits())] {
                errors.observe::<L, Identity, 1>([y], [t]);
            }
        }
        errors.assert_within(what, 6e-5 / 128.0, 1e-6 / 128.0);
    }
    check::<Pinball<1, 2>>("Pinball<1, 2>");
    check::<Pinball<9, 10>>("Pinball<9, 10>");
    check::<Pinball<1, 1000>>("Pinball<1, 1000>");
}

/// A constant that learns the upper quartile of 0 to 1.
#[test]
fn pinball_loss_learns_a_quantile() {
    type Constant = net![Fixed; 1 => 1 Identity];
    let mut net = Constant::ZERO;
    let mut trainer = Trainer::<Constant, Pinball<3, 4>>::new();
    let sgd = Sgd::new(Q32::new(0.002));
    for i in 0..40_000 {
        let target = [Q12::from_bits(i * 1577 % 4096)];
        trainer.step(&mut net, &sgd, &[Q12::ZERO], &target);
    }
    let [y] = net.forward(&[Q12::ZERO]).map(exact);
    assert!((y - 0.75).abs() < 0.02, "{y}");
}
