//! Text in lines and columns.

/// The most columns of a line.
pub const WIDTH: usize = 104;

/// Lines of cells separated by tabs, in columns, and a blank line.
///
/// ```
/// assert_eq!(shared::lesson::tabulated("n\tx\n10\t0.5"), " n    x\n10  0.5\n\n");
/// ```
pub fn tabulated(lines: &str) -> String {
    let cells = |line: &str| line.split('\t').map(str::to_owned).collect();
    aligned(&lines.lines().map(cells).collect::<Vec<_>>())
}

/// Lines of cells in columns: to the right, the decimal points below one another, where all cells
/// but the first are numbers. A blank line after them.
pub fn aligned(lines: &[Vec<String>]) -> String {
    let count = lines.iter().map(Vec::len).max().unwrap_or(0);
    let cells = |at: usize| lines.iter().map(move |line| line.get(at).map_or("", String::as_str));
    let columns: Vec<_> = (0..count).map(|at| column(&cells(at).collect::<Vec<_>>())).collect();
    let mut text = String::new();
    for number in 0..lines.len() {
        let padded: Vec<_> =
            columns.iter().filter_map(|column| column.get(number).map(String::as_str)).collect();
        text += padded.join("  ").trim_end();
        text.push('\n');
    }
    text + "\n"
}

/// The cells of a column, all of one width.
fn column(cells: &[&str]) -> Vec<String> {
    let mut numbers = cells.iter().skip(1).filter(|cell| !["", "-"].contains(cell)).peekable();
    let are_numbers = numbers.peek().is_some() && numbers.all(|cell| cell.parse::<f64>().is_ok());
    // The point and the decimals.
    let rest = |cell: &str| cell.find('.').map_or(0, |at| cell.len().saturating_sub(at));
    let longest = cells.iter().skip(1).map(|cell| rest(cell)).max().unwrap_or(0);
    let pad = |(number, cell): (usize, &&str)| {
        let room = if are_numbers && number > 0 { longest.saturating_sub(rest(cell)) } else { 0 };
        format!("{cell}{:room$}", "")
    };
    let padded: Vec<_> = cells.iter().enumerate().map(pad).collect();
    let width = padded.iter().map(|cell| cell.chars().count()).max().unwrap_or(0);
    let align = |cell: String| {
        if are_numbers { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
    };
    padded.into_iter().map(align).collect()
}

/// The words of a text in lines of so many columns. No line ends beside an operator.
///
/// ```
/// assert_eq!(shared::lesson::wrapped("one\ntwo a - b", 9), "one two\na - b");
/// ```
pub fn wrapped(text: &str, width: usize) -> String {
    let mut text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for operator in ["=", "+", "-", "*", "/"] {
        text = text.replace(&format!(" {operator} "), &format!("\u{a0}{operator}\u{a0}"));
    }
    let mut lines: Vec<String> = vec![];
    for word in text.split(' ') {
        let fits = |line: &String| line.chars().chain(word.chars()).count() < width;
        match lines.last_mut() {
            Some(line) if fits(line) => *line += &format!(" {word}"),
            _ => lines.push(word.to_owned()),
        }
    }
    lines.join("\n").replace('\u{a0}', " ")
}
