//! The kernel's lock on the data directory: one run at a time.

use std::fs::{File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rustix::io::Errno;

use super::state::{LOCK, STATE_DIRECTORY};
use super::write::{WriteError, make_directory};
use crate::model::{Modes, said, text};
use crate::settings::regular_file::open_with;

const LOCK_PAUSE: Duration = Duration::from_millis(100);

/// How long the holder of a lock may take to write its pid, and how often that is looked for.
const PID_PATIENCE: Duration = Duration::from_secs(1);
const PID_PAUSE: Duration = Duration::from_millis(10);

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(transparent)]
    Write(#[from] WriteError),
    /// Some network file systems.
    #[error("{}", said!(
        "資料目錄 {root} 的檔案系統不支援 flock 鎖定（{cause}）：無法確保同時只有一次執行，請改放在支援的檔案系統，或以支援鎖定的選項掛載",
        "the file system of the data directory {root} does not support flock locks ({cause}), without which two runs may collide: move it to one that does, or mount it with locking",
        root = .root.display()
    ))]
    NoLocks { root: PathBuf, cause: io::Error },
    #[error("{}", said!(
        "資料目錄 {root} 正由另一次執行使用（PID {holder}）：請等它結束，或加上 --wait 秒數",
        "the data directory {root} is in use by another run (PID {holder}): wait for it to end, or add --wait SECONDS",
        root = .root.display()
    ))]
    Locked {
        root: PathBuf,
        /// The pid of the other run, or that it is unknown.
        holder: String,
    },
}

/// Takes the lock of the data directory `root`, for which it waits at most `patience`. It lasts as long as the file
/// is open.
pub fn take(root: &Path, modes: Modes, patience: Duration) -> Result<File, OpenError> {
    let directory = root.join(STATE_DIRECTORY);
    make_directory(&directory, modes)?;
    let path = directory.join(LOCK);
    let error = WriteError::at(&path);
    let mut options = OpenOptions::new();
    // Whoever can open the file can hold its lock.
    options.read(true).write(true).create(true).mode(modes.file);
    let mut file = open_with(&path, &options).map_err(&error)?;
    // One that an earlier version made.
    let mode = file.metadata().map_err(&error)?.permissions().mode();
    if mode & 0o077 != 0 {
        let own = Permissions::from_mode(modes.file);
        file.set_permissions(own).map_err(&error)?;
    }
    let locked = lock_within(&file, patience, LOCK_PAUSE);
    if !locked.map_err(|cause| not_locked(root, &path, cause))? {
        let holder = poll(PID_PATIENCE, PID_PAUSE, || pid(&mut file)).map_err(&error)?;
        return Err(OpenError::Locked {
            root: root.to_owned(),
            holder: holder.unwrap_or_else(|| text("不明", "unknown").to_owned()),
        });
    }
    // The holder's pid is for the message of the run that comes second.
    file.set_len(0)
        .and_then(|()| file.seek(SeekFrom::Start(0)))
        .and_then(|_| writeln!(file, "{}", std::process::id()))
        .map_err(&error)?;
    Ok(file)
}

/// Tries whether the file system of `existing`, where `root` is or will be, has locks. Whoever has the lock keeps it.
pub fn check(root: &Path, existing: &Path) -> Result<(), OpenError> {
    let directory = File::open(existing).map_err(WriteError::at(existing))?;
    match directory.try_lock_shared() {
        Err(TryLockError::Error(cause)) => Err(not_locked(root, existing, cause)),
        Ok(()) | Err(TryLockError::WouldBlock) => Ok(()),
    }
}

fn not_locked(root: &Path, path: &Path, cause: io::Error) -> OpenError {
    let root = root.to_owned();
    match Errno::from_io_error(&cause) {
        Some(Errno::OPNOTSUPP | Errno::NOLCK | Errno::NOSYS | Errno::INVAL) => {
            OpenError::NoLocks { root, cause }
        }
        _ => WriteError::at(path)(cause).into(),
    }
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
