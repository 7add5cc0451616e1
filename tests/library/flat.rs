//! Parameters as arrays and as frames.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::float_cmp,
    reason = "tests may panic, and compare exactly"
)]

use crate::convolutions::{Image, Sequence};
use crate::outside_layers as outside;
use gradlet::Weight;
use gradlet::flat::{
    Assembler, FrameError, PieceError, frame_bytes, load_array, load_frame, piece_count, pieces,
    to_array, to_frame, write_array, write_frame,
};
use gradlet::prelude::*;
use outside::{Conv1d, Gru};
use proptest::array::uniform22;
use proptest::num::f32::{NEGATIVE, NORMAL, POSITIVE, SUBNORMAL, ZERO};
use proptest::prelude::*;

type Net = Mlp<2, 4, 2, Tanh, Softmax>;
type Deep = net![3 => 5 Relu => 4 Tanh => 2 Identity];
type OnFeatures = Chain<Frozen<&'static Dense<2, 3, Tanh>>, net![3 => 2 Relu => 1 Sigmoid]>;
type Between = Chain<Dense<2, 3>, Chain<Frozen<Dense<3, 3>>, Dense<3, 1>>>;
type OnBorrowed = Chain<&'static Dense<2, 3>, Dense<3, 1>>;

static FEATURES: Dense<2, 3, Tanh> = Dense::new([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]], [0.7; 3]);
static BORROWED: Dense<2, 3> = Dense::new([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]], [0.7; 3]);

const FRAME: usize = frame_bytes::<Net>();

/// In the order of `visit`.
fn parameters<N: Layer>(net: &N) -> Vec<Weight<N>> {
    let mut all = Vec::new();
    net.visit(|_, values| all.extend_from_slice(values));
    all
}

/// Gives every parameter another number.
fn number<T: Scalar, N: Layer<Format = T>>(net: &mut N) {
    let mut next = 0;
    net.visit_mut(|_, values| {
        for value in values {
            next += 1;
            *value = T::from_u32(next) / T::from_u32(7);
        }
    });
}

fn frame(net: &Net) -> [u8; FRAME] {
    to_frame(net).unwrap()
}

fn net() -> Net {
    let mut net = Net::ZERO;
    number(&mut net);
    net
}

/// The CRC-32 of IEEE 802.3, bit by bit.
fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ (0xEDB8_8320 * (crc & 1)))
    })
}

/// The frame with other bytes in it, and their CRC.
fn with_bytes(mut frame: Vec<u8>, from: usize, bytes: &[u8]) -> Vec<u8> {
    frame[from..from + bytes.len()].copy_from_slice(bytes);
    let end = frame.len() - 4;
    let crc = crc(&frame[..end]).to_le_bytes();
    frame[end..].copy_from_slice(&crc);
    frame
}

fn check<T, N, const PARAMS: usize, const FRAME: usize>(name: &str, zero: N)
where
    T: Scalar,
    N: Layer<Format = T> + Clone + PartialEq + core::fmt::Debug,
{
    let mut net = zero.clone();
    number(&mut net);
    let array: Box<[T; PARAMS]> = Box::new(to_array(&net));
    assert_eq!(array.as_slice(), parameters(&net), "{name}");
    let mut loaded = zero.clone();
    assert_ne!(loaded, net, "{name}");
    load_array(&mut loaded, &array);
    assert_eq!(loaded, net, "{name}");

    let mut frame = Box::new([0; FRAME]);
    write_frame(&net, &mut frame).unwrap();
    assert_eq!(FRAME, 8 + PARAMS * size_of::<T>(), "{name}");
    let numbers: Vec<u8> = array.iter().flat_map(|p| p.to_le_bytes().as_ref().to_vec()).collect();
    assert_eq!(frame[..4], N::FINGERPRINT.to_le_bytes(), "{name}");
    assert_eq!(frame[4..FRAME - 4], numbers, "{name}");
    assert_eq!(frame[FRAME - 4..], crc(&frame[..FRAME - 4]).to_le_bytes(), "{name}");
    loaded = zero;
    assert_eq!(load_frame(&mut loaded, &*frame), Ok(()), "{name}");
    assert_eq!(loaded, net, "{name}");
}

