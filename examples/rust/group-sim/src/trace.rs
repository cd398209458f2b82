//! What happens to the group: joins, revocations, sleep and losses. The same for every strategy.

use crate::random::Random;

/// How often a confirmable CoAP message is transmitted at most: once and MAX_RETRANSMIT times more (RFC 7252, 4.8).
pub const TRANSMISSIONS: u8 = 5;

/// The radio link of each member; links are independent of each other.
#[derive(Clone, Copy, Debug)]
pub struct Link {
    /// Share of transmissions that are lost in the long run, 0..1.
    pub loss: f64,
    /// Mean length of a bad period in sessions; `None` for independent losses.
    pub burst: Option<f64>,
    /// Share of transmissions lost in a bad period, at least `loss`.
    pub bad_loss: f64,
}

impl Link {
    /// Independent losses.
    #[must_use]
    pub const fn independent(loss: f64) -> Self {
        Self {
            loss,
            burst: None,
            bad_loss: 1.0,
        }
    }

    /// A Gilbert-Elliott link (Gilbert 1960, Elliott 1963): no loss in good periods, `bad_loss` in bad ones.
    #[must_use]
    pub const fn bursty(loss: f64, burst: f64, bad_loss: f64) -> Self {
        Self {
            loss,
            burst: Some(burst),
            bad_loss,
        }
    }

    /// Why these numbers describe no link.
    fn fault(self) -> Option<&'static str> {
        if !(0.0..1.0).contains(&self.loss) {
            return Some("the loss must be at least 0 and below 1");
        }
        let burst = self.burst?;
        if !(self.bad_loss <= 1.0 && self.loss < self.bad_loss) {
            return Some("the loss in bad periods must be above the loss and at most 1");
        }
        let bad = self.loss / self.bad_loss;
        (burst < 1.0 || bad / ((1.0 - bad) * burst) > 1.0)
            .then_some("no link has this loss in bursts this short")
    }
}

/// Duty cycle of the members that sleep.
#[derive(Clone, Copy, Debug)]
pub struct Sleep {
    /// Share of members that sleep, 0..=1.
    pub share: f64,
    /// Sessions asleep in a row.
    pub asleep: u32,
    /// Sessions awake in between, at least 1.
    pub awake: u32,
}

/// Size and movement of the group.
#[derive(Clone, Copy, Debug)]
pub struct Population {
    /// Members before the first session.
    pub members: u32,
    /// Sessions, numbered from 1.
    pub sessions: u32,
    /// Members that join later, each in a random session.
    pub joins: u32,
    /// Members that are revoked, each from a random session on.
    pub revocations: u32,
}

/// One member's fate.
#[derive(Clone, Debug)]
pub struct Life {
    /// The session of the join, 0 before the first.
    pub join: u32,
    /// First session without it.
    pub revoked: Option<u32>,
    /// For each session which transmission is the first to arrive, 0 for none.
    arrives: Vec<u8>,
}

impl Life {
    /// Whether the member belongs to session `j`.
    #[must_use]
    pub fn is_member(&self, j: u32) -> bool {
        self.join <= j && !self.is_revoked(j)
    }

    /// Whether the member was revoked before or in session `j`.
    #[must_use]
    pub fn is_revoked(&self, j: u32) -> bool {
        self.revoked.is_some_and(|from| from <= j)
    }

    /// Which transmission of session `j` is the first to arrive; `None` if the member is asleep or out of reach.
    #[must_use]
    pub fn arrives(&self, j: u32) -> Option<u8> {
        let first = self.arrives.get(j.checked_sub(1)? as usize).copied()?;
        (first != 0).then_some(first)
    }

    /// Whether a broadcast of session `j`, transmitted once, reaches the member. Everything reaches the adversary.
    #[must_use]
    pub fn hears(&self, j: u32) -> bool {
        self.is_revoked(j) || self.arrives(j) == Some(1)
    }
}

/// A whole run. Members are in the order in which they joined.
#[derive(Clone, Debug)]
pub struct Trace {
    /// Sessions 1..=sessions.
    pub sessions: u32,
    /// The members.
    pub lives: Vec<Life>,
}

impl Trace {
    /// Draws a trace; equal arguments give equal traces.
    ///
    /// # Errors
    /// A sentence if the arguments contradict each other.
    pub fn draw(
        population: Population,
        link: Link,
        sleep: Sleep,
        seed: u64,
    ) -> Result<Self, &'static str> {
        let Population {
            members,
            sessions,
            joins,
            revocations,
        } = population;
        if let Some(fault) = link.fault() {
            return Err(fault);
        }
        if sessions < 2 || members == 0 {
            return Err("a run needs a member and two sessions");
        }
        if revocations > members || sleep.awake == 0 || !(0.0..=1.0).contains(&sleep.share) {
            return Err(
                "no more revocations than members; sleepers are a share and wake up at times",
            );
        }
        let mut random = Random::new(seed);
        let mut joined: Vec<u32> = (0..joins).map(|_| 2 + random.below(sessions - 1)).collect();
        joined.sort_unstable();
        joined.splice(..0, (0..members).map(|_| 0));

