//! From an event to chain states: open the cover of the own class, then walk the links (spec 3.4.6).

use super::event::Event;
use super::known::Chain;
use super::personal_key::PersonalKey;
use super::primitives::{Prf, State, xor};
use super::tree::{Node, Subset};
use iotchain_core::{Error, Result};

/// The chain state that an event gives for one event of its window, at the first session of that.
pub(crate) struct Recovered {
    /// Its number, 0 for no event.
    pub(crate) event: u32,
    pub(crate) chain: Chain,
}

impl Recovered {
    /// No state.
    pub(crate) const NONE: Self = Self {
        event: 0,
        chain: Chain::NONE,
    };
}

/// Puts the chain states from the own class on into `recovered`, oldest first; the last one is the event's own, not yet
/// compared with its key check value. None if the member joined at the event or after it, and has its state already.
///
/// # Errors
/// [`Error::RevokedMember`] if the own class has no entry for this slot.
pub(crate) fn recover<S: AsRef<[u8]>, const W: usize>(
    key: &PersonalKey<S>,
    prf: &Prf,
    event: &Event<W>,
    recovered: &mut [Recovered; W],
) -> Result<()> {
    if event.class() == event.window_len() {
        return Ok(());
    }
    let entry = event.entry().ok_or(Error::RevokedMember)?;
    let subset = entry.subset(key.depth())?;
    let (parting, held) = held_label(key, subset).ok_or(Error::RevokedMember)?;
    let masked = entry.masked().ok_or(Error::Type)?;
    let class = u8::try_from(event.class()).map_err(|_| Error::Type)?;
    // from the held label STEP down to the hole
    let held = State::new(*held);
    let label = prf.descend(held, subset.top(), parting.depth(), subset.hole());
    let mut z = xor(masked, &prf.pad(&label, &event.nonce, class));
    for ((index, begin), place) in event.window().zip(recovered) {
        let state = if begin.event == event.number {
            prf.chain(&z, event.number, event.session)
        } else {
            let mask = prf.link_mask(&z, event.number, index);
            prf.next_class(&mut z, event.number, index);
            xor(event.link(index).ok_or(Error::Type)?, &mask)
        };
        place.event = begin.event;
        place.chain = Chain {
            position: begin.session,
            state,
        };
    }
    Ok(())
}

/// The label that the personal key holds of a subset that contains the member's slot: of the node where the paths part.
fn held_label<S: AsRef<[u8]>>(key: &PersonalKey<S>, subset: Subset) -> Option<(Node, &[u8; 16])> {
    let parting = subset.parting(key.leaf())?;
    let label = key.label(subset.top().depth(), parting)?;
    Some((parting, label))
}
