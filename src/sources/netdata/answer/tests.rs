use super::*;
use crate::model::Interval;
use chrono_tz::Tz;
use proptest::prelude::*;

macro_rules! recorded {
    ($file:literal) => {
        include_bytes!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/fixtures/netdata/recorded/",
            $file
        ))
    };
}

fn window(date: &str) -> Window {
    let date = date.parse().expect("a date");
    Window::new(date, Tz::UTC, Interval::DEFAULT, 1_900_000_000).expect("a window")
}

/// Those of the recorded agents.
const ALL: &[CardId] = &[
    CardId(1),
    CardId(9),
    CardId(17),
    CardId(25),
    CardId(33),
    CardId(41),
    CardId(49),
    CardId(57),
];

fn gpu_readings(usage: &NodeUsage, card: u64) -> usize {
    usage.cards[&CardId(card)].gpu.iter().flatten().count()
}

#[test]
fn both_versions_answer_a_whole_node() {
    // What amdgpu_fake.plugin fed: card 9 has a gap of an hour, and card 57 begins at noon, of which 2.8 lost
    // the first minutes (netdata/facts.md §7c).
    for (body, version, of_card57) in [
        (&recorded!("v1.37.1-data-jsonwrap.json")[..], "1.37.1", 72),
        (&recorded!("v2.8.0-data-jsonwrap.json")[..], "2.8.0", 67),
    ] {
        let usage = whole_node(body, ALL, &window("2026-11-20")).expect(version);
        let cards: Vec<_> = usage.cards.keys().map(|card| card.0).collect();
        assert_eq!(cards, [1, 9, 17, 25, 33, 41, 49, 57], "{version}");
        let found: Vec<_> = cards
            .iter()
            .map(|&card| gpu_readings(&usage, card))
            .collect();
        assert_eq!(
            found,
            [144, 138, 144, 144, 144, 144, 144, of_card57],
            "{version}"
        );
        let gappy = &usage.cards[&CardId(9)];
        assert_eq!(
            (gappy.gpu[143].map(Reading::percent), gappy.gpu[20]),
            (Some(16.001_666_7), None),
            "{version}"
        );
        assert!(gappy.vram[143].is_some());
    }
}

#[test]
fn an_answer_without_charts_has_no_data() {
    let older = recorded!("v2.11.0-data-day-older-than-tier0.json");
    let usage = whole_node(older, ALL, &window("2026-11-19")).expect("an answer");
    assert!(usage.is_empty() && usage.may_lack_old_readings(&[CardId(1)]));
    let coarse = recorded!("v2.11.0-data-day-from-tier1.json");
    let usage = whole_node(coarse, ALL, &window("2026-11-19")).expect("an answer");
    assert_eq!(gpu_readings(&usage, 1), 144);
}

#[test]
fn rows_of_the_day_before_are_dropped() {
    let day = window("2025-08-02");
    let usage =
        whole_node(recorded!("v1.37.1-context-today-shifted.json"), ALL, &day).expect("an answer");
    assert!(!usage.cards.is_empty());
    for (card, readings) in &usage.cards {
        let rows = readings.gpu.iter().flatten().count();
        assert_eq!(
            rows, 56,
            "card {card}: 09:20 was the last row, and midnight's belongs to the day before"
        );
    }
}

#[test]
fn one_chart_is_read_newest_first_or_last() {
    for (body, day, found) in [
        (&recorded!("v1.37.1-data-card9.json")[..], "2026-11-20", 138),
        (&recorded!("v2.8.0-data-card9.json")[..], "2026-11-20", 138),
        (
            &recorded!("v1.37.1-data-card9-today-shifted.json")[..],
            "2025-08-02",
            56,
        ),
        (
            &recorded!("v1.37.1-util-card9-full-day.json")[..],
            "2025-08-01",
            144,
        ),
    ] {
        let mut usage = NodeUsage::default();
        one_chart(body, &window(day), Metric::Gpu, CardId(9), &mut usage).expect(day);
        assert_eq!(gpu_readings(&usage, 9), found, "{day}");
    }
}

