//! Images and labels in the IDX format of MNIST, plain or compressed with gzip.
//!
//! A file of images: the magic number 0x00000803, the numbers of images, rows and columns, then one
//! byte per pixel, 0 for the background. A file of labels: 0x00000801, their number, then one byte
//! per label. Numbers are 32-bit big-endian.

use core::cmp::Ordering;
use core::error::Error;
use core::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;

/// Number of classes.
pub const CLASSES: usize = 10;

/// Images of `PIXELS` pixels each, with labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digits<const PIXELS: usize> {
    pub images: Vec<[u8; PIXELS]>,
    /// Labels from 0 to 9, one per image.
    pub labels: Vec<u8>,
}

/// Training set and test set.
#[derive(Clone, Debug)]
pub struct Data<const PIXELS: usize> {
    pub train: Digits<PIXELS>,
    pub test: Digits<PIXELS>,
    /// The value of a black pixel, which is scaled to 1.
    pub black: u8,
}

/// A file that cannot be read or is not valid.
#[derive(Debug)]
pub struct ReadError {
    message: String,
    cause: Option<io::Error>,
    /// Whether a file of the repository is missing.
    pub is_absence: bool,
}

impl ReadError {
    fn new(message: String) -> Self {
        Self { message, cause: None, is_absence: false }
    }

    fn unreadable(path: &Path, cause: io::Error) -> Self {
        let message = format!("cannot read `{}`: {cause}", path.display());
        Self { message, cause: Some(cause), is_absence: false }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for ReadError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_ref().map(|cause| cause as _)
    }
}

/// Contents of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Kind {
    name: &'static str,
    /// 08 for bytes, then the number of dimensions.
    magic: u32,
    /// Length of the header: the magic number and one number per dimension.
    header: usize,
}

const LABELS: Kind = Kind { name: "labels", magic: 0x0000_0801, header: 8 };
const IMAGES: Kind = Kind { name: "images", magic: 0x0000_0803, header: 16 };

impl<const PIXELS: usize> Digits<PIXELS> {
    /// Reads a file of images and the file of their labels.
    pub fn read(images_path: &Path, labels_path: &Path) -> Result<Self, ReadError> {
        let images = Source::open(images_path, IMAGES)?.images()?;
        let labels = Source::open(labels_path, LABELS)?.labels()?;
        if images.len() != labels.len() {
            return Err(ReadError::new(format!(
                "`{}` has {} labels, but `{}` has {} images; as many were expected",
                labels_path.display(),
                labels.len(),
                images_path.display(),
                images.len()
            )));
        }
        Ok(Self { images, labels })
    }

    /// Number of images.
    pub fn count(&self) -> usize {
        self.images.len()
    }

    /// The first `count`, and the rest.
    pub fn split(mut self, count: usize) -> (Self, Self) {
        let count = count.min(self.count());
        let rest =
            Self { images: self.images.split_off(count), labels: self.labels.split_off(count) };
        (self, rest)
    }

    /// The first `count`, or all if there are fewer.
    pub fn truncate(&mut self, count: usize) {
        self.images.truncate(count);
        self.labels.truncate(count);
    }
}

/// The folder with the digits of the repository.
pub fn own_data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("data")
}

/// Reads two files of a folder like [`own_data`].
fn bundled<const PIXELS: usize>(folder: &Path, name: &str) -> Result<Digits<PIXELS>, ReadError> {
    let [images, labels] =
        ["images-idx3", "labels-idx1"].map(|kind| folder.join(format!("{name}-{kind}-ubyte.gz")));
    if let Some(missing) = [&images, &labels].into_iter().find(|path| !path.exists()) {
        let message = format!(
            "`{}` is missing: the digits in examples/data come with the repository of \
             gradlet, not with its package on crates.io. Give the path of their folder by --data, \
             or files of MNIST by --train-images, --train-labels, --test-images and --test-labels",
            missing.display()
        );
        return Err(ReadError { is_absence: true, ..ReadError::new(message) });
    }
    Digits::read(&images, &labels)
}

/// 1797 digits of 8 x 8 pixels, 0 to 16: a training set of the first 1000, a test set of the rest.
pub fn digits8x8(folder: &Path) -> Result<Data<64>, ReadError> {
    let (train, test) = bundled(folder, "digits8x8")?.split(1000);
    Ok(Data { train, test, black: 16 })
}

