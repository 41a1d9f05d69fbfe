//! Cases that wait more than they compute.

use std::panic::resume_unwind;
use std::thread;

/// Does `each` with all `cases` at once, and answers what came of them in their order.
pub(crate) fn at_once<T: Send, R: Send>(
    cases: impl IntoIterator<Item = T>,
    each: impl Fn(T) -> R + Sync,
) -> Vec<R> {
    let each = &each;
    thread::scope(|scope| {
        let start = |case| scope.spawn(move || each(case));
        let started: Vec<_> = cases.into_iter().map(start).collect();
        let ends = started.into_iter().map(thread::ScopedJoinHandle::join);
        ends.map(|end| end.unwrap_or_else(|panic| resume_unwind(panic)))
            .collect()
    })
}
