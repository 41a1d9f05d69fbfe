//! The settings in force, each with where it comes from.

use std::fmt;
use std::sync::LazyLock;

use serde::Serialize;
use toml::{Table, Value};

use super::file::{ConfigError, Settings, Source};
use super::key::{Key, Kind, SECTIONS, Section};
use super::resolve::{Overrides, load_with_file};
use super::token::TokenSource;
use super::{builtin, value};

/// The settings in force. As text it is a settings file that brings them about, with their origins as comments.
#[derive(Debug, Serialize)]
pub struct Explained {
    version: &'static str,
    /// The settings file, if there is one.
    file: Option<String>,
    /// Each key in the order of the file.
    settings: Vec<Setting>,
    /// Where the management API's token would come from, if there is one.
    token: Option<TokenOrigin>,
}

/// A key in force.
#[derive(Debug, Serialize)]
struct Setting {
    /// The key, with its table: `netdata.timeout`.
    key: String,
    /// The node that it is of, if it is one of `[[nodes]]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    node: Option<String>,
    /// The rule that it is of, if it is one of `[[alerts.rules]]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<String>,
    /// The key in its table, as TOML has it.
    #[serde(skip)]
    name: String,
    #[serde(flatten)]
    value: Shown,
    origin: Origin,
    /// The name of the credential that it comes from, if it is one.
    #[serde(skip)]
    credential: Option<String>,
    /// The line that begins its table, if it is the first key there; empty for that of the top level.
    #[serde(skip)]
    header: Option<String>,
}

/// As much of a value as may be seen.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case", tag = "state", content = "value")]
enum Shown {
    Set(Value),
    Secret,
    Unset,
}

/// Where the value of a key comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Origin {
    BuiltIn,
    File,
    CommandLine,
    Credential,
}

#[derive(Debug, Serialize)]
struct TokenOrigin {
    source: &'static str,
    description: String,
}

/// The settings in force, with their origins.
pub fn explain(overrides: Overrides) -> Result<Explained, ConfigError> {
    let on_command_line: Vec<&str> = [
        overrides.data_dir.as_ref().map(|_| "data_dir"),
        overrides.zone.map(|_| "timezone"),
    ]
    .into_iter()
    .flatten()
    .collect();
    let (config, file) = load_with_file(overrides)?;
    let cards = file.as_ref().and_then(|file| file.cards.clone());
    let cards = cards.unwrap_or_else(|| builtin::CARDS.iter().map(|card| card.0).collect());
    let origins = Origins {
        file: table(&file.unwrap_or_default()),
        on_command_line,
        credentials: config.notify.credentials(),
    };
    let in_force = table(&Settings::in_force(&config, cards));
    let settings = SECTIONS
        .iter()
        .flat_map(|section| origins.of_section(section, &in_force))
        .collect();
    let token = TokenSource::find(&config.management_api.token_file);
    Ok(Explained {
        version: env!("CARGO_PKG_VERSION"),
        file: match &config.source {
            Source::File(path) => Some(path.display().to_string()),
            Source::BuiltIn => None,
        },
        settings,
        token: token.map(|source| TokenOrigin {
            source: source.kind(),
            description: source.to_string(),
        }),
    })
}

/// Which keys come from where.
struct Origins {
    /// What the settings file says.
    file: Table,
    on_command_line: Vec<&'static str>,
    /// What systemd gives the service in the place of keys, by key.
    credentials: Vec<(String, String)>,
}

impl Origins {
    fn of_section(&self, section: &Section, in_force: &Table) -> Vec<Setting> {
        let said = tables(&self.file, section);
        let values = tables(in_force, section);
        let of_table = |(position, values): (usize, &Table)| {
            let said = said.get(position).copied();
            let mut header = Some(section.header());
            let mut settings = Vec::new();
            if section.kind == Kind::Names {
                return of_names(section, values, header);
            }
            for key in section.keys {
                let value = values.get(key.name);
                let path = section.path_of(key);
                let credential = self.credential(&path);
                // What a node does without need not be said of each.
                if value.is_some() || !section.is_list() {
                    settings.push(Setting {
                        key: path,
                        node: (section.name == "nodes").then(|| name_of(values)),
                        rule: (section.name == "alerts.rules").then(|| name_of(values)),
                        name: key.name.to_owned(),
                        value: match credential {
                            Some(_) => Shown::Secret,
                            None => shown(key, value),
                        },
                        origin: self.origin(section, key, said),
                        credential,
                        header: header.take(),
                    });
                }
            }
            settings
        };
        values
            .iter()
            .copied()
            .enumerate()
            .flat_map(of_table)
            .collect()
    }

    fn credential(&self, path: &str) -> Option<String> {
        let mut of_key = self.credentials.iter().filter(|(key, _)| key == path);
        of_key.next().map(|(_, name)| name.clone())
    }

