//! What holds for every `safetensors` file, well-formed or not.
//!
//! Files are made here from parts, so it is known what is wrong with them; and what the crate
//! `safetensors` makes of them, gradlet has to make of them too.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::float_cmp,
    unreachable_pub,
    reason = "tests may panic"
)]

#[path = "../support/oracle.rs"]
mod oracle;

use gradlet::prelude::*;
use gradlet::safetensors::{Fault, LoadError, Safetensors};
use oracle::compare;
use proptest::prelude::*;
use proptest::sample::Index;

/// Types and their bits.
const DTYPES: [(&str, usize); 22] = [
    ("F32", 32),
    ("F64", 64),
    ("F16", 16),
    ("BF16", 16),
    ("BOOL", 8),
    ("U8", 8),
    ("I8", 8),
    ("U16", 16),
    ("I16", 16),
    ("U32", 32),
    ("I32", 32),
    ("U64", 64),
    ("I64", 64),
    ("C64", 64),
    ("F8_E4M3", 8),
    ("F8_E5M2", 8),
    ("F8_E8M0", 8),
    ("F8_E4M3FNUZ", 8),
    ("F8_E5M2FNUZ", 8),
    ("F6_E2M3", 6),
    ("F6_E3M2", 6),
    ("F4", 4),
];

#[derive(Clone, Debug)]
struct Tensor {
    name: String,
    dtype: &'static str,
    shape: Vec<usize>,
    start: usize,
    end: usize,
}

/// A well-formed file, in parts. Its data are next to one another in the order of the tensors.
#[derive(Clone, Debug)]
struct File {
    tensors: Vec<Tensor>,
    /// Where in the header each tensor is.
    places: Vec<u32>,
    data: Vec<u8>,
}

impl File {
    fn header(&self) -> String {
        let mut tensors: Vec<_> = self.tensors.iter().zip(&self.places).collect();
        tensors.sort_by_key(|(_, place)| **place);
        let texts: Vec<String> = tensors.iter().map(|(tensor, _)| tensor.text()).collect();
        format!("{{{}}}", texts.join(","))
    }

    fn bytes(&self) -> Vec<u8> {
        with_header(self.header(), &self.data)
    }

    fn with_first(&self, change: impl FnOnce(String) -> String) -> Vec<u8> {
        let mut texts: Vec<String> = self.tensors.iter().map(Tensor::text).collect();
        texts[0] = change(core::mem::take(&mut texts[0]));
        with_header(format!("{{{}}}", texts.join(",")), &self.data)
    }
}

impl Tensor {
    fn text(&self) -> String {
        let Self { name, dtype, shape, start, end } = self;
        let name = serde_json::to_string(name).unwrap();
        format!(r#"{name}:{{"dtype":"{dtype}","shape":{shape:?},"data_offsets":[{start},{end}]}}"#)
    }

    fn is_empty(&self) -> bool {
        self.start == self.end
    }
}

fn with_header(header: impl AsRef<[u8]>, data: &[u8]) -> Vec<u8> {
    let header = header.as_ref();
    [&(header.len() as u64).to_le_bytes(), header, data].concat()
}

/// Names of layers of networks and any others.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "(0|1|2|encoder\\.0|)\\.(weight|bias)",
        1 => "[a-z0-9.]{0,8}",
        1 => any::<String>(),
    ]
}

/// A type, of which half are those of networks, and a shape.
fn kind() -> impl Strategy<Value = (&'static str, Vec<usize>, usize)> {
    let dtype = prop_oneof![0..4_usize, 0..DTYPES.len()];
    let shape = prop_oneof![
        3 => prop::collection::vec(1..4_usize, 1..3),
        1 => prop::collection::vec(0..4_usize, 0..5),
    ];
    (dtype, shape).prop_filter_map("ends within a byte", |(dtype, shape)| {
        let (dtype, bits) = DTYPES[dtype];
        let bits = bits * shape.iter().product::<usize>();
        (bits % 8 == 0).then_some((dtype, shape, bits / 8))
    })
}

