mod values;

use super::*;
use crate::analysis::{LastRun, NoticeRecord, Severity};
use crate::model::{Language, Window};
use crate::sinks::samples::{node, until, window};
use ::parquet::data_type::ByteArray;
use ::parquet::file::statistics::Statistics;
use ::parquet::record::Field;
use pretty_assertions::assert_eq;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use tables::{HOLDINGS, READINGS, RUNS, USAGE};
use tempfile::TempDir;

const MODES: Modes = Modes {
    file: 0o640,
    directory: 0o750,
};
const NOW: UnixSeconds = 1_760_000_000;

struct Dataset {
    root: TempDir,
    window: Window,
    run: LastRun,
}

impl Dataset {
    fn new() -> Self {
        let notice = NoticeRecord {
            severity: Severity::Warning,
            code: "late".to_owned(),
            message: "任務「1」".to_owned(),
            shortfall: None,
        };
        Self {
            root: tempfile::tempdir().expect("a directory"),
            window: window("2025-08-01"),
            run: LastRun {
                version: "0.1.0".to_owned(),
                started_at: NOW - 60,
                duration_seconds: 1.25,
                exit_status: 3,
                completeness: None,
                nodes: Vec::new(),
                notices: vec![notice],
            },
        }
    }

    fn sink(&self, shard: &str) -> Parquet {
        Parquet::new(self.root.path().to_owned(), shard, MODES)
    }

    fn write(
        &self,
        exported_at: UnixSeconds,
        nodes: Vec<Option<NodeCopy>>,
    ) -> Result<(), SinkError> {
        self.write_to(self.root.path(), exported_at, nodes)
    }

    fn write_to(
        &self,
        root: &Path,
        exported_at: UnixSeconds,
        nodes: Vec<Option<NodeCopy>>,
    ) -> Result<(), SinkError> {
        let day = TreeDay {
            window: &self.window,
            shard: "all",
            last_run: Some(&self.run),
            exported_at,
        };
        let unread = || Unread("n2".to_owned());
        let mut nodes = nodes.into_iter().map(|node| node.ok_or_else(unread));
        Parquet::new(root.to_owned(), "all", MODES).write(&day, &mut nodes)
    }

    fn path(&self, table: &file::Table) -> PathBuf {
        self.sink("all").path(table, self.window.date)
    }

    fn rows(&self, table: &file::Table) -> Vec<Vec<Field>> {
        let file = File::open(self.path(table)).expect("a file");
        let reader = SerializedFileReader::new(file).expect("a Parquet file");
        let rows = reader.get_row_iter(None).expect("rows");
        let fields = |row: ::parquet::record::Row| row.into_columns().into_iter();
        rows.map(|row| {
            fields(row.expect("a row"))
                .map(|(_, field)| field)
                .collect()
        })
        .collect()
    }

    fn fingerprints(&self) -> Result<BTreeMap<String, Fingerprint>, SinkError> {
        self.sink("all").fingerprints(self.window.date)
    }

    /// Every file by its path in the dataset.
    fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        let mut directories = vec![self.root.path().to_owned()];
        while let Some(directory) = directories.pop() {
            for entry in fs::read_dir(directory).expect("a directory") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    directories.push(path);
                    continue;
                }
                let name = path.strip_prefix(self.root.path()).expect("within");
                let bytes = fs::read(&path).expect("a file");
                files.insert(name.display().to_string(), bytes);
            }
        }
        files
    }
}

fn instant(seconds: UnixSeconds) -> Field {
    Field::TimestampMillis(seconds * 1000)
}

#[test]
fn the_same_tree_gives_the_same_bytes_and_what_is_as_it_was_keeps_its_time() {
    let dataset = Dataset::new();
    let copies = |second: u8| {
        let nodes = [
            node("n1", &dataset.window, 1),
            node("n2", &dataset.window, second),
        ];
        nodes.map(Some).to_vec()
    };
    dataset.write(NOW, copies(2)).expect("it is written");
    let first = dataset.files();
    assert_eq!(
        first.len(),
        5 + 1,
        "five files and the lock: {:?}",
        first.keys()
    );
    dataset.write(NOW + 100, copies(2)).expect("it is written");
    assert!(dataset.files() == first);
    let other = Dataset::new();
    other.write(NOW, copies(2)).expect("it is written");
    assert!(other.files() == first);
    dataset.write(NOW + 100, copies(3)).expect("it is written");
    let times: Vec<_> = dataset
        .rows(&NODE_DAYS)
        .into_iter()
        .map(|row| row[11].clone())
        .collect();
    assert_eq!(times, [instant(NOW), instant(NOW + 100)]);
    let fingerprints = dataset.fingerprints().expect("fingerprints");
    let expected = [("n1".to_owned(), [1; 32]), ("n2".to_owned(), [3; 32])];
    assert_eq!(fingerprints, BTreeMap::from(expected));
}

