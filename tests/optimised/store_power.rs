//! Networks saved in flash, through power cuts and faults of the flash.
//!
//! Each campaign prints what came of it: `cargo test --release --features embedded-storage-v0.3
//! --test optimised store_power:: -- --nocapture`. `STORE_ROUNDS=N` before that makes N times as many
//! rounds (an hour: 100).
#![cfg(feature = "embedded-storage-v0.3")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    reason = "tests may panic"
)]
#![allow(dead_code, reason = "not every test needs all of the flash")]

mod flash {
    #![allow(unreachable_pub, reason = "the documentation includes the same file")]
    include!("../simulated/flash.rs");
}

use core::fmt;
use core::ops::Range;

use flash::{Fault, Flash, FlashError, Left, Rewrites};
use gradlet::prelude::*;
use gradlet::store::{Loaded, Store, StoreError};

/// A network whose numbers say which one it is.
trait Numbered: Layer<Format = f32> + Zero + Clone + PartialEq + fmt::Debug {
    fn numbered(number: u32) -> Self {
        let mut net = Self::ZERO;
        let mut next = number.wrapping_mul(0x9e37_79b9);
        net.visit_mut(|_, values| {
            for value in values {
                next = next.wrapping_mul(0x0019_660d).wrapping_add(0x3c6e_f35f);
                // Any bits, but for those that are not finite.
                *value = f32::from_bits(next & 0xbfff_ffff);
            }
        });
        net
    }
}

impl<N: Layer<Format = f32> + Zero + Clone + PartialEq + fmt::Debug> Numbered for N {}

/// 88 bytes.
type Small = Mlp<2, 4, 2>;
/// 584 bytes.
type Large = Mlp<8, 10, 5>;

/// What came of loads and saves.
#[derive(Clone, Copy, Debug, Default)]
struct Outcomes {
    /// The last save that was acknowledged.
    last: u64,
    /// The one that was in progress when power was cut, whole.
    in_progress: u64,
    /// Nothing, where nothing was ever acknowledged.
    nothing: u64,
    /// Loads that told of a later save that is damaged.
    told: u64,
    /// Saves that were cut, that went well, and that told of a fault of the flash.
    cut: u64,
    saved: u64,
    refused: u64,
}

impl Outcomes {
    fn loads(&self) -> u64 {
        self.last + self.in_progress + self.nothing
    }
}

/// How many times as long a campaign is to be.
fn rounds() -> u64 {
    std::env::var("STORE_ROUNDS").map_or(1, |rounds| rounds.parse().unwrap())
}

/// A flash, and what is known of what is in it.
struct Device<N, const PAGES: usize, const PAGE: usize, const WORD: usize, const READ: usize> {
    flash: Option<Flash<PAGES, PAGE, WORD, READ>>,
    /// The last save that was acknowledged, and those that were begun after it.
    last: Option<N>,
    begun: Vec<N>,
    next: u32,
    outcomes: Outcomes,
    /// For what happens, beside what is left.
    seed: u64,
}

