//! The digest of a file, in its own metadata. The crate panics over some files that are damaged, so that only those
//! are given to it which are as they were written.

use std::fmt::Write;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::os::unix::fs::FileExt;

use ring::digest::{Context, SHA256};

pub const KEY: &str = "digest";
const MARK: &str = "sha256:";
const DIGITS: usize = 64;

/// What stands in the place of the digest until it is known.
pub fn unknown() -> String {
    MARK.to_owned() + &"0".repeat(DIGITS)
}

/// Puts the digest of the whole file in its place.
pub fn put(file: &File) -> io::Result<()> {
    let bytes = read(file)?;
    let place = place(&bytes).ok_or(io::ErrorKind::InvalidData)?;
    file.write_all_at(digest(&bytes, place).as_bytes(), place as u64)
}

pub fn is_right(file: &File) -> io::Result<bool> {
    let bytes = read(file)?;
    let is_right = |place| digest(&bytes, place).as_bytes() == &bytes[place..place + DIGITS];
    Ok(place(&bytes).is_some_and(is_right))
}

fn read(mut file: &File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Where the digits are. The metadata is behind all that is from outside.
fn place(bytes: &[u8]) -> Option<usize> {
    let mut windows = bytes.windows(MARK.len());
    let place = windows.rposition(|window| window == MARK.as_bytes())? + MARK.len();
    (place + DIGITS <= bytes.len()).then_some(place)
}

/// That of all but the digits.
fn digest(bytes: &[u8], place: usize) -> String {
    let mut context = Context::new(&SHA256);
    context.update(&bytes[..place]);
    context.update(&bytes[place + DIGITS..]);
    let digest = context.finish();
    digest
        .as_ref()
        .iter()
        .fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}
