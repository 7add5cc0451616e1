//! Power-fail-safe storage of networks in NOR flash (feature `store`).
//!
//! [`Store`] takes any flash with the traits of [`embedded_storage`], which the hardware abstraction
//! crates of most microcontrollers implement, and [`AsyncStore`] any with those of
//! [`embedded_storage_async`]. Both keep networks in a ring of pages, which all wear alike.
//!
//! ```
//! use gradlet::prelude::*;
//! use gradlet::store::{Store, StoreError};
//! # mod flash { include!("../../tests/support/flash.rs"); }
//! # let flash = flash::Flash::<4, 512, 4>::new();
//!
//! // `flash` is the driver. Two pages of 512 bytes of it, from the start on, are for the network.
//! let mut store = Store::<_>::new(flash, 0..1024)?;
//! let mut net = Mlp::<2, 4, 2>::ZERO;
//! match store.load(&mut net) {
//!     Ok(loaded) if loaded.lost.is_none() => {}
//!     Ok(_) => {} // The last save is damaged: this is the one before it.
//!     // The first start, or power was cut in the first save: train from the initial weights.
//!     Err(StoreError::Empty | StoreError::Damaged) => {}
//!     Err(error) => return Err(error),
//! }
//! net.first_mut().bias_mut()[0] = 0.5; // Learned something.
//! store.save(&net)?;
//!
//! let mut after_power_cut = Mlp::<2, 4, 2>::ZERO;
//! let loaded = store.load(&mut after_power_cut)?;
//! assert_eq!((loaded.number, loaded.lost), (1, None));
//! assert_eq!(after_power_cut, net);
//! # Ok::<(), StoreError<flash::FlashError>>(())
//! ```
//!
//! A reference to a network counts as a frozen one, of which there is nothing to save. So a reference
//! to a reference does not compile:
//!
//! ```compile_fail,E0080
//! # use gradlet::{prelude::*, store::{Store, StoreError}};
//! # mod flash { include!("../../tests/support/flash.rs"); }
//! # type Flash = flash::Flash<4, 512, 4>;
//! fn keep(store: &mut Store<Flash>, net: &Mlp<2, 4, 2>) -> Result<(), StoreError<flash::FlashError>> {
//!     store.save(&net) // for `store.save(net)`
//! }
//! # keep(&mut Store::new(Flash::new(), 0..1024).unwrap(), &Zero::ZERO);
//! ```
//!
//! # What is saved
//!
//! The parameters that are learned, those of [`Frozen`](crate::Frozen) layers not among them; with
//! [`save_training`](Store::save_training) also the state of the optimizer, so that training goes on
//! bit for bit as if it had not been interrupted. With them go fingerprints of the network's type and
//! of the optimizer's ([`Layer::FINGERPRINT`]). A network of another type is not loaded, nor
//! overwritten. NaN and infinity are neither saved nor loaded.
//!
//! Weights of any [`Format`](crate::Format) are kept if they have 1, 2, 4 or 8 bytes. An optimizer of
//! your own that remembers something says what by its [`Optimizer::FINGERPRINT`], or this does not
//! compile:
//!
//! ```compile_fail,E0080
//! # use gradlet::{Gradients, prelude::*, store::{Store, StoreError}};
//! # mod flash { include!("../../tests/support/flash.rs"); }
//! # type Flash = flash::Flash<4, 512, 4>;
//! # type Net = Mlp<2, 4, 2>;
//! # struct Own;
//! impl Optimizer<Net> for Own {
//!     type State = <Net as Layer>::Gradient;
//!     // for `const FINGERPRINT: Option<u32> = Some(fingerprint("my crate: Own", &[]));`
//! #   fn update(&self, _: &mut Net, _: &mut Self::State, _: &impl Gradients<Net>, _: f32) {}
//! }
//! # let mut store = Store::<_>::new(Flash::new(), 0..1024).unwrap();
//! store.save_training(&Net::ZERO, &Trainer::<Net, HalfSquaredError, Own>::new())
//! # .unwrap();
//! ```
//!
//! # What is promised
//!
//! - **Power may be cut at any time**, in a write or in an erasure, also several times in a row. The
//!   last save that was acknowledged is loaded then; or the one that was in progress, if it was
//!   complete. Later saves go well, whatever bits the cut left.
//! - **A bit that flips at rest**, anywhere, costs the newest save at most: the one before it is
//!   loaded, and [`Loaded::lost`] tells of it. After each save, the two newest are there. Damage to
//!   more than one bit of the 32 bytes of a header is not told of: the save before is loaded as if it
//!   were the last.
//! - **Writes and erasures that fail** are found whether the driver reports them or not: what is written
//!   is read back before it counts. The save then goes to the next page; one that takes nothing any more
//!   is passed over, if there are three or more. Else [`save`](Store::save) returns an error, and the
//!   last save is still there.
//! - **Nothing panics**, and no function of `core` that can panic is linked (but an `async` function
//!   that is polled after its end panics, as all do).
//!
//! A CRC-32 finds up to three wrong bits in 11 KB of numbers, and misses one of four billion cases of
//! other damage. It finds accidents, not attackers.
//!
//! # What the flash must do
//!
//! - A write that power cuts changes nothing but the words that are written, an erasure nothing but the
//!   pages that are erased. In those, any bits may be left.
//! - `write` and `erase` do not return before their work is done. Erased bytes all read 0xff, or all
//!   0x00. A word is written once after an erasure, the words of a page in any order: the header,
//!   which comes first in the page, is written last. Words may have any size; pages are multiples of
//!   words and of 8 bytes.
//! - `read` gives what is there. Where it returns an error, so does the store, and changes nothing.
//!   So where error correction fails, as in a word whose write was cut, the driver should give any
//!   bytes in place of an error.
//! - Nothing else writes into the range.
//!
//! # Size and wear
//!
//! A save takes 32 bytes, and four for each number (eight for `f64`), both rounded up to whole words of
//! the flash and to multiples of 8: [`Store::saved_bytes`]. It goes behind the save before, or to the
//! start of the next page, which is erased first. One that is larger than a page takes as many as it
//! needs; the range must have room for two. So all pages are erased in turn, and the flash bears
//!
//! ```text
//! pages * erasures * (page size / saved bytes, rounded down)    saves of up to a page
//! pages * erasures / pages of a save                            larger saves
//! ```
//!
//! A network 2-4-2, 120 bytes, can be saved 680,000 times into two pages of 4,096 bytes that bear
//! 10,000 erasures each. A cut costs the rest of a page; so does each save of more than half a page.
//!
//! Each save and each load reads all of the range, to find the newest save by its number. The memory of a
//! store is its `BUFFER`. On a Cortex-M4F at opt-level `s`, saving and loading take 4.5 KB of flash and
//! less than 600 bytes of stack (measured by `store_size` and `store_cost` of `examples/firmware`).
//!
//! # Format
//!
//! A save is a header and, from the next word on, the numbers: the parameters in the order of
//! [`Layer::walk`], then the state in that of [`Tensors::walk`]. It begins at a multiple of the unit:
//! the least common multiple of 8 and of the flash's units of reading and writing. One that is larger
//! than a page begins at the start of a page, and goes on in the next ones; behind the last page of
//! the range comes its first. All is little-endian.
//!
//! | bytes | of a header |
//! |------:|-------------|
//! | 0..4 | `gnet` |
//! | 4..6 | version of the format: 2 |
//! | 6..8 | of two saves with one number, the higher one counts: attempts to write it, from 0 on |
//! | 8..12 | [`Layer::FINGERPRINT`] of the network |
//! | 12..16 | [`Optimizer::FINGERPRINT`], 0 if the parameters were saved alone |
//! | 16..20 | number of the save, from 1 on |
//! | 20..24 | bytes of the numbers |
//! | 24..28 | CRC-32 (ISO-HDLC, as in Ethernet) of the numbers |
//! | 28..32 | CRC-32 of the 28 bytes before, and of the save's place in the range, in four bytes |
//!
//! The save with the highest number counts whose two CRCs are right. Version 1 was another layout, in
//! items of the crate `sequential-storage`: it is known by the length, key and version in the item of its
//! header, and refused ([`StoreError::Version`]) until the store is erased.

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
    /// Saves networks in flash whose functions block; see the [module](self).
    ///
    /// `BUFFER` bytes of memory are what it reads and writes by: at least 32, and a word of the flash.
    /// With more, it takes fewer calls of the driver.
    Store, embedded_storage::nor_flash::NorFlash, [], []
}

