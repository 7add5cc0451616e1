//! Training in turns with PyTorch: each goes on from the file that the other wrote, and both take the
//! same steps. `tests/python/round_trip.py` is the other half.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "tests may panic"
)]

use std::fs;
use std::path::Path;

use gradlet::prelude::*;
use gradlet::{Shape, safetensors};
use safetensors_oracle::tensor::TensorView;
use safetensors_oracle::{Dtype, SafeTensors};
use support::{Random, Rng};

type Vectors = Mlp<3, 4, 2, Tanh, Softmax>;
type Sequences = net![
    16 x 3 => Conv1d(6, 3, padding same) Relu => MaxPool(2) => Conv1d(5, 3) Tanh => GlobalMean
    => 3 Softmax
];
/// PyTorch's `Flatten` has the channels first, the arrays here have them last.
type Images = net![
    6 x 8 x 2 => Conv2d(4, 3 x 3, padding same) Relu => MaxPool(2 x 2) => Flatten => 3 Softmax
];
type Gates = net![9 x 2 => Gru(5) => 3 Softmax];
type Memories = net![9 x 2 => Lstm(4, bidirectional) => 3 Softmax];
const LSTM: &[&str] = &["1", "1.*_l0_reverse", "3"];

/// A file of a network. All but `first_written` are of PyTorch 2.15, written by safetensors 0.8.0.
macro_rules! file {
    ($net:literal $name:literal) => {
        include_bytes!(concat!("../weights/turns/", $net, "/", $name, ".safetensors"))
    };
}

const STEPS: usize = 100;
const MOMENTUM: Momentum = Momentum { learning_rate: 0.1, momentum: 0.9 };

/// The largest difference of outputs, losses or weights, relative to the largest output, loss or
/// weight, after up to 100 steps: 32 bits, in sums of another order.
const CLOSE: f32 = 1e-6;

/// A network, and the names of its layers in files.
struct Turns<N> {
    net: N,
    names: &'static [&'static str],
}

impl<N> Turns<N>
where
    N: Layer<Format = f32, Input: Shape<Element = f32>, Activation = Softmax> + Zero,
{
    fn load(file: &[u8], names: &'static [&'static str]) -> Self {
        Self { net: safetensors::from_bytes(file, names).unwrap(), names }
    }

    fn save(&self) -> Vec<u8> {
        let mut buffer = vec![0; safetensors::file_size::<N>(self.names).unwrap()];
        safetensors::save(&self.net, self.names, &mut buffer).unwrap();
        buffer
    }

    /// All parameters, as they follow each other in a file.
    fn parameters(&self) -> Vec<f32> {
        let file = self.save();
        numbers(&file[file.len() - 4 * N::PARAMS..])
    }

    fn outputs(&self, inputs: &[N::Input]) -> Vec<f32> {
        let outputs = inputs.iter().map(|input| self.net.forward(input));
        outputs.flat_map(|output| output.as_slice().to_vec()).collect()
    }

    /// Takes the steps of a file, and compares each with what PyTorch computed: the largest differences
    /// of outputs before the first step, of losses, and of weights.
    fn follow(&mut self, file: &[u8]) -> [f32; 3] {
        let file = SafeTensors::deserialize(file).unwrap();
        let table = |name: &str| numbers(file.tensor(name).unwrap().data());
        let (inputs, targets) = (rows::<N::Input>(&table("inputs")), rows(&table("targets")));
        let outputs = distance(&self.outputs(&inputs), &table("outputs"));
        let mut trainer = BatchTrainer::<N, CrossEntropy, Momentum>::new();
        let (mut losses, mut weights) = (vec![], 0.0_f32);
        for after in table("after").chunks_exact(N::PARAMS) {
            let examples = inputs.iter().zip(&targets);
            let sum: f32 = examples.map(|(x, t)| trainer.accumulate(&self.net, x, t)).sum();
            losses.push(sum / inputs.len() as f32);
            trainer.apply(&mut self.net, &MOMENTUM);
            weights = weights.max(distance(&self.parameters(), after));
        }
        assert_eq!(losses.len(), STEPS);
        [outputs, distance(&losses, &table("losses")), weights]
    }

    #[track_caller]
    fn follow_closely(&mut self, file: &[u8]) {
        let farthest = self.follow(file);
        println!("{:?}: outputs, losses, weights differ by up to {farthest:?}", self.names);
        assert!(farthest.iter().all(|&distance| distance <= CLOSE), "{farthest:?}");
    }
}

