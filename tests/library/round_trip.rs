//! Training in turns with PyTorch: each goes on from the file that the other wrote, and both take the
//! same steps. `tests/python/round_trip.py` is the other half.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests may panic"
)]

use std::fs;
use std::path::Path;

use gradlet::prelude::*;
use gradlet::safetensors;

type Net = Mlp<3, 4, 2, Tanh, Softmax>;
const NAMES: [&str; 2] = ["0", "2"];
const SIZE: usize = safetensors::file_size::<Net>(&NAMES).unwrap();

/// Trained in PyTorch 2.15, written by safetensors 0.8.0.
const FIRST: &[u8] = include_bytes!("../weights/first.safetensors");
static NET: Net = gradlet::load![FIRST; "0", "2"];

const EXAMPLES: usize = 24;
const STEPS: usize = 100;
const MOMENTUM: Momentum = Momentum { learning_rate: 0.1, momentum: 0.9 };

/// 32 bits, in sums of another order: of outputs and losses, which are 1 at most.
const CLOSE: f32 = 5e-7;
/// Of weights, which are about 1, after up to 100 steps.
const CLOSE_WEIGHTS: f32 = 4e-6;

/// What the Python library does, from the same weights.
struct Steps {
    inputs: Dense<3, EXAMPLES>,
    targets: Dense<2, EXAMPLES>,
    outputs: Dense<2, EXAMPLES>,
    losses: Dense<1, STEPS>,
    after: Dense<{ Net::PARAMS }, STEPS>,
}

impl Steps {
    fn read(file: &[u8]) -> Self {
        fn table<const IN: usize, const OUT: usize>(file: &[u8], name: &str) -> Dense<IN, OUT> {
            let mut table = Dense::ZERO;
            safetensors::load(&mut table, file, &[name, ".."]).unwrap();
            table
        }
        Self {
            inputs: table(file, "inputs"),
            targets: table(file, "targets"),
            outputs: table(file, "outputs"),
            losses: table(file, "losses"),
            after: table(file, "after"),
        }
    }

    fn outputs_of(&self, net: &Net) -> [[f32; 2]; EXAMPLES] {
        self.inputs.rows().map(|input| net.forward(&input))
    }

    /// Takes the same steps, and compares each.
    fn follow(&self, net: &mut Net) {
        let mut farthest = [0.0_f32; 3];
        let mut compare = |what: usize, got: &[f32], want: &[f32], close: f32| {
            assert_eq!(got.len(), want.len());
            for (got, want) in got.iter().zip(want) {
                let distance = (got - want).abs();
                assert!(distance <= close, "{got} is not {want}");
                farthest[what] = farthest[what].max(distance);
            }
        };
        let outputs = self.outputs_of(net);
        compare(0, outputs.as_flattened(), self.outputs.rows().as_flattened(), CLOSE);
        let mut trainer = BatchTrainer::<Net, CrossEntropy, Momentum>::new();
        let examples = self.inputs.rows().into_iter().zip(self.targets.rows());
        for (want_loss, want) in self.losses.rows().iter().zip(self.after.rows()) {
            let mut sum = 0.0;
            for (input, target) in examples.clone() {
                sum += trainer.accumulate(net, &input, &target);
            }
            trainer.apply(net, &MOMENTUM);
            compare(1, &[sum / 24.0], want_loss, CLOSE);
            compare(2, &flat(net), &want, CLOSE_WEIGHTS);
        }
        println!("farthest outputs, losses, weights: {farthest:?}");
    }
}

/// All parameters, as Python's files have them: row by row.
fn flat(net: &Net) -> Vec<f32> {
    let [first, rest] = [net.first().rows().concat(), net.rest().rows().concat()];
    [&first[..], net.first().bias(), &rest, net.rest().bias()].concat()
}

#[test]
fn training_goes_on_as_in_pytorch() {
    let steps = Steps::read(include_bytes!("../weights/first_steps.safetensors"));
    let mut net = NET.clone();
    let mut buffer = [0; SIZE];
    assert_eq!(safetensors::save(&net, &NAMES, &mut buffer), Ok(FIRST));
    assert_eq!(safetensors::from_bytes::<Net>(FIRST, &NAMES).as_ref(), Ok(&net));
    steps.follow(&mut net);
    // These bytes PyTorch has loaded and gone on from.
    let written: &[u8] = include_bytes!("../weights/first_written.safetensors");
    assert_eq!(safetensors::save(&net, &NAMES, &mut buffer), Ok(written));
    let steps = Steps::read(include_bytes!("../weights/second_steps.safetensors"));
    steps.follow(&mut net);
}

#[test]
fn steps_are_worth_comparing() {
    let steps = Steps::read(include_bytes!("../weights/first_steps.safetensors"));
    let mut net = NET.clone();
    net.first_mut().weights_mut()[0][0] += 1e-4;
    assert!(std::panic::catch_unwind(move || steps.follow(&mut net)).is_err());
}

#[test]
#[ignore = "needs a folder in GRADLET_ROUND_TRIP, and a name there in GRADLET_ROUND_TRIP_NAME"]
fn files_of_a_folder_are_followed() {
    let folder = std::env::var_os("GRADLET_ROUND_TRIP").unwrap();
    let name = std::env::var("GRADLET_ROUND_TRIP_NAME").unwrap();
    let path = |end: &str| Path::new(&folder).join(format!("{name}{end}.safetensors"));
    let mut net = safetensors::from_bytes::<Net>(&fs::read(path("")).unwrap(), &NAMES).unwrap();
    let steps = Steps::read(&fs::read(path("_steps")).unwrap());
    steps.follow(&mut net);
    let mut buffer = [0; SIZE];
    fs::write(path("_written"), safetensors::save(&net, &NAMES, &mut buffer).unwrap()).unwrap();
    let said = Dense::<2, EXAMPLES>::from_rows(steps.outputs_of(&net), [0.0; EXAMPLES]);
    let mut buffer = [0; 1024];
    fs::write(path("_said"), safetensors::save(&said, &["outputs"], &mut buffer).unwrap()).unwrap();
}
