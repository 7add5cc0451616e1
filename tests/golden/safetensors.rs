//! Weights from `safetensors` files.
#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::float_cmp,
    reason = "tests may panic, and compare exactly"
)]

use gradlet::prelude::*;
use gradlet::safetensors::{self, Dtype, Fault, Format, LoadError, Safetensors, Shape};

const WORKED_FILE: &[u8] = include_bytes!("../weights/worked.safetensors");
const MIXED_FILE: &[u8] = include_bytes!("../weights/mixed.safetensors");
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
    assert_eq!(safetensors::from_bytes::<Net>(WORKED_FILE, &NAMES).unwrap(), WORKED);
    let mut net = Net::ZERO;
    safetensors::load(&mut net, WORKED_FILE, &NAMES).unwrap();
    assert_eq!(net, WORKED);
}

/// F16, F64 and F32 in one file, as numpy made them.
#[test]
fn numbers_of_other_types_are_converted() {
    static MIXED: Mlp<2, 2, 2, Sigmoid, Sigmoid, f64> = gradlet::load![MIXED_FILE; "0", "2"];
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
    let three = |first: &str, second: &str, third: &str| two(&format!("{first},{second}"), third);
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
        (three(&tensor("b", 1, 4, 8), &tensor("z", 0, 0, 0), &tensor("a", 1, 0, 4)), 8),
        (three(&tensor("a", 7, 3, 5), &tensor("b", 1, 4, 8), &tensor("a", 1, 0, 4)), 8),
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
        (two(&tensor("b", 1, 4, 8), &tensor("a", 2, 0, 4)), 8),
        (two(&tensor("b", 0, 4, 8), &tensor("a", 1, 0, 4)), 8),
        (three(&tensor("b", 1, 4, 8), &tensor("a", 1, 0, 4), &tensor("c", 1, 0, 4)), 8),
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
        (tensor_with("F4", "[3]", 1), 1),
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
    let found = WORKED_FILE.len();
    for length in [u64::MAX, 1 << 63, 100_000_001, found as u64 - 7, 1 << 32] {
        let file = [&length.to_le_bytes(), &WORKED_FILE[8..]].concat();
        let error = Safetensors::new(&file).unwrap_err();
        let expected = usize::try_from(length).unwrap_or(usize::MAX).saturating_add(8);
        assert_eq!(error, LoadError::File(Fault::HeaderLength { expected, found }), "{length}");
    }
    let mut long = vec![b' '; 100_000_009];
    long[..10].copy_from_slice(b"\x01\xe1\xf5\x05\0\0\0\0{}");
    assert_eq!(
        Safetensors::new(&long).unwrap_err().to_string(),
        "not a safetensors file: by its first 8 bytes, its header exceeds 100 MB"
    );
    long[0] = 0;
    assert!(Safetensors::new(&long[..100_000_008]).is_ok());
}

#[test]
fn errors_name_the_tensor_and_both_shapes() {
    let wrong = include_bytes!("../weights/wrong.safetensors");
    let error = safetensors::from_bytes::<Net>(wrong, &NAMES).unwrap_err();
    let (expected, found) = (&[2, 2], Shape { rank: 2, sizes: [4, 3, 0, 0] });
    assert_eq!(error, LoadError::Shape { layer: "0", part: "weight", expected, found });
    assert_eq!(
        error.to_string(),
        "tensor `0.weight` has the shape [4, 3] in the file, but the network needs [2, 2]"
    );
    let error = safetensors::from_bytes::<Net>(WORKED_FILE, &["0", "1"]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "tensor `1.weight` is not in the file, which has 0.weight, 2.weight, 2.bias, and 1 more"
    );
    for names in [&["0"][..], &["0", "2", "2"], &[]] {
        let error = safetensors::from_bytes::<Net>(WORKED_FILE, names).unwrap_err();
        assert_eq!(error, LoadError::Names { expected: 2, found: names.len() });
        let found = names.len();
        let text =
            format!("the number of names is {found}, expected 2, one for each layer with weights");
        assert_eq!(error.to_string(), text);
    }
    let integers =
        file(tensor_with("I32", "[1,1]", 4).replace("\"a\"", "\"a.weight\"").as_bytes(), 4);
    let error = Dense::<1, 1>::from_safetensors(&Safetensors::new(&integers).unwrap(), "a");
    assert_eq!(
        error.unwrap_err(),
        LoadError::Dtype {
            layer: "a",
            part: "weight",
            expected: &[Dtype::F32, Dtype::F64, Dtype::F16, Dtype::Bf16],
            found: Dtype::I32
        }
    );
}

