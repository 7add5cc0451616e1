//! Whether gradlet makes of a file what the Rust crate `safetensors` makes of it, on which the Python
//! library is built. For property tests and fuzz targets.

use core::fmt::Debug;

use gradlet::Zero;
use gradlet::prelude::*;
use gradlet::safetensors::{self, Fault, LoadError, Shape};
use safetensors_oracle::tensor::TensorView;
use safetensors_oracle::{Dtype, SafeTensorError, SafeTensors};

/// Panics where the two differ. Returns whether they take the file.
pub fn compare(file: &[u8]) -> bool {
    let ours = safetensors::Safetensors::new(file);
    let theirs = SafeTensors::deserialize(file);
    let (ours, theirs) = match (ours, theirs) {
        (Ok(ours), Ok(theirs)) => (ours, theirs),
        (Err(LoadError::File(ours)), Err(theirs)) if is_of(ours, &theirs) => return false,
        // The only files that the crate takes and gradlet does not.
        (Err(LoadError::File(Fault::TooMany { found, most })), Ok(theirs)) => {
            assert!(found > most && found >= theirs.len(), "{found} of {most}: {theirs:?}");
            return false;
        }
        _ if has_number_next_to_the_largest(file) => return false,
        (ours, theirs) => panic!("ours: {ours:?}\ntheirs: {theirs:?}"),
    };
    assert_listed(&ours, &theirs);
    for layer in layers(&theirs) {
        compare_layer::<0, 2>(&ours, &theirs, &layer);
        compare_layer::<1, 1>(&ours, &theirs, &layer);
        compare_layer::<1, 3>(&ours, &theirs, &layer);
        compare_layer::<2, 1>(&ours, &theirs, &layer);
        compare_layer::<2, 2>(&ours, &theirs, &layer);
        compare_layer::<3, 2>(&ours, &theirs, &layer);
    }
    let layers = layers(&theirs);
    let mut names: Vec<&str> = layers.iter().map(String::as_str).collect();
    names.push("no layer");
    for end in 0..=names.len() {
        let names = &names[end.saturating_sub(3)..end];
        compare_network::<Mlp<1, 1, 1>>(&ours, &theirs, &[[1, 1], [1, 1]], names);
        compare_network::<Mlp<2, 2, 1>>(
            &ours,
            &theirs,
            &[[2, 2], [1, 2]],
            &names[..names.len().min(2)],
        );
        type Wide = Mlp<1, 2, 2, Sigmoid, Sigmoid, f64>;
        compare_network::<Wide>(&ours, &theirs, &[[2, 1], [2, 2]], &names[..names.len().min(2)]);
    }
    true
}

/// Some names of layers that the file has weights or biases of.
fn layers(file: &SafeTensors<'_>) -> Vec<String> {
    let mut layers: Vec<String> = file
        .names()
        .iter()
        .filter_map(|name| name.strip_suffix(".weight").or_else(|| name.strip_suffix(".bias")))
        // Such a name would be none of a layer.
        .filter(|name| !name.ends_with(".."))
        .map(str::to_owned)
        .collect();
    layers.sort_unstable();
    layers.dedup();
    layers.truncate(6);
    layers
}

/// One layer, of both types of numbers, in both ways of loading.
fn compare_layer<const IN: usize, const OUT: usize>(
    ours: &safetensors::Safetensors<'_>,
    theirs: &SafeTensors<'_>,
    layer: &str,
) {
    type Narrow<const IN: usize, const OUT: usize> = Dense<IN, OUT, Sigmoid, f32>;
    type Wide<const IN: usize, const OUT: usize> = Dense<IN, OUT, Sigmoid, f64>;
    let shapes = const { &[[OUT, IN]] };
    compare_network::<Narrow<IN, OUT>>(ours, theirs, shapes, &[layer]);
    compare_network::<Wide<IN, OUT>>(ours, theirs, shapes, &[layer]);
    let mut net = Narrow::<IN, OUT>::ZERO;
    let want = ours.load_into(&mut net, &[layer, ".."]).map(|()| bits(&net));
    let got = Narrow::<IN, OUT>::from_safetensors(ours, layer).map(|net| bits(&net));
    assert_eq!(got, want);
    let mut net = Wide::<IN, OUT>::ZERO;
    let want = ours.load_into(&mut net, &[layer, ".."]).map(|()| bits(&net));
    let got = Wide::<IN, OUT>::from_safetensors(ours, layer).map(|net| bits(&net));
    assert_eq!(got, want);
}

