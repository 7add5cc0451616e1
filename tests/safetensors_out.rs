//! `safetensors` files that the library writes.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests may panic"
)]

use gradlet::safetensors::{self, LoadError, Safetensors, SaveError, WeightShapes};
use gradlet::{GradientVisitor, LayerTrace, Tensor, prelude::*};

const FILE: &[u8] = include_bytes!("weights/plain.safetensors");
const NAMES: [&str; 2] = ["0", "2"];

type Net = Mlp<2, 2, 2>;

static NET: Net = gradlet::load![FILE; "0", "2"];

const _: () = assert!(safetensors::file_size::<Net>(&NAMES).unwrap() == FILE.len());

/// The whole file, which must fill the buffer.
fn written<N: Layer>(net: &N, names: &[&str]) -> Vec<u8> {
    let mut buffer = vec![0xaa; safetensors::file_size::<N>(names).unwrap()];
    assert_eq!(net.to_safetensors(names, &mut buffer).unwrap().len(), buffer.len());
    buffer
}

#[test]
fn loaded_files_are_written_as_they_were() {
    assert_eq!(written(&NET, &NAMES), FILE);

    // tests/python/files.py has the same names.
    let names = ["0", "0.a", "a\"\\/\0\u{1}\u{8}\u{c}\n\r\t\u{1f}\u{7f}", "é😀", ""];
    let file = include_bytes!("weights/names.safetensors");
    type Deep = net![2 => 3 Tanh => 1 Tanh => 2 Tanh => 1 Tanh => 2 Identity];
    assert_eq!(written(&Deep::from_safetensors(file, &names).unwrap(), &names), file);

    let names = ["0", "2", "4", "6", "8", "10", "12", "14", "16", "18", "20"];
    let file = include_bytes!("weights/order.safetensors");
    type Deeper = net![f64;
        1 => 2 Tanh => 1 Tanh => 2 Tanh => 1 Tanh => 2 Tanh => 1 Tanh => 2 Tanh => 1 Tanh => 2 Tanh
            => 1 Tanh => 2 Identity];
    assert_eq!(written(&Deeper::from_safetensors(file, &names).unwrap(), &names), file);
}

#[test]
fn names_of_every_byte_are_read_as_they_were_written() {
    let net = Dense::<1, 1, Identity, f64>::new([[f64::MIN_POSITIVE]], [f64::MAX]);
    for character in (0..0x250).chain(0xd7f0..0xe010).chain(0x10_fff0..0x11_0000) {
        let Some(character) = char::from_u32(character) else { continue };
        let name = format!("{character}{character}_");
        let file = written(&net, &[&name]);
        let mut found = Dense::ZERO;
        Safetensors::new(&file).unwrap().load_into(&mut found, &[&name]).unwrap();
        assert_eq!(found, net, "{name:?}");
    }
}

#[test]
fn every_bit_of_a_number_is_written() {
    for bits in [0, 1, 1 << 31, 0x7f7f_ffff, 0xff7f_ffff, 0x0080_0000, 0x807f_ffff, 0x1234_5678_u32]
    {
        let other = bits ^ 0x8055_aa0f;
        let net = Dense::<1, 1>::new([[f32::from_bits(bits)]], [f32::from_bits(other)]);
        let file = written(&net, &["0"]);
        let end = [other.to_le_bytes(), bits.to_le_bytes()].concat();
        assert!(file.ends_with(&end), "{bits:x}");
    }
}

#[test]
fn frozen_layers_are_not_written() {
    type Head = Chain<Frozen<&'static Dense<2, 2>>, Dense<2, 2>>;
    let net = Head::new(Frozen::new(NET.first()), NET.rest().clone());
    assert_eq!(written(&net, &["2"]), written(NET.rest(), &["2"]));
    let none = Frozen::new(NET.clone());
    assert_eq!(written(&none, &[]), b"\x08\0\0\0\0\0\0\0{}      ");
}