    fn origin(&self, section: &Section, key: &Key, said: Option<&Table>) -> Origin {
        let path = section.path_of(key);
        if self.credential(&path).is_some() {
            Origin::Credential
        } else if self.on_command_line.contains(&path.as_str()) {
            Origin::CommandLine
        } else if said.is_some_and(|said| said.contains_key(key.name))
            || (path == "nodes.cards" && self.file.contains_key("cards"))
        {
            Origin::File
        } else {
            Origin::BuiltIn
        }
    }
}

/// The tables of a section below `root`: as many as there are, but at least one, if empty, of what is always there.
pub fn tables<'a>(root: &'a Table, section: &Section) -> Vec<&'a Table> {
    static EMPTY: LazyLock<Table> = LazyLock::new(Table::new);
    let mut at = root;
    for name in section.name.split('.').filter(|name| !name.is_empty()) {
        match at.get(name) {
            Some(Value::Table(table)) => at = table,
            Some(Value::Array(list)) => return list.iter().filter_map(Value::as_table).collect(),
            _ if section.kind != Kind::Table => return Vec::new(),
            _ => return vec![&EMPTY],
        }
    }
    vec![at]
}

/// The keys of a table of names. None of them is built in.
fn of_names(section: &Section, values: &Table, mut header: Option<String>) -> Vec<Setting> {
    let setting = |(name, value): (&String, &Value)| {
        let name = Value::String(name.clone()).to_string();
        Setting {
            key: format!("{}.{name}", section.name),
            node: None,
            rule: None,
            name,
            value: Shown::Set(value.clone()),
            origin: Origin::File,
            credential: None,
            header: header.take(),
        }
    };
    values.iter().map(setting).collect()
}

fn name_of(node: &Table) -> String {
    let name = node.get("name").and_then(Value::as_str);
    name.unwrap_or_default().to_owned()
}

fn shown(key: &Key, value: Option<&Value>) -> Shown {
    match value {
        None => Shown::Unset,
        Some(_) if key.is_secret => Shown::Secret,
        Some(Value::String(text)) => Shown::Set(Value::String(value::shown(text).to_owned())),
        Some(value) => Shown::Set(value.clone()),
    }
}

pub fn table(settings: &Settings) -> Table {
    Table::try_from(settings).expect("settings are read from TOML, and fit into it")
}

impl Explained {
    fn origin(&self, setting: &Setting) -> String {
        if let Some(name) = &setting.credential {
            return format!("systemd 憑證 {name}");
        }
        match (setting.origin, &self.file) {
            (Origin::CommandLine, _) => "命令列".to_owned(),
            (Origin::File, Some(path)) => format!("設定檔 {path}"),
            _ => "內建".to_owned(),
        }
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, setting: &Setting) -> fmt::Result {
        let key = &setting.name;
        let origin = self.origin(setting);
        match &setting.value {
            Shown::Set(value) => writeln!(f, "{key} = {value}  # {origin}"),
            Shown::Secret => writeln!(f, "# {key}：已設定，內容不顯示  # {origin}"),
            Shown::Unset => writeln!(f, "# {key}：未設定"),
        }
    }
}

impl fmt::Display for Explained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.file {
            Some(path) => writeln!(f, "# 設定檔：{path}")?,
            None => writeln!(f, "# 沒有設定檔，使用內建設定")?,
        }
        match &self.token {
            Some(token) => writeln!(
                f,
                "# 管理 API 的 Token：{}（內容不顯示）",
                token.description
            )?,
            None => writeln!(f, "# 管理 API 的 Token：沒有")?,
        }
        for setting in &self.settings {
            match setting.header.as_deref() {
                Some("") => writeln!(f)?,
                Some(header) => writeln!(f, "\n{header}")?,
                None => {}
            }
            self.write(f, setting)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;

    const SECRET: &[Key] = &[Key::new("webhook_url", "").secret()];
    const SECTION: Section = Section {
        name: "notify",
        kind: Kind::Table,
        meaning: "",
        keys: SECRET,
    };

    fn explained(settings: &str) -> Explained {
        let origins = Origins {
            file: toml::from_str(settings).expect("TOML"),
            on_command_line: Vec::new(),
            credentials: Vec::new(),
        };
        let settings = origins.of_section(&SECTION, &origins.file);
        Explained {
            version: "0",
            file: Some("a.toml".to_owned()),
            settings,
            token: None,
        }
    }

    #[test]
    fn a_secret_is_shown_by_its_origin_alone() {
        let secret = explained("[notify]\nwebhook_url = \"https://hooks.example/T0/hush\"");
        let json = serde_json::to_value(&secret).expect("JSON");
        assert_eq!(
            json["settings"],
            serde_json::json!([{"key": "notify.webhook_url", "state": "secret", "origin": "file"}])
        );
        assert!(!format!("{secret:?}").contains("hush"), "{secret:?}");
        let unset = serde_json::to_value(explained("[notify]")).expect("JSON");
        assert_eq!(unset["settings"][0]["state"], "unset");
    }
}
