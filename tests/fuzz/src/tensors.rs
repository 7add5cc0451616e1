//! Headers from pieces, most of them well-formed.
#![no_main]

#[path = "../../support/oracle.rs"]
mod oracle;

use std::fmt::Write;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct File<'a> {
    parts: Vec<(Part<'a>, Space)>,
    /// Bytes more or less than the tensors take.
    more: Option<i8>,
    /// Bytes more or less than the header has.
    longer: Option<i8>,
    end: Option<&'a str>,
    data: &'a [u8],
}

#[derive(Arbitrary, Debug)]
enum Part<'a> {
    Tensor(Tensor<'a>),
    Weight(Layer, Tensor<'a>),
    Metadata(Value<'a>),
    Text(&'a str),
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Layer {
    Zero,
    Two,
    Nested,
    Empty,
}

#[derive(Arbitrary, Debug)]
struct Tensor<'a> {
    name: Name<'a>,
    dtype: Dtype<'a>,
    shape: Vec<Size<'a>>,
    offsets: Option<Offsets<'a>>,
    /// Tensors of a lower place come first in the text, but not in the data.
    place: u8,
    form: Form<'a>,
}

#[derive(Arbitrary, Debug)]
enum Name<'a> {
    Weight,
    Bias,
    EscapedBias(u8),
    Own(&'a str),
    Quoted(&'a str),
}

#[derive(Arbitrary, Debug)]
enum Dtype<'a> {
    Known(u8),
    Escaped(u8),
    OfNull(u8),
    Other(Value<'a>),
}

#[derive(Arbitrary, Debug)]
enum Size<'a> {
    Small(u8),
    Large(u64),
    Power(u8),
    Other(Value<'a>),
}

#[derive(Arbitrary, Debug)]
enum Offsets<'a> {
    Shifted(i8, i8),
    These(u64, u64),
    Other(Value<'a>),
}

#[derive(Arbitrary, Debug)]
enum Form<'a> {
    Object,
    Reversed,
    List,
    ListAnd(Value<'a>),
    Lacks(u8),
    Twice(u8),
    And(&'a str, Value<'a>),
    Spaced(Space),
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Space {
    None,
    One,
    Tab,
    Lines,
}

#[derive(Arbitrary, Debug)]
enum Value<'a> {
    Null,
    True,
    Whole(u64),
    Float(f64),
    Number { digits: u64, after_point: Option<u32>, exponent: Option<i16> },
    Text(&'a str),
    Raw(&'a str),
    List(Vec<Value<'a>>),
    Object(Vec<(&'a str, Value<'a>)>),
    Deep(u8),
}

const DTYPES: [&str; 22] = [
    "F32",
    "F64",
    "F16",
    "BF16",
    "BOOL",
    "U8",
    "I8",
    "U16",
    "I16",
    "U32",
    "I32",
    "U64",
    "I64",
    "C64",
    "F8_E4M3",
    "F8_E5M2",
    "F8_E8M0",
    "F8_E4M3FNUZ",
    "F8_E5M2FNUZ",
    "F6_E2M3",
    "F6_E3M2",
    "F4",
];

/// The four types that networks take come as often as all others.
fn dtype(at: u8) -> &'static str {
    DTYPES[usize::from(at) % if at < 128 { 4 } else { DTYPES.len() }]
}

fn bits(dtype: &str) -> u64 {
    match dtype {
        "F64" | "U64" | "I64" | "C64" => 64,
        "F32" | "U32" | "I32" => 32,
        "F16" | "BF16" | "U16" | "I16" => 16,
        "F6_E2M3" | "F6_E3M2" => 6,
        "F4" => 4,
        _ => 8,
    }
}

/// A text in quotes, with the escapes that JSON demands.
fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            '\0'..='\x1f' => write!(quoted, "\\u{:04x}", u32::from(character)).unwrap(),
            _ => quoted.push(character),
        }
    }
    quoted + "\""
}

/// The same with each character in digits, if `which` has its bit.
fn escaped(text: &str, which: u8) -> String {
    let mut escaped = String::from('"');
    for (at, character) in text.chars().enumerate() {
        if which >> (at % 8) & 1 == 1 {
            for unit in character.encode_utf16(&mut [0; 2]) {
                write!(escaped, "\\u{unit:04X}").unwrap();
            }
        } else {
            escaped.push(character);
        }
    }
    escaped + "\""
}

impl Value<'_> {
    fn text(&self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::True => "true".to_owned(),
            Self::Whole(number) => number.to_string(),
            Self::Float(number) => format!("{number:e}"),
            Self::Number { digits, after_point, exponent } => {
                let mut text = digits.to_string();
                if let Some(digits) = after_point {
                    write!(text, ".{digits}").unwrap();
                }
                if let Some(exponent) = exponent {
                    write!(text, "e{exponent:+}").unwrap();
                }
                text
            }
            Self::Text(text) => quoted(text),
            Self::Raw(text) => (*text).to_owned(),
            Self::List(values) => {
                format!("[{}]", values.iter().map(Self::text).collect::<Vec<_>>().join(","))
            }
            Self::Object(values) => {
                let pair =
                    |(name, value): &(&str, Self)| format!("{}:{}", quoted(name), value.text());
                format!("{{{}}}", values.iter().map(pair).collect::<Vec<_>>().join(","))
            }
            Self::Deep(depth) => {
                let depth = usize::from(*depth);
                "[".repeat(depth) + &"]".repeat(depth)
            }
        }
    }
}

impl Space {
    fn text(self) -> &'static str {
        match self {
            Self::None => "",
            Self::One => " ",
            Self::Tab => "\t",
            Self::Lines => "\r\n",
        }
    }
}

