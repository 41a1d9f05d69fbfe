//! The topics of the manual, which are compiled in.

use clap::ValueEnum;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Language {
    #[default]
    #[value(name = "zh-TW")]
    Chinese,
    #[value(name = "en")]
    English,
}

#[derive(Debug)]
pub struct Topic {
    pub name: &'static str,
    /// By language.
    texts: [&'static str; 2],
}

macro_rules! topics {
    ($($name:literal)*) => {
        [$(Topic {
            name: $name,
            texts: [
                include_str!(concat!("../manual/", $name, ".zh-TW.md")),
                include_str!(concat!("../manual/", $name, ".en.md")),
            ],
        }),*]
    };
}

/// In the order of the list of topics.
#[rustfmt::skip]
pub const TOPICS: [Topic; 20] = topics![
    "files" "settings" "gpu-map" "token" "privacy" "scheduling" "catch-up" "status" "users" "alerts" "report"
    "check" "notify" "metrics" "logs" "json" "exit-status" "limits" "migration" "troubleshooting"
];

impl Topic {
    pub fn find(name: &str) -> Option<&'static Self> {
        TOPICS.iter().find(|topic| topic.name == name)
    }

    pub fn text(&self, language: Language) -> &'static str {
        self.texts[language as usize]
    }

    /// The line below the title.
    pub fn summary(&self, language: Language) -> &'static str {
        let mut lines = self.text(language).lines().skip(1);
        lines.find(|line| !line.is_empty()).unwrap_or_default()
    }
}
