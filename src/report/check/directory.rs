//! Whether the tree can be written, and for how long there is room.

use indicatif::HumanBytes;

use super::{Check, Subject};
use crate::model::{Node, said, text};
use crate::settings::Config;
use crate::store::{ArchiveDirError, OpenError, Writable};

/// For how many days there should be room: time to notice a mail about it.
const DAYS: u64 = 30;
/// What a file takes at least on the usual file systems.
const BLOCK_BYTES: u64 = 4096;
/// A row of a GPU's CSV, generously.
const ROW_BYTES: u64 = 64;
/// The average CSV and the summary.
const OTHER_FILES: u64 = 2;

pub fn directory(
    config: &Config,
    nodes: &[&Node],
    found: &Result<Writable, Vec<OpenError>>,
) -> Vec<Check> {
    let writable = match found {
        Ok(writable) => writable,
        Err(errors) => {
            let error = |error: &OpenError| Check::error(Subject::DataDir, error.to_string());
            return errors.iter().map(error).collect();
        }
    };
    let path = config.data_dir.display();
    let state = if writable.exists {
        text("可以寫入", "writable")
    } else {
        text(
            "尚未建立，第一次收集時會建立",
            "does not exist yet, the first collection creates it",
        )
    };
    let needed = DAYS * bytes_per_day(config, nodes);
    let free = writable.free_bytes;
    if let Some(free) = free.filter(|free| *free < needed) {
        let (free, needed) = (HumanBytes(free), HumanBytes(needed));
        let message = said!(
            "資料目錄 {path}：可用空間只剩 {free}，{DAYS} 天約需 {needed}：請清出空間",
            "data directory {path}: only {free} free, {DAYS} days need about {needed}: free some space"
        );
        return vec![Check::warning(Subject::DataDir, message)];
    }
    let room = free.map(HumanBytes);
    let room = room.map(|free| said!("，可用空間 {free}", ", {free} free"));
    let room = room.unwrap_or_default();
    let message = said!(
        "資料目錄 {path}：{state}{room}",
        "data directory {path}: {state}{room}"
    );
    vec![Check::ok(Subject::DataDir, message)]
}

/// Its days would be collected again, and that is all.
pub fn archive_dir(error: &ArchiveDirError) -> Check {
    Check::warning(Subject::DataDir, error.to_string())
}

fn bytes_per_day(config: &Config, nodes: &[&Node]) -> u64 {
    let rows = 24 * 3600 / config.interval.seconds().unsigned_abs();
    let gpu_file = (rows * ROW_BYTES).next_multiple_of(BLOCK_BYTES);
    let node = |node: &&Node| node.cards.len() as u64 * gpu_file + OTHER_FILES * BLOCK_BYTES;
    nodes.iter().map(node).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::check::State;
    use crate::settings::{self, SettingsArgs};
    use pretty_assertions::assert_eq;

    /// The check of so many free bytes, for the built-in cluster with files of ten minutes.
    fn of(free_bytes: Option<u64>) -> (State, String) {
        let empty = tempfile::NamedTempFile::new().expect("a file");
        let config = settings::load(&SettingsArgs {
            config: Some(empty.path().to_owned()),
            ..SettingsArgs::default()
        });
        let config = config.expect("the built-in settings");
        let nodes: Vec<&Node> = config.nodes.iter().collect();
        let found = Ok(Writable {
            exists: true,
            free_bytes,
        });
        let check = directory(&config, &nodes, &found).remove(0);
        (check.state, check.message)
    }

    #[test]
    fn room_for_less_than_a_month_is_a_warning() {
        // Four nodes of eight files of three blocks, and of two files of one.
        let needed = 30 * 4 * (8 * 3 + 2) * 4096;
        let (state, message) = of(Some(needed - 1));
        assert_eq!(state, State::Warning);
        assert_eq!(
            message,
            "資料目錄 data：可用空間只剩 12.19 MiB，30 天約需 12.19 MiB：請清出空間"
        );
        assert_eq!(
            of(Some(needed)),
            (
                State::Ok,
                "資料目錄 data：可以寫入，可用空間 12.19 MiB".to_owned()
            )
        );
        assert_eq!(of(Some(0)).0, State::Warning);
        assert_eq!(of(None).0, State::Ok);
    }
}
