//! Takes signed objects to the proxy, for as long as it takes. A repetition carries the same bytes (spec 2.4); a newer
//! object takes the place of one that still waits.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use iotchain::UnixTime;

use crate::clock::{self, Stop};
use crate::coap::{Call, Client, Code, Settings, Transmission, content_format};
use crate::runtime::NetError;
use crate::{NodeError, link};

/// How often an idle courier looks whether it should end.
const STEP: Duration = Duration::from_millis(500);
/// Shortest and longest pause after a failure.
const PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));
/// A proxy that is down is noticed after seven seconds.
const TRANSMISSION: Transmission = Transmission {
    ack_timeout: Duration::from_secs(1),
    max_retransmit: 2,
};

/// What is to be stored where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Parcel {
    /// Path at the proxy.
    pub(super) path: String,
    pub(super) object: Vec<u8>,
    /// From here on nobody wants it.
    pub(super) expires: UnixTime,
}

/// Objects on their way to one proxy.
#[derive(Debug)]
pub(super) struct Courier {
    proxy: SocketAddr,
    waiting: Mutex<BTreeMap<String, Attempted>>,
    arrival: Condvar,
}

#[derive(Clone, Debug)]
struct Attempted {
    parcel: Parcel,
    /// Whether it was sent before: the proxy may have it, and only its answer was lost.
    sent: bool,
}

impl Courier {
    pub(super) const fn new(proxy: SocketAddr) -> Self {
        Self {
            proxy,
            waiting: Mutex::new(BTreeMap::new()),
            arrival: Condvar::new(),
        }
    }

    /// Puts a parcel on its way.
    pub(super) fn take(&self, parcel: Parcel) {
        let sent = false;
        self.waiting()
            .insert(parcel.path.clone(), Attempted { parcel, sent });
        self.arrival.notify_all();
    }

    /// Carries until `stop`.
    pub(super) fn run(&self, stop: &Stop) {
        let (mut client, mut pause) = (None, PAUSE.0);
        while !stop.is_stopped() {
            let Some(attempted) = self.next() else {
                continue;
            };
            match self.deliver(&mut client, attempted) {
                Ok(()) => pause = PAUSE.0,
                Err(error) => {
                    tracing::warn!(proxy = %self.proxy, %error, "cannot publish; trying again");
                    client = None;
                    stop.wait(pause);
                    pause = (pause * 2).min(PAUSE.1);
                }
            }
        }
    }

    /// The next parcel, a copy; waits a moment for one.
    fn next(&self) -> Option<Attempted> {
        let waited = self
            .arrival
            .wait_timeout_while(self.waiting(), STEP, |waiting| waiting.is_empty());
        let (mut waiting, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let now = clock::now();
        waiting.retain(|_, attempted| now < attempted.parcel.expires);
        let attempted = waiting.values_mut().next()?;
        let copy = attempted.clone();
        attempted.sent = true;
        Some(copy)
    }

    /// One attempt. A parcel that the proxy took, or will never take, is done.
    fn deliver(&self, client: &mut Option<Client>, attempted: Attempted) -> Result<(), NodeError> {
        let Attempted { parcel, sent } = attempted;
        let code = put(self.client(client)?, &parcel)?;
        match code {
            code if code.is_success() => {
                tracing::debug!(path = parcel.path, bytes = parcel.object.len(), "published");
            }
            Code::CONFLICT if sent => {
                tracing::debug!(path = parcel.path, "the proxy has it already")
            }
            code if code.class() == 5 || code == Code::TOO_MANY_REQUESTS => {
                return Err(NodeError::Refused {
                    what: format!("proxy: {}", parcel.path),
                    code,
                    number: None,
                });
            }
            code => tracing::warn!(path = parcel.path, %code, "the proxy refused an object"),
        }
        self.done(&parcel);
        Ok(())
    }

    fn client<'c>(&self, client: &'c mut Option<Client>) -> Result<&'c mut Client, NodeError> {
        let open = || {
            let settings = Settings {
                transmission: TRANSMISSION,
                ..link::settings()?
            };
            Ok::<_, NodeError>(Client::udp(self.proxy, settings)?)
        };
        match client {
            Some(client) => Ok(client),
            None => Ok(client.insert(open()?)),
        }
    }

    /// Forgets a parcel, unless a newer one took its place.
    fn done(&self, parcel: &Parcel) {
        let mut waiting = self.waiting();
        if waiting
            .get(&parcel.path)
            .is_some_and(|attempted| attempted.parcel == *parcel)
        {
            waiting.remove(&parcel.path);
        }
    }

    fn waiting(&self) -> MutexGuard<'_, BTreeMap<String, Attempted>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn put(client: &mut Client, parcel: &Parcel) -> Result<Code, NetError> {
    let call = Call::put(
        &parcel.path,
        content_format::COSE_ENCRYPT0,
        parcel.object.clone(),
    );
    Ok(client.request(&call)?.code)
}
