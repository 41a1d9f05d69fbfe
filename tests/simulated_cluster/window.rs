//! Netdata's choice of rows for a query: `query_target_calculate_window()`, the same in 1.37 and 2.8.

/// Times up to this many seconds (three years) are relative to now.
const RELATIVE_MAX: i64 = 3 * 365 * 86_400;
/// Where nothing is said, the last ten minutes are meant.
const DEFAULT_AFTER: i64 = -600;
/// `points=0` asks for all points, and gets no more than these.
const POINTS_MAX: i64 = 86_400;

/// The rows of an answer. Times are Unix seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    /// The first second of the first row.
    pub after: i64,
    /// The last second of the last row, and so its stamp.
    pub before: i64,
    /// Seconds in a row.
    pub group: i64,
    /// Number of rows.
    pub points: i64,
}

impl Window {
    /// What an agent whose clock shows `now` makes of a query's `after`, `before` and `points`.
    pub fn calculate(now: i64, after: i64, before: i64, points: i64, aligned: bool) -> Self {
        let (after, mut before) = absolute(now - 1, after, before);
        let duration = before - after;
        let available = duration + 1;
        let wanted = if points <= 0 { POINTS_MAX } else { points };
        let mut points = wanted.min(available);
        let mut group = available / points;
        if available % points > points / 2 {
            group += 1;
        }
        if points * group < duration {
            points = (available + group - 1) / group;
        }
        if aligned && before % group != 0 {
            before += group - before % group;
        }
        Self {
            after: before - points * group + 1,
            before,
            group,
            points,
        }
    }

    /// The stamps of the rows, oldest first. A row is stamped with the END of its interval.
    pub fn stamps(self) -> impl DoubleEndedIterator<Item = i64> {
        (0..self.points).map(move |row| self.after + self.group - 1 + row * self.group)
    }
}

/// Both ends as absolute seconds, none of them in the future.
fn absolute(now: i64, after: i64, before: i64) -> (i64, i64) {
    let before = if before.abs() <= RELATIVE_MAX {
        now - before.abs()
    } else {
        before
    };
    let after = match after {
        0 => before + DEFAULT_AFTER + 1,
        // One second less, because both ends belong to the window.
        relative if relative.abs() <= RELATIVE_MAX => before - relative.abs() + 1,
        absolute => absolute,
    };
    let (after, before) = (after.min(before), after.max(before));
    // Netdata keeps the length of a window that ends in the future, not its start: this is how yesterday gets into today.
    let excess = (before - now).max(0);
    let (oldest, newest) = (now - 10 * 365 * 86_400, now + 365 * 86_400);
    (
        (after - excess).clamp(oldest, newest),
        (before - excess).clamp(oldest, newest),
    )
}

#[cfg(test)]
mod tests {
    use super::Window;

    /// A midnight in UTC: 2026-11-20.
    const T0: i64 = 1_795_132_800;
    const DAY: i64 = 86_400;
    const LONG_AFTER: i64 = T0 + 10 * DAY;

    /// First stamp and last stamp relative to midnight, seconds in a row, number of rows.
    fn rows(now: i64, after: i64, before: i64, points: i64, aligned: bool) -> (i64, i64, i64, i64) {
        let window = Window::calculate(now, T0 + after, T0 + before, points, aligned);
        let mut stamps = window.stamps();
        let first = stamps.next().expect("a window has a row");
        (
            first - T0,
            stamps.next_back().map_or(first, |last| last) - T0,
            window.group,
            window.points,
        )
    }

    #[test]
    fn a_day_from_midnight_is_stamped_with_the_ends_of_its_intervals() {
        assert_eq!(
            rows(LONG_AFTER, 0, DAY - 1, 144, true),
            (600, DAY, 600, 144)
        );
    }

    #[test]
    fn an_unaligned_day_keeps_its_last_second_as_last_stamp() {
        assert_eq!(
            rows(LONG_AFTER, 0, DAY - 1, 144, false),
            (599, DAY - 1, 600, 144)
        );
    }

    #[test]
    fn an_unaligned_day_up_to_midnight_is_exact_at_any_start() {
        for shift in [0, 300, 900, 2_700, 17] {
            let (first, last, group, points) = rows(LONG_AFTER, shift, shift + DAY, 144, false);
            assert_eq!(
                (first - shift, last - shift, group, points),
                (600, DAY, 600, 144)
            );
        }
    }

    #[test]
    fn an_aligned_day_from_an_odd_start_moves_forward() {
        for shift in [300, 900, 2_700] {
            let (first, last, _, points) = rows(LONG_AFTER, shift, shift + DAY - 1, 144, true);
            assert_eq!((first - shift, last - shift, points), (900, DAY + 300, 144));
        }
    }

    #[test]
    fn days_on_which_the_clock_changes_get_an_odd_grid_from_144_points() {
        let (_, last, group, points) = rows(LONG_AFTER, 0, 23 * 3_600 - 1, 144, true);
        assert_eq!((group, points, (T0 + last) % 575), (575, 144, 0));
        let (_, _, group, points) = rows(LONG_AFTER, 0, 25 * 3_600 - 1, 144, true);
        assert_eq!((group, points), (625, 144));
        assert_eq!(
            rows(LONG_AFTER, 0, 23 * 3_600, 138, false),
            (600, 23 * 3_600, 600, 138)
        );
        assert_eq!(
            rows(LONG_AFTER, 0, 25 * 3_600, 150, false),
            (600, 25 * 3_600, 600, 150)
        );
    }

    #[test]
    fn a_part_of_a_day_can_have_a_row_more_than_was_asked_for() {
        let (_, _, group, points) = rows(LONG_AFTER, 0, 39_929, 144, true);
        assert_eq!((group, points), (277, 145));
    }

    #[test]
    fn today_begins_yesterday_and_ends_in_the_future() {
        let now = 70_631;
        assert_eq!(
            rows(T0 + now, 0, DAY - 1, 144, true),
            (70_800 - DAY + 600, 70_800, 600, 144)
        );
    }

    #[test]
    fn today_up_to_now_is_exact() {
        assert_eq!(
            rows(T0 + 70_631, 0, 70_200, 117, false),
            (600, 70_200, 600, 117)
        );
    }

    #[test]
    fn small_times_are_relative_to_the_last_whole_second() {
        let window = Window::calculate(T0 + 1, -600, 0, 0, false);
        assert_eq!(
            window,
            Window {
                after: T0 - 599,
                before: T0,
                group: 1,
                points: 600
            }
        );
        assert_eq!(window, Window::calculate(T0 + 1, 0, 0, 0, false));
    }

    #[test]
    fn the_last_seconds_and_the_last_hour_are_as_many_rows_as_are_asked_for() {
        for (after, points, group) in [(-10, 1, 10), (-3_600, 12, 300), (-86_400, 288, 300)] {
            let window = Window::calculate(T0 + 1, after, 0, points, false);
            assert_eq!(
                window,
                Window {
                    after: T0 + after + 1,
                    before: T0,
                    group,
                    points
                }
            );
        }
    }
}
