//! Small runs of the simulator, and what must hold in each of them.

use group_sim::outcome::Work;
use group_sim::script::{Message, Published, Receiver, Script};
use group_sim::trace::{Link, Population, Sleep};
use group_sim::{Mode, Outcome, Settings, Strategy, Trace, plots, report};
use iotchain_core::{GroupKey, Session, UnixTime};
use std::process::Command;

const SETTINGS: Settings = Settings {
    window: 16,
    repeat: 4,
    refresh: 0,
    degree: 6,
    earlier: 7,
    seed: 5,
};
const GROUP: Population = Population {
    members: 24,
    sessions: 30,
    joins: 8,
    revocations: 6,
};
const SLEEPY: Sleep = Sleep {
    share: 0.4,
    asleep: 5,
    awake: 3,
};
const STRATEGIES: [Strategy; 6] = [
    Strategy::Rsd,
    Strategy::Polynomial,
    Strategy::Cover,
    Strategy::Unicast,
    Strategy::Mls,
    Strategy::MlsWarm,
];

fn traces() -> [Trace; 3] {
    [
        (Link::independent(0.0), 1),
        (Link::independent(0.3), 2),
        (Link::bursty(0.3, 4.0, 0.9), 3),
    ]
    .map(|(link, seed)| Trace::draw(GROUP, link, SLEEPY, seed).unwrap())
}

fn run(strategy: Strategy, trace: &Trace, mode: Mode) -> Outcome {
    strategy.run(trace, mode, &SETTINGS).unwrap()
}

#[test]
fn revoked_members_and_late_joiners_read_nothing_that_is_not_theirs() {
    for trace in traces() {
        for mode in [Mode::OneWay, Mode::TwoWay] {
            for strategy in STRATEGIES {
                let outcome = run(strategy, &trace, mode);
                for (life, record) in trace.lives.iter().zip(&outcome.members) {
                    for (j, read) in trace.iter().zip(&record.read) {
                        assert!(
                            life.is_member(j) || read.is_none(),
                            "{strategy:?} {mode:?} {j}"
                        );
                    }
                }
                assert_eq!(outcome.summary(&trace).leaks, 0);
            }
        }
    }
}

#[test]
fn a_later_event_within_the_window_gives_every_session() {
    // all events of a run fit the window: 1 and one per revocation
    assert!(GROUP.revocations < u32::from(SETTINGS.window));
    let mut settings = SETTINGS;
    settings.repeat = 1;
    for trace in traces() {
        let outcome = Strategy::Rsd.run(&trace, Mode::OneWay, &settings).unwrap();
        for (life, record) in trace.lives.iter().zip(&outcome.members) {
            let heard = trace
                .iter()
                .filter(|j| life.is_member(*j) && life.hears(*j));
            let Some(last) = heard.last() else { continue };
            let own = trace.iter().filter(|j| life.is_member(*j) && *j <= last);
            for j in own {
                let read = record.read[j as usize - 1];
                let next = (j..=last).find(|later| life.hears(*later));
                // a joiner has the key of its first session at once, and of the interval once it is announced
                assert!(
                    read.is_some() && read <= next,
                    "{j}: {read:?}, heard at {next:?}"
                );
            }
        }
    }
}

#[test]
fn a_later_polynomial_message_gives_the_sessions_of_its_window() {
    for trace in traces() {
        let outcome = run(Strategy::Polynomial, &trace, Mode::OneWay);
        for (life, record) in trace.lives.iter().zip(&outcome.members) {
            for j in trace.iter().filter(|j| life.is_member(*j)) {
                // what was lost as a member is still healed by a message after the revocation
                let mut window = j..=(j + u32::from(SETTINGS.earlier)).min(trace.sessions);
                let heard = window.find(|later| life.hears(*later));
                assert_eq!(record.read[j as usize - 1], heard, "{j}");
            }
        }
    }
}

#[test]
fn more_revocations_than_roots_are_refused() {
    let [trace, ..] = traces();
    let settings = Settings {
        degree: GROUP.revocations - 1,
        ..SETTINGS
    };
    let outcome = Strategy::Polynomial.run(&trace, Mode::OneWay, &settings);
    assert_eq!(outcome, Err(iotchain_core::Error::TooManyRevoked));
}

#[test]
fn without_losses_and_sleep_everybody_reads_at_once() {
    let sleep = Sleep {
        share: 0.0,
        ..SLEEPY
    };
    let trace = Trace::draw(GROUP, Link::independent(0.0), sleep, 4).unwrap();
    for strategy in STRATEGIES {
        let sum = run(strategy, &trace, Mode::OneWay).summary(&trace);
        assert_eq!(sum.at_once, sum.memberships, "{strategy:?}");
    }
}

