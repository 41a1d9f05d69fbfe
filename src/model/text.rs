//! Text from outside, fit for where it goes.

use icu_normalizer::ComposingNormalizer;

/// Whether a character can break a line. The last two are separators of lines and paragraphs, and no control characters.
pub fn breaks_line(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

/// Whether a character is not seen, but changes what is: Unicode's format characters, such as those that turn the
/// direction of a line or have no width.
pub fn is_format(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// The text with a space for each control character, and the number of each format character.
pub fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if c.is_control() => printable.push(' '),
            c if is_format(c) || breaks_line(c) => printable.extend(c.escape_unicode()),
            c => printable.push(c),
        }
    }
    printable
}

/// The printable beginning of a text, with a mark where there is more.
pub fn beginning(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => printable(&text[..end]) + "…",
        None => printable(text),
    }
}

/// What is quoted of a text of whatever length.
pub fn quote(text: &str) -> String {
    const CHARS: usize = 200;
    beginning(text, CHARS)
}

/// Where the JSON string that `text` begins with ends.
pub fn literal_end(text: &str) -> usize {
    let mut is_escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            b'"' if !is_escaped => return at + 1,
            b'\\' => is_escaped = !is_escaped,
            _ => is_escaped = false,
        }
    }
    text.len()
}

/// The name in the form in which names are compared: Unicode has two ways to write é (NFC).
pub fn composed(name: &str) -> String {
    ComposingNormalizer::new_nfc().normalize(name).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_seen_is_shown() {
        for (text, shown) in [
            ("王小明 é", "王小明 é"),
            ("a\nb\u{1b}[1m", "a b [1m"),
            ("ali\u{ad}ce\u{200b}", "ali\\u{ad}ce\\u{200b}"),
            ("\u{202e}bob\u{2028}", "\\u{202e}bob\\u{2028}"),
        ] {
            assert_eq!(printable(text), shown);
        }
        assert_eq!(quote(&"長".repeat(201)), "長".repeat(200) + "…");
        assert_eq!(composed("e\u{301}"), "é");
    }
}
