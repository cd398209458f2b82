//! The keys used last, so that one object after another costs no derivation.

use crate::origin::Origin;
use crate::structure::{Aad, Binding, Bound};
use crate::{Mode, ResourceId};
use core::fmt;
use core::mem::swap;
use iotchain_core::kdf::SenderUse;
use iotchain_core::{AeadAlg, ContentKey, Error, Kid, KidContext, ResourceKey, Result};

/// Keys of modes G and S with their expanded AES schedules, each for one sender, session and resource. When all `K`
/// places are taken, the key that was used least recently is wiped for the next.
///
/// Only keys that opened an authentic object come in, so that made-up senders displace nobody; until then a key is on
/// trial, in a place beside the `K`. [`Keys::clear`] it when session keys are dropped: a key lives no longer than its
/// session key.
pub struct Keys<const K: usize = 4> {
    places: Places<K>,
    trial: Option<Kept>,
}

/// Where a key is.
#[derive(Clone, Copy)]
pub(crate) enum Place {
    Kept(usize),
    Trial,
}

/// The keys that were used last.
pub(crate) struct Places<const K: usize> {
    places: [Option<Kept>; K],
    clock: u32,
}

/// A key, and what it is for.
pub(crate) struct Kept {
    scope: Scope,
    pub(crate) aad: Aad,
    pub(crate) key: ContentKey,
    used: u32,
    _taken: Taken,
}

/// Makes the lack of a key all zeros: of all fields of a [`Kept`] this one has the most impossible values, and zero is the
/// nearest to what it is. A device then clears its places, and need not copy a constant of their size out of flash.
#[derive(Clone, Copy)]
#[repr(usize)]
enum Taken {
    Yes = 1,
}

/// Everything a key is bound to, but for the resource.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Scope {
    pub(crate) purpose: SenderUse,
    pub(crate) context: KidContext,
    pub(crate) kid: Kid,
}

impl Scope {
    /// The mode that the key is for.
    const fn mode(&self) -> Mode {
        match self.purpose {
            SenderUse::Group => Mode::Group,
            SenderUse::Signed => Mode::Signed,
        }
    }

    pub(crate) const fn of(origin: &Origin, purpose: SenderUse) -> Self {
        Self {
            purpose,
            context: origin.context,
            kid: origin.kid,
        }
    }
}

impl Kept {
    /// Puts a key into a place, and wipes the one that was there. Not inlined, as are its callers: what a derivation
    /// takes of the stack is not in use while the key is moved, nor while objects are sealed and opened.
    #[inline(never)]
    fn put(
        place: &mut Option<Self>,
        scope: &Scope,
        resource: &ResourceId<'_>,
        key: Result<ContentKey>,
    ) -> Result<()> {
        let bound = Bound {
            protected: &[],
            resource,
            binding: Binding::of_none(scope.mode()),
        };
        let kept = place.insert(Self {
            scope: *scope,
            aad: Aad::EMPTY,
            key: key?,
            used: 0,
            _taken: Taken::Yes,
        });
        kept.aad.write(bound)
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
        Self {
            places: Places::new(),
            trial: None,
        }
    }

    /// Wipes all keys.
    pub fn clear(&mut self) {
        self.places.clear();
        self.trial = None;
    }

    /// The place of a key, if it is here and not on trial.
    pub(crate) fn find(&self, scope: &Scope, resource: &ResourceId<'_>) -> Option<usize> {
        self.places.find(scope, resource)
    }

    /// Derives a key from that of its resource and puts it on trial.
    #[inline(never)]
    pub(crate) fn try_out(
        &mut self,
        scope: &Scope,
        resource: &ResourceId<'_>,
        secret: &ResourceKey,
        alg: AeadAlg,
    ) -> Result<()> {
        let key = secret.sender(scope.purpose, alg, &scope.kid);
        Kept::put(&mut self.trial, scope, resource, key)
    }

    /// The key at a place.
    pub(crate) fn at(&mut self, place: Place) -> Result<&mut Kept> {
        match place {
            Place::Kept(place) => self.places.at(place),
            Place::Trial => self.trial.as_mut().ok_or(Error::Session),
        }
    }

    /// The key opened an authentic object.
    pub(crate) fn accept(&mut self, place: Place) {
        if let Place::Trial = place {
            self.places.adopt(&mut self.trial);
        }
    }

    /// The keys at two places, without counting it as use.
    pub(crate) fn pair(&self, places: [usize; 2]) -> Option<[&Kept; 2]> {
        let [a, b] = places.map(|place| self.places.places.get(place).and_then(Option::as_ref));
        Some([a?, b?])
    }
}

impl<const K: usize> Places<K> {
    pub(crate) const fn new() -> Self {
        const { assert!(K > 0, "a key that was derived has to stay somewhere") };
        Self {
            places: [const { None }; K],
            clock: 0,
        }
    }

    pub(crate) fn clear(&mut self) {
        self.places.iter_mut().for_each(|place| *place = None);
    }

    /// The place of a key, if it is here.
    pub(crate) fn find(&self, scope: &Scope, resource: &ResourceId<'_>) -> Option<usize> {
        self.places.iter().position(|place| match place {
            Some(kept) => kept.scope == *scope && kept.aad.is_of(resource),
            None => false,
        })
    }

    /// The key at a place, which counts as use.
    pub(crate) fn at(&mut self, place: usize) -> Result<&mut Kept> {
        self.clock = self.clock.wrapping_add(1);
        let kept = self.places.get_mut(place).and_then(Option::as_mut);
        let kept = kept.ok_or(Error::Session)?;
        kept.used = self.clock;
        Ok(kept)
    }

    /// Derives a key from that of its resource and keeps it; its place.
    #[inline(never)]
    pub(crate) fn keep(
        &mut self,
        scope: &Scope,
        resource: &ResourceId<'_>,
        secret: &ResourceKey,
        alg: AeadAlg,
    ) -> Result<usize> {
        let key = secret.sender(scope.purpose, alg, &scope.kid);
        let (at, place) = self.oldest().ok_or(Error::Session)?;
        Kept::put(place, scope, resource, key)?;
        Ok(at)
    }

    /// Keeps the key that was on trial.
    fn adopt(&mut self, trial: &mut Option<Kept>) {
        self.clock = self.clock.wrapping_add(1);
        if let Some(kept) = trial {
            kept.used = self.clock;
        }
        if let Some((_, place)) = self.oldest() {
            swap(place, trial);
        }
        *trial = None;
    }

    /// A free place, or that of the key used least recently.
    fn oldest(&mut self) -> Option<(usize, &mut Option<Kept>)> {
        let clock = self.clock;
        let idle = |place: &Option<Kept>| match place {
            Some(kept) => clock.wrapping_sub(kept.used),
            None => u32::MAX,
        };
        let places = self.places.iter_mut().enumerate();
        places.max_by_key(|(_, place)| idle(place))
    }
}

impl<const K: usize> fmt::Debug for Keys<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keys({:?})", self.places)
    }
}

impl<const K: usize> fmt::Debug for Places<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let held = self.places.iter().flatten().count();
        write!(f, "{held} of {K}, ..")
    }
}
