//! The clients whose requests a resource server knows to be fresh (spec 2.9, A1, A10).

use crate::Echo;
use crate::echo::Uptime;
use crate::origin::Origin;
use crate::window::Window;
use core::mem::swap;
use iotchain_core::{Error, Kid, KidContext, Result, Sid};

/// Contexts of one sid: two boots, or one boot in two sessions.
const PER_SID: usize = 2;

/// Replay windows of mode P, keyed (gid, j, kid), the most recently used first. `N` of them, at least 4, at 40 bytes
/// each.
///
/// A context begins with a request that carried a valid Echo, and only Partial IVs above that request's are accepted in
/// it. It stays until every Echo issued before its last request is over: evicted earlier, a request that carries one of
/// them, seen or held back, could begin it again below what it accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PairContexts<const N: usize = 8> {
    contexts: [Option<PairContext>; N],
    /// How long an Echo is valid, in seconds.
    echo_lifetime: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct PairContext {
    context: KidContext,
    kid: Kid,
    sid: Sid,
    window: Window,
    /// When it accepted its last request.
    used: Uptime,
}

/// Which requests have to carry an Echo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EchoRule {
    /// The first one of a context.
    First,
    /// Every one: the resource demands freshness.
    Every,
}

/// Where an admitted request belongs.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    Known(usize),
    New(usize),
}

impl<const N: usize> Default for PairContexts<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> PairContexts<N> {
    /// No client is known, as after a boot.
    #[must_use]
    pub const fn new() -> Self {
        const { assert!(N >= 4, "spec 2.9") };
        Self {
            contexts: [None; N],
            echo_lifetime: 0,
        }
    }

    /// Step 7: may this request be accepted if it is authentic? Changes nothing. `live` says which sessions still carry
    /// traffic.
    pub(crate) fn admit(
        &self,
        origin: &Origin,
        echo: Echo<'_>,
        rule: EchoRule,
        now: Uptime,
        live: impl Fn(&KidContext) -> bool,
    ) -> Result<Place> {
        let known = self.contexts.iter().position(|slot| {
            slot.is_some_and(|known| known.context == origin.context && known.kid == origin.kid)
        });
        match (echo, known) {
            (Echo::Wrong, _) | (Echo::Absent, None) => Err(Error::Echo),
            (Echo::Absent, _) if rule == EchoRule::Every => Err(Error::Echo),
            (_, Some(at)) => {
                let context = self.contexts.get(at).copied().flatten();
                context.ok_or(Error::Echo)?.window.check(origin.piv)?;
                Ok(Place::Known(at))
            }
            (Echo::Valid { .. }, None) => self
                .vacant(origin, now, live)
                .map(Place::New)
                .ok_or(Error::Capacity),
        }
    }

    /// The place for a new context: one of the same sid if it has two already, else an empty one or the one that was
    /// used least recently. A context of a session that is over protects from nothing; any other stays for the lifetime
    /// of an Echo.
    fn vacant(
        &self,
        origin: &Origin,
        now: Uptime,
        live: impl Fn(&KidContext) -> bool,
    ) -> Option<usize> {
        let dead = |context: &PairContext| !live(&context.context);
        let own = |context: &PairContext| context.sid == origin.sid;
        let count = self
            .contexts
            .iter()
            .flatten()
            .filter(|known| own(known) && !dead(known));
        let crowded = count.count() >= PER_SID;
        let places = || self.contexts.iter().enumerate();
        let free = || {
            let free = |slot: &Option<PairContext>| slot.as_ref().is_none_or(dead);
            places().find(|(_, slot)| free(slot))
        };
        let oldest = || {
            let evictable = |known: &PairContext| now >= known.used.after(self.echo_lifetime);
            places().rev().find(|(_, slot)| {
                slot.as_ref()
                    .is_some_and(|known| evictable(known) && (!crowded || own(known)))
            })
        };
        let place = if crowded {
            oldest()
        } else {
            free().or_else(oldest)
        };
        place.map(|(at, _)| at)
    }

    /// Step 11: the request is authentic.
    pub(crate) fn commit(&mut self, place: Place, origin: &Origin, echo: Echo<'_>, now: Uptime) {
        if let Echo::Valid { until, .. } = echo {
            self.echo_lifetime = self.echo_lifetime.max(until.since(now));
        }
        let (Place::Known(at) | Place::New(at)) = place;
        let Some(recent) = self.contexts.get_mut(..=at) else {
            return;
        };
        // the context used last comes first
        let mut before = recent.last().copied().flatten();
        for slot in recent.iter_mut() {
            swap(slot, &mut before);
        }
        let Some(slot) = recent.first_mut() else {
            return;
        };
        let begun = PairContext {
            context: origin.context,
            kid: origin.kid,
            sid: origin.sid,
            window: Window::closed(origin.piv),
            used: now,
        };
        let context = match place {
            Place::Known(_) => slot.get_or_insert(begun),
            Place::New(_) => slot.insert(begun),
        };
        context.window.accept(origin.piv);
        context.used = context.used.max(now);
    }
}