/// As many tensors as this, with or without an order.
fn files(count: impl Into<prop::collection::SizeRange>) -> impl Strategy<Value = File> {
    let tensors = prop::collection::btree_map(name(), (kind(), any::<u32>()), count);
    let order = prop_oneof![Just((false, false)), any::<(bool, bool)>()];
    (tensors, order, any::<[u8; 31]>()).prop_map(|(kinds, (shuffled, mixed), bytes)| {
        let mut kinds: Vec<_> = kinds.into_iter().collect();
        if mixed {
            kinds.sort_by_key(|(_, (_, place))| place.reverse_bits());
        }
        let mut position = 0;
        let mut file = File { tensors: Vec::new(), places: Vec::new(), data: Vec::new() };
        for (name, ((dtype, shape, length), place)) in kinds {
            let (start, end) = (position, position + length);
            file.tensors.push(Tensor { name, dtype, shape, start, end });
            file.places.push(if shuffled { place } else { 0 });
            position = end;
        }
        file.data = bytes.iter().copied().cycle().take(position).collect();
        file
    })
}

/// Files of one tensor or more, the first of which has data.
fn files_with_data() -> impl Strategy<Value = File> {
    files(1..12).prop_filter("no data", |file| !file.tensors[0].is_empty())
}

#[track_caller]
fn assert_fault(file: &[u8], fault: Fault) {
    assert!(!compare(file));
    assert_eq!(Safetensors::new(file).unwrap_err(), LoadError::File(fault));
}

