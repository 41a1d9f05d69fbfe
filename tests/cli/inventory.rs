//! `inventory`, and `scripts/gpu-inventory.sh`, which is the same: a node's table of the settings, from a sysfs tree as
//! kernels build it, or from a listing.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use pretty_assertions::assert_eq;
use tempfile::TempDir;

use crate::simulated_cluster::{SimulatedNode, SimulatedTask};
use crate::support::{DATE, Lab, Sysfs, World};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/gpu-inventory.sh");

/// What is said on standard output and standard error, and the status.
type Said = (String, String, Option<i32>);

/// Runs both the script and the command, which say the same, with this on their standard input.
#[track_caller]
fn inventory(arguments: &[&str], input: &str) -> Said {
    let (table, problems, status) = command(arguments, input);
    let problems = problems.replace("daily-gpu-log inventory --help", "gpu-inventory.sh --help");
    let said = script(arguments, input);
    assert_eq!((table, problems, status), said, "{arguments:?}");
    said
}

fn script(arguments: &[&str], input: &str) -> Said {
    run(Command::new("bash").arg(SCRIPT), arguments, input)
}

fn command(arguments: &[&str], input: &str) -> Said {
    let mut program = Command::new(env!("CARGO_BIN_EXE_daily-gpu-log"));
    run(program.arg("inventory"), arguments, input)
}

fn run(command: &mut Command, arguments: &[&str], input: &str) -> Said {
    let mut child = command
        .args(arguments)
        .env("DAILY_GPU_LOG_LANG", "zh-TW")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    // What refuses its arguments ends without reading.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (
        text(output.stdout),
        text(output.stderr),
        output.status.code(),
    )
}

/// The table of a listing, for a node called `n`.
#[track_caller]
fn listed(listing: &str) -> String {
    let arguments = ["--from", "-", "--name", "n", "--url", "http://127.0.0.1:9"];
    let (table, problems, status) = inventory(&arguments, listing);
    assert_eq!((problems.as_str(), status), ("", Some(0)), "{listing}");
    table
}

/// A table without its head, which is the same for every listing.
#[track_caller]
fn body(table: &str) -> &str {
    let head = "# 由 gpu-inventory.sh 從 標準輸入 產生\n\
        [[nodes]]\n\
        name = \"n\"\n\
        url = \"http://127.0.0.1:9\"\n\
        # first_gpu_id = ?    管理 API 的 id 跨叢集編號時，填入此節點 GPU[0] 的 id\n";
    table.strip_prefix(head).expect(table)
}

/// The program takes the table for its settings: it asks the node, which is not there.
#[track_caller]
fn accepted(table: &str) {
    let world = Lab::new().start();
    // Nobody listens there, and nobody has to be waited for.
    world.write(
        "daily-gpu-log.toml",
        &format!("[netdata]\nretries = 0\n{table}"),
    );
    let _ = world
        .run(&["--skip-task-info", DATE])
        .exits(1)
        .stderr_has("無法連線");
}

fn of_sysfs(sysfs: &Sysfs, arguments: &[&str]) -> Said {
    inventory(&[&["--sysfs", sysfs.root()], arguments].concat(), "")
}

/// The table of a tree, without the first line, which names its directory.
#[track_caller]
fn table_of(sysfs: &Sysfs, arguments: &[&str]) -> String {
    let (table, problems, status) = of_sysfs(sysfs, arguments);
    assert_eq!((problems.as_str(), status), ("", Some(0)));
    let first = format!("# 由 gpu-inventory.sh 從 {} 產生\n", sysfs.root());
    table.strip_prefix(&first).expect("the source").to_owned()
}

/// A node with three GPUs whose cards are not in the order of their PCI addresses.
fn node() -> Sysfs {
    let mut sysfs = Sysfs::new()
        .board()
        .gpu("0000:e5:00.0", 1, Some("be00df5da6743f1c\n"))
        .gpu("0000:05:00.0", 9, Some("00a1b2c3d4e5f607\n"))
        .gpu("0000:2a:00.0", 17, Some("70cb99ce3e214bda\n"));
    for partition in 0..7 {
        sysfs = sysfs.partition(partition, 2 + partition);
    }
    sysfs
}

/// What this machine calls itself, without its domain.
fn host() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").expect("a name");
    let (name, _) = name.trim().split_once('.').unwrap_or((name.trim(), ""));
    name.to_owned()
}

