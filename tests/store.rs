//! What was learned, kept in flash.
#![cfg(feature = "store")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::float_cmp,
    reason = "tests may panic, and compare exactly"
)]
#![allow(dead_code, reason = "not every test needs all of the flash")]

mod flash {
    #![allow(unreachable_pub, reason = "the documentation includes the same file")]
    include!("support/flash.rs");
}

use core::fmt::Debug;

use flash::{Flash, FlashError};
use gradlet::prelude::*;
use gradlet::store::{RangeError, Store, StoreError};
use gradlet::{Gradients, fingerprint};

type Net = Mlp<2, 4, 2>;
type Small = Flash<2, 512, 4>;
const SMALL: core::ops::Range<u32> = 0..1024;

const EXAMPLES: [([f32; 2], [f32; 2]); 3] =
    [([0.1, 0.9], [0.0, 1.0]), ([0.7, 0.3], [1.0, 0.0]), ([0.5, 0.5], [0.5, 0.2])];

/// A network that is another one for each number.
fn net(number: u32) -> Net {
    let mut net = Net::ZERO;
    let mut next = f32::from(number as u16) + 0.25;
    Net::tensors([], [&mut net], [], &mut |_, [], [values], []| {
        for value in values {
            next = next * 1.001 + 0.125;
            *value = next;
        }
    });
    net
}

#[test]
fn what_was_saved_comes_back() {
    let mut store = Store::<_>::new(Small::new(), SMALL).unwrap();
    let mut loaded = net(9);
    assert_eq!(store.load(&mut loaded), Err(StoreError::Empty));
    assert_eq!(loaded, net(9));
    for number in 0..100 {
        assert_eq!(store.saves(), Ok(number));
        store.save(&net(number)).unwrap();
        store.load(&mut loaded).unwrap();
        assert_eq!(loaded, net(number));
    }
    // After a reset, from the flash alone.
    let mut store = Store::<_>::new(store.release(), SMALL).unwrap();
    loaded = Net::ZERO;
    store.load(&mut loaded).unwrap();
    assert_eq!(loaded, net(99));
    store.erase().unwrap();
    assert_eq!(store.load(&mut loaded), Err(StoreError::Empty));
}

#[test]
fn networks_may_be_larger_than_buffer_and_page() {
    type Large = Mlp<32, 24, 10, Tanh, Softmax, f64>;
    let mut large = Large::ZERO;
    let mut next = 0.5;
    Large::tensors([], [&mut large], [], &mut |_, [], [values], []| {
        for value in values {
            next = next * 1.0001 - 0.25;
            *value = next;
        }
    });
    let mut loaded = Large::ZERO;
    for word in [1, 4, 8] {
        match word {
            1 => check::<Flash<80, 512, 1>, 64>(Flash::new(), &large, &mut loaded),
            4 => check::<Flash<80, 512, 4>, 1024>(Flash::new(), &large, &mut loaded),
            _ => check::<Flash<80, 512, 8>, 200>(Flash::new(), &large, &mut loaded),
        }
    }

    fn check<F, const BUFFER: usize>(flash: F, large: &Large, loaded: &mut Large)
    where
        F: embedded_storage::nor_flash::NorFlash<Error: Debug + PartialEq>,
    {
        let mut store = Store::<F, BUFFER>::new(flash, 0..80 * 512).unwrap();
        for _ in 0..5 {
            *loaded = Large::ZERO;
            store.save(large).unwrap();
            store.load(loaded).unwrap();
            assert_eq!(loaded, large);
        }
    }
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
        let mut store = Store::<_>::new(Flash::<4, 512, 4>::new(), 0..2048).unwrap();
        store.save_training(&first.0, &first.1).unwrap();
        let mut second = (Net::ZERO, Trainer::new());
        store.load_training(&mut second.0, &mut second.1).unwrap();
        train(&mut second.1, &mut second.0, &optimizer, 26);
        assert_eq!(second.0, whole.0);
        // The parameters alone, for inference.
        let mut alone = Net::ZERO;
        store.load(&mut alone).unwrap();
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
    check(WeightDecay { optimizer: Adam::new(0.01), rate: 0.1 });
    check(NoBias { optimizer: Adam::new(0.01) });
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
    let mut store = Store::<_>::new(Flash::<4, 512, 4>::new(), 0..2048).unwrap();
    for epoch in 0..10 {
        if epoch == 4 {
            store.save_training(&whole, &trainer).unwrap();
        }
        step(&mut whole, &mut trainer);
    }
    let (mut resumed, mut trainer) = (Net::ZERO, Batches::new());
    store.load_training(&mut resumed, &mut trainer).unwrap();
    for _ in 4..10 {
        step(&mut resumed, &mut trainer);
    }
    assert_eq!(resumed, whole);
}