#[test]
fn a_chart_that_starts_mid_day_has_gaps_before() {
    let mut usage = NodeUsage::default();
    let body = recorded!("v1.37.1-data-card9-starts-mid-day.json");
    one_chart(
        body,
        &window("2025-07-31"),
        Metric::Gpu,
        CardId(9),
        &mut usage,
    )
    .expect("an answer");
    assert_eq!(gpu_readings(&usage, 9), 24);
}

#[test]
fn charts_are_known_by_context_and_card_alone() {
    for (id, chart) in [
        (
            "amdgpu.gpu_utilization_unknown AMD GPU_card9",
            Some((Metric::Gpu, CardId(9))),
        ),
        (
            "amdgpu.gpu_utilization_Instinct_MI300X_card57",
            Some((Metric::Gpu, CardId(57))),
        ),
        (
            "amdgpu.gpu_mem_vram_usage_perc_unknown AMD GPU_card1",
            Some((Metric::Vram, CardId(1))),
        ),
        ("amdgpu.gpu_mem_vram_usage_unknown AMD GPU_card1", None),
        ("amdgpu.gpu_utilization_unknown AMD GPU_card", None),
        ("system.cpu", None),
    ] {
        assert_eq!(chart_of(id), chart, "{id}");
    }
}

fn answered(values: &str) -> Result<NodeUsage, NodeErrorReason> {
    let ids = "\"amdgpu.gpu_utilization_X_card1\",\"amdgpu.gpu_utilization_Y_card1\"";
    let labels = "\"time\",\"utilization\",\"utilization\"";
    let body = format!(
        "{{\"chart_ids\":[{ids}],\"result\":{{\"labels\":[{labels}],\"data\":[{values}]}}}}"
    );
    whole_node(body.as_bytes(), ALL, &window("2025-08-01"))
}

#[test]
fn a_reading_that_is_no_percentage_is_rejected_and_named() {
    let usage = answered("[1754007000,150.5,null],[1754007600,null,-1]").expect("an answer");
    let place = |stamp| (CardId(1), Metric::Gpu, stamp);
    let expected = [
        (place(1_754_007_000), "150.5".to_owned()),
        (place(1_754_007_600), "-1".to_owned()),
    ];
    assert_eq!(usage.rejected, expected.into());
    assert!(usage.cards.is_empty());
}

#[test]
fn what_is_no_number_costs_one_reading() {
    for (text, named) in [
        ("nan", "nan"),
        ("-nan", "-nan"),
        ("NaN", "NaN"),
        ("inf", "inf"),
        ("-Infinity", "-Infinity"),
        ("1e999", "1e999"),
        ("\"NaN\"", "NaN"),
        ("\"12\"", "12"),
        ("\"a, \\\" nan\"", "a, \" nan"),
        ("true", "true"),
        ("[nan]", "[…]"),
        ("{\"nan\":inf}", "{…}"),
        (
            "\"a text that is longer than a number\"",
            "a text that is longe…",
        ),
    ] {
        let rows = format!("[1754007000,{text},null],[1754007600,nan,2],[1754008200,3,null]");
        let usage = answered(&rows).expect(text);
        let rejected: Vec<_> = usage.rejected.values().map(String::as_str).collect();
        assert_eq!(rejected, [named, "nan"]);
        assert_eq!(gpu_readings(&usage, 1), 2, "{text}");
    }
}

#[test]
fn a_row_that_is_none_of_the_window_costs_itself() {
    for (row, problem) in [
        ("[1754007001,1,2]", "不在 10m 的區間界線上"),
        ("[1754007000,1]", "欄位數"),
        ("[]", "沒有時間戳"),
        ("[null,1,2]", "沒有時間戳"),
        ("[\"midnight\",1,2]", "沒有時間戳"),
        ("[nan,1,2]", "沒有時間戳"),
        ("null", "沒有時間戳"),
        ("{}", "沒有時間戳"),
        ("{\"a\":[1]}", "沒有時間戳"),
        ("7", "沒有時間戳"),
        ("-7", "沒有時間戳"),
        ("0.7", "沒有時間戳"),
        ("true", "沒有時間戳"),
        ("nan", "沒有時間戳"),
    ] {
        let usage = answered(&format!("{row},[1754007600,3,null],{row}")).expect(row);
        let rows = usage.rejected_rows.as_ref().expect(row);
        assert!(rows.problem.contains(problem), "{row}: {}", rows.problem);
        assert_eq!((rows.count, gpu_readings(&usage, 1)), (2, 1), "{row}");
    }
}