#[test]
fn files_that_are_not_there_or_are_damaged_have_no_fingerprints() {
    let dataset = Dataset::new();
    assert_eq!(dataset.fingerprints().expect("none"), BTreeMap::new());
    assert_eq!(dataset.files(), BTreeMap::new());
    let copies = || vec![Some(node("n1", &dataset.window, 1))];
    dataset.write(NOW, copies()).expect("it is written");
    let of_other_shard = dataset.sink("1-of-4").fingerprints(dataset.window.date);
    assert_eq!(of_other_shard.expect("none"), BTreeMap::new());
    assert_eq!(dataset.fingerprints().expect("one").len(), 1);
    let path = dataset.path(&NODE_DAYS);
    let whole = fs::read(&path).expect("a file");
    let places = 0..whole.len();
    let cut = places
        .clone()
        .step_by(61)
        .map(|length| whole[..length].to_vec());
    let flipped = places.map(|place| {
        let mut flipped = whole.clone();
        flipped[place] ^= 0x55;
        flipped
    });
    for bytes in cut.chain(flipped) {
        fs::write(&path, bytes).expect("it is written");
        assert_eq!(dataset.fingerprints().expect("none"), BTreeMap::new());
    }
    fs::write(&path, &whole).expect("it is written");
    fs::remove_file(dataset.path(&USAGE)).expect("it is removed");
    assert_eq!(dataset.fingerprints().expect("none"), BTreeMap::new());
    dataset.write(NOW, copies()).expect("it is written");
    assert_eq!(fs::read(&path).expect("a file"), whole);
}

#[test]
fn a_day_with_a_node_that_cannot_be_read_stays_as_it_was() {
    let dataset = Dataset::new();
    let copy = |name, seed| Some(node(name, &dataset.window, seed));
    let both = vec![copy("n1", 1), copy("n2", 1)];
    dataset.write(NOW, both).expect("it is written");
    let before = dataset.files();
    dataset
        .write(NOW, vec![copy("n1", 2), None])
        .expect("nothing is written");
    assert!(dataset.files() == before);
}

#[test]
fn a_node_that_cannot_be_read_and_is_not_in_the_files_holds_up_no_other() {
    let dataset = Dataset::new();
    dataset.write(NOW, vec![None]).expect("nothing is written");
    let lock = ".all.lock".to_owned();
    assert!(dataset.files().into_keys().eq([lock]));
    let table = dataset.root.path().join(READINGS.name);
    let dates = fs::read_dir(&table).expect("a directory");
    assert_eq!(dates.count(), 0);
    for seed in [1, 2] {
        let copy = Some(node("n1", &dataset.window, seed));
        dataset.write(NOW, vec![None, copy]).expect("it is written");
        let expected = [("n1".to_owned(), [seed; 32])];
        let fingerprints = dataset.fingerprints().expect("fingerprints");
        assert_eq!(fingerprints, BTreeMap::from(expected));
    }
}

#[test]
fn another_export_is_waited_for_but_not_without_end() {
    let dataset = Dataset::new();
    let mut sink = dataset.sink("all");
    sink.patience = Duration::ZERO;
    let lock = sink.lock().expect("nobody has it");
    let error = sink.lock().expect_err("it is held");
    let path = dataset.root.path().display();
    assert_eq!(
        error.to_string(),
        format!("無法寫入 {path}：另一個匯出正在寫入（請稍後再試）")
    );
    sink.patience = PATIENCE;
    thread::scope(|threads| {
        threads.spawn(|| {
            thread::sleep(PAUSE);
            drop(lock);
        });
        let _ = sink.lock().expect("it is released");
    });
}

#[test]
fn what_a_killed_export_left_is_removed_and_nothing_else() {
    let dataset = Dataset::new();
    let copies = || vec![Some(node("n1", &dataset.window, 1))];
    dataset.write(NOW, copies()).expect("it is written");
    let mut expected = dataset.files();
    let directory = dataset.root.path().join(READINGS.name);
    for name in [
        ".1-of-4.abcdef.parquet.tmp",
        "date=2025-08-01/1-of-4.parquet",
        ".all.note",
    ] {
        fs::write(directory.join(name), "other").expect("it is written");
        let name = format!("readings/{name}");
        expected.insert(name, b"other".to_vec());
    }
    fs::write(directory.join(".all.abcdef.parquet.tmp"), "left").expect("it is written");
    dataset.write(NOW, copies()).expect("it is written");
    assert!(dataset.files() == expected);
}

