//! What may go wrong with the dataset, and what to do.

use std::io::{self, ErrorKind};
use std::path::Path;

use crate::model::{both, text};
use crate::sinks::SinkError;

pub fn unwritable(path: &Path, cause: &io::Error) -> SinkError {
    let kind = cause.kind();
    let advice = || match kind {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => text(
            "請騰出空間後再匯出一次",
            "make room for it and export again",
        ),
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => text(
            "請確認對該目錄有寫入權限",
            "check the permission to write to its directory",
        ),
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists => text(
            "路徑中有一段不是目錄：請移開它，或改用別的目錄",
            "part of the path is not a directory: move it away, or use another directory",
        ),
        ErrorKind::IsADirectory => text("請移開該目錄", "move that directory away"),
        _ => text(
            "請確認目錄可以寫入，再匯出一次",
            "check that the directory can be written to and export again",
        ),
    };
    SinkError(both!(
        "無法寫入 {path}：{cause}（{advice}）",
        "cannot write {path}: {cause}; {advice}",
        path = path.display(),
        advice = advice()
    ))
}

pub fn unreadable(path: &Path, cause: &io::Error) -> SinkError {
    SinkError(both!(
        "無法讀取 {path}：{cause}（請確認對它有讀取權限）",
        "cannot read {path}: {cause}; check the permission to read it",
        path = path.display()
    ))
}

pub fn busy(root: &Path) -> SinkError {
    SinkError(both!(
        "無法寫入 {path}：另一個匯出正在寫入（請稍後再試）",
        "cannot write {path}: another export writes it, try again later",
        path = root.display()
    ))
}
