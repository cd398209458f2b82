//! Group keys: what a revocation costs in bytes and time at both ends, here and with MLS.

mod group;
pub(crate) mod instructions;
mod mls;
pub(crate) mod report;
pub(crate) mod start;

use crate::Outcome;
use crate::draw::Draw;
use crate::goal::Goal;
use crate::measure::{Case, measure};
use crate::row::Row;
use group::{Group, Member, SESSIONS};
use instructions::Counted;
use iotchain_core::aes::Aes128;
use iotchain_core::hash::sha256;
use iotchain_core::{SignAlg, Signer, SigningKey};
use iotchain_selfheal::Journaled as _;
use iotchain_selfheal::rsd::{GroupManager, Plan};
use mls_rs_crypto_awslc::AwsLcCryptoProvider;
use mls_rs_crypto_rustcrypto::RustCryptoProvider;
use std::rc::Rc;
use std::time::Duration;

pub(crate) const OURS: &str = "iotchain-selfheal";
pub(crate) const CORE: &str = "iotchain-core";
/// The peer with its two providers of cryptography.
pub(crate) const MLS_AWS_LC: &str = "mls-rs+aws-lc";
pub(crate) const MLS_RUSTCRYPTO: &str = "mls-rs+rustcrypto";

/// The first revocation of an epoch, and one whose event heals a full window.
pub(crate) const WINDOWS: [u32; 2] = [2, 16];
/// Sessions since the last event, for a steady session.
pub(crate) const STEADY: [u32; 2] = [0, SESSIONS - 4];
/// Draws of revoked members among which the longest event is looked for.
pub(crate) const DRAWS: u64 = 100;

const ROUNDS: u32 = 5;
/// How much longer an MLS group of ten times the members takes to build, seen on one machine.
const GROWTH: u32 = 50;
/// An MLS group that would take longer to build than this is left out.
const LONGEST_BUILD: Duration = Duration::from_secs(100);

/// What is measured.
struct Extent {
    members: &'static [u32],
    revoked: &'static [u32],
    mls: &'static [u32],
    /// Groups of the goals: event, manager, start.
    goals: [u32; 3],
    /// Revoked members of the last two.
    goal_revoked: u32,
}

const FULL: Extent = Extent {
    members: &[100, 1000, 10_000, 100_000, 1_000_000],
    revoked: &[0, 1, 10, 100, 1000],
    mls: &[100, 1000, 10_000],
    goals: [10_000, 100_000, 1_000_000],
    goal_revoked: 1000,
};
const QUICK: Extent = Extent {
    members: &[100, 1000],
    revoked: &[0, 1, 10],
    mls: &[100],
    goals: [1000, 1000, 1000],
    goal_revoked: 10,
};

/// What a run gives.
pub(crate) struct Results {
    pub(crate) rows: Vec<Row>,
    pub(crate) goals: Vec<Goal>,
    /// What was left out.
    pub(crate) notes: Vec<String>,
}

/// Measures everything.
pub(crate) fn run(quick: bool) -> Outcome<Results> {
    let extent = if quick { QUICK } else { FULL };
    let mut cases = primitives()?;
    let mut rows = Vec::new();
    let mut notes = Vec::new();
    for &n in extent.members {
        // with more than a tenth out, a new epoch is cheaper
        for &r in extent.revoked.iter().filter(|r| **r <= n / 10) {
            for w in WINDOWS {
                cases.extend(event_cases(n, r, w)?);
            }
        }
        cases.extend(group_cases(n)?);
    }
    let mut slowest = Duration::ZERO;
    for &n in extent.mls {
        if slowest * GROWTH > LONGEST_BUILD {
            notes.push(format!(
                "MLS at N = {n} was skipped: the group would take too long to build."
            ));
            continue;
        }
        let peers = [
            mls::cases(MLS_AWS_LC, AwsLcCryptoProvider::new(), n)?,
            mls::cases(MLS_RUSTCRYPTO, RustCryptoProvider::new(), n)?,
        ];
        for peer in peers {
            slowest = slowest.max(peer.built_in);
            cases.extend(peer.cases);
            rows.push(peer.state);
        }
    }
    if let Some(n) = extent.mls.iter().max() {
        notes.push(format!(
            "Larger groups than N = {n} were not tried with MLS."
        ));
    }
    eprintln!("{} cases, {ROUNDS} rounds", cases.len());
    let (measured, rounds) = measure(cases, ROUNDS);
    rows.extend(measured);
    if rounds < ROUNDS {
        notes.push(format!(
            "The machine was busy: {rounds} rounds instead of {ROUNDS}."
        ));
    }
    let [_, _, n] = extent.goals;
    let r = extent.goal_revoked;
    rows.push(start::start(
        n,
        r,
        &Group::new(n, r, 16, 7)?.manager.export()?,
    )?);
    let goals = goals(&rows, &extent, instructions::count()?)?;
    Ok(Results { rows, goals, notes })
}

