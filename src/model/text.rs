//! Text from outside, fit for where it goes.

/// Whether a character can break a line. The last two are separators of lines and paragraphs, and no control characters.
pub fn breaks_line(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

/// The text with a space for each control character.
pub fn printable(text: &str) -> String {
    text.replace(char::is_control, " ")
}

/// The printable beginning of a text, with a mark where there is more.
pub fn beginning(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => printable(&text[..end]) + "…",
        None => printable(text),
    }
}
