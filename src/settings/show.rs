//! The settings in force, each with where it comes from.

use std::fmt;
use std::sync::LazyLock;

use serde::Serialize;
use toml::{Table, Value};

use super::file::ConfigError;
use super::language::LANGUAGE_VARIABLE;
use super::template::{SECRETS, SECTIONS, Section};
use super::token::TokenOrigin;
use super::{SettingsArgs, in_force, language, load_with_file};
use crate::model::{redacted, said, say, text};

/// The settings in force. As text it is a settings file that brings them about, with their origins as comments.
#[derive(Debug, Serialize)]
pub struct Explained {
    /// The settings file, if there is one.
    file: Option<String>,
    /// Each key in the order of the file.
    settings: Vec<Setting>,
    /// Where the management API's token would come from, if there is one.
    token: Option<TokenOrigin>,
}

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
    value: Displayed,
    origin: Origin,
    /// The line that begins its table, if it is the first key there; empty for that of the top level.
    #[serde(skip)]
    header: Option<&'static str>,
}

/// As much of a value as may be seen.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case", tag = "state", content = "value")]
enum Displayed {
    Set(Value),
    Secret,
    Unset,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Origin {
    BuiltIn,
    File,
    CommandLine,
    /// The one of this name.
    Variable(#[serde(skip)] &'static str),
    /// The one of this name.
    Credential(#[serde(skip)] &'static str),
}

pub fn explain(args: &SettingsArgs) -> Result<Explained, ConfigError> {
    let (config, file) = load_with_file(args)?;
    let on_command_line = [
        args.data_dir.as_ref().map(|_| "data_dir"),
        args.timezone.map(|_| "timezone"),
        args.lang.map(|_| "language"),
    ];
    let on_command_line = on_command_line.into_iter().flatten();
    let in_variable = language::language_of_variable().ok().flatten();
    let in_variable = in_variable.map(|_| ("language", Origin::Variable(LANGUAGE_VARIABLE)));
    let credentials = config.notify.credentials().into_iter();
    let credentials = credentials.chain(config.database.credential());
    let origins = Origins {
        file,
        before_file: credentials
            .map(|(key, name)| (key, Origin::Credential(name)))
            .chain(on_command_line.map(|key| (key, Origin::CommandLine)))
            .chain(in_variable)
            .collect(),
    };
    let in_force = in_force(&config);
    let settings = SECTIONS
        .iter()
        .flat_map(|section| origins.of_section(section, &in_force));
    Ok(Explained {
        settings: settings.collect(),
        token: TokenOrigin::find(&config.management_api.token_file),
        file: config.source.map(|path| path.display().to_string()),
    })
}

struct Origins {
    file: Table,
    /// What wins over the file, by key, the first first.
    before_file: Vec<(&'static str, Origin)>,
}

impl Origins {
    fn of_section(&self, section: &Section, in_force: &Table) -> Vec<Setting> {
        let in_file = tables(&self.file, section);
        let mut settings = Vec::new();
        for (position, values) in tables(in_force, section).into_iter().enumerate() {
            let in_file = in_file.get(position).copied();
            let names: Vec<&str> = if section.has_own_names() {
                values.keys().map(String::as_str).collect()
            } else {
                section.keys.clone()
            };
            // What a node does without need not be shown for each.
            let is_shown = |name: &&str| !section.is_list() || values.contains_key(*name);
            let mut header = Some(section.header);
            for name in names.into_iter().filter(is_shown) {
                let header = header.take();
                settings.push(self.setting(section, values, in_file, name, header));
            }
        }
        settings
    }

    fn setting(
        &self,
        section: &Section,
        values: &Table,
        in_file: Option<&Table>,
        name: &str,
        header: Option<&'static str>,
    ) -> Setting {
        let value = values.get(name);
        let is_in_file = in_file.is_some_and(|table| table.contains_key(name));
        let name = if section.has_own_names() {
            Value::from(name).to_string()
        } else {
            name.to_owned()
        };
        let path = section.path_of(&name);
        let mut before_file = self.before_file.iter();
        let origin = if let Some((_, origin)) = before_file.find(|(key, _)| *key == path) {
            *origin
        } else if is_in_file || (path == "nodes.cards" && self.file.contains_key("cards")) {
            Origin::File
        } else {
            Origin::BuiltIn
        };
        let value = match value {
            _ if matches!(origin, Origin::Credential(_)) => Displayed::Secret,
            None => Displayed::Unset,
            Some(_) if SECRETS.contains(&path.as_str()) => Displayed::Secret,
            Some(Value::String(text)) if !section.has_own_names() => {
                Displayed::Set(redacted(text).into())
            }
            Some(value) => Displayed::Set(value.clone()),
        };
        let item = |list| {
            let name = values.get("name").and_then(Value::as_str);
            name.filter(|_| section.name == list).map(str::to_owned)
        };
        Setting {
            key: path,
            node: item("nodes"),
            rule: item("alerts.rules"),
            name,
            value,
            origin,
            header,
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
            _ if !section.is_always => return Vec::new(),
            _ => return vec![&EMPTY],
        }
    }
    vec![at]
}

impl fmt::Display for Explained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.file {
            Some(path) => say!(f, "# 設定檔：{path}\n", "# settings file: {path}\n")?,
            None => f.write_str(text(
                "# 沒有設定檔，使用內建設定\n",
                "# no settings file: the built-in settings\n",
            ))?,
        }
        match &self.token {
            Some(token) => say!(
                f,
                "# 管理 API 的 Token：{token}（內容不顯示）\n",
                "# management API token: {token} (not shown)\n",
                token = token.description
            )?,
            None => f.write_str(text(
                "# 管理 API 的 Token：沒有\n",
                "# management API token: none\n",
            ))?,
        }
        for setting in &self.settings {
            match setting.header {
                Some("") => writeln!(f)?,
                Some(header) => writeln!(f, "\n{header}")?,
                None => {}
            }
            let key = &setting.name;
            let origin = match (setting.origin, &self.file) {
                (Origin::Credential(name), _) => {
                    said!("systemd 憑證 {name}", "systemd credential {name}")
                }
                (Origin::CommandLine, _) => text("命令列", "command line").to_owned(),
                (Origin::Variable(name), _) => {
                    said!("環境變數 {name}", "environment variable {name}")
                }
                (Origin::File, Some(path)) => said!("設定檔 {path}", "settings file {path}"),
                _ => text("內建", "built-in").to_owned(),
            };
            match &setting.value {
                Displayed::Set(value) => writeln!(f, "{key} = {value}  # {origin}")?,
                Displayed::Secret => say!(
                    f,
                    "# {key}：已設定，內容不顯示  # {origin}\n",
                    "# {key}: set, not shown  # {origin}\n"
                )?,
                Displayed::Unset => say!(f, "# {key}：未設定\n", "# {key}: not set\n")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::file;
    use pretty_assertions::assert_eq;

    #[test]
    fn a_secret_is_shown_by_its_origin_alone() {
        let text = "[notify]\nwebhook_url = \"https://hooks.example/T0/hush\"";
        let (config, file) = file::parse(text).expect("settings");
        let origins = Origins {
            file,
            before_file: Vec::new(),
        };
        let notify = SECTIONS.iter().find(|section| section.name == "notify");
        let settings = origins.of_section(notify.expect("a section"), &in_force(&config));
        let key = "notify.webhook_url";
        let webhook = settings.iter().find(|setting| setting.key == key);
        assert_eq!(
            serde_json::to_value(webhook).expect("JSON"),
            serde_json::json!({"key": key, "state": "secret", "origin": "file"})
        );
        assert!(!format!("{config:?} {settings:?}").contains("hush"));
        assert!(!in_force(&config).to_string().contains("hush"));
    }
}
