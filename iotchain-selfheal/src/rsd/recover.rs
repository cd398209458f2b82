//! From an event to chain states: open the cover of the own class, then walk the links (spec 3.4.6).

use super::event::Event;
use super::personal_key::PersonalKey;
use super::primitives::{Prf, State};
use super::tree::Subset;
use iotchain_core::{Error, Result};

/// Z_c of the member's class in one event.
pub(crate) struct Opening {
    class: usize,
    z: State,
}

/// A chain state that an event gives: C of `event` at its first session.
pub(crate) struct Recovered {
    pub(crate) event: u32,
    pub(crate) session: u32,
    /// First session of the next event, if there is one.
    pub(crate) end: Option<u32>,
    pub(crate) state: State,
}

impl Opening {
    /// Opens the entry of the own class; `None` if the member joined at the event or after it and has its state already.
    ///
    /// # Errors
    /// [`Error::RevokedMember`] if the class has no entry for this slot.
    pub(crate) fn of<S: AsRef<[u8]>>(
        key: &PersonalKey<S>,
        prf: &Prf,
        event: &Event<'_>,
    ) -> Result<Option<Self>> {
        let class = event
            .window()
            .filter(|begin| begin.session <= key.join().get())
            .count();
        if class == event.window_len() {
            return Ok(None);
        }
        for entry in event.cover(class) {
            if let Some(label) = own_label(key, prf, entry.subset(key.depth())?) {
                let pad = prf.pad(
                    &label,
                    event.nonce,
                    u8::try_from(class).map_err(|_| Error::Type)?,
                );
                return Ok(entry.open(&pad).map(|z| Self { class, z }));
            }
        }
        Err(Error::RevokedMember)
    }

    /// Visits the chain states from the own class on, oldest first; the last one is the event's own, not yet compared
    /// with its key check value.
    ///
    /// # Errors
    /// The first error of `visit`.
    pub(crate) fn walk(
        &self,
        prf: &Prf,
        event: &Event<'_>,
        mut visit: impl FnMut(Recovered) -> Result<()>,
    ) -> Result<()> {
        let mut z = self.z.clone();
        let mut window = event.window().enumerate().skip(self.class).peekable();
        while let Some((index, begin)) = window.next() {
            let class = u32::try_from(index).map_err(|_| Error::Type)?;
            let end = window.peek().map(|(_, next)| next.session);
            let state = if end.is_some() {
                let mask = prf.link_mask(&z, event.number, class);
                z = prf.next_class(&z, event.number, class);
                event.link(index, &mask).ok_or(Error::Type)?
            } else {
                prf.chain(&z, event.number, event.session)
            };
            visit(Recovered {
                event: begin.event,
                session: begin.session,
                end,
                state,
            })?;
        }
        Ok(())
    }
}

/// The label of a subset that contains the member's slot: the held one where the paths part, then STEP down to the hole.
fn own_label<S: AsRef<[u8]>>(key: &PersonalKey<S>, prf: &Prf, subset: Subset) -> Option<State> {
    let parting = subset.parting(key.leaf())?;
    let held = key.label(subset.top().depth(), parting)?;
    Some(prf.descend(held, subset.top(), parting.depth(), subset.hole()))
}