#[test]
fn other_networks_are_refused_and_left_alone() {
    let mut store = Store::<_>::new(Small::new(), SMALL).unwrap();
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
    store.load(&mut loaded).unwrap();
    assert_eq!(loaded, net(3));
}

#[test]
fn other_optimizers_are_refused() {
    let (mut start, mut momentum) = (net(0), Trainer::<Net, HalfSquaredError, Momentum>::new());
    let mut store = Store::<_>::new(Flash::<4, 512, 4>::new(), 0..2048).unwrap();
    let expected = <Momentum as Optimizer<Net>>::FINGERPRINT;
    store.save(&start).unwrap();
    assert_eq!(
        store.load_training(&mut start, &mut momentum),
        Err(StoreError::OtherOptimizer { expected, found: 0 })
    );
    store.save_training(&start, &Trainer::<Net, HalfSquaredError, Nesterov>::new()).unwrap();
    let found = <Nesterov as Optimizer<Net>>::FINGERPRINT;
    assert_eq!(
        store.load_training(&mut start, &mut momentum),
        Err(StoreError::OtherOptimizer { expected, found })
    );
    assert_eq!(start, net(0));
}

/// Remembers something, and keeps it to itself.
#[derive(Clone)]
struct Secretive;

impl<N: Layer<Scalar = f32>> Optimizer<N> for Secretive {
    type State = [f32; 3];
    const FINGERPRINT: u32 = fingerprint("secretive", &[]);

    fn update(&self, _: &mut N, _: &mut [f32; 3], _: &impl Gradients<N>, _: f32) {}
}

#[test]
fn optimizers_must_show_what_they_remember() {
    let mut store = Store::<_>::new(Small::new(), SMALL).unwrap();
    let trainer = Trainer::<Net, HalfSquaredError, Secretive>::new();
    assert_eq!(store.save_training(&net(0), &trainer), Err(StoreError::NotShown));
    assert_eq!(store.load(&mut net(0)), Err(StoreError::Empty));
}

#[test]
fn ranges_must_be_pages_of_the_flash() {
    let error = |range| Store::<_>::new(Small::new(), range).unwrap_err();
    assert_eq!(error(0..1023), StoreError::Range(RangeError::NotPages));
    assert_eq!(error(4..1024), StoreError::Range(RangeError::NotPages));
    assert_eq!(error(512..1024), StoreError::Range(RangeError::TooShort));
    assert_eq!(error(0..0), StoreError::Range(RangeError::TooShort));
    #[allow(clippy::reversed_empty_ranges, reason = "a mistake that a user may make")]
    let reversed = error(1024..0);
    assert_eq!(reversed, StoreError::Range(RangeError::Outside { end: 1024 }));
    assert_eq!(error(0..1536), StoreError::Range(RangeError::Outside { end: 1024 }));
}

