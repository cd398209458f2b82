//! The two things a role waits for: time, and the wish of its user that it ends.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, SystemTime};

use iotchain::UnixTime;

use crate::NodeError;

/// What shells give a process that Ctrl-C ended: 128 + SIGINT.
const IMPATIENT: i32 = 130;

/// The present, by the system's clock.
#[must_use]
pub fn now() -> UnixTime {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    UnixTime::new(since.map_or(0, |since| since.as_secs()))
}

/// A flag that ends every thread of a role. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<Flag>);

#[derive(Debug, Default)]
struct Flag {
    raised: Mutex<bool>,
    change: Condvar,
    /// Flags that end with this one.
    children: Mutex<Vec<Weak<Flag>>>,
}

impl Stop {
    /// A flag that only [`Stop::stop`] raises.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A flag that Ctrl-C, SIGTERM and SIGHUP raise as well. A second one ends the process at once, with exit code 130,
    /// whatever it is waiting for. One per process.
    ///
    /// # Errors
    /// [`NodeError::Io`] if the signals cannot be caught, or already are.
    pub fn on_signals() -> Result<Self, NodeError> {
        let stop = Self::new();
        let raised = stop.clone();
        let handle = move || {
            if raised.is_stopped() {
                std::process::exit(IMPATIENT);
            }
            raised.stop();
        };
        ctrlc::set_handler(handle)
            .map_err(|error| NodeError::io("signal handler", std::io::Error::other(error)))?;
        Ok(stop)
    }

    /// A flag that this one raises too, but that can be raised alone.
    #[must_use]
    pub fn child(&self) -> Self {
        let child = Self::new();
        let mut children = self.children();
        children.retain(|known| known.strong_count() > 0);
        children.push(Arc::downgrade(&child.0));
        drop(children);
        if self.is_stopped() {
            child.stop();
        }
        child
    }

    /// Raises the flag and wakes everybody who waits.
    pub fn stop(&self) {
        *self.raised() = true;
        self.0.change.notify_all();
        let children = std::mem::take(&mut *self.children());
        children
            .iter()
            .filter_map(Weak::upgrade)
            .for_each(|child| Self(child).stop());
    }

    /// Whether the flag is raised.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        *self.raised()
    }

    /// Sleeps for `time` or until the flag is raised; whether it is.
    pub fn wait(&self, time: Duration) -> bool {
        let waited = self
            .0
            .change
            .wait_timeout_while(self.raised(), time, |raised| !*raised);
        let (raised, _) = waited.unwrap_or_else(PoisonError::into_inner);
        *raised
    }

    /// Sleeps until the flag is raised.
    pub fn wait_stopped(&self) {
        drop(self.0.change.wait_while(self.raised(), |raised| !*raised));
    }

    fn children(&self) -> MutexGuard<'_, Vec<Weak<Flag>>> {
        self.0
            .children
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn raised(&self) -> MutexGuard<'_, bool> {
        self.0.raised.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[test]
    fn waiting_ends_when_the_flag_is_raised() {
        let stop = Stop::new();
        assert!(!stop.wait(Duration::from_millis(1)));
        let other = stop.clone();
        let start = Instant::now();
        let waiter = std::thread::spawn(move || other.wait(Duration::from_secs(60)));
        stop.stop();
        assert!(waiter.join().unwrap() && stop.is_stopped());
        assert!(start.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn a_child_ends_alone_or_with_its_parent() {
        let parent = Stop::new();
        let (one, two) = (parent.child(), parent.child());
        one.stop();
        assert!(one.is_stopped() && !parent.is_stopped() && !two.is_stopped());
        parent.stop();
        assert!(two.is_stopped() && parent.child().is_stopped());
    }
}
