//! Files that hold a secret: those that only their owner may read, and those that systemd hands to a service.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use secrecy::SecretString;

/// The directory in which systemd puts the credentials of a service.
const CREDENTIALS_DIRECTORY: &str = "CREDENTIALS_DIRECTORY";

/// The permission bits of everybody but the owner.
const OTHERS: u32 = 0o077;

/// Why a file gives no secret.
#[derive(Debug)]
pub enum NoSecret {
    /// It cannot be read.
    Unreadable(io::Error),
    /// Users other than the owner may read it.
    Exposed {
        /// Its permission bits.
        mode: u32,
    },
}

/// The file with the credential `name`, if this is a service that was given one.
pub fn credential(name: &str) -> Option<PathBuf> {
    let directory = std::env::var_os(CREDENTIALS_DIRECTORY)?;
    Some(Path::new(&directory).join(name)).filter(|path| path.exists())
}

/// The text of a credential. systemd guards its directory, and its ACL shows as a group's right to read the file.
pub fn read_credential(path: &Path) -> Result<SecretString, NoSecret> {
    read(path, 0)
}

/// The text of a file that nobody but its owner may have access to.
pub fn read_private(path: &Path) -> Result<SecretString, NoSecret> {
    read(path, OTHERS)
}

fn read(path: &Path, forbidden: u32) -> Result<SecretString, NoSecret> {
    let mut file = std::fs::File::open(path).map_err(NoSecret::Unreadable)?;
    // Of the file that is open: its name may lead to another one by now.
    let metadata = file.metadata().map_err(NoSecret::Unreadable)?;
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & forbidden != 0 {
        return Err(NoSecret::Exposed { mode });
    }
    let text = io::read_to_string(&mut file).map_err(NoSecret::Unreadable)?;
    Ok(text.into())
}