        let mut revoked = vec![None; joined.len()];
        let mut left = revocations;
        while left > 0 {
            let session = 2 + random.below(sessions - 1);
            let member = random.below(joined.len() as u32) as usize;
            if joined[member] < session && revoked[member].is_none() {
                revoked[member] = Some(session);
                left -= 1;
            }
        }
        let lives = joined.into_iter().zip(revoked);
        let lives = lives.map(|(join, revoked)| Life {
            join,
            revoked,
            arrives: arrivals(sessions, link, sleep, &mut random),
        });
        Ok(Self {
            sessions,
            lives: lives.collect(),
        })
    }

    /// The sessions, in order.
    pub fn iter(&self) -> impl Iterator<Item = u32> + use<> {
        1..=self.sessions
    }

    /// Members that join in session `j`; 0 stands for before the first.
    pub fn joining(&self, j: u32) -> impl Iterator<Item = usize> {
        self.select(move |life| life.join == j)
    }

    /// Members that are out from session `j` on.
    pub fn leaving(&self, j: u32) -> impl Iterator<Item = usize> {
        self.select(move |life| life.revoked == Some(j))
    }

    /// How many belong to session `j`.
    #[must_use]
    pub fn present(&self, j: u32) -> usize {
        self.select(|life| life.is_member(j)).count()
    }

    /// Whether session `j` has other members than the one before.
    #[must_use]
    pub fn changes(&self, j: u32) -> bool {
        self.joining(j).chain(self.leaving(j)).next().is_some()
    }

    fn select(&self, wanted: impl Fn(&Life) -> bool) -> impl Iterator<Item = usize> {
        let chosen = self
            .lives
            .iter()
            .enumerate()
            .filter(move |(_, l)| wanted(l));
        chosen.map(|(index, _)| index)
    }
}

/// The transmission that arrives first, for each session of one member.
fn arrivals(sessions: u32, link: Link, sleep: Sleep, random: &mut Random) -> Vec<u8> {
    let sleeps = random.chance(sleep.share) && sleep.asleep > 0;
    let cycle = sleep.asleep + sleep.awake;
    let phase = random.below(cycle);
    let bad_share = link.loss / link.bad_loss;
    let mut bad = random.chance(bad_share);
    let session = |j: u32| {
        let loss = match link.burst {
            None => link.loss,
            Some(_) if bad => link.bad_loss,
            Some(_) => 0.0,
        };
        let arrival = (1..=TRANSMISSIONS).find(|_| !random.chance(loss));
        if let Some(burst) = link.burst {
            let leave = if bad {
                1.0 / burst
            } else {
                bad_share / ((1.0 - bad_share) * burst)
            };
            bad ^= random.chance(leave);
        }
        let asleep = sleeps && (j + phase) % cycle < sleep.asleep;
        arrival.filter(|_| !asleep).unwrap_or(0)
    };
    (1..=sessions).map(session).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const AWAKE: Sleep = Sleep {
        share: 0.0,
        asleep: 0,
        awake: 1,
    };
    const GROUP: Population = Population {
        members: 400,
        sessions: 400,
        joins: 0,
        revocations: 0,
    };

    /// Share of losses, and mean length of a run of them.
    fn losses(link: Link) -> (f64, f64) {
        let trace = Trace::draw(GROUP, link, AWAKE, 7).unwrap();
        let (mut lost, mut runs) = (0, 0);
        for life in &trace.lives {
            let heard = |j| life.hears(j);
            lost += trace.iter().filter(|j| !heard(*j)).count();
            runs += trace
                .iter()
                .filter(|j| !heard(*j) && (*j == 1 || heard(*j - 1)))
                .count();
        }
        (
            lost as f64 / f64::from(GROUP.members * GROUP.sessions),
            lost as f64 / runs as f64,
        )
    }

    #[test]
    fn links_lose_what_they_are_told_to() {
        let (loss, run) = losses(Link::independent(0.2));
        assert!(
            (loss - 0.2).abs() < 0.01 && (run - 1.25).abs() < 0.05,
            "{loss} {run}"
        );
        let (loss, run) = losses(Link::bursty(0.2, 6.0, 1.0));
        assert!(
            (loss - 0.2).abs() < 0.02 && (run - 6.0).abs() < 0.5,
            "{loss} {run}"
        );
        let (loss, _) = losses(Link::bursty(0.2, 6.0, 0.5));
        assert!((loss - 0.2).abs() < 0.02, "{loss}");
    }

    #[test]
    fn impossible_traces_are_refused() {
        for link in [
            Link::independent(1.0),
            Link::bursty(0.5, 0.5, 1.0),
            Link::bursty(0.9, 2.0, 1.0),
            Link::bursty(0.5, 4.0, 0.4),
        ] {
            assert!(Trace::draw(GROUP, link, AWAKE, 1).is_err(), "{link:?}");
        }
    }
}
