//! Sections that go through a text: quotes, the same numbers computed, verdicts.
//!
//! A TOML file has what the text prints and what is to be said about it; a program computes the
//! numbers, by name. The files are in `examples/texts`, whose README describes their keys.
//!
//! ```
//! # use shared::lesson::{Lesson, Sections};
//! const TEXT: &str = r#"
//! title = "A text"
//! author = "its author"
//! [demo]
//! intro = "One neuron."
//! words = { rule = "It multiplies by {w} instead of the input." }
//! [[demo.sections]]
//! key = "forward"
//! title = "Forward"
//! lines = "3-5"
//! rows = [
//!     { name = "z = w x", value = "z", text = "0.98", line = 4 },
//!     { name = "delta", value = "delta", text = "0.01", line = 5, slip = "rule" },
//! ]
//! "#;
//! let mut lesson = Lesson::read(TEXT, "demo")?;
//! lesson.set([("w", 0.2), ("z", 0.98), ("delta", 0.51), ("delta (rule)", 0.0101)]);
//! let mut out = vec![];
//! lesson.tell(&mut out)?;
//! let out = String::from_utf8(out)?;
//! assert!(out.contains("agrees") && out.contains("differs: rule") && out.contains("by 0.2"));
//! # Ok::<(), shared::run::Failure>(())
//! ```

mod columns;
mod file;
mod template;
mod verdict;

use core::fmt::Write as _;
use std::collections::BTreeMap;
use std::io::Write;

pub use columns::{WIDTH, aligned, tabulated, wrapped};
use file::{Entry, File};
pub use file::{Quote, Row, Section, Source, Table};
use template::fill;
pub use template::shortest;
pub use verdict::{Verdict, verdict};

use crate::run::Failure;

/// What an example says about its text.
#[derive(Debug)]
pub struct Lesson {
    file: File,
    entry: Entry,
    values: Values,
    /// Reasons for differences that do not apply to this run.
    excluded: Vec<&'static str>,
    sections: Sections,
    formulas: bool,
    compares: bool,
}

/// Numbers and blocks of text by name.
#[derive(Debug, Default)]
pub(crate) struct Values {
    numbers: BTreeMap<String, f64>,
    blocks: BTreeMap<String, String>,
}

/// The sections to print: all, if none is named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sections(Vec<String>);

impl Sections {
    /// Those of a list separated by commas, by key or number.
    pub fn listed(list: &str, keys: &[String]) -> Result<Self, String> {
        let known = |word: &str| {
            let number = word.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
            let key = number.map_or_else(|| keys.iter().find(|key| *key == word), |n| keys.get(n));
            key.cloned().ok_or_else(|| format!("no section `{word}`"))
        };
        list.split(',').map(|word| known(word.trim())).collect::<Result<_, _>>().map(Self)
    }

    /// Whether a section is to be printed.
    pub fn has(&self, key: &str) -> bool {
        self.0.is_empty() || self.0.iter().any(|chosen| chosen == key)
    }
}

/// The keys of the sections of an example, in order; none if the file has an error.
pub fn keys(toml: &'static str, example: &str) -> Vec<String> {
    let lesson = Lesson::read(toml, example);
    let sections = lesson.as_ref().map_or(&[][..], Lesson::sections);
    sections.iter().map(|section| section.key.clone()).collect()
}

/// The quotes of all examples in a file.
pub fn quotes_of_file(toml: &str) -> Result<Vec<Quote>, String> {
    Ok(file::examples(toml)?
        .iter()
        .flat_map(|entry| &entry.sections)
        .flat_map(Section::quotes)
        .cloned()
        .collect())
}

impl Lesson {
    /// The part of a file that belongs to an example.
    pub fn read(toml: &'static str, example: &str) -> Result<Self, Failure> {
        let (file, entry) = file::read(toml, example).map_err(Failure::because)?;
        let (values, sections) = (Values::default(), Sections::default());
        let excluded = vec![];
        Ok(Self { file, entry, values, excluded, sections, formulas: false, compares: true })
    }

    /// Only these sections, and with their formulas if `formulas`.
    pub fn showing(self, sections: &Sections, formulas: bool) -> Self {
        Self { sections: sections.clone(), formulas, ..self }
    }

    /// Without quotes and verdicts: for numbers that are not those of the text.
    pub fn without_text(self) -> Self {
        Self { compares: false, ..self }
    }

    /// Without this reason for differences.
    pub fn excluding(mut self, word: &'static str) -> Self {
        self.excluded.push(word);
        self
    }

    /// All sections, printed or not.
    pub fn sections(&self) -> &[Section] {
        &self.entry.sections
    }

    /// Whether a section is to be printed.
    pub fn has(&self, key: &str) -> bool {
        self.sections.has(key)
    }

