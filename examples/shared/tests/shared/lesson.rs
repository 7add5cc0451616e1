//! What lessons print.

use shared::lesson::{Lesson, Quote, Sections, Source, Verdict, aligned, quotes_of_file, verdict};
use shared::run::Failure;

const TEXT: &str = r#"
title = "A text"
english = "In English"
author = "Its author"

[demo]
intro = "One neuron, w = {w}.\n"
[demo.words]
rule = "By the weight {w:.2}, not by the input."
sign = "Its sign is wrong."

[[demo.sections]]
key = "forward"
title = "Forward, {block}"
lines = "3-5"
formulas = "z = w x"
idea = "A product."
remark = "What the text says."
rows = [
    { name = "z", value = "z", text = "0.98", line = 4 },
    { name = "cut", value = "cut", text = "1.17", line = 4 },
    { name = "none", value = "z" },
    { name = "delta", value = "delta", run = "0.0101", slip = "rule" },
    { name = "both", value = "both", course = "-0.01", slip = "rule, sign" },
]

[[demo.sections]]
key = "table"
title = "Iterations"
lines = "9"
rows = [{ name = "alone", value = "z" }]
note = "{block}"
tables = [
    { name = "step", value = "step", columns = ["error", "weight"], rows = [
        [9, "1", "0.5", "-2"],
        [9, "2", "0.25", "7"],
    ] },
]
"#;

fn filled(toml: &'static str) -> Result<Lesson, Failure> {
    let mut lesson = Lesson::read(toml, "demo")?;
    lesson.set([("w", 0.2), ("z", 0.98), ("cut", 1.1774), ("delta", 0.51), ("both", 0.51)]);
    lesson.set([("delta (rule)", 0.0101), ("both (rule, sign)", -0.0101)]);
    lesson.table("step", 1, [[0.5, -2.0], [0.25, 3.0]]);
    lesson.block("block", "a block");
    Ok(lesson)
}

fn lesson() -> Lesson {
    filled(TEXT).unwrap()
}