fn numbers(bytes: &[u8]) -> Vec<f32> {
    bytes.chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap())).collect()
}

fn rows<X: Shape<Element = f32>>(numbers: &[f32]) -> Vec<X> {
    let row = |numbers: &[f32]| {
        let mut row = X::ZERO;
        row.as_mut_slice().copy_from_slice(numbers);
        row
    };
    numbers.chunks_exact(X::LEN).map(row).collect()
}

/// The largest difference, relative to the largest number; infinite if there is a NaN.
fn distance(got: &[f32], want: &[f32]) -> f32 {
    assert_eq!(got.len(), want.len());
    let largest = |numbers: &mut dyn Iterator<Item = f32>| {
        numbers.fold(
            0.0,
            |largest: f32, x| if x.is_nan() { f32::INFINITY } else { largest.max(x.abs()) },
        )
    };
    let difference = largest(&mut got.iter().zip(want).map(|(got, want)| got - want));
    difference / largest(&mut want.iter().copied())
}

#[test]
fn training_goes_on_as_in_pytorch() {
    static NET: Vectors = gradlet::load![file!("dense" "first"); "0", "2"];
    let names = &["0", "2"];
    let mut turns = Turns { net: NET.clone(), names };
    assert_eq!(turns.save(), file!("dense" "first"));
    assert_eq!(turns.net, Turns::load(file!("dense" "first"), names).net);
    turns.follow_closely(file!("dense" "first_steps"));
    // These bytes PyTorch has loaded and gone on from.
    assert_eq!(turns.save(), file!("dense" "first_written"));
    turns.follow_closely(file!("dense" "second_steps"));
}

#[test]
fn convolutions_go_on_as_in_pytorch() {
    static SEQUENCES: Sequences = gradlet::load![file!("conv1d" "first"); "0", "3", "7"];
    let mut turns = Turns { net: SEQUENCES.clone(), names: &["0", "3", "7"] };
    assert_eq!(turns.save(), file!("conv1d" "first"));
    turns.follow_closely(file!("conv1d" "first_steps"));
    assert_eq!(turns.save(), file!("conv1d" "first_written"));

    static IMAGES: Images = gradlet::load![file!("conv2d" "first"); "0", "4"];
    let mut turns = Turns { net: IMAGES.clone(), names: &["0", "4"] };
    assert_eq!(turns.save(), file!("conv2d" "first"));
    turns.follow_closely(file!("conv2d" "first_steps"));
    assert_eq!(turns.save(), file!("conv2d" "first_written"));
}

#[test]
fn recurrent_layers_go_on_as_in_pytorch() {
    static GATES: Gates = gradlet::load![file!("gru" "first"); "1", "3"];
    let mut turns = Turns { net: GATES.clone(), names: &["1", "3"] };
    assert_eq!(turns.save(), file!("gru" "first"));
    turns.follow_closely(file!("gru" "first_steps"));
    assert_eq!(turns.save(), file!("gru" "first_written"));

    let mut turns = Turns::<Memories>::load(file!("lstm" "first"), LSTM);
    assert_eq!(turns.save(), file!("lstm" "first"));
    turns.follow_closely(file!("lstm" "first_steps"));
    assert_eq!(turns.save(), file!("lstm" "first_written"));
}

#[test]
fn steps_are_worth_comparing() {
    let farthest = |distances: [f32; 3]| distances.into_iter().fold(0.0, f32::max);
    let mut turns = Turns::<Vectors>::load(file!("dense" "first"), &["0", "2"]);
    turns.net.first_mut().weights_mut()[0][0] += 1e-4;
    assert!(farthest(turns.follow(file!("dense" "first_steps"))) > 10.0 * CLOSE);
    // The order of channels matters.
    type Wrong = net![
        6 x 8 x 2 => Conv2d(4, 3 x 3, padding same) Relu => MaxPool(2 x 2) => FlattenChannelsLast
        => 3 Softmax
    ];
    let mut turns = Turns::<Wrong>::load(file!("conv2d" "first"), &["0", "4"]);
    assert!(farthest(turns.follow(file!("conv2d" "first_steps"))) > 1e4 * CLOSE);
    // So do both biases of a gate, which are two in the new state of a GRU only.
    let mut turns = Turns::<Gates>::load(file!("gru" "first"), &["1", "3"]);
    let layer = turns.net.first_mut();
    let bias = layer.input_bias()[10];
    layer.input_bias_mut()[10] = layer.state_bias()[10];
    layer.state_bias_mut()[10] = bias;
    assert!(farthest(turns.follow(file!("gru" "first_steps"))) > 1e4 * CLOSE);
}

