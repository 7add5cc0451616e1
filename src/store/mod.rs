//! What was learned, kept in flash: it survives a power cut, at any moment (feature `store`).
//!
//! [`Store`] takes any flash with the traits of [`embedded_storage`], which the hardware abstraction
//! crates of most microcontrollers implement, and [`AsyncStore`] any with those of
//! [`embedded_storage_async`]. Both keep networks by [`sequential_storage`], which spreads the wear
//! over all pages that it is given.
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
//!     Ok(()) => {}
//!     Err(StoreError::Empty) => {} // The first start: train from the initial weights.
//!     Err(error) => return Err(error),
//! }
//! net.first_mut().bias_mut()[0] = 0.5; // Learned something.
//! store.save(&net)?;
//!
//! let mut after_power_cut = Mlp::<2, 4, 2>::ZERO;
//! store.load(&mut after_power_cut)?;
//! assert_eq!(after_power_cut, net);
//! # Ok::<(), StoreError<flash::FlashError>>(())
//! ```
//!
//! # What is kept
//!
//! The parameters that are learned, those of [`Frozen`](crate::Frozen) layers not among them; with
//! [`save_training`](Store::save_training) also what the optimizer remembers, so that training goes on
//! bit for bit as if it had not been interrupted. With them go a format version, a fingerprint of the
//! network's type and of the optimizer's ([`Layer::FINGERPRINT`]), a generation and a CRC. A network of
//! another type is not loaded, nor overwritten.
//!
//! # Power cuts
//!
//! Each save goes beside the last one: first the numbers, in pieces, then a header that makes them
//! count. Whenever power is cut, the last complete save is still there.
//!
//! # Size and wear
//!
//! Each piece has up to `BUFFER` bytes (and no more than a page), of which 6 are its own, 8 the
//! storage's, and up to 7 fill its last word of 8 bytes (more where the flash has longer words); the
//! header takes 40.
//! [`Store::saved_bytes`] gives the sum. The store has one page in reserve, and needs room for three
//! saves in the others. All pages are erased in turn: a network 2-4-2 (144 bytes a save) can be saved
//! 520,000 times into two pages of 4,096 bytes that bear 10,000 erasures each; in general about
//! `pages * erasures * page size / saved bytes` times.
//!
//! # What can panic
//!
//! This module does not, but `sequential_storage` has some assertions for what should not happen, so
//! the linker may find the code for panics where it is used.

mod content;
mod error;
mod log;
mod record;
mod scan;
mod sizes;

pub use content::KeepsState;
pub use error::{RangeError, StoreError};

use core::fmt;
use core::num::NonZeroU32;
use core::ops::Range;

use crate::crc::Crc;
use crate::layer::Layer;
use crate::optimizer::Optimizer;
use content::{Content, Parameters, ParametersMut, Target, Training, TrainingMut};
use log::store;
use record::{Found, Header, Placed};
use scan::Scan;
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