proptest! {
    #[test]
    fn well_formed_files_are_taken_with_their_values(file in files(0..12)) {
        prop_assert!(compare(&file.bytes()));
    }

    #[test]
    fn any_bytes_get_the_verdict_of_the_crate(bytes: Vec<u8>, header: Vec<u8>, text: String) {
        compare(&bytes);
        compare(&with_header(header, &bytes));
        compare(&with_header(text, &bytes));
    }

    #[test]
    fn any_json_gets_the_verdict_of_the_crate(
        header in "\\{(\"(a|0\\.weight|__metadata__)\":(\\{|\\[)?((\"(dtype|shape|data_offsets|x)\":)?\
            (\"F32\"|\\[[0-9]?(,[0-8])?\\]|[0-9]{1,22}|-?0?[.][0-9]|1e[0-9]{1,4}|null|\\{\\}),?){0,4}\
            (\\}|\\])?,?){0,3}\\}",
        data in 0..9_usize,
    ) {
        compare(&with_header(header, &vec![1; data]));
    }

    #[test]
    fn a_changed_byte_gets_the_verdict_of_the_crate(file in files(1..6), at: Index, byte: u8) {
        let header = file.header().into_bytes();
        let mut changed = header.clone();
        changed[at.index(header.len())] = byte;
        compare(&with_header(&changed, &file.data));
        changed.remove(at.index(header.len()));
        compare(&with_header(&changed, &file.data));
        let (from, to) = (at.index(header.len()), usize::from(byte) % header.len());
        let moved = [&header[..from], &header[to..]].concat();
        compare(&with_header(moved, &file.data));
    }

    #[test]
    fn truncated_and_lengthened_files_are_refused(file in files(1..8), at: Index, more in 1..9_usize) {
        let mut bytes = file.bytes();
        let length = at.index(bytes.len());
        let (found, expected) = (length, bytes.len());
        let header = expected - file.data.len();
        let fault = match length {
            0..8 => Fault::TooShort,
            _ if length < header => Fault::HeaderLength { expected: header, found },
            _ => Fault::Length { expected, found },
        };
        assert_fault(&bytes[..length], fault);
        bytes.extend(vec![0; more]);
        assert_fault(&bytes, Fault::Length { expected, found: expected + more });
    }

    #[test]
    fn headers_longer_than_the_file_are_refused(file in files(0..4), more in 1_u64..) {
        let mut bytes = file.bytes();
        let length = (bytes.len() as u64 - 8).saturating_add(more);
        bytes[..8].copy_from_slice(&length.to_le_bytes());
        let expected = (length as usize).saturating_add(8);
        // Few lengths begin like a file of another format.
        let of_other_format =
            matches!(Safetensors::new(&bytes), Err(LoadError::File(Fault::OtherFormat(_))));
        prop_assume!(!of_other_format);
        assert_fault(&bytes, Fault::HeaderLength { expected, found: bytes.len() });
    }

    #[test]
    fn overlaps_gaps_and_ends_outside_are_refused(
        file in files_with_data(),
        at: Index,
        by in prop_oneof![1..20_usize, (0..64).prop_map(|power| 1_usize << power)],
    ) {
        let full: Vec<usize> =
            (0..file.tensors.len()).filter(|at| !file.tensors[*at].is_empty()).collect();
        let at = full[at.index(full.len())];
        let with = |start: Option<usize>, end: Option<usize>| {
            let (mut file, Some(start), Some(end)) = (file.clone(), start, end) else { return };
            (file.tensors[at].start, file.tensors[at].end) = (start, end);
            assert_fault(&file.bytes(), Fault::Offsets);
        };
        let Tensor { start, end, .. } = file.tensors[at];
        with(start.checked_add(by), end.checked_add(by));
        with(start.checked_sub(by), end.checked_sub(by));
        with(Some(start), end.checked_add(by));
        with(Some(start), end.checked_sub(by));
        with(start.checked_add(by), Some(end));
        with(start.checked_sub(by), Some(end));
        with(Some(end), Some(start));
    }

    #[test]
    fn tensors_in_the_same_place_are_refused(file in files_with_data(), name in "new[a-z]{0,9}") {
        let mut twice = file;
        twice.tensors.push(Tensor { name, ..twice.tensors[0].clone() });
        twice.places.push(0);
        assert_fault(&twice.bytes(), Fault::Offsets);
    }

    #[test]
    fn shapes_that_overflow_are_refused(file in files_with_data(), more in 1..9_usize) {
        let mut large = file;
        large.tensors[0].shape = vec![1 << 63, 2];
        assert_fault(&large.bytes(), Fault::Offsets);
        // Numbers fit, bits do not; or only by wrapping around.
        large.tensors[0].shape = vec![usize::MAX / 32 + more];
        assert_fault(&large.bytes(), Fault::Offsets);
        large.tensors[0].shape = vec![1 << 32; more + 1];
        assert_fault(&large.bytes(), Fault::Offsets);
    }

    #[test]
    fn numbers_that_are_no_sizes_are_refused(
        file in files_with_data(),
        number in "-[0-9]{1,3}|0[0-9]|[0-9]\\.[0-9]|[1-9]e[0-9]|1844674407370955161[6-9]\
            |[1-9][0-9]{20,40}",
        in_offsets: bool,
    ) {
        let field = if in_offsets { "\"data_offsets\":[" } else { "\"shape\":[" };
        let bytes = file.with_first(|text| text.replace(field, &format!("{field}{number},")));
        assert_fault(&bytes, Fault::Json);
    }

    #[test]
    fn names_that_come_twice_hide_the_first_tensor(file in files_with_data(), at in 1..12_usize) {
        // Without the data of the first there is a gap; without an empty one there is none.
        let mut twice = file;
        let place = twice.places.iter().max().unwrap().saturating_add(1);
        let last = twice.data.len();
        let mut again = Tensor { start: last, end: last, ..twice.tensors[0].clone() };
        again.shape = vec![0];
        twice.tensors.push(again);
        twice.places[0] = 0;
        twice.places.push(place);
        assert_fault(&twice.bytes(), Fault::Offsets);

        let empty = twice.tensors.len() - 1;
        let name = twice.tensors[at % empty].name.clone() + " twice";
        twice.tensors[empty].name.clone_from(&name);
        prop_assert!(compare(&twice.bytes()));
        // It is not looked at, wherever it is.
        twice.tensors.insert(0, Tensor { name, start: 5, end: 3, ..twice.tensors[empty].clone() });
        twice.places.insert(0, 0);
        prop_assert!(compare(&twice.bytes()));
    }

    #[test]
    fn fields_that_come_twice_or_lack_are_refused(file in files_with_data(), which in 0..3_usize) {
        let (dtype, shape) = (file.tensors[0].dtype, &file.tensors[0].shape);
        let field = [
            format!("\"dtype\":\"{dtype}\","),
            format!("\"shape\":{shape:?},"),
            format!(",\"data_offsets\":[0,{}]", file.tensors[0].end),
        ];
        let field = &field[which];
        let twice = field.clone() + ",";
        let twice = if which == 2 { field.repeat(2) } else { twice.replace(",,", ",").repeat(2) };
        assert_fault(&file.with_first(|text| text.replacen(field, &twice, 1)), Fault::Json);
        assert_fault(&file.with_first(|text| text.replacen(field, "", 1)), Fault::Json);
    }

    #[test]
    fn other_fields_may_nest_to_a_depth(file in files_with_data(), depth in 1..300_usize, open in "\\[|\\{\"\":") {
        let close = if open == "[" { "]" } else { "}" };
        let value = open.repeat(depth - 1) + if open == "[" { "[]" } else { "{}" } + &close.repeat(depth - 1);
        let bytes = file.with_first(|text| text.replacen("{\"dtype", &format!("{{\"x\":{value},\"dtype"), 1));
        if depth <= 125 {
            prop_assert!(compare(&bytes));
        } else {
            assert_fault(&bytes, Fault::Json);
        }
    }

    #[test]
    fn escapes_change_nothing(file in files(1..8)) {
        let escaped = |name: &str| -> String {
            name.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect()
        };
        let texts: Vec<String> = file
            .tensors
            .iter()
            .map(|tensor| {
                let name = serde_json::to_string(&tensor.name).unwrap();
                let escaped = format!("\"{}\"", escaped(&tensor.name));
                tensor.text().replacen(&name, &escaped, 1).replace("shape", &self::escaped("shape"))
            })
            .collect();
        let header = format!("{{{}}}", texts.join(","));
        prop_assert!(compare(&with_header(header, &file.data)));
    }

    #[test]
    fn wrong_escapes_are_refused(
        file in files_with_data(),
        escape in "\\\\(x|u[0-9a-f]{0,3}[g-z\"]|ud[89a-f][0-9a-f]{2}\
            |ud83d\\\\u([0-9a-c]{4}|d[89ab][0-9a-f]{2})|[ 0-9A-Z])|\n|\0",
    ) {
        let bytes = file.with_first(|text| text.replacen('"', &format!("\"{escape}"), 1));
        assert_fault(&bytes, Fault::Json);
    }

    #[test]
    fn numbers_that_are_not_finite_are_refused(
        at in 0..6_usize,
        in_bias: bool,
        number in prop::sample::select(vec![f32::NAN, f32::INFINITY, f32::NEG_INFINITY]),
        dtype in 0..4_usize,
    ) {
        let (dtype, bits) = DTYPES[dtype];
        let (size, at) = (bits / 8, if in_bias { at % 3 } else { at });
        let bytes: &[u8] = &match dtype {
            "F32" => number.to_le_bytes().to_vec(),
            "F64" => f64::from(number).to_le_bytes().to_vec(),
            "F16" => (if number.is_nan() { 0x7e00_u16 } else { 0x7c00 }
                | u16::from(number.is_sign_negative()) << 15)
                .to_le_bytes()
                .to_vec(),
            _ => number.to_le_bytes()[2..].to_vec(),
        };
        let tensor = |name: &str, shape: &[usize], start: usize, end: usize| {
            Tensor { name: name.to_owned(), dtype, shape: shape.to_vec(), start: start * size, end: end * size }
        };
        let tensors = vec![tensor("a.weight", &[3, 2], 0, 6), tensor("a.bias", &[3], 6, 9)];
        let mut file = File { tensors, places: vec![0, 0], data: vec![0; 9 * size] };
        let from = size * if in_bias { 6 + at } else { at };
        file.data[from..from + size].copy_from_slice(bytes);
        let file = file.bytes();
        prop_assert!(compare(&file));
        let file = Safetensors::new(&file).unwrap();
        let mut net = Dense::<2, 3>::ZERO;
        let part = if in_bias { "bias" } else { "weight" };
        let error = file.load_into(&mut net, &["a"]).unwrap_err();
        prop_assert_eq!(error, LoadError::NotFinite { layer: "a", part, index: at });
        prop_assert_eq!(&net, &Dense::ZERO);
        prop_assert_eq!(Dense::<2, 3>::from_safetensors(&file, "a"), Err(error));
    }
}

