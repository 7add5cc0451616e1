//! Weights from `safetensors` files.
#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::float_cmp,
    reason = "tests may panic, and compare exactly"
)]

use gradlet::prelude::*;
use gradlet::safetensors::{Dtype, Fault, LoadError, Safetensors, Shape};

const WORKED_FILE: &[u8] = include_bytes!("weights/worked.safetensors");
const MIXED_FILE: &[u8] = include_bytes!("weights/mixed.safetensors");
const NAMES: [&str; 2] = ["0", "2"];

type Net = Mlp<2, 2, 2>;

static WORKED: Net = gradlet::load![WORKED_FILE; "0", "2"];

#[test]
fn constants_have_the_weights_of_the_file() {
    assert_eq!(WORKED.first().rows(), [[0.1, 0.2], [0.3, 0.4]]);
    assert_eq!(WORKED.first().bias(), &[0.55, 0.56]);
    assert_eq!(WORKED.rest().rows(), [[0.5, 0.6], [0.7, 0.8]]);
    assert_eq!(WORKED.rest().bias(), &[0.66, 0.67]);
}

#[test]
fn loading_at_run_time_gives_what_the_compiler_gives() {
    assert_eq!(Net::from_safetensors(WORKED_FILE, &NAMES).unwrap(), WORKED);
    let mut net = Net::ZERO;
    net.load_safetensors(WORKED_FILE, &NAMES).unwrap();
    assert_eq!(net, WORKED);
}

/// F16, F64 and F32 in one file, as numpy made them.
#[test]
fn numbers_of_other_types_are_converted() {
    static MIXED: Mlp<2, 2, 2, Sigmoid, Sigmoid, f64> = gradlet::load![f64; MIXED_FILE; "0", "2"];
    assert_eq!(
        MIXED.first().rows(),
        [[0.099_975_585_937_5, 0.199_951_171_875], [0.300_048_828_125, 0.399_902_343_75]]
    );
    assert_eq!(MIXED.rest().rows(), [[0.5, 0.6], [0.7, 0.8]]);
    assert_eq!(MIXED.rest().bias(), &[f64::from(0.66_f32), f64::from(0.67_f32)]);
}

/// A file with this header and so many bytes of data.
fn file(header: &[u8], data: usize) -> Vec<u8> {
    let length = (header.len() as u64).to_le_bytes();
    [&length, header, &vec![0; data]].concat()
}

/// Whether a file with this header and so many bytes of data is taken.
fn is_taken(header: impl AsRef<[u8]>, data: usize) -> bool {
    Safetensors::new(&file(header.as_ref(), data)).is_ok()
}

const A: &str = r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#;

