//! Negative controls: designs with one thing changed, each of which the engine must break (spec 3.4.9, 3.6).
//!
//! Every control starts from the broadcasts of the real manager, in which nothing leaks.

use crate::engine::{How, Term};
use crate::played::{Entry, Join, Played, Schedule, Step};
use crate::scheme::{Design, Game, SPECIFIED, class_secret};
use iotchain_selfheal::rsd::class_cover;
use std::ops::Range;

const DEPTH: u8 = 3;

/// Slots 0 to 2 before the first session; slot 1 is revoked at 3; slot 3 joins in 4; a refresh at 5; slot 0 is revoked at 6.
fn played() -> Played {
    let mut steps = vec![Step::default(); 6];
    steps[2].revoked = vec![1];
    steps[3].joins = vec![Join::FromNow];
    steps[4].refresh = true;
    steps[5].revoked = vec![0];
    let played = Played::of(&Schedule {
        depth: DEPTH,
        window: 16,
        pre_issued: 3,
        steps,
    });
    assert!(Game::new(&played, &SPECIFIED).leaks().is_empty());
    played
}

/// The cover of some slots, as entries whose bytes do not matter.
fn cover(slots: Range<u32>) -> Vec<Entry> {
    let subsets = class_cover(DEPTH, slots, &[]).unwrap();
    let entry = |subset| Entry {
        subset,
        masked: [0; 16],
    };
    subsets.into_iter().map(entry).collect()
}

/// Every link under the newest class: whoever joined last opens the past.
#[test]
fn links_for_the_newest_class() {
    let played = played();
    let design = Design {
        link_key: |event, _| vec![class_secret(event, event.links.len() as u32)],
        ..SPECIFIED
    };
    let game = Game::new(&played, &design);
    assert_eq!(game.leaks_to_one(), [1, 2, 3]);
    assert_eq!(game.leaks(), [1, 2, 3]);
}

/// Links under the newest class and a secret of those that were there: nobody opens them alone, but a revoked senior and
/// a newcomer do together.
#[test]
fn links_locked_by_seniority() {
    let mut played = played();
    let of_event = |event| Term::Seniority { event };
    let events: Vec<(u32, u32)> = played
        .events
        .iter()
        .map(|event| (event.number, event.session))
        .collect();
    for user in &mut played.users {
        let since = events.iter().find(|(_, session)| user.join <= *session);
        let (event, _) = *since.unwrap();
        user.holds.push((of_event(event), [0; 16]));
    }
    let design = Design {
        link_key: |event, class| {
            let (linked, _) = event.window[class as usize];
            let newest = event.links.len() as u32;
            vec![
                class_secret(event, newest),
                Term::Seniority { event: linked },
            ]
        },
        ..SPECIFIED
    };
    let mut game = Game::new(&played, &design);
    for (event, _) in &events {
        let later = of_event(event + 1);
        game.rules.derive(&[of_event(*event)], later, How::Unsaid);
    }
    // slot 1 was there until 2 and slot 3 came in 4: session 3 is neither's
    assert!(game.leaks_to_one().is_empty());
    assert_eq!(game.leaks(), [3]);
}

/// K_j from a chain that starts at the join and one that ends at the newest session: a revoked user holds all of the
/// first, a newcomer all of the second.
#[test]
fn dual_hash_chains() {
    let mut played = played();
    let sessions: Vec<u32> = played.sessions().collect();
    let forward = |session| Term::Forward { session };
    let backward = |session| Term::Backward { session };
    for user in &mut played.users {
        let reads = sessions.iter().filter(|j| user.takes_part(**j));
        let received = reads.map(|session| backward(*session));
        let held = [forward(user.join)].into_iter().chain(received);
        user.holds = held.map(|term| (term, [0; 16])).collect();
    }
    let keys: Vec<Term> = sessions.iter().map(|j| played.key_of(*j)).collect();
    let mut game = Game::new(&played, &SPECIFIED);
    game.rules.derive(&[forward(0)], forward(1), How::Unsaid);
    for (session, key) in sessions.iter().copied().zip(keys) {
        let premises = [forward(session), backward(session)];
        game.rules.derive(&premises, key, How::Unsaid);
        let (next, before) = (forward(session + 1), backward(session - 1));
        game.rules.derive(&premises[..1], next, How::Unsaid);
        game.rules.derive(&premises[1..], before, How::Unsaid);
    }
    assert!(game.leaks_to_one().is_empty());
    assert_eq!(game.leaks(), [3]);
}

