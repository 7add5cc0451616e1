//! Prints to the serial port, at 57,600 baud with a crystal of 16 MHz: no formatting of `core`, which would
//! take more flash than a network.

use crate::chip::{UBRR0L, UCSR0A, UCSR0B, UDR0};

/// U2X0 of `UCSR0A`: double speed.
const DOUBLE: u8 = 1 << 1;
/// UDRE0 of `UCSR0A`: there is room for a byte.
const ROOM: u8 = 1 << 5;
/// TXEN0 of `UCSR0B`: the pin is that of the port.
const SEND: u8 = 1 << 3;

/// Starts the port. After a reset, it sends 8 bits without parity.
pub fn start() {
    UCSR0A.write(DOUBLE);
    UBRR0L.write((16_000_000 / 8 / 57_600_u32) as u8);
    UCSR0B.write(SEND);
}

#[inline(never)]
fn send(byte: u8) {
    while UCSR0A.read() & ROOM == 0 {}
    UDR0.write(byte);
}

/// Prints a text; `\n` ends a line.
#[inline(never)]
pub fn print(text: &str) {
    text.bytes().for_each(send);
}

/// Prints 16 hexadecimal digits.
#[inline(never)]
pub fn hex(number: u64) {
    for byte in number.to_be_bytes() {
        for digit in [byte >> 4, byte & 15] {
            send(if digit < 10 { b'0' } else { b'a' - 10 } + digit);
        }
    }
}

/// Prints a decimal number.
pub fn decimal(number: u32) {
    digits(number, 1);
}

/// Prints a number from 0 to 4,000 with six digits behind the point, of which the last is not rounded.
pub fn fraction(number: f32) {
    let millionths = (number * 1e6) as u32;
    decimal(millionths / 1_000_000);
    send(b'.');
    digits(millionths % 1_000_000, 6);
}

/// At least so many digits.
#[inline(never)]
fn digits(mut number: u32, least: u8) {
    let (mut power, mut place, mut begun) = (1_000_000_000, 10, false);
    while place > 0 {
        let mut digit = b'0';
        while number >= power {
            number -= power;
            digit += 1;
        }
        begun |= digit > b'0' || place <= least;
        if begun {
            send(digit);
        }
        power /= 10;
        place -= 1;
    }
}
