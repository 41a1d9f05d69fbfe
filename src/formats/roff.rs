//! A topic of the manual as a page for `man`: of Markdown, what the topics use.

use unicode_width::UnicodeWidthChar;

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
    for line in lines {
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
    page.end(&mut paragraph);
    if is_table {
        page.as_it_stands(false);
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

/// Adds a line to a paragraph. Chinese has no space where its lines are broken.
fn join(paragraph: &mut String, line: &str) {
    if let Some(last) = paragraph.chars().next_back()
        && !(is_wide(last) && line.starts_with(is_wide))
    {
        paragraph.push(' ');
    }
    paragraph.push_str(line);
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

/// A page whose Chinese may be broken between its characters, because roff breaks at spaces alone, and takes the end of
/// a line for one.
pub fn with_breaks(page: &str) -> String {
    let (mut roff, mut last, mut is_request) = (String::new(), ' ', false);
    let mut chars = page.chars().peekable();
    while let Some(c) = chars.next() {
        if roff.ends_with('\n') {
            is_request = c == '.';
        }
        let is_after_wide = !is_request && is_wide(last);
        if is_after_wide && c == '\n' && chars.peek().copied().is_some_and(is_wide) {
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
        let topic = file
            .strip_suffix(".md")
            .and_then(|file| file.split('.').next());
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
    let middle = text.find("](")?;
    let begin = text[..middle].rfind('[')?;
    let end = middle + text[middle..].find(')')?;
    Some((
        &text[..begin],
        &text[begin + 1..middle],
        &text[middle + 2..end],
        &text[end + 1..],
    ))
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
and [the script](../../scripts/x.sh).

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
第\\:一\\:行\\:結\\:尾\\:第\\:二\\:行，\\fB\\:\\-\\-json\\fR 與 \\fB粗\\:體\\fR。\\:見 daily\\-gpu\\-log\\-json(7) and the script.
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
}