#[test]
fn the_gpus_of_a_node_are_in_the_order_of_their_pci_addresses() {
    let host = host();
    assert_eq!(
        table_of(&node(), &[]),
        format!(
            "[[nodes]]\n\
             name = \"{host}\"\n\
             url = \"http://{host}:19999\"\n\
             # first_gpu_id = ?    管理 API 的 id 跨叢集編號時，填入此節點 GPU[0] 的 id\n\
             cards = [9, 17, 1]\n\
             [nodes.gpu_uuids]\n\
             \"APU-00a1b2c3d4e5f607\" = 0    # card9，PCI 0000:05:00.0，unique_id 00a1b2c3d4e5f607\n\
             \"APU-70cb99ce3e214bda\" = 1    # card17，PCI 0000:2a:00.0，unique_id 70cb99ce3e214bda\n\
             \"APU-be00df5da6743f1c\" = 2    # card1，PCI 0000:e5:00.0，unique_id be00df5da6743f1c\n"
        )
    );
}

#[test]
fn the_table_is_the_settings_of_a_run_that_places_tasks_by_it() {
    let lab = Lab::new()
        .node(SimulatedNode::new("colab-gpu4").cards(&[1, 9, 17]))
        .task(SimulatedTask::new("t1", "alice", "colab-gpu4").gpu(100, "APU-be00df5da6743f1c"))
        // Leading zeros get lost on the way.
        .task(SimulatedTask::new("t2", "bob", "colab-gpu4").gpu(101, "0xA1B2C3D4E5F607"));
    let world = lab.start();
    let url = world.cluster.url("colab-gpu4");
    let table = table_of(&node(), &["--name", "colab-gpu4", "--url", &url]);
    run_with_settings(&world, &table);
}

#[track_caller]
fn run_with_settings(world: &World, table: &str) {
    let api = world.cluster.api_url();
    let token = world.path("token");
    let settings = format!(
        "{table}[management_api]\nurl = \"{api}\"\ntoken_file = \"{}\"\n\
         [ledger]\nbusy_percent = 100\n",
        token.display()
    );
    world.write("daily-gpu-log.toml", &settings);
    let outcome = world.run(&[DATE]).exits(0).stderr_is("");
    let users = outcome.users("colab-gpu4", DATE);
    assert_eq!(users, ["bob", "未使用", "alice"]);
    let summary = outcome.of_day("colab-gpu4", DATE, "summary");
    let cards: Vec<_> = summary
        .lines()
        .filter(|line| line.contains("-> Card"))
        .collect();
    assert_eq!(
        cards,
        ["GPU[0] -> Card 9", "GPU[1] -> Card 17", "GPU[2] -> Card 1"]
    );
}

#[test]
fn a_gpu_without_an_id_of_its_own_gets_no_entry() {
    let sysfs = Sysfs::new()
        // As the driver writes it where it has none, as nothing at all, and as tools write it.
        .gpu("0000:05:00.0", 1, Some(""))
        .gpu("0000:26:00.0", 9, None)
        .gpu("0000:46:00.0", 17, Some("0000000000000000\n"))
        // One id on two GPUs tells neither.
        .gpu("0000:65:00.0", 25, Some("70cb99ce3e214bda\n"))
        .gpu("f000:85:00.0", 33, Some("70cb99ce3e214bda\n"))
        // A PCI domain of five digits comes after all of four.
        .gpu("10000:01:00.0", 41, Some("00a1b2c3d4e5f607\n"));
    let table = table_of(&sysfs, &["--name", "n", "--url", "http://127.0.0.1:9"]);
    let (_, body) = table.split_once("GPU[0] 的 id\n").expect("the head");
    let same = "有另一張 GPU 的 unique_id 相同，無法以 UUID 對應";
    assert_eq!(
        body,
        format!(
            "cards = [1, 9, 17, 25, 33, 41]\n\
             [nodes.gpu_uuids]\n\
             # GPU[0]（card1，PCI 0000:05:00.0）：沒有 unique_id，無法以 UUID 對應\n\
             # GPU[1]（card9，PCI 0000:26:00.0）：沒有 unique_id，無法以 UUID 對應\n\
             # GPU[2]（card17，PCI 0000:46:00.0）：沒有 unique_id，無法以 UUID 對應\n\
             # GPU[3]（card25，PCI 0000:65:00.0，unique_id 70cb99ce3e214bda）：{same}\n\
             # GPU[4]（card33，PCI f000:85:00.0，unique_id 70cb99ce3e214bda）：{same}\n\
             \"APU-00a1b2c3d4e5f607\" = 5    # card41，PCI 10000:01:00.0，unique_id 00a1b2c3d4e5f607\n"
        )
    );
    accepted(&table);
}

