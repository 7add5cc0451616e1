//! Measures the cost of the modules around a network: the flash that a module adds to this program,
//! and its stack.
//!
//! The environment variable `PART` chooses the module at compile time. With the feature `measure`,
//! the program prints the stack; with `panic-never`, it links only if the module cannot panic.
#![no_std]
#![no_main]

use core::hint::black_box;

use embedded_storage::nor_flash::{NorFlash, ReadNorFlash};
use gradlet::prelude::*;
use gradlet::spectrum::{self, MelBands, Spectrum};
use gradlet::store::Store;
use gradlet::stream::{ReplayBuffer, Window};
use gradlet::{flat, safetensors};
use gradlet_firmware::flash::{BYTES, Flash};
use rand_pcg::Pcg32;
use rand_pcg::rand_core::SeedableRng;

type Net = Mlp<2, 4, 2>;
type Learner = Trainer<Net, HalfSquaredError, Adam>;

const NAMES: [&str; 2] = ["0", "2"];
const FILE: usize = safetensors::file_size::<Net>(&NAMES).unwrap();
const FRAME: usize = flat::frame_bytes::<Net>();

/// The data of all modules: in a static, so that it is not on the stack.
struct World {
    net: Net,
    trainer: Learner,
    store: Store<Flash>,
    bytes: [u8; FILE],
    frame: [u8; FRAME],
    array: [f32; Net::PARAMS],
    window: Window<1, 16>,
    buffer: ReplayBuffer<[f32; 2], [f32; 2], 16>,
    rng: Pcg32,
}

#[inline(never)]
fn part(world: &mut World) -> bool {
    let World { net, trainer, store, bytes, frame, array, window, buffer, rng } = world;
    match option_env!("PART") {
        Some("store") => store.save(net).is_ok() & store.load(net).is_ok(),
        Some("store with state") => {
            let saved = store.save_training(net, trainer).is_ok();
            saved & store.load_training(net, trainer).is_ok()
        }
        Some("safetensors, saving") => safetensors::save(net, &NAMES, bytes).is_ok(),
        Some("safetensors, loading") => safetensors::load(net, bytes, &NAMES).is_ok(),
        Some("frames") => {
            flat::write_frame(net, frame).is_ok() & flat::load_frame(net, frame).is_ok()
        }
        Some("flat arrays") => {
            flat::write_array(net, array);
            flat::load_array(net, black_box(array));
            true
        }
        Some("a window and its features") => (0..16).any(|_| {
            let full = window.push([black_box(0.5)]);
            black_box(full.map(|full| full.features())).is_some()
        }),
        Some("a spectrum in mel bands") => {
            let mel = MelBands::<256, 16>::new(black_box(1600.0), 0.0..black_box(800.0));
            let power = Spectrum::new(black_box([0.5; 256])).with_hann().power();
            black_box(mel.map(|mel| spectrum::log(&mel.apply(&power), black_box(1e-6)))).is_ok()
        }
        Some("a replay buffer") => {
            buffer.push_reservoir(black_box(([0.5; 2], [0.5; 2])), rng);
            black_box(buffer.draw(1, rng).next());
            true
        }
        None => true,
        Some(_) => unknown_part(),
    }
}

const fn unknown_part() -> bool {
    false
}

/// The program without a module.
fn world() -> Option<World> {
    let mut flash = Flash::take()?;
    let place = black_box(0);
    let mut word = black_box([0; 4]);
    black_box((flash.erase(place, BYTES), flash.write(place, &word))).0.ok()?;
    black_box((flash.read(place, &mut word), word)).0.ok()?;
    Some(World {
        net: black_box(Net::ZERO),
        trainer: black_box(Learner::new()),
        store: Store::new(flash, 0..black_box(BYTES)).ok()?,
        bytes: black_box([0; FILE]),
        frame: black_box([0; FRAME]),
        array: black_box([0.0; Net::PARAMS]),
        window: black_box(Window::new()),
        buffer: black_box(ReplayBuffer::new()),
        rng: black_box(Pcg32::seed_from_u64(1)),
    })
}

#[gradlet_firmware::entry]
fn main() -> ! {
    let Some(mut world) = world() else { gradlet_firmware::exit(1) };
    #[cfg(feature = "measure")]
    {
        gradlet_firmware::start();
        // So that there is something to load.
        black_box(safetensors::save(&world.net, &NAMES, &mut world.bytes).is_ok());
        let f = black_box(part as fn(&mut World) -> bool);
        let nothing = black_box((|_| true) as fn(&mut World) -> bool);
        let stack = |f: fn(&mut World) -> bool, world: &mut World| {
            gradlet_firmware::count::stack(|| {
                if !black_box(f(world)) {
                    gradlet_firmware::exit(1);
                }
            })
        };
        defmt::println!("stack {=u32}", stack(f, &mut world) - stack(nothing, &mut world));
    }
    #[cfg(not(feature = "measure"))]
    black_box(part(black_box(&mut world)));
    gradlet_firmware::exit(0)
}
