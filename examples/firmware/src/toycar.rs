//! The anomaly detector of MLPerf Tiny and its data. The compiler takes seconds to load the
//! network, so it does so here, once for all programs.

use gradlet::Frozen;
use static_cell::ConstStaticCell;

pub use devices::toycar::*;

const FILE: &[u8] = include_bytes!("../data/toycar.safetensors");
const FACTORY: Head = gradlet::load![FILE; "8", "9"; ".."];

/// The layers that are not trained, in flash.
pub static BODY: Body = gradlet::load![FILE; "0", "1", "2", "3", "4", "5", "6", "7"; ".."];
/// The device as it leaves the factory, in RAM: the start-up code copies the last layers there, so
/// that they are never on the stack.
pub static DEVICE: ConstStaticCell<Device<'static>> =
    ConstStaticCell::new(Device::new(&BODY, FACTORY));
/// Windows of the known car.
pub static RECORDING: Recording<'_> = Recording(include_bytes!("../data/toycar_windows.bin"));
/// The network's outputs for them, computed in `f64`.
pub static OUTPUTS: &[u8] = include_bytes!("../data/toycar_outputs.bin");

/// The network of a device that does not adapt.
#[inline]
pub fn in_flash() -> InFlash<'static> {
    static HEAD: Head = FACTORY;
    InFlash::new(Frozen::new(&BODY), Frozen::new(&HEAD))
}
