//! `safetensors` files that the library writes.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests may panic"
)]

use gradlet::safetensors::{self, LoadError, Safetensors, SaveError};
use gradlet::{Deltas, Kind, LayerTrace, Samples, Tensor, TensorList, Weight, prelude::*};

const FILE: &[u8] = include_bytes!("weights/plain.safetensors");
const NAMES: [&str; 2] = ["0", "2"];

type Net = Mlp<2, 2, 2>;

static NET: Net = gradlet::load![FILE; "0", "2"];

const _: () = assert!(safetensors::file_size::<Net>(&NAMES).unwrap() == FILE.len());

/// The whole file, which must fill the buffer.
fn written<N: Layer<Format: Scalar>>(net: &N, names: &[&str]) -> Vec<u8> {
    let mut buffer = vec![0xaa; safetensors::file_size::<N>(names).unwrap()];
    assert_eq!(safetensors::save(net, names, &mut buffer).unwrap().len(), buffer.len());
    buffer
}

#[test]
fn loaded_files_are_written_as_they_were() {
    assert_eq!(written(&NET, &NAMES), FILE);

    // tests/python/files.py has the same names.
    let names = ["0", "0.a", "a\"\\/\0\u{1}\u{8}\u{c}\n\r\t\u{1f}\u{7f}", "é😀", ""];
    let file = include_bytes!("weights/names.safetensors");
    type Deep = net![2 => 3 Tanh => 1 Tanh => 2 Tanh => 1 Tanh => 2 Identity];
    assert_eq!(written(&safetensors::from_bytes::<Deep>(file, &names).unwrap(), &names), file);

    let names = ["0", "2", "4", "6", "8", "10", "12", "14", "16", "18", "20"];
    let file = include_bytes!("weights/order.safetensors");
    type Deeper = net![f64;
        1 => 2 Tanh => 1 Tanh => 2 Tanh => 1 Tanh => 2 Tanh => 1 Tanh => 2 Tanh => 1 Tanh => 2 Tanh
            => 1 Tanh => 2 Identity];
    assert_eq!(written(&safetensors::from_bytes::<Deeper>(file, &names).unwrap(), &names), file);
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
        let error = safetensors::save(&NET, names, &mut buffer[..length]).unwrap_err();
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
            let error = safetensors::save(&net, &NAMES, &mut buffer).unwrap_err();
            assert_eq!(error, SaveError::NotFinite);
            assert_eq!(error.to_string(), "a parameter of the network is NaN or infinite");
            assert!(buffer.iter().all(|&byte| byte == 0xaa));
            #[cfg(feature = "embedded-io-v0.7")]
            {
                let mut writer = Vec::new();
                let error = safetensors::write(&net, &NAMES, &mut writer).unwrap_err();
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
        safetensors::save(&NET, &["0", "2.."], &mut [0; 512]),
        Err(SaveError::Names { expected: 2, found: 1 })
    );
}

#[cfg(feature = "embedded-io-v0.7")]
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
            safetensors::write(&NET, &NAMES, &mut slow).unwrap();
            assert_eq!(slow.file, FILE, "{at_once}");
        }
    }

    #[test]
    fn writers_that_are_stuck_are_errors() {
        for (at_once, more) in [(0, 0), (64, 1), (1, usize::MAX - 1)] {
            let mut stuck = Slow { file: Vec::new(), at_once, more };
            let error = safetensors::write(&NET, &NAMES, &mut stuck).unwrap_err();
            assert_eq!(error, WriteError::Stuck, "{at_once} {more}");
            assert!(error.source().is_none());
        }
    }

    #[test]
    fn errors_of_writers_are_handed_on() {
        for length in 0..FILE.len() {
            let mut buffer = vec![0; length];
            let error = safetensors::write(&NET, &NAMES, &mut buffer.as_mut_slice()).unwrap_err();
            assert_eq!(error, WriteError::Write(SliceWriteError::Full));
            assert_eq!(error.source().unwrap().to_string(), SliceWriteError::Full.to_string());
        }
        let mut file = Vec::new();
        let error = safetensors::write(&NET, &["0", "0"], &mut file).unwrap_err();
        assert_eq!(error, WriteError::Save(SaveError::Duplicate { layer: "0" }));
        assert_eq!((error.to_string(), file), ("two layers have the name `0`".to_owned(), vec![]));
    }
}