#[test]
fn an_address_that_the_kernel_does_not_spell_out_is_that_of_the_device() {
    let sysfs = Sysfs::new();
    let device = "pci0000:00/0000:00:01.1/0000:05:00.0";
    let directory = sysfs.device(device, 1, "DRIVER=amdgpu\n");
    fs::write(directory.join("unique_id"), "70cb99ce3e214bda\n").expect("a file");
    let table = table_of(&sysfs, &[]);
    assert!(
        table.contains("= 0    # card1，PCI 0000:05:00.0，"),
        "{table}"
    );
}

#[test]
fn a_machine_without_amd_gpus_is_an_error() {
    let sysfs = Sysfs::new().board().partition(0, 1);
    // Not even one whose driver is that of the GPU itself.
    sysfs.device("platform/amdgpu_xcp.1", 2, "DRIVER=amdgpu\n");
    let (table, problems, status) = of_sysfs(&sysfs, &[]);
    assert_eq!((table.as_str(), status), ("", Some(1)));
    let expected = format!(
        "錯誤：{} 中沒有使用 amdgpu 驅動程式的 PCI GPU：請在 GPU 節點上執行，並確認 amdgpu 已載入；\
         或用 --from 讀取 rocm-smi --showuniqueid 的輸出\n",
        sysfs.root()
    );
    assert_eq!(problems, expected);
    let (_, problems, status) = inventory(&["--sysfs", "/nonexistent"], "");
    assert!(problems.contains("/nonexistent 中沒有"), "{problems}");
    assert_eq!(status, Some(1));
}

/// As rocm-smi prints it, with its rulers.
const ROCM_SMI: &str = "\n\n\
    ============================ ROCm System Management Interface ============================\n\
    ======================================= Unique ID ========================================\n\
    GPU[0]\t\t: Unique ID: 0x70cb99ce3e214bda\n\
    GPU[1]\t\t: Unique ID: 0xa1b2c3d4e5f607\n\
    GPU[2]\t\t: Unique ID: N/A\n\
    GPU[3]\t\t: Unique ID: 0x0\n\
    ==========================================================================================\n\
    ================================== End of ROCm SMI Log ===================================\n";

#[test]
fn a_listing_of_rocm_smi_names_the_uuids_and_leaves_the_cards_open() {
    let table = listed(ROCM_SMI);
    assert_eq!(
        body(&table),
        "# cards 不明：請依 GPU 索引順序填入 DRM 卡號，否則使用預設的清單\n\
         [nodes.gpu_uuids]\n\
         \"APU-70cb99ce3e214bda\" = 0    # unique_id 70cb99ce3e214bda\n\
         \"APU-00a1b2c3d4e5f607\" = 1    # unique_id 00a1b2c3d4e5f607\n\
         # GPU[2]：沒有 unique_id，無法以 UUID 對應\n\
         # GPU[3]：沒有 unique_id，無法以 UUID 對應\n"
    );
    accepted(&table);
}

#[test]
fn the_lines_of_a_listing_are_joined_by_card_by_index_and_by_uuid() {
    let table = listed(&format!(
        "{ROCM_SMI}card1; uuid:0x70cb99ce3e214bda\r\n\
         card9 -> GPU[1]\n\
         GPU[2] -> Card 17\n\
         card17; uuid:0xbe00df5da6743f1c\n\
         card25 -> GPU[3]\n"
    ));
    assert_eq!(
        body(&table),
        "cards = [1, 9, 17, 25]\n\
         [nodes.gpu_uuids]\n\
         \"APU-70cb99ce3e214bda\" = 0    # card1，unique_id 70cb99ce3e214bda\n\
         \"APU-00a1b2c3d4e5f607\" = 1    # card9，unique_id 00a1b2c3d4e5f607\n\
         \"APU-be00df5da6743f1c\" = 2    # card17，unique_id be00df5da6743f1c\n\
         # GPU[3]（card25）：沒有 unique_id，無法以 UUID 對應\n"
    );
    accepted(&table);
}

