//! Convolutions and pooling in files, frames, flash and source, and what tells their types apart.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::float_cmp,
    reason = "tests may panic, and compare exactly"
)]

use gradlet::prelude::*;
use gradlet::safetensors;
use safetensors_oracle::SafeTensors;

/// Two groups, padded, then everything that PyTorch's `nn.Flatten` sees.
pub(crate) type Sequence = Chain<
    Conv1d<4, 4, 2, 3, 4, Relu, f32, 1, 1, 1, 2>,
    Chain<MaxPool1d<4, 2, 2, 2>, Chain<Flatten<[[f32; 2]; 2], 4>, Dense<4, 2, Identity>>>,
>;
pub(crate) type Image = Chain<Filters, Head>;
type Filters = Conv2d<2, 4, 2, 2, 2, 3, 1, 2, Tanh>;
type Head = Chain<GlobalMean<[[[f32; 2]; 2]; 1]>, Dense<2, 1, Identity>>;

/// Gives every parameter another number.
fn numbered<N: Layer<Format = f32> + Zero>() -> N {
    let (mut net, mut next) = (N::ZERO, -1.0);
    net.visit_mut(|_, values| {
        for value in values {
            next += 0.0625;
            *value = next;
        }
    });
    net
}

#[test]
fn files_have_the_names_shapes_and_order_of_pytorch() {
    let net = numbered::<Sequence>();
    let mut file = [0; 1024];
    let names = ["0", "4"];
    let file = safetensors::save(&net, &names, &mut file).unwrap();
    let tensors = SafeTensors::deserialize(file).unwrap();
    let shape = |name: &str| tensors.tensor(name).unwrap().shape().to_vec();
    assert_eq!(tensors.len(), 4);
    assert_eq!((shape("0.weight"), shape("0.bias")), (vec![2, 2, 3], vec![2]));
    assert_eq!((shape("4.weight"), shape("4.bias")), (vec![2, 4], vec![2]));
    let numbers = |tensors: &SafeTensors<'_>, name: &str| -> Vec<f32> {
        let bytes = tensors.tensor(name).unwrap().data().chunks_exact(4);
        bytes.map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap())).collect()
    };
    let filters = net.first().filters();
    assert_eq!(numbers(&tensors, "0.weight"), filters.as_flattened().as_flattened());
    assert_eq!(filters[1][0][2], net.first().weights()[2][0][1]);
    assert_eq!(safetensors::from_bytes::<Sequence>(file, &names).unwrap(), net);

    let net = numbered::<Image>();
    let mut file = [0; 1024];
    let file = safetensors::save(&net, &names, &mut file).unwrap();
    let tensors = SafeTensors::deserialize(file).unwrap();
    assert_eq!(tensors.tensor("0.weight").unwrap().shape(), [2, 2, 2, 3]);
    let filters = net.first().filters();
    let want = filters.as_flattened().as_flattened().as_flattened();
    assert_eq!(numbers(&tensors, "0.weight"), want);
    assert_eq!(filters[1][0][1][2], net.first().weights()[1][2][0][1]);
    assert_eq!(safetensors::from_bytes::<Image>(file, &names).unwrap(), net);
}

#[test]
fn flattened_images_have_the_order_of_pytorch_or_that_of_memory() {
    let image = [[[0.0, 6.0], [1.0, 7.0], [2.0, 8.0]], [[3.0, 9.0], [4.0, 10.0], [5.0, 11.0]]];
    let by_channel: [f32; 12] = Flatten::<[[[f32; 2]; 3]; 2], 12>::new().forward(&image);
    assert!(by_channel.iter().copied().eq((0_u8..12).map(f32::from)));
    let as_it_is = FlattenChannelsLast::<[[[f32; 2]; 3]; 2], 12>::new().forward(&image);
    assert_eq!(as_it_is, *image.as_flattened().as_flattened());
}

const READ_SEQUENCE: Sequence = include!("../weights/source_conv1d.rs");
const READ_IMAGE: Image = include!("../weights/source_conv2d.rs");

#[test]
fn printed_sources_compile_to_the_same_network() {
    let (sequence, image) = (numbered::<Sequence>(), numbered::<Image>());
    let text = format!("{}\n", sequence.to_source());
    assert_eq!(text, include_str!("../weights/source_conv1d.rs"));
    let text = format!("{}\n", image.to_source());
    assert_eq!(text, include_str!("../weights/source_conv2d.rs"));
    assert_eq!((READ_SEQUENCE, READ_IMAGE), (sequence, image));
}

