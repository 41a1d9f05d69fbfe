use serde::{Deserialize, Serialize};

/// Whose eyes the tree is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReadableBy {
    Owner,
    Group,
    All,
}