store! {
    /// As [`Store`], for flash whose functions are `async`.
    ///
    /// A future that is dropped before it ends leaves what a power cut leaves: the last save.
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

/// Which save was loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
#[must_use = "if a later save was `lost`, this is an older one"]
pub struct Loaded {
    /// Its number: saves are counted from 1 on since the store was erased.
    pub number: u32,
    /// The number of the last save, if that is damaged: this is the one before it.
    pub lost: Option<u32>,
}

/// Where one state would be taken for another without it.
const fn expect_fingerprint<N: Layer, O: Optimizer<N>>() {
    assert!(
        size_of::<O::State>() == 0 || matches!(O::FINGERPRINT, Some(1..)),
        "an optimizer that remembers something needs a `FINGERPRINT` other than 0 to be kept"
    );
}

/// Flash drivers may want it at an even address.
#[repr(align(8))]
struct Buffer<const BYTES: usize>([u8; BYTES]);

impl<const BYTES: usize> Buffer<BYTES> {
    fn first(&mut self, bytes: u32) -> &mut [u8] {
        self.0.get_mut(..bytes as usize).unwrap_or_default()
    }

    /// As if nothing were written there.
    fn blank(&mut self, bytes: u32) -> &mut [u8] {
        let first = self.first(bytes);
        first.fill(0xff);
        first
    }
}
