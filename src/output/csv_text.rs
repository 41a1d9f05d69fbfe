//! Text in a CSV that spreadsheets open. What one would take for a formula has an apostrophe before it, and loses it
//! when it is read back.

use std::borrow::Cow;

/// What a formula can begin with: `CSV Injection` of OWASP, with the wide forms that East Asian settings take as well.
fn begins_formula(c: char) -> bool {
    matches!(
        c,
        '=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '＝' | '＋' | '－' | '＠'
    )
}

/// Whether, but for apostrophes, the text begins a formula.
fn is_formula(text: &str) -> bool {
    text.trim_start_matches('\'').starts_with(begins_formula)
}

/// The text as it is written.
pub(super) fn neutral(text: &str) -> Cow<'_, str> {
    if is_formula(text) {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// The text that was written.
pub(super) fn plain(text: &str) -> &str {
    match text.strip_prefix('\'') {
        Some(rest) if is_formula(rest) => rest,
        _ => text,
    }
}

/// The user column as it is written: where `;` parts fields, each of its names is one.
pub(super) fn neutral_users(users: &str) -> String {
    users.split(';').map(neutral).collect::<Vec<_>>().join(";")
}

/// The user column that was written.
pub(super) fn plain_users(users: &str) -> String {
    users.split(';').map(plain).collect::<Vec<_>>().join(";")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_begins_a_formula_is_text() {
        for (name, written) in [
            ("=1+1", "'=1+1"),
            ("+886", "'+886"),
            ("-x", "'-x"),
            ("@alice", "'@alice"),
            ("＝1", "'＝1"),
            ("\tx", "'\tx"),
            ("'=1", "''=1"),
            ("alice", "alice"),
            ("a=1", "a=1"),
            ("'s", "'s"),
            ("王小明", "王小明"),
            ("", ""),
        ] {
            assert_eq!(neutral(name), written);
        }
        assert_eq!(neutral_users("alice;=1;bob"), "alice;'=1;bob");
    }

    #[test]
    fn what_the_old_programs_wrote_is_read_as_it_is() {
        for text in ["=1+1", "'s", "'", "alice"] {
            assert_eq!(plain(text), text);
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_harmless_and_read_back(text in "['=+@;\t\ra王-]{0,6}") {
            let written = neutral(&text);
            prop_assert!(!written.starts_with(begins_formula));
            prop_assert_eq!(plain(&written), text.as_str());
            prop_assert_eq!(plain_users(&neutral_users(&text)), text);
        }
    }
}
