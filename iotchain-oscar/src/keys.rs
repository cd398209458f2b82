//! The keys used last, so that one object after another costs no derivation.

use crate::ResourceId;
use crate::name::Name;
use crate::origin::Origin;
use core::fmt;
use iotchain_core::kdf::SenderUse;
use iotchain_core::{ContentKey, Kid, KidContext, Result};

/// Keys of modes G and S with their expanded AES schedules, each for one sender, session and resource. When all `K`
/// places are taken, the key that was used least recently is wiped for the next.
///
/// Only keys that opened an authentic object come in, so that made-up senders displace nobody. [`Keys::clear`] it when
/// session keys are dropped: a key lives no longer than its session key.
pub struct Keys<const K: usize = 4> {
    places: [Option<Kept>; K],
    clock: u32,
}

/// A key, and what it is for.
pub(crate) struct Kept {
    scope: Scope,
    pub(crate) name: Name,
    pub(crate) key: ContentKey,
    used: u32,
}

/// Everything a key is bound to, but for the resource.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Scope {
    pub(crate) purpose: SenderUse,
    pub(crate) context: KidContext,
    pub(crate) kid: Kid,
}

impl Scope {
    pub(crate) const fn of(origin: &Origin, purpose: SenderUse) -> Self {
        Self {
            purpose,
            context: origin.context,
            kid: origin.kid,
        }
    }
}

impl Kept {
    pub(crate) fn new(scope: Scope, resource: &ResourceId<'_>, key: ContentKey) -> Result<Self> {
        Ok(Self {
            scope,
            name: Name::of(resource)?,
            key,
            used: 0,
        })
    }
}

impl<const K: usize> Default for Keys<K> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const K: usize> Keys<K> {
    /// No key.
    #[must_use]
    pub const fn new() -> Self {
        const { assert!(K > 0, "a key that was derived has to stay somewhere") };
        Self {
            places: [const { None }; K],
            clock: 0,
        }
    }

    /// Wipes all keys.
    pub fn clear(&mut self) {
        *self = Self::new();
    }

    /// The place of a key, if it is here.
    pub(crate) fn find(&self, scope: &Scope, resource: &ResourceId<'_>) -> Option<usize> {
        self.places.iter().position(|place| match place {
            Some(kept) => kept.scope == *scope && kept.name.is(resource),
            None => false,
        })
    }

    /// The keys at two places, without counting it as use.
    pub(crate) fn pair(&self, places: [usize; 2]) -> Option<[&Kept; 2]> {
        let [a, b] = places.map(|place| self.places.get(place).and_then(Option::as_ref));
        Some([a?, b?])
    }

    /// The key at a place.
    pub(crate) fn at(&mut self, place: usize) -> Option<&Kept> {
        self.clock = self.clock.wrapping_add(1);
        let kept = self.places.get_mut(place)?.as_mut()?;
        kept.used = self.clock;
        Some(kept)
    }

    /// Keeps a key, in a free place or in that of the one used least recently.
    pub(crate) fn keep(&mut self, mut kept: Kept) -> usize {
        self.clock = self.clock.wrapping_add(1);
        kept.used = self.clock;
        let clock = self.clock;
        let idle = |place: &Option<Kept>| match place {
            Some(kept) => clock.wrapping_sub(kept.used),
            None => u32::MAX,
        };
        let places = self.places.iter().enumerate();
        let oldest = places.max_by_key(|(_, place)| idle(place));
        let at = oldest.map(|(at, _)| at).unwrap_or_default();
        if let Some(place) = self.places.get_mut(at) {
            *place = Some(kept);
        }
        at
    }
}

impl<const K: usize> fmt::Debug for Keys<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let held = self.places.iter().flatten().count();
        write!(f, "Keys({held} of {K}, ..)")
    }
}
