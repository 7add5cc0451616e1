//! Tables as comma-separated values (CSV).
//!
//! ```text
//! let mut csv = Csv::new(&["step", "loss"]);
//! csv.row(&[0.0, 0.25]);
//! folder.write("loss.csv", &csv.finish())?;
//! ```

/// A CSV table with a header.
#[derive(Clone, Debug)]
pub struct Csv(String);

impl Csv {
    pub fn new(columns: &[&str]) -> Self {
        Self(columns.join(",") + "\n")
    }

    /// Adds a row of numbers, one per column, with as many digits as are needed to read them back
    /// exactly.
    pub fn row(&mut self, values: &[f64]) {
        self.words(values.iter().map(ToString::to_string));
    }

    /// Adds a row of words without commas, one per column.
    pub fn words(&mut self, words: impl IntoIterator<Item = String>) {
        self.0 += &words.into_iter().collect::<Vec<_>>().join(",");
        self.0.push('\n');
    }

    pub fn finish(self) -> String {
        self.0
    }
}
