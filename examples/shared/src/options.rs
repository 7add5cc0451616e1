//! Command-line options.

use core::any::Any;
use core::error::Error;
use core::fmt::Display;
use core::marker::PhantomData;
use core::ops::RangeBounds;
use std::ffi::OsStr;
use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser, RangedI64ValueParser, TypedValueParser};
use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::lesson::{self, Sections};

/// Defines a struct whose fields are the command-line options of a program, with
/// `Options::parse()`.
///
/// ```
/// # use shared::{options, options::whole};
/// options! {
///     "xor",
///     /// Counts how many random starts learn XOR.
///     struct Options {
///         /// Number of random starts
///         random_starts: u32 = whole("N", 1000, 1..=10_000),
///     }
/// }
/// let matches = Options::command().get_matches_from(["xor", "--random-starts", "7"]);
/// assert_eq!(Options::from(&matches).random_starts, 7);
/// ```
#[macro_export]
macro_rules! options {
    (
        $name:literal,
        $(#[doc = $about:literal])+
        struct Options {
            $($(#[doc = $help:literal])+ $field:ident: $type:ty = $argument:expr,)+
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Debug)]
        struct Options {
            $($(#[doc = $help])+ $field: $type,)+
        }

        impl Options {
            /// Parses the command line of this program; ends the program if that fails.
            #[allow(dead_code, reason = "a test of a command line needs the other two only")]
            fn parse() -> Self {
                Self::from(&Self::command().get_matches())
            }

            fn command() -> clap::Command {
                $crate::options::command($name, concat!($($about),+)).args([$(
                    $crate::options::Argument::<$type>::from($argument)
                        .described(concat!($($help),+)).0
                        .id(stringify!($field))
                        .long(stringify!($field).replace('_', "-")),
                )+])
            }
        }

        impl From<&clap::ArgMatches> for Options {
            fn from(matches: &clap::ArgMatches) -> Self {
                Self { $($field: $crate::options::given(matches, stringify!($field)),)+ }
            }
        }
    };
}

/// A command without options.
pub fn command(name: &'static str, about: &str) -> Command {
    Command::new(name).about(lesson::wrapped(about, lesson::WIDTH)).next_line_help(true)
}

/// The value given for an option, or its default value; `T::default()` without either.
pub fn given<T: Any + Clone + Default + Send + Sync>(matches: &ArgMatches, option: &str) -> T {
    matches.get_one(option).cloned().unwrap_or_default()
}

/// An option whose value is a `T`.
#[derive(Debug)]
pub struct Argument<T>(pub Arg, PhantomData<T>);

impl<T> Argument<T> {
    fn new(name: &'static str) -> Self {
        Self(Arg::new(name).value_name(name).allow_negative_numbers(true), PhantomData)
    }

    /// Changes the `clap` argument.
    pub fn with(self, change: impl FnOnce(Arg) -> Arg) -> Self {
        Self(change(self.0), PhantomData)
    }

    /// With its help, its default value and its possible values, in lines that fit below its name.
    pub fn described(self, help: &str) -> Self {
        let mut help = help.to_owned();
        let default = self.0.get_default_values().iter().map(|value| value.to_string_lossy());
        let default = default.collect::<Vec<_>>().join(", ");
        let values = self.0.get_possible_values();
        // Values with a help text of their own have lines of their own.
        let values = values.iter().filter(|value| value.get_help().is_none());
        let values = values.map(PossibleValue::get_name).collect::<Vec<_>>().join(", ");
        for (name, list) in [("default", default), ("possible values", values)] {
            if !list.is_empty() {
                help += &format!(" [{name}: {list}]");
            }
        }
        self.with(|arg| {
            arg.help(lesson::wrapped(&help, lesson::WIDTH - 10)).hide_default_value(true)
        })
    }
}

/// An integer in a range.
pub fn whole<T>(name: &'static str, default: T, range: impl RangeBounds<i64>) -> Argument<T>
where
    T: TryFrom<i64, Error: Error + Send + Sync> + Display + Clone + Send + Sync + 'static,
{
    let parser = RangedI64ValueParser::<T>::new().range(range);
    Argument::new(name).with(|arg| arg.value_parser(parser).default_value(default.to_string()))
}

/// A number, parsed by `parser`.
pub fn real(
    name: &'static str,
    default: f64,
    parser: fn(&str) -> Result<f64, String>,
) -> Argument<f64> {
    read(name, parser).with(|arg| arg.default_value(default.to_string()))
}

/// Any value, parsed by `parser`.
pub fn read<T: Clone + Send + Sync + 'static>(
    name: &'static str,
    parser: fn(&str) -> Result<T, String>,
) -> Argument<T> {
    Argument::new(name).with(|arg| arg.value_parser(parser))
}

/// One of several words, each with its help text; the first by default.
pub fn choice<T: Copy + Send + Sync + 'static, const N: usize>(
    name: &'static str,
    words: [(T, &'static str, &'static str); N],
) -> Argument<T> {
    let values = words.map(|(_, word, help)| PossibleValue::new(word).help(help));
    let parser = PossibleValuesParser::new(values).try_map(move |word| {
        let value = words.iter().find(|(_, other, _)| *other == word);
        value.map(|(value, ..)| *value).ok_or("no such word")
    });
    let first = words.first().map_or("", |(_, word, _)| word);
    Argument::new(name).with(|arg| arg.value_parser(parser).default_value(first))
}

/// The sections of an example, listed by key or number; all by default.
pub fn sections(toml: &'static str, example: &'static str) -> Argument<Sections> {
    let keys = SectionParser(lesson::keys(toml, example));
    Argument::new("LIST").with(|arg| arg.value_parser(keys).hide_possible_values(true))
}

/// Parses a list of sections.
#[derive(Clone)]
struct SectionParser(Vec<String>);

impl TypedValueParser for SectionParser {
    type Value = Sections;

    fn parse_ref(
        &self,
        command: &Command,
        arg: Option<&Arg>,
        value: &OsStr,
    ) -> Result<Sections, clap::Error> {
        let keys = self.0.clone();
        let listed = move |list: &str| {
            let wrong = |what| format!("{what}; the sections are {}", keys.join(", "));
            Sections::listed(list, &keys).map_err(wrong)
        };
        TypedValueParser::parse_ref(&listed, command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(self.0.iter().map(PossibleValue::new)))
    }
}

/// A flag.
pub fn flag() -> Argument<bool> {
    Argument(Arg::new("flag").action(ArgAction::SetTrue), PhantomData)
}

/// The path of a file or folder, if given.
pub fn path(name: &'static str) -> Argument<Option<PathBuf>> {
    read(name, |text| Ok(Some(PathBuf::from(text))))
}

/// Parses a number that is finite and greater than zero.
pub fn positive(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if value.is_finite() && value > 0.0 {
        Ok(value)
    } else {
        Err("must be finite and greater than 0".to_owned())
    }
}

/// Parses words separated by commas.
pub fn list<T>(text: &str, word: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>, String> {
    text.split(',').map(|each| word(each.trim())).collect()
}

/// The one of `words` that is most like `word`.
pub fn nearest<S: AsRef<str>>(word: &str, words: impl IntoIterator<Item = S>) -> Option<S> {
    let likeness = |other: &S| strsim::jaro(word, other.as_ref());
    words.into_iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)))
}
