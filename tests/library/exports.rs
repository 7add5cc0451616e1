//! Models of scikit-learn, Keras and PyTorch, exported by `examples/python/export.py`.
//!
//! `tests/python/exports.py` trained them; what it wrote is in `tests/weights/exports`.
#![allow(clippy::unwrap_used, clippy::arithmetic_side_effects, reason = "tests may panic")]

use std::fs;
use std::path::Path;

use gradlet::prelude::*;
use gradlet::{Shape, safetensors};

/// The Rust that the script printed, and what it has besides the network.
macro_rules! printed {
    ($($name:ident $(with $item:ident: $type:ty)?,)+) => {
        $(
            mod $name {
                use gradlet::prelude::*;
                include!(concat!("../weights/exports/", stringify!($name), ".rs"));
                /// Checks it.
                pub(crate) fn net() -> (&'static str, &'static Net) {
                    (stringify!($name), &NET)
                }
                $(pub(crate) static MORE: &$type = &$item;)?
            }
        )+
        /// Files of all.
        const FILES: usize = 3 * [$(stringify!($name)),+].len();
    };
}
printed! {
    keras,
    keras_chain,
    keras_image,
    keras_masked,
    keras_recurrent,
    sklearn_classes with CLASSES: [&str; 3],
    sklearn_pipeline with CLASSES: [&str; 3],
    sklearn_regression,
    sklearn_scaling with SCALING: gradlet::preprocess::Scaling<2>,
    sklearn_yes_or_no with CLASSES: [&str; 2],
    torch,
    torch_forward,
    torch_recurrent,
    torch_reused,
    torch_sequence,
}

/// A sequence or an image from its numbers.
fn shaped<X: Shape<Element = f32>, const IN: usize>(numbers: &[f32; IN]) -> X {
    let mut x = X::ZERO;
    x.as_mut_slice().copy_from_slice(numbers);
    x
}

/// The same arithmetic in another order and, in scikit-learn, in 64 bits until the end; outputs are
/// about 1.
const CLOSE: f64 = 2e-6;
const CLOSE_F64: f64 = 1e-13;
/// Raw inputs and targets, of about 10 and 50.
const CLOSE_RAW: f64 = 2e-5;

/// 16 inputs, and what the Python library says to them.
struct Cases<const IN: usize, const OUT: usize, T: Scalar> {
    inputs: Dense<IN, 16, Identity, T>,
    outputs: Dense<OUT, 16, Identity, T>,
}

impl<const IN: usize, const OUT: usize, T: Scalar> Cases<IN, OUT, T> {
    fn read(file: &[u8]) -> Self {
        let mut cases = Self { inputs: Zero::ZERO, outputs: Zero::ZERO };
        safetensors::load(&mut cases.inputs, file, &["inputs", ".."]).unwrap();
        safetensors::load(&mut cases.outputs, file, &["outputs", ".."]).unwrap();
        cases
    }

    fn assert_agree(&self, forward: impl Fn(&[T; IN]) -> [T; OUT], close: f64) {
        let mut different = 0;
        for (input, want) in self.inputs.rows().iter().zip(&self.outputs.rows()) {
            let got = forward(input);
            for (&got, &want) in got.iter().zip(want) {
                let distance = (got - want).to_f64().abs();
                assert!(distance <= close, "{got} is not {want}: {distance:e}");
            }
            different += u32::from(want != &self.outputs.rows()[0]);
        }
        assert!(different > 10, "only {different} outputs are not the first");
    }
}

/// A network as it was checked in, and the files of a folder.
fn check<N, T, const IN: usize, const OUT: usize>(
    folder: &Path,
    net: (&str, &N),
    layers: &[&str],
    close: f64,
) where
    N: Layer<Format = T, Input = [T; IN], Output = [T; OUT]> + Zero,
    T: Scalar,
{
    check_scaled(folder, net, layers, close, Clone::clone);
}

