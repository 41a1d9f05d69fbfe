//! Every key of the settings file and what it means, for people: what `config init` writes and `config show` follows.

/// A table of the file.
#[derive(Debug)]
pub struct Section {
    /// With dots where it is in another; empty for the keys before the first table.
    pub name: &'static str,
    pub kind: Kind,
    pub meaning: &'static str,
    pub keys: &'static [Key],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One whose keys can each stand alone.
    Table,
    /// One that there can be many of: `[[nodes]]`.
    List,
    /// One that is missing or has at least the keys that it requires.
    Whole,
    /// One whose keys are names of the user's own. Its one key here is an example.
    Names,
}

/// A key of a table.
#[derive(Debug)]
pub struct Key {
    pub name: &'static str,
    /// A line or several.
    pub meaning: &'static str,
    /// A value to begin with, in TOML, where there is no default.
    pub example: Option<&'static str>,
    /// Whether the value may hold a secret, such as the address of a webhook, and is not to be shown.
    pub is_secret: bool,
}

impl Key {
    const fn example(self, toml: &'static str) -> Self {
        Self {
            example: Some(toml),
            ..self
        }
    }

    const fn secret(self) -> Self {
        Self {
            is_secret: true,
            ..self
        }
    }
}

impl Section {
    /// The line that begins it: none for the top level.
    pub fn header(&self) -> String {
        match (self.name, self.kind) {
            ("", _) => String::new(),
            (name, Kind::List) => format!("[[{name}]]"),
            (name, _) => format!("[{name}]"),
        }
    }

    /// A key with the name of its table.
    pub fn path_of(&self, key: &str) -> String {
        match self.name {
            "" => key.to_owned(),
            name => format!("{name}.{key}"),
        }
    }
}

/// A key of one table of a list, as messages have it.
pub fn of_item(list: &str, name: &str, key: &str) -> String {
    format!("{list}（{name}）的 {key}")
}

const fn key(name: &'static str, meaning: &'static str) -> Key {
    Key {
        name,
        meaning,
        example: None,
        is_secret: false,
    }
}

