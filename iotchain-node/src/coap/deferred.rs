//! Answers that come later, from another thread.

use super::{code::Code, service::Response};
use std::sync::{Arc, Mutex, PoisonError};

/// Finished answers on their way back to the endpoint, and the bell that tells it so.
pub(super) struct Completions {
    finished: Mutex<Vec<(u64, Response)>>,
    wake: Box<dyn Fn() + Send + Sync>,
}

impl Completions {
    pub(super) fn new(wake: Box<dyn Fn() + Send + Sync>) -> Arc<Self> {
        Arc::new(Completions {
            finished: Mutex::default(),
            wake,
        })
    }

    /// Everything that finished since the last call.
    pub(super) fn take(&self) -> Vec<(u64, Response)> {
        std::mem::take(&mut *self.finished.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn finish(&self, exchange: u64, response: Response) {
        self.finished
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push((exchange, response));
        (self.wake)();
    }
}

/// What a request needs to put its answer off.
pub(super) struct Deferral {
    pub(super) exchange: u64,
    pub(super) completions: Arc<Completions>,
}

impl Deferral {
    pub(super) fn ticket(&self) -> Ticket {
        Ticket {
            exchange: self.exchange,
            completions: Some(self.completions.clone()),
        }
    }
}

impl core::fmt::Debug for Deferral {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Deferral({})", self.exchange)
    }
}

/// The right to answer one request later. Dropped unused, it answers 5.00.
pub struct Ticket {
    exchange: u64,
    completions: Option<Arc<Completions>>,
}

impl Ticket {
    /// Sends the response.
    pub fn complete(mut self, response: impl Into<Response>) {
        if let Some(completions) = self.completions.take() {
            completions.finish(self.exchange, response.into());
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let Some(completions) = self.completions.take() {
            completions.finish(self.exchange, Response::new(Code::INTERNAL_SERVER_ERROR));
        }
    }
}

impl core::fmt::Debug for Ticket {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Ticket({})", self.exchange)
    }
}

impl From<Code> for Response {
    fn from(code: Code) -> Self {
        Response::new(code)
    }
}
