//! What the bench says: tables with ratios, and the goals.

use super::instructions::{Counted, Session};
use super::{CORE, DRAWS, MLS_AWS_LC, MLS_RUSTCRYPTO, OURS, Results, STEADY, WINDOWS};
use crate::format::{bytes, ratio, table, time};
use crate::goal::{Goal, goal_table};
use crate::machine::machine;
use crate::row::Row;
use std::collections::BTreeSet;

/// The goal for an event, in bytes.
const LONGEST_EVENT: usize = 500;

const EVENTS: &str = "\
N members hold keys from before the epoch, r of them are out. w=2: the first revocation of the epoch, nobody has joined
since it opened. w=16: the event heals a full window, and a member joined between any two of its events. Times include
the ES256K signature and its check. At most a tenth of the members is revoked.
";
const OTHERS: &str = "\
S_i is the personal key; \"join\" gives out a slot and makes it, \"S_i again\" makes it once more. The snapshot is that of a
full window with 1000 revoked (a tenth below N = 10 000), saved and loaded in memory. A session without event is its
beacon and its key; late is near the end of a day without an event.
";
const PEERS: &str = "\
Here w=2, r=1. In MLS the key server is the only one that commits, because devices sleep; members never update, so a
removal encrypts to every leaf. The MLS manager's time is commit and apply, the member's that of processing the commit,
and what a member keeps is the ratchet tree. MLS adds what a symmetric scheme does not: forward secrecy and recovery when
the state of a member was stolen.
";

impl Goal {
    pub(crate) fn event(n: u32, w: u32, lengths: &[usize]) -> Self {
        let mut sorted = lengths.to_vec();
        sorted.sort_unstable();
        let longest = sorted.last().copied().unwrap_or(usize::MAX);
        let middle = sorted.get(sorted.len() / 2).copied().unwrap_or(usize::MAX);
        let under = sorted.partition_point(|length| *length < LONGEST_EVENT);
        Self {
            goal: format!("event, N = {n}, r = 10, w = {w}: under {LONGEST_EVENT} bytes"),
            figure: format!(
                "under it in {under} of {DRAWS} draws; median {middle}, longest {longest}"
            ),
            met: longest < LONGEST_EVENT,
        }
    }

    pub(crate) fn manager(n: u32, r: u32, w: u32, ns: f64) -> Self {
        Self {
            goal: format!("manager, N = {n}, r = {r}, w = {w}: under 5 ms"),
            figure: time(ns),
            met: ns < 5e6,
        }
    }

    /// A steady session: how many primitives fit into the instructions, so what is met cannot be one more.
    /// A steady session. What is met here cannot hold one more hash, and K_j not one more block; the exact numbers are
    /// counted by the tests of the crate (`rsd/cost.rs`).
    pub(crate) fn session(counted: Option<Counted>) -> Vec<Self> {
        let Some(Counted {
            sessions,
            sha256,
            aes128,
        }) = counted
        else {
            return Vec::new();
        };
        let goal = |(Session { beacon, key }, since): (Session, u32)| {
            let since = since + 1;
            Self {
                goal: format!("member, session {since} after an event: 1 SHA-256 + 2 AES"),
                figure: format!(
                    "instructions: beacon {beacon}, key {key}; a SHA-256 is {sha256}, an AES {aes128}"
                ),
                met: beacon < 2 * sha256 && key < 2 * aes128,
            }
        };
        sessions.into_iter().zip(STEADY).map(goal).collect()
    }

    pub(crate) fn start(row: &Row) -> Self {
        let (n, ns) = (row.n.unwrap_or(0), row.ns.unwrap_or(f64::NAN));
        let memory = row.bytes.unwrap_or(usize::MAX);
        Self {
            goal: format!("manager of {n} members, start: under 1 s and 64 MiB"),
            figure: format!("{}, {} for the whole process", time(ns), bytes(memory)),
            met: ns < 1e9 && memory < 64 << 20,
        }
    }
}

/// The text of a run.
pub(crate) fn text(Results { rows, goals, notes }: &Results) -> String {
    let parts = [
        ("Goals", goal_table(goals), ""),
        ("An event", events(rows), EVENTS),
        ("Joining, saving, steady sessions", others(rows), OTHERS),
        ("Removing one member, next to MLS", peers(rows), PEERS),
        ("What it is made of", primitives(rows), ""),
    ];
    let mut text = format!("Measured on {}.\n", machine());
    for note in notes {
        text.push_str(&format!("{note}\n"));
    }
    for (title, table, about) in parts {
        let blank = if about.is_empty() { "" } else { "\n" };
        text.push_str(&format!("\n### {title}\n\n{about}{blank}{table}"));
    }
    text
}