impl<N: Numbered, const PAGES: usize, const PAGE: usize, const WORD: usize, const READ: usize>
    Device<N, PAGES, PAGE, WORD, READ>
{
    const RANGE: Range<u32> = 0..(PAGES * PAGE) as u32;

    fn new(flash: Flash<PAGES, PAGE, WORD, READ>) -> Self {
        let seed = flash.seed.wrapping_mul(0x5851_f42d_4c95_7f2d) | 1;
        let outcomes = Outcomes::default();
        Self { flash: Some(flash), last: None, begun: vec![], next: 1, outcomes, seed }
    }

    fn flash(&mut self) -> &mut Flash<PAGES, PAGE, WORD, READ> {
        self.flash.as_mut().unwrap()
    }

    fn random(&mut self, below: u64) -> u64 {
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        (self.seed >> 16) % below
    }

    /// Saves the next network by a program that starts for it.
    fn save(&mut self) -> Result<(), StoreError<FlashError>> {
        let net = N::numbered(self.next);
        self.next += 1;
        let mut store = Store::new(self.flash.take().unwrap(), Self::RANGE).unwrap();
        let result = store.save(&net);
        self.flash = Some(store.release());
        match result {
            Ok(()) => {
                self.outcomes.saved += 1;
                self.last = Some(net);
                self.begun.clear();
            }
            Err(StoreError::Flash(FlashError::PowerCut)) => {
                self.outcomes.cut += 1;
                self.begun.push(net);
            }
            Err(_) => {
                self.outcomes.refused += 1;
                self.begun.push(net);
            }
        }
        result
    }

    /// Saves, with power cut in this operation, then lets power come back; whether it was cut.
    fn save_with_cut(&mut self, operation: u32, left: Left) -> bool {
        let flash = self.flash();
        flash.left = left;
        flash.cut_at = Some(flash.operations + operation);
        let result = self.save();
        self.flash().cut_at = None;
        result == Err(StoreError::Flash(FlashError::PowerCut))
    }

    /// Loads by a program that starts for it: the last save, or one that was begun after it.
    fn load(&mut self) {
        let mut loaded = N::ZERO;
        let mut store = Store::new(self.flash.take().unwrap(), Self::RANGE).unwrap();
        let found = store.load(&mut loaded);
        self.flash = Some(store.release());
        match found {
            Ok(Loaded { lost, .. }) => {
                self.outcomes.told += u64::from(lost.is_some());
                if Some(&loaded) == self.last.as_ref() {
                    self.outcomes.last += 1;
                } else if self.begun.contains(&loaded) {
                    // It counts from now on.
                    self.outcomes.in_progress += 1;
                    self.last = Some(loaded);
                    self.begun.clear();
                } else {
                    panic!("another network, before save {}: {loaded:?}", self.next);
                }
            }
            Err(error) => {
                assert!(self.last.is_none(), "before save {}: {error:?}", self.next);
                assert!(matches!(error, StoreError::Empty | StoreError::Damaged), "{error:?}");
                self.outcomes.nothing += 1;
            }
        }
    }

    /// Saves as long as power lasts.
    fn saves_well(&mut self, times: u32) {
        for _ in 0..times {
            assert_eq!(self.save(), Ok(()), "save {}", self.next - 1);
            self.load();
        }
    }
}

const LEFT: [Left; 9] = [
    Left::Bytes,
    Left::Weak,
    Left::AllButOne,
    Left::Some(0),
    Left::Some(1),
    Left::Some(16),
    Left::Some(128),
    Left::Some(240),
    Left::Some(256),
];

/// Random cuts, up to three in a row, in all kinds of flash: then 60 saves or more that must go well.
fn campaign<
    N: Numbered,
    const PAGES: usize,
    const PAGE: usize,
    const WORD: usize,
    const READ: usize,
>(
    name: &str,
    trials: u64,
) -> Outcomes {
    let mut sum = Outcomes::default();
    // The operations of a save, with those that erase pages for it.
    let bytes = 32_usize.next_multiple_of(WORD.max(8)) + N::PARAMS * 4;
    let most = (bytes.next_multiple_of(WORD.max(8)) / WORD + bytes.div_ceil(PAGE)) as u64;
    for trial in 0..trials * rounds() {
        let mut flash = Flash::erased_to(if trial % 2 == 0 { 0xff } else { 0x00 });
        flash.rewrites = [Rewrites::Never, Rewrites::AllBits, Rewrites::Any][trial as usize % 3];
        flash.seed = trial.wrapping_mul(0x9e37_79b9_7f4a_7c15) + 1;
        let mut device = Device::<N, PAGES, PAGE, WORD, READ>::new(flash);
        if trial % 5 == 0 {
            // The range had something else in it.
            let flash = device.flash();
            for at in 0..flash.bytes.len() {
                flash.bytes[at] = flash.random() as u8;
            }
            flash.written.fill(true);
        }
        let calm = device.random(40) as u32;
        device.saves_well(calm);
        for _ in 0..1 + device.random(3) {
            let left = LEFT[device.random(9) as usize];
            // Half of all cuts are in the first operation, where pages are erased, or near the last,
            // where the header is.
            let at = match device.random(4) {
                0 => 0,
                1 => most.saturating_sub(1 + device.random(3)),
                _ => device.random(most),
            };
            device.save_with_cut(at as u32, left);
            device.load();
        }
        device.saves_well(60);
        // From there on, a cut now and then.
        for _ in 0..4 {
            let left = LEFT[device.random(9) as usize];
            let at = device.random(most) as u32;
            device.save_with_cut(at, left);
            device.load();
            device.saves_well(3);
        }
        assert_eq!(device.flash().overwritten, 0, "trial {trial}");
        sum = add(sum, device.outcomes);
    }
    println!("{name}: {} loads; {sum:?}", sum.loads());
    sum
}