#[test]
fn longer_buffers_keep_their_end() {
    let mut buffer = vec![0xaa; FILE.len() + 9];
    assert_eq!(safetensors::save(&NET, &NAMES, &mut buffer).unwrap(), FILE);
    assert_eq!(buffer[FILE.len()..], [0xaa; 9]);
}

const fn tensor(kind: Kind, name: &'static str, shape: &'static [usize]) -> Tensor {
    Tensor { kind, name, shape, order: &[] }
}

const WEIGHT: Tensor = tensor(Kind::Weight, "weight", &[3, 2]);
const BIAS: Tensor = tensor(Kind::Bias, "bias", &[3]);
const OTHER: Tensor = tensor(Kind::Other, "scale", &[]);
const CUBE: Tensor = tensor(Kind::Weight, "weight", &[2, 3, 2]);

/// Lists of tensors, by number.
const LISTS: [&[Tensor]; 16] = [
    &[],
    &[WEIGHT],
    &[WEIGHT, BIAS],
    &[tensor(Kind::Weight, "weight", &[2, 3]), tensor(Kind::Bias, "bias", &[2])],
    &[WEIGHT, OTHER, tensor(Kind::Bias, "bias.of", &[1])],
    &[BIAS, WEIGHT],
    &[CUBE],
    &[Tensor { order: &[1, 0, 2], ..CUBE }],
    &[Tensor { order: &[0, 1, 2], ..CUBE }],
    &[Tensor { order: &[0, 1], ..CUBE }],
    &[Tensor { order: &[0, 1, 1], ..CUBE }],
    &[Tensor { order: &[0, 1, 3], ..CUBE }],
    &[WEIGHT, WEIGHT],
    &[tensor(Kind::Weight, "weight", &[1, 2, 1, 3, 1])],
    &[tensor(Kind::Bias, "of", &[1])],
    &[tensor(Kind::Weight, "weight", &[1, 2, 1, 3])],
];

/// A layer that lists some tensors and shows others.
#[derive(Clone, Debug, PartialEq)]
struct Own<const SAYS: usize, const SHOWS: usize>([f32; 12]);

impl<const SAYS: usize, const SHOWS: usize> Own<SAYS, SHOWS> {
    fn new() -> Self {
        let mut number = 0.0;
        Self([(); 12].map(|()| {
            number += 1.0;
            number
        }))
    }
}

impl<const SAYS: usize, const SHOWS: usize> Layer for Own<SAYS, SHOWS> {
    type Format = f32;
    type Input = [f32; 2];
    type Output = [f32; 2];
    type Activation = Identity;
    type Trace = LayerTrace<f32, [f32; 2], Identity>;
    type Gradient = ();
    const MACS: usize = 0;
    const TENSORS: TensorList = TensorList::of(LISTS[SAYS]);

    fn logits(&self, _input: &[f32; 2], _logits: &mut [f32; 2]) {}

    fn input_gradient<const K: usize>(
        &self,
        _samples: Samples<'_, Self, K>,
        _gradients: Deltas<'_, Self, K>,
    ) {
    }

