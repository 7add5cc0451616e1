//! Parameters as a flat array, and as bytes to send by radio or store in an EEPROM.
//!
//! [`to_array`] returns all parameters of a network as one array, and [`load_array`] loads them
//! back. [`to_frame`] and [`load_frame`] do the same with bytes, including a fingerprint of the
//! network's type and a CRC. The sizes are constants, [`Layer::PARAMS`] and [`frame_bytes`], so
//! nothing is allocated; an array of another length does not compile. A frame larger than a packet
//! is sent in [`pieces`].
//!
//! On a Cortex-M4F at opt-level `s`, writing and loading frames takes 816 bytes of flash and 40 of
//! stack, arrays 172 and 12 (measured by `parts` of `examples/firmware`).
//!
//! # Code that is generic over networks
//!
//! It takes the length as a parameter beside the network; a wrong length does not compile.
//! Federated averaging (McMahan et al., AISTATS 2017): each device trains on its own data, and all
//! receive the mean of the parameters.
//!
//! ```
//! use gradlet::flat::{load_array, to_array};
//! use gradlet::prelude::*;
//!
//! /// Sets the parameters of every network to the mean over all networks.
//! fn average<N: Layer<Format = f32>, const PARAMS: usize>(devices: &mut [N]) {
//!     let mut mean = [0.0; PARAMS];
//!     for device in devices.iter() {
//!         for (m, p) in mean.iter_mut().zip(to_array::<N, PARAMS>(device)) {
//!             *m += p / devices.len() as f32;
//!         }
//!     }
//!     for device in devices {
//!         load_array(device, &mean);
//!     }
//! }
//!
//! type Net = Dense<1, 1, Identity>;
//! let net = |w: f32, b: f32| Net::new([[w]], [b]);
//! let mut devices = [net(1.0, 0.0), net(4.0, 4.0)];
//! average::<Net, { Net::PARAMS }>(&mut devices);
//! assert_eq!(devices, [net(2.5, 2.0), net(2.5, 2.0)]);
//! ```
//!
//! # Large networks
//!
//! An array of 25,000 parameters takes 100 KB, and [`to_array`] returns it by value, on the stack.
//! [`write_array`] and [`write_frame`] fill an existing array, for instance in a `static`.

mod frame;
mod pieces;

pub use frame::{FrameError, frame_bytes, load_frame, to_frame, write_frame};
pub use pieces::{Assembler, PieceError, piece_count, pieces};

use crate::content;
use crate::layer::{Layer, Weight};
use crate::zero::Zero;

/// Returns all parameters, in the order of [`Layer::visit`].
///
/// ```
/// use gradlet::flat::to_array;
/// use gradlet::prelude::*;
///
/// let layer = Dense::<2, 1, Identity>::new([[1.0], [2.0]], [3.0]);
/// assert_eq!(to_array(&layer), [1.0, 2.0, 3.0]);
/// ```
///
/// The length must be that of the network:
///
/// ```compile_fail,E0080
/// # use gradlet::flat::to_array;
/// # use gradlet::prelude::*;
/// # let layer = Dense::<2, 1, Identity>::new([[1.0], [2.0]], [3.0]);
/// let parameters: [f32; 4] = to_array(&layer);
/// ```
#[must_use]
pub fn to_array<N: Layer, const PARAMS: usize>(net: &N) -> [Weight<N>; PARAMS] {
    let mut array = [Zero::ZERO; PARAMS];
    write_array(net, &mut array);
    array
}

/// Writes all parameters, in the order of [`Layer::visit`].
///
/// ```
/// use gradlet::flat::write_array;
/// use gradlet::prelude::*;
///
/// type Net = Mlp<784, 32, 10>;
/// let mut array = Box::new([0.0; Net::PARAMS]);
/// write_array(&Net::ZERO, &mut array);
/// assert_eq!(array.len(), 25_450);
/// ```
pub fn write_array<N: Layer, const PARAMS: usize>(net: &N, array: &mut [Weight<N>; PARAMS]) {
    const { expect_length::<N>(PARAMS) };
    let mut places = array.iter_mut();
    content::show(net, &(), &mut |values| {
        for (value, place) in values.iter().zip(&mut places) {
            *place = *value;
        }
    });
}

/// Loads all parameters, in the order of [`Layer::visit`], without a check: NaN too.
///
/// ```
/// use gradlet::flat::load_array;
/// use gradlet::prelude::*;
///
/// let mut layer = Dense::<2, 1, Identity>::ZERO;
/// load_array(&mut layer, &[1.0, 2.0, 3.0]);
/// assert_eq!(layer, Dense::new([[1.0], [2.0]], [3.0]));
/// ```
pub fn load_array<N: Layer, const PARAMS: usize>(net: &mut N, array: &[Weight<N>; PARAMS]) {
    const { expect_length::<N>(PARAMS) };
    let mut numbers = array.iter();
    content::show_mut(net, &mut (), &mut |values| {
        for (value, number) in values.iter_mut().zip(&mut numbers) {
            *value = *number;
        }
    });
}

const fn expect_length<N: Layer>(length: usize) {
    assert!(
        length == N::PARAMS,
        "the length of the array must be `PARAMS`, one element for each parameter of the network"
    );
}
