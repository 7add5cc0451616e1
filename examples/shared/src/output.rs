//! The output folder of an example.

use core::error::Error;
use core::fmt;
use std::env;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::run::Failure;

/// A file or folder that could not be written.
#[derive(Debug)]
pub struct FileError {
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

/// An existing folder.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
}

/// A picture and its data: the name of the files, the SVG, the CSV.
pub struct Picture {
    pub name: &'static str,
    pub svg: String,
    pub csv: String,
}

impl Folder {
    /// Creates the folder, and its parents, unless they exist: `chosen`, or else the folder `name`
    /// in Cargo's target folder.
    pub fn create_or_default(chosen: Option<&Path>, name: &str) -> Result<Self, FileError> {
        let path = chosen.map_or_else(|| default_folder(name), Path::to_owned);
        match fs::create_dir_all(&path) {
            Ok(()) => Ok(Self { path }),
            Err(cause) => Err(FileError { action: "create the folder", path, cause }),
        }
    }

    /// Writes a file; returns its path, for the reader.
    pub fn write(
        &self,
        name: &str,
        contents: &(impl AsRef<[u8]> + ?Sized),
    ) -> Result<String, FileError> {
        let path = self.path.join(name);
        match fs::write(&path, contents) {
            Ok(()) => Ok(for_reader(&path)),
            Err(cause) => Err(FileError { action: "write", path, cause }),
        }
    }

    /// Writes a picture and its data; returns both paths.
    pub fn write_picture(&self, picture: &Picture) -> Result<[String; 2], FileError> {
        let Picture { name, svg, csv } = picture;
        Ok([self.write(&format!("{name}.svg"), svg)?, self.write(&format!("{name}.csv"), csv)?])
    }

    /// Writes pictures and their data, and prints the paths.
    pub fn write_pictures(
        &self,
        out: &mut impl Write,
        pictures: &[Picture],
    ) -> Result<(), Failure> {
        let paths: Result<Vec<_>, _> = pictures.iter().map(|p| self.write_picture(p)).collect();
        Ok(list_files(out, &paths?.concat())?)
    }
}

/// `name` in Cargo's target folder, wherever the example is started; in the folder `target` of the
/// current folder, if the program was moved.
fn default_folder(name: &str) -> PathBuf {
    // An example is built as target/PROFILE/NAME.
    let program = env::current_exe().unwrap_or_default();
    let target = program.parent().and_then(Path::parent);
    let target = target.filter(|folder| folder.join("CACHEDIR.TAG").exists());
    target.unwrap_or_else(|| Path::new("target")).join(name)
}

/// The path relative to the current folder, if it is inside it.
fn for_reader(path: &Path) -> String {
    let current = env::current_dir().unwrap_or_default();
    path.strip_prefix(current).unwrap_or(path).display().to_string()
}

/// Prints the paths of the files that a program has written, if any.
pub fn list_files(out: &mut impl Write, paths: &[String]) -> io::Result<()> {
    if !paths.is_empty() {
        writeln!(out, "\nPictures and tables of numbers:")?;
    }
    for path in paths {
        writeln!(out, "  {path}")?;
    }
    out.flush()
}
