//! What earlier runs left, read back.

use std::fs::File;
use std::path::Path;

use crate::formats::unreadable::Unreadable;
use crate::model::if_there;
use crate::settings::regular_file::{self, NOT_REGULAR};

/// What `parse` makes of the file at `path`, or `None` where there is no such file.
pub fn read<T>(
    path: &Path,
    parse: impl FnOnce(File) -> Result<T, Unreadable>,
) -> Result<Option<T>, Unreadable> {
    match if_there(regular_file::open(path)) {
        Err(error) if error.kind() == NOT_REGULAR => Err(Unreadable::Malformed(error.to_string())),
        opened => opened?.map(parse).transpose(),
    }
}
