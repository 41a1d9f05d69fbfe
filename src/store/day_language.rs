//! The language of a day's files, of which there is one for all of them.

use std::fs;
use std::path::PathBuf;

use super::day_files::{DayFiles, OtherSettings};
use super::read::read;
use super::reports::users_file;
use crate::formats::csv_text::{self, Header};
use crate::formats::{average_csv, gpu_csv, ledger_csv};
use crate::model::{GpuIndex, Language, Node, OtherSetting};

impl DayFiles<'_> {
    /// Objects to files of the day in another language than that of the settings. What cannot be read is in none.
    pub fn check_language(&self, nodes: &[Node]) -> Result<(), OtherSettings> {
        let own = self.archive.file_language;
        let of_nodes = nodes.iter().filter_map(|node| self.of_node(node));
        match self.of_reports().chain(of_nodes).find(|of| of.1 != own) {
            None => Ok(()),
            Some((path, language)) => Err(OtherSettings {
                path,
                setting: OtherSetting::FileLanguage(language),
            }),
        }
    }

    /// Those of the usage reports, here and where the month was moved away.
    fn of_reports(&self) -> impl Iterator<Item = (PathBuf, Language)> {
        let moved = self.archive.months(self.date);
        let trees = [self.archive.root.clone()].into_iter().chain(moved);
        let reports = trees.map(|tree| users_file(&tree, self.date));
        reports.filter_map(|path| of_file(path, &[ledger_csv::header]))
    }

    /// That of the average of a node, or of a GPU's file where a killed run left no average.
    fn of_node(&self, node: &Node) -> Option<(PathBuf, Language)> {
        let directory = self.found_in(node);
        // Most often the day is not there yet, and its files need not be looked for.
        fs::metadata(&directory).ok()?;
        let average = directory.join(format!("average_{}.csv", self.date));
        let headers: [Header; 2] = [average_csv::header, average_csv::header_without_users];
        let gpus = (0..).map(GpuIndex).zip(&node.cards);
        let mut gpus = gpus.map(|(index, card)| directory.join(self.gpu_file(index, *card)));
        let of_gpu = || gpus.find_map(|path| of_file(path, &[gpu_csv::header]));
        of_file(average, &headers).or_else(of_gpu)
    }
}

fn of_file(path: PathBuf, headers: &[Header]) -> Option<(PathBuf, Language)> {
    let language = read(&path, |file| Ok(csv_text::language_of(file, headers)));
    Some((path, language.ok()???))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::{NodeDay, Span, TaskKnowledge, TasksByHost, attribute};
    use crate::model::{
        CardId, CardUsage, Interval, Reading, Thresholds, UserColumn, Window, both,
    };
    use crate::settings::Config;
    use crate::store::{DataDir, reports};
    use chrono_tz::Tz;
    use pretty_assertions::assert_eq;
    use std::collections::BTreeMap;
    use std::time::Duration;

    /// All files of a day of two nodes, of which one has no task information.
    fn written(said_in: Language, file_language: Language) -> Vec<String> {
        let root = tempfile::tempdir().expect("a directory");
        let config = Config {
            data_dir: root.path().to_owned(),
            file_language,
            ..Config::default()
        };
        let date = "2025-08-01".parse().expect("a date");
        let window = Window::new(date, Tz::UTC, Interval::DEFAULT, 2_000_000_000);
        let window = window.expect("a window");
        let node = |name: &str| Node {
            name: name.to_owned(),
            url: "http://127.0.0.1".parse().expect("an URL"),
            cards: vec![CardId(1), CardId(9)],
            first_gpu_id: None,
            gpu_uuids: BTreeMap::new(),
            uuid_owners: std::sync::Arc::default(),
        };
        let nodes = ["gpu-a", "gpu-b"].map(node);
        said_in.in_it(|| {
            let data_dir = DataDir::open(&config, Duration::ZERO).expect("the lock");
            let tree = data_dir.begin(&window).expect("it can be written");
            let known = Span::new(window.start, window.end).expect("a span");
            let tasks = [
                TaskKnowledge::Known {
                    tasks: attribute(&nodes[0], &TasksByHost::default(), known),
                    kept_since: Some(window.start),
                    has_malformed: true,
                },
                TaskKnowledge::Unknown {
                    reason: both!("原因", "a reason"),
                    earlier: BTreeMap::from([(GpuIndex(0), "alice".to_owned())]),
                },
            ];
            let (mut staged, mut ledger) = (Vec::new(), BTreeMap::new());
            for (node, tasks) in nodes.iter().zip(tasks) {
                let usage = CardUsage {
                    gpu: vec![Reading::new(50.0); 144],
                    vram: vec![None; 144],
                };
                let usage = BTreeMap::from([(CardId(1), usage)]);
                let day = NodeDay::new(node, &window, usage, tasks, Thresholds::default());
                ledger.extend(day.ledger().map(|of_node| (node.name.clone(), of_node)));
                staged.push(tree.stage(&day, UserColumn::All, &[]).expect("files"));
            }
            for placed in tree.commit(staged) {
                placed.expect("they are put in place");
            }
            let report = reports::write_users(&data_dir, &window, ledger).expect("a report");
            assert!(data_dir.day(date).check_language(&nodes).is_ok());
            let directories = nodes.iter().map(|node| tree.files.directory_of(node));
            let mut paths: Vec<_> = directories
                .flat_map(|directory| fs::read_dir(directory).expect("a directory"))
                .map(|entry| entry.expect("an entry").path())
                .chain([report.0])
                .collect();
            paths.sort();
            let read = |path| fs::read_to_string(path).expect("a file");
            paths.iter().map(read).collect()
        })
    }

    #[test]
    fn what_is_said_in_another_language_changes_no_byte_of_a_file() {
        for language in Language::BOTH {
            let files = written(Language::Chinese, language);
            assert_eq!(files.len(), 7);
            assert_eq!(written(Language::English, language), files);
            let is_chinese = |text: &String| text.contains(|c: char| c >= '\u{2e80}');
            let own = files.iter().filter(|text| is_chinese(text));
            assert_eq!(
                own.count(),
                if language == Language::Chinese { 7 } else { 0 }
            );
        }
    }
}