    /// Each tensor has the first numbers.
    fn walk<const Q: usize, const P: usize, const R: usize, const S: usize>(
        nets: [&Self; Q],
        mut nets_mut: [&mut Self; P],
        _read: [&(); R],
        _write: [&mut (); S],
        visit: &mut impl FnMut(
            Kind,
            [&[Weight<Self>]; Q],
            [&mut [Weight<Self>]; P],
            [&[Weight<Self>]; R],
            [&mut [Weight<Self>]; S],
        ),
    ) {
        for tensor in LISTS[SHOWS] {
            visit(
                tensor.kind,
                nets.map(|net| &net.0[..tensor.len()]),
                nets_mut.each_mut().map(|net| &mut net.0[..tensor.len()]),
                [&[][..]; R],
                [(); S].map(|()| [].as_mut_slice()),
            );
        }
    }
}

/// The header of a file, and its numbers.
fn parts(file: &[u8]) -> (&str, Vec<f32>) {
    Safetensors::new(file).unwrap();
    let header = usize::try_from(u64::from_le_bytes(file[..8].try_into().unwrap())).unwrap();
    let (header, data) = file[8..].split_at(header);
    let numbers = data.chunks(4).map(|n| f32::from_le_bytes(n.try_into().unwrap())).collect();
    (core::str::from_utf8(header).unwrap(), numbers)
}

