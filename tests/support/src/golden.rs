//! Golden numbers: `tests/golden/*.json`; its origin is told in `how` or `model` of each file.

use gradlet::{Activation, Dense, Scalar};
use serde_json::Value;

/// A part of a golden file.
#[derive(Clone, Copy)]
pub struct Json<'a>(&'a Value);

impl Json<'static> {
    /// The golden file of that name. It is read once and stays in memory.
    pub fn file(name: &str) -> Self {
        let path = format!("{}/../golden/{name}.json", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
        let value: Value = serde_json::from_str(&text).unwrap();
        Self(Box::leak(Box::new(value)))
    }
}

impl<'a> Json<'a> {
    /// The member of that name.
    #[track_caller]
    pub fn at(self, key: &str) -> Self {
        Self(self.0.get(key).unwrap_or_else(|| panic!("no `{key}`")))
    }

    pub fn get(self, key: &str) -> Option<Self> {
        self.0.get(key).map(Self)
    }

    /// The elements of a list.
    #[track_caller]
    pub fn list(self) -> Vec<Self> {
        self.0.as_array().expect("a list").iter().map(Self).collect::<Vec<Json<'a>>>()
    }

    #[track_caller]
    pub fn nth(self, i: usize) -> Self {
        self.list()[i]
    }

    #[track_caller]
    pub fn number(self) -> f64 {
        self.0.as_f64().expect("a number")
    }

    #[track_caller]
    pub fn count(self) -> usize {
        self.0.as_u64().expect("a count") as usize
    }

    #[track_caller]
    pub fn text(self) -> &'a str {
        self.0.as_str().expect("a text")
    }

    /// The word of an IEEE number, written in hexadecimal under `bits`.
    #[track_caller]
    pub fn f32(self) -> f32 {
        f32::from_bits(u32::from_str_radix(self.at("bits").text(), 16).unwrap())
    }

    /// A list of numbers, or one number.
    #[track_caller]
    pub fn numbers(self) -> Vec<f64> {
        self.0.as_array().map_or_else(
            || vec![self.number()],
            |list| list.iter().flat_map(|v| Json(v).numbers()).collect(),
        )
    }

    /// A list of `N` numbers.
    #[track_caller]
    pub fn array<T: Scalar, const N: usize>(self) -> [T; N] {
        let numbers = self.numbers();
        assert_eq!(numbers.len(), N);
        core::array::from_fn(|i| T::from_f64(numbers[i]))
    }

    /// A list of `R` lists of `C` numbers.
    #[track_caller]
    pub fn matrix<T: Scalar, const C: usize, const R: usize>(self) -> [[T; C]; R] {
        let list = self.list();
        assert_eq!(list.len(), R);
        core::array::from_fn(|i| list[i].array())
    }
}

/// A layer from `w[neuron][input]` and `b[neuron]`.
#[track_caller]
pub fn dense<const IN: usize, const OUT: usize, A: Activation<T>, T: Scalar>(
    w: Json<'_>,
    b: Json<'_>,
) -> Dense<IN, OUT, A, T> {
    Dense::from_rows(w.matrix(), b.array())
}
