//! Rows of a CSV file: the inputs, and a label or a number to predict.

use std::path::Path;

use csv::{Position, ReaderBuilder, StringRecord, Trim};
use gradlet::init;
use rand_pcg::{Pcg32, rand_core::SeedableRng};
use shared::options::nearest;
use shared::run::Failure;

/// What is read from a file.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    /// Names or numbers of the columns of inputs; none for all but the target.
    pub inputs: Vec<String>,
    /// Name or number of the column to predict; none for the last.
    pub target: Option<String>,
    /// Whether the target is a number.
    pub regression: bool,
    /// Whether the first line has no names.
    pub no_header: bool,
    pub separator: u8,
}

/// A row of numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub line: u64,
    pub inputs: Vec<f32>,
    /// A number, or the index of a label.
    pub target: f32,
}

/// The rows of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// Names of the inputs.
    pub inputs: Vec<String>,
    pub target: String,
    /// The classes, in order; none for regression.
    pub labels: Vec<String>,
    pub rows: Vec<Row>,
}

/// Reads a file; an error has its path.
pub fn read(path: &Path, choice: &Choice) -> Result<Table, Failure> {
    let failure = |what| Failure::because(format!("{}{what}", path.display()));
    let bytes = std::fs::read(path).map_err(|error| failure(format!(": {error}")))?;
    parse(&bytes, choice).map_err(failure)
}

/// Reads the bytes of a file; an error continues its path: `:3: column ..`.
pub fn parse(bytes: &[u8], choice: &Choice) -> Result<Table, String> {
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .trim(Trim::All)
        .delimiter(choice.separator)
        .from_reader(bytes);
    let mut records = vec![];
    for record in reader.records() {
        let record = record.map_err(|error| error_of(bytes, &error))?;
        records.push((record.position().map_or(0, |at| line(bytes, at)), record));
    }
    let mut records = records.into_iter();
    let (line, first) = records.next().ok_or(": there is nothing in the file")?;
    let names: Vec<String> = if choice.no_header {
        (1..=first.len()).map(|number| number.to_string()).collect()
    } else {
        let names: Vec<_> = first.iter().map(ToOwned::to_owned).collect();
        if let Some(number) = names.iter().find(|name| number(name).is_some()) {
            return Err(format!(
                ":{line}: `{number}` is a number, but the first line names the columns; if it has \
                 data, say --no-header"
            ));
        }
        names
    };
    let columns = Columns::choose(&names, choice).map_err(|what| format!(":{line}: {what}"))?;
    let first = choice.no_header.then_some((line, first));
    let records: Vec<_> = first.into_iter().chain(records).collect();
    if records.is_empty() {
        return Err(": there is no sample below the names of the columns".to_owned());
    }
    columns.table(&names, &records, choice.regression)
}

/// The line of a record. Its position may be before empty lines.
fn line(bytes: &[u8], at: &Position) -> u64 {
    let before = bytes.iter().skip(usize::try_from(at.byte()).unwrap_or(usize::MAX));
    let empty = before.take_while(|byte| b"\r\n".contains(byte)).filter(|byte| **byte == b'\n');
    at.line().saturating_add(u64::try_from(empty.count()).unwrap_or(0))
}

fn error_of(bytes: &[u8], error: &csv::Error) -> String {
    let line = error.position().map_or(0, |at| line(bytes, at));
    match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!(":{line}: not {expected_len} cells, as in the first line, but {len}")
        }
        csv::ErrorKind::Utf8 { err, .. } => {
            format!(":{line}: column {}: not UTF-8", err.field().saturating_add(1))
        }
        _ => format!(": {error}"),
    }
}

/// A finite number.
fn number(text: &str) -> Option<f32> {
    text.parse().ok().filter(|number: &f32| number.is_finite())
}

/// Indices of columns.
struct Columns {
    inputs: Vec<usize>,
    target: usize,
}

impl Columns {
    fn choose(names: &[String], choice: &Choice) -> Result<Self, String> {
        let last = names.len().saturating_sub(1);
        let target = choice.target.as_ref().map_or(Ok(last), |name| find(names, name))?;
        let inputs = if choice.inputs.is_empty() {
            (0..names.len()).filter(|&column| column != target).collect()
        } else {
            choice.inputs.iter().map(|name| find(names, name)).collect::<Result<Vec<_>, _>>()?
        };
        let name = |column: usize| names.get(column).map_or("", String::as_str);
        if inputs.is_empty() {
            return Err(format!(
                "the only column is `{}`, and inputs and a target are wanted; --separator says what \
                 stands between cells",
                name(target)
            ));
        }
        if inputs.contains(&target) {
            return Err(format!("column `{}` cannot be both input and target", name(target)));
        }
        if let Some((_, twice)) =
            (1..).zip(&inputs).find(|(n, i)| inputs.iter().skip(*n).any(|j| j == *i))
        {
            return Err(format!("column `{}` is named twice in --inputs", name(*twice)));
        }
        Ok(Self { inputs, target })
    }

