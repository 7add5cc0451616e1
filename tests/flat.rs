//! Parameters as arrays and frames whose lengths are types.
#![cfg(feature = "typenum")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::float_cmp,
    reason = "tests may panic, and compare exactly"
)]

use gradlet::flat::typenum::Unsigned;
use gradlet::flat::{
    Assembler, FitsIn, Flat, FlatParameters, Frame, FrameError, FrameScalar, Framed, InPieces,
    PieceError, pieces,
};
use gradlet::prelude::*;
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

/// In the order of `parameters`.
fn parameters<N: Layer>(net: &N) -> Vec<N::Scalar> {
    let mut all = Vec::new();
    net.parameters([], &mut |_, values, []| all.extend_from_slice(values));
    all
}

/// Gives every parameter another number.
fn number<N: Layer>(net: &mut N) {
    let mut next = 0;
    N::tensors([], [net], [], &mut |_, [], [values], []| {
        for value in values {
            next += 1;
            *value = N::Scalar::from_u32(next) / N::Scalar::from_u32(7);
        }
    });
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

fn check<N>(name: &str, zero: N)
where
    N: Framed<Scalar: FrameScalar> + Clone + PartialEq + core::fmt::Debug,
{
    assert_eq!(N::Length::USIZE, N::PARAMS, "{name}");
    assert_eq!(N::FRAME_BYTES, 8 + N::PARAMS * size_of::<N::Scalar>(), "{name}");
    assert_eq!(size_of::<Flat<N>>(), N::PARAMS * size_of::<N::Scalar>(), "{name}");
    assert_eq!(size_of::<Frame<N>>(), N::FRAME_BYTES, "{name}");

    let mut net = zero.clone();
    number(&mut net);
    let flat = net.to_flat();
    assert_eq!(flat.as_slice(), parameters(&net), "{name}");
    let mut loaded = zero.clone();
    assert_ne!(loaded, net, "{name}");
    loaded.load_flat(&flat);
    assert_eq!(loaded, net, "{name}");

    let frame = net.to_frame().unwrap();
    loaded = zero;
    assert_eq!(loaded.load_frame(&frame), Ok(()), "{name}");
    assert_eq!(loaded, net, "{name}");
}

macro_rules! check {
    ($($type:ty = $zero:expr),+ $(,)?) => { $( check::<$type>(stringify!($type), $zero); )+ };
}

#[test]
fn every_network_goes_into_arrays_and_back() {
    check! {
        Dense<1, 1> = Zero::ZERO,
        Dense<0, 3> = Zero::ZERO,
        Dense<1, 1024> = Zero::ZERO,
        Dense<1024, 1, Relu, f64> = Zero::ZERO,
        Dense<10_000, 1> = Zero::ZERO,
        Net = Zero::ZERO,
        Mlp<2, 4, 2, Tanh, Softmax, f64> = Zero::ZERO,
        Deep = Zero::ZERO,
        net![f64; 3 => 5 Relu => 4 Tanh => 2 Identity] = Zero::ZERO,
        Mlp<784, 32, 10, Relu, Softmax> = Zero::ZERO,
        net![13 => 17 Relu => 19 Tanh => 23 Elu => 29 Gelu => 31 Identity] = Zero::ZERO,
        Between = Zero::ZERO,
        OnFeatures = Chain::new(Frozen::new(&FEATURES), Zero::ZERO),
        OnBorrowed = Chain::new(&BORROWED, Zero::ZERO),
    }
    assert_eq!(<OnFeatures as FlatParameters>::Length::USIZE, 3 * 2 + 2 + 2 + 1);
    assert_eq!(<Between as FlatParameters>::Length::USIZE, 2 * 3 + 3 + 3 + 1);
    assert_eq!(<Frozen<Net> as FlatParameters>::Length::USIZE, 0);
    assert_eq!(<&Net as FlatParameters>::Length::USIZE, 0);
}

#[test]
fn frame_has_the_bytes_that_the_table_says() {
    let net = Dense::<1, 2, Identity>::new([[1.0, -2.0]], [0.5, -0.0]);
    let fingerprint = Dense::<1, 2, Identity>::FINGERPRINT.to_le_bytes();
    let numbers = [0, 0, 0x80, 0x3F, 0, 0, 0, 0xC0, 0, 0, 0, 0x3F, 0, 0, 0, 0x80];
    let mut want = [&fingerprint[..], &numbers].concat();
    want.extend(crc(&want).to_le_bytes());
    assert_eq!(net.to_frame().unwrap().as_slice(), want);
    assert_eq!(crc(b"123456789"), 0xCBF4_3926);
}

#[test]
fn flat_array_keeps_the_bits_of_nan() {
    for bits in [0x7FC0_0000, 0xFFC0_1234, 0x7F80_0001, 0xFF80_0000, 1, 0x8000_0000] {
        let mut net = net();
        net.rest_mut().bias_mut()[1] = f32::from_bits(bits);
        let mut loaded = Net::ZERO;
        loaded.load_flat(&net.to_flat());
        assert_eq!(loaded.rest().bias()[1].to_bits(), bits);
    }
}

#[test]
fn what_is_not_finite_is_refused_at_each_place() {
    for (index, value) in (0..Net::PARAMS).zip([f32::NAN, f32::INFINITY, -f32::INFINITY].repeat(8))
    {
        let error = FrameError::NotFinite { index };
        let mut flat = net().to_flat();
        flat[index] = value;
        let mut sender = net();
        sender.load_flat(&flat);
        assert_eq!(sender.to_frame(), Err(error));
        assert_eq!(sender.to_frame_of::<100>(), Err(error));
        let mut frame = Net::ZERO.to_frame().unwrap();
        assert_eq!(sender.write_frame(&mut frame), Err(error));
        assert_eq!(frame, Net::ZERO.to_frame().unwrap());

        let mut frame = net().to_frame().unwrap().to_vec();
        frame[4 + 4 * index..][..4].copy_from_slice(&value.to_le_bytes());
        let crc = crc(&frame[..Net::FRAME_BYTES - 4]);
        frame[Net::FRAME_BYTES - 4..].copy_from_slice(&crc.to_le_bytes());
        let mut receiver = net();
        assert_eq!(receiver.load_frame(&frame), Err(error));
        assert_eq!(receiver, net());
    }
}

#[test]
fn each_flipped_bit_is_found() {
    let frame = Net::ZERO.to_frame().unwrap();
    let mut receiver = net();
    for bit in 0..8 * Net::FRAME_BYTES {
        let mut damaged = frame;
        damaged[bit / 8] ^= 1 << (bit % 8);
        let error = receiver.load_frame(&damaged);
        assert!(matches!(error, Err(FrameError::Damaged { .. })), "{bit}: {error:?}");
        assert_eq!(receiver, net());
    }
    assert_eq!(receiver.load_frame(&frame), Ok(()));
    assert_eq!(receiver, Net::ZERO);
}

#[test]
fn other_lengths_and_networks_are_refused() {
    let mut receiver = net();
    let frame = net().to_frame().unwrap();
    let expected = Net::FRAME_BYTES;
    let longer = [frame.as_slice(), &[0]].concat();
    for found in [0, 1, 4, 8, expected - 1] {
        assert_eq!(
            receiver.load_frame(&longer[..found]),
            Err(FrameError::Length { expected, found })
        );
    }
    let error = receiver.load_frame(&longer);
    assert_eq!(error, Err(FrameError::Length { expected, found: expected + 1 }));

    type Other = Mlp<2, 4, 2, Relu, Softmax>;
    assert_eq!(Other::FRAME_BYTES, Net::FRAME_BYTES);
    assert_eq!(
        receiver.load_frame(&Other::ZERO.to_frame().unwrap()),
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
        "the frame is of another type of network: fingerprint 00000002, expected 00000001"
    );
    assert_eq!(
        text(FrameError::NotFinite { index: 7 }),
        "parameter 7 is NaN or infinite, which no frame may have"
    );
}

#[test]
fn frames_go_into_arrays_that_are_long_enough() {
    fn fits<const CAPACITY: usize>()
    where
        Net: FitsIn<CAPACITY>,
    {
        let bytes = net().to_frame_of::<CAPACITY>().unwrap();
        let (frame, rest) = bytes.split_at(Net::FRAME_BYTES);
        assert_eq!(frame, net().to_frame().unwrap().as_slice());
        assert!(rest.iter().all(|&byte| byte == 0xFF));
        let mut loaded = Net::ZERO;
        assert_eq!(loaded.load_frame_of(&bytes), Ok(()));
        assert_eq!(loaded, net());
    }
    assert_eq!(Net::FRAME_BYTES, 96);
    fits::<96>();
    fits::<97>();
    fits::<255>();
    fits::<4096>();
    fits::<10_000>();
}

#[test]
fn arrays_in_statics_start_as_zeros() {
    static FLAT: Flat<Deep> = Zero::ZERO;
    static FRAME: Frame<Deep> = Zero::ZERO;
    assert_eq!(FLAT.as_slice(), [0.0; Deep::PARAMS]);
    assert_eq!(FRAME.as_slice(), [0; Deep::FRAME_BYTES]);
}

fn put_together<const SIZE: usize>(order: impl Fn(usize) -> Vec<usize>)
where
    Net: InPieces<SIZE>,
{
    let frame = net().to_frame().unwrap();
    let all: Vec<_> = pieces::<SIZE>(&frame).collect();
    assert_eq!(all.len(), Assembler::<Net, SIZE>::PIECES, "{SIZE}");
    assert_eq!(all.len(), Net::FRAME_BYTES.div_ceil(SIZE), "{SIZE}");
    let mut assembler = Assembler::<Net, SIZE>::new();
    for turn in 0..2 {
        let mut missing: Vec<_> = (0..all.len()).collect();
        for index in order(all.len()) {
            assert!(assembler.missing().eq(missing.iter().copied()), "{SIZE} {turn}");
            assert_eq!(assembler.frame(), None, "{SIZE} {turn}");
            assert_eq!(assembler.put(all[index].0, all[index].1), Ok(()));
            missing.retain(|&other| other != index);
        }
        assert_eq!(assembler.frame(), Some(&frame), "{SIZE} {turn}");
        assembler.clear();
    }
}

#[test]
fn pieces_are_put_together_in_any_order() {
    let backwards = |pieces: usize| (0..pieces).rev().collect();
    put_together::<1>(backwards);
    put_together::<40>(backwards);
    put_together::<48>(backwards);
    put_together::<95>(backwards);
    put_together::<96>(backwards);
    put_together::<1000>(backwards);
    put_together::<16>(|pieces| (0..pieces).step_by(2).chain((1..pieces).step_by(2)).collect());
}

#[test]
fn wrong_pieces_are_refused() {
    static EMPTY: Assembler<Net, 40> = Zero::ZERO;
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
    let (frame, other) = (net().to_frame().unwrap(), Net::ZERO.to_frame().unwrap());
    let mut assembler = Assembler::<Net, 40>::new();
    for ((index, a), (_, b)) in pieces::<40>(&frame).zip(pieces::<40>(&other)) {
        assembler.put(index, if index == 1 { a } else { b }).unwrap();
    }
    let error = net().load_frame(assembler.frame().unwrap());
    assert!(matches!(error, Err(FrameError::Damaged { .. })), "{error:?}");
}

proptest! {
    #[test]
    fn frames_keep_every_bit(
        numbers in uniform22(NORMAL | SUBNORMAL | ZERO | POSITIVE | NEGATIVE),
    ) {
        let mut net = Net::ZERO;
        net.load_flat(&numbers.into());
        let mut loaded = Net::ZERO;
        prop_assert_eq!(loaded.load_frame(&net.to_frame().unwrap()), Ok(()));
        let bits = |net: &Net| parameters(net).iter().map(|p| p.to_bits()).collect::<Vec<_>>();
        prop_assert_eq!(bits(&loaded), numbers.map(f32::to_bits));
    }

    /// Whatever arrives: it is taken whole, or nothing changes.
    #[test]
    fn any_bytes_are_taken_whole_or_not(
        from in 0_usize..92, bytes in prop::array::uniform4(any::<u8>()),
    ) {
        let sent = with_bytes(net().to_frame().unwrap().to_vec(), from.min(88), &bytes);
        let mut receiver = Net::ZERO;
        match receiver.load_frame(&sent) {
            Ok(()) => prop_assert_eq!(receiver.to_frame().unwrap().to_vec(), sent),
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
    fn bursts_of_errors_are_found(at in 0..8 * Net::FRAME_BYTES - 32, flips in 1_u32..) {
        let mut damaged = net().to_frame().unwrap();
        for bit in (0..32).filter(|bit| flips >> bit & 1 == 1) {
            damaged[(at + bit) / 8] ^= 1 << ((at + bit) % 8);
        }
        let mut receiver = net();
        let error = receiver.load_frame(&damaged);
        prop_assert!(matches!(error, Err(FrameError::Damaged { .. })), "{:?}", error);
        prop_assert_eq!(receiver, net());
    }
}
