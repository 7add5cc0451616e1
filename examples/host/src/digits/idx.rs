//! Images and labels in the IDX format of MNIST, plain or compressed with gzip.
//!
//! A file of images: the magic number 0x00000803, the numbers of images, rows and columns, then one
//! byte per pixel, 0 for the background. A file of labels: 0x00000801, their number, then one byte
//! per label. Numbers are 32-bit big-endian.

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
    path: PathBuf,
    problem: Problem,
}

#[derive(Debug)]
enum Problem {
    Read(io::Error),
    /// A file of [`own_data`].
    Absent(io::Error),
    ShortHeader {
        length: usize,
        header: usize,
    },
    Magic {
        kind: Kind,
        found: u32,
    },
    Size {
        expected: usize,
        rows: u32,
        columns: u32,
    },
    Length {
        expected: u64,
        found: u64,
    },
    TooLong {
        expected: u64,
    },
    Empty,
    Label {
        at: usize,
        found: u8,
    },
    Counts {
        labels: usize,
        images: PathBuf,
        of_images: usize,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Labels,
    Images,
}

impl Kind {
    /// 08 for bytes, then the number of dimensions.
    const fn magic(self) -> u32 {
        match self {
            Self::Labels => 0x0000_0801,
            Self::Images => 0x0000_0803,
        }
    }

    /// Length of the header: the magic number and one number per dimension.
    const fn header(self) -> usize {
        match self {
            Self::Labels => 8,
            Self::Images => 16,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Labels => "labels",
            Self::Images => "images",
        }
    }
}

impl ReadError {
    /// Whether a file of the repository is missing.
    pub const fn is_absence(&self) -> bool {
        matches!(self.problem, Problem::Absent(_))
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.problem {
            Problem::Read(cause) => write!(f, "cannot read `{path}`: {cause}"),
            Problem::Absent(_) => write!(
                f,
                "`{path}` is missing: the digits in examples/data come with the repository of \
                 gradlet, not with its package on crates.io. Give the path of their folder by --data, \
                 or files of MNIST by --train-images, --train-labels, --test-images and --test-labels"
            ),
            Problem::ShortHeader { length, header } => write!(
                f,
                "`{path}` has {length} bytes, fewer than the {header} of the IDX header that was \
                 expected"
            ),
            Problem::Magic { kind, found } => {
                write!(
                    f,
                    "`{path}` should hold {}, so it should begin with {:#010x}, but begins with \
                     {found:#010x}",
                    kind.name(),
                    kind.magic()
                )?;
                let other = if *kind == Kind::Labels { Kind::Images } else { Kind::Labels };
                if *found == other.magic() {
                    write!(f, ", which means {}", other.name())
                } else {
                    Ok(())
                }
            }
            Problem::Size { expected, rows, columns } => write!(
                f,
                "the images of `{path}` have {rows} x {columns} pixels; {expected} x {expected} \
                 were expected"
            ),
            Problem::Length { expected, found } => write!(
                f,
                "`{path}` has {found} bytes; by its header {expected} were expected (decompressed)"
            ),
            Problem::TooLong { expected } => write!(
                f,
                "`{path}` goes on after the {expected} bytes that its header announces \
                 (decompressed)"
            ),
            Problem::Empty => write!(f, "`{path}` is empty: at least one digit was expected"),
            Problem::Label { at, found } => write!(
                f,
                "label {at} of `{path}`, counted from 0, is {found}; 0 to 9 were expected"
            ),
            Problem::Counts { labels, images, of_images } => write!(
                f,
                "`{path}` has {labels} labels, but `{}` has {of_images} images; as many were \
                 expected",
                images.display()
            ),
        }
    }
}

impl Error for ReadError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.problem {
            Problem::Read(cause) | Problem::Absent(cause) => Some(cause),
            _ => None,
        }
    }
}

