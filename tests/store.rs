//! Networks saved in flash, as long as power lasts.
#![cfg(feature = "embedded-storage-async-v0.4")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::float_cmp,
    reason = "tests may panic, and compare exactly"
)]
#![allow(dead_code, reason = "not every test needs all of the flash")]

#[path = "support/outside/mod.rs"]
mod outside;
mod flash {
    #![allow(unreachable_pub, reason = "the documentation includes the same file")]
    include!("simulated/flash.rs");
}

use core::fmt::Debug;
use core::future::Future;
use core::pin::pin;
use core::task::{Context, Poll, Waker};

use embedded_storage::nor_flash::{NorFlash as _, ReadNorFlash as _};
use embedded_storage_async::nor_flash as asynchronous;
use flash::{Fault, Flash, FlashError};
use gradlet::prelude::*;
use gradlet::store::{AsyncStore, Loaded, RangeError, Store, StoreError};
use gradlet::{Gradients, Kind, Tensors, fingerprint};
use outside::{Conv1d, Gru};
use support::Bare;

type Net = Mlp<2, 4, 2>;
type Small = Flash<2, 512, 4>;
const SMALL: core::ops::Range<u32> = 0..1024;

const EXAMPLES: [([f32; 2], [f32; 2]); 3] =
    [([0.1, 0.9], [0.0, 1.0]), ([0.7, 0.3], [1.0, 0.0]), ([0.5, 0.5], [0.5, 0.2])];

/// A network that is another one for each number.
fn net(number: u32) -> Net {
    let mut net = Net::ZERO;
    let mut next = f32::from(number as u16) + 0.25;
    net.visit_mut(|_, values| {
        for value in values {
            next = next * 1.001 + 0.125;
            *value = next;
        }
    });
    net
}

/// The numbers of the save that was loaded and of one that was lost.
#[track_caller]
fn numbers<E: Debug>(loaded: Result<Loaded, StoreError<E>>) -> (u32, Option<u32>) {
    let Loaded { number, lost, .. } = loaded.unwrap();
    (number, lost)
}

#[test]
fn what_was_saved_comes_back() {
    let mut store = Store::new(Small::new(), SMALL).unwrap();
    let mut loaded = net(9);
    assert_eq!(store.load(&mut loaded), Err(StoreError::Empty));
    assert_eq!(loaded, net(9));
    for number in 0..100 {
        assert_eq!(store.saves(), Ok(number));
        store.save(&net(number)).unwrap();
        assert_eq!(numbers(store.load(&mut loaded)), (number + 1, None));
        assert_eq!(loaded, net(number));
    }
    // After a reset, from the flash alone.
    let mut store = Store::new(store.release(), SMALL).unwrap();
    loaded = Net::ZERO;
    assert_eq!(numbers(store.load(&mut loaded)), (100, None));
    assert_eq!(loaded, net(99));
    store.erase().unwrap();
    assert_eq!(store.load(&mut loaded), Err(StoreError::Empty));
    assert_eq!(store.saves(), Ok(0));
}

#[test]
fn networks_may_be_larger_than_buffer_and_page() {
    type Large = Mlp<32, 24, 10, Tanh, Softmax, f64>;
    let mut large = Large::ZERO;
    let mut next = 0.5;
    large.visit_mut(|_, values| {
        for value in values {
            next = next * 1.0001 - 0.25;
            *value = next;
        }
    });
    check::<Flash<80, 512, 1>, 64>(Flash::new(), &large);
    check::<Flash<80, 512, 4>, 1024>(Flash::erased_to(0), &large);
    check::<Flash<80, 512, 8>, 200>(Flash::new(), &large);
    check::<Flash<80, 512, 16, 4>, 40>(Flash::new(), &large);
    check::<Flash<80, 512, 2, 32>, 40>(Flash::new(), &large);
    check::<Flash<40, 1024, 32>, 32>(Flash::erased_to(0), &large);
    check::<Flash<10, 4096, 256>, 300>(Flash::new(), &large);
    check::<Flash<36, 512, 512>, 512>(Flash::new(), &large);

    fn check<F, const BUFFER: usize>(flash: F, large: &Large)
    where
        F: embedded_storage::nor_flash::NorFlash<Error: Debug + PartialEq>,
    {
        let end = flash.capacity() as u32;
        let mut store = Store::<F, BUFFER>::with_buffer(flash, 0..end).unwrap();
        // The second and later ones also where the end of the range is.
        for number in 1..9 {
            let mut loaded = Large::ZERO;
            store.save(large).unwrap();
            assert_eq!(numbers(store.load(&mut loaded)), (number, None));
            assert_eq!(loaded, *large);
        }
    }
}

