//! OpenMetrics text.
//!
//! Gauges alone, and no times beside the values: that is what the format has in common with the older text format of
//! Prometheus, which is what node_exporter reads (`# UNIT` and `# EOF` are comments there).

use std::fmt::{self, Display, Write};

pub const PREFIX: &str = "daily_gpu_log";

/// The document of `families`, without those that have no sample.
pub fn document(families: impl Iterator<Item = Family>) -> String {
    let mut text = String::new();
    for family in families.filter(|family| !family.samples.is_empty()) {
        let Family { name, help, .. } = &family;
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge");
        if !family.unit.is_empty() {
            let _ = writeln!(text, "# UNIT {name} {}", family.unit);
        }
        text.extend(family.samples);
    }
    text + "# EOF\n"
}

/// A gauge, with a sample for each thing of which it is known.
pub struct Family {
    name: String,
    help: String,
    unit: &'static str,
    samples: Vec<String>,
}

impl Family {
    /// The format wants the unit, if there is one, at the end of the name as well.
    pub fn new(name: &str, unit: &'static str, help: &str) -> Self {
        let name = format!("{PREFIX}_{name}_{unit}");
        Self {
            name: name.trim_end_matches('_').to_owned(),
            help: help.to_owned(),
            unit,
            samples: Vec::new(),
        }
    }

    pub fn with(mut self, labels: &Labels, value: Option<impl Display>) -> Self {
        self.add(labels, value);
        self
    }

    pub fn add(&mut self, labels: &Labels, value: Option<impl Display>) {
        let name = &self.name;
        self.samples
            .extend(value.map(|value| format!("{name}{labels} {value}\n")));
    }
}

#[derive(Clone, Default)]
pub struct Labels(String);

impl Labels {
    pub fn with(mut self, name: &str, value: impl Display) -> Self {
        let comma = if self.0.is_empty() { "" } else { "," };
        let value = value.to_string().replace('\\', r"\\");
        let value = value.replace('"', "\\\"").replace('\n', r"\n");
        let _ = write!(self.0, "{comma}{name}=\"{value}\"");
        self
    }
}

impl Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return Ok(());
        }
        write!(f, "{{{}}}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A label's value as a reader of the format has it.
    fn unescaped(text: &str) -> Option<String> {
        let mut value = String::new();
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            value.push(match c {
                '\\' => match chars.next()? {
                    'n' => '\n',
                    c @ ('\\' | '"') => c,
                    _ => return None,
                },
                '"' | '\n' => return None,
                c => c,
            });
        }
        Some(value)
    }

    proptest! {
        #[test]
        fn a_label_is_read_as_it_was(name in r#"([\\"\n,={}a王 ]|\PC){0,20}"#) {
            let labels = Labels::default().with("node", &name).with("gpu", 3).to_string();
            let value = labels.strip_prefix("{node=\"").and_then(|rest| rest.strip_suffix("\",gpu=\"3\"}"));
            prop_assert_eq!(value.and_then(unescaped), Some(name));
        }
    }
}
