//! Power-fail-safe storage of networks in NOR flash (feature `embedded-storage-v0.3`).
//!
//! [`Store`] works with any flash driver that implements the traits of [`embedded_storage`], as the
//! hardware abstraction crates of most microcontrollers do; [`AsyncStore`] with those of
//! [`embedded_storage_async`]. Both write to a ring of pages, which levels the wear.
//!
//! ```standalone_crate
//! use gradlet::prelude::*;
//! use gradlet::store::{Store, StoreError};
//! # mod flash { include!("../../tests/simulated/flash.rs"); }
//! # let flash = flash::Flash::<4, 512, 4>::new();
//!
//! // `flash` is the driver. Its first two pages of 512 bytes are for the network.
//! let mut store = Store::new(flash, 0..1024)?;
//! let mut net = Mlp::<2, 4, 2>::ZERO;
//! match store.load(&mut net) {
//!     Ok(loaded) if loaded.lost.is_none() => {}
//!     Ok(_) => {} // The last save is damaged: this is the one before it.
//!     // First boot, or power was cut during the first save: train from the initial weights.
//!     Err(StoreError::Empty | StoreError::Damaged) => {}
//!     Err(error) => return Err(error),
//! }
//! net.first_mut().bias_mut()[0] = 0.5; // Stands for training.
//! store.save(&net)?;
//!
//! let mut after_power_cut = Mlp::<2, 4, 2>::ZERO;
//! let loaded = store.load(&mut after_power_cut)?;
//! assert_eq!((loaded.number, loaded.lost), (1, None));
//! assert_eq!(after_power_cut, net);
//! # Ok::<(), StoreError<flash::FlashError>>(())
//! ```
//!
//! A reference to a network counts as a frozen network, which has nothing to save. So a reference
//! to a reference does not compile:
//!
//! ```compile_fail,E0080
//! # use gradlet::{prelude::*, store::{Store, StoreError}};
//! # mod flash { include!("../../tests/simulated/flash.rs"); }
//! # type Flash = flash::Flash<4, 512, 4>;
//! fn keep(store: &mut Store<Flash>, net: &Mlp<2, 4, 2>) -> Result<(), StoreError<flash::FlashError>> {
//!     store.save(&net) // for `store.save(net)`
//! }
//! # keep(&mut Store::new(Flash::new(), 0..1024).unwrap(), &Zero::ZERO);
//! ```
//!
//! # What is saved
//!
//! The parameters and the [buffers](crate::Kind::Buffer), such as those of a
//! [`Scaling`](crate::preprocess::Scaling), without those of [`Frozen`](crate::Frozen) layers; with
//! [`save_training`](Store::save_training) also the state of the optimizer, so that training
//! resumes bit for bit as if it had not been interrupted. Each save carries fingerprints of the
//! types of the network and the optimizer ([`Layer::FINGERPRINT`]). A save of a different network
//! type is neither loaded nor overwritten. NaN and infinity are neither saved nor loaded.
//!
//! Weights of any [`Format`](crate::Format) can be saved if they have 1, 2, 4 or 8 bytes. A custom
//! optimizer with state must identify it by its [`Optimizer::FINGERPRINT`], or this does not
//! compile:
//!
//! ```compile_fail,E0080
//! # use gradlet::{Gradients, prelude::*, store::{Store, StoreError}};
//! # mod flash { include!("../../tests/simulated/flash.rs"); }
//! # type Flash = flash::Flash<4, 512, 4>;
//! # type Net = Mlp<2, 4, 2>;
//! # struct Own;
//! impl Optimizer<Net> for Own {
//!     type State = <Net as Layer>::Gradient;
//!     // for `const FINGERPRINT: Option<u32> = Some(fingerprint("my crate: Own", &[]));`
//! #   fn update(&self, _: &mut Net, _: &mut Self::State, _: &impl Gradients<Net>, _: f32) {}
//! }
//! # let mut store = Store::new(Flash::new(), 0..1024).unwrap();
//! store.save_training(&Net::ZERO, &Trainer::<Net, HalfSquaredError, Own>::new())
//! # .unwrap();
//! ```
//!
//! # Guarantees
//!
//! - **Power may be cut at any time**, during a write or an erasure, also several times in a row.
//!   Then the last acknowledged save is loaded, or the one in progress if it was already complete.
//!   Later saves succeed, whatever bits the power cut left behind.
//! - **A bit that flips at rest**, anywhere, costs at most the newest save: the previous one is
//!   loaded, and [`Loaded::lost`] reports it. The two newest saves are always present after a save.
//!   Damage to more than one bit of a 32-byte header goes unreported: the previous save is loaded
//!   as if it were the last.
//! - **Failed writes and erasures** are detected whether the driver reports them or not: all data
//!   is read back before the save counts. The save then goes to the next page; a worn-out page is
//!   skipped if there are three or more. Otherwise [`save`](Store::save) returns an error, and the
//!   last save is still there.
//! - **Nothing panics**, and no function of `core` that can panic is linked (except that polling an
//!   `async` function after completion panics, as always).
//!
//! The CRC-32 detects up to three wrong bits in 11 KB of data, and misses one in four billion cases
//! of other damage. It protects against accidents, not against attackers.
//!
//! # Requirements for the flash
//!
//! - A write that is interrupted by a power cut changes only the words being written, an erasure
//!   only the pages being erased. Those may hold any bits afterwards.
//! - `write` and `erase` do not return before their work is done. Erased bytes all read 0xff, or
//!   all 0x00. A word is written once after an erasure, the words of a page in any order: the
//!   header, which comes first in the page, is written last. Words may have any size; the page size
//!   is a multiple of the word size and of 8 bytes.
//! - `read` returns what the flash holds. If it returns an error, so does the store, and changes
//!   nothing. So where error correction fails, as in a word whose write was interrupted, the driver
//!   should return arbitrary bytes instead of an error.
//! - Nothing else writes to the range.
//!
//! # Size and wear
//!
//! A save takes a header of 32 bytes and four bytes per value (eight for `f64`), both rounded up to
//! whole flash words and to multiples of 8: [`Store::saved_bytes`]. It is written after the
//! previous save, or to the start of the next page, which is erased first. A save larger than a
//! page spans as many as it needs; the range must have room for two. All pages are erased in turn,
//! so the flash lasts
//!
//! ```text
//! pages * erasures * (page size / saved bytes, rounded down)    saves of up to a page
//! pages * erasures / pages of a save                            larger saves
//! ```
//!
//! A 2-4-2 network, 120 bytes, can be saved 680,000 times into two pages of 4,096 bytes with an
//! endurance of 10,000 erasures each. A power cut wastes the rest of a page; so does each save of
//! more than half a page.
//!
//! Each save and each load reads the whole range, to find the newest save by its number. The RAM of
//! a store is its `BUFFER`. On a Cortex-M4F at opt-level `s`, saving and loading take 4.4 KB of
//! flash and less than 600 bytes of stack (measured by `parts` and `store_cost` of
//! `examples/firmware`).
//!
//! # Format
//!
//! A save is a header and, from the next word on, the data: the parameters in the order of
//! [`Layer::walk`], then the state in that of [`Tensors::walk`]. It begins at a multiple of the
//! unit: the least common multiple of 8 and of the flash's read and write sizes. A save larger than
//! a page begins at the start of a page and continues in the following ones, wrapping from the last
//! page of the range to the first. Everything is little-endian.
//!
//! | bytes | header field |
//! |------:|-------------|
//! | 0..4 | `gnet` |
//! | 4..6 | version of the format: 2 |
//! | 6..8 | write attempt, from 0: of two saves with the same number, the higher attempt counts |
//! | 8..12 | [`Layer::FINGERPRINT`] of the network |
//! | 12..16 | [`Optimizer::FINGERPRINT`], 0 if only the parameters were saved |
//! | 16..20 | sequence number of the save, from 1 |
//! | 20..24 | length of the data in bytes |
//! | 24..28 | CRC-32 (ISO-HDLC, as in Ethernet) of the data |
//! | 28..32 | CRC-32 of the 28 bytes before, and of the save's offset in the range, as four bytes |
//!
//! Of the saves whose two CRCs are right, the one with the highest number counts. Version 1 was a
//! different layout, in items of the crate `sequential-storage`: it is recognised by the length,
//! key and version in the item of its header, and rejected ([`StoreError::Version`]) until the
//! store is erased.
//!
#![cfg_attr(
    not(feature = "embedded-storage-async-v0.4"),
    doc = "[`AsyncStore`]: crate#features\n[`embedded_storage_async`]: crate#features"
)]

