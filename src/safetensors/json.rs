//! Minimal JSON parser for the header of a safetensors file, in const functions.
//!
//! As strict as RFC 8259, and as the parser of the Python library: no trailing commas, no control
//! characters in strings, no lone surrogates, nesting no deeper than 127.
//!
//! Each function returns what it parsed and the remaining text.

/// The text is not JSON, or not of the expected form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

pub(super) type Read<'a, T> = Result<(T, &'a [u8]), Malformed>;

/// Deepest nesting of objects and arrays.
const DEEPEST: u32 = 127;

/// The `?` operator for const functions.
macro_rules! attempt {
    ($result:expr) => {
        match $result {
            Ok(value) => value,
            Err(error) => return Err(error),
        }
    };
}
pub(super) use attempt;

/// The text without leading white space.
pub(super) const fn trim(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t' | b'\n' | b'\r', rest @ ..] = text {
        text = rest;
    }
    text
}

/// The text after white space and this character.
pub(super) const fn after(text: &[u8], character: u8) -> Result<&[u8], Malformed> {
    match trim(text) {
        [first, rest @ ..] if *first == character => Ok(rest),
        _ => Err(Malformed),
    }
}

/// Whether a comma leads to another item or the array or object ends, and the text after it.
pub(super) const fn next_item(text: &[u8], end: u8) -> Result<(bool, &[u8]), Malformed> {
    match trim(text) {
        [b',', rest @ ..] => Ok((true, rest)),
        [first, rest @ ..] if *first == end => Ok((false, rest)),
        _ => Err(Malformed),
    }
}

/// Whether an array or object that has just begun has items.
pub(super) const fn has_items(text: &[u8], end: u8) -> (bool, &[u8]) {
    match trim(text) {
        [first, rest @ ..] if *first == end => (false, rest),
        text => (true, text),
    }
}

/// A string literal, as an iterator over its unescaped UTF-8 bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Quoted<'a> {
    /// The rest, with escapes and the closing quote.
    text: &'a [u8],
    /// Remaining bytes of an escaped character.
    pending: [u8; 4],
    pending_count: usize,
}

/// Parses a string literal.
pub(super) const fn string(text: &[u8]) -> Read<'_, Quoted<'_>> {
    let text = attempt!(after(text, b'"'));
    let quoted = Quoted { text, pending: [0; 4], pending_count: 0 };
    let mut rest = quoted;
    while attempt!(rest.next()).is_some() {}
    match rest.text {
        [_, rest @ ..] => Ok((quoted, rest)),
        [] => Err(Malformed),
    }
}

impl<'a> Quoted<'a> {
    /// The next byte; `None` at the closing quote, which is not consumed.
    #[inline]
    pub(super) const fn next(&mut self) -> Result<Option<u8>, Malformed> {
        if self.pending_count > 0 {
            return Ok(Some(self.next_pending()));
        }
        match self.text {
            [b'"', ..] => Ok(None),
            [b'\\', rest @ ..] => {
                self.text = attempt!(self.escape(rest));
                Ok(Some(self.next_pending()))
            }
            [byte @ b' '..=0xff, rest @ ..] => {
                self.text = rest;
                Ok(Some(*byte))
            }
            _ => Err(Malformed),
        }
    }

    const fn next_pending(&mut self) -> u8 {
        let [next, a, b, c] = self.pending;
        self.pending = [a, b, c, 0];
        self.pending_count = self.pending_count.wrapping_sub(1);
        next
    }

