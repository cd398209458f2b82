//! The security argument of scheme rsd, carried out by machine (spec 3.4.9): for every session of a schedule, everybody
//! outside it pools all they ever got, with all broadcasts of all time, and applies every rule until nothing follows any
//! more. K_j must not follow; and each member must get it alone, from S_i and the newest event.
//!
//! The broadcasts and the personal keys are those of the real group manager, and every term carries its real bytes. The
//! same engine breaks designs that are known to be broken, so that its silence means something.
#![cfg(feature = "manager")]

mod broken;
mod engine;
mod played;
mod polynomial;
mod scheme;
#[path = "../support/mod.rs"]
mod support;

use engine::Term;
use played::{Join, MASTER, Played, Schedule, Step};
use scheme::{Game, SPECIFIED};
use std::collections::BTreeSet;
use support::Told;

/// Everything that has to hold for a schedule.
fn check(schedule: &Schedule) {
    let played = Played::of(schedule);
    let game = Game::new(&played, &SPECIFIED);
    let leaks = game.leaks();
    assert!(leaks.is_empty(), "{leaks:?} leak: {schedule:?}");
    check_members(&game, schedule);
    check_beacons(&game, schedule);
    check_bytes(&game);
}

/// Every member of G_j has K_j from S_i and the event in force, and the keys of the window from any later event.
fn check_members(game: &Game<'_>, schedule: &Schedule) {
    let played = game.played;
    for user in &played.users {
        for event in &played.events {
            let knows = game.alone(user, event.number);
            let (oldest, _) = event.window[0];
            for j in played.sessions().filter(|j| user.takes_part(*j)) {
                let of = played.event_of(j).number;
                let heals = of == event.number
                    || (oldest..event.number).contains(&of) && user.takes_part(event.session);
                assert!(
                    !heals || knows.holds(played.key_of(j)),
                    "slot {} cannot read {j} after event {}: {schedule:?}",
                    user.slot,
                    event.number
                );
            }
        }
    }
}

/// Nobody at all can announce a session that did not begin: not with the chain of an event that is over, nor ahead of
/// time.
fn check_beacons(game: &Game<'_>, schedule: &Schedule) {
    let played = game.played;
    let everybody = game.coalition(|_| true);
    let ends = played.events.iter().skip(1).map(|event| event.session);
    let ends = ends.chain([u32::try_from(played.keys.len()).unwrap() + 1]);
    for (event, session) in played.events.iter().zip(ends) {
        let value = |session| Term::Value {
            event: event.number,
            session,
        };
        assert!(everybody.holds(value(session - 1)));
        assert!(!everybody.holds(value(session)), "{schedule:?}");
    }
}

/// The rules say the same about bytes as the manager: every way to a term gives the same 16 bytes, and no two terms share
/// theirs.
fn check_bytes(game: &Game<'_>) {
    let played = game.played;
    let held = played.users.iter().flat_map(|user| &user.holds).copied();
    let everything = held.chain(played.public()).chain([(Term::Master, MASTER)]);
    let values = game.rules.evaluate(everything);
    for (j, key) in played.sessions().zip(&played.keys) {
        // without any member ever nobody has the key
        if let Some(value) = values.get(&played.key_of(j)) {
            assert_eq!(value, key);
        }
    }
}

/// Every way to continue a schedule of a group with `slots` slots by one session.
fn continuations(schedule: &Schedule, slots: u32) -> Vec<Step> {
    let joins = schedule.steps.iter().map(|step| step.joins.len());
    let given = schedule.pre_issued + joins.sum::<usize>() as u32;
    let gone = schedule.steps.iter().flat_map(|step| &step.revoked);
    let gone: BTreeSet<u32> = gone.copied().collect();
    let session = schedule.steps.len() as u32 + 1;
    let mut ways = Vec::new();
    for subset in 0u32..1 << given {
        let revoked: Vec<u32> = (0..given).filter(|slot| subset >> slot & 1 == 1).collect();
        if revoked.iter().any(|slot| gone.contains(slot)) {
            continue;
        }
        for refresh in [false, true] {
            // a revocation and the first session begin with an event anyway
            if refresh && (subset != 0 || session == 1) {
                continue;
            }
            let mut joins = vec![vec![]];
            if given < slots {
                joins.push(vec![Join::FromNow]);
                joins.extend((1..session).map(|from| vec![Join::WithHistory(from)]));
            }
            ways.extend(joins.into_iter().map(|joins| Step {
                revoked: revoked.clone(),
                refresh,
                joins,
            }));
        }
    }
    ways
}

/// Checks every schedule of `sessions` sessions; gives their number. What holds with all broadcasts of all time holds
/// with fewer, so shorter schedules need no visit of their own.
fn check_all(schedule: &Schedule, slots: u32, sessions: usize) -> usize {
    if schedule.steps.len() == sessions {
        check(schedule);
        return 1;
    }
    let visit = |step| {
        let mut longer = schedule.clone();
        longer.steps.push(step);
        check_all(&longer, slots, sessions)
    };
    continuations(schedule, slots).into_iter().map(visit).sum()
}

/// All schedules of a group with `slots` slots.
fn exhaust(depth: u8, window: u8, slots: u32, sessions: usize) -> usize {
    let opening = |pre_issued| Schedule {
        depth,
        window,
        pre_issued,
        steps: Vec::new(),
    };
    let openings = (0..=slots).map(opening);
    openings
        .map(|opening| check_all(&opening, slots, sessions))
        .sum()
}

#[test]
fn every_schedule_of_three_slots_and_five_sessions() {
    assert_eq!(exhaust(2, 16, 3, 5), 55_440);
}

#[test]
fn every_schedule_of_three_slots_in_a_small_window() {
    assert_eq!(exhaust(2, 2, 3, 4), 7_956);
}

#[test]
fn every_schedule_of_four_slots_and_four_sessions() {
    assert_eq!(exhaust(3, 16, 4, 4), 36_058);
}

/// A random schedule of a tree of `depth`.
fn random(dice: &mut Told, depth: u8, sessions: usize) -> Schedule {
    let slots = (1u32 << depth) - 1;
    let mut given = dice.below(u64::from(slots) / 2 + 1) as u32;
    let mut schedule = Schedule {
        depth,
        window: [1, 2, 5, 16][dice.below(4) as usize],
        pre_issued: given,
        steps: Vec::new(),
    };
    let mut live: Vec<u32> = (0..given).collect();
    for session in 1..=sessions as u32 {
        let mut step = Step {
            refresh: dice.below(5) == 0,
            ..Step::default()
        };
        for _ in 0..[0, 0, 1, 1, 3][dice.below(5) as usize] {
            if !live.is_empty() {
                let slot = live.swap_remove(dice.below(live.len() as u64) as usize);
                step.revoked.push(slot);
            }
        }
        for _ in 0..dice.below(4).min(u64::from(slots - given)) {
            let from = 1 + dice.below(u64::from(session)) as u32;
            step.joins.push(match dice.below(3) {
                0 => Join::WithHistory(from),
                _ => Join::FromNow,
            });
            live.push(given);
            given += 1;
        }
        schedule.steps.push(step);
    }
    schedule
}

#[test]
fn random_schedules_of_larger_groups() {
    let mut dice = Told::seed(2018);
    for round in 0..60 {
        let depth = 3 + (round % 4) as u8;
        let schedule = random(&mut dice, depth, 4 + round % 12);
        check(&schedule);
    }
}
