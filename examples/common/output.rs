//! The folder that an example writes into.

use core::error::Error;
use core::fmt;
use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A file or folder that could not be written.
#[derive(Debug)]
pub(crate) struct FileError {
    action: &'static str,
    path: PathBuf,
    cause: io::Error,
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {} `{}`: {}", self.action, self.path.display(), self.cause)
    }
}

impl Error for FileError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.cause)
    }
}

/// A folder that exists.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Makes the folder, and those above it, unless they exist.
    pub(crate) fn create(path: PathBuf) -> Result<Self, FileError> {
        match fs::create_dir_all(&path) {
            Ok(()) => Ok(Self { path }),
            Err(cause) => Err(FileError { action: "create the folder", path, cause }),
        }
    }

    /// Writes a file; returns its path, for the reader.
    pub(crate) fn write(&self, name: &str, contents: &str) -> Result<String, FileError> {
        let path = self.path.join(name);
        match fs::write(&path, contents) {
            Ok(()) => Ok(for_reader(&path)),
            Err(cause) => Err(FileError { action: "write", path, cause }),
        }
    }
}

/// `name` in the folder into which Cargo builds, wherever the example is started; in the folder
/// `target` of the current one, if the example was moved away from there.
pub(crate) fn default_folder(name: &str) -> PathBuf {
    // An example is built as target/PROFILE/examples/NAME.
    let program = env::current_exe().unwrap_or_default();
    let target = program
        .parent()
        .filter(|folder| folder.ends_with("examples"))
        .and_then(|folder| folder.parent()?.parent());
    target.unwrap_or_else(|| Path::new("target")).join(name)
}

/// The path from the current folder, where it is below that.
fn for_reader(path: &Path) -> String {
    let current = env::current_dir().unwrap_or_default();
    path.strip_prefix(current).unwrap_or(path).display().to_string()
}
