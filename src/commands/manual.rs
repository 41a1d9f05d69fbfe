//! The topics of the manual, which are compiled in.

use crate::model;

#[derive(Debug)]
pub struct Topic {
    pub name: &'static str,
    chinese: &'static str,
    english: &'static str,
}

macro_rules! topics {
    ($($name:literal)*) => {
        [$(Topic {
            name: $name,
            chinese: include_str!(concat!("../manual/", $name, ".zh-TW.md")),
            english: include_str!(concat!("../manual/", $name, ".en.md")),
        }),*]
    };
}

/// In the order of the list of topics.
#[rustfmt::skip]
pub const TOPICS: [Topic; 24] = topics![
    "install" "files" "settings" "gpu-map" "token" "privacy" "scheduling" "catch-up" "status" "users" "alerts"
    "report" "live" "export" "archive" "check" "notify" "metrics" "logs" "json" "exit-status" "limits" "migration"
    "troubleshooting"
];

impl Topic {
    pub fn find(name: &str) -> Option<&'static Self> {
        TOPICS.iter().find(|topic| topic.name == name)
    }

    pub fn text(&self) -> &'static str {
        model::text(self.chinese, self.english)
    }

    /// The line below the title.
    pub fn summary(&self) -> &'static str {
        let mut lines = self.text().lines().skip(1);
        lines.find(|line| !line.is_empty()).unwrap_or_default()
    }
}
