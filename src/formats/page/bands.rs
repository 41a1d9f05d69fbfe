//! Who held a GPU on one day, under what it did.

use maud::{Markup, html};

use super::svg::share;
use super::users::COLOURS;
use super::words::name;
use crate::analysis::overview::{Lane, Overview};
use crate::model::{UnixSeconds, said, text};

/// The most bands that lie over each other where users held a GPU at once.
const MOST_BANDS: usize = 4;
const BAND_HEIGHT: usize = 13;

/// Who held the GPU, each user in a band of their own, as many over each other as held it at once.
pub fn bands(overview: &Overview, lane: &Lane) -> Markup {
    let Some(day) = overview.days.first() else {
        return Markup::default();
    };
    if day.tasks_until.is_none() {
        let users = lane.users_of_file.as_deref().map(name);
        return html! {
            @match users {
                Some(users) => p .held { (said!("佔用：{users}（時間不明）", "held by {users} (when is not known)")) },
                None => p .held .none { (text("沒有任務資訊", "no task information")) },
            }
        };
    }
    let placed = stack(overview, lane);
    let rows = placed.iter().map(|band| band.row + 1).max().unwrap_or(0);
    if rows == 0 {
        return Markup::default();
    }
    #[expect(clippy::cast_precision_loss, reason = "the seconds of a day")]
    let place = |seconds: i64| share(seconds as f64, (day.end - day.start) as f64);
    html! {
        svg .b height=(rows * BAND_HEIGHT) {
            @for band in &placed {
                svg x=(place(band.from - day.start)) y=(band.row * BAND_HEIGHT) width=(place(band.to - band.from)) height=(BAND_HEIGHT) data-u=(band.user) {
                    rect class={ "u" (band.user % COLOURS) } y="1" width="100%" height="11" rx="2" {}
                    text x="4" y="10" { (name(&overview.users[band.user])) }
                }
            }
        }
    }
}

struct Band {
    user: usize,
    from: UnixSeconds,
    to: UnixSeconds,
    row: usize,
}

/// Puts each user's times into the first row that is free. What finds none is left to the table and the tips.
fn stack(overview: &Overview, lane: &Lane) -> Vec<Band> {
    let mut spans: Vec<(UnixSeconds, UnixSeconds, usize)> = Vec::new();
    for hold in &lane.holds {
        let user = overview.tasks[hold.task].user;
        // Tasks of one user that follow each other are one time.
        let same = spans
            .iter_mut()
            .rev()
            .find(|(_, to, of)| *of == user && *to >= hold.from);
        match same {
            Some((_, to, _)) => *to = hold.to.max(*to),
            None => spans.push((hold.from, hold.to, user)),
        }
    }
    let mut ends: Vec<UnixSeconds> = Vec::new();
    let mut bands = Vec::new();
    for (from, to, user) in spans {
        let free = ends.iter().position(|end| *end <= from);
        let row = free.unwrap_or(ends.len());
        if row >= MOST_BANDS {
            continue;
        }
        if row == ends.len() {
            ends.push(to);
        } else {
            ends[row] = to;
        }
        bands.push(Band {
            user,
            from,
            to,
            row,
        });
    }
    bands
}
