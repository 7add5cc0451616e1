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
    let rest = |cell: &str| cell.split_once('.').map_or(0, |(_, decimals)| decimals.len() + 1);
    let longest = cells.iter().skip(1).map(|cell| rest(cell)).max().unwrap_or(0);
    let pad = |(number, cell): (usize, &&str)| {
        let room = if are_numbers && number > 0 { longest - rest(cell) } else { 0 };
        format!("{cell}{:room$}", "")
    };
    let padded: Vec<_> = cells.iter().enumerate().map(pad).collect();
    let width = padded.iter().map(|cell| cell.chars().count()).max().unwrap_or(0);
    let align = |cell: String| {
        if are_numbers { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
    };
    padded.into_iter().map(align).collect()
}

/// The words of a text in lines of so many columns.
///
/// ```
/// assert_eq!(shared::lesson::wrapped("one two\nthree", 9), "one two\nthree");
/// ```
pub fn wrapped(text: &str, width: usize) -> String {
    let (mut lines, mut room) = (String::new(), 0);
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if length < room {
            lines.push(' ');
            room -= length + 1;
        } else {
            lines += if lines.is_empty() { "" } else { "\n" };
            room = width.saturating_sub(length);
        }
        lines += word;
    }
    lines
}