#[test]
fn large_saves_go_round_the_end_of_the_range() {
    // Two pages each, of five; and not at the start of the flash, nor to its end.
    type Large = Dense<61, 4>;
    let mut store = Store::new(Flash::<7, 512, 4>::new(), 512..6 * 512).unwrap();
    let mut net = Large::ZERO;
    for number in 1..=10_u16 {
        net.bias_mut()[2] = f32::from(number);
        store.save(&net).unwrap();
        let mut loaded = Large::ZERO;
        assert_eq!(numbers(store.load(&mut loaded)), (number.into(), None));
        assert_eq!(loaded, net);
    }
    assert_eq!(store.release().erased, [0, 4, 4, 4, 4, 4, 0]);
}

/// Trains by single samples, with what `O` remembers.
fn train<O: Optimizer<Net> + Clone>(
    trainer: &mut Trainer<Net, HalfSquaredError, O>,
    net: &mut Net,
    optimizer: &O,
    steps: usize,
) {
    for (x, t) in EXAMPLES.iter().cycle().take(steps) {
        trainer.step(net, optimizer, x, t);
    }
}

#[test]
fn training_goes_on_as_if_it_had_not_been_interrupted() {
    fn check<O: Optimizer<Net> + Clone>(optimizer: O) {
        let mut whole = (net(0), Trainer::<Net, HalfSquaredError, O>::new());
        train(&mut whole.1, &mut whole.0, &optimizer, 50);
        let mut first = (net(0), Trainer::new());
        train(&mut first.1, &mut first.0, &optimizer, 24);
        let mut store = Store::new(Flash::<4, 512, 4>::new(), 0..2048).unwrap();
        store.save_training(&first.0, &first.1).unwrap();
        let mut second = (Net::ZERO, Trainer::new());
        assert_eq!(numbers(store.load_training(&mut second.0, &mut second.1)), (1, None));
        train(&mut second.1, &mut second.0, &optimizer, 26);
        assert_eq!(second.0, whole.0);
        // The parameters alone, for inference.
        let mut alone = Net::ZERO;
        assert_eq!(numbers(store.load(&mut alone)), (1, None));
        assert_eq!(alone, first.0);
    }
    check(Sgd { learning_rate: 0.5 });
    check(Momentum { learning_rate: 0.5, momentum: 0.9 });
    check(Nesterov { learning_rate: 0.5, momentum: 0.9 });
    check(RmsProp { learning_rate: 0.01, decay: 0.9, epsilon: 1e-8 });
    check(Adam::new(0.01));
    check(AdamW { adam: Adam::new(0.01), weight_decay: 0.1 });
    check(ClipByNorm { optimizer: Adam::new(0.01), limit: 0.1 });
    check(ClipByValue { optimizer: Adam::new(0.01), limit: 0.1 });
    check(WeightDecay::new(Adam::new(0.01), 0.1));
    check(NoBias { optimizer: Adam::new(0.01) });
}

#[test]
fn layers_of_any_rank_are_kept() {
    type Sequence = Chain<Conv1d<2, 3, 9, 6, 8>, Gru<3, 4, 6, 12>>;
    type Steps = Trainer<Sequence, HalfSquaredError, Adam>;
    let (mut whole, mut trainer) = (Sequence::ZERO, Steps::new());
    let mut next = 0.0;
    whole.visit_mut(|_, values| {
        for value in values {
            next += 0.11;
            *value = next % 0.7 - 0.35;
        }
    });
    let x = core::array::from_fn(|t| core::array::from_fn(|c| f32::from((t + 2 * c) as u16) / 9.0));
    let (t, adam) = ([[0.25; 4]; 6], Adam::new(0.01));
    let mut store = Store::new(Flash::<8, 512, 4>::new(), 0..8 * 512).unwrap();
    for step in 0..10 {
        if step == 4 {
            store.save_training(&whole, &trainer).unwrap();
        }
        trainer.step(&mut whole, &adam, &x, &t);
    }
    let (mut resumed, mut trainer) = (Sequence::ZERO, Steps::new());
    assert_eq!(numbers(store.load_training(&mut resumed, &mut trainer)), (1, None));
    for _ in 4..10 {
        trainer.step(&mut resumed, &adam, &x, &t);
    }
    assert_eq!(resumed, whole);
}

#[test]
fn batch_trainers_are_kept_too() {
    type Batches = BatchTrainer<Net, HalfSquaredError, Adam>;
    let adam = Adam::new(0.01);
    let step = |net: &mut Net, trainer: &mut Batches| {
        for (x, t) in &EXAMPLES {
            trainer.accumulate(net, x, t);
        }
        trainer.apply(net, &adam);
    };
    let (mut whole, mut trainer) = (net(1), Batches::new());
    // Units that are saturated learn nothing.
    whole.visit_mut(|_, values| values.iter_mut().for_each(|value| *value *= 0.1));
    let mut store = Store::new(Flash::<4, 512, 4>::new(), 0..2048).unwrap();
    for epoch in 0..10 {
        if epoch == 4 {
            store.save_training(&whole, &trainer).unwrap();
        }
        step(&mut whole, &mut trainer);
    }
    let (mut resumed, mut trainer) = (Net::ZERO, Batches::new());
    assert_eq!(numbers(store.load_training(&mut resumed, &mut trainer)), (1, None));
    for _ in 4..10 {
        step(&mut resumed, &mut trainer);
    }
    assert_eq!(resumed, whole);
}