#[test]
fn a_full_store_keeps_the_last_save() {
    // 114 parameters, 456 bytes: one save fits into two of three pages, two do not.
    type Large = Dense<18, 6>;
    let mut store = Store::<_, 64>::new(Flash::<3, 512, 4>::new(), 0..1536).unwrap();
    let mut first = Large::ZERO;
    first.bias_mut()[3] = 0.75;
    store.save(&first).unwrap();
    let mut loaded = Large::ZERO;
    assert_eq!(store.save(&Large::ZERO), Err(StoreError::Full));
    store.load(&mut loaded).unwrap();
    assert_eq!(loaded, first);
}

#[test]
fn other_buffers_and_versions_are_named() {
    let mut store = Store::<_, 128>::new(Small::new(), SMALL).unwrap();
    store.save(&net(5)).unwrap();
    let flash = store.release();
    let mut store = Store::<_, 64>::new(flash.clone(), SMALL).unwrap();
    let mut loaded = Net::ZERO;
    assert!(matches!(store.load(&mut loaded), Err(StoreError::Buffer { expected: 0, .. })));
    assert_eq!(loaded, Net::ZERO);
    // A larger buffer can read the pieces of a smaller one, but does not mix both.
    let mut store = Store::<_, 200>::new(flash, SMALL).unwrap();
    store.load(&mut loaded).unwrap();
    assert_eq!(loaded, net(5));
    assert!(matches!(store.save(&loaded), Err(StoreError::Buffer { found: 120, .. })));
}

/// Every bit of flash in turn: the network comes back as it was saved, or there is an error.
#[test]
fn damage_never_gives_wrong_numbers() {
    let mut store = Store::<_>::new(Small::new(), SMALL).unwrap();
    store.save(&net(1)).unwrap();
    store.save(&net(2)).unwrap();
    let flash = store.release();
    let (mut refused, mut fell_back) = (0, 0);
    for bit in 0..1024 * 8 {
        let mut damaged = flash.clone();
        damaged.bytes[bit / 8] ^= 1 << (bit % 8);
        let mut store = Store::<_>::new(damaged, SMALL).unwrap();
        let mut loaded = net(7);
        match store.load(&mut loaded) {
            Ok(()) if loaded == net(2) => {}
            // The newer header is damaged, and what the older one stands for is whole.
            Ok(()) => {
                assert_eq!(loaded, net(1), "bit {bit}");
                fell_back += 1;
            }
            Err(_) => {
                assert_eq!(loaded, net(7), "bit {bit}");
                refused += 1;
            }
        }
    }
    assert!(refused > 100 && fell_back > 100, "{refused} {fell_back}");
}

/// Pieces of a save that was cut, and of the next one, have the same generation: the sum over all numbers
/// tells them apart where one of the newer is damaged.
#[test]
fn damage_never_mixes_two_saves() {
    let range = 0..1536;
    let mut store = Store::<_, 48>::new(Flash::<3, 512, 4>::new(), range.clone()).unwrap();
    store.save(&net(1)).unwrap();
    let whole = store.release();
    // Late enough for two of three pieces.
    let cut = Flash { cut_at: Some(whole.operations + 26), ..whole };
    let mut store = Store::<_, 48>::new(cut, range.clone()).unwrap();
    assert_eq!(store.save(&net(2)), Err(StoreError::Flash(FlashError::PowerCut)));
    let rebooted = Flash { cut_at: None, ..store.release() };
    let mut store = Store::<_, 48>::new(rebooted, range.clone()).unwrap();
    store.save(&net(3)).unwrap();
    let flash = store.release();
    for bit in 0..512 * 8 {
        let mut damaged = flash.clone();
        damaged.bytes[bit / 8] ^= 1 << (bit % 8);
        let mut store = Store::<_, 48>::new(damaged, range.clone()).unwrap();
        let mut loaded = net(7);
        let result = store.load(&mut loaded);
        let whole = if result.is_ok() { [net(1), net(3)] } else { [net(7), net(7)] };
        assert!(whole.contains(&loaded), "bit {bit}: {result:?}");
    }
}

