//! The tables.

use crate::outcome::{Outcome, Summary};
use crate::plots::sample;
use crate::strategy::Strategy;
use crate::trace::Trace;
use core::fmt::Write;

/// One row per strategy.
#[must_use]
pub fn table(trace: &Trace, runs: &[(Strategy, Outcome)]) -> String {
    let mut text = format!(
        "{:<12}{:>10}{:>8}{:>8}{:>7}{:>13}{:>11}{:>11}{:>9}{:>9}{:>9}{:>9}{:>9}{:>12}\n",
        "strategy",
        "at once %",
        "later %",
        "never %",
        "leaks",
        "air B/sess.",
        "rx B/m.s.",
        "tx B/m.s.",
        "join B",
        "AES",
        "SHA-256",
        "verify",
        "GF mult.",
        "M4 kinstr."
    );
    for (strategy, outcome) in runs {
        let sum = outcome.summary(trace);
        let percent = |count: u64| 100.0 * count as f64 / sum.memberships as f64;
        let name = format!(
            "{}{}",
            strategy.name(),
            if strategy.is_model() { " *" } else { "" }
        );
        let _ = write!(
            text,
            "{name:<12}{:>10.2}{:>8.2}{:>8.2}{:>7}{:>13.0}{:>11.1}{:>11.2}{:>9.0}",
            percent(sum.at_once),
            percent(sum.healed),
            percent(sum.lost),
            sum.leaks,
            sum.air,
            sum.received,
            sum.sent,
            sum.joined
        );
        text.push_str(&work(outcome, &sum));
        text.push('\n');
    }
    text
}

/// Work per member and session; models of bytes have none.
fn work(outcome: &Outcome, sum: &Summary) -> String {
    if !outcome.counts_work {
        return format!("{:>9}{:>9}{:>9}{:>9}{:>12}", "-", "-", "-", "-", "-");
    }
    let each = |count: u64| count as f64 / sum.memberships as f64;
    format!(
        "{:>9.2}{:>9.2}{:>9.3}{:>9.0}{:>12.0}",
        each(sum.work.aes),
        each(sum.work.sha256),
        each(sum.work.verifications),
        each(sum.work.products),
        each(sum.work.instructions()) / 1000.0
    )
}

/// A row of characters per member: `#` read in its session, `+` later, `-` never, `!` read by a non-member.
#[must_use]
pub fn map(trace: &Trace, outcome: &Outcome, rows: usize) -> String {
    let mut text = String::new();
    for index in sample(trace, rows) {
        let (life, record) = (&trace.lives[index], &outcome.members[index]);
        let cells = trace.iter().zip(&record.read);
        let cells = cells.map(|(j, read)| match (life.is_member(j), read) {
            (true, Some(when)) if *when <= j => '#',
            (true, Some(_)) => '+',
            (true, None) => '-',
            (false, Some(_)) => '!',
            (false, None) => ' ',
        });
        let _ = writeln!(text, "{index:>7}  {}", cells.collect::<String>());
    }
    text
}
