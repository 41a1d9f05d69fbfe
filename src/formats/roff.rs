//! A topic of the manual as a page for `man`: of Markdown, what the topics use.

use unicode_width::UnicodeWidthChar;

use crate::model::text;

/// No line begins with one of these, and none ends before it.
const CLOSING: &str = "，。、：；！？）」』】》…,.:;!?)";
const OPENING: &str = "（「『【《(";

/// The page of `name` in section 7, from a text that begins with its title and a line that sums it up.
pub fn page(name: &str, version: &str, markdown: &str) -> String {
    let mut lines = markdown.lines().filter(|line| !line.starts_with("# "));
    let summary = lines.by_ref().find(|line| !line.is_empty());
    let name = literal(name);
    let mut page = Page(format!(
        ".TH \"{name}\" 7 \"\" \"{version}\"\n.nh\n.ad l\n.SH NAME\n{name} \\- {summary}\n.SH DESCRIPTION\n",
        summary = inline(summary.unwrap_or_default()),
    ));
    let mut paragraph = String::new();
    let (mut is_item, mut is_code, mut is_table) = (false, false, false);
    // The last line ends whatever it stands behind.
    for line in lines.chain([""]) {
        let text = line.trim_start();
        if !is_code && is_table != text.starts_with('|') {
            page.end(&mut paragraph);
            is_table = !is_table;
            page.as_it_stands(is_table);
        }
        if text.starts_with("```") {
            page.end(&mut paragraph);
            is_code = !is_code;
            page.as_it_stands(is_code);
        } else if is_code || is_table {
            page.text(&literal(line));
        } else if text.is_empty() {
            page.end(&mut paragraph);
        } else if let Some(title) = text.strip_prefix("## ") {
            page.end(&mut paragraph);
            page.line(&format!(".SH {}", inline(title)));
        } else if let Some((mark, rest)) = item(text) {
            page.end(&mut paragraph);
            page.line(&format!(".IP {mark} 4"));
            is_item = true;
            rest.clone_into(&mut paragraph);
        } else {
            if paragraph.is_empty() {
                is_item &= line.starts_with(' ');
                page.line(if is_item { ".IP \"\" 4" } else { ".PP" });
            }
            join(&mut paragraph, text);
        }
    }
    page.0
}

struct Page(String);

impl Page {
    fn line(&mut self, line: &str) {
        self.0.push_str(line);
        self.0.push('\n');
    }

    /// Begins or ends what is aligned as it stands: code, and tables.
    fn as_it_stands(&mut self, begins: bool) {
        self.line(if begins {
            ".PP\n.RS 4\n.nf"
        } else {
            ".fi\n.RE"
        });
    }

    /// A line that is no request, whatever it begins with.
    fn text(&mut self, line: &str) {
        if line.starts_with(['.', '\'']) {
            self.0.push_str("\\&");
        }
        self.line(line);
    }

    fn end(&mut self, paragraph: &mut String) {
        if !paragraph.is_empty() {
            self.text(&inline(paragraph));
            paragraph.clear();
        }
    }
}

/// The mark of a list's item, and what stands behind it.
fn item(line: &str) -> Option<(String, &str)> {
    if let Some(rest) = line.strip_prefix("- ") {
        return Some(("\\(bu".to_owned(), rest));
    }
    let (number, rest) = line.split_once(". ")?;
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| (format!("{number}."), rest))
}

/// Adds a line to a paragraph.
fn join(paragraph: &mut String, line: &str) {
    if let (Some(last), Some(next)) = (paragraph.chars().next_back(), line.chars().next())
        && !are_joined(last, next)
    {
        paragraph.push(' ');
    }
    paragraph.push_str(line);
}

/// Whether there is no space between the end of a line and the next: not within Chinese, nor beside its punctuation.
fn are_joined(last: char, next: char) -> bool {
    let is_punctuation = |c| is_wide(c) && (CLOSING.contains(c) || OPENING.contains(c));
    is_wide(last) && is_wide(next) || is_punctuation(last) || is_punctuation(next)
}

fn is_wide(c: char) -> bool {
    c.width() == Some(2)
}

fn literal(text: &str) -> String {
    let mut roff = String::new();
    text.chars().for_each(|c| push(&mut roff, c));
    roff
}

fn push(roff: &mut String, c: char) {
    match c {
        '\\' => roff.push_str("\\e"),
        '-' => roff.push_str("\\-"),
        '\'' => roff.push_str("\\(aq"),
        '`' => roff.push_str("\\(ga"),
        '^' => roff.push_str("\\(ha"),
        '~' => roff.push_str("\\(ti"),
        '"' => roff.push_str("\\(dq"),
        c => roff.push(c),
    }
}

/// Text with its code, bold words and links.
fn inline(text: &str) -> String {
    let text = linked(text);
    let (mut roff, mut is_code, mut is_bold) = (String::new(), false, false);
    let mut last = ' ';
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '`' {
            is_code = !is_code;
        } else if !is_code && c == '*' && chars.next_if_eq(&'*').is_some() {
            is_bold = !is_bold;
        } else {
            if may_break(last, c) {
                roff.push_str("\\:");
            }
            push(&mut roff, c);
            last = c;
            continue;
        }
        roff.push_str(if is_code || is_bold { "\\fB" } else { "\\fR" });
    }
    roff
}