    /// Of pictures with the key of their section, those of the sections that are printed.
    pub fn shown<T>(&self, pictures: impl IntoIterator<Item = (&'static str, T)>) -> Vec<T> {
        let shown = pictures.into_iter().filter(|(key, _)| self.has(key));
        shown.map(|(_, picture)| picture).collect()
    }

    /// Sets numbers by name. What the text gets for `name` by the slip `word` is `name (word)`.
    pub fn set<N: Into<String>>(&mut self, numbers: impl IntoIterator<Item = (N, f64)>) {
        self.values.numbers.extend(numbers.into_iter().map(|(name, number)| (name.into(), number)));
    }

    /// Sets numbers by names separated by `", "`: `named("w, b", [0.2, 0.1])`.
    pub fn named(&mut self, names: &str, numbers: impl IntoIterator<Item = f64>) {
        self.set(names.split(", ").zip(numbers));
    }

    /// Sets the numbers of a list: `name 0`, `name 1` ..
    pub fn list(&mut self, name: &str, numbers: impl IntoIterator<Item = f64>) {
        self.set(
            numbers.into_iter().enumerate().map(|(at, number)| (format!("{name} {at}"), number)),
        );
    }

    /// Sets the rows of a table, which count from `first`.
    pub fn table<R: IntoIterator<Item = f64>>(
        &mut self,
        name: &str,
        first: usize,
        rows: impl IntoIterator<Item = R>,
    ) {
        for (number, row) in (first..).zip(rows) {
            self.list(&format!("{name} {number}"), row);
        }
    }

    /// Sets a block of text.
    pub fn block(&mut self, name: &str, text: impl Into<String>) {
        self.values.blocks.insert(name.to_owned(), text.into());
    }

    /// Prints the introduction and the sections, then the reasons for differences that occurred.
    pub fn tell(&self, out: &mut impl Write) -> Result<(), Failure> {
        let mut said = String::new();
        let mut words = vec![];
        for (section, number) in self.entry.sections.iter().zip(1_usize..) {
            if self.has(&section.key) {
                self.section(&mut said, number, section, &mut words)?;
            }
        }
        self.introduce(out)?;
        out.write_all(said.as_bytes())?;
        if !words.is_empty() {
            writeln!(out, "\nWhere the text differs")?;
        }
        for word in words {
            let reason = self.entry.words.iter().find(|(name, _)| *name == word);
            let (_, reason) = reason.ok_or_else(|| missing("reason", &word))?;
            let reason = wrapped(&fill(reason, &self.values)?, WIDTH - 13);
            writeln!(out, "  {word:<10} {}", reason.replace('\n', "\n             "))?;
        }
        out.flush()?;
        Ok(())
    }

    /// The text, what the example does with it, and how to read the columns.
    fn introduce(&self, out: &mut impl Write) -> Result<(), Failure> {
        if self.compares {
            writeln!(out, "{}", self.file.title)?;
            if let Some(english) = &self.file.english {
                writeln!(out, "({english})")?;
            }
            writeln!(out, "{}\n", self.file.author)?;
        }
        write!(out, "{}", fill(&self.entry.intro, &self.values)?)?;
        if !self.compares {
            return Ok(());
        }
        let shown = self.entry.sections.iter().filter(|section| self.has(&section.key));
        let mut sources: Vec<_> =
            shown.flat_map(Section::quotes).map(|quote| quote.source).collect();
        sources.sort_unstable();
        sources.dedup();
        if !sources.is_empty() {
            writeln!(
                out,
                "\n\"agrees\": rounds to the digits of the text. \"differs\" gives the reason in a \
                 word, explained at the end.\n\"-\": not in the text."
            )?;
        }
        for meaning in sources.into_iter().filter_map(Source::meaning) {
            writeln!(out, "{meaning}")?;
        }
        Ok(())
    }

    fn section(
        &self,
        out: &mut String,
        number: usize,
        section: &Section,
        words: &mut Vec<String>,
    ) -> Result<(), Failure> {
        let mut title = format!("{number}. {}", fill(&section.title, &self.values)?);
        match (&section.lines, self.compares) {
            (Some(lines), true) if lines.contains(['-', ',']) => {
                title += &format!(" (lines {lines})");
            }
            (Some(line), true) => title += &format!(" (line {line})"),
            _ => {}
        }
        let mut parts = String::new();
        if self.formulas {
            push(&mut parts, 4, section.formulas.as_deref().unwrap_or_default());
        }
        push(&mut parts, 2, &fill(&section.idea, &self.values)?);
        // Where the text prints nothing, its columns would be empty.
        let quotes = self.compares && section.rows.iter().any(|row| row.quote.is_some());
        let mut lines = vec![];
        if quotes {
            lines.push(["", " here", " in the text", "verdict"].map(String::from).to_vec());
        }
        for row in &section.rows {
            lines.push(self.row(row, quotes, words)?);
        }
        push(&mut parts, 2, &aligned(&lines));
        if self.compares {
            for table in &section.tables {
                push(&mut parts, 2, &self.quoted(table, words)?);
            }
        }
        push(&mut parts, 2, &fill(&section.note, &self.values)?);
        if self.compares {
            push(&mut parts, 2, &fill(&section.remark, &self.values)?);
        }
        _ = write!(out, "\n{title}\n{parts}");
        Ok(())
    }

    /// A number, and the quote and the verdict if there are such columns.
    fn row(
        &self,
        row: &Row,
        quotes: bool,
        words: &mut Vec<String>,
    ) -> Result<Vec<String>, Failure> {
        let name = fill(&row.name, &self.values)?;
        let value = self.values.number(&row.value)?;
        let quote = row.quote.as_ref().filter(|_| self.compares);
        let mut cells = vec![name, signed(&shown(value, quote.map(|quote| &*quote.digits)))];
        if let Some(quote) = quote {
            cells.push(signed(&quote.marked()));
            cells.push(self.judge(&row.value, value, quote, row.slip.as_deref(), words)?);
        } else if quotes {
            cells.push(" -".to_owned());
        }
        Ok(cells)
    }

    /// The verdict on a quote; its reason is added to `words`.
    fn judge(
        &self,
        name: &str,
        value: f64,
        quote: &Quote,
        slip: Option<&str>,
        words: &mut Vec<String>,
    ) -> Result<String, Failure> {
        let slips = match slip {
            Some(slip) => vec![(slip, self.values.number(&format!("{name} ({slip})"))?)],
            None => vec![],
        };
        let verdict = verdict(value, quote, &slips);
        let Verdict::Differs(slip) = verdict else { return Ok(verdict.to_string()) };
        let reasons: Vec<_> =
            slip.split(", ").filter(|word| !self.excluded.contains(word)).collect();
        if reasons.is_empty() {
            return Ok(Verdict::Unexplained.to_string());
        }
        for word in &reasons {
            if !words.iter().any(|known| known == word) {
                words.push((*word).to_owned());
            }
        }
        Ok(Verdict::Differs(&reasons.join(", ")).to_string())
    }

    /// Quoted rows of a table with one verdict each. A number that differs follows its quote.
    fn quoted(&self, table: &Table, words: &mut Vec<String>) -> Result<String, Failure> {
        let mut lines = vec![];
        for row in &table.rows {
            let mut cells = vec![row.name.clone()];
            let mut wrong = vec![];
            for (quote, at) in row.quotes.iter().zip(0_usize..) {
                let name = format!("{} {} {at}", table.value, row.name);
                let value = self.values.number(&name)?;
                let verdict = self.judge(&name, value, quote, table.slip.as_deref(), words)?;
                cells.push(quote.digits.clone());
                if verdict.starts_with("differs") {
                    let column = table.columns.get(at).map_or("", String::as_str);
                    wrong
                        .push(format!("{column} {}: {verdict}", shown(value, Some(&quote.digits))));
                }
            }
            cells.push(if wrong.is_empty() { "agrees".to_owned() } else { wrong.join("; ") });
            lines.push(cells);
        }
        let mut heading = vec![table.name.clone()];
        let quotes = table.rows.iter().flat_map(|row| &row.quotes);
        let mark = quotes.take(1).map(|quote| quote.source.mark()).collect::<String>();
        heading.extend(table.columns.iter().map(|column| format!("{column}{mark}")));
        heading.push("verdict".to_owned());
        lines.insert(0, heading);
        Ok(aligned(&lines))
    }
}

impl Values {
    pub(crate) fn number(&self, name: &str) -> Result<f64, Failure> {
        self.numbers.get(name).copied().ok_or_else(|| missing("number", name))
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.blocks.get(name).map(String::as_str)
    }
}

fn missing(what: &str, name: &str) -> Failure {
    Failure::because(format!("the text's file asks for the {what} `{name}`, which is nowhere"))
}

/// Adds a part of a section with an indent, after a blank line unless it is the first. Of several
/// blank lines one is left.
fn push(parts: &mut String, indent: usize, part: &str) {
    let separator = if parts.is_empty() || part.trim().is_empty() { "" } else { "\n" };
    *parts += separator;
    for line in part.trim_start_matches('\n').trim_end().lines() {
        let line = format!("{:indent$}{line}", "");
        if !(line.trim().is_empty() && parts.ends_with("\n\n")) {
            _ = writeln!(parts, "{}", line.trim_end());
        }
    }
}

/// Room for a sign aligns the decimal points.
fn signed(number: &str) -> String {
    if number.starts_with('-') { number.to_owned() } else { format!(" {number}") }
}

/// A number with as many digits as the quote has, or with ten decimals.
fn shown(value: f64, digits: Option<&str>) -> String {
    match digits {
        Some(digits) => verdict::shown(value, digits),
        // Usually a count.
        None if value.fract() == 0.0 && value.abs() < 1e7 => value.to_string(),
        None if (1e-4..1e7).contains(&value.abs()) => format!("{value:.10}"),
        None => format!("{value:.9e}"),
    }
}