#[test]
fn what_cannot_be_written_leaves_the_buffer_alone() {
    let needed = FILE.len();
    let mut buffer = vec![0xaa; needed];
    let mut save = |names, length| {
        let error = NET.to_safetensors(names, &mut buffer[..length]).unwrap_err();
        assert!(buffer.iter().all(|&byte| byte == 0xaa));
        error
    };
    for found in [0, 1, needed - 1] {
        let error = save(&NAMES, found);
        assert_eq!(error, SaveError::Buffer { needed, found });
        let text = format!("the file takes {needed} bytes, but the buffer has {found}");
        assert_eq!(error.to_string(), text);
    }
    for names in [&[][..], &["0"], &["0", "1", "2"]] {
        let error = save(names, needed);
        assert_eq!(error, SaveError::Names { expected: 2, found: names.len() });
        let load_error = LoadError::Names { expected: 2, found: names.len() };
        assert_eq!(error.to_string(), load_error.to_string());
        assert_eq!(safetensors::file_size::<Net>(names), None);
    }
    let error = save(&["0", "0"], needed);
    assert_eq!(error, SaveError::Duplicate { layer: "0" });
    assert_eq!(error.to_string(), "two layers have the name `0`");
    assert_eq!(safetensors::file_size::<Net>(&["0", "0"]), None);
}

#[test]
fn networks_that_are_not_finite_are_not_written() {
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let (mut first, mut last) = (NET.clone(), NET.clone());
        first.first_mut().weights_mut()[0][1] = value;
        last.rest_mut().bias_mut()[1] = value;
        for net in [first, last] {
            let mut buffer = vec![0xaa; FILE.len()];
            let error = net.to_safetensors(&NAMES, &mut buffer).unwrap_err();
            assert_eq!(error, SaveError::NotFinite);
            assert_eq!(
                error.to_string(),
                "the network has a parameter that is NaN or infinite, and is not saved"
            );
            assert!(buffer.iter().all(|&byte| byte == 0xaa));
            #[cfg(feature = "embedded-io")]
            {
                let mut writer = Vec::new();
                let error = net.write_safetensors(&NAMES, &mut writer).unwrap_err();
                assert_eq!(error, safetensors::WriteError::Save(SaveError::NotFinite));
                assert_eq!(writer, []);
            }
        }
    }
}

/// So that a network is written by the names by which a part of a larger file was loaded.
#[test]
fn names_that_ignore_tensors_are_no_layers_when_written() {
    for names in [&["0", "2", ".."][..], &["a..", "0", "b..", "2"], &["0", "2", "x..", "x.."]] {
        assert_eq!(written(&NET, names), FILE);
    }
    assert_eq!(
        NET.to_safetensors(&["0", "2.."], &mut [0; 512]),
        Err(SaveError::Names { expected: 2, found: 1 })
    );
}

#[cfg(feature = "embedded-io")]
mod to_writers {
    use core::error::Error as _;

    use embedded_io::{ErrorType, SliceWriteError, Write};
    use gradlet::safetensors::WriteError;

    use super::*;

    /// Takes so many bytes at a time, and says that it took so many more.
    struct Slow {
        file: Vec<u8>,
        at_once: usize,
        more: usize,
    }

    impl ErrorType for Slow {
        type Error = SliceWriteError;
    }

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> Result<usize, SliceWriteError> {
            let length = bytes.len().min(self.at_once);
            self.file.extend_from_slice(&bytes[..length]);
            Ok(length + self.more)
        }

