//! Looking at several files of a run at once.

use chrono_tz::Tz;
use pretty_assertions::assert_eq;

use super::{DATE, Day, HOUR, MIDNIGHT, Outcome};
use crate::simulated_cluster::SimulatedNode;

/// The cards of a node with eight GPUs, by index.
const CARDS: [u32; 8] = [1, 9, 17, 25, 33, 41, 49, 57];

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
        let day = Day {
            zone: Tz::UTC,
            start: MIDNIGHT,
            end: MIDNIGHT + 24 * HOUR,
        };
        for (index, card) in CARDS.into_iter().enumerate() {
            assert_eq!(
                self.of_day(name, DATE, &format!("gpu{index}")),
                day.gpu_csv(node, card),
                "GPU[{index}] of {name}"
            );
        }
        self.of_day(name, DATE, "average");
        self.of_day(name, DATE, "summary");
    }
}