#[test]
fn other_networks_are_refused_and_left_alone() {
    let mut store = Store::new(Small::new(), SMALL).unwrap();
    store.save(&net(3)).unwrap();
    fn refused<N: Layer + Zero + Clone + PartialEq + Debug>(store: &mut Store<Small>) {
        let mut other = N::ZERO;
        let error = StoreError::OtherNetwork { expected: N::FINGERPRINT, found: Net::FINGERPRINT };
        assert_eq!(store.load(&mut other), Err(error));
        assert_eq!(other, N::ZERO);
        assert_eq!(store.save(&other), Err(error));
    }
    refused::<Mlp<4, 2, 2>>(&mut store);
    refused::<Mlp<2, 4, 2, Tanh>>(&mut store);
    refused::<Mlp<2, 4, 2, LeakyRelu>>(&mut store);
    refused::<Mlp<2, 4, 2, Sigmoid, Identity>>(&mut store);
    refused::<Mlp<2, 4, 2, Sigmoid, Sigmoid, f64>>(&mut store);
    refused::<Chain<Dense<2, 4>, Frozen<Dense<4, 2>>>>(&mut store);
    assert_ne!(
        Dense::<1, 1, LeakyRelu<1, 4>>::FINGERPRINT,
        Dense::<1, 1, LeakyRelu<1, 2>>::FINGERPRINT
    );
    let mut loaded = Net::ZERO;
    assert_eq!(numbers(store.load(&mut loaded)), (1, None));
    assert_eq!(loaded, net(3));
}

#[test]
fn other_optimizers_are_refused() {
    let (mut start, mut momentum) = (net(0), Trainer::<Net, HalfSquaredError, Momentum>::new());
    let mut store = Store::new(Flash::<4, 512, 4>::new(), 0..2048).unwrap();
    let expected = <Momentum as Optimizer<Net>>::FINGERPRINT;
    store.save(&start).unwrap();
    assert_eq!(
        store.load_training(&mut start, &mut momentum),
        Err(StoreError::OtherOptimizer { expected, found: None })
    );
    store.save_training(&start, &Trainer::<Net, HalfSquaredError, Nesterov>::new()).unwrap();
    let found = <Nesterov as Optimizer<Net>>::FINGERPRINT;
    assert_eq!(
        store.load_training(&mut start, &mut momentum),
        Err(StoreError::OtherOptimizer { expected, found })
    );
    let mut plain = Trainer::<Net, HalfSquaredError, Sgd>::new();
    assert_eq!(
        store.load_training(&mut start, &mut plain),
        Err(StoreError::OtherOptimizer { expected: None, found })
    );
    assert_eq!(start, net(0));
}

/// Remembers something, and keeps some of it to itself.
#[derive(Clone)]
struct Secretive;

/// Two numbers that are shown, and a count.
#[derive(Clone)]
struct Secrets([f32; 2], u32);

impl Zero for Secrets {
    const ZERO: Self = Self([0.0; 2], 0);
}

impl Tensors<f32> for Secrets {
    fn walk<const R: usize, const M: usize>(
        read: [&Self; R],
        write: [&mut Self; M],
        visit: &mut impl FnMut(Kind, [&[f32]; R], [&mut [f32]; M]),
    ) {
        visit(Kind::Other, read.map(|s| s.0.as_slice()), write.map(|s| s.0.as_mut_slice()));
    }
}

impl<N: Layer<Format = f32>> Optimizer<N> for Secretive {
    type State = Secrets;
    const FINGERPRINT: Option<u32> = Some(fingerprint("secretive", &[]));

    fn update(&self, _: &mut N, _: &mut Secrets, _: &impl Gradients<N>, _: f32) {}
}

#[test]
fn optimizers_must_show_what_they_remember() {
    let mut store = Store::new(Small::new(), SMALL).unwrap();
    let trainer = Trainer::<Net, HalfSquaredError, Secretive>::new();
    assert_eq!(store.save_training(&net(0), &trainer), Err(StoreError::NotShown));
    assert_eq!(store.load(&mut net(0)), Err(StoreError::Empty));
}