/// A cover that still holds the revoked slot.
#[test]
fn a_cover_with_a_revoked_slot() {
    let mut played = played();
    let event = &mut played.events[1];
    assert_eq!(event.session, 3);
    event.covers[0] = cover(0..3);
    let game = Game::new(&played, &SPECIFIED);
    assert_eq!(game.leaks(), [3, 4]);
    assert_eq!(game.leaks_to_one(), [3, 4]);
}

/// Younger classes compute the secrets of older ones: a newcomer opens the links of the past.
#[test]
fn class_secrets_in_the_wrong_order() {
    let played = played();
    let design = Design {
        class_order: |class| (class + 1, class),
        ..SPECIFIED
    };
    let game = Game::new(&played, &design);
    assert_eq!(game.leaks_to_one(), [1, 2, 3]);
    assert_eq!(game.leaks(), [1, 2, 3]);
}

/// Pads that no nonce tells apart: a class secret read in one event uncovers the pads of its other entries, one of which
/// is used again when the reader is out.
#[test]
fn pads_used_again() {
    let mut steps = vec![Step::default(); 4];
    steps[1].revoked = vec![2];
    steps[2].revoked = vec![0];
    let played = Played::of(&Schedule {
        depth: DEPTH,
        window: 1,
        pre_issued: 6,
        steps,
    });
    let design = Design {
        pad: |_, subset, class| Term::Pad {
            subset,
            nonce: [0; 7],
            class,
        },
        ..SPECIFIED
    };
    assert!(Game::new(&played, &SPECIFIED).leaks().is_empty());
    assert_eq!(Game::new(&played, &design).leaks(), [3, 4]);
}

/// A slot given out a second time: the one who was revoked from it reads what is sent to the new holder, who
/// reads what was sent to the old one.
#[test]
fn a_slot_used_again() {
    let mut played = played();
    // slot 3, who joined in 4, is served as slot 1 by the events after it
    for event in &mut played.events {
        if event.session > 4 {
            *event.covers.last_mut().unwrap() = Vec::new();
            let class = event.window.iter().position(|(_, session)| *session > 4);
            event.covers[class.unwrap()] = cover(1..2);
        }
    }
    let labels = |terms: &[(Term, [u8; 16])]| {
        let is_label = |(term, _): &&(Term, [u8; 16])| matches!(term, Term::Label { .. });
        terms.iter().filter(is_label).copied().collect::<Vec<_>>()
    };
    let old = labels(&played.users[1].holds);
    let again = &mut played.users[3];
    again
        .holds
        .retain(|(term, _)| !matches!(term, Term::Label { .. }));
    again.holds.extend(old);
    let game = Game::new(&played, &SPECIFIED);
    assert_eq!(game.leaks(), [1, 2, 5, 6]);
}

/// Slots not in join order: a late user in a slot among early ones is covered with them and opens the past.
#[test]
fn slots_out_of_join_order() {
    let mut played = played();
    let [labels_of_2, labels_of_3] = [2, 3].map(|slot: usize| {
        let holds = played.users[slot].holds.iter();
        let labels = holds.filter(|(term, _)| matches!(term, Term::Label { .. }));
        labels.copied().collect::<Vec<_>>()
    });
    for (slot, labels) in [(2, labels_of_3), (3, labels_of_2)] {
        let holds = &mut played.users[slot as usize].holds;
        holds.retain(|(term, _)| !matches!(term, Term::Label { .. }));
        holds.extend(labels);
    }
    let game = Game::new(&played, &SPECIFIED);
    assert_eq!(game.leaks_to_one(), [1, 2, 3]);
}

/// A grant that goes on after the join: the holder reads on after the revocation.
#[test]
fn a_grant_beyond_the_join() {
    let mut played = played();
    let state = Term::Chain {
        event: 2,
        session: 3,
    };
    played.users[1].holds.push((state, [0; 16]));
    let game = Game::new(&played, &SPECIFIED);
    assert_eq!(game.leaks(), [3, 4]);
}

/// A grant that begins before the session it was given from.
#[test]
fn a_grant_from_too_early() {
    let mut played = played();
    let state = Term::Chain {
        event: 1,
        session: 2,
    };
    played.users[3].holds.push((state, [0; 16]));
    let game = Game::new(&played, &SPECIFIED);
    assert_eq!(game.leaks(), [2]);
}
