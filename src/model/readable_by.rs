use serde::{Deserialize, Serialize};

/// Whose eyes the tree is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReadableBy {
    Owner,
    Group,
    All,
}

/// The modes of a file and of the directories that are made for it. The umask may take more away.
#[derive(Clone, Copy, Debug)]
pub struct Modes {
    pub file: u32,
    pub directory: u32,
}

impl Modes {
    pub fn of_tree(readable_by: ReadableBy) -> Self {
        let (file, directory) = match readable_by {
            ReadableBy::Owner => (0o600, 0o700),
            ReadableBy::Group => (0o640, 0o750),
            ReadableBy::All => (0o644, 0o755),
        };
        Self { file, directory }
    }

    /// Those of the program's own state, whoever may read the tree: tasks are personal, and the key is a secret.
    pub fn of_state(readable_by: ReadableBy) -> Self {
        let Self { directory, .. } = Self::of_tree(readable_by.min(ReadableBy::Group));
        let file = 0o600;
        Self { file, directory }
    }
}
