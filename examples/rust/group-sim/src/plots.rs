//! The plots: who reads, what is on air, and a map of members and sessions.

use crate::outcome::Outcome;
use crate::strategy::Strategy;
use crate::svg::{Anchor, Svg};
use crate::trace::Trace;

/// Read in the session, read later, never read, read by a non-member.
const READ: [(&str, &str); 4] = [
    ("in its session", "#2a7f62"),
    ("later", "#8cc5a2"),
    ("never", "#d9d9d9"),
    ("by a non-member", "#c1272d"),
];
/// Colours of the lines, one per strategy.
const LINES: [&str; 6] = [
    "#2a7f62", "#1f5fa8", "#c98a1b", "#c1272d", "#7a4fa3", "#555555",
];
/// Rows of the map at most.
const MAP_ROWS: usize = 60;

/// A bar per strategy: the share of memberships read at once, later and never.
#[must_use]
pub fn reading(title: &str, trace: &Trace, runs: &[(Strategy, Outcome)]) -> String {
    let mut svg = Svg::new(720.0, 70.0 + 30.0 * runs.len() as f64, title);
    legend(&mut svg, 40.0);
    for (row, (strategy, outcome)) in runs.iter().enumerate() {
        let sum = outcome.summary(trace);
        let y = 60.0 + 30.0 * row as f64;
        svg.text((90.0, y + 15.0), Anchor::End, strategy.name());
        let mut x = 100.0;
        for (count, (_, fill)) in [sum.at_once, sum.healed, sum.lost].into_iter().zip(READ) {
            let width = 560.0 * count as f64 / sum.memberships as f64;
            svg.rect((x, y), (width, 20.0), fill);
            x += width;
        }
        let read = 100.0 * (sum.at_once + sum.healed) as f64 / sum.memberships as f64;
        svg.text((665.0, y + 15.0), Anchor::Start, &format!("{read:.1} %"));
    }
    svg.finish()
}

/// Bytes on air since the first session, logarithmic.
#[must_use]
pub fn air(title: &str, trace: &Trace, runs: &[(Strategy, Outcome)]) -> String {
    let total = |(_, outcome): &(Strategy, Outcome)| outcome.air().iter().sum::<u64>();
    let most = runs.iter().map(total).max().unwrap_or(0);
    // powers of ten on the axis, enough for the most
    let decades = most.max(10).ilog10() + 1;
    let mut svg = Svg::new(720.0, 380.0, title);
    let x = |j: u32| 70.0 + 540.0 * f64::from(j - 1) / f64::from((trace.sessions - 1).max(1));
    let y = |bytes: f64| 350.0 - 300.0 * bytes.max(1.0).log10() / f64::from(decades);
    for decade in 0..=decades {
        let height = y(10f64.powf(decade.into()));
        svg.line([(70.0, height), (610.0, height)], "#eeeeee");
        svg.text((62.0, height + 4.0), Anchor::End, &format!("1e{decade}"));
    }
    for (row, ((strategy, outcome), stroke)) in runs.iter().zip(LINES).enumerate() {
        let mut sum = 0;
        let points = trace.iter().zip(outcome.air()).map(|(j, bytes)| {
            sum += bytes;
            (x(j), y(sum as f64))
        });
        svg.line(points.collect::<Vec<_>>(), stroke);
        let height = 60.0 + 18.0 * row as f64;
        svg.line([(622.0, height), (640.0, height)], stroke);
        svg.text((645.0, height + 4.0), Anchor::Start, strategy.name());
    }
    svg.text((70.0, 370.0), Anchor::Start, "session 1");
    svg.text(
        (610.0, 370.0),
        Anchor::End,
        &format!("session {}", trace.sessions),
    );
    svg.finish()
}

/// A row per member, a cell per session.
#[must_use]
pub fn map(title: &str, trace: &Trace, outcome: &Outcome) -> String {
    let rows = sample(trace, MAP_ROWS);
    let (width, height) = (640.0 / f64::from(trace.sessions), 8.0);
    let mut svg = Svg::new(720.0, 70.0 + height * rows.len() as f64, title);
    legend(&mut svg, 40.0);
    for (row, index) in rows.into_iter().enumerate() {
        let (life, record) = (&trace.lives[index], &outcome.members[index]);
        for (j, read) in trace.iter().zip(&record.read) {
            let class = match (life.is_member(j), read) {
                (true, Some(when)) if *when <= j => 0,
                (true, Some(_)) => 1,
                (true, None) => 2,
                (false, Some(_)) => 3,
                (false, None) => continue,
            };
            let at = (40.0 + width * f64::from(j - 1), 55.0 + height * row as f64);
            svg.rect(at, (width - 0.5, height - 0.5), READ[class].1);
        }
    }
    svg.finish()
}

/// About `rows` members: half of them spread over all, the others those that come and go.
#[must_use]
pub fn sample(trace: &Trace, rows: usize) -> Vec<usize> {
    let all = trace.lives.len();
    let stays = |index: &usize| {
        let life = &trace.lives[*index];
        life.join == 0 && life.revoked.is_none()
    };
    let (staying, moving): (Vec<usize>, Vec<usize>) = (0..all).partition(stays);
    let spread = |from: Vec<usize>, rows: usize| {
        let step = from.len().div_ceil(rows.max(1)).max(1);
        from.into_iter().step_by(step)
    };
    let half = rows.div_ceil(2);
    let mut chosen: Vec<usize> = spread(moving, rows - half).collect();
    chosen.extend(spread(staying, rows - chosen.len()));
    chosen.sort_unstable();
    chosen
}

fn legend(svg: &mut Svg, y: f64) {
    for (place, (name, fill)) in READ.into_iter().enumerate() {
        let x = 100.0 + 130.0 * place as f64;
        svg.rect((x, y), (10.0, 10.0), fill);
        svg.text((x + 15.0, y + 9.0), Anchor::Start, name);
    }
}
