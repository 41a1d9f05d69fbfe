use super::*;
use crate::analysis::Idle;
use crate::analysis::usage::UserRow;
use crate::model::{GpuIndex, Language};
use std::io::{Cursor, Read};

fn usage() -> Usage {
    let date: NaiveDate = "2025-08-01".parse().expect("a date");
    let account = Account {
        active: 3600,
        idle: Idle {
            vram_held: 1800,
            ..Idle::default()
        },
        ..Account::default()
    };
    let mut usage = Usage::new(date, date);
    (usage.days, usage.days_with_accounts) = (1, 1);
    for user in ["=1+1", "王小明", "a\u{ffff}<&\u{1}b", "_x0041_x"] {
        usage.users.insert(user.to_owned(), account);
        usage.rows.push(UserRow {
            user: user.to_owned(),
            date,
            node: "gpu-a".to_owned(),
            gpu: GpuIndex(0),
            account,
            tasks: None,
        });
    }
    usage
}

/// A file of the workbook, which is a zip of XML.
fn part(book: &[u8], name: &str) -> String {
    let mut zip = zip::ZipArchive::new(Cursor::new(book)).expect("a zip");
    let mut text = String::new();
    let mut file = zip.by_name(name).expect("a part");
    file.read_to_string(&mut text).expect("UTF-8");
    text
}

fn rendered() -> Vec<u8> {
    rendered_of(&usage(), &BTreeSet::new())
}

fn rendered_of(usage: &Usage, reported: &BTreeSet<(String, NaiveDate)>) -> Vec<u8> {
    let book = Book {
        usage,
        means: &BTreeMap::new(),
        reported,
        by: GroupBy::User,
        order: UserOrder::Name,
        zone: Tz::UTC,
        thresholds: Thresholds::default(),
    };
    book.render().expect("a workbook")
}

#[test]
fn names_are_texts_and_hours_are_numbers() {
    let book = rendered();
    let strings = part(&book, "xl/sharedStrings.xml");
    for name in [
        "<t>=1+1</t>",
        "<t>王小明</t>",
        "a\u{fffd}&lt;&amp; b",
        "<t>_x005F_x0041_x</t>",
    ] {
        assert!(strings.contains(name), "{name}: {strings}");
    }
    let sheet = part(&book, "xl/worksheets/sheet1.xml");
    assert!(!sheet.contains("<f>"), "{sheet}");
    assert!(
        sheet.contains("<v>1.5</v>") && sheet.contains("<v>0.5</v>"),
        "{sheet}"
    );
    assert!(sheet.contains("state=\"frozen\"") && sheet.contains("<autoFilter ref=\"A1:I5\"/>"));
    let rows = part(&book, "xl/worksheets/sheet2.xml");
    // 2025-08-01 as Excel counts days.
    assert!(rows.contains("<v>45870</v>"), "{rows}");
    assert!(
        part(&book, "xl/charts/chart1.xml").contains("'使用者'!$A$2:$A$5")
            || part(&book, "xl/charts/chart1.xml").contains("使用者!$A$2:$A$5")
    );
}

#[test]
fn a_node_that_nobody_held_has_zero_hours_on_the_days_with_a_report() {
    let date: NaiveDate = "2025-08-01".parse().expect("a date");
    let mut usage = usage();
    usage.to = date + chrono::Days::new(1);
    let reported = [("gpu-a", 0), ("gpu-b", 0), ("gpu-b", 1)];
    let reported = reported.map(|(node, day)| (node.to_owned(), date + chrono::Days::new(day)));
    let book = rendered_of(&usage, &reported.into());
    let sheet = part(&book, "xl/worksheets/sheet3.xml");
    // Rows 4 and 5 are what was held of gpu-a, and idle of it; 8 and 9 of gpu-b.
    for (cell, hours) in [
        ("C4", Some("6")),
        ("C5", Some("2")),
        ("D4", None),
        ("C8", Some("0")),
        ("C9", Some("0")),
        ("D8", Some("0")),
        ("D9", Some("0")),
    ] {
        let found = sheet
            .split_once(&format!("<c r=\"{cell}\""))
            .and_then(|(_, rest)| {
                let cell = rest.split("<c ").next()?;
                Some(cell.split_once("<v>")?.1.split_once("</v>")?.0)
            });
        assert_eq!(found, hours, "{cell}: {sheet}");
    }
}

#[test]
fn a_name_in_chinese_has_room() {
    let book = rendered();
    let strings = part(&book, "xl/worksheets/sheet4.xml");
    // The width of what is said, in columns of a terminal, up to the widest.
    assert!(strings.contains("width=\"63."), "{strings}");
}

#[test]
fn the_sheets_are_called_in_the_language_that_is_chosen() {
    let sheets = part(&rendered(), "xl/workbook.xml");
    for name in ["使用者", "明細", "節點與日期", "說明"] {
        assert!(sheets.contains(&format!("name=\"{name}\"")), "{sheets}");
    }
    let english = Language::English.in_it(rendered);
    let sheets = part(&english, "xl/workbook.xml");
    for name in ["User", "Rows", "Nodes by day", "Definitions"] {
        assert!(sheets.contains(&format!("name=\"{name}\"")), "{sheets}");
    }
    let strings = part(&english, "xl/sharedStrings.xml");
    assert!(
        strings.contains("Held (GPU-hours)") && !strings.contains("時數"),
        "{strings}"
    );
}