/// One tensor of 8 bytes, of which the fields are these.
fn with_fields(fields: &str) -> String {
    format!(r#"{{"a":{{{fields}}}}}"#)
}

/// Every verdict is that of the Python library, version 0.8.0.
#[test]
fn files_are_taken_if_the_python_library_takes_them() {
    let shape = |shape: &str| {
        with_fields(&format!(r#""dtype":"F32","shape":{shape},"data_offsets":[0,8]"#))
    };
    let unknown = |value: &str| {
        with_fields(&format!(r#""dtype":"F32","shape":[2],"data_offsets":[0,8],"x":{value}"#))
    };
    let named = |name: &str| A.replacen("\"a\"", &format!("\"{name}\""), 1);
    let two = |first: &str, second: &str| format!("{{{first},{second}}}");
    let tensor = |name: &str, size: u32, start: u32, end: u32| {
        format!(r#""{name}":{{"dtype":"F32","shape":[{size}],"data_offsets":[{start},{end}]}}"#)
    };
    let metadata = |metadata: &str| A.replacen('{', &format!("{{\"__metadata__\":{metadata},"), 1);
    let nested = |depth: usize| unknown(&("[".repeat(depth) + &"]".repeat(depth)));
    let taken = [
        (A.to_owned(), 8),
        (A.to_owned() + " \n\t\r", 8),
        (format!(" {A}"), 8),
        (A.replace(':', " : ").replace(',', "\n,\t"), 8),
        ("{}".to_owned(), 0),
        ("{ }".to_owned(), 0),
        (two(&tensor("b", 1, 4, 8), &tensor("a", 1, 0, 4)), 8),
        (two(&tensor("a", 1, 0, 4), &tensor("a", 2, 0, 8)), 8),
        (two(&tensor("a", 2, 0, 8), &tensor("z", 0, 8, 8)), 8),
        (two(&tensor("z", 0, 0, 0), &tensor("a", 2, 0, 8)), 8),
        (two(&tensor("a", 2, 0, 8), &tensor("z", 0, 0, 0)), 8),
        (r#"{"a":["F32",[2],[0,8]]}"#.to_owned(), 8),
        (r#"{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}"#.to_owned(), 4),
        (tensor_of("[0,9223372036854775807,4]", 0), 0),
        (unknown(r#"{"y":[1,null,true,false,-1.5e-3,"z",{},[]]}"#), 8),
        (nested(125), 8),
        (unknown("-1.5e308"), 8),
        (unknown("17976931348623158e292"), 8),
        (unknown("1e-99999999999999999999"), 8),
        (unknown("0e999"), 8),
        (unknown(&format!("0.{}1e500", "0".repeat(400))), 8),
        (unknown(&"1".repeat(308)), 8),
        (unknown(&format!("{}e-10", "1".repeat(309))), 8),
        (metadata(r#"{"k":"v"}"#), 8),
        (metadata(r#"{"k":"v","k":"w"}"#), 8),
        (metadata("{}"), 8),
        (metadata("null"), 8),
        (named(r"\u0061"), 8),
        (named(r"a\ud83d\ude00"), 8),
        (named(r#"\"\\\/\b\f\n\r\t"#), 8),
        (named(""), 8),
        (named("a\x7f"), 8),
        (A.replace("F32", r"F\u0033\u0032"), 8),
        (A.replace(r#""F32""#, r#"{"F32":null}"#), 8),
        (A.replace(r#""F32""#, r#" { "F\u00332" : null } "#), 8),
        (r#"{"a":[{"F32":null},[2],[0,8]]}"#.to_owned(), 8),
        (A.replace("dtype", r"dt\u0079pe"), 8),
        (tensor_with("F4", "[2]", 1), 1),
        (tensor_with("F6_E2M3", "[4]", 3), 3),
        (tensor_with("C64", "[1]", 8), 8),
    ];
    for (header, data) in &taken {
        assert!(is_taken(header, *data), "{header}");
    }
    let refused = [
        (A.to_owned(), 7),
        (A.to_owned(), 9),
        (A.to_owned() + "x", 8),
        (A.to_owned() + "\0", 8),
        (format!("\u{feff}{A}"), 8),
        (String::new(), 0),
        ("{".to_owned(), 0),
        ("[]".to_owned(), 0),
        ("{}".to_owned(), 1),
        (two(&tensor("a", 2, 0, 8), &tensor("a", 1, 0, 4)), 8),
        (two(&tensor("a", 1, 0, 4), &tensor("b", 2, 0, 8)), 8),
        (two(&tensor("a", 2, 0, 8), &tensor("z", 0, 4, 4)), 8),
        (format!("{{{}}}", tensor("a", 1, 4, 8)), 8),
        (format!("{{{}}}", tensor("a", 0, 8, 0)), 8),
        (shape("[2.0]"), 8),
        (shape("[2e0]"), 8),
        (shape("[-2]"), 8),
        (shape("[02]"), 8),
        (shape("[2,]"), 8),
        (shape("[9223372036854775807,4]"), 8),
        (shape("[18446744073709551615]"), 8),
        (shape("[18446744073709551616]"), 8),
        (shape("2"), 8),
        (tensor_of("[9223372036854775807,4,0]", 0), 0),
        (A.replace("[0,8]", "[0,8,8]"), 8),
        (A.replace("[0,8]", "[0]"), 8),
        (with_fields(r#""shape":[2],"data_offsets":[0,8]"#), 8),
        (with_fields(r#""dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]"#), 8),
        (A.replace("F32", "f32"), 8),
        (A.replace(r#""F32""#, r#"{"F32":{}}"#), 8),
        (A.replace(r#""F32""#, r#"{"F32":null,"F32":null}"#), 8),
        (A.replace(r#""F32""#, r#"{"F32":null,}"#), 8),
        (A.replace(r#""F32""#, r#"{"f32":null}"#), 8),
        (A.replace(r#""F32""#, r#"["F32"]"#), 8),
        (A.replace(r#""F32""#, "{}"), 8),
        (nested(126), 8),
        (unknown("1e309"), 8),
        (unknown("-1.8e308"), 8),
        (unknown("17976931348623159e292"), 8),
        (unknown("0.1e99999999999999999999"), 8),
        (unknown(&"1".repeat(400)), 8),
        (unknown("tru"), 8),
        (unknown("01"), 8),
        (unknown("1."), 8),
        (unknown("'x'"), 8),
        (metadata(r#"{"k":1}"#), 8),
        (metadata(r#"{"k":"v"},"__metadata__":{"k":"v"}"#), 8),
        (named(r"a\x"), 8),
        (named(r"a\ud800"), 8),
        (named(r"a\ud83d\ud83d"), 8),
        (named("a\n"), 8),
        (tensor_with("F4", "[3]", 2), 2),
    ];
    for (header, data) in &refused {
        assert!(!is_taken(header, *data), "{header}");
    }
    assert!(!is_taken(b"{\"a\xff\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8));
}

/// A tensor of F32 that ends at this byte.
fn tensor_of(shape: &str, end: u32) -> String {
    tensor_with("F32", shape, end)
}

fn tensor_with(dtype: &str, shape: &str, end: u32) -> String {
    format!(r#"{{"a":{{"dtype":"{dtype}","shape":{shape},"data_offsets":[0,{end}]}}}}"#)
}

#[test]
fn every_cut_of_a_file_is_refused() {
    for length in 0..WORKED_FILE.len() {
        assert!(Safetensors::new(&WORKED_FILE[..length]).is_err(), "{length}");
    }
}

#[test]
fn lengths_of_the_header_are_checked() {
    for length in [u64::MAX, 1 << 63, 100_000_001, 361, 1 << 32] {
        let file = [&length.to_le_bytes(), &WORKED_FILE[8..]].concat();
        let error = Safetensors::new(&file).unwrap_err();
        assert_eq!(error, LoadError::File(Fault::HeaderLength), "{length}");
    }
}

#[test]
fn errors_name_the_tensor_and_both_shapes() {
    let wrong = include_bytes!("weights/wrong.safetensors");
    let error = Net::from_safetensors(wrong, &NAMES).unwrap_err();
    let sizes = |sizes| Shape { rank: 2, sizes };
    let (expected, found) = (sizes([2, 2]), sizes([4, 3]));
    assert_eq!(error, LoadError::Shape { layer: "0", part: "weight", expected, found });
    assert_eq!(
        error.to_string(),
        "tensor `0.weight` has the shape [4, 3] in the file, but the network needs [2, 2]"
    );
    let error = Net::from_safetensors(WORKED_FILE, &["0", "1"]).unwrap_err();
    assert_eq!(error.to_string(), "tensor `1.weight` is not in the file");
    for names in [&["0"][..], &["0", "2", "2"], &[]] {
        let error = Net::from_safetensors(WORKED_FILE, names).unwrap_err();
        assert_eq!(error, LoadError::Names { expected: 2, found: names.len() });
    }
    let integers =
        file(tensor_with("I32", "[1,1]", 4).replace("\"a\"", "\"a.weight\"").as_bytes(), 4);
    let error = Dense::<1, 1>::from_safetensors(&Safetensors::new(&integers).unwrap(), "a");
    assert_eq!(
        error.unwrap_err(),
        LoadError::Dtype { layer: "a", part: "weight", found: Dtype::I32 }
    );
}
