//! A settings file to begin with: every key, its default and its meaning.

use std::fmt::Write;

use toml::{Table, Value};

use super::key::{Key, Kind, SECTIONS, Section};
use super::show::tables;
use super::{built_in, in_force};

const HEAD: &str = "\
# daily-gpu-log 的設定檔
#
# 每個鍵都可以省略。以下是所有的鍵，值是預設值或範例，都已註解，所以照這樣不會改變任何設定。
# 「# 」開頭的行是說明；「#」緊接著鍵的行是設定：刪去 # 再改寫就會生效。
# 檢查設定與叢集：daily-gpu-log check；顯示生效的設定：daily-gpu-log config show
";

/// A settings file with every key, commented out, so that it changes nothing. A line that begins with `#` and no
/// space is a setting.
pub fn template() -> String {
    let defaults = in_force(&built_in());
    let mut text = HEAD.to_owned();
    for section in SECTIONS {
        write(&mut text, section, &defaults);
    }
    text
}

fn write(text: &mut String, section: &Section, defaults: &Table) {
    text.push('\n');
    comment(text, section.meaning);
    let tables = tables(defaults, section);
    // An example of every key in the first of a list, and what makes the others differ from it.
    let first = tables.first().copied();
    header(text, section);
    for key in section.keys {
        comment(text, key.meaning);
        let default = first.and_then(|table| table.get(key.name));
        setting(text, key, default);
    }
    for (table, before) in tables.iter().skip(1).zip(&tables) {
        text.push('\n');
        header(text, section);
        for key in section.keys {
            let value = table.get(key.name);
            if value != before.get(key.name) {
                setting(text, key, value);
            }
        }
    }
}

fn header(text: &mut String, section: &Section) {
    // One node would take the place of all built-in ones, and what has required keys is in error without them.
    let mark = match section.kind {
        Kind::Table => "",
        Kind::List | Kind::Whole | Kind::Names => "#",
    };
    if !section.name.is_empty() {
        writeln!(text, "{mark}{}", section.header()).expect("a String takes all");
    }
}

fn setting(text: &mut String, key: &Key, default: Option<&Value>) {
    let default = default.map(ToString::to_string);
    let value = default.as_deref().or(key.example);
    let value = value.expect("a key has a default or an example");
    writeln!(text, "#{} = {value}", key.name).expect("a String takes all");
}

fn comment(text: &mut String, lines: &str) {
    for line in lines.lines() {
        writeln!(text, "# {line}").expect("a String takes all");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{GpuFileNumber, GpuIndex, GpuUuid};
    use crate::settings::{Config, TokenFile, file};
    use pretty_assertions::assert_eq;
    use std::mem;
    use std::sync::Arc;

    fn read(text: &str) -> Config {
        let parsed = file::parse(text);
        parsed.unwrap_or_else(|error| panic!("{error}\n{text}")).0
    }

    fn is_setting(line: &str) -> bool {
        line.starts_with('#') && !line.starts_with("# ") && line != "#"
    }

    /// The template, with the settings in force of whose line, by number and text, `is_wanted` says so.
    fn with(is_wanted: impl Fn(usize, &str) -> bool) -> String {
        let line = |(number, line): (usize, &str)| match line.strip_prefix('#') {
            Some(setting) if is_setting(line) && is_wanted(number, setting) => {
                format!("{setting}\n")
            }
            _ => format!("{line}\n"),
        };
        template().lines().enumerate().map(line).collect()
    }

    #[test]
    fn with_every_setting_in_force_it_has_the_defaults_and_the_examples() {
        // An address stands in the settings or in a file.
        let mut read = read(&with(|_, setting| !setting.contains("_url_file")));
        let uuid = GpuUuid::parse("APU-70cb99ce3e214bda").expect("an UUID");
        assert_eq!(read.nodes[0].first_gpu_id.take(), Some(1));
        assert_eq!(read.nodes[0].gpu_uuids.remove(&uuid), Some(GpuIndex(0)));
        let mut expected = built_in();
        // Whose the example's UUID is, every node knows.
        for node in &mut read.nodes {
            node.uuid_owners = Arc::default();
        }
        assert_eq!(read.alerts.rules.split_off(1)[0].name, "web");
        assert_eq!(mem::take(&mut read.alerts.written_rules).len(), 1);
        assert_eq!(mem::take(&mut read.users).len(), 1);
        let notify = mem::take(&mut read.notify);
        assert!(notify.healthcheck().url.is_some() && notify.webhook().url.is_some());
        let smtp = notify.smtp.expect("a mail server");
        assert_eq!((smtp.host.as_str(), smtp.port()), ("smtp.example.org", 587));
        expected.management_api.token_file = TokenFile::Named("/etc/daily-gpu-log/token".into());
        assert_eq!(format!("{read:?}"), format!("{expected:?}"));
    }

    #[test]
    fn each_setting_can_be_put_in_force_alone() {
        let template = template();
        let lines: Vec<&str> = template.lines().collect();
        let is_of_whole = |number: usize| {
            let table = lines[..number]
                .iter()
                .rfind(|line| line.trim_start_matches('#').starts_with('['));
            let needs_others = |line: &str| line.starts_with("#[");
            needs_others(lines[number]) || table.is_some_and(|line| needs_others(line))
        };
        let mut alone = 0;
        for number in (0..lines.len()).filter(|&number| is_setting(lines[number])) {
            if !is_of_whole(number) {
                alone += 1;
                let _ = read(&with(|of, _| of == number));
            }
        }
        let tables = SECTIONS
            .iter()
            .filter(|section| section.kind == Kind::Table);
        let keys: usize = tables.map(|section| section.keys.len()).sum();
        assert_eq!(alone, keys, "{template}");
    }

    #[test]
    fn the_nodes_can_be_put_in_force_with_what_they_require() {
        let required = [
            "[[nodes]]",
            "name = \"colab",
            "url = \"http://192.168.10.10",
        ];
        let nodes = with(|_, setting| required.iter().any(|key| setting.starts_with(key)));
        assert_eq!(
            format!("{:?}", read(&nodes)),
            format!("{:?}", built_in()),
            "{nodes}"
        );
    }

    #[test]
    fn the_mail_server_can_be_put_in_force_with_what_it_requires() {
        let required = ["[notify.smtp]", "host = ", "from = ", "to = "];
        let smtp = with(|_, setting| required.iter().any(|key| setting.starts_with(key)));
        assert!(read(&smtp).notify.smtp.is_some(), "{smtp}");
    }

    #[test]
    fn a_rule_can_be_put_in_force_with_what_it_requires() {
        let required = ["[[alerts.rules]]", "name = \"web\"", "task_types = "];
        let rule = with(|_, setting| required.iter().any(|key| setting.starts_with(key)));
        assert_eq!(read(&rule).alerts.rules.len(), 2, "{rule}");
    }

    #[test]
    fn a_setting_can_be_changed_where_it_stands() {
        let line = "#gpu_files = \"index\"\n";
        assert!(template().contains(line));
        let changed = template().replace(line, "gpu_files = \"card\"\n");
        assert_eq!(read(&changed).gpu_files, GpuFileNumber::Card);
    }
}
