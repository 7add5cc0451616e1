//! The file of a text.

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

/// A text.
#[derive(Debug, Default)]
pub struct File {
    pub title: String,
    /// The title in English.
    pub english: Option<String>,
    pub author: String,
}

/// What an example says about it.
#[derive(Debug, Default)]
pub struct Entry {
    pub intro: String,
    pub sections: Vec<Section>,
    /// The reasons for differences: a word and its explanation.
    pub words: Vec<(String, String)>,
}

/// A section of an example.
#[derive(Clone, Debug, Default)]
pub struct Section {
    /// Its name in `--section`.
    pub key: String,
    pub title: String,
    /// The lines of the text that it follows.
    pub lines: Option<String>,
    /// Formulas in plain text.
    pub formulas: Option<String>,
    /// What stands before the numbers.
    pub idea: String,
    pub rows: Vec<Row>,
    pub tables: Vec<Table>,
    /// What stands after them.
    pub note: String,
    /// What stands after that, unless the numbers are not those of the text.
    pub remark: String,
}

/// A number.
#[derive(Clone, Debug)]
pub struct Row {
    /// How it is printed: its name, often with its formula.
    pub name: String,
    /// The name of its value.
    pub value: String,
    pub quote: Option<Quote>,
    /// The reason for a difference.
    pub slip: Option<String>,
}

/// Rows of numbers that the text prints, with one verdict each.
#[derive(Clone, Debug)]
pub struct Table {
    /// The heading of the first column.
    pub name: String,
    /// The name of the values.
    pub value: String,
    pub columns: Vec<String>,
    pub rows: Vec<TableRow>,
    pub slip: Option<String>,
}

/// A row of a table.
#[derive(Clone, Debug)]
pub struct TableRow {
    pub name: String,
    pub quotes: Vec<Quote>,
}

/// Digits of the text, or of something near it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    pub digits: String,
    pub source: Source,
    /// The line of the text.
    pub line: Option<u32>,
}

/// Where a quote comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// The text, digit for digit.
    Text,
    /// The text, in words.
    Word,
    /// The text, which has more digits.
    Short,
    /// The text's code, when it is run; the text does not show it.
    Run,
    /// The course that the text follows.
    Course,
}

impl Source {
    const ALL: [(Self, &str); 5] = [
        (Self::Text, "text"),
        (Self::Word, "word"),
        (Self::Short, "short"),
        (Self::Run, "run"),
        (Self::Course, "course"),
    ];

    /// What stands behind a quote from here.
    pub const fn mark(self) -> &'static str {
        match self {
            Self::Text => "",
            Self::Short => "..",
            Self::Word => " (word)",
            Self::Run => " (run)",
            Self::Course => " (course)",
        }
    }

    /// How to read the mark of a quote.
    pub const fn meaning(self) -> Option<&'static str> {
        match self {
            Self::Text => None,
            Self::Word => Some("\"(word)\": the text says it in words, not in digits."),
            Self::Short => Some("\"..\": the text prints more digits."),
            Self::Run => {
                Some("\"(run)\": the text does not show it; its code gives it when it is run.")
            }
            Self::Course => {
                Some("\"(course)\": in the course that the text follows, not in the text.")
            }
        }
    }
}

impl Quote {
    /// The digits with the mark of their source.
    pub fn marked(&self) -> String {
        format!("{}{}", self.digits, self.source.mark())
    }
}

impl Section {
    /// All quotes of the section.
    pub fn quotes(&self) -> impl Iterator<Item = &Quote> {
        let of_tables = self.tables.iter().flat_map(|table| &table.rows);
        let of_rows = self.rows.iter().filter_map(|row| row.quote.as_ref());
        of_rows.chain(of_tables.flat_map(|row| &row.quotes))
    }
}

/// Reads a file: the text, and the entry of an example.
pub fn read(toml: &str, example: &str) -> Result<(File, Entry), String> {
    let table = DeTable::parse(toml).map_err(|error| error.to_string())?;
    let top = Fields { toml, table: table.get_ref() };
    let file = File {
        title: top.text("title")?,
        english: top.optional("english"),
        author: top.text("author")?,
    };
    let table = top.find(example).and_then(DeValue::as_table);
    let table = table.ok_or_else(|| format!("the file has no table `{example}`"))?;
    Ok((file, entry(&Fields { toml, table })?))
}

/// The entries of all examples of a file.
pub fn examples(toml: &str) -> Result<Vec<Entry>, String> {
    let table = DeTable::parse(toml).map_err(|error| error.to_string())?;
    let tables = table.get_ref().values().filter_map(|value| value.get_ref().as_table());
    tables.map(|table| entry(&Fields { toml, table })).collect()
}

fn entry(fields: &Fields<'_>) -> Result<Entry, String> {
    fields.only(&["intro", "sections", "words"])?;
    let words = fields.find("words").and_then(DeValue::as_table).into_iter().flat_map(|w| w.iter());
    let word = |(word, why): (&Spanned<DeString<'_>>, &Spanned<DeValue<'_>>)| {
        Some((word.get_ref().to_string(), string(why.get_ref())?))
    };
    Ok(Entry {
        intro: fields.text("intro")?,
        sections: fields.tables("sections", section)?,
        words: words.filter_map(word).collect(),
    })
}