macro_rules! check {
    ($($type:ty = $zero:expr),+ $(,)?) => { $(
        check::<_, $type, { <$type>::PARAMS }, { frame_bytes::<$type>() }>(
            stringify!($type),
            $zero,
        );
    )+ };
}

#[test]
fn every_network_goes_into_arrays_and_back() {
    check! {
        Dense<1, 1> = Zero::ZERO,
        Dense<0, 3> = Zero::ZERO,
        Dense<1, 1024> = Zero::ZERO,
        Dense<1024, 1, Relu, f64> = Zero::ZERO,
        Dense<10_000, 1> = Zero::ZERO,
        Dense<1031, 1> = Zero::ZERO,
        Net = Zero::ZERO,
        Mlp<2, 4, 2, Tanh, Softmax, f64> = Zero::ZERO,
        Deep = Zero::ZERO,
        net![f64; 3 => 5 Relu => 4 Tanh => 2 Identity] = Zero::ZERO,
        Mlp<784, 32, 10, Relu, Softmax> = Zero::ZERO,
        net![13 => 17 Relu => 19 Tanh => 23 Elu => 29 Gelu => 31 Identity] = Zero::ZERO,
        Between = Zero::ZERO,
        OnFeatures = Chain::new(Frozen::new(&FEATURES), Zero::ZERO),
        OnBorrowed = Chain::new(&BORROWED, Zero::ZERO),
        Chain<Conv1d<2, 3, 9, 6, 8>, Gru<3, 4, 6, 12>> = Zero::ZERO,
        Gru<3, 4, 6, 12, f64> = Zero::ZERO,
        Sequence = Zero::ZERO,
        Image = Zero::ZERO,
    }
    assert_eq!(OnFeatures::PARAMS, 3 * 2 + 2 + 2 + 1);
    assert_eq!(Between::PARAMS, 2 * 3 + 3 + 3 + 1);
    assert_eq!(to_array(&Frozen::new(net())), [0.0; 0]);
}

#[test]
fn frame_has_the_bytes_that_the_table_says() {
    let net = Dense::<1, 2, Identity>::new([[1.0, -2.0]], [0.5, -0.0]);
    let fingerprint = Dense::<1, 2, Identity>::FINGERPRINT.to_le_bytes();
    let numbers = [0, 0, 0x80, 0x3F, 0, 0, 0, 0xC0, 0, 0, 0, 0x3F, 0, 0, 0, 0x80];
    let mut want = [&fingerprint[..], &numbers].concat();
    want.extend(crc(&want).to_le_bytes());
    assert_eq!(to_frame::<_, 24>(&net).unwrap().as_slice(), want);
    assert_eq!(crc(b"123456789"), 0xCBF4_3926);
}

#[test]
fn flat_array_keeps_the_bits_of_nan() {
    for bits in [0x7FC0_0000, 0xFFC0_1234, 0x7F80_0001, 0xFF80_0000, 1, 0x8000_0000] {
        let mut net = net();
        net.rest_mut().bias_mut()[1] = f32::from_bits(bits);
        let mut loaded = Net::ZERO;
        load_array(&mut loaded, &to_array::<_, { Net::PARAMS }>(&net));
        assert_eq!(loaded.rest().bias()[1].to_bits(), bits);
    }
}

#[test]
fn what_is_not_finite_is_refused_at_each_place() {
    for (index, value) in (0..Net::PARAMS).zip([f32::NAN, f32::INFINITY, -f32::INFINITY].repeat(8))
    {
        let error = FrameError::NotFinite { index };
        let mut array = to_array::<Net, { Net::PARAMS }>(&net());
        array[index] = value;
        let mut sender = net();
        load_array(&mut sender, &array);
        assert_eq!(to_frame::<_, FRAME>(&sender), Err(error));
        assert_eq!(to_frame::<_, 100>(&sender), Err(error));
        let mut unchanged = frame(&Net::ZERO);
        assert_eq!(write_frame(&sender, &mut unchanged), Err(error));
        assert_eq!(unchanged, frame(&Net::ZERO));

        let sent = with_bytes(frame(&net()).to_vec(), 4 + 4 * index, &value.to_le_bytes());
        let mut receiver = net();
        assert_eq!(load_frame(&mut receiver, &sent), Err(error));
        assert_eq!(receiver, net());
    }
}

