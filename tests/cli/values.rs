//! Every reading of a node is in its files, in the characters that its agent sent.

use pretty_assertions::{assert_eq, assert_ne};

use crate::simulated_cluster::{SimulatedNode, Version, expected_text};
use crate::support::{CARDS, DATE, Day, HOUR, Lab, MIDNIGHT, Outcome};

const NODE: &str = "colab-gpu4";

fn both_versions() -> [SimulatedNode; 2] {
    [Version::V1_37, Version::V2_8].map(|version| SimulatedNode::new(NODE).version(version))
}

fn gpu_file(outcome: &Outcome, index: usize) -> String {
    outcome.of_day(NODE, DATE, &format!("gpu{index}"))
}

/// How often the agent was asked, and whether for its samples alone.
fn tiers(outcome: &Outcome) -> Vec<bool> {
    let requests = outcome.world().cluster.requests(NODE);
    let is_samples_only = |target: &str| target.ends_with("&tier=0");
    requests
        .iter()
        .map(|request| is_samples_only(&request.target))
        .collect()
}

#[test]
fn every_reading_of_a_day_is_in_the_files_as_both_versions_print_it() {
    for node in both_versions() {
        let outcome = Lab::new().node(node).run(&[DATE]).exits(0).stderr_is("");
        let node = outcome.world().cluster.node(NODE);
        Day::utc().check_gpu_files(&outcome, NODE, node);
    }
}

#[test]
fn an_agent_that_knows_no_contexts_gives_the_same_files() {
    for node in both_versions() {
        let node = node
            .without_context_queries()
            .gap(9, MIDNIGHT + 5 * HOUR, MIDNIGHT + 6 * HOUR);
        let outcome = Lab::new().node(node).run(&[DATE]).exits(0).stderr_is("");
        let node = outcome.world().cluster.node(NODE);
        Day::utc().check_gpu_files(&outcome, NODE, node);
    }
}

#[test]
fn a_card_that_an_agent_without_contexts_does_not_know_is_missing_alone() {
    let node = SimulatedNode::new(NODE)
        .without_context_queries()
        .without_card(9);
    let outcome = Lab::new()
        .node(node)
        .run(&[DATE])
        .exits(3)
        .stderr_has("GPU[1]（Card 9）當日沒有任何 GPU、VRAM 讀數");
    assert_eq!(outcome.tree().len(), 9);
    let node = outcome.world().cluster.node(NODE);
    assert_eq!(gpu_file(&outcome, 2), Day::utc().gpu_csv(node, 17));
}

#[test]
fn a_node_is_found_on_a_parent() {
    for end in ["", "/"] {
        let world = Lab::colab_gpu4().start();
        let url = world.cluster.url(NODE);
        world.edit_settings(&format!("{url}\""), &format!("{url}/host/{NODE}{end}\""));
        let outcome = world.run(&[DATE]).exits(0).stderr_is("");
        Day::utc().check_gpu_files(&outcome, NODE, world.cluster.node(NODE));
        let target = &world.cluster.requests(NODE)[0].target;
        let path = format!("/host/{NODE}/api/v1/data?context=");
        assert!(target.starts_with(&path), "{target}");
    }
}

#[test]
fn a_node_that_its_parent_does_not_know_is_said_to_be_missing_there() {
    let world = Lab::colab_gpu4().start();
    let url = world.cluster.url(NODE);
    world.edit_settings(&format!("{url}\""), &format!("{url}/host/other\""));
    let outcome = world.run(&[DATE]).exits(1);
    let address = format!("無法從 {url}/host/other 獲取數據：");
    assert!(outcome.stderr.contains(&address), "{}", outcome.stderr);
    assert_eq!(outcome.tree(), [""; 0]);
}

#[test]
fn only_what_is_older_than_the_samples_comes_from_the_coarse_tier() {
    // The samples begin within a row, and a card has a gap after that: a coarse row would leak into its end.
    let fine_from = MIDNIGHT + 12 * HOUR + 300;
    let with_gap = |node: SimulatedNode| {
        node.gap(9, MIDNIGHT + 15 * HOUR, MIDNIGHT + 16 * HOUR)
            .vram_gap(17, MIDNIGHT, MIDNIGHT + 13 * HOUR)
    };
    let node = with_gap(SimulatedNode::new(NODE).fine_samples_from(fine_from));
    let outcome = Lab::new().node(node).run(&[DATE]).exits(0).stderr_is("");
    assert_eq!(tiers(&outcome), [true, false]);
    let whole = with_gap(SimulatedNode::new(NODE));
    let fine = with_gap(SimulatedNode::new(NODE).samples_from(fine_from));
    let day = Day::utc();
    for (index, card) in CARDS.into_iter().enumerate() {
        let first_fine = |metric| {
            (MIDNIGHT..=day.end)
                .step_by(600)
                .find(|&stamp| expected_text(&fine, metric, card, stamp, 600).is_some())
        };
        // The first row of the samples is of the part of its interval that is not forgotten yet.
        let is_part = |metric, stamp| {
            let older = (MIDNIGHT..stamp).step_by(600);
            Some(stamp) == first_fine(metric)
                && older
                    .skip(1)
                    .any(|stamp| expected_text(&whole, metric, card, stamp, 600).is_some())
        };
        let expected = day.csv(600, |metric, stamp| {
            if Some(stamp) < first_fine(metric) || is_part(metric, stamp) {
                // A row of the coarse tier is a second off.
                let has_samples = expected_text(&whole, metric, card, stamp, 600).is_some();
                expected_text(&whole, metric, card, stamp - 1, 600).filter(|_| has_samples)
            } else {
                expected_text(&fine, metric, card, stamp, 600)
            }
        });
        assert_eq!(gpu_file(&outcome, index), expected, "card {card}");
        assert_ne!(expected, day.gpu_csv(&whole, card), "the tiers differ");
    }
}

#[test]
fn a_day_older_than_all_samples_comes_from_the_coarse_tier() {
    let day = Day::utc();
    // A window that ends just before the samples is answered with nulls, an older one with 404.
    for fine_from in [day.end + 1, day.end + 48 * HOUR] {
        let node = SimulatedNode::new(NODE).fine_samples_from(fine_from);
        let outcome = Lab::new().node(node).run(&[DATE]).exits(0).stderr_is("");
        assert_eq!(tiers(&outcome), [true, false]);
        let node = outcome.world().cluster.node(NODE);
        for (index, card) in CARDS.into_iter().enumerate() {
            let expected = day.csv(600, |metric, stamp| {
                expected_text(node, metric, card, stamp - 1, 600)
            });
            assert_eq!(gpu_file(&outcome, index), expected, "card {card}");
        }
    }
}

#[test]
fn a_day_within_the_samples_is_asked_for_once() {
    let node = SimulatedNode::new(NODE).fine_samples_from(MIDNIGHT).gap(
        9,
        MIDNIGHT + 600,
        MIDNIGHT + 23 * HOUR,
    );
    let outcome = Lab::new().node(node).run(&[DATE]).exits(0).stderr_is("");
    assert_eq!(tiers(&outcome), [true]);
    let node = outcome.world().cluster.node(NODE);
    Day::utc().check_gpu_files(&outcome, NODE, node);
}
