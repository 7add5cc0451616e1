//! Save weights: how often, how long the flash lasts, and what a power cut leaves.
//!
//! # Question
//!
//! The device trains every second and may lose power at any time. May I save every second?
//!
//! # Rule
//!
//! - **Wear**: `pages * erase cycles * saves per page` saves wear the flash out
//!   ([`Store::saved_bytes`](crate::store::Store::saved_bytes), and the erase cycles of the data
//!   sheet, often 10,000). Divide the lifetime of the device by half of that: the shortest time
//!   between saves.
//! - **When**: at most at that rate, *and* only if the loss on held-out examples is lower than at
//!   the last save. A power cut then loses some minutes of training.
//! - **Power cuts** need no precautions: the last complete save survives any of them. Saving in the
//!   last milliseconds of a falling supply does need care; avoid it.
//! - **All of it**: what belongs to the weights must be kept with them, as the first layer does with
//!   [scaling](super::normalise).
//! - **Damage**: a flipped bit in the flash costs one save.
//!   [`Loaded::lost`](crate::store::Loaded::lost) then says that the one before it was loaded: log
//!   it, as a sign of ageing flash.
//! - **Time**: while a page is erased, many chips cannot execute from the same flash, interrupts
//!   included. Give the sample queue room for that, or save when the sensor is idle.
//!
//! # Example
//!
//! ```standalone_crate
//! use gradlet::prelude::*;
//! use gradlet::store::{Store, StoreError};
//! # mod flash { include!("../../tests/simulated/flash.rs"); }
//! # use flash::{Flash, FlashError};
//!
//! type Net = Mlp<4, 6, 2>;
//! // `Flash<PAGES, PAGE, WORD>` is a flash simulated in memory, which counts its erasures.
//! type Chip = Flash<4, 2048, 4>;
//! const PER_PAGE: usize = 2048 / Store::<Chip>::saved_bytes::<Net>();
//! const SAVES: usize = 4 * 10_000 * PER_PAGE;
//! const SECONDS_BETWEEN: usize = 10 * 365 * 24 * 3600 / (SAVES / 2); // for ten years
//! assert!(SECONDS_BETWEEN > 60 && SECONDS_BETWEEN < 60 * 60, "{SECONDS_BETWEEN}");
//!
//! // The rule for wear, compared with the counted erasures.
//! let mut store = Store::new(Chip::new(), 0..8192)?;
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
//! // Power fails in each operation of the next save in turn: the old or the new one is intact.
//! let mut new = net.clone();
//! new.first_mut().bias_mut()[0] = -1.0;
//! let mut cuts = 0;
//! loop {
//!     let mut flash = flash.clone();
//!     flash.cut_at = Some(flash.operations + cuts);
//!     let mut store = Store::new(flash, 0..8192)?;
//!     let saved = store.save(&new);
//!
//!     let mut flash = store.release();
//!     flash.cut_at = None; // Power is back.
//!     let mut found = Net::ZERO;
//!     let loaded = Store::new(flash, 0..8192)?.load(&mut found)?;
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
//! - Saving every second, this network would wear its four pages out after `SAVES` seconds: four
//!   days. Every half hour, they last for ten years with a factor of two to spare.
//! - [`save_training`](crate::store::Store::save_training) writes two or three times the bytes with
//!   [`Momentum`](crate::Momentum) or [`Adam`](crate::Adam), and so wears flash two or three times
//!   as fast. After [`save`](crate::store::Store::save) alone, their state starts at zero, which
//!   costs some steps.
//! - A poor network that is saved replaces a good one: the store loads the newest; see the rule for
//!   when. A network with a NaN is refused.
//! - New firmware with another network type finds
//!   [`OtherNetwork`](crate::store::StoreError::OtherNetwork): decide then whether to
//!   [`erase`](crate::store::Store::erase) or to go back.