/// The text with each character in digits.
fn escaped(text: &str) -> String {
    text.chars().map(|character| format!("\\u{:04X}", u32::from(character))).collect()
}

proptest! {
    // Fewer, as they are long: more tensors than are looked at in one go.
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn many_tensors_in_any_order_are_taken(file in many(), at: Index, by in 1..3_usize) {
        prop_assert!(compare(&file.bytes()));
        let mut moved = file.clone();
        let at = at.index(file.tensors.len());
        moved.tensors[at].start += by;
        moved.tensors[at].end += by;
        compare(&moved.bytes());
        let mut twice = file.clone();
        twice.tensors.push(twice.tensors[at].clone());
        twice.places.push(twice.places[at]);
        prop_assert_eq!(compare(&twice.bytes()), twice.tensors.len() <= 64);
        let mut named = file;
        named.tensors[at].name = named.tensors[by].name.clone();
        compare(&named.bytes());
    }
}

fn many() -> impl Strategy<Value = File> {
    let kinds = prop::collection::vec((0..4_usize, any::<[u32; 2]>()), 20..140);
    (kinds, 0..4_u32).prop_map(|(kinds, order)| {
        let mut file = File { tensors: Vec::new(), places: Vec::new(), data: Vec::new() };
        for (at, (length, [name, place])) in kinds.into_iter().enumerate() {
            // By name, by place, by both or by neither.
            let name = if order & 1 == 0 { at as u32 } else { name };
            let start = file.data.len();
            file.data.resize(start + length, 0);
            let name = format!("{name:010}.{at}");
            file.tensors.push(Tensor {
                name,
                dtype: "U8",
                shape: vec![length],
                start,
                end: start + length,
            });
            file.places.push(if order & 2 == 0 { 0 } else { place });
        }
        file
    })
}

#[test]
fn empty_files_are_refused() {
    assert_fault(&[], Fault::TooShort);
    assert_fault(&[0; 7], Fault::TooShort);
    assert_fault(&[0; 8], Fault::Json);
    assert_fault(&[0; 9], Fault::Json);
    assert!(compare(b"\x02\0\0\0\0\0\0\0{}"));
}

/// By looking at each tensor for each other one, twice, this would take minutes.
#[test]
fn a_thousand_tensors_in_any_order_are_taken() {
    for [name_step, place_step] in [[1, 1], [619, 1], [1, 619], [619, 487]] {
        let texts: Vec<String> = (0..1000_usize)
            .map(|at| {
                let (name, start) = (at * name_step % 1000, at * place_step % 1000);
                let name = format!("layers.{name:03}.weight");
                Tensor { name, dtype: "U8", shape: vec![1], start, end: start + 1 }.text()
            })
            .collect();
        let file = with_header(format!("{{{}}}", texts.join(",")), &[0; 1000]);
        assert!(Safetensors::new(&file).is_ok());
    }
}