fn section(fields: &Fields<'_>) -> Result<Section, String> {
    fields
        .only(&["key", "title", "lines", "formulas", "idea", "rows", "tables", "note", "remark"])?;
    Ok(Section {
        key: fields.text("key")?,
        title: fields.text("title")?,
        lines: fields.optional("lines"),
        formulas: fields.optional("formulas"),
        idea: fields.optional("idea").unwrap_or_default(),
        rows: fields.tables("rows", row)?,
        tables: fields.tables("tables", table)?,
        note: fields.optional("note").unwrap_or_default(),
        remark: fields.optional("remark").unwrap_or_default(),
    })
}

fn row(fields: &Fields<'_>) -> Result<Row, String> {
    fields.only(&["name", "value", "text", "word", "short", "run", "course", "line", "slip"])?;
    let quote = Source::ALL.iter().find_map(|&(source, key)| {
        let line = fields.find("line").and_then(integer);
        fields.optional(key).map(|digits| Quote { digits, source, line })
    });
    Ok(Row {
        name: fields.text("name")?,
        value: fields.text("value")?,
        quote,
        slip: fields.optional("slip"),
    })
}

fn table(fields: &Fields<'_>) -> Result<Table, String> {
    fields.only(&["name", "value", "columns", "rows", "source", "slip"])?;
    let source = fields.optional("source").unwrap_or_else(|| "text".to_owned());
    let source = Source::ALL.iter().find(|(_, key)| *key == source);
    let &(source, _) = source.ok_or_else(|| fields.wrong("source"))?;
    let array =
        |key| fields.find(key).and_then(DeValue::as_array).into_iter().flat_map(|a| a.iter());
    let rows = array("rows").map(|row| {
        let cells: Vec<_> = row.get_ref().as_array().into_iter().flat_map(|a| a.iter()).collect();
        let [line, name, quotes @ ..] = &cells[..] else { return Err(fields.wrong("rows")) };
        let (line, name) = (integer(line.get_ref()), string(name.get_ref()));
        let quote = |cell: &&Spanned<DeValue<'_>>| {
            let digits = string(cell.get_ref())?;
            Some(Quote { digits, source, line })
        };
        let quotes = quotes.iter().map(quote).collect::<Option<_>>();
        name.zip(quotes)
            .map(|(name, quotes)| TableRow { name, quotes })
            .ok_or_else(|| fields.wrong("rows"))
    });
    Ok(Table {
        name: fields.text("name")?,
        value: fields.text("value")?,
        columns: array("columns").filter_map(|cell| string(cell.get_ref())).collect(),
        rows: rows.collect::<Result<_, _>>()?,
        slip: fields.optional("slip"),
    })
}

fn string(value: &DeValue<'_>) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn integer(value: &DeValue<'_>) -> Option<u32> {
    value.as_integer().and_then(|integer| integer.as_str().parse().ok())
}

/// The keys of a table.
struct Fields<'a> {
    toml: &'a str,
    table: &'a DeTable<'a>,
}

impl<'a> Fields<'a> {
    fn find(&self, key: &str) -> Option<&'a DeValue<'a>> {
        let found = self.table.iter().find(|(name, _)| name.get_ref() == key);
        found.map(|(_, value)| value.get_ref())
    }

    fn optional(&self, key: &str) -> Option<String> {
        self.find(key).and_then(string)
    }

    fn text(&self, key: &str) -> Result<String, String> {
        self.optional(key).ok_or_else(|| self.wrong(key))
    }

    /// The items of a list of tables, if there is one.
    fn tables<T>(
        &self,
        key: &str,
        item: impl Fn(&Self) -> Result<T, String>,
    ) -> Result<Vec<T>, String> {
        let list = self.find(key).and_then(DeValue::as_array);
        let items = list.into_iter().flat_map(|array| array.iter());
        let table = |value: &'a Spanned<DeValue<'a>>| {
            let table = value.get_ref().as_table().ok_or_else(|| self.wrong(key))?;
            item(&Self { toml: self.toml, table })
        };
        items.map(table).collect()
    }

    /// An error for keys other than these.
    fn only(&self, keys: &[&str]) -> Result<(), String> {
        let other = self.table.keys().find(|name| !keys.contains(&name.get_ref().as_ref()));
        other.map_or(Ok(()), |name| Err(self.wrong(name.get_ref())))
    }

    fn wrong(&self, key: &str) -> String {
        let start = self.table.iter().next().map_or(0, |(_, value)| value.span().start);
        let line =
            self.toml.bytes().take(start).filter(|&byte| byte == b'\n').count().saturating_add(1);
        format!(
            "the text's file, in the table that begins near line {line}: `{key}` is missing, unknown or of the wrong type"
        )
    }
}
