//! Secrets: where they come from, and why one cannot be had.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};

use super::private_file::{NoSecret, credential, open_private};
use super::regular_file;
use crate::model::{said, text};

/// A secret that cannot be had. Nothing of what its source holds is in it.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    #[error("{}", said!("無法讀取 {place}：{cause}", "cannot read {place}: {cause}"))]
    Unreadable { place: String, cause: io::Error },
    #[error("{}", said!(
        "{place} {path} 可被其他使用者讀取（權限 {mode:04o}）：請執行 chmod 600 {path}",
        "{path} ({place}) can be read by other users (mode {mode:04o}): run chmod 600 {path}",
        path = .path.display()
    ))]
    Exposed {
        place: String,
        path: PathBuf,
        mode: u32,
    },
    /// No source has one, or what it has cannot be it.
    #[error("{0}")]
    Unusable(String),
}

/// The places where a secret may be. The first that there is counts: the credential of a service, else the private
/// file, else the variable.
#[derive(Debug)]
pub struct Places<'a> {
    pub credential: &'static str,
    pub file: Option<&'a Path>,
    /// What messages call the file.
    pub file_name: String,
    pub variable: Option<&'static str>,
}

#[derive(Clone, Debug)]
pub enum Source {
    Credential(PathBuf),
    File(PathBuf),
    Variable(&'static str),
}

impl Places<'_> {
    pub fn find(&self) -> Option<Source> {
        if let Some(path) = credential(self.credential) {
            return Some(Source::Credential(path));
        }
        if let Some(path) = self.file {
            return Some(Source::File(path.to_owned()));
        }
        let is_set = |name: &&str| std::env::var_os(name).is_some_and(|text| !text.is_empty());
        self.variable.filter(is_set).map(Source::Variable)
    }

    /// The text that `source` holds. Only the path of a file that is there is named: another may be the secret itself.
    pub fn read(&self, source: &Source) -> Result<SecretString, SecretError> {
        let (path, opened) = match source {
            Source::Credential(path) => (
                path,
                regular_file::open_named(path).map_err(NoSecret::Unreadable),
            ),
            Source::File(path) => (path, open_private(path)),
            Source::Variable(name) => return Ok(std::env::var(name).unwrap_or_default().into()),
        };
        let content =
            opened.and_then(|file| io::read_to_string(file).map_err(NoSecret::Unreadable));
        content
            .map(SecretString::from)
            .map_err(|error| match error {
                NoSecret::Unreadable(cause) => SecretError::Unreadable {
                    place: self.name(source),
                    cause,
                },
                NoSecret::Exposed(mode) => SecretError::Exposed {
                    place: self.name(source),
                    path: path.clone(),
                    mode,
                },
            })
    }

    /// What `parse` makes of the secret, if there is one, or its objection with the name of the source.
    pub fn parse<T>(
        &self,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<Option<T>, SecretError> {
        let Some(source) = self.find() else {
            return Ok(None);
        };
        let parsed = parse(self.read(&source)?.expose_secret());
        parsed.map(Some).map_err(|problem| {
            let place = self.name(&source);
            SecretError::Unusable(said!(
                "{place}內容無法使用：{problem}",
                "{place} cannot be used: {problem}"
            ))
        })
    }

    fn name(&self, source: &Source) -> String {
        match source {
            Source::Credential(_) => {
                let name = self.credential;
                said!("憑證 {name} 的檔案", "credential {name}")
            }
            Source::File(_) => self.file_name.clone(),
            Source::Variable(name) => (*name).to_owned(),
        }
    }
}

/// A password, which is the one line of its source.
pub fn line(content: &str) -> Result<SecretString, String> {
    // A password may begin or end with a space.
    let password = content.trim_end_matches(['\r', '\n']);
    let is_line = !password.is_empty() && !password.contains(char::is_control);
    is_line.then(|| password.into()).ok_or_else(|| {
        let problem = text("必須是一行密碼", "the password must be one line");
        problem.to_owned()
    })
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Credential(path) | Self::File(path) => path.display().fmt(f),
            Self::Variable(name) => f.write_str(name),
        }
    }
}
