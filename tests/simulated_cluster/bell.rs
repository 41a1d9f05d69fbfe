//! How the threads of a cluster wait, and how they are told to stop.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Tells every waiting thread of a cluster that it ends.
#[derive(Default)]
pub(super) struct Bell {
    rung: Mutex<bool>,
    listeners: Condvar,
}

impl Bell {
    pub fn ring(&self) {
        *locked(&self.rung) = true;
        self.listeners.notify_all();
    }

    pub fn has_rung(&self) -> bool {
        *locked(&self.rung)
    }

    /// Sleeps, at most until the cluster ends.
    pub fn sleep(&self, duration: Duration) {
        let waiting = self
            .listeners
            .wait_timeout_while(locked(&self.rung), duration, |rung| !*rung);
        drop(waiting.unwrap_or_else(PoisonError::into_inner));
    }
}

/// A panic elsewhere leaves nothing half done under these locks, and it is reported when its thread is joined.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