/// A file of F32 tensors of these names and shapes, of which all numbers are 1.
fn with_tensors(tensors: &[(&str, &[usize])]) -> Vec<u8> {
    let (mut texts, mut end) = (Vec::new(), 0);
    for (name, shape) in tensors {
        let start = end;
        end += 4 * shape.iter().product::<usize>();
        let name = serde_json::to_string(name).unwrap();
        texts.push(format!(
            r#"{name}:{{"dtype":"F32","shape":{shape:?},"data_offsets":[{start},{end}]}}"#
        ));
    }
    let mut file = file(format!("{{{}}}", texts.join(",")).as_bytes(), 0);
    file.extend(1_f32.to_le_bytes().repeat(end / 4));
    file
}

/// Each size and the rank count, for weights and biases.
#[test]
fn tensors_of_other_sizes_are_refused() {
    let part = |weight: &[usize], bias: &[usize]| {
        let file = with_tensors(&[("a.weight", weight), ("a.bias", bias)]);
        let mut net = Dense::<2, 3>::ZERO;
        let result = safetensors::load(&mut net, &file, &["a"]);
        let layer = Dense::<2, 3>::from_safetensors(&Safetensors::new(&file).unwrap(), "a");
        assert_eq!(layer.as_ref().err(), result.as_ref().err());
        let Err(LoadError::Shape { part, .. }) = result else { return None };
        assert_eq!(net, Dense::ZERO);
        Some(part)
    };
    assert_eq!(part(&[3, 2], &[3]), None);
    for weight in [&[4, 2][..], &[2, 2], &[3, 1], &[3, 3], &[2, 3], &[3], &[6], &[3, 2, 1]] {
        assert_eq!(part(weight, &[3]), Some("weight"), "{weight:?}");
    }
    for bias in [&[4][..], &[2], &[1], &[], &[3, 1], &[3, 0]] {
        assert_eq!(part(&[3, 2], bias), Some("bias"), "{bias:?}");
    }
}

type One = Mlp<1, 1, 1, Tanh, Identity>;

/// Linear, `BatchNorm1d`, Tanh, Linear: without the second it is another network.
#[test]
fn tensors_that_no_layer_takes_are_refused() {
    let normalised = with_tensors(&[
        ("0.weight", &[1, 1]),
        ("1.num_batches_tracked", &[]),
        ("1.running_mean", &[1]),
        ("1.running_var", &[1]),
        ("1.weight", &[1]),
        ("3.weight", &[1, 1]),
    ]);
    let deeper =
        with_tensors(&[("0.weight", &[1, 1]), ("2.weight", &[1, 1]), ("4.weight", &[1, 1])]);
    let other_bias = with_tensors(&[("0.weight", &[1, 1]), ("0.b", &[1]), ("2.weight", &[1, 1])]);
    let bias_of_none =
        with_tensors(&[("0.weight", &[1, 1]), ("1.bias", &[1]), ("2.weight", &[1, 1])]);
    for (file, names, text) in [
        (
            &normalised,
            ["0", "3"],
            "1.num_batches_tracked, 1.running_mean, 1.running_var, and 1 more",
        ),
        (&deeper, ["0", "2"], "4.weight"),
        (&deeper, ["2", "4"], "0.weight"),
        (&other_bias, ["0", "2"], "0.b"),
        (&bias_of_none, ["0", "2"], "1.bias"),
    ] {
        let mut net = One::ZERO;
        let error = safetensors::load(&mut net, file, &names).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "no layer takes these tensors of the file: {text}; to ignore the tensors of a \
                 module, name it with two dots after it"
            )
        );
        assert_eq!(net, One::ZERO);
        let only = Safetensors::new(file).unwrap().expect_only::<One>(&names);
        assert_eq!(only, Err(error));
    }
}

