//! Text from outside, made fit for one line.

/// `text` with a space for each control character.
pub fn one_line(text: &str) -> String {
    text.replace(char::is_control, " ")
}

/// The first `chars` characters of `text` on one line, and a mark where there are more.
pub fn excerpt(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        Some((end, _)) => one_line(&text[..end]) + "…",
        None => one_line(text),
    }
}
