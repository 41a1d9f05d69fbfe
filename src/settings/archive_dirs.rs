use std::path::{Path, PathBuf};
use std::slice;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Where the months lie that were moved away from the data directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ArchiveDirs {
    /// The settings name them, so they should exist.
    Named(Vec<PathBuf>),
    /// The usual place, where there may be none.
    Usual(PathBuf),
}

impl ArchiveDirs {
    pub fn beside(data_dir: &Path) -> Self {
        let name = "data_archive";
        Self::Usual(match data_dir.file_name() {
            Some(_) => data_dir.with_file_name(name),
            None => data_dir.join("..").join(name),
        })
    }

    pub fn paths(&self) -> &[PathBuf] {
        match self {
            Self::Named(paths) => paths,
            Self::Usual(path) => slice::from_ref(path),
        }
    }
}

impl<'de> Deserialize<'de> for ArchiveDirs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(Self::Named)
    }
}

impl Serialize for ArchiveDirs {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let paths = self.paths().iter();
        serializer.collect_seq(paths.map(|path| path.to_string_lossy()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;

    #[test]
    fn the_usual_place_is_beside_the_data_directory() {
        for (data_dir, place) in [
            ("data", "data_archive"),
            ("/srv/gpu/data/", "/srv/gpu/data_archive"),
            (".", "./../data_archive"),
            ("..", "../../data_archive"),
        ] {
            let usual = ArchiveDirs::beside(Path::new(data_dir));
            assert_eq!(usual.paths(), [PathBuf::from(place)], "{data_dir}");
        }
    }
}