/// The page of a command, as it was generated, with the pages that it refers to.
pub fn command_page(page: &str, see_also: &[String]) -> String {
    let heading = format!("\n.SH {}\n", text("說明", "NOTES"));
    let mut page = page.replace("\n.SH EXTRA\n", &heading);
    let title = page.find("\n.TH ").map_or(0, |at| at + 1);
    if let Some(length) = page[title..].find('\n') {
        page.insert_str(title + length, "\n.nh\n.ad l");
    }
    if !see_also.is_empty() {
        let names: Vec<_> = see_also.iter().map(|name| literal(name)).collect();
        page.extend([".SH \"SEE ALSO\"\n", &names.join(",\n"), "\n"]);
    }
    with_breaks(&page)
}

/// A page whose Chinese may be broken between its characters, because roff breaks at spaces alone, and takes the end of
/// a line for one.
fn with_breaks(page: &str) -> String {
    let (mut roff, mut last, mut is_request) = (String::new(), ' ', false);
    let mut chars = page.chars().peekable();
    while let Some(c) = chars.next() {
        if roff.ends_with('\n') {
            is_request = c == '.';
        }
        let is_after_wide = !is_request && is_wide(last);
        if let Some(&next) = chars.peek().filter(|_| is_after_wide && c == '\n')
            && !matches!(next, '.' | '\n')
            && are_joined(last, next)
        {
            continue;
        }
        if is_after_wide && may_break(last, c) {
            roff.push_str("\\:");
        }
        roff.push(c);
        last = c;
    }
    roff
}

fn may_break(last: char, next: char) -> bool {
    (is_wide(last) || is_wide(next))
        && !(last.is_whitespace() || OPENING.contains(last))
        && !(next.is_whitespace() || CLOSING.contains(next))
}

/// The text with the place that a link leads to behind its words: a page, if it is another topic.
fn linked(text: &str) -> String {
    let mut linked = String::new();
    let mut rest = text;
    while let Some((before, words, target, after)) = link(rest) {
        let file = target.split('#').next().unwrap_or_default();
        let topic = file.strip_suffix(".en.md");
        let topic = topic.or_else(|| file.strip_suffix(".zh-TW.md"));
        let place = match topic {
            Some(topic) => format!("daily-gpu-log-{topic}(7)"),
            None if target.starts_with("http") => target.to_owned(),
            None => words.to_owned(),
        };
        linked.push_str(before);
        if words != place && topic != Some(words) {
            linked.extend([words, " (", &place, ")"]);
        } else {
            linked.push_str(&place);
        }
        rest = after;
    }
    linked + rest
}

/// What stands before the first link, its words, its target, and what stands behind it.
fn link(text: &str) -> Option<(&str, &str, &str, &str)> {
    let (head, tail) = text.split_once("](")?;
    let (before, words) = head.rsplit_once('[')?;
    let (target, after) = tail.split_once(')')?;
    Some((before, words, target, after))
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;

    #[test]
    fn a_topic_becomes_a_page() {
        let markdown = "\
# 標題

一句摘要。

第一行結尾
第二行，`--json` 與 **粗體**。見 [json](json.en.md)
and [the script](../../scripts/x.sh), [the readme](../../README.md) and [more](MORE.md)，
`-q`
（一個
GPU）。

- one
  more
- 'two'

## 一節

1. first

   still first

```toml
.a = '-b'
```

| a | b |
| - | - |
";
        let expected = "\
.TH \"daily\\-gpu\\-log\\-x\" 7 \"\" \"v\"
.nh
.ad l
.SH NAME
daily\\-gpu\\-log\\-x \\- 一\\:句\\:摘\\:要。
.SH DESCRIPTION
.PP
第\\:一\\:行\\:結\\:尾\\:第\\:二\\:行，\\fB\\:\\-\\-json\\fR 與 \\fB粗\\:體\\fR。\\:見 daily\\-gpu\\-log\\-json(7) and the script, the readme and more，\\fB\\:\\-q\\fR\\:（一\\:個 GPU）。
.IP \\(bu 4
one more
.IP \\(bu 4
\\(aqtwo\\(aq
.SH 一\\:節
.IP 1. 4
first
.IP \"\" 4
still first
.PP
.RS 4
.nf
\\&.a = \\(aq\\-b\\(aq
.fi
.RE
.PP
.RS 4
.nf
| a | b |
| \\- | \\- |
.fi
.RE
";
        assert_eq!(page("daily-gpu-log-x", "v", markdown), expected);
    }

    #[test]
    fn a_command_has_a_page_of_unbroken_names() {
        let generated = "\
.el .ds Aq '
.TH x 1  \"x 1\" 
.SH EXTRA
結束狀態；
10 設定，
\\-\\-send 時。
.SH VERSION
v1
";
        let expected = "\
.el .ds Aq '
.TH x 1  \"x 1\" 
.nh
.ad l
.SH 說明
結\\:束\\:狀\\:態；\\:10 設\\:定，\\:\\-\\-send 時。
.SH VERSION
v1
.SH \"SEE ALSO\"
x\\-files(7),
x\\-json(7)
";
        let see_also = ["x-files(7)", "x-json(7)"].map(str::to_owned);
        assert_eq!(command_page(generated, &see_also), expected);
    }
}