#[test]
fn names_that_end_in_two_dots_ignore_modules() {
    let file = with_tensors(&[
        ("0.weight", &[1, 1]),
        ("1.weight", &[1]),
        ("10.weight", &[1]),
        ("2.weight", &[1, 1]),
        ("step", &[]),
    ]);
    let unexpected = |names: &[&str]| {
        let error = safetensors::from_bytes::<One>(&file, names).err()?;
        assert_eq!(Safetensors::new(&file).unwrap().expect_only::<One>(names), Err(error));
        let LoadError::Unexpected { found } = error else { panic!("{error:?}") };
        Some(found.to_string())
    };
    assert_eq!(unexpected(&["0", "2", "1..", "10..", "step.."]), None);
    assert_eq!(unexpected(&["..", "0", "2"]), None);
    assert_eq!(unexpected(&["0", "..", "2"]), None);
    assert_eq!(unexpected(&["0", "2", "1.."]), Some("10.weight, step".to_owned()));
    let found = unexpected(&["0", "1.weight..", "2", "ste..", "1..."]);
    assert_eq!(found, Some("10.weight, step".to_owned()));

    // It is a name of no layer.
    for names in [&["0", ".."][..], &["..", "2.."]] {
        let found = names.len() - names.iter().filter(|name| name.ends_with("..")).count();
        let error = safetensors::from_bytes::<One>(&file, names).unwrap_err();
        assert_eq!(error, LoadError::Names { expected: 2, found });
    }

    // What a layer takes may be ignored as well.
    assert_eq!(unexpected(&["0", "2", "..", "0.."]), None);
}

#[test]
fn constants_ignore_modules_too() {
    static FIRST: Dense<2, 2> = gradlet::load![WORKED_FILE; "0"; "2.."];
    static LAST: Dense<2, 2, Sigmoid, f64> = gradlet::load![WORKED_FILE; "2",; "1..", "..",];
    static NONE: Dense<2, 2> = gradlet::load![WORKED_FILE; "0"; "2.weight..", "2.bias.."];
    assert_eq!(FIRST.rows(), WORKED.first().rows());
    assert_eq!(LAST.bias(), &WORKED.rest().bias().map(f64::from));
    assert_eq!(NONE, FIRST);
}

#[test]
fn several_networks_come_from_one_file() {
    let file = with_tensors(&[
        ("a.0.weight", &[1, 1]),
        ("a.2.weight", &[1, 1]),
        ("b.weight", &[1, 2]),
        ("b.bias", &[1]),
    ]);
    let a = safetensors::from_bytes::<One>(&file, &["a.0", "a.2", "b.."]).unwrap();
    let mut b = Dense::<2, 1>::ZERO;
    safetensors::load(&mut b, &file, &["b", "a.."]).unwrap();
    assert_eq!(a.first().rows(), [[1.0]]);
    assert_eq!(b.rows(), [[1.0, 1.0]]);
}

#[test]
fn layers_without_bias_get_zeros() {
    let file = with_tensors(&[("0.weight", &[1, 1]), ("2.bias", &[1]), ("2.weight", &[1, 1])]);
    let net = safetensors::from_bytes::<One>(&file, &["0", "2"]).unwrap();
    assert_eq!((net.first().bias(), net.rest().bias()), (&[0.0], &[1.0]));
}