#[test]
fn errors_say_what_was_found_and_what_was_expected() {
    type Error = StoreError<FlashError>;
    let (expected, found) = (0x0123_abcd, 0x4567);
    for (error, text) in [
        (Error::Flash(FlashError::Broken), "the flash failed: Broken"),
        (
            Error::Range(RangeError::NotPages),
            "the range does not begin and end at page boundaries of the flash",
        ),
        (Error::Range(RangeError::TooShort), "the range has fewer than two pages"),
        (Error::Range(RangeError::Reversed), "the range ends before it begins"),
        (
            Error::Range(RangeError::Outside { end: 1024 }),
            "the range is not within the flash, which has 1024 bytes",
        ),
        (Error::Empty, "nothing has been saved yet"),
        (Error::Full, "the range has no room for two saves"),
        (Error::Damaged, "there is no intact save, only a damaged one"),
        (
            Error::Version { expected: 2, found: 7 },
            "the save has format version 7, expected version 2",
        ),
        (
            Error::OtherNetwork { expected, found },
            "saved by a different network type: fingerprint 00004567, expected 0123abcd",
        ),
        (
            Error::OtherOptimizer { expected: Some(expected), found: None },
            "saved without optimizer state, expected that of fingerprint 0123abcd",
        ),
        (
            Error::OtherOptimizer { expected: Some(expected), found: Some(found) },
            "saved with a different optimizer: fingerprint 00004567, expected 0123abcd",
        ),
        (
            Error::OtherOptimizer { expected: None, found: Some(found) },
            "saved with optimizer state, expected only the parameters",
        ),
        (Error::Length { expected: 88, found: 48 }, "the save has 48 bytes of data, expected 88"),
        (Error::NotShown, "`walk` leaves out a part of the optimizer's state or of the network"),
        (Error::NotFinite, "a parameter or a value of the optimizer's state is NaN or infinite"),
        (Error::Worn, "the flash is worn out: no page retains what is written to it"),
    ] {
        assert_eq!(error.to_string(), text);
    }
}

#[test]
fn ranges_must_be_pages_of_the_flash() {
    let error = |range| Store::new(Small::new(), range).unwrap_err();
    assert_eq!(error(0..1023), StoreError::Range(RangeError::NotPages));
    assert_eq!(error(4..1024), StoreError::Range(RangeError::NotPages));
    assert_eq!(error(512..1024), StoreError::Range(RangeError::TooShort));
    assert_eq!(error(0..0), StoreError::Range(RangeError::TooShort));
    #[allow(clippy::reversed_empty_ranges, reason = "a mistake that a user may make")]
    let reversed = error(1024..0);
    assert_eq!(reversed, StoreError::Range(RangeError::Reversed));
    assert_eq!(error(0..1536), StoreError::Range(RangeError::Outside { end: 1024 }));
}

#[test]
fn a_range_must_have_room_for_two_saves() {
    // 32 bytes of header, and 124 parameters or more.
    fn save<const IN: usize>(pages: u32) -> Result<(), StoreError<FlashError>> {
        let mut store = Store::new(Flash::<5, 512, 4>::new(), 0..pages * 512).unwrap();
        for number in 1..20 {
            let mut net = Dense::<IN, 4>::ZERO;
            net.bias_mut()[3] = f32::from(number as u16);
            store.save(&net)?;
            let mut loaded = Dense::<IN, 4>::ZERO;
            assert_eq!(numbers(store.load(&mut loaded)), (number, None));
            assert_eq!(loaded, net);
        }
        Ok(())
    }
    assert_eq!(Store::<Flash<5, 512, 4>>::saved_bytes::<Dense<29, 4>>(), 512);
    assert_eq!(save::<29>(2), Ok(()));
    assert_eq!(save::<30>(2), Err(StoreError::Full));
    assert_eq!(save::<30>(3), Err(StoreError::Full));
    assert_eq!(save::<30>(4), Ok(()));
    assert_eq!(Store::<Flash<5, 512, 4>>::saved_bytes::<Dense<61, 4>>(), 1024);
    assert_eq!(save::<61>(4), Ok(()));
    assert_eq!(save::<62>(5), Err(StoreError::Full));
}

#[test]
fn a_save_that_does_not_fit_leaves_the_last_one() {
    // What Adam remembers is twice the network.
    let trainer = Trainer::<Dense<29, 4>, HalfSquaredError, Adam>::new();
    let mut store = Store::new(Flash::<5, 512, 4>::new(), 0..2 * 512).unwrap();
    let mut net = Dense::<29, 4>::ZERO;
    net.bias_mut()[1] = 2.5;
    store.save(&net).unwrap();
    assert_eq!(store.save_training(&net, &trainer), Err(StoreError::Full));
    let mut loaded = Dense::<29, 4>::ZERO;
    assert_eq!(numbers(store.load(&mut loaded)), (1, None));
    assert_eq!(loaded, net);
    // Small and large saves in turn.
    let mut store = Store::new(Flash::<6, 512, 4>::new(), 0..6 * 512).unwrap();
    for number in 1..40 {
        net.bias_mut()[1] = f32::from(number as u16);
        if number % 3 == 0 {
            store.save_training(&net, &trainer).unwrap();
        } else {
            store.save(&net).unwrap();
        }
        assert_eq!(numbers(store.load(&mut loaded)), (number, None));
        assert_eq!(loaded, net);
    }
}