#[test]
fn each_flipped_bit_is_found() {
    let frame = frame(&Net::ZERO);
    let mut receiver = net();
    for bit in 0..8 * FRAME {
        let mut damaged = frame;
        damaged[bit / 8] ^= 1 << (bit % 8);
        let error = load_frame(&mut receiver, &damaged);
        assert!(matches!(error, Err(FrameError::Damaged { .. })), "{bit}: {error:?}");
        assert_eq!(receiver, net());
    }
    assert_eq!(load_frame(&mut receiver, &frame), Ok(()));
    assert_eq!(receiver, Net::ZERO);
}

#[test]
fn other_lengths_and_networks_are_refused() {
    let mut receiver = net();
    let expected = FRAME;
    let longer: [u8; FRAME + 1] = to_frame(&net()).unwrap();
    for found in [0, 1, 4, 8, expected - 1, expected + 1] {
        assert_eq!(
            load_frame(&mut receiver, &longer[..found]),
            Err(FrameError::Length { expected, found })
        );
    }

    type Other = Mlp<2, 4, 2, Relu, Softmax>;
    let other: [u8; FRAME] = to_frame(&Other::ZERO).unwrap();
    assert_eq!(
        load_frame(&mut receiver, &other),
        Err(FrameError::OtherNetwork { expected: Net::FINGERPRINT, found: Other::FINGERPRINT })
    );
    assert_eq!(receiver, net());
}

#[test]
fn errors_say_what_was_expected_and_found() {
    let text = |error: FrameError| error.to_string();
    assert_eq!(
        text(FrameError::Damaged { expected: 1, found: 0xABC }),
        "the frame is damaged: its CRC is 00000abc, expected 00000001"
    );
    assert_eq!(
        text(FrameError::OtherNetwork { expected: 1, found: 2 }),
        "the frame is of a different network type: fingerprint 00000002, expected 00000001"
    );
    assert_eq!(text(FrameError::NotFinite { index: 7 }), "parameter 7 is NaN or infinite");
}

#[test]
fn frames_go_into_arrays_that_are_long_enough() {
    fn fits<const CAPACITY: usize>() {
        let bytes = to_frame::<_, CAPACITY>(&net()).unwrap();
        let (begin, rest) = bytes.split_at(FRAME);
        assert_eq!(begin, frame(&net()));
        assert!(rest.iter().all(|&byte| byte == 0xFF));
        let mut loaded = Net::ZERO;
        assert_eq!(load_frame(&mut loaded, begin), Ok(()));
        assert_eq!(loaded, net());
    }
    assert_eq!(FRAME, 96);
    fits::<96>();
    fits::<97>();
    fits::<255>();
    fits::<4096>();
    fits::<10_007>();
}

#[test]
fn arrays_that_are_there_are_filled() {
    static ARRAY: std::sync::Mutex<[f32; Deep::PARAMS]> =
        std::sync::Mutex::new([0.0; Deep::PARAMS]);
    let mut deep = Deep::ZERO;
    number(&mut deep);
    let mut array = ARRAY.lock().unwrap();
    write_array(&deep, &mut array);
    assert_eq!(array.as_slice(), parameters(&deep));
}

fn put_together<const SIZE: usize, const PIECES: usize>(order: impl Fn(usize) -> Vec<usize>) {
    assert_eq!(PIECES, FRAME.div_ceil(SIZE), "{SIZE}");
    let frame = frame(&net());
    let all: Vec<_> = pieces::<SIZE>(&frame).collect();
    assert_eq!(all.len(), PIECES, "{SIZE}");
    let mut assembler = Assembler::<Net, SIZE, PIECES>::new();
    for turn in 0..2 {
        let mut missing: Vec<_> = (0..all.len()).collect();
        for index in order(all.len()) {
            assert!(assembler.missing().eq(missing.iter().copied()), "{SIZE} {turn}");
            assert_eq!(assembler.frame(), None, "{SIZE} {turn}");
            assert_eq!(assembler.put(all[index].0, all[index].1), Ok(()));
            missing.retain(|&other| other != index);
        }
        assert_eq!(assembler.frame(), Some(&frame[..]), "{SIZE} {turn}");
        assembler.clear();
    }
}

