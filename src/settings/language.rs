//! In which language the program speaks: what the settings say of it before they are read.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use serde::Deserialize;

use super::file::{self, ConfigError};
use crate::model::{Item, Language, Written};

/// The variable that wins over the settings file.
pub const LANGUAGE_VARIABLE: &str = "DAILY_GPU_LOG_LANG";

/// The keys before the first table are few.
const BEGINNING_BYTES: u64 = 1 << 20;

/// What the settings file, which is found as they are read, says of the language, where that can be had. The file may
/// be wrong elsewhere. A pipe is left alone: it can be read but once.
pub fn written_language(named: Option<&Path>) -> Option<Language> {
    let file = match named {
        // Opening a pipe would already show to whoever writes into it.
        Some(path) if fs::metadata(path).is_ok_and(|found| found.is_file()) => File::open(path),
        Some(_) => return None,
        None => file::found()?.1,
    };
    in_beginning(file.ok()?)
}

/// The language that a line before the first table says by itself.
fn in_beginning(file: impl Read) -> Option<Language> {
    #[derive(Deserialize)]
    struct Line {
        language: Item<Language>,
    }
    let lines = BufReader::new(file.take(BEGINNING_BYTES)).lines();
    let lines = lines.map_while(Result::ok);
    let mut lines = lines.take_while(|line| !line.trim_start().starts_with('['));
    lines.find_map(|line| Some(*toml::from_str::<Line>(&line).ok()?.language))
}

/// What the variable says, if it is set.
pub fn language_of_variable() -> Result<Option<Language>, ConfigError> {
    let name = LANGUAGE_VARIABLE;
    let written = std::env::var_os(name).filter(|text| !text.is_empty());
    let written = written.map(|text| Language::parse(&text.to_string_lossy()));
    let problem = |problem| ConfigError::Variable { name, problem };
    written.transpose().map_err(problem)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::process::{Command, Stdio};

    #[test]
    fn the_language_is_had_from_a_file_that_is_wrong_elsewhere() {
        for (content, language) in [
            ("language = \"en\"\n", Some(Language::English)),
            (
                "cards = [\n  1,\n]\n\"language\"='en' # so\r\n",
                Some(Language::English),
            ),
            (
                "language = \"zh-TW\"\nlanguage = \"en\"",
                Some(Language::Chinese),
            ),
            (
                "nonsense\nlanguage = \"en\"\n[[nodes",
                Some(Language::English),
            ),
            ("language = \"en\"\n\u{0}", Some(Language::English)),
            ("#language = \"en\"\nfile_language = \"en\"", None),
            ("[notify]\nlanguage = \"en\"", None),
            ("language = \"fr\"", None),
            ("language = en", None),
            ("", None),
        ] {
            assert_eq!(in_beginning(content.as_bytes()), language, "{content:?}");
        }
        assert_eq!(in_beginning(&b"\xff\nlanguage = \"en\""[..]), None);
    }

    #[test]
    fn what_is_named_is_looked_into_if_it_is_a_file() {
        let root = tempfile::tempdir().expect("a directory");
        let at = |name: &str| root.path().join(name);
        fs::write(at("file"), "language = \"en\"").expect("a file");
        // As any file that is named.
        fs::set_permissions(at("file"), fs::Permissions::from_mode(0o666)).expect("its mode");
        symlink(at("file"), at("link")).expect("a link");
        for name in ["file", "link"] {
            assert_eq!(written_language(Some(&at(name))), Some(Language::English));
        }
        for name in ["nowhere", "."] {
            assert_eq!(written_language(Some(&at(name))), None);
        }
    }

    #[test]
    fn a_pipe_is_not_looked_into() {
        let root = tempfile::tempdir().expect("a directory");
        let pipe = root.path().join("pipe");
        let made = Command::new("mkfifo").arg(&pipe).status();
        assert!(made.expect("mkfifo starts").success());
        let text = "language = \"en\"\n";
        let mut writer = Command::new("sh")
            .args(["-c", "printf '%s' \"$1\" > \"$2\"", "sh", text])
            .arg(&pipe)
            .stdin(Stdio::null())
            .spawn()
            .expect("sh starts");
        assert_eq!(written_language(Some(&pipe)), None);
        assert_eq!(fs::read_to_string(&pipe).expect("the pipe"), text);
        assert!(writer.wait().expect("sh ends").success());
    }

    #[test]
    fn in_english_a_problem_stands_behind_its_place_too() {
        let node = "[[nodes]]\nname = \"n\"\nurl = \"http://n\"\n";
        for (text, problem) in [
            (
                "timezone = \"Mars/Olympus\"".to_owned(),
                "timezone: unknown time zone 'Mars/Olympus': use an IANA name, such as Asia/Taipei",
            ),
            (
                "[ledger]\nbusy_percent = 101".to_owned(),
                "ledger.busy_percent: 101 is not a percentage from 0 to 100",
            ),
            (
                format!("{node}cards = [1, 1]"),
                "cards of nodes (n): card 1 is listed twice",
            ),
            (
                format!("{node}cards = [1]\ngpu_uuids = {{ \"APU-1\" = 1 }}"),
                "gpu_uuids of nodes (n): APU-0000000000000001 = 1, but the node has only 1 card (index 0 to 0)",
            ),
            (
                "[users]\nalice = \"eyJhdXNo\"".to_owned(),
                "users (alice): '…' is not a mail address, such as admin@example.org or Admin <admin@example.org>",
            ),
            (
                "\ninterval = 600".to_owned(),
                "line 2 (interval): invalid type, expected a string",
            ),
            (
                "timezone = \"UTC\"\ntimezone = \"UTC\"".to_owned(),
                "line 2 (timezone): this key or table is there already: merge the two",
            ),
        ] {
            let error = Language::English.in_it(|| file::parse(&text));
            assert_eq!(error.err().as_deref(), Some(problem), "{text}");
        }
    }
}
