//! Files that hold a secret: those that only their owner may read, and those that systemd hands to a service.

use std::fs::File;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::regular_file;

/// The directory in which systemd puts the credentials of a service.
const CREDENTIALS_DIRECTORY: &str = "CREDENTIALS_DIRECTORY";
/// The permission bits of everybody but the owner.
const OTHERS: u32 = 0o077;

#[derive(Debug)]
pub enum NoSecret {
    Unreadable(io::Error),
    /// Users other than the owner may access it: its mode.
    Exposed(u32),
}

/// The file with the credential `name`, if this is a service that was given one. systemd guards its directory, and its
/// ACL shows as a group's right to read the file.
pub fn credential(name: &str) -> Option<PathBuf> {
    let directory = std::env::var_os(CREDENTIALS_DIRECTORY)?;
    Some(Path::new(&directory).join(name)).filter(|path| path.exists())
}

/// Opens a file that nobody but its owner may have access to.
pub fn open_private(path: &Path) -> Result<File, NoSecret> {
    let file = regular_file::open_named(path).map_err(NoSecret::Unreadable)?;
    // Of the file that is open: its name may lead to another one by now.
    let metadata = file.metadata().map_err(NoSecret::Unreadable)?;
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & OTHERS != 0 {
        return Err(NoSecret::Exposed(mode));
    }
    Ok(file)
}
