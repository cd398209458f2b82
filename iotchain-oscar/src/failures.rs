//! How many forgeries an 8-byte tag may be tried with (spec 2.5, A18).

use crate::Credential;
use crate::origin::Origin;
use core::num::NonZeroU32;
use iotchain_core::{AeadAlg, Error, KidContext, Result, Sid};

/// Failed openings after which a sender is refused for the rest of the session: forging stays below 2^-48.
const LIMIT: u32 = 1 << 16;

/// Failed openings of mode G, counted per (gid, j, sid) whatever the boot salt says.
///
/// Senders that the directory knows have counters of their own, up to `N` at a time. All others share one counter per
/// session, so that made-up sids neither fill the table nor multiply the tries. Signed objects are not counted: they do
/// not depend on the tag, and a limit would only let outsiders block them.
#[derive(Clone, Debug)]
pub struct Failures<const N: usize = 8> {
    senders: [Option<Counter>; N],
    others: [Option<Counter>; 2],
    has_failed: bool,
}

/// The one number that it cannot hold is 0, so that the lack of a counter is all zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Counter {
    context: KidContext,
    /// [`Sid::NONE`]: whoever has no counter of its own.
    sid: Sid,
    failed: NonZeroU32,
}

impl<const N: usize> Default for Failures<N> {
    fn default() -> Self {
        Self::new()
    }
}

/// Where failures of one sender are counted.
#[derive(Clone, Copy)]
enum Place {
    Own(usize),
    Shared(usize),
}

impl<const N: usize> Failures<N> {
    /// No failure yet.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            senders: [None; N],
            others: [None; 2],
            has_failed: false,
        }
    }

    /// Whether nothing failed so far: the rule, and the case that costs nothing.
    pub(crate) fn is_empty(&self) -> bool {
        !self.has_failed
    }

    /// Whether the sender may still be tried. `known` says whether the directory has it, `live` which contexts still
    /// carry traffic: counters of dead sessions give their place away.
    pub(crate) fn check(
        &self,
        alg: AeadAlg,
        origin: &Origin,
        known: Known,
        live: &dyn Fn(&KidContext) -> bool,
    ) -> Result<()> {
        let failed = match self.place(origin, known, live) {
            Place::Own(at) => self.senders.get(at).copied().flatten(),
            Place::Shared(at) => self.others.get(at).copied().flatten(),
        }
        .filter(|counter| {
            counter.context == origin.context
                && (counter.sid == Sid::NONE || counter.sid == origin.sid)
        })
        .map_or(0, |counter| counter.failed.get());
        if is_limited(alg) && failed >= LIMIT {
            Err(Error::ForgeryLimit)
        } else {
            Ok(())
        }
    }

    /// One failed opening.
    pub(crate) fn count(
        &mut self,
        alg: AeadAlg,
        origin: &Origin,
        known: Known,
        live: &dyn Fn(&KidContext) -> bool,
    ) {
        if !is_limited(alg) {
            return;
        }
        let (slot, sid) = match self.place(origin, known, live) {
            Place::Own(at) => (self.senders.get_mut(at), origin.sid),
            Place::Shared(at) => (self.others.get_mut(at), Sid::NONE),
        };
        self.has_failed = true;
        if let Some(slot) = slot {
            let before =
                slot.filter(|counter| counter.context == origin.context && counter.sid == sid);
            let failed = before.map_or(NonZeroU32::MIN, |counter| counter.failed.saturating_add(1));
            *slot = Some(Counter {
                context: origin.context,
                sid,
                failed,
            });
        }
    }

    /// Not inlined: seldom called, from two places.
    #[inline(never)]
    fn place(&self, origin: &Origin, known: Known, live: &dyn Fn(&KidContext) -> bool) -> Place {
        let free =
            |slot: &Option<Counter>| slot.as_ref().is_none_or(|counter| !live(&counter.context));
        let own = |slot: &Option<Counter>| {
            slot.as_ref().is_some_and(|counter| {
                counter.context == origin.context && counter.sid == origin.sid
            })
        };
        let shared = |slot: &Option<Counter>| {
            slot.as_ref()
                .is_some_and(|counter| counter.context == origin.context)
        };
        if known == Known::Yes
            && let Some(at) = self
                .senders
                .iter()
                .position(own)
                .or_else(|| self.senders.iter().position(free))
        {
            return Place::Own(at);
        }
        let oldest = || {
            let sessions = self
                .others
                .iter()
                .flatten()
                .map(|counter| counter.context.session);
            let least = sessions.min();
            self.others
                .iter()
                .position(|slot| slot.map(|counter| counter.context.session) == least)
        };
        let at = self
            .others
            .iter()
            .position(shared)
            .or_else(|| self.others.iter().position(free))
            .or_else(oldest);
        Place::Shared(at.unwrap_or_default())
    }
}

