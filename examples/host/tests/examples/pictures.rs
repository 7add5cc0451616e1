//! Whether the files of a folder, written by the examples, are whole; `tests/all.sh` runs it.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::arithmetic_side_effects,
    reason = "tests may panic"
)]

use std::fs;
use std::path::Path;

use support::files::{fault_of_csv, fault_of_svg};

/// Number of pictures and tables in a folder and those below it, all of which must be whole.
fn check(folder: &Path) -> u32 {
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = || fs::read_to_string(&path).unwrap();
        let fault = match path.extension().and_then(|extension| extension.to_str()) {
            _ if path.is_dir() => {
                count += check(&path);
                continue;
            }
            Some("svg") => fault_of_svg(&text()),
            Some("csv") => fault_of_csv(&text()),
            _ => continue,
        };
        assert_eq!(fault, None, "{}", path.display());
        count += 1;
    }
    count
}

#[test]
#[ignore = "needs a folder that examples have written into, in GRADLET_EXAMPLE_FILES"]
fn files_of_examples_are_whole() {
    let folder = std::env::var_os("GRADLET_EXAMPLE_FILES").unwrap();
    assert_ne!(check(Path::new(&folder)), 0, "no files in {folder:?}");
}

#[test]
fn pictures_in_the_repository_are_whole() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("pictures");
    assert_ne!(check(&folder), 0);
    let size = |entry: fs::DirEntry| entry.metadata().unwrap().len();
    let all: u64 = fs::read_dir(folder).unwrap().map(|entry| size(entry.unwrap())).sum();
    assert!(all < 500_000, "{all} bytes of pictures");
}

#[test]
fn broken_pictures_are_found() {
    let whole = "<svg width=\"1\" xmlns=\"x\">\n<text x=\"1\">\na &lt; b\n</text><rect/></svg>\n";
    assert_eq!(fault_of_svg(whole), None);
    let changes = [
        ("</text>", ""),
        ("</text>", "</g>"),
        ("&lt;", "<"),
        ("&lt;", "&"),
        ("&lt;", ">"),
        ("x=\"1\"", "x=\"1"),
        ("x=\"1\"", "x=\"NaN\""),
        ("x=\"1\"", "points=\"0,1 -inf,1\""),
        ("</svg>", ""),
        ("svg", "g"),
        ("<svg", "text<svg"),
    ];
    for (good, bad) in changes {
        let broken = whole.replace(good, bad);
        assert!(fault_of_svg(&broken).is_some(), "{broken}");
    }
}

#[test]
fn broken_tables_are_found() {
    for whole in ["a,b\n1,2\n", "name,b\n\"x, y\",-1e-300\n,3\n"] {
        assert_eq!(fault_of_csv(whole), None);
    }
    for broken in
        ["", "a,b\n", "1,2\n3,4\n", "a,\n1,2\n", "a,b\n1,2\n3\n", "a,b\n1,NaN\n", "a,b\n1,2"]
    {
        assert!(fault_of_csv(broken).is_some(), "{broken}");
    }
}
