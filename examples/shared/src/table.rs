//! Comma-separated values.
//!
//! ```text
//! let mut csv = Csv::new(&["step", "loss"]);
//! csv.row(&[0.0, 0.25]);
//! folder.write("loss.csv", &csv.finish())?;
//! ```

/// A table with a header.
#[derive(Clone, Debug)]
pub struct Csv(String);

impl Csv {
    pub fn new(columns: &[&str]) -> Self {
        Self(columns.join(",") + "\n")
    }

    /// One number for each column, with as many digits as it takes to read it back.
    pub fn row(&mut self, values: &[f64]) {
        self.words(values.iter().map(ToString::to_string));
    }

    /// One word for each column, without commas.
    pub fn words(&mut self, words: impl IntoIterator<Item = String>) {
        self.0 += &words.into_iter().collect::<Vec<_>>().join(",");
        self.0.push('\n');
    }

    pub fn finish(self) -> String {
        self.0
    }
}
