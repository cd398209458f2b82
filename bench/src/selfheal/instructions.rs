//! Machine instructions of a session without event.

use super::STEADY;
use super::group::Group;
use crate::Outcome;
use crate::callgrind::{collected, is_installed, probed};
use iotchain_core::hash::sha256;
use std::hint::black_box;

/// Instructions of what a member does in a session without event, and of what it consists of.
#[derive(Clone, Copy)]
pub(crate) struct Counted {
    pub(crate) beacon: u64,
    /// K_j in the session after the event, and late in the epoch.
    pub(crate) key: [u64; 2],
    /// SHA-256 of 32 bytes.
    pub(crate) sha256: u64,
    /// Key schedule and one block, within a walk along the chain: what one session more adds to K_j.
    pub(crate) aes128: u64,
}

/// The counts, `None` without callgrind.
pub(crate) fn count() -> Outcome<Option<Counted>> {
    if !is_installed() {
        return Ok(None);
    }
    let nothing = collected(&["probe", "selfheal", "nothing"])?;
    let count = |name| -> Outcome<u64> {
        Ok(collected(&["probe", "selfheal", name])?.saturating_sub(nothing))
    };
    let key @ [soon, late] = [count("key")?, count("key-late")?];
    let [first, last] = STEADY;
    Ok(Some(Counted {
        beacon: count("beacon")?,
        key,
        sha256: count("sha256")?,
        aes128: late.saturating_sub(soon) / u64::from(last - first),
    }))
}

/// The process that callgrind watches.
pub(crate) fn probe(name: &str) -> Outcome {
    let key = |since| -> Outcome {
        let (mut member, session, starts, beacon) = Group::new(100, 1, 2, 3)?.after(since)?;
        member.beacon(&beacon, Some(starts))?;
        probed(&mut || {
            black_box(member.key(black_box(session)).is_ok());
        });
        Ok(())
    };
    let [soon, late] = STEADY;
    match name {
        "nothing" => probed(&mut || {}),
        "sha256" => probed(&mut || {
            black_box(sha256(&[black_box(&[1; 32])]));
        }),
        "beacon" => {
            let (mut member, _, starts, beacon) = Group::new(100, 1, 2, 3)?.after(soon)?;
            probed(&mut || {
                black_box(member.beacon(black_box(&beacon), Some(starts)).is_ok());
            });
        }
        "key" => key(soon)?,
        "key-late" => key(late)?,
        _ => return Err("no such probe".into()),
    }
    Ok(())
}