/// As `DataParallel`, `torch.compile` and wrappers name tensors.
#[test]
fn nearest_names_are_listed_first() {
    let missing = |tensors: &[&str], layer| {
        let tensors: Vec<_> = tensors.iter().map(|name| (*name, &[1_usize, 1][..])).collect();
        let file = with_tensors(&tensors);
        let error = safetensors::from_bytes::<One>(&file, &[layer, layer]).unwrap_err();
        let LoadError::Missing { found, .. } = error else { panic!("{error:?}") };
        assert!(
            error
                .to_string()
                .ends_with(&format!("`{layer}.weight` is not in the file, which has {found}"))
        );
        assert_eq!(
            Dense::<1, 1>::from_safetensors(&Safetensors::new(&file).unwrap(), layer),
            Err(error)
        );
        found.to_string()
    };
    for prefix in ["module.", "_orig_mod.", "net.", "n"] {
        let names = ["2.weight", "2.bias", "0.weight", "0.bias", "10.weight"];
        let names = names.map(|name| format!("{prefix}{name}"));
        let found = missing(&names.each_ref().map(String::as_str), "0");
        let first = format!("{prefix}0.weight, {prefix}10.weight, {prefix}2.weight");
        assert!(found.starts_with(&first[..first.len().min(40)]), "{found}");
    }
    assert_eq!(missing(&["2.weight", "0.weight_", "0.bias"], "0"), "0.weight_, 2.weight, 0.bias");
    assert_eq!(missing(&["a.kernel", "b.kernel", "a.bias"], "b"), "b.kernel, a.bias, a.kernel");
    assert_eq!(missing(&["fc1.weigth", "fc2.weigth"], "fc2"), "fc2.weigth, fc1.weigth");
    assert_eq!(missing(&["layers.0.weight", "weight"], "a"), "weight, layers.0.weight");
    // What is in a common beginning and in a common end, too, counts once.
    assert_eq!(missing(&["0.0.weight", "x0.weight"], "0"), "x0.weight, 0.0.weight");
    assert_eq!(missing(&["000.weight", "0.weight"], "00"), "000.weight, 0.weight");
    assert_eq!(
        missing(&["c.weight", "b.weight", "a.weight", "d.weight"], "x"),
        "c.weight, b.weight, a.weight, and 1 more"
    );
    assert_eq!(missing(&["", "a"], "x"), "\"\", a");
    assert_eq!(missing(&["a\n\u{7f}b", "\u{1}"], "x"), "?, a??b");
    let error = safetensors::from_bytes::<One>(&file(b"{}", 0), &["0", "2"]).unwrap_err();
    assert_eq!(error.to_string(), "tensor `0.weight` is not in the file, which is empty");
}

#[test]
fn errors_are_small_and_borrow_no_file() {
    assert!(size_of::<LoadError<'_>>() <= 104);
    fn names(file: &[u8]) -> Result<One, LoadError<'static>> {
        safetensors::from_bytes::<One>(file, &["0", "2"])
    }
    assert!(names(&with_tensors(&[("a", &[])])).is_err());
}

/// The error of a file that has tensors of these names, where none is expected.
fn nothing_expected(names: &[String]) -> LoadError<'static> {
    let tensors: Vec<_> = names.iter().map(|name| (name.as_str(), &[][..])).collect();
    Safetensors::new(&with_tensors(&tensors)).unwrap().expect_only::<One>(&[]).unwrap_err()
}

#[test]
fn errors_with_other_names_are_other_errors() {
    let error = |count: usize, letter: &str| {
        let names: Vec<_> = (0..count).map(|k| format!("{}{k}", letter.repeat(40))).collect();
        let LoadError::Unexpected { found } = nothing_expected(&names) else { panic!() };
        found
    };
    assert_eq!(error(9, "a"), error(9, "a"));
    assert_ne!(error(9, "a"), error(9, "b"));
    // As many are listed, but others are left out.
    assert_eq!(error(9, "a").as_str(), error(10, "a").as_str());
    assert_ne!(error(9, "a"), error(10, "a"));
}