#[test]
fn what_a_listing_does_not_say_is_not_guessed() {
    // The index of card 9 is not said, and card 17 could be either of two.
    let table = listed(
        "card1 -> GPU[0]\ncard9; uuid:0xbe00df5da6743f1c\ncard17; uuid:0x1\n\
         GPU[1] : Unique ID: 0x1\nGPU[2] : Unique ID: 0x1\n",
    );
    assert_eq!(
        body(&table),
        "# cards 不明：請依 GPU 索引順序填入 DRM 卡號，否則使用預設的清單\n\
         [nodes.gpu_uuids]\n\
         # GPU[0]（card1）：沒有 unique_id，無法以 UUID 對應\n\
         # GPU[1]（unique_id 0000000000000001）：有另一張 GPU 的 unique_id 相同，無法以 UUID 對應\n\
         # GPU[2]（unique_id 0000000000000001）：有另一張 GPU 的 unique_id 相同，無法以 UUID 對應\n\
         # card9（unique_id be00df5da6743f1c）：不知道是哪個 GPU 索引，未列入\n\
         # card17（unique_id 0000000000000001）：不知道是哪個 GPU 索引，未列入\n"
    );
    accepted(&table);

    let gap = listed("card1 -> GPU[0]\ncard17 -> GPU[2]\n");
    assert!(body(&gap).starts_with("# cards 不明："), "{gap}");
}

/// As `amd-smi list -e` prints it.
const AMD_SMI: &str = "GPU: 0\n    BDF: 0000:05:00.0\n    UUID: 70ff74a1-0000-1000-80cb-99ce3e214bda\n    \
    KFD_ID: 48564\n    NODE_ID: 2\n    PARTITION_ID: 0\n    RENDER: renderD128\n    CARD: card1\n\n\
    GPU: 1\n    BDF: 0000:26:00.0\n    UUID: 00ff74a1-0000-1000-80a1-b2c3d4e5f607\n    \
    KFD_ID: 1042\n    NODE_ID: 3\n    PARTITION_ID: 0\n    RENDER: renderD136\n    CARD: card9\n\n\
    GPU: 2\n    BDF: 0000:46:00.0\n    UUID: N/A\n    KFD_ID: 7\n    NODE_ID: 4\n    \
    PARTITION_ID: 0\n    RENDER: renderD144\n    CARD: card17\n";
const OF_AMD_SMI: &str = "cards = [1, 9, 17]\n\
    [nodes.gpu_uuids]\n\
    \"APU-70cb99ce3e214bda\" = 0    # card1，unique_id 70cb99ce3e214bda\n\
    \"APU-00a1b2c3d4e5f607\" = 1    # card9，unique_id 00a1b2c3d4e5f607\n\
    # GPU[2]（card17）：沒有 unique_id，無法以 UUID 對應\n";

#[test]
fn a_listing_of_amd_smi_names_uuids_and_cards() {
    let table = listed(AMD_SMI);
    assert_eq!(body(&table), OF_AMD_SMI);
    accepted(&table);
    let cards = "card1 -> GPU[0]\ncard9 -> GPU[1]\ncard17 -> GPU[2]\n";
    let csv = "gpu,gpu_bdf,gpu_uuid,kfd_id,node_id,partition_id\r\n\
        0,0000:05:00.0,70ff74a1-0000-1000-80cb-99ce3e214bda,48564,2,0\r\n\
        1,0000:26:00.0,00ff74a1-0000-1000-80a1-b2c3d4e5f607,1042,3,0\r\n\
        2,0000:46:00.0,N/A,7,4,0\r\n";
    assert_eq!(body(&listed(&format!("{csv}{cards}"))), OF_AMD_SMI);
    let json = "[\n    {\n        \"gpu\": 0,\n        \"bdf\": \"0000:05:00.0\",\n        \
        \"uuid\": \"70ff74a1-0000-1000-80cb-99ce3e214bda\",\n        \"partition_id\": 0\n    },\n    \
        {\n        \"gpu\": 1,\n        \"uuid\": \"00ff74a1-0000-1000-80a1-b2c3d4e5f607\"\n    },\n    \
        {\n        \"gpu\": 2,\n        \"uuid\": \"N/A\"\n    }\n]\n";
    assert_eq!(body(&listed(&format!("{json}{cards}"))), OF_AMD_SMI);
}

