//! Everything that CI runs, in order.

use std::time::{Duration, Instant};

use crate::TASKS;
use crate::run::Outcome;

/// The checks, cheap ones first.
const STEPS: &[&str] = &[
    "lint",
    "panics",
    "test",
    "doctest",
    "doc",
    "features",
    "deps",
    "source",
    "spec",
    "no-std",
    "firmware",
    "port",
    "constant-time",
    "contracts",
    "c",
    "archive",
    "c-client",
    "boards",
    "vectors",
    "interop",
    "demo",
    "fuzz-smoke",
];

/// Installs what is needed and runs every check; goes on after a failure, so that one run shows all.
pub(crate) fn ci() -> Outcome {
    let began = Instant::now();
    step("setup")?;
    let mut results = Vec::new();
    for name in STEPS {
        let start = Instant::now();
        let outcome = step(name);
        if let Err(reason) = &outcome {
            println!("FAILED {name}: {reason}");
        }
        results.push((name, outcome, start.elapsed()));
    }

    println!("\n== summary ==");
    for (name, outcome, time) in &results {
        let verdict = if outcome.is_ok() { "ok" } else { "FAILED" };
        println!("  {name:<13} {verdict:<7} {}", shown(*time));
    }
    println!("  {:<13} {:<7} {}", "total", "", shown(began.elapsed()));
    let failed = results
        .iter()
        .filter(|(_, outcome, _)| outcome.is_err())
        .count();
    if failed == 0 {
        Ok(())
    } else {
        Err(format!("{failed} of {} checks failed", results.len()))
    }
}

fn step(name: &str) -> Outcome {
    let task = TASKS
        .iter()
        .find(|task| task.name == name)
        .ok_or(format!("no task `{name}`"))?;
    println!("\n== {name}: {} ==", task.about);
    (task.run)()
}

fn shown(time: Duration) -> String {
    let seconds = time.as_secs();
    format!("{:>2} min {:02} s", seconds / 60, seconds % 60)
}