/// What everything is made of.
fn primitives() -> Outcome<Vec<Case>> {
    let row = |op| Row::new(CORE, op);
    let hash = |input: &mut [u8; 32]| sha256(&[&*input]);
    let block = |(key, block): &mut ([u8; 16], [u8; 16])| Aes128::new(key).encrypt_block(block);
    let key = SigningKey::generate(SignAlg::Es256k, &mut Draw(1))?;
    let signature = key.sign(&[&[1; 32]])?;
    let public = key.public();
    Ok(vec![
        Case::new(row("sha256").bytes(32), || [1; 32], hash),
        Case::new(row("aes128").bytes(16), || ([1; 16], [2; 16]), block),
        Case::new(
            row("es256k-sign"),
            || [1; 32],
            move |input| key.sign(&[&*input]).is_ok(),
        ),
        Case::new(
            row("es256k-verify"),
            || [1; 32],
            move |input| {
                public
                    .verify(SignAlg::Es256k, &[&*input], &signature)
                    .is_ok()
            },
        ),
    ])
}

/// One event, at the manager and at a member.
fn event_cases(n: u32, r: u32, w: u32) -> Outcome<[Case; 2]> {
    let Group {
        signer,
        eve,
        member,
        event,
        starts,
        ..
    } = Group::new(n, r, w, u64::from(n ^ r ^ w))?;
    let row = |op| Row::new(OURS, op).n(n).r(r).w(w).bytes(event.len());
    let revoke = Case::new(
        row("revoke"),
        move || (GroupManager::import(&eve), Draw(1)),
        move |(manager, draw)| {
            let advance =
                |manager: &mut GroupManager| manager.advance(Plan::REFRESH, draw, &*signer);
            manager.as_mut().map(advance).is_ok_and(|done| done.is_ok())
        },
    );
    let hear = Case::new(
        row("event"),
        move || member.clone(),
        move |member| member.event(&event, Some(starts)).is_ok(),
    );
    Ok([revoke, hear])
}

/// What does not depend on an event: joining, saving and loading, a session without event.
fn group_cases(n: u32) -> Outcome<Vec<Case>> {
    let r = if n >= 10_000 { 1000 } else { n / 10 };
    let group = Group::new(n, r, 16, u64::from(n))?;
    let snapshot: Rc<[u8]> = group.manager.export()?.to_vec().into();
    let key = group.manager.personal_key(n - 1)?.len();
    let row = |op, bytes| Row::new(OURS, op).n(n).bytes(bytes);
    let load = move |snapshot: &[u8]| GroupManager::import(snapshot);
    let manager = {
        let snapshot = snapshot.clone();
        move || load(&snapshot)
    };
    let mut cases = vec![
        Case::new(row("join", key), manager.clone(), |manager| {
            let join = |manager: &mut GroupManager| {
                let slot = manager.join()?;
                manager.personal_key(slot)
            };
            manager.as_mut().map(join).is_ok_and(|key| key.is_ok())
        }),
        Case::new(row("personal_key", key), manager.clone(), move |manager| {
            let key = |manager: &mut GroupManager| manager.personal_key(n - 1);
            manager.as_mut().map(key).is_ok_and(|key| key.is_ok())
        }),
        Case::new(row("export", snapshot.len()).r(r), manager, |manager| {
            let export = |manager: &mut GroupManager| manager.export();
            manager
                .as_mut()
                .map(export)
                .is_ok_and(|state| state.is_ok())
        }),
        Case::new(
            row("import", snapshot.len()).r(r),
            move || snapshot.clone(),
            move |snapshot| load(snapshot).is_ok(),
        ),
    ];
    for (op, since) in ["session", "session-late"].into_iter().zip(STEADY) {
        let (member, session, starts, beacon) = Group::new(n, 1, 2, 3)?.after(since)?;
        let row = row(op, beacon.len());
        let steady = move |member: &mut Member| {
            member.beacon(&beacon, Some(starts)).is_ok() && member.key(session).is_ok()
        };
        cases.push(Case::new(row, move || member.clone(), steady));
    }
    Ok(cases)
}

/// Looks up whether each goal is met.
fn goals(rows: &[Row], extent: &Extent, counted: Option<Counted>) -> Outcome<Vec<Goal>> {
    let r = extent.goal_revoked;
    let [event_n, manager_n, start_n] = extent.goals;
    let row = |op: &str, n: u32, r: Option<u32>, w: Option<u32>| {
        let found = rows.iter().find(|row| {
            row.peer == OURS && row.op == op && (row.n, row.r, row.w) == (Some(n), r, w)
        });
        found.ok_or(format!("no row {op} {n} {r:?} {w:?}"))
    };
    let mut goals = Vec::new();
    for w in WINDOWS {
        let lengths = (0..DRAWS).map(|seed| Ok(Group::new(event_n, 10, w, seed)?.event.len()));
        let lengths: Vec<usize> = lengths.collect::<Outcome<_>>()?;
        goals.push(Goal::event(event_n, w, &lengths));
    }
    for w in WINDOWS {
        let ns = row("revoke", manager_n, Some(r), Some(w))?.ns;
        goals.push(Goal::manager(manager_n, r, w, ns.unwrap_or(f64::NAN)));
    }
    goals.extend(Goal::session(counted));
    goals.push(Goal::start(row("start", start_n, Some(r), None)?));
    Ok(goals)
}
