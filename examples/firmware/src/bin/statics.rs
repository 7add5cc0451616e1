//! A network and its trainer in statics, and three ways to get `&mut` of them without `unsafe`. The
//! documentation of `Trainer` quotes this.
#![no_std]
#![no_main]

use core::cell::RefCell;

use critical_section::Mutex;
use defmt::println;
use gradlet::prelude::*;
use gradlet_firmware::entry;
use static_cell::ConstStaticCell;

struct Model {
    net: Mlp<2, 4, 1>,
    trainer: Trainer<Mlp<2, 4, 1>, BinaryCrossEntropy>,
}

impl Model {
    const fn new() -> Self {
        Self { net: Zero::ZERO, trainer: Trainer::new() }
    }

    fn step(&mut self, x: &[f32; 2], t: &[f32; 1]) -> f32 {
        self.trainer.step(&mut self.net, &Sgd { learning_rate: 0.5 }, x, t)
    }
}

static CELL: ConstStaticCell<Model> = ConstStaticCell::new(Model::new());

static SHARED: Mutex<RefCell<Model>> = Mutex::new(RefCell::new(Model::new()));

#[entry]
fn main() -> ! {
    static mut MODEL: Model = Model::new();
    gradlet_firmware::start();

    let loss = MODEL.step(&[0.0, 1.0], &[1.0]);
    println!("static mut in main: loss {=f32}", loss);

    let model: &'static mut Model = CELL.take();
    let again = model.step(&[0.0, 1.0], &[1.0]);
    println!("StaticCell: loss {=f32}", again);

    let shared = critical_section::with(|cs| SHARED.borrow_ref_mut(cs).step(&[0.0, 1.0], &[1.0]));
    println!("Mutex of critical-section: loss {=f32}", shared);

    let same = loss.to_bits() == again.to_bits() && loss.to_bits() == shared.to_bits();
    gradlet_firmware::exit(if same { 0 } else { 1 })
}
