//! Workers that share a list of pieces of work. A piece that hangs holds up nobody but its worker, and one that
//! panics costs no other piece anything.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{Builder, Scope, ScopedJoinHandle, scope};
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::model::said;

/// How long results are gathered before they are handed on together: syncing the disk for each of 1,000 nodes would
/// take longer than collecting them.
const BATCH_TIME: Duration = Duration::from_millis(100);
/// How long not one result may come before there are more workers: far more than an answer takes, and far less than
/// a node's deadline.
const STALL: Duration = Duration::from_secs(5);

#[derive(Clone, Copy, Debug)]
pub struct Jobs {
    at_first: usize,
    at_most: usize,
    stall: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Panicked;

impl Jobs {
    pub fn exactly(jobs: u16) -> Self {
        Self::between(jobs, jobs)
    }

    /// More than `at_first` only once nothing at all has come back for five seconds: as long as there are results,
    /// however slowly they come, more questions at once could make them slower still.
    pub fn between(at_first: u16, at_most: u16) -> Self {
        Self {
            at_first: at_first.into(),
            at_most: at_most.into(),
            stall: STALL,
        }
    }

    /// No more than have room for their files: a connection, and a few of the node that is written.
    fn within(self, open_files: Option<u64>) -> Self {
        const OF_PROCESS: u64 = 32;
        const OF_JOB: u64 = 6;
        let room = open_files.map(|files| files.saturating_sub(OF_PROCESS) / OF_JOB);
        let room = usize::try_from(room.unwrap_or(u64::MAX)).unwrap_or(usize::MAX);
        Self {
            at_first: self.at_first.min(room).max(1),
            at_most: self.at_most.min(room).max(1),
            ..self
        }
    }
}

/// How many files the process may open, which is first raised as far as it may raise it.
fn open_files() -> Option<u64> {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    let _ = setrlimit(Resource::Nofile, raised);
    getrlimit(Resource::Nofile).current
}

/// The machine has no room for even one more thread.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{}", said!(
    "無法建立執行緒：{0}（請檢查這台機器的執行緒數與記憶體限制）",
    "cannot start a thread: {0}; check this machine's limits on threads and memory", .0
))]
pub struct NoThread(String);

impl From<io::Error> for NoThread {
    fn from(error: io::Error) -> Self {
        Self(error.to_string())
    }
}

pub fn spawn<'scope, R: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    work: impl FnOnce() -> R + Send + 'scope,
) -> Result<ScopedJoinHandle<'scope, R>, NoThread> {
    Ok(Builder::new().spawn_scoped(scope, work)?)
}

/// Items, of which each is taken by one worker.
#[derive(Debug)]
pub struct Queue<'a, T> {
    items: &'a [T],
    next: AtomicUsize,
}

impl<'a, T> Queue<'a, T> {
    pub fn new(items: &'a [T]) -> Self {
        let next = AtomicUsize::new(0);
        Self { items, next }
    }

    pub fn take(&self) -> Option<(usize, &'a T)> {
        let position = self.next.fetch_add(1, Ordering::Relaxed);
        self.items.get(position).map(|item| (position, item))
    }

    fn untaken(&self) -> usize {
        let taken = self.next.load(Ordering::Relaxed);
        self.items.len().saturating_sub(taken)
    }
}

/// Does `work` on each of `items`, which are begun in their order, and answers in that order.
pub fn map<T: Sync, R: Send>(
    items: &[T],
    jobs: Jobs,
    work: impl Fn(&T) -> R + Sync,
) -> Result<Vec<Result<R, Panicked>>, NoThread> {
    let mut results = Vec::with_capacity(items.len());
    for_each(items, jobs, work, |batch| results.extend(batch))?;
    results.sort_by_key(|(position, _)| *position);
    Ok(results.into_iter().map(|(_, result)| result).collect())
}

/// Does `work` on each of `items`, which are begun in their order, and hands the results to `deliver` as they come:
/// a batch at a time, each with the position of its item.
pub fn for_each<T: Sync, R: Send>(
    items: &[T],
    jobs: Jobs,
    work: impl Fn(&T) -> R + Sync,
    deliver: impl FnMut(Vec<(usize, Result<R, Panicked>)>),
) -> Result<(), NoThread> {
    let queue = Queue::new(items);
    let worker = |results: &Sender<_>| {
        while let Some((position, item)) = queue.take() {
            // Whatever a panic leaves half done belongs to its own piece, and nobody looks at that again.
            let result = catch_unwind(AssertUnwindSafe(|| work(item))).map_err(|_| Panicked);
            if results.send((position, result)).is_err() {
                return;
            }
        }
    };
    run_workers(&queue, jobs, worker, deliver)
}