fn events(rows: &[Row]) -> String {
    let sizes: BTreeSet<_> = rows
        .iter()
        .filter(|row| row.peer == OURS && row.op == "revoke")
        .map(|row| (row.n, row.r))
        .collect();
    let line = |(n, r): (Option<u32>, Option<u32>)| {
        let shown = |value: Option<u32>| value.unwrap_or(0).to_string();
        let mut cells = vec![shown(n), shown(r)];
        for w in WINDOWS {
            let row = |op| {
                find(rows, OURS, op, |row| {
                    (row.n, row.r, row.w) == (n, r, Some(w))
                })
            };
            let (revoke, event) = (row("revoke"), row("event"));
            cells.extend([size_of(revoke), time_of(revoke), time_of(event)]);
        }
        cells
    };
    let lines: Vec<_> = sizes.into_iter().map(line).collect();
    let [few, many] = WINDOWS.map(|w| [format!("w={w} event"), "manager".into(), "member".into()]);
    let head = [["N".to_owned(), "r".to_owned()].as_slice(), &few, &many].concat();
    let head: Vec<&str> = head.iter().map(String::as_str).collect();
    table(&head, &lines)
}

fn others(rows: &[Row]) -> String {
    let sizes: BTreeSet<_> = rows
        .iter()
        .filter(|row| row.op == "join")
        .map(|row| row.n)
        .collect();
    let line = |n: Option<u32>| {
        let row = |op| find(rows, OURS, op, |row| row.n == n);
        let (key, export, session) = (row("personal_key"), row("export"), row("session"));
        vec![
            n.unwrap_or(0).to_string(),
            size_of(key),
            time_of(row("join")),
            time_of(key),
            size_of(export),
            time_of(export),
            time_of(row("import")),
            size_of(session),
            time_of(session),
            time_of(row("session-late")),
        ]
    };
    let lines: Vec<_> = sizes.into_iter().map(line).collect();
    let head = [
        "N",
        "S_i",
        "join",
        "S_i again",
        "snapshot",
        "save",
        "load",
        "beacon",
        "session",
        "late session",
    ];
    table(&head, &lines)
}

/// Removing one member: MLS and this crate, and how many times more MLS takes.
fn peers(rows: &[Row]) -> String {
    let sizes: BTreeSet<_> = rows
        .iter()
        .filter(|row| row.peer == MLS_AWS_LC)
        .map(|row| row.n)
        .collect();
    let mut lines = Vec::new();
    for n in sizes {
        let ours = |op| {
            let first = |row: &Row| row.n == n && row.r.is_none_or(|r| r == 1) && row.w != Some(16);
            find(rows, OURS, op, first)
        };
        let (revoke, event, key) = (ours("revoke"), ours("event"), ours("personal_key"));
        let own = [
            size_of(revoke),
            time_of(revoke),
            time_of(event),
            size_of(key),
        ];
        let first = [n.unwrap_or(0).to_string(), OURS.to_owned()];
        lines.push([first.as_slice(), &own].concat());
        for peer in [MLS_AWS_LC, MLS_RUSTCRYPTO] {
            let theirs = |op| find(rows, peer, op, |row| row.n == n);
            let by_size = |op, ours: Option<&Row>| {
                let sizes = theirs(op)
                    .and_then(|row| row.bytes)
                    .zip(ours.and_then(|row| row.bytes));
                with_ratio(
                    size_of(theirs(op)),
                    sizes.map(|(a, b)| (a as f64, b as f64)),
                )
            };
            let by_time = |op, ours: Option<&Row>| {
                let times = theirs(op)
                    .and_then(|row| row.ns)
                    .zip(ours.and_then(|row| row.ns));
                with_ratio(time_of(theirs(op)), times)
            };
            lines.push(vec![
                n.unwrap_or(0).to_string(),
                peer.to_owned(),
                by_size("revoke", revoke),
                by_time("revoke", revoke),
                by_time("event", event),
                by_size("personal_key", key),
            ]);
        }
    }
    let head = ["N", "peer", "message", "manager", "member", "member keeps"];
    table(&head, &lines)
}

fn primitives(rows: &[Row]) -> String {
    let own = rows.iter().filter(|row| row.peer == CORE);
    let lines: Vec<_> = own
        .map(|row| vec![row.op.to_owned(), time_of(Some(row))])
        .collect();
    table(&["operation", "time"], &lines)
}

fn with_ratio(figure: String, pair: Option<(f64, f64)>) -> String {
    pair.map_or(figure.clone(), |(theirs, ours)| {
        format!("{figure} ({})", ratio(theirs, ours))
    })
}

fn find<'a>(rows: &'a [Row], peer: &str, op: &str, is: impl Fn(&Row) -> bool) -> Option<&'a Row> {
    rows.iter()
        .find(|row| row.peer == peer && row.op == op && is(row))
}

fn size_of(row: Option<&Row>) -> String {
    row.and_then(|row| row.bytes).map_or("-".into(), bytes)
}

fn time_of(row: Option<&Row>) -> String {
    row.and_then(|row| row.ns).map_or("-".into(), time)
}
