//! Set-up of the boards: boot blocks and clocks.

#[cfg(feature = "pico2")]
use rp235x_hal as hal;
#[cfg(feature = "pico")]
use rp2040_hal as hal;

/// Second-stage bootloader, which sets up the flash chip; the ROM runs it first. See
/// `memory/pico.x`.
// SAFETY: the linker script has this section, and nothing else is put there.
#[cfg(feature = "pico")]
#[unsafe(link_section = ".boot2")]
#[used]
static BOOT_LOADER: [u8; 256] = rp2040_boot2::BOOT_LOADER_W25Q080;

/// Tells the ROM that this is a program for the Arm cores. See `memory/pico2.x`.
// SAFETY: the linker script has this section, and nothing else is put there.
#[cfg(feature = "pico2")]
#[unsafe(link_section = ".start_block")]
#[used]
static IMAGE_DEFINITION: hal::block::ImageDef = hal::block::ImageDef::secure_exe();

/// Sets the clocks of the Picos, which start slow; every `main` calls this first.
///
/// The micro:bit and the Nucleo start with oscillators of 64 and 16 MHz, fast enough for training,
/// and QEMU has no clocks to set.
pub fn start() {
    #[cfg(any(feature = "pico", feature = "pico2"))]
    use_crystal();
}

/// Runs the Pico at 125 MHz, the Pico 2 at 150 MHz.
#[cfg(any(feature = "pico", feature = "pico2"))]
fn use_crystal() {
    const CRYSTAL: u32 = 12_000_000; // hertz
    let Some(chip) = hal::pac::Peripherals::take() else { return };
    let clocks = hal::clocks::init_clocks_and_plls(
        CRYSTAL,
        chip.XOSC,
        chip.CLOCKS,
        chip.PLL_SYS,
        chip.PLL_USB,
        &mut { chip.RESETS },
        &mut hal::Watchdog::new(chip.WATCHDOG),
    );
    if clocks.is_err() {
        defmt::warn!("the clocks could not be set: going on with the slow one");
    }
}