    /// Decodes an escape sequence, after its backslash. Returns the text after it.
    const fn escape(&mut self, text: &'a [u8]) -> Result<&'a [u8], Malformed> {
        let (character, rest) = match text {
            [b'u', rest @ ..] => attempt!(escaped(rest)),
            [escape, rest @ ..] => {
                let character = match escape {
                    b'"' | b'\\' | b'/' => *escape as char,
                    b'b' => '\x08',
                    b'f' => '\x0c',
                    b'n' => '\n',
                    b'r' => '\r',
                    b't' => '\t',
                    _ => return Err(Malformed),
                };
                (character, rest)
            }
            [] => return Err(Malformed),
        };
        self.pending_count = character.encode_utf8(&mut self.pending).len();
        Ok(rest)
    }

    /// FNV-1a hash.
    pub(super) const fn hash(mut self) -> u64 {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        while let Ok(Some(byte)) = self.next() {
            hash = (hash ^ byte as u64).wrapping_mul(0x100_0000_01b3);
        }
        hash
    }

    /// Length in bytes, unescaped.
    pub(super) const fn len(mut self) -> usize {
        let mut length = 0_usize;
        while let Ok(Some(_)) = self.next() {
            length = length.wrapping_add(1);
        }
        length
    }

    /// Whether both strings are equal.
    pub(super) const fn equals(mut self, mut other: Self) -> bool {
        loop {
            match (self.next(), other.next()) {
                (Ok(None), Ok(None)) => return true,
                (Ok(Some(a)), Ok(Some(b))) if a == b => {}
                _ => return false,
            }
        }
    }

    /// Whether the string sorts before the other, by its bytes.
    pub(super) const fn is_less(mut self, mut other: Self) -> bool {
        loop {
            match (self.next(), other.next()) {
                (Ok(Some(a)), Ok(Some(b))) if a == b => {}
                (Ok(Some(a)), Ok(Some(b))) => return a < b,
                (a, b) => return matches!((a, b), (Ok(None), Ok(Some(_)))),
            }
        }
    }

    /// Whether the string is `part`.
    pub(super) const fn is(self, part: &str) -> bool {
        self.is_joined([part.as_bytes(), b"", b""])
    }

    /// Whether the string is `beginning`, or begins with it and a dot.
    pub(super) const fn is_in(mut self, beginning: &[u8]) -> bool {
        self.skip(beginning) && matches!(self.next(), Ok(None | Some(b'.')))
    }

    /// Whether the string is these three concatenated.
    pub(super) const fn is_joined(mut self, [a, b, c]: [&[u8]; 3]) -> bool {
        self.skip(a) && self.skip(b) && self.skip(c) && matches!(self.next(), Ok(None))
    }

    /// Skips a prefix; returns whether the string has it.
    const fn skip(&mut self, mut beginning: &[u8]) -> bool {
        while let [want, others @ ..] = beginning {
            match self.next() {
                Ok(Some(byte)) if byte == *want => beginning = others,
                _ => return false,
            }
        }
        true
    }
}

/// The character of a `\u` escape, after the `\u`.
const fn escaped(text: &[u8]) -> Read<'_, char> {
    let (first, text) = attempt!(four_digits(text));
    let (code, text) = match (first, text) {
        (0xd800..=0xdbff, [b'\\', b'u', rest @ ..]) => {
            let (second, rest) = attempt!(four_digits(rest));
            let 0xdc00..=0xdfff = second else { return Err(Malformed) };
            let code = (first & 0x3ff) << 10 | second & 0x3ff;
            (code.wrapping_add(0x1_0000), rest)
        }
        _ => (first, text),
    };
    let Some(character) = char::from_u32(code) else { return Err(Malformed) };
    Ok((character, text))
}

const fn four_digits(text: &[u8]) -> Read<'_, u32> {
    let Some((digits, rest)) = text.split_first_chunk::<4>() else { return Err(Malformed) };
    let (mut digits, mut number): (&[u8], u32) = (digits, 0);
    while let [digit, others @ ..] = digits {
        let Some(digit) = (*digit as char).to_digit(16) else { return Err(Malformed) };
        (number, digits) = (number << 4 | digit, others);
    }
    Ok((number, rest))
}

/// Parses an unsigned integer.
pub(super) const fn whole(text: &[u8]) -> Read<'_, usize> {
    let (mut rest, mut number): (_, usize) = (trim(text), 0);
    if let [b'0', b'0'..=b'9', ..] = rest {
        return Err(Malformed);
    }
    let all = rest.len();
    while let [digit @ b'0'..=b'9', others @ ..] = rest {
        let Some(tens) = number.checked_mul(10) else { return Err(Malformed) };
        let Some(sum) = tens.checked_add((*digit & 15) as usize) else { return Err(Malformed) };
        (number, rest) = (sum, others);
    }
    if rest.len() == all { Err(Malformed) } else { Ok((number, rest)) }
}

