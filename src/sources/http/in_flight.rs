//! How many bytes of answers may be in memory at once, whoever sends them.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Instant;

/// The bytes of answers that are being read or are still in use, in the whole process.
static IN_FLIGHT: Mutex<usize> = Mutex::new(0);
static LEFT: Condvar = Condvar::new();

/// Room for so many bytes, until it is dropped.
#[derive(Debug, Default)]
pub struct Room(usize);

impl Room {
    /// Waits until `bytes` find room among the others in `limit`, but not beyond `deadline`. What is larger than the
    /// limit has its turn alone.
    pub fn wait_for(bytes: usize, limit: usize, deadline: Instant) -> Option<Self> {
        if bytes == 0 {
            return Some(Self::default());
        }
        let mut in_flight = IN_FLIGHT.lock().unwrap_or_else(PoisonError::into_inner);
        while *in_flight > 0 && *in_flight + bytes > limit {
            let left = deadline.checked_duration_since(Instant::now())?;
            let waited = LEFT.wait_timeout(in_flight, left);
            in_flight = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        *in_flight += bytes;
        Some(Self(bytes))
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        *IN_FLIGHT.lock().unwrap_or_else(PoisonError::into_inner) -= self.0;
        LEFT.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;
    use std::time::Duration;

    #[test]
    fn answers_wait_for_each_other_and_never_for_themselves() {
        let soon = || Instant::now() + Duration::from_millis(50);
        let late = || Instant::now() + Duration::from_secs(60);
        let first = Room::wait_for(70, 100, soon()).expect("nobody else is there");
        assert!(Room::wait_for(40, 100, soon()).is_none());
        let second = Room::wait_for(30, 100, soon()).expect("there is room");
        let third = thread::spawn(move || Room::wait_for(200, 100, late()).map(drop));
        drop(first);
        drop(second);
        assert_eq!(third.join().expect("no panic"), Some(()));
        assert!(Room::wait_for(100, 100, soon()).is_some());
    }
}
