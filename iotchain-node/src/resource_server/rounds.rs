//! The rounds of the publisher: every so many seconds, in every new session and whenever a file changed, a resource is
//! sealed and signed for the proxy, and its observers are told (spec 2.7).

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use iotchain::{Claims, Session, UnixTime};

use super::courier::{Courier, Parcel};
use super::past::Past;
use super::service::Station;
use super::source::Stamp;
use crate::clock::{self, Stop};
use crate::runtime::Notifier;

/// How often it is looked whether something changed.
const STEP: Duration = Duration::from_millis(500);
/// Shortest life of a signed object, in seconds.
const MIN_LIFE: u64 = 60;
/// Rounds that a signed object outlives: the proxy has something to serve when one is lost.
const LIFE_ROUNDS: u64 = 3;

/// Goes round.
pub(super) struct Rounds {
    pub(super) station: Arc<Station>,
    pub(super) past: Arc<Past>,
    pub(super) notifier: Notifier,
    /// None without a proxy: then only observers are told.
    pub(super) courier: Option<Arc<Courier>>,
    pub(super) last: HashMap<String, Visit>,
}

/// The last time a resource was sealed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Visit {
    at: Instant,
    session: Session,
    stamp: Option<Stamp>,
}

impl Rounds {
    /// Runs until `stop`.
    pub(super) fn run(mut self, stop: &Stop) {
        let mut complaint = String::new();
        loop {
            let outcome = self.round(clock::now());
            let text = outcome.map_or_else(|error| error, |()| String::new());
            if !text.is_empty() && text != complaint {
                tracing::warn!("cannot publish: {text}");
            }
            complaint = text;
            if stop.wait(STEP) {
                return;
            }
        }
    }

    /// Seals what is due. The error names the first resource that could not be sealed; the others were.
    fn round(&mut self, now: UnixTime) -> Result<(), String> {
        let paths = self.station.resources.readable_paths();
        self.forget_others(&paths);
        let due: Vec<(Vec<String>, Visit)> = paths
            .into_iter()
            .filter_map(|path| self.due(&path, now).map(|visit| (path, visit)))
            .collect();
        if due.is_empty() {
            return Ok(());
        }
        let iat = match self.past.next_iat(now) {
            Ok(Some(iat)) => iat,
            // Two rounds in one second, or a clock that was set back.
            Ok(None) => return self.ahead(now),
            Err(error) => return Err(error.to_string()),
        };
        let life = (LIFE_ROUNDS.saturating_mul(self.station.publish.as_secs())).max(MIN_LIFE);
        let claims = Claims {
            iat,
            exp: Some(iat.saturating_add(life)),
        };
        let mut failed = Ok(());
        for (path, visit) in due {
            let name = path.join("/");
            let sealed = self.seal(&path, claims, now);
            // What failed is due again after the usual time, or when it changes.
            self.last.insert(name.clone(), visit);
            match sealed {
                Ok(()) => self.notifier.notify(&name),
                Err(what) => failed = failed.and(Err(format!("{name}: {what}"))),
            }
        }
        failed
    }

    /// Files come and go; what is gone is not remembered.
    fn forget_others(&mut self, paths: &[Vec<String>]) {
        if self.last.len() > paths.len() {
            let there: HashSet<String> = paths.iter().map(|path| path.join("/")).collect();
            self.last.retain(|name, _| there.contains(name));
        }
    }

    /// What a visit would find, if one is due.
    fn due(&self, path: &[String], now: UnixTime) -> Option<Visit> {
        let segments: Vec<&str> = path.iter().map(String::as_str).collect();
        let session = self.station.producer(&segments)?.session(now)?;
        let (resource, below) = self.station.resources.find(&segments)?;
        let visit = Visit {
            at: Instant::now(),
            session,
            stamp: resource.source()?.stamp(below),
        };
        let due = self.last.get(&path.join("/")).is_none_or(|last| {
            visit.at.duration_since(last.at) >= self.station.publish
                || last.session != visit.session
                || last.stamp != visit.stamp
        });
        due.then_some(visit)
    }

    fn seal(&self, path: &[String], claims: Claims, now: UnixTime) -> Result<(), String> {
        let Some(courier) = &self.courier else {
            return Ok(());
        };
        let segments: Vec<&str> = path.iter().map(String::as_str).collect();
        let station = &self.station;
        let (Some(producer), Some((resource, below))) = (
            station.producer(&segments),
            station.resources.find(&segments),
        ) else {
            return Ok(());
        };
        let Some(source) = resource.source() else {
            return Ok(());
        };
        let data = source.read(below).map_err(|error| error.to_string())?;
        let object = producer
            .seal_signed(&segments, claims, &data, now)
            .map_err(|error| error.to_string())?;
        courier.take(Parcel {
            path: format!("{}/{}", station.server.name, path.join("/")),
            object,
            expires: claims.exp.unwrap_or(claims.iat),
        });
        Ok(())
    }

    fn ahead(&self, now: UnixTime) -> Result<(), String> {
        let ahead = self.past.signed_until().since(now);
        if ahead <= MIN_LIFE {
            return Ok(());
        }
        Err(format!(
            "the clock was set back: objects of {ahead} s in the future are signed already"
        ))
    }
}
