//! The same work on many nodes at once.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::thread::Scope;

/// The work panicked: a bug that one item brought out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Panicked;

/// Does `work` on each of `items`, on at most `jobs` threads, and hands out the results with the positions of their
/// items as they come. A bug that one item brings out does not cost the others their results.
pub fn start<'scope, T, R>(
    scope: &'scope Scope<'scope, '_>,
    items: &'scope [T],
    jobs: usize,
    work: impl Fn(&'scope T) -> R + Send + Sync + 'scope,
) -> Receiver<(usize, Result<R, Panicked>)>
where
    T: Sync,
    R: Send + 'scope,
{
    let (sender, receiver) = mpsc::channel();
    let shared = Arc::new((work, AtomicUsize::new(0)));
    for _ in 0..jobs.min(items.len()) {
        let (sender, shared) = (sender.clone(), Arc::clone(&shared));
        scope.spawn(move || {
            let (work, next) = &*shared;
            loop {
                let position = next.fetch_add(1, Ordering::Relaxed);
                let Some(item) = items.get(position) else {
                    return;
                };
                let done = catch_unwind(AssertUnwindSafe(|| work(item)));
                if sender.send((position, done.map_err(|_| Panicked))).is_err() {
                    return;
                }
            }
        });
    }
    receiver
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn every_item_has_its_result_whatever_the_others_do() {
        let items: Vec<usize> = (0..100).collect();
        for jobs in [1, 7, 1000] {
            let mut results = vec![None; items.len()];
            thread::scope(|scope| {
                let work = |item: &usize| {
                    assert!(item % 10 != 3, "a bug of this test's own");
                    item * 2
                };
                for (position, result) in start(scope, &items, jobs, work) {
                    results[position] = Some(result);
                }
            });
            for (item, result) in items.iter().zip(results) {
                let expected = if item % 10 == 3 {
                    Err(Panicked)
                } else {
                    Ok(item * 2)
                };
                assert_eq!(result, Some(expected), "{item} with {jobs} jobs");
            }
        }
    }
}
