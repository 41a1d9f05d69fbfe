//! Looking at several files of a run at once.

use super::{DATE, Day, Outcome};
use crate::simulated_cluster::SimulatedNode;

impl Outcome {
    /// All files below `data/` whose path begins with `prefix`, with what they hold.
    #[track_caller]
    pub(crate) fn files(&self, prefix: &str) -> Vec<(String, String)> {
        let paths = self.tree().into_iter();
        paths
            .filter(|path| path.starts_with(prefix))
            .map(|path| {
                let text = self.file(&path);
                (path, text)
            })
            .collect()
    }

    /// Every reading of the node's usual eight GPUs on [`DATE`] in UTC is there, and right.
    #[track_caller]
    pub(crate) fn holds_all_readings_of(&self, node: &SimulatedNode, name: &str) {
        Day::utc().check_gpu_files(self, name, node);
        self.of_day(name, DATE, "average");
        self.of_day(name, DATE, "summary");
    }
}
