//! The rules of the scheme rsd (spec 3.4.2, 3.4.5) for the broadcasts of one group, and what can be asked of them.

use crate::engine::{How, Knowledge, Rules, Term};
use crate::played::{Event, Played, User};

/// The choices of the scheme that a broken design makes in another way.
pub(crate) struct Design {
    /// What a link mask is computed from.
    pub(crate) link_key: fn(&Event, u32) -> Vec<Term>,
    /// Which of two neighbouring classes computes the secret of the other.
    pub(crate) class_order: fn(u32) -> (u32, u32),
    /// What a pad depends on.
    pub(crate) pad: fn(&Event, [u8; 4], u32) -> Term,
}

pub(crate) const SPECIFIED: Design = Design {
    link_key: |event, class| vec![class_secret(event, class)],
    class_order: |class| (class, class + 1),
    pad: |event, subset, class| Term::Pad {
        subset,
        nonce: event.nonce,
        class,
    },
};

pub(crate) fn class_secret(event: &Event, class: u32) -> Term {
    Term::ClassSecret {
        event: event.number,
        class,
    }
}

/// A played schedule under a design.
pub(crate) struct Game<'a> {
    pub(crate) played: &'a Played,
    pub(crate) rules: Rules,
}

impl<'a> Game<'a> {
    pub(crate) fn new(played: &'a Played, design: &Design) -> Self {
        let mut rules = Rules::new(played.sigma);
        labels(&mut rules, played.depth);
        for event in &played.events {
            message(&mut rules, event, design);
            chains(&mut rules, event, played);
        }
        Self { played, rules }
    }

    /// What everybody outside G_j finds out together, with all broadcasts of all time.
    pub(crate) fn outsiders(&self, session: u32) -> Knowledge<'_> {
        self.coalition(|user| !user.takes_part(session))
    }

    /// What some users find out together, with all broadcasts of all time.
    pub(crate) fn coalition(&self, belongs: impl Fn(&User) -> bool) -> Knowledge<'_> {
        let users = self.played.users.iter().filter(|user| belongs(user));
        let held = users.flat_map(|user| &user.holds).copied();
        let known = held.chain(self.played.public());
        self.rules.closure(known.map(|(term, _)| term), |_| true)
    }

    /// The sessions whose key leaks to those outside.
    pub(crate) fn leaks(&self) -> Vec<u32> {
        let leaks = |j: &u32| self.outsiders(*j).holds(self.played.key_of(*j));
        self.played.sessions().filter(leaks).collect()
    }

    /// The sessions whose key some single user outside finds out alone.
    pub(crate) fn leaks_to_one(&self) -> Vec<u32> {
        let leaks = |j: &u32| {
            let outside = self.played.users.iter().filter(|user| !user.takes_part(*j));
            outside.into_iter().any(|one| {
                let alone = self.coalition(|user| user.slot == one.slot);
                alone.holds(self.played.key_of(*j))
            })
        };
        self.played.sessions().filter(leaks).collect()
    }

    /// What a user finds out alone from S_i and the message of one event.
    pub(crate) fn alone(&self, user: &User, event: u32) -> Knowledge<'_> {
        let held = user.holds.iter().map(|(term, _)| *term);
        self.rules.closure(held, |heard| heard == event)
    }
}

/// mk gives the label of every node, and the label of a node those of the nodes below it.
fn labels(rules: &mut Rules, depth: u8) {
    for top in 1..1u32 << depth {
        rules.derive(
            &[Term::Master],
            Term::Label { top, node: top },
            How::F {
                tag: 1,
                x: top,
                y: 0,
            },
        );
        let below = |node: u32| node.ilog2() - top.ilog2();
        let inner = (top..1 << depth).filter(|node| *node >= top && node >> below(*node) == top);
        for node in inner {
            for child in [2 * node, 2 * node + 1] {
                rules.derive(
                    &[Term::Label { top, node }],
                    Term::Label { top, node: child },
                    How::F {
                        tag: 2,
                        x: top,
                        y: child,
                    },
                );
            }
        }
    }
}

/// Covers, class secrets and links of one event.
fn message(rules: &mut Rules, event: &Event, design: &Design) {
    let k = event.number;
    let [n0, n1, n2, n3, n4, n5, n6] = event.nonce;
    for (class, entries) in (0u32..).zip(&event.covers) {
        for entry in entries {
            let (top, hole) = entry.nodes();
            let pad = (design.pad)(event, entry.subset, class);
            let x = u32::from_be_bytes([n0, n1, n2, n3]);
            let y = u32::from_be_bytes([n4, n5, n6, class as u8]);
            rules.derive(
                &[Term::Label { top, node: hole }],
                pad,
                How::F { tag: 3, x, y },
            );
            rules.sum(k, pad, class_secret(event, class), entry.masked);
        }
    }
    let links = event.window.iter().zip(&event.links);
    for (class, ((number, session), link)) in (0u32..).zip(links) {
        let (from, to) = (design.class_order)(class);
        rules.derive(
            &[class_secret(event, from)],
            class_secret(event, to),
            How::F {
                tag: 4,
                x: k,
                y: class + 1,
            },
        );
        let mask = Term::LinkMask { event: k, class };
        rules.derive(
            &(design.link_key)(event, class),
            mask,
            How::F {
                tag: 5,
                x: k,
                y: class,
            },
        );
        let state = Term::Chain {
            event: *number,
            session: *session,
        };
        rules.sum(k, mask, state, *link);
    }
}

/// From the last class secret to the chain states, the keys and the key check value; and the beacon chain.
fn chains(rules: &mut Rules, event: &Event, played: &Played) {
    let k = event.number;
    let last_class = u32::try_from(event.covers.len()).unwrap() - 1;
    let chain = |session| Term::Chain { event: k, session };
    let value = |session| Term::Value { event: k, session };
    rules.derive(
        &[class_secret(event, last_class)],
        chain(event.session),
        How::F {
            tag: 6,
            x: k,
            y: event.session,
        },
    );
    rules.derive(
        &[chain(event.session)],
        Term::KeyCheck { event: k },
        How::F {
            tag: 9,
            x: k,
            y: event.session,
        },
    );
    for session in played.sessions().filter(|j| *j >= event.session) {
        rules.derive(
            &[chain(session)],
            chain(session + 1),
            How::F {
                tag: 7,
                x: 0,
                y: session + 1,
            },
        );
        rules.derive(
            &[chain(session)],
            Term::Key { event: k, session },
            How::F {
                tag: 8,
                x: 0,
                y: session,
            },
        );
        rules.derive(
            &[value(session + 1)],
            value(session),
            How::BeaconBack {
                event: k,
                session: session + 1,
            },
        );
    }
}
