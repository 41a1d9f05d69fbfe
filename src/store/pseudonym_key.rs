//! `<data-dir>/.daily-gpu-log/pseudonym-key`: the secret behind the pseudonyms of a data directory. Whoever has it can
//! try names; without it, or after it was deleted, nobody can, and a new one gives other pseudonyms.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use ring::rand::{SecureRandom, SystemRandom};

use super::state::STATE_DIRECTORY;
use super::write::{WriteError, make_directory, temporary};
use crate::analysis::{KEY_BYTES, Pseudonyms};
use crate::model::{Modes, said, text};
use crate::settings::{Config, NoSecret, open_private};

const NAME: &str = "pseudonym-key";

#[derive(Debug, thiserror::Error)]
pub enum PseudonymKeyError {
    #[error("{}", said!(
        "無法讀取代號的金鑰 {path}：{cause}（請以收集時的使用者執行）",
        "cannot read the pseudonym key {path}: {cause}; run as the user that collects",
        path = .path.display()
    ))]
    Unreadable { path: PathBuf, cause: io::Error },
    #[error("{}", said!(
        "代號的金鑰 {path} 的權限是 {mode:04o}，其他使用者可以存取：請執行 chmod 600 {path}",
        "the pseudonym key {path} has mode {mode:04o}, and other users have access: run chmod 600 {path}",
        path = .path.display()
    ))]
    Exposed { path: PathBuf, mode: u32 },
    #[error("{}", said!(
        "{path} 不是代號的金鑰（應為 {KEY_BYTES} 個位元組）：請由備份還原；若刪除它，會產生新的金鑰，代號也會全部改變",
        "{path} is not a pseudonym key (which has {KEY_BYTES} bytes): restore it from a backup; if you delete it, a new key is made and every pseudonym changes",
        path = .path.display()
    ))]
    Damaged { path: PathBuf },
    #[error(
        "{}",
        text(
            "無法產生代號的金鑰：系統沒有提供隨機數",
            "cannot make a pseudonym key: the system provides no random numbers"
        )
    )]
    NoRandomness,
    #[error("{}", said!("{0}（代號的金鑰）", "{0} (the pseudonym key)", .0))]
    NotWritten(WriteError),
}

/// The pseudonyms of the data directory, whose key is made where there is none.
pub fn pseudonyms(config: &Config) -> Result<Pseudonyms, PseudonymKeyError> {
    let (root, readable_by) = (&config.data_dir, config.readable_by);
    let directory = root.join(STATE_DIRECTORY);
    let path = directory.join(NAME);
    if let Some(key) = read(&path)? {
        return Ok(key);
    }
    let modes = Modes::of_state(readable_by);
    make_directory(root, Modes::of_tree(readable_by))
        .and_then(|()| make_directory(&directory, modes))
        .map_err(PseudonymKeyError::NotWritten)?;
    create(&directory, &path, modes)?;
    // Read back, because another process may have been the first.
    read(&path)?.ok_or_else(|| PseudonymKeyError::Unreadable {
        path,
        cause: io::ErrorKind::NotFound.into(),
    })
}

fn read(path: &Path) -> Result<Option<Pseudonyms>, PseudonymKeyError> {
    let unreadable = |cause| PseudonymKeyError::Unreadable {
        path: path.to_owned(),
        cause,
    };
    let file = match open_private(path) {
        Ok(file) => file,
        Err(NoSecret::Unreadable(error)) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(None);
        }
        Err(NoSecret::Unreadable(error)) => return Err(unreadable(error)),
        Err(NoSecret::Exposed(mode)) => {
            return Err(PseudonymKeyError::Exposed {
                path: path.to_owned(),
                mode,
            });
        }
    };
    let mut key = Vec::with_capacity(KEY_BYTES + 1);
    let most = KEY_BYTES as u64 + 1;
    file.take(most).read_to_end(&mut key).map_err(unreadable)?;
    match <&[u8; KEY_BYTES]>::try_from(key.as_slice()) {
        Ok(key) => Ok(Some(Pseudonyms::new(key))),
        Err(_) => Err(PseudonymKeyError::Damaged { path: path.into() }),
    }
}

/// Puts a whole key in place, unless there is one by now: no two processes ever see different keys.
fn create(directory: &Path, path: &Path, modes: Modes) -> Result<(), PseudonymKeyError> {
    let mut key = [0; KEY_BYTES];
    let filled = SystemRandom::new().fill(&mut key);
    filled.map_err(|_| PseudonymKeyError::NoRandomness)?;
    let written = || -> io::Result<()> {
        let mut file = temporary(directory, modes.file)?;
        file.write_all(&key)?;
        file.as_file().sync_all()?;
        match file.persist_noclobber(path) {
            Err(error) if error.error.kind() != io::ErrorKind::AlreadyExists => Err(error.error),
            _ => File::open(directory)?.sync_all(),
        }
    };
    let written = written().map_err(WriteError::at(path));
    written.map_err(PseudonymKeyError::NotWritten)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::thread;

    #[test]
    fn those_who_make_the_key_at_once_have_the_same() {
        let root = tempfile::tempdir().expect("a directory");
        let config = Config {
            data_dir: root.path().to_owned(),
            ..Config::default()
        };
        let names: BTreeSet<_> = thread::scope(|scope| {
            let name = || pseudonyms(&config).expect("a key").user("alice");
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(name)).collect();
            let names = threads.into_iter().map(thread::ScopedJoinHandle::join);
            names.map(|name| name.expect("no panic")).collect()
        });
        assert_eq!(names.len(), 1);
        let files = std::fs::read_dir(root.path().join(STATE_DIRECTORY)).expect("a directory");
        assert_eq!(files.count(), 1, "nothing stays beside the key");
    }
}