/// A network of layers whose weights have these shapes in a file: outputs, inputs.
fn compare_network<N: Layer<Format: Bits> + Zero + PartialEq + Debug>(
    ours: &safetensors::Safetensors<'_>,
    theirs: &SafeTensors<'_>,
    shapes: &'static [[usize; 2]],
    names: &[&str],
) {
    for ignored in [&[][..], &[".."], &["0.."], &["encoder..", "x.weight.."]] {
        let mut net = N::ZERO;
        let with_ignored = [ignored, names].concat();
        let got = ours.load_into(&mut net, &with_ignored);
        let want = wanted::<N::Format>(theirs, shapes, names, ignored);
        match (got, want) {
            (Ok(()), Ok(want)) => {
                let got = bits(&net);
                let same = |(got, want): (&u64, &Option<u64>)| want.is_none_or(|want| *got == want);
                assert!(
                    got.len() == want.len() && got.iter().zip(&want).all(same),
                    "{got:x?}, {want:x?}"
                );
                continue;
            }
            (Err(LoadError::Missing { layer, .. }), Err(Wanted::Missing(want))) => {
                assert_eq!(layer, want);
            }
            (Err(LoadError::Unexpected { .. }), Err(Wanted::Unexpected)) => {}
            (Err(got), Err(Wanted::Error(want))) => assert_eq!(got, want),
            (got, want) => panic!("{with_ignored:?}: {got:?}, {want:?}"),
        }
        assert_eq!(net, N::ZERO);
    }
}

/// What an error should be.
#[derive(Debug)]
enum Wanted<'n> {
    Missing(&'n str),
    Unexpected,
    Error(LoadError<'n>),
}

/// All tensors of the crate, and others only where a name comes twice.
fn assert_listed(ours: &safetensors::Safetensors<'_>, theirs: &SafeTensors<'_>) {
    let mut listed: Vec<_> =
        ours.tensors().map(|tensor| (tensor.name.to_string(), tensor)).collect();
    // Of those of one name only the last is left.
    listed.reverse();
    listed.sort_by(|(a, _), (b, _)| a.cmp(b));
    listed.dedup_by(|(a, _), (b, _)| a == b);
    assert_eq!(listed.len(), theirs.len());
    for (name, tensor) in listed {
        let want = theirs.tensor(&name).unwrap();
        assert!(tensor.name == name.as_str());
        assert_eq!((tensor.dtype, tensor.shape), (dtype(want.dtype()), shape(want.shape())));
    }
}

/// The bits of what the crate says that a network should have, `None` for any that are NaN.
fn wanted<'n, T: Bits>(
    file: &SafeTensors<'_>,
    shapes: &'static [[usize; 2]],
    names: &[&'n str],
    ignored: &[&str],
) -> Result<Vec<Option<u64>>, Wanted<'n>> {
    if names.len() != shapes.len() {
        let (expected, found) = (shapes.len(), names.len());
        return Err(Wanted::Error(LoadError::Names { expected, found }));
    }
    let mut all = Vec::new();
    for (&layer, shape @ &[outputs, inputs]) in names.iter().zip(shapes) {
        let Ok(weights) = file.tensor(&tensor(layer, "weight")) else {
            return Err(Wanted::Missing(layer));
        };
        let weights = numbers::<T>(&weights, layer, "weight", shape).map_err(Wanted::Error)?;
        for input in 0..inputs {
            all.extend((0..outputs).map(|output| weights[output * inputs + input]));
        }
        match file.tensor(&tensor(layer, "bias")) {
            Ok(bias) => {
                all.extend(numbers::<T>(&bias, layer, "bias", &shape[..1]).map_err(Wanted::Error)?)
            }
            Err(_) => all.extend(vec![Some(0); outputs]),
        }
    }
    let is_taken = |name: &str| {
        names.iter().any(|layer| ["weight", "bias"].iter().any(|part| name == tensor(layer, part)))
            || ignored.iter().any(|group| {
                let group = group.strip_suffix("..").unwrap();
                group.is_empty() || name == group || name.starts_with(&format!("{group}."))
            })
    };
    if file.names().into_iter().all(is_taken) { Ok(all) } else { Err(Wanted::Unexpected) }
}

