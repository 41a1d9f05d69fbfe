//! A message, whichever channel carries it.

use crate::model::{beginning, counted, said};

const LINE_CHARS: usize = 1000;

/// A text for people, with what matters most first, so that it can be cut at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub subject: String,
    lines: Vec<String>,
    signature: String,
}

impl Message {
    /// A message with these lines under its subject, and the signature under them. Control characters, which would
    /// make one line two, become spaces.
    pub fn new(subject: &str, lines: impl IntoIterator<Item = String>, signature: &str) -> Self {
        Self {
            subject: beginning(subject, LINE_CHARS),
            lines: lines
                .into_iter()
                .map(|line| beginning(&line, LINE_CHARS))
                .collect(),
            signature: beginning(signature, LINE_CHARS),
        }
    }

    /// The message with what `change` makes of each of its lines.
    pub fn map(&self, change: impl Fn(&str) -> String) -> Self {
        Self {
            subject: change(&self.subject),
            lines: self.lines.iter().map(|line| change(line)).collect(),
            signature: change(&self.signature),
        }
    }

    /// The message without its subject, for where that has a place of its own. Lines for which `limit_bytes` have no
    /// room are counted instead.
    pub fn body(&self, limit_bytes: usize) -> String {
        let room = limit_bytes.saturating_sub(self.signature.len() + "\n\n\n".len());
        format!("{}\n\n{}\n", self.lines(room), self.signature)
    }

    /// The whole message. Lines for which `limit_bytes` have no room are counted instead.
    pub fn text(&self, limit_bytes: usize) -> String {
        let room = limit_bytes.saturating_sub(self.subject.len() + "\n\n".len());
        format!("{}\n\n{}", self.subject, self.body(room))
    }

    fn lines(&self, limit_bytes: usize) -> String {
        let whole = self.lines.join("\n");
        if whole.len() <= limit_bytes {
            return whole;
        }
        let mark = |left: usize| {
            let left = counted(left, "行", "more line", "more lines");
            said!("…（還有 {left}未列出）", "… ({left} not listed)")
        };
        // No other count is longer.
        let mut room = limit_bytes.saturating_sub(mark(self.lines.len()).len());
        let fits = |line: &&String| {
            let left = room.checked_sub(line.len() + 1);
            left.map(|left| room = left).is_some()
        };
        let sent = self.lines.iter().take_while(fits);
        let mut sent: Vec<&str> = sent.map(String::as_str).collect();
        let mark = mark(self.lines.len() - sent.len());
        sent.push(&mark);
        sent.join("\n")
    }
}

/// The machine that a message names as its sender.
pub fn hostname() -> String {
    let system = rustix::system::uname();
    system.nodename().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn message(lines: &[&str]) -> Message {
        Message::new("主旨", lines.iter().map(ToString::to_string), "署名")
    }

    #[test]
    fn a_message_that_fits_is_whole() {
        let message = message(&["一", "二"]);
        assert_eq!(message.text(1000), "主旨\n\n一\n二\n\n署名\n");
        assert_eq!(message.body(1000), "一\n二\n\n署名\n");
        assert_eq!(message.text(message.text(1000).len()), message.text(1000));
    }

    #[test]
    fn where_one_does_not_fit_the_first_lines_stay_and_the_others_are_counted() {
        let lines: Vec<String> = (1..=99)
            .map(|number| format!("第 {number} 個錯誤"))
            .collect();
        let message = Message::new("主旨", lines, "署名");
        assert_eq!(
            message.text(85),
            "主旨\n\n第 1 個錯誤\n第 2 個錯誤\n…（還有 97 行未列出）\n\n署名\n"
        );
    }

    #[test]
    fn a_line_is_one_line_and_not_endless() {
        let endless = "長".repeat(1001);
        let message = message(&["two\r\nlines\u{1b}[1m", &endless]);
        let cut = format!("{}…", "長".repeat(1000));
        assert_eq!(message.lines, ["two  lines [1m", &cut]);
        assert_eq!(Message::new("a\nBcc: b", [], "").subject, "a Bcc: b");
    }

    proptest! {
        #[test]
        fn no_message_is_longer_than_its_limit(
            lines in prop::collection::vec(".{0,60}", 0..40),
            limit in 100_usize..2000,
        ) {
            let message = Message::new("主旨", lines, "署名");
            let text = message.text(limit);
            prop_assert!(text.len() <= limit, "{} > {limit}: {text}", text.len());
            prop_assert!(text.starts_with("主旨\n\n") && text.ends_with("\n\n署名\n"), "{text}");
            let sent = message.lines.iter().zip(text.lines().skip(2));
            let sent = sent.take_while(|(line, sent)| line == sent).count();
            let left = message.lines.len() - sent;
            let mark = format!("…（還有 {left} 行未列出）");
            prop_assert_eq!(left > 0, text.contains(&mark), "{}", text);
        }
    }
}
