//! Machine instructions of a session without event.

use super::STEADY;
use super::group::Group;
use crate::Outcome;
use crate::callgrind::{collected, is_installed, probed};
use iotchain_core::aes::Aes128;
use iotchain_core::hash::sha256;
use std::hint::black_box;

/// Instructions of what a member does in a session without event, and of what it consists of.
#[derive(Clone, Copy)]
pub(crate) struct Counted {
    /// Beacon and K_j of the session after the event, and late in the epoch.
    pub(crate) sessions: [Session; 2],
    /// SHA-256 of 32 bytes.
    pub(crate) sha256: u64,
    /// Key schedule and one block.
    pub(crate) aes128: u64,
}

/// Instructions of one session.
#[derive(Clone, Copy)]
pub(crate) struct Session {
    pub(crate) beacon: u64,
    pub(crate) key: u64,
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
    let session = |beacon, key| -> Outcome<Session> {
        Ok(Session {
            beacon: count(beacon)?,
            key: count(key)?,
        })
    };
    Ok(Some(Counted {
        sessions: [
            session("beacon", "key")?,
            session("beacon-late", "key-late")?,
        ],
        sha256: count("sha256")?,
        aes128: count("aes128")?,
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
    let beacon = |since| -> Outcome {
        let (mut member, _, starts, beacon) = Group::new(100, 1, 2, 3)?.after(since)?;
        probed(&mut || {
            black_box(member.beacon(black_box(&beacon), Some(starts)).is_ok());
        });
        Ok(())
    };
    let [soon, late] = STEADY;
    match name {
        "nothing" => probed(&mut || {}),
        "sha256" => probed(&mut || {
            black_box(sha256(&[black_box(&[1; 32])]));
        }),
        "aes128" => {
            let mut block = [2; 16];
            probed(&mut || {
                Aes128::new(black_box(&[1; 16])).encrypt_block(black_box(&mut block));
            });
        }
        "beacon" => beacon(soon)?,
        "beacon-late" => beacon(late)?,
        "key" => key(soon)?,
        "key-late" => key(late)?,
        _ => return Err("no such probe".into()),
    }
    Ok(())
}
