//! The program of an example, built and run.
#![allow(clippy::unwrap_used, reason = "tests may panic")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Features of this package that the tests were built with: so, cargo has built the example already.
const FEATURES: [(&str, bool); 2] =
    [("defmt", cfg!(feature = "defmt")), ("rand_core", cfg!(feature = "rand_core"))];

/// A program.
pub(crate) struct Program {
    name: &'static str,
    path: PathBuf,
}

impl Program {
    /// The example of that name, built for the profile of these tests.
    pub(crate) fn build(name: &'static str) -> Self {
        // This test is target/PROFILE/deps/NAME, the example target/PROFILE/examples/NAME.
        let test = std::env::current_exe().unwrap();
        let folder = test.parent().unwrap().parent().unwrap();
        let profile = folder.file_name().unwrap().to_str().unwrap();
        let profile = if profile == "debug" { "dev" } else { profile };
        let features = FEATURES.into_iter().filter_map(|(name, is_on)| is_on.then_some(name));
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| env!("CARGO").into());
        let status = Command::new(cargo)
            .args(["build", "--quiet", "--locked", "--example", name])
            .args(["--features", &features.collect::<Vec<_>>().join(",")])
            .args(["--profile", profile, "--target-dir"])
            .arg(folder.parent().unwrap())
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .status()
            .unwrap();
        assert!(status.success());
        let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
        Self { name, path: folder.join("examples").join(file) }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Runs it to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        Command::new(&self.path).args(arguments).stdin(Stdio::null()).output().unwrap()
    }

    /// A folder for its files that does not exist yet.
    pub(crate) fn folder(&self, name: &str) -> String {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(self.name).join(name);
        drop(fs::remove_dir_all(&path));
        path.to_str().unwrap().to_owned()
    }
}