/// Shares the queue between workers, each of which takes items until there are none and sends one result for each.
/// They are handed to `deliver` as they come, a batch at a time. A worker must not panic.
pub fn run_workers<T: Sync, R: Send>(
    queue: &Queue<T>,
    jobs: Jobs,
    worker: impl Fn(&Sender<R>) + Sync,
    mut deliver: impl FnMut(Vec<R>),
) -> Result<(), NoThread> {
    let worker = &worker;
    let jobs = jobs.within(open_files());
    scope(|scope| {
        let (sender, receiver) = mpsc::channel();
        let hire = || {
            let sender = sender.clone();
            spawn(scope, move || worker(&sender))
        };
        let mut waiting = queue.items.len();
        let (mut workers, mut wanted) = (0, jobs.at_first);
        while waiting > 0 {
            let needed = wanted.min(workers + queue.untaken());
            while workers < needed {
                match hire() {
                    Ok(_) => workers += 1,
                    // Fewer do as well.
                    Err(_) if workers > 0 => break,
                    Err(error) => return Err(error),
                }
            }
            match next_batch(&receiver, waiting, jobs.stall) {
                Some(batch) => {
                    waiting -= batch.len();
                    deliver(batch);
                }
                None => wanted = jobs.at_most.min(workers + jobs.at_first),
            }
        }
        Ok(())
    })
}

/// What arrives within [`BATCH_TIME`] of the first, or until none of the `waiting` is left to arrive; `None` if there
/// is no first within `patience`.
fn next_batch<T>(receiver: &Receiver<T>, waiting: usize, patience: Duration) -> Option<Vec<T>> {
    let mut batch = vec![receiver.recv_timeout(patience).ok()?];
    let until = Instant::now() + BATCH_TIME;
    while batch.len() < waiting
        && let Ok(next) = receiver.recv_timeout(until.saturating_duration_since(Instant::now()))
    {
        batch.push(next);
    }
    Some(batch)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Condvar, Mutex};
    use std::thread;

    fn results<T: Sync, R: Send>(
        items: &[T],
        jobs: Jobs,
        work: impl Fn(&T) -> R + Sync,
    ) -> Vec<Result<R, Panicked>> {
        map(items, jobs, work).expect("room for threads")
    }

    #[test]
    fn every_item_has_its_result() {
        let items: Vec<u32> = (0..1000).collect();
        for jobs in [1, 7, 400] {
            let squares = results(&items, Jobs::exactly(jobs), |item| item * item);
            let expected: Vec<_> = items.iter().map(|item| Ok(item * item)).collect();
            assert_eq!(squares, expected, "{jobs} jobs");
        }
        assert_eq!(results(&[], Jobs::exactly(7), |&(): &()| ()), []);
    }

    #[test]
    fn a_panic_is_the_end_of_its_own_piece_alone() {
        for jobs in [1, 4] {
            let halves = results(&[2, 3, 4, 5, 6], Jobs::exactly(jobs), |&number: &u32| {
                assert!(number % 2 == 0, "a panic that the test wants");
                number / 2
            });
            let expected = [Ok(1), Err(Panicked), Ok(2), Err(Panicked), Ok(3)];
            assert_eq!(halves, expected, "{jobs} jobs");
        }
    }

    #[test]
    fn there_are_never_more_jobs_than_somebody_asked_for() {
        let at_work = AtomicUsize::new(0);
        let jobs = Jobs {
            stall: Duration::from_millis(1),
            ..Jobs::exactly(3)
        };
        let seen = results(&[0; 12], jobs, |_| {
            let now = at_work.fetch_add(1, Ordering::SeqCst) + 1;
            thread::sleep(Duration::from_millis(20));
            at_work.fetch_sub(1, Ordering::SeqCst);
            now
        });
        assert!(seen.iter().all(|now| now.is_ok_and(|now| now <= 3)));
    }

    #[test]
    fn pieces_that_hang_hold_up_no_other() {
        // Each of the first pieces ends only once the last one has.
        let (is_over, bell) = (Mutex::new(false), Condvar::new());
        let wait = || {
            let is_over = is_over.lock().expect("no panic under it");
            let (is_over, _) = bell
                .wait_timeout_while(is_over, Duration::from_secs(60), |is_over| !*is_over)
                .expect("no panic under it");
            *is_over
        };
        let jobs = Jobs {
            stall: Duration::from_millis(1),
            ..Jobs::between(2, 7)
        };
        let items: Vec<u32> = (0..7).collect();
        let ended = results(&items, jobs, |&item| {
            if item == 6 {
                *is_over.lock().expect("no panic under it") = true;
                bell.notify_all();
            }
            wait()
        });
        assert_eq!(ended, [Ok(true); 7]);
    }
}
