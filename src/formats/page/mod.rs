//! A page to look at: one HTML file with its own style, drawings and script, that asks nobody for anything. It is
//! complete without the script, which adds what a pointer and a keyboard may ask.

mod bands;
mod banner;
mod data;
mod findings;
mod foot;
mod head;
mod lanes;
mod small;
mod svg;
mod trend;
mod users;
mod words;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use ring::digest::{SHA256, digest};

use crate::analysis::overview::Overview;
use crate::analysis::usage::dates;
use crate::model::{Language, said, text};
use words::name;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// What is said of the page itself.
#[derive(Debug)]
pub struct About {
    /// When it was made, on the clocks of the zone.
    pub made_at: String,
    /// The command that makes it again.
    pub command: String,
}

pub fn render(overview: &Overview, about: &About) -> String {
    let title = title(overview);
    let page = html! {
        (DOCTYPE)
        html lang=(language()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width,initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta http-equiv="Content-Security-Policy" content=(policy());
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                (hatches())
                (bar(&title))
                main {
                    (head::head(overview, &title))
                    (findings::findings(overview))
                    (trend::trend(overview))
                    (users::users(overview))
                    (lanes::picture(overview))
                    (small::multiples(overview))
                    (foot::definitions(overview))
                    (foot::foot(overview, about))
                }
                div #tip role="status" hidden {}
                script #data type="application/json" { (PreEscaped(data::json(overview))) }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    page.into_string()
}

/// A page that leads to another beside it.
pub fn leading_to(file: &str) -> String {
    let page = html! {
        (DOCTYPE)
        html lang=(language()) {
            head {
                meta charset="utf-8";
                meta http-equiv="refresh" content={ "0;url=" (file) };
                title { (text("最新的 GPU 使用概況", "the newest GPU overview")) }
            }
            body { a href=(file) { (file) } }
        }
    };
    page.into_string()
}

fn language() -> &'static str {
    match Language::chosen() {
        Language::Chinese => "zh-Hant-TW",
        Language::English => "en",
    }
}

fn title(overview: &Overview) -> String {
    let days = dates(overview.first, overview.last);
    match &overview.user {
        Some(user) => {
            let user = name(user);
            said!(
                "{user} 的 GPU 使用概況 {days}",
                "GPU overview of {user} {days}"
            )
        }
        None => said!("GPU 使用概況 {days}", "GPU overview {days}"),
    }
}

/// Only this style and this script, and nothing from anywhere.
fn policy() -> String {
    let hash = |text: &str| STANDARD.encode(digest(&SHA256, text.as_bytes()));
    format!(
        "default-src 'none';style-src 'sha256-{}';script-src 'sha256-{}';base-uri 'none';form-action 'none'",
        hash(STYLE),
        hash(SCRIPT)
    )
}

/// The patterns that stand for what is not known.
fn hatches() -> Markup {
    html! {
        svg .defs width="0" height="0" aria-hidden="true" {
            @for id in ["hu", "hn"] {
                pattern id=(id) width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)" {
                    rect class={ (id) "0" } width="6" height="6" {}
                    rect class={ (id) "1" } width="2.5" height="6" {}
                }
            }
        }
    }
}

/// What stays in sight: what the page is of, and which metric it shows.
fn bar(title: &str) -> Markup {
    html! {
        header .bar {
            span { (title) }
            fieldset {
                legend .sr { (text("顯示哪一種使用率", "which utilisation is shown")) }
                input #mg type="radio" name="m" checked;
                label for="mg" { "GPU" }
                input #mv type="radio" name="m";
                label for="mv" { "VRAM" }
            }
        }
    }
}

#[cfg(test)]
mod tests;