/// Any contents whatever.
#[test]
fn noise_never_gives_numbers() {
    let mut noise = 1_u32;
    for _ in 0..300 {
        let mut flash = Small::new();
        for byte in &mut flash.bytes {
            noise ^= noise << 13;
            noise ^= noise >> 17;
            noise ^= noise << 5;
            *byte = noise as u8;
        }
        let mut store = Store::<_>::new(flash, SMALL).unwrap();
        let mut loaded = net(7);
        assert!(store.load(&mut loaded).is_err());
        assert_eq!(loaded, net(7));
        store.erase().unwrap();
        store.save(&net(8)).unwrap();
        store.load(&mut loaded).unwrap();
        assert_eq!(loaded, net(8));
    }
}

/// Power is cut at every operation of 200 saves (of 10, if not optimised), before, after and within each word and page; returns
/// how often the older and the newer network came back.
fn cut_everywhere<const PAGES: usize, const PAGE: usize, const WORD: usize, const BUFFER: usize>()
-> [u32; 2] {
    let range = 0..(PAGES * PAGE) as u32;
    let mut flash = Flash::<PAGES, PAGE, WORD>::new();
    let mut came_back = [0; 2];
    for number in 1..=if cfg!(debug_assertions) { 10 } else { 200 } {
        let before = flash.clone();
        let mut store = Store::<_, BUFFER>::new(flash, range.clone()).unwrap();
        store.save(&net(number)).unwrap();
        flash = store.release();
        for cut_at in before.operations..flash.operations {
            // Nothing of it happened; some bits are left over; all of it happened, but nothing after it.
            for left in [0xff, 0xa5, 0x00] {
                let cut = Flash { cut_at: Some(cut_at), left, ..before.clone() };
                let mut store = Store::<_, BUFFER>::new(cut, range.clone()).unwrap();
                assert_eq!(store.save(&net(number)), Err(StoreError::Flash(FlashError::PowerCut)));
                let rebooted = Flash { cut_at: None, ..store.release() };
                let mut store = Store::<_, BUFFER>::new(rebooted, range.clone()).unwrap();
                let mut loaded = net(60_000);
                match store.load(&mut loaded) {
                    Ok(()) => {
                        let newer = loaded == net(number);
                        assert!(newer || loaded == net(number - 1), "{number}, {cut_at}, {left}");
                        came_back[usize::from(newer)] += 1;
                    }
                    error => {
                        assert!(number == 1 && error == Err(StoreError::Empty), "{error:?}");
                        assert_eq!(loaded, net(60_000));
                    }
                }
                store.save(&net(number + 1)).unwrap();
                store.load(&mut loaded).unwrap();
                assert_eq!(loaded, net(number + 1));
            }
        }
    }
    came_back
}

#[test]
fn power_may_be_cut_at_any_time() {
    let each = [
        cut_everywhere::<2, 512, 4, 256>(),
        cut_everywhere::<2, 512, 8, 256>(),
        cut_everywhere::<4, 256, 1, 256>(),
        // In three pieces.
        cut_everywhere::<3, 512, 4, 48>(),
    ];
    println!("[older, newer] network after a cut: {each:?}");
    for [older, newer] in each {
        assert!(older > 10 * newer && newer > 0);
    }
}

/// The figures of the README.
#[test]
#[cfg_attr(debug_assertions, ignore = "takes a minute when not optimised")]
fn wear_is_spread() {
    let mut store = Store::<_>::new(Flash::<2, 4096, 4>::new(), 0..8192).unwrap();
    assert_eq!(Store::<Flash<2, 4096, 4>>::saved_bytes::<Net>(), 40 + 104);
    const SAVES: u32 = 10_000;
    for number in 0..SAVES {
        store.save(&net(number)).unwrap();
    }
    let [first, second] = store.release().erased;
    assert!(first.abs_diff(second) <= 1, "{first} {second}");
    // Of 10,000 erasures that a page bears.
    let saves = u64::from(SAVES) * 10_000 / u64::from(first.max(second));
    assert_eq!(saves, 520_833);
}
