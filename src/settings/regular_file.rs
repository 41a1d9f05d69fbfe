//! Files that are read: regular ones alone. A pipe would never end, and a link may lead to a file of somebody else's.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::process::geteuid;

use crate::model::{Both, both};

/// The largest file that is read: eight of the largest answers that a server may give.
pub const LIMIT_BYTES: u64 = 256 << 20;
/// The kind of error that a file is which is no regular one, or too large.
pub const NOT_REGULAR: io::ErrorKind = io::ErrorKind::InvalidInput;

/// Opens the file at `path`, which must be a regular one and no link.
pub fn open(path: &Path) -> io::Result<File> {
    open_with(path, OpenOptions::new().read(true))
}

pub fn open_with(path: &Path, options: &OpenOptions) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let opened = options
        .clone()
        .custom_flags(flags.bits().cast_signed())
        .open(path);
    let file = opened.map_err(|error| match Errno::from_io_error(&error) {
        Some(Errno::LOOP) => not_regular(both!(
            "是符號連結，不是一般檔案",
            "it is a symbolic link, not a regular file",
        )),
        // A pipe that nobody reads, a socket, a device without a driver.
        Some(Errno::NXIO | Errno::NODEV) => {
            not_regular(both!("不是一般檔案", "it is not a regular file"))
        }
        _ => error,
    })?;
    // Of the file that is open: its name may lead to another one by now.
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        Err(Errno::ISDIR.into())
    } else if !metadata.is_file() {
        Err(not_regular(both!(
            "不是一般檔案",
            "it is not a regular file",
        )))
    } else if metadata.len() > LIMIT_BYTES {
        Err(not_regular(both!(
            "大於 256 MiB",
            "it is larger than 256 MiB",
        )))
    } else {
        Ok(file)
    }
}

pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.take(LIMIT_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Opens a file that an administrator names, to which a link of root's or of the caller's may lead.
pub fn open_named(path: &Path) -> io::Result<File> {
    check_link(path)?;
    open(&fs::canonicalize(path)?)
}

/// Objects to a link that neither root nor the caller made.
pub fn check_link(path: &Path) -> io::Result<()> {
    let metadata = fs::symlink_metadata(path)?;
    if metadata.is_symlink() && !is_own(&metadata) {
        return Err(not_regular(both!(
            "是其他使用者建立的符號連結",
            "it is a symbolic link that another user made",
        )));
    }
    Ok(())
}

/// Whether it is root's or the caller's.
pub fn is_own(metadata: &Metadata) -> bool {
    metadata.uid() == 0 || metadata.uid() == geteuid().as_raw()
}

fn not_regular(why: Both) -> io::Error {
    io::Error::new(NOT_REGULAR, why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;
    use std::process::Command;

    #[test]
    fn what_is_no_regular_file_is_never_waited_for() {
        let root = tempfile::tempdir().expect("a directory");
        let at = |name: &str| root.path().join(name);
        fs::write(at("file"), "text").expect("a file");
        symlink(at("file"), at("link")).expect("a link");
        symlink(at("nowhere"), at("dangling")).expect("a link");
        let made = Command::new("mkfifo").arg(at("pipe")).status();
        assert!(made.expect("mkfifo starts").success());
        assert_eq!(read(&at("file")).expect("a file"), b"text");
        for name in ["link", "dangling", "pipe"] {
            assert_eq!(read(&at(name)).expect_err(name).kind(), NOT_REGULAR);
            let mut write = OpenOptions::new();
            let written = open_with(&at(name), write.append(true));
            assert_eq!(written.expect_err(name).kind(), NOT_REGULAR);
        }
        let device = read(Path::new("/dev/zero")).expect_err("a device");
        assert_eq!(device.kind(), NOT_REGULAR);
        let directory = read(root.path()).expect_err("a directory");
        assert_eq!(directory.kind(), io::ErrorKind::IsADirectory);
        assert!(open_named(&at("link")).is_ok());
        assert!(open_named(&at("pipe")).is_err());
    }
}