fn add(a: Outcomes, b: Outcomes) -> Outcomes {
    Outcomes {
        last: a.last + b.last,
        in_progress: a.in_progress + b.in_progress,
        nothing: a.nothing + b.nothing,
        told: a.told + b.told,
        cut: a.cut + b.cut,
        saved: a.saved + b.saved,
        refused: a.refused + b.refused,
    }
}

#[test]
fn cuts_leave_the_last_save() {
    let all = [
        campaign::<Small, 2, 512, 4, 1>("2 x 512, words of 4", 2_200),
        campaign::<Small, 2, 512, 8, 4>("2 x 512, words of 8", 2_200),
        campaign::<Small, 3, 512, 1, 1>("3 x 512, words of 1", 1_600),
        campaign::<Small, 4, 256, 2, 8>("4 x 256, words of 2, read by 8", 2_200),
        campaign::<Small, 2, 1024, 16, 1>("2 x 1024, words of 16", 1_400),
        campaign::<Small, 2, 2048, 32, 32>("2 x 2048, words of 32", 800),
        campaign::<Small, 3, 1024, 256, 4>("3 x 1024, words of 256", 1_200),
        campaign::<Large, 5, 512, 4, 4>("5 x 512, words of 4, two pages a save", 900),
        campaign::<Small, 2, 4096, 4, 1>("2 x 4096, words of 4", 300),
    ];
    let sum = all.into_iter().fold(Outcomes::default(), add);
    println!("all: {} loads; {sum:?}", sum.loads());
    assert!(sum.loads() > 1_000_000);
    assert!(sum.in_progress > 1000 && sum.nothing > 100 && sum.told > 10, "{sum:?}");
    assert_eq!(sum.refused, 0);
}

/// Every operation of many saves is cut once, and the save after that too.
#[test]
fn power_may_be_cut_at_any_time() {
    fn check<const PAGES: usize, const PAGE: usize, const WORD: usize>() -> Outcomes {
        let mut sum = Outcomes::default();
        let mut device = Device::<Small, PAGES, PAGE, WORD, 1>::new(Flash::new());
        for number in 0..40 {
            for operation in 0.. {
                let flash = device.flash().clone();
                let mut cut = Device::<Small, PAGES, PAGE, WORD, 1>::new(flash);
                (cut.last, cut.next) = (device.last.clone(), device.next);
                cut.flash().seed += u64::from(number);
                let left = LEFT[(number + operation) as usize % LEFT.len()];
                if !cut.save_with_cut(operation, left) {
                    break;
                }
                cut.load();
                // Twice at the same place, or one after it.
                cut.save_with_cut(operation + number % 2, left);
                cut.load();
                cut.saves_well(12);
                sum = add(sum, cut.outcomes);
            }
            device.saves_well(1);
        }
        sum
    }
    let all =
        [check::<2, 512, 4>(), check::<2, 512, 8>(), check::<4, 256, 1>(), check::<2, 1024, 32>()];
    for outcomes in all {
        println!("{outcomes:?}");
        assert!(outcomes.cut > 300 && outcomes.in_progress > 10, "{outcomes:?}");
        assert_eq!(outcomes.refused, 0);
    }
}

/// An erasure is cut that leaves one bit of the page: each `step`-th bit in turn, with 60 saves after it.
fn leftover_bits<const PAGES: usize, const PAGE: usize>(step: usize) -> u32 {
    let mut device = Device::<Small, PAGES, PAGE, 4, 1>::new(Flash::new());
    // Until all pages are full, and the next save erases one.
    let before = loop {
        let before = device.flash().clone();
        let last = (device.last.clone(), device.next);
        device.saves_well(1);
        let erased: u32 = device.flash().erased.iter().sum();
        if erased as usize > PAGES {
            (device.last, device.next) = last;
            break before;
        }
    };
    let erases = |page: &usize| device.flash.as_ref().unwrap().erased[*page] > before.erased[*page];
    let page = (0..PAGES).find(erases).unwrap();
    let mut bits = 0;
    for number in (0..PAGE * 8).step_by(step) {
        let (at, bit) = (page * PAGE + number / 8, number % 8);
        if before.bytes[at] >> bit & 1 == 0 {
            let mut flash = before.clone();
            flash.bytes[page * PAGE..][..PAGE].fill(0xff);
            flash.bytes[at] = !(1 << bit);
            // On half of them, what is not written may be written.
            flash.rewrites = if bits % 2 == 0 { Rewrites::Never } else { Rewrites::Any };
            let mut cut = Device::<Small, PAGES, PAGE, 4, 1>::new(flash);
            (cut.last, cut.next) = (device.last.clone(), device.next);
            cut.load();
            cut.saves_well(60);
            assert_eq!(cut.outcomes.last, 61, "byte {at}, bit {bit}");
            bits += 1;
        }
    }
    println!("{PAGES} x {PAGE}: {bits} single bits left, each with 60 saves after it");
    bits
}