/// Skips a number in the range of `f64`. Returns the text after it.
///
/// The last digits are not exact: the Python library itself accepts some numbers next to the
/// largest in one notation and not in another.
const fn number(text: &[u8]) -> Result<&[u8], Malformed> {
    let ([b'-', text @ ..] | text) = text;
    let mut number = Number { digits: 0, exponent: 0 };
    let mut text = match text {
        [b'0', rest @ ..] => rest,
        _ => attempt!(number.digits(text, 0)),
    };
    if let [b'.', rest @ ..] = text {
        text = attempt!(number.digits(rest, -1));
    }
    let mut exponent = Number { digits: 0, exponent: 0 };
    if let [b'e' | b'E', signed @ ..] = text {
        let ([b'+' | b'-', digits @ ..] | digits) = signed;
        text = attempt!(exponent.digits(digits, 0));
        if let [b'-', ..] = signed {
            exponent.digits = exponent.digits.wrapping_neg();
        }
    }
    number.exponent = number.exponent.saturating_add(exponent.digits);
    if number.fits() { Ok(text) } else { Err(Malformed) }
}

/// `digits * 10^exponent`.
struct Number {
    digits: i64,
    exponent: i64,
}

impl Number {
    /// Digits beyond this are ignored.
    const MOST: i64 = 100_000_000_000_000_000;

    /// Parses one digit or more, each of which changes the exponent by `place`: -1 after the point.
    /// Returns the text after them.
    const fn digits<'a>(&mut self, text: &'a [u8], place: i64) -> Result<&'a [u8], Malformed> {
        let [b'0'..=b'9', ..] = text else { return Err(Malformed) };
        let mut text = text;
        while let [digit @ b'0'..=b'9', rest @ ..] = text {
            text = rest;
            let place = if self.digits < Self::MOST {
                self.digits = self.digits.wrapping_mul(10).wrapping_add((*digit & 15) as i64);
                place
            } else {
                place.wrapping_add(1)
            };
            self.exponent = self.exponent.saturating_add(place);
        }
        Ok(text)
    }

    /// Whether it is at most 1.7976931348623158e308.
    const fn fits(mut self) -> bool {
        while 0 < self.digits && self.digits < Self::MOST {
            self.digits = self.digits.wrapping_mul(10);
            self.exponent = self.exponent.saturating_sub(1);
        }
        match self.exponent {
            ..291 => true,
            291 => self.digits <= 179_769_313_486_231_580,
            _ => self.digits == 0,
        }
    }
}

/// Skips any value, `depth` objects deep. Returns the text after it.
pub(super) const fn any(text: &[u8], mut depth: u32) -> Result<&[u8], Malformed> {
    // A stack of bits, 1 for an object and 0 for an array, the innermost in the lowest bit.
    let (mut objects, outside, mut text) = (0_u128, depth, text);
    loop {
        text = match trim(text) {
            [open @ (b'{' | b'['), rest @ ..] => {
                if depth == DEEPEST {
                    return Err(Malformed);
                }
                let is_object = *open == b'{';
                match has_items(rest, if is_object { b'}' } else { b']' }) {
                    (false, rest) => rest,
                    (true, rest) => {
                        depth = depth.wrapping_add(1);
                        objects = objects << 1 | is_object as u128;
                        text = if is_object { attempt!(key(rest)).1 } else { rest };
                        continue;
                    }
                }
            }
            quoted @ [b'"', ..] => attempt!(string(quoted)).1,
            [b't', b'r', b'u', b'e', rest @ ..]
            | [b'f', b'a', b'l', b's', b'e', rest @ ..]
            | [b'n', b'u', b'l', b'l', rest @ ..] => rest,
            other => attempt!(number(other)),
        };
        // Ends of arrays and objects, up to the next item.
        loop {
            if depth == outside {
                return Ok(text);
            }
            let is_object = objects & 1 == 1;
            let (more, rest) = attempt!(next_item(text, if is_object { b'}' } else { b']' }));
            text = rest;
            if more {
                text = if is_object { attempt!(key(text)).1 } else { text };
                break;
            }
            depth = depth.wrapping_sub(1);
            objects >>= 1;
        }
    }
}

/// A name and its colon.
pub(super) const fn key(text: &[u8]) -> Read<'_, Quoted<'_>> {
    let (name, rest) = attempt!(string(text));
    Ok((name, attempt!(after(rest, b':'))))
}
