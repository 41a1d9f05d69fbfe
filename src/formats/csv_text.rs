//! Text in a CSV that spreadsheets open. What one would take for a formula has an apostrophe before it, and loses it
//! when it is read back. Where `;` parts fields, which the settings of the machine say, each part of a text is a field.

use std::io;

use csv::{ReaderBuilder, StringRecord, WriterBuilder};
use serde::Serialize;

use crate::model::Language;

/// More than any header has.
const HEAD_BYTES: u64 = 4096;

pub fn file<R: Serialize>(header: &str, rows: impl IntoIterator<Item = R>) -> Vec<u8> {
    let mut csv = WriterBuilder::new()
        .has_headers(false)
        .from_writer(format!("{header}\n").into_bytes());
    let written = rows.into_iter().try_for_each(|row| csv.serialize(row));
    written.expect("a vector takes whatever is written");
    csv.into_inner()
        .expect("a vector takes whatever is written")
}

/// The first row of a file, in the language that is chosen.
pub type Header = fn() -> &'static str;

/// In which language a row is this header.
pub fn language(row: &StringRecord, header: Header) -> Option<Language> {
    Language::in_which(|| row.iter().eq(header().split(',')))
}

/// In which language a file begins with one of these headers.
pub fn language_of(file: impl io::Read, headers: &[Header]) -> Option<Language> {
    let mut csv = ReaderBuilder::new().from_reader(file.take(HEAD_BYTES));
    let first = csv.headers().ok()?;
    headers.iter().find_map(|header| language(first, *header))
}

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

pub fn guard_formula(text: &str) -> String {
    each_field(text, |field| {
        let mark = if is_formula(field) { "'" } else { "" };
        format!("{mark}{field}")
    })
}

pub fn unguard(text: &str) -> String {
    each_field(text, |field| {
        let rest = field.strip_prefix('\'').filter(|rest| is_formula(rest));
        rest.unwrap_or(field).to_owned()
    })
}

fn each_field(text: &str, change: impl Fn(&str) -> String) -> String {
    text.split(';').map(change).collect::<Vec<_>>().join(";")
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
            assert_eq!(guard_formula(name), written);
        }
        assert_eq!(guard_formula("alice;=1;bob"), "alice;'=1;bob");
    }

    #[test]
    fn what_the_old_programs_wrote_is_read_as_it_is() {
        for text in ["=1+1", "'s", "'", "alice"] {
            assert_eq!(unguard(text), text);
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_harmless_and_read_back(text in "['=+@;\t\ra王-]{0,6}") {
            let written = guard_formula(&text);
            for field in written.split(';') {
                prop_assert!(!field.starts_with(begins_formula));
            }
            prop_assert_eq!(unguard(&written), text);
        }
    }
}
