//! Every text of the program stands in both languages, in the macros and functions of `src/model/language.rs`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use pretty_assertions::assert_eq;
use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// What takes a text in both languages, and the argument that is the Chinese one. The English one is the next.
const CALLS: [(&str, usize); 5] = [
    ("said", 0),
    ("both", 0),
    ("text", 0),
    ("say", 1),
    ("counted", 1),
];

/// The file whose Chinese is no message, but punctuation that texts are searched for.
const DATA: &str = "formats/roff.rs";

struct Text {
    file: String,
    chinese: String,
    english: String,
}

/// The texts of `src`, and the Chinese that stands alone.
#[derive(Default)]
struct Texts {
    both: Vec<Text>,
    alone: Vec<String>,
}

impl Texts {
    fn read() -> Self {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut texts = Self::default();
        for path in files_below(&source) {
            let file = path.strip_prefix(&source).expect("it is below");
            let file = file.display().to_string();
            let is_test = file.ends_with("tests.rs") || file.contains("/tests/");
            let is_source = path.extension().is_some_and(|end| end == "rs");
            if is_source && !is_test && file != DATA {
                let tokens = fs::read_to_string(&path).expect("a source file");
                texts.add(&file, tokens.parse().expect("Rust"));
            }
        }
        assert!(texts.both.len() > 600, "{}", texts.both.len());
        texts
    }

    fn add(&mut self, file: &str, tokens: TokenStream) {
        let tokens: Vec<_> = tokens.into_iter().collect();
        let mut is_test = false;
        for (at, token) in tokens.iter().enumerate() {
            if is_test {
                is_test = !ends_item(token);
                continue;
            }
            match token {
                TokenTree::Group(group) => match plain(&group.to_string()).as_str() {
                    "[cfg(test)]" => is_test = true,
                    attribute if attribute.starts_with("[doc=") => {}
                    _ => self.add_group(file, group.delimiter(), group.stream(), &tokens[..at]),
                },
                TokenTree::Literal(literal) if is_text(&literal.to_string()) => {
                    self.alone.push(format!("{file}: {literal}"));
                }
                _ => {}
            }
        }
    }

    fn add_group(
        &mut self,
        file: &str,
        delimiter: Delimiter,
        tokens: TokenStream,
        before: &[TokenTree],
    ) {
        let called = called(before).filter(|_| delimiter == Delimiter::Parenthesis);
        let call = CALLS
            .iter()
            .find(|(name, _)| Some(*name) == called.as_deref());
        let mut arguments = arguments(tokens);
        if let Some((_, at)) = call
            && let [chinese, english, ..] = &arguments[*at.min(&arguments.len())..]
            && let (Some(chinese), Some(english)) = (literal(chinese), literal(english))
        {
            let file = file.to_owned();
            self.both.push(Text {
                file,
                chinese,
                english,
            });
            arguments.drain(*at..at + 2);
        }
        for argument in arguments {
            self.add(file, argument);
        }
    }
}

fn ends_item(token: &TokenTree) -> bool {
    match token {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        TokenTree::Punct(mark) => mark.as_char() == ';',
        _ => false,
    }
}

/// The name of the function or the macro that is called after these tokens.
fn called(before: &[TokenTree]) -> Option<String> {
    let before = match before {
        [before @ .., TokenTree::Punct(mark)] if mark.as_char() == '!' => before,
        before => before,
    };
    match before.last() {
        Some(TokenTree::Ident(name)) => Some(name.to_string()),
        _ => None,
    }
}

fn arguments(tokens: TokenStream) -> Vec<TokenStream> {
    let mut arguments = vec![TokenStream::new()];
    for token in tokens {
        match token {
            TokenTree::Punct(mark) if mark.as_char() == ',' => arguments.push(TokenStream::new()),
            token => arguments.last_mut().expect("there is one").extend([token]),
        }
    }
    arguments
}

/// The argument, if it is nothing but a literal.
fn literal(argument: &TokenStream) -> Option<String> {
    let mut tokens = argument.clone().into_iter();
    match (tokens.next(), tokens.next()) {
        (Some(TokenTree::Literal(literal)), None) => Some(literal.to_string()),
        _ => None,
    }
}

fn plain(tokens: &str) -> String {
    tokens.split_whitespace().collect()
}

fn files_below(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(files_below(&path));
        } else {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// Whether a literal is Chinese, and no single character, which is searched for or takes the place of another.
fn is_text(literal: &str) -> bool {
    !literal.starts_with('\'') && is_chinese(literal)
}

/// Whether a text has a character of Chinese, or its punctuation.
pub fn is_chinese(text: &str) -> bool {
    text.chars()
        .any(|c| matches!(c, '\u{3000}'..='\u{303f}' | '\u{3400}'..='\u{9fff}' | '\u{ff00}'..='\u{ffef}'))
}

/// What a format string takes: the names, or the places, without how they are shown.
fn placeholders(format: &str) -> BTreeSet<String> {
    let format = format.replace("{{", "").replace("}}", "");
    let placeholders = format.split('{').skip(1).enumerate();
    let name = |(place, rest): (usize, &str)| {
        let name = rest.split(['}', ':']).next().unwrap_or_default();
        match name {
            "" => place.to_string(),
            name => name.to_owned(),
        }
    };
    placeholders.map(name).collect()
}

#[test]
fn no_chinese_stands_without_its_english() {
    let texts = Texts::read();
    assert_eq!(texts.alone, Vec::<String>::new());
    for text in texts.both {
        let Text {
            file,
            chinese,
            english,
        } = text;
        assert!(!is_chinese(&english), "{file}: {english}");
        let (ours, theirs) = (placeholders(&chinese), placeholders(&english));
        assert_eq!(ours, theirs, "{file}: {chinese} {english}");
    }
}

/// For whoever reads all of them: `cargo test --test cli -- --ignored --nocapture texts`.
#[test]
#[ignore = "it prints all texts of the program"]
#[expect(clippy::print_stdout, reason = "it is a listing")]
fn listing_of_all_texts() {
    for text in Texts::read().both {
        println!("{}\n  {}\n  {}", text.file, text.chinese, text.english);
    }
}