#[test]
fn long_names_are_cut_in_errors() {
    let listed = |names: &[String]| {
        let LoadError::Unexpected { found } = nothing_expected(names) else { panic!() };
        assert_eq!(found.to_string().matches(" more").count(), usize::from(found.more() > 0));
        assert_eq!(format!("{found:?}"), format!("Names({found})"));
        (found.as_str().to_owned(), found.more())
    };
    let a = |length| "a".repeat(length);
    assert_eq!(listed(&[a(61)]), (a(61), 0));
    assert_eq!(listed(&[a(62)]), (a(59) + "..", 0));
    assert_eq!(listed(&[a(300)]), (a(59) + "..", 0));
    assert_eq!(listed(&[a(58), "b".into()]), (a(58) + ", b", 0));
    assert_eq!(listed(&[a(58), "bb".into(), "b".into()]), (a(58), 2));
    assert_eq!(listed(&[a(62), "b".into()]), (a(59) + "..", 1));
    // Up to the last whole character.
    assert_eq!(listed(&["é".repeat(31)]), ("é".repeat(29), 0));
    let many: Vec<_> = (0..70_000).map(|at| format!("{at:05}")).collect();
    let (first, more) = listed(&many);
    assert_eq!((first.len(), more), (61, 65_535));
}

#[test]
fn tensors_are_listed_with_type_and_shape() {
    let file = include_bytes!("../weights/mixed.safetensors");
    let file = Safetensors::new(file).unwrap();
    let listed: Vec<_> = file.tensors().map(|tensor| tensor.to_string()).collect();
    assert_eq!(
        listed,
        ["2.weight F64 [2, 2]", "2.bias F32 [2]", "0.bias F16 [2]", "0.weight F16 [2, 2]"]
    );

    let deep = with_tensors(&[("é\n\u{1f600}", &[1, 2, 3, 4, 5]), ("", &[])]);
    let deep = Safetensors::new(&deep).unwrap();
    let listed: Vec<_> = deep.tensors().map(|tensor| tensor.to_string()).collect();
    assert_eq!(listed, ["é\n\u{1f600} F32 [1, 2, 3, 4, ..] of rank 5", " F32 []"]);
    let name = deep.tensors().next().unwrap().name;
    assert!(
        name == "é\n\u{1f600}"
            && name == *"é\n\u{1f600}"
            && name != "é\n"
            && name != *"é\n\u{1f600} "
    );
    assert_eq!(format!("{name:?}"), "`é\n\u{1f600}`");
}

#[test]
fn other_formats_are_named() {
    let formats: [(&[u8], Format, &str); 14] = [
        (b"PK\x03\x04\0\0\x08\x08\0\0archive/data.pkl", Format::Zip, "a zip archive (PyTorch .pt"),
        (b"PK\x03\x04", Format::Zip, "a zip archive"),
        (
            b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.",
            Format::Pickle,
            "a Python pickle (old PyTorch",
        ),
        (b"\x80\x04\x95\x10\0\0\0\0\0\0\0", Format::Pickle, "a Python pickle"),
        (b"\x80\x05\x95\x10\0\0\0\0\0\0\0", Format::Pickle, "a Python pickle"),
        (b"\x89HDF\r\n\x1a\n\0", Format::Hdf5, "HDF5 (Keras .h5)"),
        (b"\x08\x07\x12\x07pytorch\x1a\x05", Format::Onnx, "an ONNX model"),
        (b"\x08\x0a\x3a\xf0\x01\n\x10", Format::Onnx, "an ONNX model"),
        (b"\x1c\0\0\0TFL3\x14\0\x20\0", Format::TfLite, "a TensorFlow Lite model"),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a",
            Format::GitLfs,
            "run `git lfs pull`",
        ),
        (b"<!DOCTYPE html>\n<html>", Format::Html, "an HTML page: download the file itself"),
        (b"\r\n  <html lang=\"en\">", Format::Html, "an HTML page"),
        (b"\x1f\x8b\x08\0\0\0\0\0\0\x03", Format::Gzip, "compressed by gzip"),
        (b"<?xml version", Format::Html, "an HTML page"),
    ];
    for (bytes, format, text) in formats {
        let error = Safetensors::new(bytes).unwrap_err();
        assert_eq!(error, LoadError::File(Fault::OtherFormat(format)), "{bytes:?}");
        let found = error.to_string();
        assert!(found.starts_with("not a safetensors file but "), "{found}");
        assert!(found.contains(text), "{found}");
        // Whatever follows.
        let long = [bytes, &[b'x'; 100]].concat();
        assert_eq!(Safetensors::new(&long).unwrap_err(), error, "{bytes:?}");
    }
}