    /// The columns as numbers, if all cells are as they should be.
    fn table(
        &self,
        names: &[String],
        records: &[(u64, StringRecord)],
        regression: bool,
    ) -> Result<Table, String> {
        let name = |column: usize| names.get(column).cloned().unwrap_or_default();
        let cell = |(line, record): &(u64, StringRecord), column: usize| {
            let text = record.get(column).unwrap_or_default().to_owned();
            let at = format!(":{line}: column {} (`{}`)", column.saturating_add(1), name(column));
            if text.is_empty() { Err(format!("{at}: the cell is empty")) } else { Ok((text, at)) }
        };
        let value = |record: &(u64, StringRecord), column: usize| {
            let (text, at) = cell(record, column)?;
            number(&text).ok_or_else(|| {
                format!("{at}: `{text}` is not a finite number; --inputs chooses columns")
            })
        };
        let mut labels = vec![];
        if !regression {
            for record in records {
                labels.push(cell(record, self.target)?.0);
            }
            labels.sort_by(|a, b| {
                number(a).partial_cmp(&number(b)).filter(|o| o.is_ne()).unwrap_or_else(|| a.cmp(b))
            });
            labels.dedup();
        }
        let mut rows = vec![];
        for record in records {
            let inputs = self.inputs.iter().map(|&column| value(record, column));
            let inputs = inputs.collect::<Result<_, _>>()?;
            let target = if regression {
                value(record, self.target)?
            } else {
                let (text, _) = cell(record, self.target)?;
                index(labels.iter().position(|label| *label == text).unwrap_or(0))
            };
            rows.push(Row { line: record.0, inputs, target });
        }
        let inputs = self.inputs.iter().map(|&column| name(column)).collect();
        Ok(Table { inputs, target: name(self.target), labels, rows })
    }
}

/// An index as a target.
#[allow(clippy::cast_precision_loss, reason = "there are few classes, or it is refused later")]
fn index(label: usize) -> f32 {
    label as f32
}

/// The class of a target.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index")]
pub fn class(target: f32) -> usize {
    target as usize
}

/// The column of a name, or else of a number from 1.
fn find(names: &[String], wanted: &str) -> Result<usize, String> {
    let number = || wanted.parse().ok().filter(|number| (1..=names.len()).contains(number));
    if names.iter().filter(|name| *name == wanted).count() > 1 {
        return Err(format!(
            "more than one column is named `{wanted}`; choose it by its number, from 1"
        ));
    }
    let found = names.iter().position(|name| name == wanted);
    found.or_else(|| number().map(|number| number.saturating_sub(1))).ok_or_else(|| {
        let near = nearest(wanted, names).map_or("", String::as_str);
        format!("no column `{wanted}`; did you mean `{near}`? The columns are {}", names.join(", "))
    })
}

impl Table {
    /// The rows in a random order: those to train on, and a share of them that is held out.
    pub fn split(&self, held_out: f64, seed: u64) -> Result<[Vec<&Row>; 2], String> {
        let mut rows: Vec<_> = self.rows.iter().collect();
        init::shuffle(&mut rows, &mut Pcg32::seed_from_u64(seed));
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a part of the number of rows"
        )]
        let kept = rows.len().saturating_sub((rows.len() as f64 * held_out).round() as usize);
        let rest = rows.split_off(kept);
        if rows.is_empty() || rest.is_empty() {
            return Err(format!(
                ": of {} rows, {} are to train on and {} held out; both parts need one at least",
                self.rows.len(),
                rows.len(),
                rest.len()
            ));
        }
        for (label, class) in self.labels.iter().zip(0..) {
            let of_class = |row: &&&Row| self::class(row.target) == class;
            if let (None, Some(row)) = (rows.iter().find(of_class), rest.iter().find(of_class)) {
                return Err(format!(
                    ":{}: label `{label}` is in no row to train on, only among those held out: it \
                     needs more rows, or another --seed",
                    row.line
                ));
            }
        }
        Ok([rows, rest])
    }
}
