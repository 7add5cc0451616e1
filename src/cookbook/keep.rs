//! Keep weights: how often to save, for how long the flash lasts, and what a power cut leaves.
//!
//! # Question
//!
//! The device learns every second and may lose power at any time. May I save every second?
//!
//! # Rule
//!
//! - **Wear**: `pages * erasures * saves that fit into a page` wear the flash out
//!   ([`Store::saved_bytes`](crate::store::Store::saved_bytes), and the erasures of the data sheet:
//!   often 10,000). Divide the lifetime of the device by half of that: the shortest time between
//!   saves.
//! - **When**: at that pace at most, *and* only if the loss on examples set aside is lower than at
//!   the last save. What is lost by a power cut is then some minutes of learning.
//! - **Power cuts** need no care: the last complete save is there after any of them. Saving in the
//!   last milliseconds of a falling supply does; leave it.
//! - **Damage**: a bit that flips in the flash costs one save.
//!   [`Loaded::lost`](crate::store::Loaded::lost) tells that the one before it was loaded: log it, as
//!   the flash grows old.
//! - **Time**: while a page is erased, many chips cannot run from the same flash, interrupts
//!   included. Give the queue of samples room for that, or save when the sensor rests.
//!
//! # Example
//!
//! ```
//! use gradlet::prelude::*;
//! use gradlet::store::{Store, StoreError};
//! # mod flash { include!("../../tests/support/flash.rs"); }
//! # use flash::{Flash, FlashError};
//!
//! type Net = Mlp<4, 6, 2>;
//! // `Flash<PAGES, PAGE, WORD>` is a flash in memory, which counts its erasures.
//! type Chip = Flash<4, 2048, 4>;
//! const PER_PAGE: usize = 2048 / Store::<Chip>::saved_bytes::<Net>();
//! const SAVES: usize = 4 * 10_000 * PER_PAGE;
//! const SECONDS_BETWEEN: usize = 10 * 365 * 24 * 3600 / (SAVES / 2); // for ten years
//! assert!(SECONDS_BETWEEN > 60 && SECONDS_BETWEEN < 60 * 60, "{SECONDS_BETWEEN}");
//!
//! // The rule for wear, against what happened to the pages.
//! let mut store = Store::<_>::new(Chip::new(), 0..8192)?;
//! let mut net = Net::ZERO;
//! for save in 0..300_u16 {
//!     net.first_mut().bias_mut()[0] = f32::from(save);
//!     store.save(&net)?;
//! }
//! let flash = store.release();
//! let worn = *flash.erased.iter().max().unwrap() as usize;
//! let expected = 300 / (4 * PER_PAGE);
//! assert!(worn == expected || worn == expected + 1, "{worn} {expected}");
//!
//! // Power fails in each operation of the next save in turn: the old or the new is there, whole.
//! let mut new = net.clone();
//! new.first_mut().bias_mut()[0] = -1.0;
//! let mut cuts = 0;
//! loop {
//!     let mut flash = flash.clone();
//!     flash.cut_at = Some(flash.operations + cuts);
//!     let mut store = Store::<_>::new(flash, 0..8192)?;
//!     let saved = store.save(&new);
//!
//!     let mut flash = store.release();
//!     flash.cut_at = None; // Power is back.
//!     let mut found = Net::ZERO;
//!     let loaded = Store::<_>::new(flash, 0..8192)?.load(&mut found)?;
//!     if saved.is_ok() {
//!         assert_eq!((loaded.number, found), (301, new));
//!         break;
//!     }
//!     assert!(found == net || found == new);
//!     cuts += 1;
//! }
//! assert!(cuts > 10);
//! # Ok::<(), StoreError<FlashError>>(())
//! ```
//!
//! # What goes wrong
//!
//! - Saved each second, this network would wear its four pages out after `SAVES` seconds: four days.
//!   Every half hour, they last for ten years with a factor of two to spare.
//! - [`save_training`](crate::store::Store::save_training) takes two or three times the bytes with
//!   [`Momentum`](crate::Momentum) or [`Adam`](crate::Adam), and so wears two or three times as
//!   fast. After [`save`](crate::store::Store::save) alone, they begin anew, which costs some
//!   steps.
//! - A poor network that is saved replaces a good one: the store loads the newest; see the rule for
//!   when. One with a NaN is refused.
//! - A new firmware with another network finds
//!   [`OtherNetwork`](crate::store::StoreError::OtherNetwork): decide then, and
//!   [`erase`](crate::store::Store::erase), or go back.
