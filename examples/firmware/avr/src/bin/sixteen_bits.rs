//! Sizes and indices that need more than the 16 bits of `usize`: right, or refused by the compiler. Prints what
//! must be the same as on a PC.
#![no_std]
#![no_main]

use core::hint::black_box;

use gradlet::safetensors::{self, Safetensors};
use gradlet::{flat, net, prelude::*};
use gradlet_avr::serial::{decimal, hex, print};
use gradlet_avr::small::{Gestures, Hash, WORKED_NET, Xor};

/// 2,049 numbers have 65,568 bits.
const LONG: [u8; 8 + 64 + 8196] =
    file(br#"{"a":{"dtype":"F32","shape":[2049],"data_offsets":[0,8196]}}    "#);
const _: () = assert!(Safetensors::new(&LONG).is_ok());

/// So many tensors that two of one name would not be accepted. The names of the first two differ, but not the
/// lower 16 bits of both halves of their hashes.
const NAMES: [[u8; 5]; 66] = {
    let mut names = [*b"n0000"; 66];
    let mut place = 2;
    while place < 66 {
        (names[place][3], names[place][4]) = (b'0' + place as u8 / 10, b'0' + place as u8 % 10);
        place += 1;
    }
    (names[0], names[1]) = (*b"b1348", *b"1aa9b");
    names
};
const ENTRY: &[u8; 57] = br#","n0000":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}"#;
const MANY: [u8; 8 + 66 * 57 + 1] = {
    let mut header = [b'}'; 66 * 57 + 1];
    let mut place = 0;
    while place < 66 * 57 {
        header[place] = match (place / 57, place % 57) {
            (0, 0) => b'{',
            (tensor, letter @ 2..7) => NAMES[tensor][letter - 2],
            (_, letter) => ENTRY[letter],
        };
        place += 1;
    }
    file(&header)
};
const _: () = assert!(Safetensors::new(&MANY).is_ok());

/// A file with this header and zeros.
const fn file<const N: usize>(header: &[u8]) -> [u8; N] {
    let (mut file, mut place) = ([0; N], 0);
    [file[0], file[1]] = (header.len() as u16).to_le_bytes();
    while place < header.len() {
        file[8 + place] = header[place];
        place += 1;
    }
    file
}

const _: () = assert!(Embedding::<1, 300, 1>::new([[0.5]; 300]).rows().len() == 300);

/// More products than 65,535; of the other sizes, none is too large.
type Activity = net![
    128 x 6 => Conv1d(16, 5, step 2) Relu | MaxPool(2) => Conv1d(32, 3) Relu | GlobalMean => 6 Softmax
];
const _: () = assert!(Activity::PARAMS == 2262 && Activity::BYTES == 9048);
const _: () = assert!(Activity::MACS == usize::MAX);

#[unsafe(no_mangle)]
extern "C" fn main() -> ! {
    gradlet_avr::serial::start();

    // 65,537 is not 1.
    let embedding = Embedding::<1, 3, 1>::new([[1.0], [2.0], [3.0]]);
    for index in [1.0_f32, 3.0, 65_537.0] {
        let [[vector]] = embedding.forward(&[black_box(index)]);
        hex(vector.to_bits().into());
        print(" embedding\n");
    }

    for (name, fingerprint) in [
        ("XOR", Xor::<f32>::FINGERPRINT),
        ("gestures", Gestures::<f32>::FINGERPRINT),
        ("activity", Activity::FINGERPRINT),
    ] {
        hex(fingerprint.into());
        print(" ");
        print(name);
        print("\n");
    }

    let mut hash = Hash::EMPTY;
    hash.add_bytes(flat::to_frame::<_, 56>(&WORKED_NET).unwrap_or([0; 56]));
    hex(hash.0);
    print(" frame\n");
    let mut file = [0; 400];
    let file = safetensors::save(&WORKED_NET, &["0", "2"], &mut file).unwrap_or_default();
    let mut hash = Hash::EMPTY;
    hash.add_bytes(file.iter().copied());
    hex(hash.0);
    print(" file of ");
    decimal(file.len() as u32);
    print(" bytes\n");
    gradlet_avr::exit()
}
