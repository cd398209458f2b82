//! From an event to chain states: open the cover of the own class, then walk the links (spec 3.4.6).

use super::event::Event;
use super::known::Chain;
use super::personal_key::PersonalKey;
use super::primitives::{Prf, State};
use super::tree::Subset;
use iotchain_core::{Error, Result};

/// The chain states that an event gives, each with its event and at the first session of it, oldest first.
pub(crate) type Recovered<const W: usize> = [Option<(u32, Chain)>; W];

/// Puts the chain states from the own class on into `recovered`; the last one is the event's own, not yet compared with its
/// key check value. None if the member joined at the event or after it, and has its state already.
///
/// # Errors
/// [`Error::RevokedMember`] if the own class has no entry for this slot, [`Error::Capacity`] for a window beyond `W`.
pub(crate) fn recover<S: AsRef<[u8]>, const W: usize>(
    key: &PersonalKey<S>,
    prf: &Prf,
    event: &Event<W>,
    recovered: &mut Recovered<W>,
) -> Result<()> {
    if event.class() == event.window_len() {
        return Ok(());
    }
    let mut z = open_cover(key, prf, event)?;
    let mut places = recovered.iter_mut();
    for (index, begin) in event.window() {
        let state = if begin.event == event.number {
            prf.chain(&z, event.number, event.session)
        } else {
            let mask = prf.link_mask(&z, event.number, index);
            z = prf.next_class(&z, event.number, index);
            event.link(index, &mask).ok_or(Error::Type)?
        };
        let position = begin.session;
        *places.next().ok_or(Error::Capacity)? = Some((begin.event, Chain { position, state }));
    }
    Ok(())
}

/// Z_c from the entry of the own class.
fn open_cover<S: AsRef<[u8]>, const W: usize>(
    key: &PersonalKey<S>,
    prf: &Prf,
    event: &Event<W>,
) -> Result<State> {
    let entry = event.entry().ok_or(Error::RevokedMember)?;
    let label = own_label(key, prf, entry.subset(key.depth())?).ok_or(Error::RevokedMember)?;
    let class = u8::try_from(event.class()).map_err(|_| Error::Type)?;
    let pad = prf.pad(&label, &event.nonce, class);
    entry.open(&pad).ok_or(Error::Type)
}

/// The label of a subset that contains the member's slot: the held one where the paths part, then STEP down to the hole.
fn own_label<S: AsRef<[u8]>>(key: &PersonalKey<S>, prf: &Prf, subset: Subset) -> Option<State> {
    let parting = subset.parting(key.leaf())?;
    let held = key.label(subset.top().depth(), parting)?;
    Some(prf.descend(held, subset.top(), parting.depth(), subset.hole()))
}