        fn flush(&mut self) -> Result<(), SliceWriteError> {
            Err(SliceWriteError::Full)
        }
    }

    #[test]
    fn writers_get_the_same_bytes() {
        for at_once in [1, 7, 63, 64, 65, usize::MAX] {
            let mut slow = Slow { file: Vec::new(), at_once, more: 0 };
            NET.write_safetensors(&NAMES, &mut slow).unwrap();
            assert_eq!(slow.file, FILE, "{at_once}");
        }
    }

    #[test]
    fn writers_that_are_stuck_are_errors() {
        for (at_once, more) in [(0, 0), (64, 1), (1, usize::MAX - 1)] {
            let mut stuck = Slow { file: Vec::new(), at_once, more };
            let error = NET.write_safetensors(&NAMES, &mut stuck).unwrap_err();
            assert_eq!(error, WriteError::Stuck, "{at_once} {more}");
            assert!(error.source().is_none());
        }
    }

    #[test]
    fn errors_of_writers_are_handed_on() {
        for length in 0..FILE.len() {
            let mut buffer = vec![0; length];
            let error = NET.write_safetensors(&NAMES, &mut buffer.as_mut_slice()).unwrap_err();
            assert_eq!(error, WriteError::Write(SliceWriteError::Full));
            assert_eq!(error.source().unwrap().to_string(), SliceWriteError::Full.to_string());
        }
        let mut file = Vec::new();
        let error = NET.write_safetensors(&["0", "0"], &mut file).unwrap_err();
        assert_eq!(error, WriteError::Save(SaveError::Duplicate { layer: "0" }));
        assert_eq!((error.to_string(), file), ("two layers have the name `0`".to_owned(), vec![]));
    }
}

#[test]
fn longer_buffers_keep_their_end() {
    let mut buffer = vec![0xaa; FILE.len() + 9];
    assert_eq!(NET.to_safetensors(&NAMES, &mut buffer).unwrap(), FILE);
    assert_eq!(buffer[FILE.len()..], [0xaa; 9]);
}

#[test]
fn shapes_are_listed_in_order() {
    let shapes = format!("{:?}", <Mlp<2, 4, 3> as Layer>::WEIGHTS);
    assert_eq!(
        shapes,
        "[Weights { inputs: 2, outputs: 4, bias: true }, \
         Weights { inputs: 4, outputs: 3, bias: true }]"
    );
    assert_eq!(<Frozen<Net> as Layer>::WEIGHTS, WeightShapes::NONE);
    assert_ne!(<Mlp<2, 4, 3> as Layer>::WEIGHTS, <Mlp<2, 4, 2> as Layer>::WEIGHTS);
}

/// A layer whose constant says one thing, and which shows another: 0 for nothing, and so on.
struct Own<const SAYS: u8, const SHOWS: u8>;

const fn weights(inputs: usize, outputs: usize) -> Tensor {
    Tensor::Weights { inputs, outputs }
}

const SAID: [WeightShapes; 6] = [
    WeightShapes::NONE,
    WeightShapes::without_bias(2, 3),
    WeightShapes::with_bias(2, 3),
    WeightShapes::with_bias(3, 2),
    WeightShapes::both(&WeightShapes::without_bias(2, 3), &WeightShapes::with_bias(1, 1)),
    WeightShapes::both(&WeightShapes::with_bias(2, 3), &WeightShapes::with_bias(1, 1)),
];
const SHOWN: [&[(Tensor, usize)]; 9] = [
    &[(Tensor::Other, 5)],
    &[(weights(2, 3), 6), (Tensor::Other, 1)],
    &[(weights(2, 3), 6), (Tensor::Other, 1), (Tensor::Bias, 3)],
    &[(weights(3, 2), 6), (Tensor::Bias, 2)],
    &[(weights(2, 3), 6), (weights(1, 1), 1), (Tensor::Bias, 1)],
    &[(Tensor::Bias, 3), (weights(2, 3), 6), (Tensor::Bias, 3), (Tensor::Bias, 3)],
    &[(weights(2, 3), 7), (Tensor::Bias, 2)],
    &[(weights(2, 3), 6), (Tensor::Bias, 2)],
    &[(weights(2, 3), 6), (Tensor::Bias, 3), (weights(1, 1), 1), (Tensor::Bias, 3)],
];

impl<const SAYS: u8, const SHOWS: u8> Layer for Own<SAYS, SHOWS> {
    type Scalar = f32;
    type Input = [f32; 2];
    type Output = [f32; 2];
    type Activation = Identity;
    type Trace = LayerTrace<[f32; 2], Identity>;
    type Gradient = ();
    const PARAMS: usize = 0;
    const MACS: usize = 0;
    const WEIGHTS: WeightShapes = SAID[SAYS as usize];

    fn logits(&self, _input: &[f32; 2], _logits: &mut [f32; 2]) {}