#[test]
fn cards_that_the_node_is_not_said_to_have_are_counted() {
    let body = recorded!("v1.37.1-data-jsonwrap.json");
    let usage = whole_node(body, &ALL[..2], &window("2026-11-20")).expect("an answer");
    assert_eq!(usage.cards.keys().collect::<Vec<_>>(), [&ALL[0], &ALL[1]]);
    assert_eq!(usage.other_cards.first, ALL[2..]);
    let charts: Vec<_> = (100..120)
        .map(|card| format!("\"amdgpu.gpu_utilization_X_card{card}\""))
        .collect();
    let (ids, labels) = (charts.join(","), "\"l\",".repeat(20));
    let body = format!(
        "{{\"chart_ids\":[{ids}],\"result\":{{\"labels\":[{labels}\"l\"],\"data\":[[1754007000{}]]}}}}",
        ",1".repeat(20)
    );
    let usage = whole_node(body.as_bytes(), ALL, &window("2025-08-01")).expect("an answer");
    assert!(usage.cards.is_empty() && !usage.is_empty());
    assert_eq!(
        (usage.other_cards.first.len(), usage.other_cards.more),
        (12, 8)
    );
}

#[test]
fn charts_without_end_of_one_card_are_no_answer() {
    let ids = vec!["\"amdgpu.gpu_utilization_X_card1\""; CHARTS_LIMIT + 1].join(",");
    let labels = vec!["\"l\""; CHARTS_LIMIT + 2].join(",");
    let body =
        format!("{{\"chart_ids\":[{ids}],\"result\":{{\"labels\":[{labels}],\"data\":[]}}}}");
    let error = whole_node(body.as_bytes(), ALL, &window("2025-08-01")).expect_err("too many");
    assert!(error.to_string().contains("4097 張圖表"), "{error}");
}

#[test]
fn charts_of_one_card_fill_each_others_gaps() {
    let usage = answered("[1754007000,1,null],[1754007600,null,2]").expect("an answer");
    let values: Vec<_> = usage.cards[&CardId(1)]
        .gpu
        .iter()
        .flatten()
        .map(|reading| reading.percent())
        .collect();
    assert_eq!(values, [1.0, 2.0]);
}

#[test]
fn a_row_of_which_two_charts_hold_a_part_each_is_a_gap() {
    let rows = "[1754007000,1,null],[1754007600,3,4],[1754008200,null,5],[1754008800,\"?\",6]";
    let usage = answered(rows).expect("an answer");
    let values = usage.cards[&CardId(1)].gpu.iter();
    let values: Vec<_> = values
        .take(4)
        .map(|reading| reading.map(Reading::percent))
        .collect();
    assert_eq!(values, [Some(1.0), None, Some(5.0), Some(6.0)]);
    assert_eq!(usage.in_part, [(CardId(1), Metric::Gpu, 1)].into());
}

#[test]
fn what_is_no_answer_is_said_to_be_none() {
    assert!(matches!(
        answered("[1754007000,1,2"),
        Err(NodeErrorReason::NotJson(_))
    ));
    for (body, is_json) in [
        (&b"<html>"[..], false),
        (b"", false),
        (b"[]", true),
        (b"{}", true),
        (b"null", true),
    ] {
        let error = whole_node(body, ALL, &window("2025-08-01")).expect_err("an error");
        assert_eq!(
            matches!(error, NodeErrorReason::Shape(_)),
            is_json,
            "{error}"
        );
    }
}

proptest! {
    #[test]
    fn no_answer_panics(body in prop::collection::vec(any::<u8>(), 0..200), stamp in any::<f64>()) {
        let _ = whole_node(&body, ALL, &window("2025-08-01"));
        let _ = answered(&format!("[{stamp},1,2]"));
    }
}