mod error;
mod log;
mod record;
mod sizes;

pub use error::{RangeError, StoreError};

use core::fmt;
use core::num::NonZeroU32;
use core::ops::Range;

use crate::content;
use crate::crc::Crc;
use crate::layer::{Layer, Weight, expect_parameters};
use crate::loss::Loss;
use crate::macros::defmt_shows;
use crate::optimizer::Optimizer;
use crate::tensors::Tensors;
use crate::trainer::Trainer;
use log::store;
use record::{Header, Placed, Scan};
use sizes::{Sizes, Spot, Spots};

store! {
    /// Store for blocking flash drivers; see the [module](self).
    ///
    /// It reads and writes through a buffer of `BUFFER` bytes, 256 by [`new`](Self::new): at least
    /// 32, and at least a word of the flash. A larger buffer means fewer calls of the driver.
    Store, embedded_storage::nor_flash::NorFlash, [], []
}

#[cfg(feature = "embedded-storage-async-v0.4")]
store! {
    /// [`Store`] for `async` flash drivers (feature `embedded-storage-async-v0.4`).
    ///
    /// Dropping a future before it completes is like a power cut: the last save is kept.
    ///
    /// ```
    /// use gradlet::prelude::*;
    /// use gradlet::store::{AsyncStore, StoreError};
    ///
    /// /// Saves a network, in any task of an executor.
    /// async fn keep<F>(store: &mut AsyncStore<F>, net: &Mlp<2, 4, 2>) -> Result<(), StoreError<F::Error>>
    /// where
    ///     F: embedded_storage_async::nor_flash::NorFlash,
    /// {
    ///     store.save(net).await
    /// }
    /// ```
    AsyncStore, embedded_storage_async::nor_flash::NorFlash, [async], [.await]
}

/// The save that was loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
#[must_use = "if a later save was `lost`, this is an older one"]
pub struct Loaded {
    /// Its number: saves are counted from 1, starting when the store is erased.
    pub number: u32,
    /// The number of the last save if it is damaged; the one before it was loaded.
    pub lost: Option<u32>,
}

/// Without a fingerprint, the state of one optimizer could be loaded into another.
const fn expect_fingerprint<N: Layer, O: Optimizer<N>>() {
    assert!(
        size_of::<O::State>() == 0 || matches!(O::FINGERPRINT, Some(1..)),
        "an optimizer with state needs a `FINGERPRINT` other than 0 to be saved"
    );
}

/// Aligned, as some flash drivers require it.
#[repr(align(8))]
struct Buffer<const BYTES: usize>([u8; BYTES]);

impl<const BYTES: usize> Buffer<BYTES> {
    fn first(&mut self, bytes: u32) -> &mut [u8] {
        self.0.get_mut(..bytes as usize).unwrap_or_default()
    }

    /// Filled with 0xff, as erased flash.
    fn blank(&mut self, bytes: u32) -> &mut [u8] {
        let first = self.first(bytes);
        first.fill(0xff);
        first
    }
}
