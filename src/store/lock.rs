//! The kernel's lock on the data directory: one run at a time.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::state::{LOCK, STATE_DIRECTORY};
use super::write::{FILE_MODE, WriteError, make_directory};

const LOCK_PAUSE: Duration = Duration::from_millis(100);

/// How long the holder of a lock may take to write its pid, and how often that is looked for.
const PID_PATIENCE: Duration = Duration::from_secs(1);
const PID_PAUSE: Duration = Duration::from_millis(10);

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(transparent)]
    Write(#[from] WriteError),
    #[error("資料目錄 {root} 正由另一次執行使用（PID {holder}）：請等它結束，或加上 --wait 秒數", root = .root.display())]
    Locked {
        root: PathBuf,
        /// The pid of the other run, or that it is unknown.
        holder: String,
    },
}

/// Takes the lock of the data directory `root`, for which it waits at most `patience`. It lasts as long as the file
/// is open.
pub fn take(root: &Path, patience: Duration) -> Result<File, OpenError> {
    let directory = root.join(STATE_DIRECTORY);
    make_directory(&directory)?;
    let path = directory.join(LOCK);
    let error = WriteError::at(&path);
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(FILE_MODE)
        .open(&path)
        .map_err(&error)?;
    if !lock_within(&file, patience, LOCK_PAUSE).map_err(&error)? {
        let holder = poll(PID_PATIENCE, PID_PAUSE, || pid(&mut file)).map_err(&error)?;
        return Err(OpenError::Locked {
            root: root.to_owned(),
            holder: holder.unwrap_or_else(|| "不明".to_owned()),
        });
    }
    // The holder's pid is for the message of the run that comes second.
    file.set_len(0)
        .and_then(|()| file.seek(SeekFrom::Start(0)))
        .and_then(|_| writeln!(file, "{}", std::process::id()))
        .map_err(&error)?;
    Ok(file)
}

/// Takes the lock of a file, for which it waits at most `patience`, and returns whether it has it.
pub fn lock_within(file: &File, patience: Duration, pause: Duration) -> io::Result<bool> {
    let locked = poll(patience, pause, || match file.try_lock() {
        Ok(()) => Ok(Some(())),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(cause)) => Err(cause),
    });
    locked.map(|locked| locked.is_some())
}

/// The pid in the file of a lock that another run has, which writes it only once it has the lock.
fn pid(file: &mut File) -> io::Result<Option<String>> {
    let mut text = String::new();
    file.seek(SeekFrom::Start(0))?;
    file.read_to_string(&mut text)?;
    Ok(text.strip_suffix('\n').map(str::to_owned))
}

/// Tries until there is something or the patience is at its end.
fn poll<T>(
    patience: Duration,
    pause: Duration,
    mut attempt: impl FnMut() -> io::Result<Option<T>>,
) -> io::Result<Option<T>> {
    let until = Instant::now() + patience;
    loop {
        let found = attempt()?;
        if found.is_some() || Instant::now() >= until {
            return Ok(found);
        }
        thread::sleep(pause);
    }
}
