//! The language of what is said, which is chosen before the command line is parsed: the help is said as well.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::model::{Language, Written};
use crate::settings::{language_of_variable, written_language};

/// Chooses what `--lang` says, else the variable, else the settings file. What is no language is passed over: it is
/// refused with the rest of the line, or of the settings.
pub fn choose(line: &[OsString]) {
    let variable = || language_of_variable().ok().flatten();
    let file = || written_language(value_of("--config", line).map(Path::new));
    let option = value_of("--lang", line);
    let option = option.and_then(|name| Language::parse(&name.to_string_lossy()).ok());
    if let Some(language) = option.or_else(variable).or_else(file) {
        language.choose();
    }
}

/// What stands behind an option of the `line`.
fn value_of<'a>(option: &str, line: &'a [OsString]) -> Option<&'a OsStr> {
    let mut words = line.iter().skip(1).take_while(|word| *word != "--");
    while let Some(word) = words.next() {
        if word == option {
            return words.next().map(OsString::as_os_str);
        }
        let rest = word.as_bytes().strip_prefix(option.as_bytes());
        if let Some(value) = rest.and_then(|rest| rest.strip_prefix(b"=")) {
            return Some(OsStr::from_bytes(value));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_is_found_wherever_it_stands() {
        for (line, value) in [
            ("daily-gpu-log --lang en", Some("en")),
            ("daily-gpu-log status --lang=en --days 3", Some("en")),
            ("daily-gpu-log status --lang", None),
            ("daily-gpu-log --language en", None),
            ("daily-gpu-log help -- --lang en", None),
        ] {
            let line: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            assert_eq!(value_of("--lang", &line), value.map(OsStr::new), "{line:?}");
        }
    }
}