#[test]
fn buffers_of_any_size_read_what_others_wrote() {
    let mut store = Store::<_, 32>::with_buffer(Small::new(), SMALL).unwrap();
    store.save(&net(5)).unwrap();
    let mut store = Store::<_, 1000>::with_buffer(store.release(), SMALL).unwrap();
    let mut loaded = Net::ZERO;
    assert_eq!(numbers(store.load(&mut loaded)), (1, None));
    assert_eq!(loaded, net(5));
    store.save(&net(6)).unwrap();
    let mut store = Store::<_, 40>::with_buffer(store.release(), SMALL).unwrap();
    assert_eq!(numbers(store.load(&mut loaded)), (2, None));
    assert_eq!(loaded, net(6));
}

/// CRC-32 of IEEE 802.3, by the book.
fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 * (crc & 1)))
    })
}

/// A save as the module's documentation has it.
fn record(version: u16, place: u32, number: u32, optimizer: u32, values: &[f32]) -> Vec<u8> {
    let values: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let mut record = b"gnet".to_vec();
    record.extend(version.to_le_bytes());
    record.extend(0_u16.to_le_bytes());
    let length = values.len() as u32;
    for word in [Net::FINGERPRINT, optimizer, number, length, crc(&values)] {
        record.extend(word.to_le_bytes());
    }
    record.extend([0; 4]);
    seal(&mut record, place);
    [record, values].concat()
}

/// Puts the CRC of a header into it.
fn seal(record: &mut [u8], place: u32) {
    let covered = [&record[..28], &place.to_le_bytes()].concat();
    record[28..32].copy_from_slice(&crc(&covered).to_le_bytes());
}

/// The parameters of a network.
fn values(net: &Net) -> Vec<f32> {
    let mut all = vec![];
    net.visit(|_, values| all.extend(values));
    all
}

#[test]
fn the_format_is_as_documented() {
    let mut store = Store::new(Flash::<4, 512, 4>::new(), 512..1536).unwrap();
    store.save(&net(7)).unwrap();
    store.save(&net(8)).unwrap();
    let flash = store.release();
    let mut first = record(2, 0, 1, 0, &values(&net(7)));
    // The first page is erased for it.
    first[6] = 1;
    seal(&mut first, 0);
    assert_eq!(flash.bytes[512..][..120], first);
    assert_eq!(flash.bytes[512 + 120..][..120], record(2, 120, 2, 0, &values(&net(8))));
    assert!(flash.bytes[512 + 240..].iter().all(|&byte| byte == 0xff));
}

/// A store with these bytes at its start.
fn written(bytes: &[u8]) -> Store<Small> {
    let mut flash = Small::new();
    flash.bytes[..bytes.len()].copy_from_slice(bytes);
    flash.written.fill(true);
    Store::new(flash, SMALL).unwrap()
}

#[test]
fn records_that_others_write_are_read() {
    let mut loaded = Net::ZERO;
    let mut store = written(&record(2, 0, 41, 0, &values(&net(3))));
    assert_eq!(numbers(store.load(&mut loaded)), (41, None));
    assert_eq!(loaded, net(3));
    // It counts at its place only.
    let mut store = written(&record(2, 8, 41, 0, &values(&net(3))));
    assert_eq!(store.load(&mut loaded), Err(StoreError::Empty));
}

/// As if the range had been larger once.
#[test]
fn saves_that_do_not_fit_into_the_range_are_damaged() {
    for length in [1000_u32, 1 << 20, u32::MAX] {
        let mut large = record(2, 0, 6, 0, &values(&net(1)));
        large[20..24].copy_from_slice(&length.to_le_bytes());
        seal(&mut large, 0);
        let mut store = written(&large);
        let mut loaded = net(2);
        assert_eq!(store.load(&mut loaded), Err(StoreError::Damaged));
        assert_eq!(loaded, net(2));
        store.save(&net(3)).unwrap();
        assert_eq!(numbers(store.load(&mut loaded)), (7, None));
    }
}

#[test]
fn numbers_that_are_not_finite_are_refused() {
    let momentum = Trainer::<Net, HalfSquaredError, Momentum>::new();
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut store = Store::new(Small::new(), SMALL).unwrap();
        let (mut sick, mut loaded) = (net(1), net(2));
        sick.rest_mut().bias_mut()[1] = bad;
        assert_eq!(store.save(&sick), Err(StoreError::NotFinite));
        assert_eq!(store.save_training(&sick, &momentum), Err(StoreError::NotFinite));
        let mut trainer = Trainer::<Net, HalfSquaredError, Momentum>::new();
        Tensors::walk([], [trainer.state_mut()], &mut |_, [], [values]| values[1] = bad);
        assert_eq!(store.save_training(&net(1), &trainer), Err(StoreError::NotFinite));
        assert_eq!(store.load(&mut loaded), Err(StoreError::Empty));
        assert_eq!(store.release().operations, 0);

        let mut store = written(&record(2, 0, 1, 0, &values(&sick)));
        assert_eq!(store.load(&mut loaded), Err(StoreError::NotFinite));
        assert_eq!(loaded, net(2));
    }
}