#[test]
fn every_single_bit_that_an_erasure_leaves_is_harmless() {
    assert!(leftover_bits::<2, 512>(1) > 1000);
}

#[test]
fn single_bits_that_a_large_erasure_leaves_are_harmless() {
    // A prime: among them are all bits of bytes, and all bytes of words.
    assert!(leftover_bits::<2, 4096>(11) > 1000);
}

/// Writes and erasures that fail, reported or not, and cuts among them: nothing that is acknowledged is
/// lost, and after the faults all saves go well.
#[test]
fn faults_of_the_flash_are_found() {
    let mut sum = Outcomes::default();
    for trial in 0..600 * rounds() {
        let mut flash = Flash::<4, 512, 4>::erased_to(if trial % 2 == 0 { 0xff } else { 0x00 });
        flash.rewrites = [Rewrites::Never, Rewrites::AllBits, Rewrites::Any][trial as usize % 3];
        flash.seed = trial + 1;
        let of = [8, 40, 200, 1000][trial as usize / 2 % 4];
        let mut device = Device::<Small, 4, 512, 4, 1>::new(flash);
        for _ in 0..3 {
            device.flash().fault =
                if device.random(2) == 0 { Fault::Reported(of) } else { Fault::Silent(of) };
            for _ in 0..20 {
                if let Err(error) = device.save() {
                    let told = [StoreError::Flash(FlashError::Broken), StoreError::Worn];
                    let twice = StoreError::Flash(FlashError::WrittenTwice);
                    assert!(told.contains(&error) || error == twice, "{error:?}");
                }
                device.load();
                let at = device.random(200) as u32;
                device.save_with_cut(at, Left::Bytes);
                device.load();
            }
            device.flash().fault = Fault::None;
            device.saves_well(60);
        }
        sum = add(sum, device.outcomes);
    }
    println!("{} loads; {sum:?}", sum.loads());
    assert!(sum.refused > 100 && sum.saved > 100_000 && sum.cut > 1000, "{sum:?}");
}

/// A page that takes nothing any more is passed over.
#[test]
fn broken_pages_are_passed_over() {
    for page in 0..3 {
        for fault in [Fault::DeadPage(page), Fault::StuckPage(page)] {
            for calm in 0..16 {
                let mut device = Device::<Small, 3, 512, 4, 1>::new(Flash::new());
                device.saves_well(calm);
                device.flash().fault = fault;
                device.saves_well(60);
                assert_eq!(device.outcomes.refused, 0);
            }
        }
    }
}

/// The newest save is damaged, and power is cut: the one before it is still there.
#[test]
fn the_save_before_survives_damage_and_cuts() {
    for trial in 0..3000_u64 {
        let flash = Flash { seed: trial + 1, ..Flash::<3, 512, 4>::new() };
        let mut device = Device::<Small, 3, 512, 4, 1>::new(flash);
        let calm = 2 + device.random(20) as u32;
        device.saves_well(calm);
        // One bit of the newest save: found by what it wrote.
        let before = device.flash().bytes.clone();
        let old = device.last.clone();
        device.saves_well(1);
        let changed: Vec<_> =
            (0..before.len()).filter(|&at| before[at] != device.flash().bytes[at]).collect();
        // Where the page was erased for it, only what is not blank is its own.
        let own: Vec<_> =
            changed.into_iter().filter(|&at| device.flash().bytes[at] != 0xff).collect();
        let at = own[device.random(own.len() as u64) as usize];
        let bit = device.random(8);
        device.flash().bytes[at] ^= 1 << bit;
        device.last = old;
        device.load();
        assert_eq!(device.outcomes.told, 1, "{trial}");
        let (at, left) = (device.random(35) as u32, LEFT[device.random(9) as usize]);
        device.save_with_cut(at, left);
        device.load();
        device.saves_well(60);
    }
}
