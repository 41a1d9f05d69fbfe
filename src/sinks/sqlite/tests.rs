use super::*;
use crate::model::{CardId, Language, Reading};
use crate::sinks::samples;
use pretty_assertions::assert_eq;

fn write(sink: &mut Sqlite, nodes: Vec<NodeCopy>, exported_at: i64) {
    let window = samples::window("2025-08-01");
    let day = TreeDay {
        window: &window,
        shard: "all",
        last_run: None,
        exported_at,
    };
    let mut nodes = nodes.into_iter().map(Ok);
    sink.write(&day, &mut nodes).expect("it is written");
}

#[test]
fn every_reading_is_exact_and_a_gap_is_null() {
    let root = tempfile::tempdir().expect("a directory");
    let path = root.path().join("gpu.sqlite");
    let window = samples::window("2025-08-01");
    let mut sink = Sqlite::new(path.clone(), 0o640);
    let nothing = sink.fingerprints(window.date).expect("nothing");
    assert!(nothing.is_empty() && !path.exists());
    write(&mut sink, vec![samples::node("n1", &window, 1)], 1);
    // A second time, with other values, in the place of the first.
    let node = samples::until(samples::node("n1", &window, 2), 25);
    write(
        &mut sink,
        vec![node.clone(), samples::node("n2", &window, 3)],
        2,
    );
    let known = sink.fingerprints(window.date).expect("fingerprints");
    let expected = [("n1", [2; 32]), ("n2", [3; 32])];
    let expected = expected.map(|(name, print)| (name.to_owned(), print));
    assert_eq!(known, BTreeMap::from(expected));
    drop(sink);
    let reader = Connection::open(&path).expect("a database");
    let query = "SELECT gpu, card, interval_end, gpu_percent, vram_percent FROM reading WHERE node = 'n1' ORDER BY gpu, interval_end";
    let mut query = reader.prepare(query).expect("a query");
    let row = |row: &Row| {
        let percent = |column: usize| -> Result<_, Error> {
            let percent: Option<f64> = row.get(column)?;
            Ok(percent.map(|percent| Reading::new(percent).expect("a percentage")))
        };
        Ok((
            row.get(0)?,
            row.get(1)?,
            row.get(2)?,
            percent(3)?,
            percent(4)?,
        ))
    };
    let rows = query.query_map([], row).expect("rows");
    let rows: Vec<(usize, u64, i64, _, _)> = rows.map(|row| row.expect("a row")).collect();
    let expected = node.gpus.iter().flat_map(|gpu| {
        let usage = gpu.usage.iter();
        let rows = usage.flat_map(|usage| {
            let readings = usage.gpu.iter().copied().zip(usage.vram.iter().copied());
            window.stamps().zip(readings)
        });
        rows.map(|(stamp, (of_gpu, of_vram))| (gpu.index.0, gpu.card.0, stamp, of_gpu, of_vram))
    });
    assert_eq!(rows, expected.collect::<Vec<_>>());
    let count = |table: &str| -> i64 {
        let query = format!("SELECT count(*) FROM {table}");
        let counted = reader.query_row(&query, [], |row| row.get(0));
        counted.expect("a count")
    };
    let tables = [
        "node_day",
        "holding",
        "usage",
        "usage_by_user_day",
        "gpu_day",
    ];
    assert_eq!(tables.map(count), [2, 2, 2, 1, 4]);
}

#[test]
fn what_is_no_database_stays_and_is_named() {
    let root = tempfile::tempdir().expect("a directory");
    let path = root.path().join("notes");
    fs::write(&path, "no database at all, but a text of some length").expect("a file");
    let open = |path: &Path| Sqlite::new(path.to_owned(), 0o640).opened().map(drop);
    let error = open(&path).expect_err("no database");
    assert!(error.to_string().contains("notes"), "{error}");
    let text = fs::read_to_string(&path).expect("the file");
    assert!(text.starts_with("no database"), "{text}");
    let error = open(root.path()).expect_err("a directory");
    assert!(error.to_string().contains("不是一般檔案"), "{error}");
}

#[test]
fn a_database_of_another_program_stays_as_it_is() {
    let root = tempfile::tempdir().expect("a directory");
    let path = root.path().join("other.sqlite");
    for content in [
        "CREATE TABLE t (a)",
        "PRAGMA user_version = 1",
        "PRAGMA application_id = 7",
    ] {
        let _ = fs::remove_file(&path);
        let other = Connection::open(&path).expect("a database");
        other.execute_batch(content).expect("it is made");
        drop(other);
        let before = fs::read(&path).expect("the file");
        let mut sink = Sqlite::new(path.clone(), 0o640);
        let written = sink.opened().map(drop).expect_err(content);
        let date = samples::window("2025-08-01").date;
        let read = sink.fingerprints(date).expect_err(content);
        let path = path.display();
        for error in [written, read] {
            assert_eq!(
                Language::English.in_it(|| error.to_string()),
                format!("cannot use {path}: it is not a copy of this program (name another file)")
            );
        }
        assert!(fs::read(root.path().join("other.sqlite")).expect("the file") == before);
        let files = fs::read_dir(root.path()).expect("a directory");
        assert_eq!(files.count(), 1, "{content}");
    }
}

#[test]
fn what_an_export_that_was_killed_at_once_left_becomes_a_copy() {
    let root = tempfile::tempdir().expect("a directory");
    let path = root.path().join("gpu.sqlite");
    let killed = Connection::open(&path).expect("a database");
    let wal = killed.pragma_update(None, "journal_mode", "wal");
    wal.expect("it has a header");
    drop(killed);
    assert!(fs::metadata(&path).expect("a file").len() > 0);
    let opened = Sqlite::new(path.clone(), 0o640).opened().map(drop);
    opened.expect("it is a copy");
    let copy = Connection::open(&path).expect("a database");
    let id = copy.pragma_query_value(None, "application_id", |row| row.get(0));
    assert_eq!(id, Ok(APPLICATION_ID));
}

#[test]
fn a_card_may_have_any_number() {
    let root = tempfile::tempdir().expect("a directory");
    let window = samples::window("2025-08-01");
    let mut node = samples::node("n1", &window, 1);
    node.gpus[0].card = CardId(u64::MAX);
    let path = root.path().join("gpu.sqlite");
    write(&mut Sqlite::new(path.clone(), 0o640), vec![node], 1);
    let reader = Connection::open(&path).expect("a database");
    let most = reader.query_row("SELECT max(card) FROM reading", [], |row| row.get(0));
    assert_eq!(most, Ok(i64::MAX));
}

#[test]
fn only_what_a_permission_may_mend_has_that_advice() {
    use rusqlite::ffi;
    for (code, is_advised) in [
        (ffi::SQLITE_CANTOPEN, true),
        (ffi::SQLITE_READONLY, true),
        (ffi::SQLITE_PERM, true),
        (ffi::SQLITE_IOERR, false),
        (ffi::SQLITE_CONSTRAINT, false),
        (ffi::SQLITE_FULL, false),
    ] {
        let error = Error::SqliteFailure(ffi::Error::new(code), None);
        let error = advised(&error).to_string();
        assert_eq!(error.contains("權限"), is_advised, "{error}");
    }
}