#[test]
fn other_lengths_are_refused() {
    // Layers that say nothing of their sizes, so their fingerprints are equal.
    type Wide = Bare<2, 6, Identity, f32>;
    type High = Bare<6, 2, Identity, f32>;
    assert_eq!(Wide::FINGERPRINT, High::FINGERPRINT);
    let mut store = Store::new(Small::new(), SMALL).unwrap();
    store.save(&Wide::new([[1.0; 6]; 2])).unwrap();
    let mut loaded = High::new([[0.0; 2]; 6]);
    assert_eq!(numbers(store.load(&mut loaded)), (1, None));
    assert_eq!(loaded, High::new([[1.0; 2]; 6]));

    let all = values(&net(4));
    let mut loaded = net(2);
    let momentum = <Momentum as Optimizer<Net>>::FINGERPRINT.unwrap();
    let mut trainer = Trainer::<Net, HalfSquaredError, Momentum>::new();
    let with_state = [&all[..], &all].concat();
    let error = |expected, found| Err(StoreError::Length { expected, found });
    let mut with_more = all.clone();
    with_more.push(0.0);
    assert_eq!(written(&record(2, 0, 1, 0, &with_more)).load(&mut loaded), error(88, 92));
    assert_eq!(written(&record(2, 0, 1, 0, &all[..21])).load(&mut loaded), error(88, 84));
    let mut short = written(&record(2, 0, 1, momentum, &with_state[..43]));
    assert_eq!(short.load_training(&mut loaded, &mut trainer), error(176, 172));
    assert_eq!(loaded, net(2));
    assert_eq!(numbers(short.load(&mut loaded)), (1, None));
    assert_eq!(loaded, net(4));
    let mut whole = written(&record(2, 0, 1, momentum, &with_state));
    assert_eq!(numbers(whole.load_training(&mut loaded, &mut trainer)), (1, None));
    assert_eq!(trainer.state().rest().bias(), net(4).rest().bias());
}

#[test]
fn other_formats_are_refused_until_they_are_erased() {
    fn check<const PAGES: usize, const WORD: usize>(bytes: &[u8], found: u16) {
        let mut flash = Flash::<2, PAGES, WORD>::new();
        let second = PAGES;
        for start in [0, second] {
            flash.bytes.fill(0xff);
            flash.bytes[start..][..bytes.len()].copy_from_slice(bytes);
            flash.written.fill(true);
            let end = flash.bytes.len() as u32;
            let mut store = Store::new(flash, 0..end).unwrap();
            let refused = StoreError::Version { expected: 2, found };
            let mut loaded = net(9);
            assert_eq!(store.load(&mut loaded), Err(refused));
            assert_eq!(store.save(&loaded), Err(refused));
            assert_eq!(store.saves(), Err(refused));
            store.erase().unwrap();
            assert_eq!(store.load(&mut loaded), Err(StoreError::Empty));
            assert_eq!(loaded, net(9));
            store.save(&loaded).unwrap();
            assert_eq!(numbers(store.load(&mut loaded)), (1, None));
            flash = store.release();
        }
    }
    check::<512, 4>(include_bytes!("golden/store_1_word_4.bin"), 1);
    check::<512, 1>(include_bytes!("golden/store_1_word_4.bin"), 1);
    check::<512, 32>(include_bytes!("golden/store_1_word_32.bin"), 1);
}

#[test]
fn newer_formats_are_refused_beside_saves_of_this_one() {
    let mut store = Store::new(Small::new(), SMALL).unwrap();
    store.save(&net(1)).unwrap();
    let mut flash = store.release();
    flash.bytes[512..][..120].copy_from_slice(&record(3, 512, 2, 0, &values(&net(2))));
    let mut store = Store::new(flash, SMALL).unwrap();
    let refused = StoreError::Version { expected: 2, found: 3 };
    assert_eq!(store.load(&mut net(0)), Err(refused));
    assert_eq!(store.save(&net(3)), Err(refused));
}

/// What power cuts leave of numbers may have the bits of one of the two words by which format 1 is
/// known: only both, one behind the other, are of it.
#[test]
fn numbers_are_not_taken_for_another_format() {
    let (item, data) = (0xe746_001a_u32, 0x0001_0000_u32);
    let loaded = |words: [u32; 8]| {
        let bytes: Vec<u8> = words.into_iter().flat_map(u32::to_le_bytes).collect();
        written(&bytes).load(&mut net(0))
    };
    for words in [[0, item, 0, 0], [0, 0, data, 0], [data, item, 0, 0], [0, data, item, 0]] {
        let [a, b, c, d] = words;
        assert_eq!(loaded([a, b, c, d, 0, 0, 0, 0]), Err(StoreError::Empty), "{words:x?}");
        assert_eq!(loaded([0, 0, 0, 0, a, b, c, d]), Err(StoreError::Empty), "{words:x?}");
    }
    let refused = StoreError::Version { expected: 2, found: 1 };
    assert_eq!(loaded([0, 0, 0, item, data, 0, 0, 0]), Err(refused));
}