#[test]
fn files_have_the_modes_that_were_asked_for_and_say_who_wrote_them() {
    let dataset = Dataset::new();
    let copies = vec![Some(node("n1", &dataset.window, 1))];
    dataset.write(NOW, copies).expect("it is written");
    for table in ALL {
        let path = dataset.path(table);
        let mode = |path: &Path| fs::metadata(path).expect("it is there").mode();
        assert_eq!(mode(&path) & 0o777 & !MODES.file, 0);
        let directory = path.parent().expect("a directory");
        assert_eq!(mode(directory) & 0o777 & !MODES.directory, 0);
        let reader = SerializedFileReader::new(File::open(&path).expect("a file"));
        let reader = reader.expect("a Parquet file");
        let known = reader.metadata().file_metadata().key_value_metadata();
        let known = known.expect("pairs").iter();
        let known = known.map(|pair| (pair.key.as_str(), pair.value.as_deref()));
        let known: Vec<_> = known.collect();
        let version = Some(env!("CARGO_PKG_VERSION"));
        let program = ("program", Some("daily-gpu-log"));
        assert_eq!(known[..2], [program, ("program_version", version)]);
        assert_eq!(known.len() > 2, table.has_digest);
    }
}

#[test]
fn a_group_of_rows_is_of_whole_nodes_and_knows_which() {
    let dataset = Dataset::new();
    // Two of the three GPUs have readings.
    let count = 128 * 8 / 2 + 1;
    let copy = |number: usize| Some(node(&format!("n{number:04}"), &dataset.window, 1));
    let copies = (0..count).map(copy).collect();
    dataset.write(NOW, copies).expect("it is written");
    let file = File::open(dataset.path(&READINGS)).expect("a file");
    let reader = SerializedFileReader::new(file).expect("a Parquet file");
    let groups = reader.metadata().row_groups().iter();
    let nodes = groups.map(|group| match group.column(0).statistics() {
        Some(Statistics::ByteArray(of)) => {
            let text = |value: Option<&ByteArray>| value?.as_utf8().ok().map(str::to_owned);
            (group.num_rows(), text(of.min_opt()), text(of.max_opt()))
        }
        other => panic!("{other:?}"),
    });
    let name = |number: usize| Some(format!("n{number:04}"));
    let expected = [
        (128 * 8 * 144, name(0), name(count - 2)),
        (2 * 144, name(count - 1), name(count - 1)),
    ];
    assert_eq!(nodes.collect::<Vec<_>>(), expected);
}

#[test]
fn what_stands_in_the_way_is_named_with_what_to_do() {
    let dataset = Dataset::new();
    let root = dataset.root.path();
    let copies = || vec![Some(node("n1", &dataset.window, 1))];
    let english = |error: SinkError| Language::English.in_it(|| error.to_string());
    let file = root.join("file");
    fs::write(&file, "").expect("a file");
    let write_to = |root: &Path| dataset.write_to(root, NOW, copies()).expect_err("a file");
    let dataset_in_file = file.join("dataset");
    let path = dataset_in_file.display();
    let error = write_to(&dataset_in_file);
    let advice = "路徑中有一段不是目錄：請移開它，或改用別的目錄";
    let cause = "Not a directory (os error 20)";
    assert_eq!(
        error.to_string(),
        format!("無法寫入 {path}：{cause}（{advice}）")
    );
    let advice = "part of the path is not a directory: move it away, or use another directory";
    assert_eq!(
        english(error),
        format!("cannot write {path}: {cause}; {advice}")
    );
    assert!(english(write_to(&file)).ends_with(advice));

    let path = dataset.path(&RUNS);
    fs::create_dir_all(&path).expect("a directory");
    let error = dataset.write(NOW, copies()).expect_err("a directory");
    let advice = "move that directory away";
    let cause = "Is a directory (os error 21)";
    assert_eq!(
        english(error),
        format!("cannot write {}: {cause}; {advice}", path.display())
    );
    assert!(!dataset.path(&NODE_DAYS).exists());
    for (errno, advice) in [
        (28, "make room for it and export again"),
        (122, "make room for it and export again"),
        (13, "check the permission to write to its directory"),
        (
            5,
            "check that the directory can be written to and export again",
        ),
    ] {
        let error = unwritable(&path, &io::Error::from_raw_os_error(errno));
        assert!(english(error).ends_with(advice), "{errno}");
    }
}
