//! One-to-one rekeying: the key server sends the new key to each member alone (RFC 9594, 6). A cost model.
//!
//! A new key is sent whenever the group changes, to every member that was there before; a joiner gets it with the join.
//! Two-way, the message is confirmable and repeated up to four times, and a member that wakes up without the current
//! key asks for it. Keys of the past are not handed out.

use crate::outcome::{Outcome, Record};
use crate::strategy::{Mode, REQUEST_LEN};
use crate::trace::{Life, TRANSMISSIONS, Trace};

/// Bytes of one rekeying message with its DTLS record.
pub const MESSAGE_LEN: u64 = 60;

/// Plays the trace.
#[must_use]
pub fn run(trace: &Trace, mode: Mode) -> Outcome {
    Outcome {
        broadcast: vec![0; trace.sessions as usize],
        members: trace
            .lives
            .iter()
            .map(|life| member(trace, life, mode))
            .collect(),
        counts_work: false,
    }
}

fn member(trace: &Trace, life: &Life, mode: Mode) -> Record {
    let mut record = Record::new(trace.sessions);
    record.joined = MESSAGE_LEN;
    let mut has_key = true;
    // first session of the key in use
    let mut since = life.join.max(1);
    for j in trace.iter().filter(|j| life.is_member(*j)) {
        let arrives = life.arrives(j);
        if j > life.join && j > 1 && trace.changes(j) {
            since = j;
            has_key = match mode {
                Mode::OneWay => arrives == Some(1),
                Mode::TwoWay => arrives.is_some(),
            };
            let sent = match mode {
                Mode::OneWay => 1,
                Mode::TwoWay => arrives.unwrap_or(TRANSMISSIONS),
            };
            record.carry(j, u64::from(sent) * MESSAGE_LEN);
            record.received += if has_key { MESSAGE_LEN } else { 0 };
        } else if let (false, Mode::TwoWay, Some(attempts)) = (has_key, mode, arrives) {
            let request = u64::from(attempts) * REQUEST_LEN;
            record.carry(j, request + MESSAGE_LEN);
            record.sent += request;
            record.received += MESSAGE_LEN;
            has_key = true;
        }
        if has_key {
            (since..=j).for_each(|session| record.note(session, j));
        }
    }
    record
}