/// Every bit of flash in turn.
#[test]
fn a_bit_that_flips_costs_the_newest_save_at_most() {
    fn check<const WORD: usize>(saves: u32, newest: core::ops::Range<usize>) {
        let mut store = Store::new(Flash::<2, 512, WORD>::new(), SMALL).unwrap();
        for number in 1..=saves {
            store.save(&net(number)).unwrap();
        }
        let flash = store.release();
        let (mut lost, mut others) = (0, 0);
        for bit in 0..1024 * 8 {
            let mut damaged = flash.clone();
            damaged.bytes[bit / 8] ^= 1 << (bit % 8);
            let mut store = Store::new(damaged, SMALL).unwrap();
            let mut loaded = net(60_000);
            let found = store.load(&mut loaded);
            if newest.contains(&(bit / 8)) {
                if saves == 1 {
                    assert_eq!(found, Err(StoreError::Damaged), "bit {bit}");
                    assert_eq!(loaded, net(60_000));
                } else {
                    assert_eq!(numbers(found), (saves - 1, Some(saves)), "bit {bit}");
                    assert_eq!(loaded, net(saves - 1));
                }
                lost += 1;
            } else {
                assert_eq!(numbers(found), (saves, None), "bit {bit}");
                assert_eq!(loaded, net(saves));
                others += 1;
            }
            // The next one has a number of its own.
            store.save(&net(40_000)).unwrap();
            assert_eq!(numbers(store.load(&mut loaded)), (saves + 1, None));
            assert_eq!(loaded, net(40_000));
        }
        assert_eq!((lost, others), (newest.len() * 8, (1024 - newest.len()) * 8));
    }
    check::<4>(1, 0..120);
    check::<4>(2, 120..240);
    // With its predecessor in the other page, in the same page, and where the first page is used again.
    check::<4>(5, 512..632);
    check::<4>(8, 512 + 360..512 + 480);
    check::<32>(8, 512 + 384..512 + 504);
    check::<8>(9, 0..120);
}

/// Any contents whatever.
#[test]
fn a_bit_that_is_read_wrong_once_gives_no_wrong_numbers() {
    let mut store = Store::new(Small::new(), SMALL).unwrap();
    store.save(&net(1)).unwrap();
    store.save(&net(2)).unwrap();
    let flash = Flash { reads: 0, ..store.release() };
    let mut store = Store::new(flash, SMALL).unwrap();
    assert_eq!(numbers(store.load(&mut net(0))), (2, None));
    let flash = store.release();
    let (mut right, mut refused) = (0, 0);
    for read in 1..=flash.reads {
        for bit in 0..8 * 120 {
            let flash = Flash { reads: 0, wrong_read: Some((read, bit)), ..flash.clone() };
            let mut store = Store::new(flash, SMALL).unwrap();
            let mut loaded = Net::ZERO;
            match store.load(&mut loaded) {
                Ok(Loaded { number, .. }) => {
                    assert_eq!(loaded, net(number), "{read} {bit}");
                    right += 1;
                }
                Err(error) => {
                    assert_eq!(error, StoreError::Damaged, "{read} {bit}");
                    refused += 1;
                }
            }
        }
    }
    assert!(right > 1000 && refused > 1000, "{right} {refused}");
}

#[test]
fn noise_gives_no_numbers_and_is_no_obstacle() {
    for seed in 1..300 {
        let mut flash = Small { seed, ..Small::new() };
        for at in 0..1024 {
            flash.bytes[at] = flash.random() as u8;
        }
        flash.written.fill(true);
        let mut store = Store::new(flash, SMALL).unwrap();
        let mut loaded = net(7);
        assert_eq!(store.load(&mut loaded), Err(StoreError::Empty));
        assert_eq!(loaded, net(7));
        if seed % 2 == 0 {
            store.erase().unwrap();
        }
        store.save(&net(8)).unwrap();
        assert_eq!(numbers(store.load(&mut loaded)), (1, None));
        assert_eq!(loaded, net(8));
    }
}

/// The driver reports no error, the header's words among them: no save is acknowledged and then lost.
#[test]
fn writes_that_fail_in_silence_do_not_count() {
    let (mut saved, mut refused) = (0, 0);
    for seed in 1..100 {
        let flash = Small { seed, fault: Fault::Silent(50), ..Small::new() };
        let mut store = Store::new(flash, SMALL).unwrap();
        for number in 1..20 {
            if store.save(&net(number)).is_err() {
                refused += 1;
                continue;
            }
            let mut loaded = Net::ZERO;
            assert_eq!(store.load(&mut loaded).unwrap().lost, None);
            assert_eq!(loaded, net(number), "seed {seed}");
            saved += 1;
        }
    }
    assert!(saved > 1000 && refused > 10, "{saved} {refused}");
}

