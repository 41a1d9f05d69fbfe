//! The kernel's lock on the data directory: one run at a time.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::staged::FILE_MODE;
use super::state::{LOCK, STATE_DIRECTORY};
use super::{OpenError, WriteError, make_directory};

/// How often a taken lock is tried again.
const LOCK_PAUSE: Duration = Duration::from_millis(100);

/// Takes the lock of the data directory `root`, for which it waits at most `patience`. It lasts as long as the file
/// is open.
pub(super) fn take(root: &Path, patience: Duration) -> Result<File, OpenError> {
    let directory = root.join(STATE_DIRECTORY);
    make_directory(&directory)?;
    let path = directory.join(LOCK);
    let error = |cause| WriteError {
        path: path.clone(),
        cause,
    };
    let mut file = open_lock(&path).map_err(error)?;
    let until = Instant::now() + patience;
    loop {
        match file.try_lock() {
            Ok(()) => break,
            Err(TryLockError::WouldBlock) if Instant::now() < until => {
                thread::sleep(LOCK_PAUSE);
            }
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                file.read_to_string(&mut holder).map_err(error)?;
                return Err(OpenError::Locked {
                    root: root.to_owned(),
                    holder: holder.trim().to_owned(),
                });
            }
            Err(TryLockError::Error(cause)) => return Err(error(cause).into()),
        }
    }
    // The holder's pid is for the message of the run that comes second.
    file.set_len(0)
        .and_then(|()| file.seek(SeekFrom::Start(0)))
        .and_then(|_| writeln!(file, "{}", std::process::id()))
        .map_err(error)?;
    Ok(file)
}

/// Opens the file of the lock, with the pid that it holds.
fn open_lock(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(FILE_MODE)
        .open(path)
}