/// Headers of nearly every length, none of which is JSON: none is taken for another format.
#[test]
fn headers_that_are_not_json_are_no_other_format() {
    for length in 0..0x1_0000_u64 {
        let mut file = vec![b'x'; 8 + 0x1_0000];
        file[..8].copy_from_slice(&length.to_le_bytes());
        let file = &file[..8 + usize::try_from(length).unwrap()];
        assert_eq!(Safetensors::new(file).unwrap_err(), LoadError::File(Fault::Json), "{length:x}");
    }
}

#[test]
fn files_of_another_length_say_so() {
    let (all, cut) = (WORKED_FILE.len(), WORKED_FILE.len() - 1);
    let text = |file: &[u8]| Safetensors::new(file).unwrap_err().to_string();
    assert_eq!(
        text(&WORKED_FILE[..cut]),
        format!("the file was cut short: it has {cut} bytes, expected {all}")
    );
    assert_eq!(
        text(&[WORKED_FILE, b"\n"].concat()),
        format!("the file has bytes after its end: it has {} bytes, expected {all}", all + 1)
    );
    assert_eq!(
        text(&WORKED_FILE[..20]),
        "not a safetensors file, or cut short: by its first 8 bytes it takes 320 or more, but has 20"
    );
}

/// Tensors of one byte each, in the header in the order of `places`, named by `name`.
fn bytes_in_order(
    places: impl IntoIterator<Item = usize>,
    name: impl Fn(usize) -> usize,
) -> Vec<u8> {
    let texts: Vec<String> = places
        .into_iter()
        .map(|at| {
            let (name, end) = (name(at), at + 1);
            format!(r#""t{name:06}":{{"dtype":"U8","shape":[1],"data_offsets":[{at},{end}]}}"#)
        })
        .collect();
    file(format!("{{{}}}", texts.join(",")).as_bytes(), texts.len())
}

#[test]
fn tensors_in_order_have_no_limit() {
    assert!(Safetensors::new(&bytes_in_order(0..20_000, |at| at)).is_ok());
}

#[test]
fn tensors_in_another_order_are_limited() {
    let most = 1024;
    let too_many = |file: &[u8], found, most| {
        let error = Safetensors::new(file).unwrap_err();
        assert_eq!(error, LoadError::File(Fault::TooMany { found, most }));
        assert_eq!(
            error.to_string(),
            format!(
                "the file has {found} tensors out of order, or a name twice, which only {most} may \
                 be; save it again with `safetensors`"
            )
        );
    };
    for count in [1, 2, 63, 64, 65, 128, 129, 1000, most] {
        let last = count - 1;
        for file in [
            bytes_in_order((0..count).rev(), |at| at),
            bytes_in_order((0..count).rev(), |at| last - at),
            bytes_in_order(0..count, |at| last - at),
            bytes_in_order((0..count).map(|at| at * 619 % count), |at| at * 487 % 1021),
        ] {
            assert!(Safetensors::new(&file).is_ok() || count % 619 == 0 || count > 1021, "{count}");
        }
    }
    let count = most + 1;
    too_many(&bytes_in_order((0..count).rev(), |at| at), count, most);
    too_many(&bytes_in_order((0..count).rev(), |at| most - at), count, most);
    too_many(&bytes_in_order(0..count, |at| most - at), count, most);
}

#[test]
fn names_that_come_twice_are_limited() {
    // The first lies where the last does, which hides it.
    let twice = |count: usize| bytes_in_order((0..count).chain([count - 1]), |at| at);
    let of = |count: usize| {
        let mut file = twice(count);
        file.pop();
        Safetensors::new(&file).map(|_| ())
    };
    assert_eq!(of(63), Ok(()));
    let error = LoadError::File(Fault::TooMany { found: 65, most: 64 });
    assert_eq!(of(64), Err(error));
}
