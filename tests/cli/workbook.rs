//! `users --xlsx`: the same as a workbook for Excel.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;

use pretty_assertions::assert_eq;

use crate::simulated_cluster::{SimulatedNode, SimulatedTask};
use crate::support::{DATE, HOUR, Lab, MIDNIGHT, World};
use crate::users_rows::two_users;

fn world() -> World {
    let world = two_users("=HYPERLINK(\"x\")").start();
    let _ = world.run(&[DATE]).exits(0);
    world
}

/// A file of the workbook, which is a zip of XML.
pub(crate) fn part(book: impl Read + std::io::Seek, name: &str) -> String {
    let mut zip = zip::ZipArchive::new(book).expect("a zip");
    let mut text = String::new();
    let mut file = zip.by_name(name).expect("a part");
    file.read_to_string(&mut text).expect("UTF-8");
    text
}

fn part_of(world: &World, name: &str) -> String {
    part(
        File::open(world.path("book.xlsx")).expect("a workbook"),
        name,
    )
}

#[test]
fn the_workbook_stands_beside_the_table() {
    let world = world();
    let table = world.run(&["users", DATE]).exits(0).stdout;
    let arguments = ["users", DATE, "--xlsx", "book.xlsx"];
    let _ = world
        .run(&arguments)
        .exits(0)
        .stderr_is("")
        .stdout_is(&table);
    let mode = fs::metadata(world.path("book.xlsx"))
        .expect("a file")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o640);
    let strings = part_of(&world, "xl/sharedStrings.xml");
    assert!(strings.contains("<t>王小明</t>"), "{strings}");
    assert!(
        strings.contains("<t>=HYPERLINK(&quot;x&quot;)</t>")
            || strings.contains("<t>=HYPERLINK(\"x\")</t>"),
        "{strings}"
    );
    for sheet in 1..=4 {
        let xml = part_of(&world, &format!("xl/worksheets/sheet{sheet}.xml"));
        assert!(!xml.contains("<f>"), "{xml}");
    }
    // 22 hours, 2025-08-01, and 02:00 of it; 30.5 % is the mean of the node, as its average file has it.
    assert!(part_of(&world, "xl/worksheets/sheet1.xml").contains("<v>22</v>"));
    let rows = part_of(&world, "xl/worksheets/sheet2.xml");
    assert!(
        rows.contains("<v>45870</v>") && rows.contains("<v>45870.0833333333"),
        "{rows}"
    );
    let nodes = part_of(&world, "xl/worksheets/sheet3.xml");
    assert!(
        nodes.contains("<v>30.5</v>") && nodes.contains("<v>28</v>"),
        "{nodes}"
    );
    assert!(part_of(&world, "xl/charts/chart1.xml").contains("barChart"));
    // The same name again is the newer workbook.
    let by = [
        "users",
        DATE,
        "--by",
        "project",
        "--json",
        "--xlsx",
        "book.xlsx",
    ];
    assert!(world.run(&by).exits(0).json()["groups"].is_array());
    assert!(part_of(&world, "xl/workbook.xml").contains("name=\"專案\""));
}

#[test]
fn no_name_is_in_an_anonymous_workbook() {
    let world = world();
    let arguments = [
        "users",
        DATE,
        "--anonymize",
        "--user",
        "王小明",
        "--xlsx",
        "book.xlsx",
    ];
    let _ = world.run(&arguments).exits(0);
    let strings = part_of(&world, "xl/sharedStrings.xml");
    assert!(
        strings.contains("user-") && !strings.contains("王小明"),
        "{strings}"
    );
    assert!(!strings.contains("HYPERLINK"), "{strings}");
}

#[test]
fn what_is_missing_stands_in_the_workbook() {
    let world = world();
    let arguments = ["users", DATE, "--to", "2025-08-03", "--xlsx", "book.xlsx"];
    let _ = world.run(&arguments).exits(3);
    let strings = part_of(&world, "xl/sharedStrings.xml");
    let missing = "沒有用量報告：2025-08-02 到 2025-08-03：沒有收集";
    assert!(strings.contains(missing), "{strings}");
    // No day at all is a workbook without rows.
    let arguments = ["users", "2025-08-09", "--xlsx", "book.xlsx"];
    let _ = world.run(&arguments).exits(3);
    assert!(part_of(&world, "xl/sharedStrings.xml").contains("2025-08-09：沒有收集"));
}

#[test]
fn nobody_on_a_node_is_zero_hours_and_no_report_is_none() {
    let task = SimulatedTask::new("t1", "alice", "gpu-a").gpu(1, "APU-1");
    let other = SimulatedTask::new("t2", "bob", "gpu-c").gpu(1, "APU-1");
    let node = |name| SimulatedNode::new(name).cards(&[1]);
    let world = Lab::new()
        .node(node("gpu-a"))
        .node(node("gpu-b"))
        .node(node("gpu-c"))
        .task(task.start(MIDNIGHT).end(MIDNIGHT + 6 * HOUR))
        .task(other.start(MIDNIGHT).end(MIDNIGHT + HOUR))
        .start();
    let _ = world.run(&[DATE]).exits(0);
    // The fourth row of each node is what was held of it, and the fifth what was idle.
    for (arguments, hours) in [
        (&[][..], ["6", "0", "1"]),
        (&["--user", "alice"], ["6", "0", "0"]),
    ] {
        let span = ["users", DATE, "--to", "2025-08-02", "--xlsx", "book.xlsx"];
        let _ = world.run(&[&span[..], arguments].concat()).exits(3);
        let sheet = part_of(&world, "xl/worksheets/sheet3.xml");
        let cell = |name: &str| {
            let (_, rest) = sheet.split_once(&format!("<c r=\"{name}\""))?;
            let cell = rest.split("<c ").next()?;
            Some(cell.split_once("<v>")?.1.split_once("</v>")?.0)
        };
        assert_eq!(["C4", "C8", "C12"].map(cell), hours.map(Some), "{sheet}");
        assert_eq!(["D4", "D8", "D12"].map(cell), [None; 3], "{sheet}");
    }
}

#[test]
fn where_it_cannot_be_written_the_run_says_so() {
    let world = world();
    fs::create_dir(world.path("a-directory")).expect("a directory");
    for (path, problem) in [
        ("missing/book.xlsx", "錯誤：無法寫入 missing/book.xlsx："),
        (
            "a-directory",
            "錯誤：無法寫入 a-directory：不是一般檔案，未覆寫",
        ),
        (
            "/dev/null",
            "錯誤：無法寫入 /dev/null：不是一般檔案，未覆寫",
        ),
    ] {
        let _ = world
            .run(&["users", DATE, "--xlsx", path])
            .exits(1)
            .stderr_has(problem)
            .stdout_is("");
    }
}