impl<const PIXELS: usize> Digits<PIXELS> {
    /// Reads a file of images and the file of their labels.
    pub fn read(images_path: &Path, labels_path: &Path) -> Result<Self, ReadError> {
        let of_images = |problem| ReadError { path: images_path.to_owned(), problem };
        let of_labels = |problem| ReadError { path: labels_path.to_owned(), problem };
        let images = open(images_path).and_then(read_images).map_err(of_images)?;
        let labels = open(labels_path).and_then(read_labels).map_err(of_labels)?;
        if images.len() != labels.len() {
            return Err(of_labels(Problem::Counts {
                labels: labels.len(),
                images: images_path.to_owned(),
                of_images: images.len(),
            }));
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
    let path = |kind: &str| folder.join(format!("{name}-{kind}-ubyte.gz"));
    Digits::read(&path("images-idx3"), &path("labels-idx1")).map_err(|error| match error.problem {
        Problem::Read(cause) if cause.kind() == io::ErrorKind::NotFound => {
            ReadError { problem: Problem::Absent(cause), ..error }
        }
        problem => ReadError { problem, ..error },
    })
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

/// The file's bytes, decompressed if necessary.
fn open(path: &Path) -> Result<Box<dyn Read>, Problem> {
    let mut file = BufReader::new(File::open(path).map_err(Problem::Read)?);
    let compressed = file.fill_buf().map_err(Problem::Read)?.starts_with(&[0x1f, 0x8b]);
    Ok(if compressed { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) })
}

/// Reads at most a number of bytes; memory is allocated as they arrive, whatever the header says.
fn read_most(file: &mut impl Read, most: u64) -> Result<Vec<u8>, Problem> {
    let mut bytes = vec![];
    file.take(most).read_to_end(&mut bytes).map_err(Problem::Read)?;
    Ok(bytes)
}

/// The numbers of the header after the magic number.
fn read_header<const N: usize>(file: &mut impl Read, kind: Kind) -> Result<[u32; N], Problem> {
    let header = kind.header();
    let bytes = read_most(file, header as u64)?;
    let word = |bytes: &[u8]| bytes.try_into().map_or(0, u32::from_be_bytes);
    let words: Vec<_> = bytes.chunks_exact(4).map(word).collect();
    match words.split_first() {
        Some((&found, _)) if found != kind.magic() => Err(Problem::Magic { kind, found }),
        Some((_, numbers)) if numbers.len() == N => Ok(numbers.try_into().unwrap_or([0; N])),
        _ => Err(Problem::ShortHeader { length: bytes.len(), header }),
    }
}

/// The contents after the header.
fn read_body(file: &mut impl Read, kind: Kind, length: u64) -> Result<Vec<u8>, Problem> {
    let bytes = read_most(file, length.saturating_add(1))?;
    let header = kind.header() as u64;
    let expected = header.saturating_add(length);
    match (bytes.len() as u64).cmp(&length) {
        core::cmp::Ordering::Less => {
            Err(Problem::Length { expected, found: header.saturating_add(bytes.len() as u64) })
        }
        core::cmp::Ordering::Equal if length == 0 => Err(Problem::Empty),
        core::cmp::Ordering::Equal => Ok(bytes),
        core::cmp::Ordering::Greater => Err(Problem::TooLong { expected }),
    }
}

fn read_images<const PIXELS: usize>(mut file: impl Read) -> Result<Vec<[u8; PIXELS]>, Problem> {
    let [count, rows, columns] = read_header(&mut file, Kind::Images)?;
    let expected = PIXELS.isqrt();
    if [rows, columns].iter().any(|&side| side as usize != expected) {
        return Err(Problem::Size { expected, rows, columns });
    }
    let length = u64::from(count).saturating_mul(PIXELS as u64);
    let bytes = read_body(&mut file, Kind::Images, length)?;
    Ok(bytes.chunks_exact(PIXELS).filter_map(|image| image.try_into().ok()).collect())
}

fn read_labels(mut file: impl Read) -> Result<Vec<u8>, Problem> {
    let [count] = read_header(&mut file, Kind::Labels)?;
    let labels = read_body(&mut file, Kind::Labels, count.into())?;
    let wrong = labels.iter().enumerate().find(|&(_, &label)| usize::from(label) >= CLASSES);
    match wrong {
        Some((at, &found)) => Err(Problem::Label { at, found }),
        None => Ok(labels),
    }
}