/// Whether the directory has a credential of the sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    Yes,
    No,
}

impl From<Option<Credential<'_>>> for Known {
    fn from(credential: Option<Credential<'_>>) -> Self {
        if credential.is_some() {
            Self::Yes
        } else {
            Self::No
        }
    }
}

/// With 16-byte tags forging is out of reach and a limit would only be a way to deny service.
const fn is_limited(alg: AeadAlg) -> bool {
    alg.tag_len() < 16
}

#[cfg(test)]
mod tests {
    use super::*;
    use iotchain_core::{BootSalt, Gid, Kid, Piv, Session};

    const ALG: AeadAlg = AeadAlg::AesCcm16_64_128;

    fn origin(session: u32, index: u8, salt: &[u8]) -> Origin {
        let sid = Sid::from_slice(&[0x80, index]).unwrap();
        let context = KidContext {
            gid: Gid::new([1; 4]),
            session: Session::new(session),
        };
        Origin {
            context,
            sid,
            kid: Kid::new(&sid, &BootSalt::from_slice(salt).unwrap()),
            piv: Piv::ZERO,
        }
    }

    fn fail(failures: &mut Failures<2>, origin: &Origin, known: Known, times: u32) {
        for _ in 0..times {
            failures.count(ALG, origin, known, &|_| true);
        }
    }

    #[test]
    fn a18_failures_count_on_the_sid_whatever_the_salt() {
        let mut failures = Failures::<2>::new();
        for salt in 0..LIMIT {
            let made_up = origin(7, 1, &u64::from(salt).to_be_bytes());
            assert_eq!(failures.check(ALG, &made_up, Known::Yes, &|_| true), Ok(()));
            failures.count(ALG, &made_up, Known::Yes, &|_| true);
        }
        assert_eq!(
            failures.check(ALG, &origin(7, 1, &[]), Known::Yes, &|_| true),
            Err(Error::ForgeryLimit)
        );
        assert_eq!(
            failures.check(ALG, &origin(7, 2, &[]), Known::Yes, &|_| true),
            Ok(())
        );
        assert_eq!(
            failures.check(ALG, &origin(8, 1, &[]), Known::Yes, &|_| true),
            Ok(())
        );
    }

    #[test]
    fn a18_made_up_sids_share_one_counter_per_session_and_leave_known_senders_alone() {
        let mut failures = Failures::<2>::new();
        for n in 0..LIMIT {
            fail(
                &mut failures,
                &origin(7, n.to_le_bytes()[0], &[]),
                Known::No,
                1,
            );
        }
        assert_eq!(
            failures.check(ALG, &origin(7, 99, &[]), Known::No, &|_| true),
            Err(Error::ForgeryLimit)
        );
        assert_eq!(
            failures.check(ALG, &origin(7, 1, &[]), Known::Yes, &|_| true),
            Ok(())
        );
        assert_eq!(
            failures.check(ALG, &origin(8, 99, &[]), Known::No, &|_| true),
            Ok(())
        );
    }

    #[test]
    fn a18_dead_sessions_give_their_counters_away() {
        let mut failures = Failures::<2>::new();
        fail(&mut failures, &origin(7, 1, &[]), Known::Yes, LIMIT);
        fail(&mut failures, &origin(7, 2, &[]), Known::Yes, 1);
        // the table is full of live counters: the third known sender falls on the counter of the session
        fail(&mut failures, &origin(7, 3, &[]), Known::Yes, 1);
        assert!(failures.others[0].is_some());
        let live = |context: &KidContext| context.session > Session::new(7);
        failures.count(ALG, &origin(8, 3, &[]), Known::Yes, &live);
        assert_eq!(
            failures.senders[0].map(|counter| counter.context.session),
            Some(Session::new(8))
        );
    }

    #[test]
    fn long_tags_have_no_limit() {
        let mut failures = Failures::<2>::new();
        for _ in 0..=LIMIT {
            failures.count(
                AeadAlg::AesCcm16_128_128,
                &origin(7, 1, &[]),
                Known::Yes,
                &|_| true,
            );
        }
        assert_eq!(
            failures.check(
                AeadAlg::AesCcm16_128_128,
                &origin(7, 1, &[]),
                Known::Yes,
                &|_| true
            ),
            Ok(())
        );
    }
}
