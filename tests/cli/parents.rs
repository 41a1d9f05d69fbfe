//! Nodes on a parent: hosts of one name, and a child that the parent has lost.

use pretty_assertions::assert_eq;

use crate::simulated_cluster::{Fault, SimulatedNode};
use crate::support::{DATE, HOUR, Lab, World};

const NODE: &str = "colab-gpu4";
const OTHER: &str = "cccccccc-0000-4000-8000-000000000003";
const LOST: &str =
    "與 parent 的連線中斷，parent 只有它先前送出的讀數：請檢查該節點、它的 Netdata 與串流";

/// A world in which the node is asked for at a parent, by this name.
fn on_parent(node: SimulatedNode, host: &str) -> World {
    let world = Lab::new().node(node).start();
    let url = world.cluster.url(NODE);
    world.edit_settings(&url, &format!("{url}/host/{host}"));
    world
}

fn node() -> SimulatedNode {
    SimulatedNode::new(NODE)
}

fn infos(world: &World) -> usize {
    let requests = world.cluster.requests(NODE);
    let is_info = |target: &str| target == "/api/v1/info";
    requests
        .iter()
        .filter(|request| is_info(&request.target))
        .count()
}

#[test]
fn two_hosts_of_one_name_are_a_warning_with_the_address_of_the_living_one() {
    let guid = node().guid();
    let twins = || node().beside_host(NODE, OTHER, false);
    let said = |url: &str| {
        format!(
            "colab-gpu4 在 parent 上有 2 台同名的主機（{guid}（連線中）、{OTHER}（已斷線）），\
             回應可能是其中任何一台的：請將 url 改為 {url}/host/{guid}\n"
        )
    };
    let world = on_parent(twins(), NODE);
    let warning = format!("警告：{}", said(&world.cluster.url(NODE)));
    let _ = world.run(&[DATE]).exits(0).stderr_is(&warning);
    let _ = world
        .check(&["--skip-task-info", "-q"])
        .exits(0)
        .stdout_has(&format!("警告：節點 {}", said("http://loopback")));

    // By its guid it is that host and no other.
    let world = on_parent(twins(), &guid);
    let _ = world.run(&[DATE]).exits(0).stderr_is("");
    let _ = world
        .check(&["--skip-task-info", "-q"])
        .exits(0)
        .stdout_is("");

    // Which of two that are connected is meant, nobody but the administrator knows.
    let world = on_parent(node().beside_host(NODE, OTHER, true), NODE);
    let _ = world.run(&[DATE]).exits(0).stderr_has("/host/<guid>\n");
}

#[test]
fn a_child_that_its_parent_has_lost_is_said_to_be_lost() {
    // So long ago that nothing of today is there, and since this noon of the day.
    let (never, since) = (4_000_000_000, crate::support::MIDNIGHT + 12 * HOUR);
    let world = on_parent(node().lost_by_parent().down(since, never), NODE);
    let _ = world
        .run(&[DATE])
        .exits(0)
        .stderr_has(&format!("警告：colab-gpu4 {LOST}\n"));
    let _ = world
        .check(&["--skip-task-info"])
        .exits(3)
        .stdout_has(&format!("節點 colab-gpu4 {LOST}"))
        .stdout_lacks("重新啟動");
}

#[test]
fn a_lost_child_whose_readings_end_today_is_not_told_to_restart_anything() {
    let now = chrono::Utc::now().timestamp();
    let since = (now - 1).div_euclid(600) * 600 - 2 * HOUR;
    let gone = node().lost_by_parent().down(since, 4_000_000_000);
    let outcome = on_parent(gone, NODE)
        .check(&["--skip-task-info", "-q"])
        .exits(3);
    assert_eq!(outcome.stdout.lines().count(), 2, "{}", outcome.stdout);
    let said = format!("錯誤：節點 colab-gpu4 {LOST}（最後的讀數在 DATE ");
    assert!(outcome.stdout.starts_with(&said), "{}", outcome.stdout);
}

#[test]
fn a_parent_is_asked_once_a_run_for_its_hosts_and_an_agent_never() {
    let world = on_parent(node(), NODE);
    let _ = world.run(&[DATE, "--catch-up", "3"]).exits(0).stderr_is("");
    assert_eq!(infos(&world), 1);
    let world = Lab::new().node(node()).start();
    let _ = world.run(&[DATE]).exits(0).stderr_is("");
    assert_eq!(infos(&world), 0);
}

#[test]
fn a_parent_that_does_not_list_its_hosts_is_no_matter() {
    for times in [1, 2] {
        let world = on_parent(node().fault(Fault::StatusAfter { code: 403, times }), NODE);
        let _ = world.run(&[DATE]).exits(0).stderr_is("");
    }
}
