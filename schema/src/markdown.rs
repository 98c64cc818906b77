//! Text of others in Markdown, where nothing of it is read as markup: what commands and servers write into comments.

use std::fmt::Write as _;

/// Lines of one table.
pub const LINES: usize = 50;
/// Characters of one cell.
const CELL: usize = 300;

/// Says how many of a table's lines were left out.
pub fn more(text: &mut String, lines: usize) {
    if lines > LINES {
        let _ = writeln!(text, "\n… and {} more", lines - LINES);
    }
}

/// The lines of a table that are shown.
pub fn shown<T>(lines: &[T]) -> &[T] {
    lines.get(..LINES).unwrap_or(lines)
}

/// A count with its noun.
pub fn counted(count: u64, noun: &str) -> String {
    match count {
        0 => format!("no {noun}s"),
        1 => format!("1 {noun}"),
        count => format!("{count} {noun}s"),
    }
}

/// Text of others as a cell of a table.
pub fn cell(text: &str) -> String {
    let mut short: String = text.chars().take(CELL).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    escape(&short)
}

/// Text of others as code.
pub fn code(text: &str) -> String {
    format!("<code>{}</code>", cell(text))
}

/// Text of others, of which nothing is read as Markdown or HTML.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' | '<' | '>' | '|' | '`' | '*' | '_' | '[' | ']' | '\\' | '~' | '#' | '!' | '@' | '"' | '(' | ')' => {
                let _ = write!(escaped, "&#{};", u32::from(character));
            }
            character if character.is_control() => escaped.push(' '),
            character => escaped.push(character),
        }
    }
    escaped
}