impl Layer {
    fn name(self) -> &'static str {
        match self {
            Self::Zero => "0",
            Self::Two => "2",
            Self::Nested => "encoder.0",
            Self::Empty => "",
        }
    }
}

impl Tensor<'_> {
    /// Its text, of which the data begins at `position`; sets that to the end of its data.
    fn text(&self, layer: Option<Layer>, position: &mut u64) -> String {
        let layer = layer.map_or("x", Layer::name);
        let name = match &self.name {
            Name::Weight => quoted(&format!("{layer}.weight")),
            Name::Bias => quoted(&format!("{layer}.bias")),
            Name::EscapedBias(which) => escaped(&format!("{layer}.bias"), *which),
            Name::Own(name) => quoted(name),
            Name::Quoted(text) => format!("\"{text}\""),
        };
        let (dtype, bits) = match &self.dtype {
            Dtype::Known(at) => (quoted(dtype(*at)), bits(dtype(*at))),
            Dtype::Escaped(at) => (escaped(dtype(*at), *at), bits(dtype(*at))),
            Dtype::OfNull(at) => (format!("{{\"{}\":null}}", dtype(*at)), bits(dtype(*at))),
            Dtype::Other(value) => (value.text(), 8),
        };
        let mut shape = Vec::new();
        let mut count = 1_u64;
        for size in &self.shape {
            let size = match size {
                Size::Small(size) => u64::from(*size % 4),
                Size::Large(size) => *size,
                Size::Power(power) => 1 << (power % 64),
                Size::Other(value) => {
                    shape.push(value.text());
                    continue;
                }
            };
            shape.push(size.to_string());
            count = count.saturating_mul(size);
        }
        let shape = format!("[{}]", shape.join(","));
        let (start, end) = (*position, position.saturating_add(count.saturating_mul(bits) / 8));
        let offsets = match &self.offsets {
            None => format!("[{start},{end}]"),
            Some(Offsets::Shifted(by, to)) => {
                let shift = |offset: u64, by: &i8| offset.saturating_add_signed(i64::from(*by));
                format!("[{},{}]", shift(start, by), shift(end, to))
            }
            Some(Offsets::These(start, end)) => format!("[{start},{end}]"),
            Some(Offsets::Other(value)) => value.text(),
        };
        *position = end;
        format!("{name}:{}", self.form.fields([&dtype, &shape, &offsets]))
    }
}

impl Form<'_> {
    fn fields(&self, [dtype, shape, offsets]: [&str; 3]) -> String {
        let mut fields = [("dtype", dtype), ("shape", shape), ("data_offsets", offsets)]
            .map(|(name, value)| format!("\"{name}\":{value}"))
            .to_vec();
        let mut space = Space::None;
        match self {
            Self::Object => {}
            Self::Reversed => fields.reverse(),
            Self::List => return format!("[{dtype},{shape},{offsets}]"),
            Self::ListAnd(value) => {
                return format!("[{dtype},{shape},{offsets},{}]", value.text());
            }
            Self::Lacks(at) => drop(fields.remove(usize::from(at % 3))),
            Self::Twice(at) => fields.push(fields[usize::from(at % 3)].clone()),
            Self::And(name, value) => {
                fields.insert(1, format!("{}:{}", quoted(name), value.text()))
            }
            Self::Spaced(between) => space = *between,
        }
        let space = space.text();
        format!("{{{space}{}{space}}}", fields.join(&format!("{space},{space}")))
    }
}

impl File<'_> {
    fn bytes(&self) -> Vec<u8> {
        let mut position = 0;
        let mut parts = Vec::new();
        for (part, space) in &self.parts {
            let (place, text) = match part {
                Part::Tensor(tensor) => (tensor.place, tensor.text(None, &mut position)),
                Part::Weight(layer, tensor) => {
                    (tensor.place, tensor.text(Some(*layer), &mut position))
                }
                Part::Metadata(value) => (0, format!("\"__metadata__\":{}", value.text())),
                Part::Text(text) => (0, (*text).to_owned()),
            };
            parts.push((place, format!("{}{text}", space.text())));
        }
        parts.sort_by_key(|(place, _)| *place);
        let parts: Vec<String> = parts.into_iter().map(|(_, text)| text).collect();
        let header = format!("{{{}}}{}", parts.join(","), self.end.unwrap_or(" "));
        let length = (header.len() as u64).saturating_add_signed(self.longer.unwrap_or(0).into());
        let data = position.min(4096).saturating_add_signed(self.more.unwrap_or(0).into());
        let mut file = [&length.to_le_bytes(), header.as_bytes()].concat();
        file.extend(self.data.iter().cycle().chain(std::iter::repeat(&0)).take(data as usize));
        file
    }
}

fuzz_target!(|file: File<'_>| {
    oracle::compare(&file.bytes());
});