/// The name of a layer's tensor: its part stands for the first `*`, or behind a dot.
fn tensor(layer: &str, part: &str) -> String {
    match layer.split_once('*') {
        Some((before, after)) => format!("{before}{part}{after}"),
        None => format!("{layer}.{part}"),
    }
}

fn numbers<'n, T: Bits>(
    tensor: &TensorView<'_>,
    layer: &'n str,
    part: &'static str,
    expected: &'static [usize],
) -> Result<Vec<Option<u64>>, LoadError<'n>> {
    if tensor.shape() != expected {
        let found = shape(tensor.shape());
        return Err(LoadError::Shape { layer, part, expected, found });
    }
    let length = match tensor.dtype() {
        Dtype::F16 | Dtype::BF16 => 2,
        Dtype::F32 => 4,
        Dtype::F64 => 8,
        other => {
            use safetensors::Dtype as Ours;
            let expected = &[Ours::F32, Ours::F64, Ours::F16, Ours::Bf16];
            return Err(LoadError::Dtype { layer, part, expected, found: dtype(other) });
        }
    };
    let mut all = Vec::new();
    for (index, bytes) in tensor.data().chunks(length).enumerate() {
        let (number, bits) = T::read(tensor.dtype(), bytes);
        if !number.is_finite() {
            return Err(LoadError::NotFinite { layer, part, index });
        }
        all.push(bits);
    }
    Ok(all)
}

/// Types of numbers of a network.
trait Bits: Scalar {
    fn bits(self) -> u64;

    /// A number of a file as an `f64`, and its bits in this type. A NaN keeps them only if no
    /// conversion is needed: no platform says what they are after one.
    fn read(dtype: Dtype, bytes: &[u8]) -> (f64, Option<u64>);
}

impl Bits for f32 {
    fn bits(self) -> u64 {
        self.to_bits().into()
    }

    fn read(dtype: Dtype, bytes: &[u8]) -> (f64, Option<u64>) {
        let value = value(dtype, bytes) as Self;
        let bits = match bytes.try_into() {
            Ok(bytes) if dtype == Dtype::F32 => Some(u32::from_le_bytes(bytes)),
            _ if value.is_nan() => None,
            _ => Some(value.to_bits()),
        };
        (value.into(), bits.map(u64::from))
    }
}

impl Bits for f64 {
    fn bits(self) -> u64 {
        self.to_bits()
    }

    fn read(dtype: Dtype, bytes: &[u8]) -> (f64, Option<u64>) {
        let value = value(dtype, bytes);
        let bits = match bytes.try_into() {
            Ok(bytes) if dtype == Dtype::F64 => Some(u64::from_le_bytes(bytes)),
            _ if value.is_nan() => None,
            _ => Some(value.to_bits()),
        };
        (value, bits)
    }
}