#[test]
fn each_option_changes_the_fingerprint() {
    macro_rules! fingerprints {
        ($($layer:ty),+ $(,)?) => { [$(<$layer>::FINGERPRINT),+] };
    }
    let mut all = fingerprints![
        Conv1d<8, 4, 4, 2, 4, Relu>,
        Conv1d<8, 4, 4, 2, 4, Tanh>,
        Conv1d<8, 4, 4, 2, 4, Relu, f64>,
        Conv1d<8, 4, 4, 2, 4, Relu, f32, 2>,
        Conv1d<8, 4, 4, 2, 4, Relu, f32, 1, 1>,
        Conv1d<8, 4, 4, 2, 4, Relu, f32, 1, 0, 2>,
        Conv1d<8, 4, 4, 2, 4, Relu, f32, 1, 0, 1, 2>,
        Conv1d<8, 4, 4, 2, 3, Relu>,
        Conv1d<9, 4, 4, 2, 4, Relu>,
        Conv1d<8, 4, 4, 4, 4, Relu>,
        Conv2d<8, 8, 4, 4, 2, 2, 4, 4, Relu>,
        Conv2d<8, 8, 4, 4, 2, 2, 4, 4, Relu, f32, 2>,
        Conv2d<8, 8, 4, 4, 2, 2, 4, 4, Relu, f32, 1, 2>,
        Conv2d<8, 8, 4, 4, 2, 2, 4, 4, Relu, f32, 1, 1, 1>,
        Conv2d<8, 8, 4, 4, 2, 2, 4, 4, Relu, f32, 1, 1, 0, 1>,
        Conv2d<8, 8, 4, 4, 2, 2, 4, 4, Relu, f32, 1, 1, 0, 0, 2>,
        Conv2d<8, 8, 4, 4, 2, 2, 4, 4, Relu, f32, 1, 1, 0, 0, 1, 2>,
        DepthwiseConv2d<8, 8, 4, 4, 2, 2, 4, 4, Relu>,
        MaxPool1d<4, 1, 2, 2>,
        MaxPool1d<4, 1, 2, 2, f64>,
        MaxPool1d<4, 1, 2, 3, f32, 1>,
        MeanPool1d<4, 1, 2, 2>,
        MaxPool2d<4, 4, 1, 2, 2, 2, 2>,
        MaxPool2d<4, 4, 1, 2, 2, 3, 2, f32, 1>,
        MaxPool2d<4, 4, 1, 2, 2, 2, 3, f32, 2, 1>,
        MeanPool2d<4, 4, 1, 2, 2, 2, 2>,
        GlobalMean<[[f32; 2]; 4]>,
        GlobalMean<[[f32; 4]; 2]>,
        GlobalMean<[[[f32; 2]; 4]; 1]>,
        GlobalMax<[[f32; 2]; 4]>,
        Flatten<[[f32; 2]; 4], 8>,
        Flatten<[[f32; 4]; 2], 8>,
        FlattenChannelsLast<[[f32; 2]; 4], 8>,
    ];
    all.sort_unstable();
    assert!(all.windows(2).all(|pair| pair[0] != pair[1]));
}

#[test]
fn early_stopping_restores_convolutions() {
    let (net, mut early) = (numbered::<Sequence>(), EarlyStopping::new());
    assert!(early.observe(&net, 1.0, 3).is_continue());
    assert!(early.observe(&Zero::ZERO, 2.0, 3).is_continue());
    let mut restored = Sequence::ZERO;
    assert!(early.restore(&mut restored));
    assert_eq!(restored, net);
}

#[test]
fn frozen_convolutions_stay_as_they_are() {
    type Net = Chain<Frozen<Filters>, Head>;
    assert_eq!(size_of::<<Frozen<Filters> as Layer>::Gradient>(), 0);
    let (first, rest) = numbered::<Image>().into_parts();
    let mut net = Net::new(Frozen::new(first.clone()), rest.clone());
    let image = [[[0.5, -1.0]; 4], [[1.0, 0.25]; 4]];
    let mut trainer = Trainer::<Net, HalfSquaredError, Sgd>::new();
    trainer.step(&mut net, &Sgd { learning_rate: 0.1 }, &image, &[3.0]);
    assert_eq!(*net.first().layer(), first);
    assert!(*net.rest() != rest);
}

#[cfg(feature = "embedded-storage-v0.3")]
#[test]
fn training_of_convolutions_goes_on_from_flash() {
    use crate::flash::Flash;
    use gradlet::store::Store;

    type Steps = Trainer<Sequence, HalfSquaredError, Momentum>;
    let (mut whole, mut trainer) = (numbered::<Sequence>(), Steps::new());
    let momentum = Momentum { learning_rate: 0.01, momentum: 0.9 };
    let x = [[0.5, -1.0, 0.25, 2.0], [1.0; 4], [-0.5; 4], [0.75, 0.5, -2.0, 1.0]];
    let mut store = Store::new(Flash::<8, 512, 4>::new(), 0..8 * 512).unwrap();
    for step in 0..6 {
        if step == 3 {
            store.save_training(&whole, &trainer).unwrap();
        }
        trainer.step(&mut whole, &momentum, &x, &[1.0, -1.0]);
    }
    let (mut resumed, mut trainer) = (Sequence::ZERO, Steps::new());
    assert!(store.load_training(&mut resumed, &mut trainer).is_ok());
    for _ in 3..6 {
        trainer.step(&mut resumed, &momentum, &x, &[1.0, -1.0]);
    }
    assert!(resumed == whole && whole != numbered());
}
