//! The modules of the library form floors: each imports only from those below it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may panic")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

type Imports = BTreeMap<String, BTreeSet<String>>;

/// What is kept, sent or printed: it imports the network.
const OUTSIDE: [&str; 6] = ["content", "flat", "safetensors", "source", "store", "stream"];

/// What a training step runs through.
const NETWORK: [&str; 11] = [
    "activation",
    "format",
    "gradient",
    "kernel",
    "layer",
    "loss",
    "optimizer",
    "scalar",
    "shape",
    "tensors",
    "trainer",
];

/// All files below `folder`.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// The modules that the text of a file names: `crate::a::..` and `crate::{a::.., b::..}`, not in
/// comments.
fn named(text: &str) -> BTreeSet<String> {
    let code = text.lines().map(|line| line.split("//").next().unwrap());
    let code = code.collect::<Vec<_>>().join("\n");
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    let first = |path: &str| path.trim().split(|c| !is_name(c)).next().unwrap().to_owned();
    let mut names = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        // `$crate` is what a macro names in the code of its user.
        if code[..at].ends_with('$') || code[..at].ends_with(is_name) {
            continue;
        }
        let path = code[at..].trim_start_matches("crate::");
        match path.strip_prefix('{') {
            Some(list) => {
                let list = &list[..list.find(';').unwrap_or(list.len())];
                names.extend(list.split(',').map(first));
            }
            None => {
                names.insert(first(path));
            }
        }
    }
    names
}

/// What each module of `src` imports of the others.
fn imports() -> Imports {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut imports = Imports::new();
    for file in files(&source) {
        let module = file.strip_prefix(&source).unwrap().components().next().unwrap();
        let module = Path::new(&module).with_extension("").to_str().unwrap().to_owned();
        // These two name everything; those are documentation and tests.
        let apart = ["lib", "prelude", "cookbook"].contains(&module.as_str());
        if !apart && !file.ends_with("tests.rs") {
            imports.entry(module).or_default().extend(named(&fs::read_to_string(file).unwrap()));
        }
    }
    let modules: BTreeSet<_> = imports.keys().cloned().collect();
    for (module, names) in &mut imports {
        names.retain(|name| name != module && modules.contains(name));
    }
    imports
}

/// Takes away, again and again, the modules that import none of those that are left: what stays is in
/// a circle, or stands on one.
fn circle(mut imports: Imports) -> Imports {
    loop {
        let left: BTreeSet<_> = imports.keys().cloned().collect();
        let before = imports.len();
        imports.retain(|_, names| names.iter().any(|name| left.contains(name)));
        if imports.len() == before {
            return imports;
        }
    }
}

#[test]
fn modules_import_only_from_below() {
    let imports = imports();
    assert!(imports.len() > 30 && imports["layer"].contains("kernel"), "{imports:?}");
    assert_eq!(circle(imports), Imports::new());
}

#[test]
fn circles_are_found() {
    let of = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    let mut imports = imports();
    imports.insert("kernel".to_owned(), of(&["layer"]));
    let names = circle(imports).into_keys().collect::<Vec<_>>();
    assert!(["kernel", "layer"].iter().all(|&name| names.contains(&name.to_owned())), "{names:?}");
    let text = "use crate::a::B; // crate::c\nuse crate::{d::E, f};\n$crate::g!(); x.crate_h();";
    assert_eq!(named(text), of(&["a", "d", "f"]));
}

#[test]
fn the_network_does_not_know_files_flash_and_text() {
    let imports = imports();
    for module in NETWORK {
        for outside in OUTSIDE {
            assert!(!imports[module].contains(outside), "{module} imports {outside}");
        }
    }
}

/// The methods of each public trait.
fn methods_of_traits() -> BTreeMap<String, BTreeSet<String>> {
    let name = |text: &str| {
        text.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap().to_owned()
    };
    let mut traits = BTreeMap::new();
    for file in files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
        for text in fs::read_to_string(file).unwrap().split("\npub trait ").skip(1) {
            let body = text.split("\n}").next().unwrap();
            let methods = body.lines().filter_map(|line| line.strip_prefix("    fn ")).map(name);
            traits.insert(name(text), methods.collect());
        }
    }
    traits
}

#[test]
fn the_prelude_has_each_method_once() {
    let prelude = include_str!("../src/prelude.rs");
    let words: BTreeSet<_> = prelude.split(|c: char| !c.is_alphanumeric()).collect();
    let mut traits = methods_of_traits();
    traits.retain(|name, _| words.contains(name.as_str()));
    assert!(traits.len() > 5 && traits["Elementwise"].contains("apply"), "{traits:?}");
    let mut owners = BTreeMap::new();
    for (name, methods) in &traits {
        for method in methods {
            let other = owners.insert(method, name);
            assert_eq!(other, None, "`{method}` is a method of `{name}` too");
        }
    }
}