    fn input_gradient(
        &self,
        _input: &[f32; 2],
        _trace: &Self::Trace,
        _delta: &[f32; 2],
        _gradient: &mut [f32; 2],
    ) {
    }

    fn gradient<const P: usize, const S: usize>(
        _nets: [&mut Self; P],
        _state: [&mut (); S],
        _input: &[f32; 2],
        _trace: &Self::Trace,
        _delta: &[f32; 2],
        _visitor: &mut impl GradientVisitor<f32, P, S>,
    ) {
    }

    fn parameters<const S: usize>(
        &self,
        _state: [&mut (); S],
        visit: &mut impl FnMut(Tensor, &[f32], [&mut [f32]; S]),
    ) {
        let values = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0];
        for &(tensor, length) in SHOWN[usize::from(SHOWS)] {
            visit(tensor, &values[..length], [(); S].map(|()| [].as_mut_slice()));
        }
    }

    fn tensors<const G: usize, const P: usize, const S: usize>(
        _gradients: [&(); G],
        _nets: [&mut Self; P],
        _state: [&mut (); S],
        _visit: &mut impl FnMut(Tensor, [&[f32]; G], [&mut [f32]; P], [&mut [f32]; S]),
    ) {
    }
}

#[test]
fn layers_of_the_users_own_are_written_as_they_say() {
    fn data<const KIND: u8>(names: &[&str]) -> Vec<f32> {
        let file = written(&Own::<KIND, KIND>, names);
        Safetensors::new(&file).unwrap();
        let header = usize::try_from(u64::from_le_bytes(file[..8].try_into().unwrap())).unwrap();
        file[8 + header..].chunks(4).map(|n| f32::from_le_bytes(n.try_into().unwrap())).collect()
    }
    assert_eq!(data::<0>(&[]), []);
    assert_eq!(data::<1>(&["a"]), [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
    assert_eq!(data::<2>(&["a"]), [1.0, 2.0, 3.0, 1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
    assert_eq!(data::<3>(&["a"]), [1.0, 2.0, 1.0, 3.0, 5.0, 2.0, 4.0, 6.0]);
    assert_eq!(data::<4>(&["b", "a"]), [1.0, 1.0, 1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
}

/// Of a layer that has no bias, a bias in the file is one that no layer takes.
#[test]
fn a_bias_that_a_layer_does_not_have_is_refused() {
    let with_bias = written(&Own::<2, 2>, &["a"]);
    assert_eq!(Own::<2, 2>.load_safetensors(&with_bias, &["a"]), Ok(()));
    let error = Own::<1, 1>.load_safetensors(&with_bias, &["a"]).unwrap_err();
    assert!(matches!(error, LoadError::Unexpected { found } if found.as_str() == "a.bias"));
    assert_eq!(Own::<1, 1>.load_safetensors(&with_bias, &["a", "a.bias.."]), Ok(()));
    let without_bias = written(&Own::<1, 1>, &["a"]);
    assert_eq!(Own::<1, 1>.load_safetensors(&without_bias, &["a"]), Ok(()));
}

#[test]
fn layers_that_show_other_than_they_say_are_not_written() {
    fn assert_undescribed<const SAYS: u8, const SHOWS: u8>() {
        let names = &["a", "b"][..SAID[usize::from(SAYS)].count()];
        let mut buffer = [0xaa; 512];
        let error = Own::<SAYS, SHOWS>.to_safetensors(names, &mut buffer).unwrap_err();
        assert_eq!(error, SaveError::Undescribed, "{SAYS} {SHOWS}");
        assert_eq!(buffer, [0xaa; 512]);
    }
    macro_rules! undescribed {
        ($($says:literal $shows:literal,)+) => { $(assert_undescribed::<$says, $shows>();)+ };
    }
    undescribed! {
        0 1, 0 2, 0 3, 0 4, 0 5, 1 0, 1 2, 1 3, 1 4, 1 5, 1 6, 2 0, 2 1, 2 3, 2 4, 2 5, 2 6, 3 2,
        2 7, 4 1, 4 2, 4 3, 5 4, 5 8,
    }
}