/// Recurrent layers of each kind, stacked, in both directions and in one.
type Saved = net![
    7 x 2 => Gru(3, all, bidirectional) => Gru(3, all, bidirectional) => LayerNorm Identity
    => Lstm(4, all) => Lstm(4, all) => Rnn(3, bidirectional) => 3 Identity
];

#[test]
#[ignore = "needs a folder in GRADLET_ROUND_TRIP"]
fn recurrent_layers_are_saved_for_pytorch() {
    const NAMES: [&str; 10] = [
        "gru",
        "gru.*_l0_reverse",
        "gru.*_l1",
        "gru.*_l1_reverse",
        "norm",
        "lstm",
        "lstm.*_l1",
        "rnn",
        "rnn.*_l0_reverse",
        "head",
    ];
    let folder = std::env::var_os("GRADLET_ROUND_TRIP").unwrap();
    let mut rng = Rng(1);
    let net = Saved::random(&mut rng);
    let mut file = vec![0; safetensors::file_size::<Saved>(&NAMES).unwrap()];
    safetensors::save(&net, &NAMES, &mut file).unwrap();
    fs::write(Path::new(&folder).join("saved.safetensors"), file).unwrap();
    let inputs: [[[f32; 2]; 7]; 16] =
        rows(&core::array::from_fn::<_, { 14 * 16 }, _>(|_| rng.range(-3.0, 3.0) as f32))
            .try_into()
            .unwrap();
    let outputs = inputs.map(|x| net.forward(&x));
    let bytes = |numbers: &[f32]| numbers.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<_>>();
    let (inputs, outputs) =
        (bytes(inputs.as_flattened().as_flattened()), bytes(outputs.as_flattened()));
    let view = |shape: &[usize], bytes| TensorView::new(Dtype::F32, shape.to_vec(), bytes).unwrap();
    let cases = [("inputs", view(&[16, 7, 2], &inputs)), ("outputs", view(&[16, 3], &outputs))];
    let file = safetensors_oracle::serialize(cases, None).unwrap();
    fs::write(Path::new(&folder).join("saved_cases.safetensors"), file).unwrap();
}

#[test]
#[ignore = "needs a folder in GRADLET_ROUND_TRIP, and a name there in GRADLET_ROUND_TRIP_NAME"]
fn files_of_a_folder_are_followed() {
    fn follow<N>(net: &str, names: &'static [&'static str])
    where
        N: Layer<Format = f32, Input: Shape<Element = f32>, Activation = Softmax> + Zero,
    {
        let folder = Path::new(&std::env::var_os("GRADLET_ROUND_TRIP").unwrap()).join(net);
        // Without PyTorch there is only the first.
        if !folder.exists() && net != "dense" {
            println!("no folder {}: skipped", folder.display());
            return;
        }
        let name = std::env::var("GRADLET_ROUND_TRIP_NAME").unwrap();
        let path = |end: &str| folder.join(format!("{name}{end}.safetensors"));
        let mut turns = Turns::<N>::load(&fs::read(path("")).unwrap(), names);
        let steps = fs::read(path("_steps")).unwrap();
        turns.follow_closely(&steps);
        fs::write(path("_written"), turns.save()).unwrap();
        let steps = SafeTensors::deserialize(&steps).unwrap();
        let (inputs, outputs) = (steps.tensor("inputs").unwrap(), steps.tensor("outputs").unwrap());
        let said = turns.outputs(&rows(&numbers(inputs.data())));
        let said: Vec<_> = said.iter().flat_map(|y| y.to_le_bytes()).collect();
        let said = TensorView::new(outputs.dtype(), outputs.shape().to_vec(), &said).unwrap();
        let file = safetensors_oracle::serialize([("outputs", said)], None).unwrap();
        fs::write(path("_said"), file).unwrap();
    }
    follow::<Vectors>("dense", &["0", "2"]);
    follow::<Sequences>("conv1d", &["0", "3", "7"]);
    follow::<Images>("conv2d", &["0", "4"]);
    follow::<Gates>("gru", &["1", "3"]);
    follow::<Memories>("lstm", LSTM);
}
