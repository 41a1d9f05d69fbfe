//! What earlier runs left, read back.

use std::fs::File;
use std::path::Path;

use crate::formats::unreadable::Unreadable;
use crate::model::if_there;

/// What `parse` makes of the file at `path`, or `None` where there is no such file.
pub fn read<T>(
    path: &Path,
    parse: impl FnOnce(File) -> Result<T, Unreadable>,
) -> Result<Option<T>, Unreadable> {
    if_there(File::open(path))?.map(parse).transpose()
}