#[test]
fn the_partitions_of_a_gpu_are_one_gpu() {
    let uuid = |byte| format!("{byte}ff74a1-0000-1000-80cb-99ce3e214bda");
    let gpus: Vec<_> = (0..16)
        .map(|i| {
            let (uuid, partition) = (uuid(if i < 8 { "70" } else { "71" }), i % 8);
            format!("GPU: {i}\n    UUID: {uuid}\n    PARTITION_ID: {partition}\n\n")
        })
        .collect();
    let table = listed(&gpus.concat());
    assert_eq!(
        body(&table),
        "# cards 不明：請依 GPU 索引順序填入 DRM 卡號，否則使用預設的清單\n\
         [nodes.gpu_uuids]\n\
         \"APU-70cb99ce3e214bda\" = 0    # unique_id 70cb99ce3e214bda\n\
         \"APU-71cb99ce3e214bda\" = 1    # unique_id 71cb99ce3e214bda\n"
    );
}

#[test]
fn a_byte_order_mark_costs_no_line() {
    let marked = listed(&format!("\u{feff}{}", AMD_SMI.replace('\n', "\r\n")));
    assert_eq!(body(&marked), OF_AMD_SMI);
    let first = listed("\u{feff}card9 -> GPU[0]\n");
    assert!(body(&first).starts_with("cards = [9]\n"), "{first}");

    // As PowerShell writes what it is piped.
    let wide = "\u{feff}card9 -> GPU[0]\r\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes);
    let directory = TempDir::with_prefix("daily-gpu-log-listing-").expect("a directory");
    let file = directory.path().join("listing.txt");
    fs::write(&file, wide.collect::<Vec<u8>>()).expect("a file");
    let (table, problems, status) = inventory(&["--from", &file.to_string_lossy()], "");
    assert_eq!((problems.as_str(), status), ("", Some(0)));
    assert!(table.contains("\ncards = [9]\n"), "{table}");
}

#[test]
fn a_listing_can_be_a_file() {
    let directory = TempDir::with_prefix("daily-gpu-log-listing-").expect("a directory");
    // awk would take the name for an assignment.
    let file = directory.path().join("a=b");
    fs::write(&file, "card9 -> GPU[0]\n").expect("a file");
    let (table, problems, status) = inventory(&["--from", &file.to_string_lossy()], "");
    assert_eq!((problems.as_str(), status), ("", Some(0)));
    assert!(table.contains("\ncards = [9]\n"), "{table}");
}

#[test]
fn a_listing_that_cannot_be_is_refused() {
    for (listing, said) in [
        ("", "標準輸入 中沒有可辨認的 GPU"),
        (
            "GPU[0] : Card Model: 0x74a1\n",
            "標準輸入 中沒有可辨認的 GPU",
        ),
        (
            "card9 -> GPU[1]\ncard9 -> GPU[2]\n",
            "card9 的 GPU 索引 有兩種說法：1、2",
        ),
        (
            "card9 -> GPU[1]\ncard17 -> GPU[1]\n",
            "GPU[1] 的卡號 有兩種說法：9、17",
        ),
        (
            "GPU[0] : Unique ID: 0x1\ncard9; uuid:0x2\ncard9 -> GPU[0]\n",
            "GPU[0] 的 unique_id 有兩種說法：0000000000000001、0000000000000002",
        ),
        // There is no list of cards that such an index would be in.
        ("GPU[8] : Unique ID: 0x1\n", "沒有說到每張 GPU 的卡號"),
    ] {
        let (table, problems, status) = inventory(&["--from", "-"], listing);
        assert_eq!((table.as_str(), status), ("", Some(1)), "{listing}");
        assert!(
            problems.starts_with("錯誤：") && problems.contains(said),
            "{listing}: {problems}"
        );
    }
    let (table, problems, status) = inventory(&["--from", "/nonexistent"], "");
    assert_eq!((table.as_str(), status), ("", Some(1)));
    assert_eq!(
        problems,
        "錯誤：無法讀取 /nonexistent：請確認檔案存在且可讀取\n"
    );
}