/// [`check`] of a network that takes scaled or shaped inputs.
fn check_scaled<N, T, const IN: usize, const OUT: usize>(
    folder: &Path,
    (name, net): (&str, &N),
    layers: &[&str],
    close: f64,
    scaled: impl Fn(&[T; IN]) -> N::Input,
) where
    N: Layer<Format = T, Output = [T; OUT]> + Zero,
    T: Scalar,
{
    let path = |end: &str| folder.join(format!("{name}{end}"));
    let Ok(file) = fs::read(path(".safetensors")) else {
        println!("{name}: not in the folder");
        return;
    };
    let cases = fs::read(path("_cases.safetensors")).unwrap();
    let found = safetensors::from_bytes::<N>(&file, layers).unwrap();
    Cases::read(&cases).assert_agree(|x| found.forward(&scaled(x)), close);
    println!("{name}: agrees");

    let checked_in = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/weights/exports");
    let source = |folder: &Path| fs::read_to_string(folder.join(format!("{name}.rs"))).unwrap();
    assert_eq!(source(folder), source(&checked_in));
    let cases = fs::read(checked_in.join(format!("{name}_cases.safetensors"))).unwrap();
    Cases::read(&cases).assert_agree(|x| net.forward(&scaled(x)), close);
}

fn check_all(folder: &Path) {
    check(folder, sklearn_classes::net(), &["0", "1"], CLOSE);
    check(folder, sklearn_pipeline::net(), &["0", "1"], CLOSE);
    check(folder, sklearn_yes_or_no::net(), &["0", "1", "2"], CLOSE);
    check(folder, sklearn_regression::net(), &["0", "1"], CLOSE_F64);
    check_scaled(folder, sklearn_scaling::net(), &["0", "1"], CLOSE_RAW, |x| {
        sklearn_scaling::MORE.transform(x)
    });
    check(folder, keras::net(), &["0", "1", "2", "3"], CLOSE);
    check(folder, keras_chain::net(), &["0", "1", "2", "3"], CLOSE);
    check(folder, torch::net(), &["0", "3", "5"], CLOSE);
    check(folder, torch_reused::net(), &["0", "0_again", "4"], CLOSE);
    check(folder, torch_forward::net(), &["hidden", "output"], CLOSE);
    let names = ["0", "5", "8"];
    check_scaled(folder, torch_sequence::net(), &names, CLOSE, shaped::<_, 64>);
    let names = ["0", "1", "2", "3", "4"];
    check_scaled(folder, keras_image::net(), &names, CLOSE, shaped::<_, 108>);
    let names = ["0", "0.*_l0_reverse", "1", "2", "3", "4"];
    check_scaled(folder, keras_recurrent::net(), &names, CLOSE, shaped::<_, 14>);
    let names = ["0", "1", "1.*_l0_reverse", "2"];
    check_scaled(folder, keras_masked::net(), &names, CLOSE, shaped::<_, 14>);
    let lstm = ["lstm", "lstm.*_l0_reverse", "lstm.*_l1", "lstm.*_l1_reverse"];
    let names = [&["body"][..], &lstm, &["norm", "gru", "rnn", "head"]].concat();
    check_scaled(folder, torch_recurrent::net(), &names, CLOSE, shaped::<_, 14>);
}

#[test]
fn exported_models_say_what_they_said_in_python() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/weights/exports");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), FILES);
    check_all(&folder);
}

#[test]
fn exported_classes_are_in_the_order_of_the_outputs() {
    assert_eq!(sklearn_classes::MORE, &["0", "1", "2"]);
    assert_eq!(sklearn_pipeline::MORE, &["a \"quoted\\\nname", "versicolor", "virginica"]);
    assert_eq!(sklearn_yes_or_no::MORE, &["False", "True"]);
}

#[test]
#[ignore = "needs a folder that tests/python/exports.py has written, in GRADLET_EXPORTS"]
fn models_exported_now_say_what_they_said_in_python() {
    check_all(Path::new(&std::env::var_os("GRADLET_EXPORTS").unwrap()));
}