#[test]
fn pages_that_cannot_be_erased_are_told() {
    for (fault, error) in [
        (Fault::DeadPage(1), StoreError::Flash(FlashError::Broken)),
        (Fault::StuckPage(1), StoreError::Worn),
    ] {
        let mut store = Store::new(Small::new(), SMALL).unwrap();
        for number in 0..6 {
            store.save(&net(number)).unwrap();
        }
        let mut store = Store::new(Flash { fault, ..store.release() }, SMALL).unwrap();
        assert_eq!(store.erase(), Err(error));
        // All others are erased.
        assert!(store.release().bytes[..512].iter().all(|&byte| byte == 0xff));
    }
}

/// The newest save goes last, so a power cut never leaves an older one.
#[test]
fn an_erasure_that_is_cut_leaves_the_newest_save_or_none() {
    for saves in 1..20 {
        let range = 0..4 * 512;
        let mut store = Store::new(Flash::<4, 512, 4>::new(), range.clone()).unwrap();
        for number in 1..=saves {
            store.save(&net(number)).unwrap();
        }
        let flash = store.release();
        for cut in 0..4 {
            let cut_at = Some(flash.operations + cut);
            let mut store = Store::new(Flash { cut_at, ..flash.clone() }, range.clone()).unwrap();
            assert_eq!(store.erase(), Err(StoreError::Flash(FlashError::PowerCut)));
            let flash = Flash { cut_at: None, ..store.release() };
            let mut store = Store::new(flash, range.clone()).unwrap();
            match store.saves().unwrap() {
                0 => assert_eq!(cut, 3),
                number => assert_eq!(number, saves),
            }
        }
    }
}

/// The same flash for an executor, which waits once in every operation.
struct Slow(Small);

/// Is not ready when it is asked first.
async fn wait() {
    let mut asked = false;
    core::future::poll_fn(|_| {
        let ready = core::mem::replace(&mut asked, true);
        if ready { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

impl asynchronous::ErrorType for Slow {
    type Error = FlashError;
}

impl asynchronous::ReadNorFlash for Slow {
    const READ_SIZE: usize = 1;
    async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), FlashError> {
        wait().await;
        self.0.read(offset, bytes)
    }
    fn capacity(&self) -> usize {
        self.0.capacity()
    }
}

impl asynchronous::NorFlash for Slow {
    const WRITE_SIZE: usize = 4;
    const ERASE_SIZE: usize = 512;
    async fn erase(&mut self, from: u32, to: u32) -> Result<(), FlashError> {
        wait().await;
        self.0.erase(from, to)
    }
    async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), FlashError> {
        wait().await;
        self.0.write(offset, bytes)
    }
}

/// Runs a future to its end, or drops it after so many polls.
fn poll<R>(future: impl Future<Output = R>, most: usize) -> Option<R> {
    let mut future = pin!(future);
    (0..most).find_map(|_| match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => Some(result),
        Poll::Pending => None,
    })
}

#[test]
fn async_stores_write_the_same_bytes() {
    let mut blocking = Store::new(Small::new(), SMALL).unwrap();
    let mut store = AsyncStore::new(Slow(Small::new()), SMALL).unwrap();
    let mut loaded = Net::ZERO;
    for number in 0..50 {
        blocking.save(&net(number)).unwrap();
        // Dropped somewhere on the way, like a cut.
        let _ = poll(store.save(&net(number)), number as usize % 7);
        poll(store.save(&net(number)), usize::MAX).unwrap().unwrap();
        let found = poll(store.load(&mut loaded), usize::MAX).unwrap();
        assert_eq!(numbers(found), (number + 1, None));
        assert_eq!(loaded, net(number));
    }
    let momentum = &mut Trainer::<Net, HalfSquaredError, Momentum>::new();
    blocking.save_training(&loaded, momentum).unwrap();
    poll(store.save_training(&loaded, momentum), usize::MAX).unwrap().unwrap();
    let found = poll(store.load_training(&mut loaded, momentum), usize::MAX).unwrap();
    assert_eq!(numbers(found), (51, None));
    assert_eq!(poll(store.saves(), usize::MAX), Some(Ok(51)));
    assert_eq!(store.release().0.bytes, blocking.release().bytes);
}

/// The figures of the module's documentation.
#[test]
fn wear_is_spread() {
    let mut store = Store::new(Flash::<2, 4096, 4>::new(), 0..8192).unwrap();
    let saved = Store::<Flash<2, 4096, 4>>::saved_bytes::<Net>();
    assert_eq!(saved, 32 + 88);
    const SAVES: u32 = 6_800;
    for number in 0..SAVES {
        store.save(&net(number)).unwrap();
    }
    let [first, second] = store.release().erased;
    assert!(first.abs_diff(second) <= 1, "{first} {second}");
    // Of 10,000 erasures that a page bears.
    let saves = u64::from(SAVES) * 10_000 / u64::from(first.max(second));
    assert_eq!(saves, 2 * 10_000 * (4096 / saved as u64));
    assert_eq!(saves, 680_000);
}