fn told(lesson: &Lesson) -> String {
    let mut out = vec![];
    lesson.tell(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn lessons_have_quotes_and_verdicts() {
    let text = told(&lesson());
    for line in [
        "A text\n(In English)\nIts author\n\nOne neuron, w = 0.2.\n",
        "\n1. Forward, a block (lines 3-5)\n  A product.\n\n ",
        "          here           in the text    verdict\n",
        "  z       0.98           0.98           agrees\n",
        "  cut     1.18           1.17           agrees, cut off\n",
        "  none    0.9800000000   -\n",
        "  delta   0.5100         0.0101 (run)   differs: rule\n",
        "  both    0.51          -0.01 (course)  differs: rule, sign\n",
        "\n2. Iterations (line 9)\n",
        "  alone   0.9800000000\n\n  step  error  weight  verdict\n",
        "     1   0.5       -2  agrees\n",
        "     2   0.25       7  weight 3: differs\n\n  a block\n",
        "\nWhere the text differs\n  rule       By the weight 0.20, not by the input.\n  sign ",
        "\"(run)\": ",
        "\"(course)\": ",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert!(!text.contains("z = w x") && !text.contains("\"..\""), "{text}");
    assert!(text.lines().all(|line| line.trim_end() == line), "{text}");
}

#[test]
fn numbers_have_the_digits_of_the_quote_but_none_that_say_nothing() {
    for (digits, shown) in [("0.980000000000000099", "0.98"), ("0.9800", "0.9800")] {
        let toml = TEXT.replace("\"0.98\"", &format!("\"{digits}\""));
        let text = told(&filled(toml.leak()).unwrap());
        assert!(text.contains(&format!("  z       {shown}  ")), "{text}");
    }
}

#[test]
fn columns_of_numbers_are_aligned_at_the_point() {
    let lines = [["n", "x"], ["9", "-0.25"], ["10", "-"], ["", "12"], ["1", "7.5e-3"]];
    let text = aligned(&lines.map(|line| line.map(str::to_owned).to_vec()));
    assert_eq!(text, " n        x\n 9  -0.25\n10   -\n    12\n 1   7.5e-3\n\n");
    let text =
        aligned(&[["x", "y"], ["1", "one"], ["10", "2"]].map(|l| l.map(str::to_owned).to_vec()));
    assert_eq!(text, " x  y\n 1  one\n10  2\n\n");
}

#[test]
fn lessons_show_what_is_asked_for() {
    let keys = ["forward", "table"].map(str::to_owned);
    let sections = |list: &str| Sections::listed(list, &keys);
    let text = told(&lesson().showing(&sections("1").unwrap(), true));
    assert!(text.contains("    z = w x\n\n  A product.\n") && !text.contains("2. "), "{text}");
    let text = told(&lesson().showing(&sections("table").unwrap(), true));
    assert!(text.contains("\n2. Iterations") && !text.contains("rule"), "{text}");
    assert_eq!(sections(" 2, forward").unwrap(), sections("table,1").unwrap());
    for wrong in ["0", "3", "", "tables", "-1", "1,,2"] {
        assert!(sections(wrong).is_err(), "{wrong}");
    }
    assert_eq!(shared::lesson::keys(TEXT, "demo"), keys);
}

#[test]
fn lessons_without_their_text_have_numbers_only() {
    let text = told(&lesson().without_text());
    for word in
        ["A text", "lines", "agrees", "differs", "in the text", "What the text says", " -\n"]
    {
        assert!(!text.contains(word), "{word}\n{text}");
    }
    assert!(text.contains("  none    0.9800000000\n"), "{text}");
}

#[test]
fn reasons_that_do_not_apply_explain_nothing() {
    let text = told(&lesson().excluding("rule"));
    assert!(text.contains("(run)   differs\n") && text.contains("differs: sign\n"), "{text}");
    assert!(!text.contains("By the weight"), "{text}");
}

#[test]
fn faults_of_a_file_are_named() {
    for (old, new, what) in [
        ("author = ", "autor = ", "`author`"),
        ("key = \"forward\"", "kye = \"forward\"", "`kye`"),
        ("value = \"cut\"", "valu = \"cut\"", "`valu`"),
        ("[9, \"1\", ", "[9, ", "the number `step 0.5 0`"),
        ("[9, \"1\", \"0.5\", \"-2\"]", "[9]", "`rows`"),
        ("{block}\"\nlines", "{other}\"\nlines", "the number `other`"),
        ("{block}\"\nlines", "{other\"\nlines", "a brace"),
        ("rule = ", "rules = ", "the reason `rule`"),
        ("title = \"A text\"", "title = A text", "TOML parse error"),
    ] {
        let text = TEXT.replacen(old, new, 1);
        assert_ne!(text, TEXT, "{old}");
        let read = filled(text.leak()).and_then(|lesson| lesson.tell(&mut vec![]));
        let error = read.unwrap_err().to_string();
        assert!(error.contains(what), "{old}: {error}");
    }
    let error = Lesson::read(TEXT, "other").unwrap_err().to_string();
    assert!(error.contains("no table `other`"), "{error}");
}

#[test]
fn quotes_are_listed_with_their_lines() {
    let quotes = quotes_of_file(TEXT).unwrap();
    let digits: Vec<_> = quotes.iter().map(|quote| (&*quote.digits, quote.line)).collect();
    let want = [("0.98", Some(4)), ("1.17", Some(4)), ("0.0101", None), ("-0.01", None)];
    assert_eq!(digits[..4], want);
    assert_eq!(digits[4..], ["0.5", "-2", "0.25", "7"].map(|digits| (digits, Some(9))));
}

#[test]
fn verdicts_are_computed() {
    use Verdict::{Agrees, Cut, Differs, LastDigit, Unexplained};
    let quote = |source, digits: &str| Quote { digits: digits.to_owned(), source, line: None };
    for (value, digits, want) in [
        (0.980_000_04, "0.9800", Agrees),
        (0.98, "0.9801", Unexplained),
        (0.1249, "0.1", Agrees),
        (1.1774, "1.17", Cut),
        (-1.1774, "-1.17", Cut),
        (0.081_866_705_04, "0.0818667051", LastDigit),
        (0.081_866_705_04, "0.0818667052", Unexplained),
        (1.26, "1.28", Unexplained),
        (1.026_417_9e-8, "1.0264e-08", Agrees),
        (1.026_417_9e-8, "1.0265e-08", Unexplained),
        (-0.0, "0.0", Agrees),
        (f64::NAN, "0.5", Unexplained),
        (0.5, "half", Unexplained),
        (0.51, "0.01", Differs("rule")),
    ] {
        let slips = [("other", 0.7), ("rule", 0.0101)];
        assert_eq!(verdict(value, &quote(Source::Text, digits), &slips), want, "{digits}");
    }
    // Code prints all digits.
    for (digits, want) in
        [("0.98", Agrees), ("0.980", Agrees), ("1.0", Unexplained), ("0.9", Unexplained)]
    {
        assert_eq!(verdict(0.98, &quote(Source::Run, digits), &[]), want, "{digits}");
    }
}
