//! Pictures and tables that the examples write: are they whole?

/// What is wrong with the text of an SVG file: a tag that is not closed, a `<` or `&` that is not
/// escaped, a number that is none.
pub fn fault_of_svg(svg: &str) -> Option<String> {
    let mut open = vec![];
    let mut parts = svg.split('<');
    if parts.next().is_none_or(|before| !before.trim().is_empty()) {
        return Some("text before the first tag".to_owned());
    }
    for part in parts.filter(|part| !part.starts_with('?')) {
        let Some((tag, text)) = part.split_once('>') else {
            return Some(format!("`<{part}` has no end"));
        };
        if text.contains('>') || tag.matches('"').count() % 2 != 0 {
            return Some(format!("stray `>` or `\"` in `<{part}`"));
        }
        let is_entity = |text: &str| {
            let name = text.split_once(';').map_or("", |(name, _)| name);
            ["lt", "gt", "amp", "quot", "apos", "#39"].contains(&name)
        };
        if let Some(text) = part.split('&').skip(1).find(|text| !is_entity(text)) {
            return Some(format!("no entity: `&{text}`"));
        }
        let name = tag.split([' ', '\n', '/']).next().unwrap_or_default();
        if let Some(name) = tag.strip_prefix('/') {
            if open.pop() != Some(name.trim()) {
                return Some(format!("`</{name}>` closes another tag"));
            }
        } else if !tag.ends_with('/') {
            open.push(name);
        }
        // As the values of attributes; a word of the text may have them.
        let values = tag.split('"').skip(1).step_by(2);
        let is_none = |word: &str| ["NaN", "inf", "-inf"].contains(&word);
        if values.flat_map(|value| value.split([' ', ','])).any(is_none) {
            return Some(format!("no number in `<{tag}>`"));
        }
    }
    let is_picture = svg.starts_with("<svg") || svg.starts_with("<?xml") && svg.contains("<svg");
    (!open.is_empty() || !is_picture).then(|| format!("not one picture; open: {open:?}"))
}

/// What is wrong with the text of a CSV file: no header, no rows, or rows of other lengths.
pub fn fault_of_csv(csv: &str) -> Option<String> {
    let mut lines = csv.lines();
    let header = cells(lines.next().unwrap_or_default());
    if header.iter().any(|name| name.trim().is_empty() || name.parse::<f64>().is_ok()) {
        return Some(format!("no header: {header:?}"));
    }
    let mut rows = 0;
    for line in lines {
        let row = cells(line);
        if row.len() != header.len() {
            return Some(format!("not {} cells: `{line}`", header.len()));
        }
        if row.iter().any(|cell| ["NaN", "inf", "-inf"].contains(&&**cell)) {
            return Some(format!("no number: `{line}`"));
        }
        rows += 1;
    }
    (rows == 0 || !csv.ends_with('\n')).then(|| format!("{rows} rows, the last without an end"))
}

/// The cells of a line; commas within quotation marks belong to a cell.
fn cells(line: &str) -> Vec<String> {
    let (mut cells, mut is_quoted) = (vec![String::new()], false);
    for letter in line.chars() {
        match (letter, cells.last_mut()) {
            ('"', _) => is_quoted = !is_quoted,
            (',', _) if !is_quoted => cells.push(String::new()),
            (letter, Some(cell)) => cell.push(letter),
            _ => {}
        }
    }
    cells
}
