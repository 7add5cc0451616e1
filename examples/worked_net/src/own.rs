//! Numbers of the user's own, from a TOML file.

use core::ops::Range;
use std::fs;
use std::path::Path;

use shared::options::nearest;
use shared::run::Failure;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::Numbers;

/// The keys of a file, and what belongs to each.
const KEYS: [(&str, &str); 5] = [
    ("inputs", "[i1, i2]"),
    ("targets", "[o1, o2]"),
    ("weights", "[[w1, w2], [w3, w4], [w5, w6], [w7, w8]]"),
    ("biases", "[b1, b2, b3, b4]"),
    ("learning_rate", "a number greater than 0"),
];

/// Reads a file: the numbers, and the learning rate if it has one.
pub fn read(path: &Path) -> Result<(Numbers, Option<f64>), Failure> {
    let failure = |what| Failure::because(format!("{}{what}", path.display()));
    let text = fs::read_to_string(path).map_err(|error| failure(format!(": {error}")))?;
    parse(&text).map_err(failure)
}

/// Reads the text of a file; an error continues its path: `:3: weights: ..`.
pub fn parse(text: &str) -> Result<(Numbers, Option<f64>), String> {
    let table = DeTable::parse(text).map_err(|error| {
        let at = line(text, &error.span().unwrap_or_default());
        format!(":{at}: this is not TOML: {}", error.message())
    })?;
    let file = File { text, table: table.get_ref() };
    for name in file.table.keys() {
        let (at, name) = (line(text, &name.span()), name.get_ref());
        if !KEYS.iter().any(|(key, _)| key == name) {
            let keys = KEYS.map(|(key, _)| key);
            let near = nearest(name, keys).unwrap_or_default();
            return Err(format!(
                ":{at}: unknown key `{name}`; did you mean `{near}`? The keys are {}",
                keys.join(", ")
            ));
        }
    }
    let numbers = Numbers {
        inputs: file.list("inputs")?,
        targets: file.list("targets")?,
        weights: file.weights()?,
        biases: file.list("biases")?,
    };
    let rate = file.find("learning_rate").map(|rate| {
        let number = file.number("learning_rate", rate)?;
        let wrong =
            || file.error("learning_rate", rate, &format!("{number} is not greater than 0"));
        (number > 0.0).then_some(number).ok_or_else(wrong)
    });
    Ok((numbers, rate.transpose()?))
}

/// The number of a line, from 1.
fn line(text: &str, span: &Range<usize>) -> usize {
    text.bytes().take(span.start).filter(|&byte| byte == b'\n').count().saturating_add(1)
}

type Value<'a> = Spanned<DeValue<'a>>;

struct File<'a> {
    text: &'a str,
    table: &'a DeTable<'a>,
}

impl<'a> File<'a> {
    fn find(&self, key: &str) -> Option<&'a Value<'a>> {
        self.table.iter().find(|(name, _)| name.get_ref() == key).map(|(_, value)| value)
    }

    fn get(&self, key: &str) -> Result<&'a Value<'a>, String> {
        self.find(key).ok_or_else(|| format!(": the key `{key}` is missing{}", expected(key)))
    }

    fn error(&self, key: &str, value: &Value<'_>, what: &str) -> String {
        format!(":{}: {key}: {what}{}", line(self.text, &value.span()), expected(key))
    }

    /// The `N` elements of an array.
    fn array<const N: usize>(
        &self,
        key: &str,
        value: &'a Value<'a>,
        what: &str,
    ) -> Result<[&'a Value<'a>; N], String> {
        let DeValue::Array(array) = value.get_ref() else {
            return Err(self.error(key, value, &format!("not a list of {N} {what}")));
        };
        let wrong = || self.error(key, value, &format!("{} {what}, not {N}", array.len()));
        array.iter().collect::<Vec<_>>().try_into().map_err(|_| wrong())
    }

    fn number(&self, key: &str, value: &Value<'_>) -> Result<f64, String> {
        let number = match value.get_ref() {
            DeValue::Integer(integer) if integer.radix() == 10 => integer.as_str().parse().ok(),
            DeValue::Float(float) => float.as_str().parse().ok(),
            _ => None,
        };
        let text = self.text.get(value.span()).unwrap_or_default();
        let wrong = |what| self.error(key, value, &format!("{text} is not {what}"));
        let number: f64 = number.ok_or_else(|| wrong("a decimal number"))?;
        // In f32 too, which trains by default.
        let is_finite = number.abs() <= f32::MAX.into();
        is_finite.then_some(number).ok_or_else(|| wrong("finite in f32"))
    }

    fn numbers<const N: usize>(&self, key: &str, value: &'a Value<'a>) -> Result<[f64; N], String> {
        let mut numbers = [0.0; N];
        for (number, value) in numbers.iter_mut().zip(self.array::<N>(key, value, "numbers")?) {
            *number = self.number(key, value)?;
        }
        Ok(numbers)
    }

    fn list<const N: usize>(&self, key: &str) -> Result<[f64; N], String> {
        self.numbers(key, self.get(key)?)
    }

    fn weights(&self) -> Result<[[f64; 2]; 4], String> {
        let mut rows = [[0.0; 2]; 4];
        let values = self.array::<4>("weights", self.get("weights")?, "rows")?;
        for (row, value) in rows.iter_mut().zip(values) {
            *row = self.numbers("weights", value)?;
        }
        Ok(rows)
    }
}

fn expected(key: &str) -> String {
    let form = KEYS.iter().find(|(name, _)| *name == key).map_or("", |(_, form)| form);
    format!("; expected {key} = {form}")
}