/// MNIST digits of 28 x 28 pixels, 0 to 255: a training set of 1000, a test set of 500.
pub fn mnist_subset(folder: &Path) -> Result<Data<784>, ReadError> {
    let (train, test) = (bundled(folder, "mnist1000")?, bundled(folder, "mnist500test")?);
    Ok(Data { train, test, black: 255 })
}

/// A file that is being read, decompressed if necessary.
struct Source<'a> {
    path: &'a Path,
    kind: Kind,
    file: Box<dyn Read>,
}

impl<'a> Source<'a> {
    fn open(path: &'a Path, kind: Kind) -> Result<Self, ReadError> {
        let open = || -> io::Result<Box<dyn Read>> {
            let mut file = BufReader::new(File::open(path)?);
            let compressed = file.fill_buf()?.starts_with(&[0x1f, 0x8b]);
            Ok(if compressed { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) })
        };
        let file = open().map_err(|cause| ReadError::unreadable(path, cause))?;
        Ok(Self { path, kind, file })
    }

    /// An error whose message begins with the path.
    fn wrong(&self, what: impl fmt::Display) -> ReadError {
        ReadError::new(format!("`{}` {what}", self.path.display()))
    }

    /// Reads at most a number of bytes; memory is allocated as they arrive, whatever the header
    /// says.
    fn read_most(&mut self, most: u64) -> Result<Vec<u8>, ReadError> {
        let mut bytes = vec![];
        let read = (&mut self.file).take(most).read_to_end(&mut bytes);
        read.map_err(|cause| ReadError::unreadable(self.path, cause))?;
        Ok(bytes)
    }

    /// The numbers of the header after the magic number.
    fn header<const N: usize>(&mut self) -> Result<[u32; N], ReadError> {
        let Kind { name, magic, header } = self.kind;
        let bytes = self.read_most(header as u64)?;
        let word = |bytes: &[u8]| bytes.try_into().map_or(0, u32::from_be_bytes);
        let words: Vec<_> = bytes.chunks_exact(4).map(word).collect();
        match words.split_first() {
            Some((&found, _)) if found != magic => {
                let other = if self.kind == LABELS { IMAGES } else { LABELS };
                let meaning = if found == other.magic {
                    format!(", which means {}", other.name)
                } else {
                    String::new()
                };
                Err(self.wrong(format_args!(
                    "should hold {name}, so it should begin with {magic:#010x}, but begins with \
                     {found:#010x}{meaning}"
                )))
            }
            Some((_, numbers)) if numbers.len() == N => Ok(numbers.try_into().unwrap_or([0; N])),
            _ => Err(self.wrong(format_args!(
                "has {} bytes, fewer than the {header} of the IDX header that was expected",
                bytes.len()
            ))),
        }
    }

    /// The contents after the header.
    fn body(&mut self, length: u64) -> Result<Vec<u8>, ReadError> {
        let bytes = self.read_most(length.saturating_add(1))?;
        let whole = |length: u64| length.saturating_add(self.kind.header as u64);
        let (found, expected) = (whole(bytes.len() as u64), whole(length));
        match found.cmp(&expected) {
            Ordering::Less => Err(self.wrong(format_args!(
                "has {found} bytes; by its header {expected} were expected (decompressed)"
            ))),
            Ordering::Equal if length == 0 => {
                Err(self.wrong("is empty: at least one digit was expected"))
            }
            Ordering::Equal => Ok(bytes),
            Ordering::Greater => Err(self.wrong(format_args!(
                "goes on after the {expected} bytes that its header announces (decompressed)"
            ))),
        }
    }

    fn images<const PIXELS: usize>(mut self) -> Result<Vec<[u8; PIXELS]>, ReadError> {
        let [count, rows, columns] = self.header()?;
        let side = PIXELS.isqrt();
        if [rows, columns].iter().any(|&length| length as usize != side) {
            return Err(ReadError::new(format!(
                "the images of `{}` have {rows} x {columns} pixels; {side} x {side} were expected",
                self.path.display()
            )));
        }
        let bytes = self.body(u64::from(count).saturating_mul(PIXELS as u64))?;
        Ok(bytes.chunks_exact(PIXELS).filter_map(|image| image.try_into().ok()).collect())
    }

    fn labels(mut self) -> Result<Vec<u8>, ReadError> {
        let [count] = self.header()?;
        let labels = self.body(count.into())?;
        match labels.iter().enumerate().find(|&(_, &label)| usize::from(label) >= CLASSES) {
            Some((at, found)) => Err(ReadError::new(format!(
                "label {at} of `{}`, counted from 0, is {found}; 0 to 9 were expected",
                self.path.display()
            ))),
            None => Ok(labels),
        }
    }
}