#[test]
fn arguments_that_make_no_sense_are_refused() {
    for (arguments, said) in [
        (&["--bogus"][..], "不認得的引數「--bogus」"),
        (&["--name", ""], "--name 缺少值"),
        (
            &["--name", "a\"b"],
            "「a\"b」不可含有引號、反斜線或控制字元",
        ),
        (
            &["--url", "http://a\\b"],
            "「http://a\\b」不可含有引號、反斜線或控制字元",
        ),
    ] {
        let (table, problems, status) = inventory(arguments, "");
        assert_eq!((table.as_str(), status), ("", Some(2)), "{arguments:?}");
        let expected = format!("錯誤：{said}（用法請見 gpu-inventory.sh --help）\n");
        assert_eq!(problems, expected);
    }
    let expected = "錯誤：--from 缺少值（用法請見 gpu-inventory.sh --help）\n";
    assert_eq!(script(&["--from"], "").1, expected);
    let (_, problems, status) = command(&["--from"], "");
    assert!(problems.contains("--from <FILE> 缺少值"), "{problems}");
    assert_eq!(status, Some(2));
    let (help, problems, status) = script(&["--help"], "");
    assert_eq!((problems.as_str(), status), ("", Some(0)));
    for option in ["--from FILE", "--name NAME", "--url URL", "--sysfs DIR"] {
        assert!(help.contains(option), "{help}");
    }
}

#[test]
fn a_table_in_english_is_the_same_but_for_its_comments() {
    let listing = "card9; uuid:0xbe00df5da6743f1c\ncard9 -> GPU[1]\ncard1 -> GPU[0]\ncard17; uuid:0xbe00df5da6743f1d\n";
    let arguments = ["--from", "-", "--name", "n", "--url", "http://127.0.0.1:9"];
    let (table, problems, status) =
        inventory(&[&arguments[..], &["--lang", "en"]].concat(), listing);
    assert_eq!((problems.as_str(), status), ("", Some(0)));
    assert_eq!(
        table,
        "# made by gpu-inventory.sh from standard input\n\
         [[nodes]]\n\
         name = \"n\"\n\
         url = \"http://127.0.0.1:9\"\n\
         # first_gpu_id = ?    the id of GPU[0] of this node, where those of the management API count across the cluster\n\
         cards = [1, 9]\n\
         [nodes.gpu_uuids]\n\
         # GPU[0] (card1): no unique_id, cannot be placed by UUID\n\
         \"APU-be00df5da6743f1c\" = 1    # card9, unique_id be00df5da6743f1c\n\
         # card17 (unique_id be00df5da6743f1d): GPU index unknown, left out\n"
    );
    let plain = |table: &str| -> Vec<String> {
        let lines = table
            .lines()
            .map(|line| line.split('#').next().unwrap_or_default());
        lines.map(|line| line.trim_end().to_owned()).collect()
    };
    let (chinese, ..) = inventory(&arguments, listing);
    assert_eq!(plain(&chinese), plain(&table));
    let (_, problems, status) = inventory(&["--lang", "en", "--nonsense"], "");
    let expected = "error: unknown argument '--nonsense' (see gpu-inventory.sh --help)\n";
    assert_eq!((problems.as_str(), status), (expected, Some(2)));
}

#[test]
fn the_command_is_the_script_and_prints_it() {
    let script = fs::read_to_string(SCRIPT).expect("the script");
    assert_eq!(command(&["--script"], ""), (script, String::new(), Some(0)));
    let (_, problems, status) = command(&["--script", "--name", "n"], "");
    assert!(problems.contains("不可與"), "{problems}");
    assert_eq!(status, Some(2));
}

#[test]
fn the_command_speaks_the_language_of_the_settings() {
    let world = Lab::new().settings("language = \"en\"").start();
    let outcome = world.run_with(
        &["inventory", "--sysfs", "/nonexistent"],
        &[("PATH", "/usr/bin:/bin")],
    );
    let _ = outcome
        .exits(1)
        .stdout_is("")
        .stderr_has("error: no PCI GPU with the amdgpu driver in /nonexistent")
        .writes_nothing();
}

#[test]
fn without_bash_the_command_says_so() {
    let world = Lab::new().start();
    let outcome = world.run_with(&["inventory"], &[("PATH", "/nonexistent")]);
    let _ = outcome
        .exits(1)
        .stdout_is("")
        .stderr_is("錯誤：找不到 bash：inventory 由 bash 執行，請先安裝\n");
}
