//! The quotes of the texts: each stands on the line that is given for it.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests may panic"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use shared::lesson::{Lesson, Quote, Section, Source, quotes_of_file};

/// The name of each text, and its examples. The texts themselves are in files whose names start with
/// 000, 001 ..
const TEXTS: [(&str, &[&str]); 5] = [
    ("ten_points_script", &["ten_points"]),
    ("grokking_notes", &["grokking", "digits"]),
    ("lecture_notes", &["backprop_by_hand", "gradient_descent", "losses", "line_fit"]),
    ("tanh_script", &["tanh_neuron"]),
    ("backprop_article", &["worked_net", "moons"]),
];

fn file(name: &str, ending: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("texts").join(format!("{name}.{ending}"))
}

/// The numbers in a line of a text, each with the minus directly before it.
fn numbers(line: &str) -> Vec<String> {
    let bytes = line.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let (mut found, mut at) = (vec![], 0);
    while at < bytes.len() {
        if !digit(at) {
            at += 1;
            continue;
        }
        let start = if at > 0 && bytes[at - 1] == b'-' { at - 1 } else { at };
        while digit(at) || bytes.get(at) == Some(&b'.') && digit(at + 1) {
            at += 1;
        }
        if bytes.get(at) == Some(&b'e') {
            let signed = at + 1 + usize::from(matches!(bytes.get(at + 1), Some(b'-' | b'+')));
            if digit(signed) {
                at = signed;
                while digit(at) {
                    at += 1;
                }
            }
        }
        found.push(line[start..at].to_owned());
    }
    found
}

/// The numbers by line, as they are stored: `383: 1 0.302500 0.303050`.
fn stored(name: &str) -> BTreeMap<u32, Vec<String>> {
    let text = fs::read_to_string(file(name, "numbers")).unwrap();
    let line = |line: &str| {
        let (number, numbers) = line.split_once(": ").unwrap();
        (number.parse().unwrap(), numbers.split(' ').map(str::to_owned).collect())
    };
    text.lines().map(line).collect()
}

/// Whether a quote stands on its line: as it is, or, if it is marked as shortened, at the start of a
/// number that goes on.
fn stands(quote: &Quote, numbers: &BTreeMap<u32, Vec<String>>) -> bool {
    let of_line = quote.line.and_then(|line| numbers.get(&line)).into_iter().flatten();
    let is_it = |number: &str| match quote.source {
        // numpy prints `0.`; the point may also be that of a sentence.
        Source::Text => number == quote.digits.trim_end_matches('.'),
        Source::Short => number.len() > quote.digits.len() && number.starts_with(&quote.digits),
        Source::Word | Source::Run | Source::Course => true,
    };
    // In `2x-2`, `-2` may be a 2.
    let elsewhere = !matches!(quote.source, Source::Text | Source::Short);
    elsewhere || of_line.into_iter().any(|n| is_it(n) || n.strip_prefix('-').is_some_and(is_it))
}

#[test]
fn every_quote_stands_on_its_line() {
    for (name, _) in TEXTS {
        let toml = fs::read_to_string(file(name, "toml")).unwrap();
        let (quotes, numbers) = (quotes_of_file(&toml).unwrap(), stored(name));
        assert!(!quotes.is_empty(), "{name} has no quotes");
        for quote in quotes {
            assert!(stands(&quote, &numbers), "{name}: {quote:?}");
        }
    }
}

#[test]
fn a_quote_with_another_digit_stands_nowhere() {
    for (name, _) in TEXTS {
        let toml = fs::read_to_string(file(name, "toml")).unwrap();
        let numbers = stored(name);
        for quote in quotes_of_file(&toml).unwrap() {
            let line = quote.line.and_then(|line| numbers.get(&line)).cloned().unwrap_or_default();
            let changed = format!("{}7", quote.digits);
            // No line happens to have the changed number, too.
            if quote.source == Source::Text && !line.contains(&changed) {
                assert!(!stands(&Quote { digits: changed, ..quote }, &numbers), "{name}");
            }
        }
    }
}

/// The first of the lines that a section follows.
fn first_line(section: &Section) -> Option<u32> {
    section.lines.as_deref()?.split(['-', ',']).next()?.parse().ok()
}

#[test]
fn the_page_of_the_examples_says_where_each_part_of_a_text_is() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("README.md");
    let page = fs::read_to_string(page).unwrap();
    for (name, examples) in TEXTS {
        let toml: &str = fs::read_to_string(file(name, "toml")).unwrap().leak();
        let mut rows = vec![];
        for example in examples {
            for section in Lesson::read(toml, example).unwrap().sections() {
                let Some(lines) = &section.lines else { continue };
                let row = format!("| {lines} | `{example}` | `{}` |\n", section.key);
                rows.push((first_line(section).unwrap(), row));
            }
        }
        rows.sort();
        let rows: String = rows.into_iter().map(|(_, row)| row).collect();
        assert!(page.contains(&format!("|---|---|---|\n{rows}\n")), "{name} needs\n{rows}");
    }
}

#[test]
fn numbers_of_a_line_are_found() {
    let line = "In[5] x=-1.50，-2e-05 与 3.e y2-4; 0.1.";
    assert_eq!(numbers(line), ["5", "-1.50", "-2e-05", "3", "2", "-4", "0.1"]);
    assert_eq!(numbers("none"), [""; 0]);
}

#[test]
#[ignore = "needs a folder with the five texts, in GRADLET_TEXTS; BLESS=1 stores their numbers"]
fn stored_numbers_are_those_of_the_texts() {
    let folder = std::env::var_os("GRADLET_TEXTS").unwrap();
    for ((name, _), number) in TEXTS.into_iter().zip(0..) {
        let start = format!("{number:03}");
        let all = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
        let is_it =
            |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().starts_with(&start);
        let text = fs::read_to_string(all.filter(|path| is_it(path)).min().unwrap()).unwrap();
        // The lecture notes say everything three times; these lines are all that they say.
        let most = if name == "lecture_notes" { 155 } else { usize::MAX };
        let of_line = |(line, number): (&str, u32)| match &numbers(line)[..] {
            [] => String::new(),
            numbers => format!("{number}: {}\n", numbers.join(" ")),
        };
        let found: String = text.lines().take(most).zip(1..).map(of_line).collect();
        let path = file(name, "numbers");
        if std::env::var_os("BLESS").is_some() {
            fs::write(&path, &found).unwrap();
        }
        assert!(fs::read_to_string(&path).unwrap() == found, "{name}");
    }
}