fn value(dtype: Dtype, bytes: &[u8]) -> f64 {
    let number = bytes.iter().rev().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    match dtype {
        Dtype::F64 => f64::from_bits(number),
        Dtype::F32 => f32::from_bits(number as u32).into(),
        Dtype::BF16 => f32::from_bits((number as u32) << 16).into(),
        _ => {
            let sign = if number >> 15 == 1 { -1.0 } else { 1.0 };
            let fraction = (number & 0x3ff) as f64;
            match number >> 10 & 31 {
                0 => sign * fraction * 2.0_f64.powi(-24),
                31 if fraction == 0.0 => sign * f64::INFINITY,
                31 => f64::NAN,
                exponent => sign * (1024.0 + fraction) * 2.0_f64.powi(exponent as i32 - 25),
            }
        }
    }
}

fn bits<T: Bits, N: Layer<Format = T>>(net: &N) -> Vec<u64> {
    let mut all = Vec::new();
    net.visit(|_, numbers| all.extend(numbers.iter().map(|n| n.bits())));
    all
}

fn shape(sizes: &[usize]) -> Shape {
    let size = |at| sizes.get(at).copied().unwrap_or(0);
    Shape { rank: sizes.len(), sizes: [0, 1, 2, 3].map(size) }
}

/// Whether a fault of ours is this error of the crate.
fn is_of(ours: Fault, theirs: &SafeTensorError) -> bool {
    use SafeTensorError as Theirs;
    match theirs {
        Theirs::HeaderTooSmall => matches!(ours, Fault::TooShort | Fault::OtherFormat(_)),
        Theirs::HeaderTooLarge | Theirs::InvalidHeaderLength => {
            matches!(ours, Fault::HeaderLength { .. } | Fault::OtherFormat(_))
        }
        Theirs::InvalidHeader(_) | Theirs::InvalidHeaderDeserialization(_) => {
            matches!(ours, Fault::Json | Fault::OtherFormat(_))
        }
        _ if matches!(ours, Fault::TooMany { found, most } if found > most) => true,
        Theirs::MetadataIncompleteBuffer => matches!(ours, Fault::Length { .. }),
        _ => ours == Fault::Offsets,
    }
}

fn dtype(theirs: Dtype) -> safetensors::Dtype {
    use safetensors::Dtype as Ours;
    match theirs {
        Dtype::BOOL => Ours::Bool,
        Dtype::F4 => Ours::F4,
        Dtype::F6_E2M3 => Ours::F6E2M3,
        Dtype::F6_E3M2 => Ours::F6E3M2,
        Dtype::U8 => Ours::U8,
        Dtype::I8 => Ours::I8,
        Dtype::F8_E5M2 => Ours::F8E5M2,
        Dtype::F8_E4M3 => Ours::F8E4M3,
        Dtype::F8_E8M0 => Ours::F8E8M0,
        Dtype::F8_E4M3FNUZ => Ours::F8E4M3Fnuz,
        Dtype::F8_E5M2FNUZ => Ours::F8E5M2Fnuz,
        Dtype::I16 => Ours::I16,
        Dtype::U16 => Ours::U16,
        Dtype::F16 => Ours::F16,
        Dtype::BF16 => Ours::Bf16,
        Dtype::I32 => Ours::I32,
        Dtype::U32 => Ours::U32,
        Dtype::F32 => Ours::F32,
        Dtype::C64 => Ours::C64,
        Dtype::F64 => Ours::F64,
        Dtype::I64 => Ours::I64,
        Dtype::U64 => Ours::U64,
        other => panic!("gradlet does not know {other}"),
    }
}

/// Whether the file has digits that may be a number next to the largest `f64`.
///
/// The crate takes some of these in one way of writing them and not in another; gradlet goes by their
/// values.
fn has_number_next_to_the_largest(file: &[u8]) -> bool {
    file.split(|byte| !matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-')).any(
        |number| {
            let number = String::from_utf8_lossy(number).to_lowercase();
            let (digits, exponent) = number.split_once('e').unwrap_or((&number, "0"));
            let Ok(exponent) = exponent.parse::<i64>() else { return false };
            let smaller = format!("{digits}e{}", exponent.saturating_sub(10)).parse::<f64>();
            smaller.is_ok_and(|smaller| (1.797e298..1.798e298).contains(&smaller.abs()))
        },
    )
}