/// All tables, in the order of the file: the keys of the top level have to come first.
pub const SECTIONS: &[Section] = &[
    Section {
        name: "",
        kind: Kind::Table,
        meaning: "",
        keys: &[
            key("data_dir", "資料目錄。相對路徑以執行時的工作目錄為準"),
            key(
                "timezone",
                "一天所屬的 IANA 時區，也是檔案中日期時間的時區，例如 \"Asia/Taipei\"",
            ),
            key(
                "interval",
                "GPU 檔案中一列代表的時間：能整除一小時的整數分鐘",
            ),
            key(
                "gpu_files",
                "gpu<編號>_<日期>.csv 的編號：\"index\" 是 GPU 索引，\"card\" 是 DRM 卡號",
            ),
            key(
                "cards",
                "各節點的 DRM 卡號，依 GPU 索引順序；節點可以有自己的 cards",
            ),
            key(
                "ignore_hosts",
                "管理 API 中不屬於這個叢集的主機 (hostname)：不警告設定中沒有它們",
            ),
        ],
    },
    Section {
        name: "nodes",
        kind: Kind::List,
        meaning: "叢集的節點，每個節點一個 [[nodes]]。\n\
                  只要寫了一個，內建的節點就全部不再使用，因此請列出所有節點",
        keys: &[
            key(
                "name",
                "節點名稱：資料目錄下的目錄名稱，必須等於管理 API 的 hostname",
            ),
            key(
                "url",
                "節點的 Netdata，或它在 parent 上的位置：http://parent:19999/host/<主機名稱>",
            ),
            key(
                "cards",
                "節點的 DRM 卡號，依 GPU 索引順序；不寫則依最上層的 cards",
            ),
            key(
                "first_gpu_id",
                "管理 API 的 GPU id 跨節點連續編號時，這個節點 GPU[0] 的 id；\n\
                 沒有這個鍵也沒有 gpu_uuids 時，id 會被當作卡號",
            )
            .example("1"),
            key(
                "gpu_uuids",
                "GPU 的 UUID 與索引，最為準確，優先於 id。UUID 即節點上\n\
                 grep . /sys/class/drm/card*/device/unique_id 的內容",
            )
            .example("{ \"APU-70cb99ce3e214bda\" = 0 }"),
        ],
    },
    Section {
        name: "netdata",
        kind: Kind::Table,
        meaning: "向 Netdata 查詢的時限，管理 API 也適用。時間長度寫成 500ms、30s、1m 30s",
        keys: &[
            key("timeout", "單一請求最長的時間，到收完回應為止"),
            key("connect_timeout", "建立連線最長的時間"),
            key("deadline", "同一伺服器的所有請求加上重試，合計最長的時間"),
            key("retries", "可能暫時的失敗之後，重試的次數"),
        ],
    },
    Section {
        name: "management_api",
        kind: Kind::Table,
        meaning: "管理 API：哪位使用者的任務佔用哪張 GPU",
        keys: &[
            key("url", "任務查詢的網址"),
            key("timezone", "管理 API 解讀 start_t 與 end_t 所用的時鐘"),
            key(
                "token_file",
                "存放 Token 的檔案（權限 0600）；寫了就必須存在。Token 本身不可寫在設定檔裡",
            ),
        ],
    },
    Section {
        name: "ledger",
        kind: Kind::Table,
        meaning: "使用時數報告 (reports/users_<日期>.csv) 的判斷標準，單位是百分比",
        keys: &[
            key(
                "busy_percent",
                "讀數高於此值的 GPU 算忙碌；沒有任務卻忙碌一小時以上會發出警告",
            ),
            key("idle_percent", "GPU 讀數不高於此值算閒置"),
            key("vram_floor_percent", "VRAM 讀數高於此值算有資料佔用"),
        ],
    },
    Section {
        name: "notify",
        kind: Kind::Table,
        meaning: "執行結束時通知誰",
        keys: &[
            key(
                "when",
                "何時通知 webhook 與電子郵件：\"problem\" 是有錯誤或警告時，\"always\" 是每次",
            ),
            key("include_users", "通知中是否列出使用者名稱"),
            key("timeout", "每次嘗試最長的時間，最多 60 秒；每個管道嘗試兩次"),
            key(
                "healthcheck_url",
                "healthchecks.io 或自架同類服務的網址：開始時通知 /start，結束時通知 /<結束狀態>。\n\
                 知道網址的人就能通知，所以它是秘密，也可以放在 healthcheck_url_file",
            )
            .example("\"https://hc.example.org/ping/00000000-0000-0000-0000-000000000000\"")
            .secret(),
            key("healthcheck_url_file", "存放該網址的檔案（權限 0600）")
                .example("\"/etc/daily-gpu-log/healthcheck-url\""),
            key(
                "webhook_url",
                "Slack、Mattermost 或 ntfy 的網址：送出有 text 欄位的 JSON。也是秘密，\n\
                 可以放在 webhook_url_file",
            )
            .example("\"https://hooks.example.org/services/x\"")
            .secret(),
            key("webhook_url_file", "存放該網址的檔案（權限 0600）")
                .example("\"/etc/daily-gpu-log/webhook-url\""),
        ],
    },
    Section {
        name: "notify.smtp",
        kind: Kind::Whole,
        meaning: "以電子郵件通知。host、from、to 是必填的",
        keys: &[
            key("host", "郵件伺服器的名稱或 IP 位址").example("\"smtp.example.org\""),
            key("port", "它的埠；不寫則依 security 是 587、465 或 25").example("587"),
            key(
                "security",
                "連線的加密：\"starttls\"、\"tls\" 或 \"none\"；不寫則是 \"starttls\"",
            )
            .example("\"starttls\""),
            key("username", "登入的名稱；不寫則不登入").example("\"gpulog\""),
            key(
                "password_file",
                "存放密碼的檔案（權限 0600）。密碼本身不可寫在設定檔裡",
            )
            .example("\"/etc/daily-gpu-log/smtp-password\""),
            key("from", "寄件者").example("\"GPU 紀錄 <gpulog@example.org>\""),
            key("to", "收件者").example("[\"admin@example.org\"]"),
        ],
    },
    Section {
        name: "alerts",
        kind: Kind::Table,
        meaning: "閒置提醒 (daily-gpu-log alerts) 的門檻；百分比與小時都是整數",
        keys: &[
            key(
                "window_days",
                "一起計算的天數；同一位使用者的同一個規則在這個天數內只通知一次",
            ),
            key("min_idle_hours", "閒置達到這個 GPU 小時數，而且"),
            key(
                "min_idle_share",
                "閒置占配置時數的百分比達到此值時，才提醒",
            ),
            key(
                "min_coverage",
                "配置時數中有讀數的部分至少要有這個百分比，否則不計",
            ),
            key("exempt_users", "不提醒的使用者"),
            key("exempt_projects", "不計入的專案 (project_uuid)"),
            key("exempt_nodes", "不計入的節點"),
        ],
    },
    Section {
        name: "alerts.rules",
        kind: Kind::List,
        meaning: "特定任務類型的規則，每個規則一個 [[alerts.rules]]。\n\
                  不屬於任何規則的任務依 [alerts] 本身的門檻，那個規則的名稱是 default",
        keys: &[
            key("name", "規則的名稱").example("\"web\""),
            key("task_types", "任務類型；每個類型只能屬於一個規則").example("[\"WEBAPP\"]"),
            key("min_idle_hours", "這些任務的門檻；不寫則依 [alerts]").example("72"),
            key("min_idle_share", "這些任務的門檻；不寫則依 [alerts]").example("90"),
        ],
    },
    Section {
        name: "users",
        kind: Kind::Names,
        meaning: "使用者的電子郵件地址：alerts --send 會寄信給其中達到門檻的使用者",
        keys: &[
            key("\"alice\"", "使用者名稱 = 地址").example("\"alice@example.org\""),
        ],
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Config;
    use pretty_assertions::assert_eq;
    use std::collections::BTreeSet;

    /// The fields of the struct that a table is read into, as serde names them when it meets another.
    fn fields(section: &Section) -> BTreeSet<String> {
        let file = format!("{}\nno_such_key = 1", section.header());
        let error = toml::from_str::<Config>(&file).expect_err("an unknown key");
        let message = error.message();
        assert!(
            message.starts_with("unknown field `no_such_key`"),
            "{message}"
        );
        let names = message.split('`').skip(1).step_by(2);
        names.skip(1).map(str::to_owned).collect()
    }

    /// What is described of a table: its keys, and the tables in it.
    fn described(section: &Section) -> BTreeSet<String> {
        let tables = SECTIONS.iter().filter_map(|other| {
            let (outer, name) = other.name.rsplit_once('.').unwrap_or(("", other.name));
            (outer == section.name && !name.is_empty()).then_some(name)
        });
        let keys = section.keys.iter().map(|key| key.name);
        tables.chain(keys).map(str::to_owned).collect()
    }

    #[test]
    fn the_keys_that_are_described_are_those_that_are_read() {
        for section in SECTIONS
            .iter()
            .filter(|section| section.kind != Kind::Names)
        {
            assert_eq!(described(section), fields(section), "[{}]", section.name);
        }
    }
}
