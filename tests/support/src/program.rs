//! Programs of examples, run.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::files::{fault_of_csv, fault_of_svg};

/// A program, with a folder for what it writes.
#[derive(Debug)]
pub struct Program {
    /// Its path.
    pub path: &'static str,
    /// Where its tests may write.
    pub scratch: &'static str,
}

impl Program {
    /// Runs it to its end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        Command::new(self.path).args(arguments).stdin(Stdio::null()).output().unwrap()
    }

    /// A folder for its files that does not exist yet.
    pub fn folder(&self, name: &str) -> String {
        let program = Path::new(self.path).file_stem().unwrap();
        let path = Path::new(self.scratch).join(program).join(name);
        drop(fs::remove_dir_all(&path));
        path.to_str().unwrap().to_owned()
    }

    /// What it tells with `--quick`; asserts that it tells only that, and that it draws just these
    /// pictures, each with its table.
    #[track_caller]
    pub fn quick(&self, pictures: &[&str]) -> String {
        let folder = self.folder("quick");
        let output = self.run(&["--quick", "--output", &folder]);
        assert!(output.status.success(), "{output:?}");
        assert_eq!(text_of(&output.stderr), "");
        let text = text_of(&output.stdout);
        assert_fits(&text, &folder);
        let files = pictures.iter().flat_map(|name| [format!("{name}.csv"), format!("{name}.svg")]);
        assert_files(&folder, &files.collect::<Vec<_>>());
        text
    }

    /// Asserts that its help fits, and that it refuses these arguments with a message that has this in it.
    #[track_caller]
    pub fn refuses(&self, wrong: &[([&str; 2], &str)]) {
        assert_fits(&text_of(&self.run(&["--help"]).stdout), "no path");
        for (arguments, message) in wrong {
            let output = self.run(arguments);
            assert_eq!(output.status.code(), Some(2), "{arguments:?}");
            assert!(text_of(&output.stderr).contains(message), "{output:?}");
        }
    }
}

/// What a program wrote.
pub fn text_of(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Asserts that no line but a path in this folder is wider than 104 columns or ends with a space.
#[track_caller]
pub fn assert_fits(text: &str, folder: &str) {
    assert_ne!(text, "");
    for line in text.lines().filter(|line| !line.contains(folder)) {
        assert!(line.chars().count() <= 104 && line.trim_end() == line, "{line}");
    }
}

/// Asserts that the text of an SVG file is whole.
#[track_caller]
pub fn assert_whole_svg(svg: &str) {
    assert_eq!(fault_of_svg(svg), None, "{svg}");
}

/// Asserts that a folder has just these files, all of them whole.
#[track_caller]
pub fn assert_files(folder: &str, names: &[impl AsRef<str>]) {
    let mut found = vec![];
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let is_picture = path.extension().unwrap() == "svg";
        let fault = if is_picture { fault_of_svg(&text) } else { fault_of_csv(&text) };
        assert_eq!(fault, None, "{}", path.display());
        found.push(path.file_name().unwrap().to_str().unwrap().to_owned());
    }
    found.sort();
    assert_eq!(found, names.iter().map(AsRef::as_ref).collect::<Vec<_>>());
}