#[test]
fn asking_never_makes_it_worse() {
    for trace in traces() {
        for strategy in STRATEGIES {
            let [one, two] = [Mode::OneWay, Mode::TwoWay]
                .map(|mode| run(strategy, &trace, mode).summary(&trace));
            assert!(
                two.at_once >= one.at_once && two.lost <= one.lost,
                "{strategy:?}"
            );
        }
    }
}

#[test]
fn a_steady_session_costs_one_hash_and_the_ratchet() {
    let still = Population {
        joins: 0,
        revocations: 0,
        ..GROUP
    };
    let sleep = Sleep {
        share: 0.0,
        ..SLEEPY
    };
    let settings = Settings {
        repeat: 0,
        ..SETTINGS
    };
    let trace = Trace::draw(still, Link::independent(0.0), sleep, 6).unwrap();
    let outcome = Strategy::Rsd.run(&trace, Mode::OneWay, &settings).unwrap();
    for record in &outcome.members {
        assert_eq!(record.work.verifications, 1);
        let sessions = u64::from(trace.sessions);
        // one step per session but the first and one key per session; then the one event with its few blocks
        let keys = 2 * sessions - 1;
        assert!(
            (keys + 3..keys + 12).contains(&record.work.aes),
            "{:?}",
            record.work
        );
        // a beacon is one hash, the first one none
        assert!(
            (sessions - 1..sessions + 12).contains(&record.work.sha256),
            "{:?}",
            record.work
        );
    }
}

#[test]
fn equal_seeds_give_equal_runs_and_reports() {
    let report = |seed| {
        let trace = Trace::draw(GROUP, Link::independent(0.2), SLEEPY, seed).unwrap();
        let runs = STRATEGIES.map(|strategy| (strategy, run(strategy, &trace, Mode::TwoWay)));
        let pictures = [
            plots::reading("a < b", &trace, &runs),
            plots::air("air", &trace, &runs),
            plots::map("map", &trace, &runs[0].1),
        ];
        for picture in &pictures {
            assert!(picture.starts_with("<svg ") && picture.ends_with("</svg>\n"));
            assert!(!picture.contains("NaN") && !picture.contains("inf"));
        }
        let map = report::map(&trace, &runs[0].1, 8);
        assert_eq!(map.lines().count(), 8);
        (report::table(&trace, &runs), map, pictures)
    };
    assert_eq!(report(9), report(9));
    assert_ne!(report(9).0, report(10).0);
}

#[test]
fn the_program_prints_and_draws() {
    let folder = std::env::temp_dir().join(format!("group-sim-{}", std::process::id()));
    let output = Command::new(env!("CARGO_BIN_EXE_group-sim"))
        .args("--members 12 --sessions 12 --joins 2 --revocations 2 --svg".split(' '))
        .arg(&folder)
        .output()
        .unwrap();
    let pictures = std::fs::read_dir(&folder).map(Iterator::count);
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(pictures.unwrap(), 6);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("one-way") && text.contains("two-way") && text.contains("mls-warm *"));

    let refused = Command::new(env!("CARGO_BIN_EXE_group-sim"))
        .args(["--loss", "1.5"])
        .output()
        .unwrap();
    assert!(!refused.status.success() && !refused.stderr.is_empty());
}

/// A member that knows every key, to see that the simulator would notice.
struct Oracle<'a>(&'a [Published]);

impl Receiver<()> for Oracle<'_> {
    fn message(&mut self, _: &Message<()>, _: UnixTime) -> iotchain_core::Result<()> {
        Ok(())
    }

    fn beacon(&mut self, _: u32, _: &[u8], _: UnixTime) -> iotchain_core::Result<()> {
        Ok(())
    }

    fn key(&mut self, session: Session) -> Option<GroupKey> {
        let published = self.0.get(session.get() as usize - 1)?;
        Some(GroupKey::new(*published.key.expose()))
    }

    fn work(&self) -> Work {
        Work::default()
    }
}

#[test]
fn a_scheme_that_leaks_is_caught() {
    let [_, trace, _] = traces();
    let sessions = trace.iter().map(|j| Published {
        starts: UnixTime::new(u64::from(j) * 900),
        key: GroupKey::new([j as u8; 16]),
        beacon: None,
        message: 0,
        transmits: false,
    });
    let script = Script {
        sessions: sessions.collect(),
        messages: vec![Message {
            bytes: Vec::new(),
            about: (),
        }],
        personal_keys: trace.lives.iter().map(|_| Vec::new().into()).collect(),
    };
    let play = |published| script.play(&trace, Mode::OneWay, |_| Ok(Oracle(published)));
    assert!(play(&script.sessions).unwrap().summary(&trace).leaks > 100);

    // and a key that is not the group's fails the run
    let other = [Published {
        starts: UnixTime::new(0),
        key: GroupKey::new([77; 16]),
        beacon: None,
        message: 0,
        transmits: false,
    }];
    assert_eq!(play(&other), Err(iotchain_core::Error::Kcv));
}