#[test]
fn layers_of_the_users_own_are_written_as_they_say() {
    fn data<const KIND: usize>(names: &[&str]) -> Vec<f32> {
        let net = Own::<KIND, KIND>::new();
        let file = written(&net, names);
        // With the numbers that they had, or zeros where the layer shows none.
        let mut read = Own::<KIND, KIND>([0.0; 12]);
        safetensors::load(&mut read, &file, names).unwrap();
        assert!(read == net || read.0.ends_with(&[0.0]) || KIND == 0);
        assert_eq!(written(&read, names), file);
        parts(&file).1
    }
    assert_eq!(data::<0>(&[]), []);
    assert_eq!(data::<1>(&["a"]), [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
    assert_eq!(data::<2>(&["a"]), [1.0, 2.0, 3.0, 1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
    assert_eq!(data::<3>(&["a"]), [1.0, 2.0, 1.0, 3.0, 5.0, 2.0, 4.0, 6.0]);
    assert_eq!(data::<4>(&["a"]), [1.0, 1.0, 1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
    // In memory [2][3][2], as its reverse, in another order, and as in the file.
    let reverse = [1.0, 7.0, 3.0, 9.0, 5.0, 11.0, 2.0, 8.0, 4.0, 10.0, 6.0, 12.0];
    assert_eq!(data::<6>(&["a"]), reverse);
    let other = [1.0, 2.0, 5.0, 6.0, 9.0, 10.0, 3.0, 4.0, 7.0, 8.0, 11.0, 12.0];
    assert_eq!(data::<7>(&["a"]), other);
    assert_eq!(data::<8>(&["a"]), Own::<8, 8>::new().0);
}

#[test]
fn headers_have_tensors_of_any_rank_in_the_order_of_their_names() {
    let file = written(&Own::<4, 4>::new(), &["a"]);
    assert_eq!(
        parts(&file).0.trim_end(),
        r#"{"a.bias.of":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"#.to_owned()
            + r#""a.scale":{"dtype":"F32","shape":[],"data_offsets":[4,8]},"#
            + r#""a.weight":{"dtype":"F32","shape":[3,2],"data_offsets":[8,32]}}"#
    );
    let file = written(&Own::<13, 13>::new(), &["a"]);
    assert_eq!(
        parts(&file).0.trim_end(),
        r#"{"a.weight":{"dtype":"F32","shape":[1,2,1,3,1],"data_offsets":[0,24]}}"#
    );
    let error = safetensors::load(&mut Own::<13, 13>::new(), &file, &["a"]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "tensor `a.weight` has the shape [1, 2, 1, 3, ..] of rank 5 in the file, but the network \
         needs [1, 2, 1, 3, 1]"
    );
    let error = safetensors::load(&mut Own::<15, 15>::new(), &file, &["a"]).unwrap_err();
    assert!(error.to_string().ends_with("rank 5 in the file, but the network needs [1, 2, 1, 3]"));
}

/// Of a layer that has no bias, a bias in the file is one that no layer takes.
#[test]
fn a_bias_that_a_layer_does_not_have_is_refused() {
    fn load<const KIND: usize>(
        file: &[u8],
        names: &[&'static str],
    ) -> Result<(), LoadError<'static>> {
        safetensors::load(&mut Own::<KIND, KIND>::new(), file, names)
    }
    let with_bias = written(&Own::<2, 2>::new(), &["a"]);
    assert_eq!(load::<2>(&with_bias, &["a"]), Ok(()));
    let error = load::<1>(&with_bias, &["a"]).unwrap_err();
    assert!(matches!(error, LoadError::Unexpected { found } if found.as_str() == "a.bias"));
    assert_eq!(load::<1>(&with_bias, &["a", "a.bias.."]), Ok(()));
    let without_bias = written(&Own::<1, 1>::new(), &["a"]);
    assert_eq!(load::<1>(&without_bias, &["a"]), Ok(()));
}

/// Other tensors than biases must be there.
#[test]
fn tensors_that_are_missing_are_named() {
    let file = written(&Own::<2, 2>::new(), &["a"]);
    let error = safetensors::load(&mut Own::<4, 4>::new(), &file, &["a"]).unwrap_err();
    assert!(matches!(error, LoadError::Missing { layer: "a", part: "scale", .. }));
    assert_eq!(
        error.to_string(),
        "tensor `a.scale` is not in the file, which has a.bias, a.weight"
    );
}

/// Whole names count: `a.bias.of` may be `bias.of` in `a` or `of` in `a.bias`.
#[test]
fn tensors_of_one_name_are_not_written() {
    let two = Chain::new(Own::<4, 4>::new(), Own::<2, 2>::new());
    let save = |names| safetensors::save(&two, names, &mut [0; 512]).map(|_| ());
    assert_eq!(save(&["a", "b"]), Ok(()));
    assert_eq!(save(&["a", "a"]), Err(SaveError::Duplicate { layer: "a" }));
    let nested = Chain::new(Own::<4, 4>::new(), Own::<14, 14>::new());
    let mut buffer = [0; 512];
    let error = safetensors::save(&nested, &["a", "a.bias"], &mut buffer).unwrap_err();
    assert_eq!(error, SaveError::Duplicate { layer: "a" });
    let error = safetensors::save(&Own::<12, 12>::new(), &["a"], &mut buffer).unwrap_err();
    assert_eq!(error, SaveError::Duplicate { layer: "a" });
}

#[test]
fn layers_that_show_other_than_they_say_are_not_written_or_loaded() {
    fn assert_undescribed<const SAYS: usize, const SHOWS: usize>() {
        let names = &["a", "b"][..Own::<SAYS, SHOWS>::TENSORS.layers()];
        let (mut net, mut buffer) = (Own::<SAYS, SHOWS>::new(), [0xaa; 512]);
        let error = safetensors::save(&net, names, &mut buffer).unwrap_err();
        assert_eq!(error, SaveError::Undescribed, "{SAYS} {SHOWS}");
        assert_eq!(error.to_string(), "the tensors of a layer do not match its `TENSORS`");
        assert_eq!(buffer, [0xaa; 512]);
        let file = written(&Own::<1, 1>::new(), &["a"]);
        let load_error = safetensors::load(&mut net, &file, names).unwrap_err();
        assert_eq!(load_error, LoadError::Undescribed, "{SAYS} {SHOWS}");
        assert_eq!(load_error.to_string(), error.to_string());
        assert_eq!(net, Own::new());
    }
    macro_rules! undescribed {
        ($($says:literal $shows:literal,)+) => { $(assert_undescribed::<$says, $shows>();)+ };
    }
    undescribed! {
        0 1, 0 2, 1 0, 1 2, 1 4, 1 6, 2 0, 2 1, 2 3, 2 4, 2 5, 3 2, 4 1, 4 2, 5 2, 9 9, 10 10, 11 11,
    }
}
