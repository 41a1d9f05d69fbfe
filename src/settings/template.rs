//! The settings file to begin with, and the keys that it lists.

use std::sync::LazyLock;

use crate::model::text;

/// Every key, with its meaning and its default or an example, commented out, so that it changes nothing. A line that
/// begins with `#` and no space is a setting, or the header of a table that is not there by itself.
pub fn template() -> &'static str {
    text(TEMPLATES[0], TEMPLATES[1])
}

/// By language. They have the same settings.
const TEMPLATES: [&str; 2] = [
    include_str!("template.zh-TW.toml"),
    include_str!("template.en.toml"),
];

/// The keys whose value is a secret.
pub const SECRETS: [&str; 2] = ["notify.healthcheck_url", "notify.webhook_url"];

/// All tables, in the order of the template.
pub static SECTIONS: LazyLock<Vec<Section>> = LazyLock::new(sections);

#[derive(Debug, Default)]
pub struct Section {
    /// With dots where it is in another; empty for the keys before the first table.
    pub name: &'static str,
    pub header: &'static str,
    /// Whether it is there without its header: each of its keys can stand alone.
    pub is_always: bool,
    pub keys: Vec<&'static str>,
}

impl Section {
    /// Whether there can be many of it: `[[nodes]]`.
    pub fn is_list(&self) -> bool {
        self.header.starts_with("[[")
    }

    /// Whether its keys are names of the user's own. The one here is an example.
    pub fn has_own_names(&self) -> bool {
        self.keys.iter().any(|key| key.starts_with('"'))
    }

    pub fn path_of(&self, key: &str) -> String {
        match self.name {
            "" => key.to_owned(),
            name => format!("{name}.{key}"),
        }
    }
}

fn sections() -> Vec<Section> {
    let mut section = Section {
        is_always: true,
        ..Section::default()
    };
    let mut sections = Vec::new();
    for line in TEMPLATES[0].lines() {
        let setting = line.strip_prefix('#').unwrap_or(line);
        if setting.starts_with('[') && setting != section.header {
            let next = Section {
                name: setting.trim_matches(['[', ']']),
                header: setting,
                is_always: !line.starts_with('#'),
                keys: Vec::new(),
            };
            sections.push(std::mem::replace(&mut section, next));
        }
        let key = setting.split_once(" = ").map(|(key, _)| key);
        let is_new = |key: &&str| !key.starts_with(' ') && !section.keys.contains(key);
        section.keys.extend(key.filter(is_new));
    }
    sections.push(section);
    sections
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{GpuFileNumber, GpuIndex, GpuUuid};
    use crate::settings::{ArchiveDirs, Config, TokenFile, built_in, file};
    use pretty_assertions::assert_eq;
    use std::collections::BTreeSet;
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
    fn every_language_has_the_same_settings_and_its_own_meanings() {
        let [chinese, english] = TEMPLATES.map(|template| {
            let lines = template.lines().filter(|line| !line.starts_with("# "));
            lines.collect::<Vec<_>>()
        });
        assert_eq!(chinese, english);
        let [chinese, english] = TEMPLATES.map(|template| {
            let lines: Vec<_> = template.lines().collect();
            let pairs = lines.windows(2);
            let explained = pairs.filter(|pair| pair[0].starts_with("# ") && is_setting(pair[1]));
            explained.map(|pair| pair[1]).collect::<Vec<_>>()
        });
        assert_eq!(chinese, english);
        assert!(TEMPLATES[1].is_ascii());
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
        let rules = mem::take(&mut read.alerts.rules);
        assert_eq!((rules.len(), rules[0].name.as_str()), (1, "web"));
        assert_eq!(mem::take(&mut read.users).len(), 1);
        let notify = mem::take(&mut read.notify);
        assert!(notify.healthcheck().url.is_some() && notify.webhook().url.is_some());
        let smtp = notify.smtp.expect("a mail server");
        assert_eq!((smtp.host.as_str(), smtp.port()), ("smtp.example.org", 587));
        expected.archive_dirs = ArchiveDirs::Named(vec!["data_archive".into()]);
        expected.management_api.token_file = TokenFile::Named("/etc/daily-gpu-log/token".into());
        assert!(read.export.parquet_dir.take().is_some());
        let ca_files = [
            read.netdata.ca_file.take(),
            read.management_api.ca_file.take(),
        ];
        assert!(ca_files.iter().all(Option::is_some));
        assert_eq!(format!("{read:?}"), format!("{expected:?}"));
    }

    #[test]
    fn each_setting_can_be_put_in_force_alone() {
        let lines: Vec<&str> = template().lines().collect();
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
        let tables = SECTIONS.iter().filter(|section| section.is_always);
        let keys: usize = tables.map(|section| section.keys.len()).sum();
        assert_eq!(alone, keys);
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
        assert_eq!(read(&rule).alerts.rules().len(), 2, "{rule}");
    }

    #[test]
    fn a_setting_can_be_changed_where_it_stands() {
        let line = "#gpu_files = \"index\"\n";
        assert!(template().contains(line));
        let changed = template().replace(line, "gpu_files = \"card\"\n");
        assert_eq!(read(&changed).gpu_files, GpuFileNumber::Card);
    }

    /// The fields of the struct that a table is read into, as serde names them when it meets another.
    fn fields(section: &Section) -> BTreeSet<String> {
        let file = format!("{}\nno_such_key = 1", section.header);
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
        let keys = section.keys.iter().copied();
        tables.chain(keys).map(str::to_owned).collect()
    }

    #[test]
    fn the_keys_that_are_described_are_those_that_are_read() {
        for section in SECTIONS.iter().filter(|section| !section.has_own_names()) {
            assert_eq!(described(section), fields(section), "[{}]", section.name);
        }
    }
}
