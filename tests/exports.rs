//! Models of scikit-learn, Keras and PyTorch, exported by `examples/python/export.py`.
//!
//! `tests/python/exports.py` trained them; what it wrote is in `tests/weights/exports`.
#![allow(clippy::unwrap_used, clippy::arithmetic_side_effects, reason = "tests may panic")]

use std::fs;
use std::path::Path;

use gradlet::prelude::*;

/// The Rust that the script printed.
macro_rules! printed {
    ($($name:ident)+) => {
        $(
            mod $name {
                use gradlet::prelude::*;
                include!(concat!("weights/exports/", stringify!($name), ".rs"));
                /// Checks it.
                pub(crate) fn net() -> (&'static str, &'static Net) {
                    (stringify!($name), &NET)
                }
            }
        )+
    };
}
printed! { keras sklearn_classes sklearn_regression sklearn_yes_or_no torch }

/// The same arithmetic in another order and, in scikit-learn, in 64 bits until the end; outputs are
/// about 1.
const CLOSE: f64 = 2e-6;
const CLOSE_F64: f64 = 1e-13;

/// 16 inputs, and what the Python library says to them.
struct Cases<const IN: usize, const OUT: usize, T> {
    inputs: Dense<IN, 16, Identity, T>,
    outputs: Dense<OUT, 16, Identity, T>,
}

impl<const IN: usize, const OUT: usize, T: Scalar> Cases<IN, OUT, T> {
    fn read(file: &[u8]) -> Self {
        let mut cases = Self { inputs: Zero::ZERO, outputs: Zero::ZERO };
        cases.inputs.load_safetensors(file, &["inputs", ".."]).unwrap();
        cases.outputs.load_safetensors(file, &["outputs", ".."]).unwrap();
        cases
    }

    fn assert_agree<N>(&self, net: &N, close: f64)
    where
        N: Layer<Scalar = T, Input = [T; IN], Output = [T; OUT]>,
    {
        let mut different = 0;
        for (input, want) in self.inputs.rows().iter().zip(&self.outputs.rows()) {
            let got = net.forward(input);
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
    (name, net): (&str, &N),
    layers: &[&str],
    close: f64,
) where
    N: Layer<Scalar = T, Input = [T; IN], Output = [T; OUT]> + Zero,
    T: Scalar,
{
    let path = |end: &str| folder.join(format!("{name}{end}"));
    let Ok(file) = fs::read(path(".safetensors")) else {
        println!("{name}: not in the folder");
        return;
    };
    let cases = fs::read(path("_cases.safetensors")).unwrap();
    let found = N::from_safetensors(&file, layers).unwrap();
    Cases::read(&cases).assert_agree(&found, close);
    println!("{name}: agrees");

    let checked_in = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/weights/exports");
    let source = |folder: &Path| fs::read_to_string(folder.join(format!("{name}.rs"))).unwrap();
    assert_eq!(source(folder), source(&checked_in));
    let cases = fs::read(checked_in.join(format!("{name}_cases.safetensors"))).unwrap();
    Cases::read(&cases).assert_agree(net, close);
}

fn check_all(folder: &Path) {
    check(folder, sklearn_classes::net(), &["0", "1"], CLOSE);
    check(folder, sklearn_yes_or_no::net(), &["0", "1", "2"], CLOSE);
    check(folder, sklearn_regression::net(), &["0", "1"], CLOSE_F64);
    check(folder, keras::net(), &["0", "1", "2", "3"], CLOSE);
    check(folder, torch::net(), &["0", "3", "5"], CLOSE);
}

#[test]
fn exported_models_say_what_they_said_in_python() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/weights/exports");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 15);
    check_all(&folder);
}

#[test]
#[ignore = "needs a folder that tests/python/exports.py has written, in GRADLET_EXPORTS"]
fn models_exported_now_say_what_they_said_in_python() {
    check_all(Path::new(&std::env::var_os("GRADLET_EXPORTS").unwrap()));
}