#[test]
fn pieces_are_put_together_in_any_order() {
    let backwards = |pieces: usize| (0..pieces).rev().collect();
    put_together::<1, { piece_count::<Net, 1>() }>(backwards);
    put_together::<40, { piece_count::<Net, 40>() }>(backwards);
    put_together::<48, { piece_count::<Net, 48>() }>(backwards);
    put_together::<95, { piece_count::<Net, 95>() }>(backwards);
    put_together::<96, { piece_count::<Net, 96>() }>(backwards);
    put_together::<1000, { piece_count::<Net, 1000>() }>(backwards);
    put_together::<16, { piece_count::<Net, 16>() }>(|pieces| {
        (0..pieces).step_by(2).chain((1..pieces).step_by(2)).collect()
    });
}

#[test]
fn wrong_pieces_are_refused() {
    static EMPTY: Assembler<Net, 40, 3> = Assembler::new();
    let mut assembler = EMPTY.clone();
    assert_eq!(assembler.put(3, &[0; 40]), Err(PieceError::Index { pieces: 3, found: 3 }));
    let error = PieceError::Length { expected: 40, found: 39 };
    assert_eq!(assembler.put(1, &[0; 39]), Err(error));
    assert_eq!(error.to_string(), "the piece has 39 bytes, expected 40");
    let error = PieceError::Length { expected: 16, found: 40 };
    assert_eq!(assembler.put(2, &[0; 40]), Err(error));
    assert_eq!(assembler.missing().count(), 3);
    assert_eq!(format!("{assembler:?}"), "Assembler { missing: 3, .. }");
}

#[test]
fn pieces_of_different_frames_do_not_make_one() {
    let (frame, other) = (frame(&net()), frame(&Net::ZERO));
    let mut assembler = Assembler::<Net, 40, 3>::new();
    for ((index, a), (_, b)) in pieces::<40>(&frame).zip(pieces::<40>(&other)) {
        assembler.put(index, if index == 1 { a } else { b }).unwrap();
    }
    let error = load_frame(&mut net(), assembler.frame().unwrap());
    assert!(matches!(error, Err(FrameError::Damaged { .. })), "{error:?}");
}

proptest! {
    #[test]
    fn frames_keep_every_bit(
        numbers in uniform22(NORMAL | SUBNORMAL | ZERO | POSITIVE | NEGATIVE),
    ) {
        let mut net = Net::ZERO;
        load_array(&mut net, &numbers);
        let mut loaded = Net::ZERO;
        prop_assert_eq!(load_frame(&mut loaded, &frame(&net)), Ok(()));
        let bits = |net: &Net| parameters(net).iter().map(|p| p.to_bits()).collect::<Vec<_>>();
        prop_assert_eq!(bits(&loaded), numbers.map(f32::to_bits));
    }

    /// Whatever arrives: it is taken whole, or nothing changes.
    #[test]
    fn any_bytes_are_taken_whole_or_not(
        from in 0_usize..92, bytes in prop::array::uniform4(any::<u8>()),
    ) {
        let sent = with_bytes(frame(&net()).to_vec(), from.min(88), &bytes);
        let mut receiver = Net::ZERO;
        match load_frame(&mut receiver, &sent) {
            Ok(()) => prop_assert_eq!(frame(&receiver).to_vec(), sent),
            Err(FrameError::OtherNetwork { .. }) => prop_assert!(from < 4),
            Err(FrameError::NotFinite { index }) => {
                let at = 4 + 4 * index;
                let number = f32::from_le_bytes(sent[at..at + 4].try_into().unwrap());
                prop_assert!(!number.is_finite());
                prop_assert_eq!(receiver, Net::ZERO);
            }
            Err(error) => prop_assert!(false, "{error}"),
        }
    }

    /// Fewer than 33 bits from the first to the last of them.
    #[test]
    fn bursts_of_errors_are_found(at in 0..8 * FRAME - 32, flips in 1_u32..) {
        let mut damaged = frame(&net());
        for bit in (0..32).filter(|bit| flips >> bit & 1 == 1) {
            damaged[(at + bit) / 8] ^= 1 << ((at + bit) % 8);
        }
        let mut receiver = net();
        let error = load_frame(&mut receiver, &damaged);
        prop_assert!(matches!(error, Err(FrameError::Damaged { .. })), "{:?}", error);
        prop_assert_eq!(receiver, net());
    }
}
