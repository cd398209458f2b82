//! What the demo prints: one line per step, with the bytes that moved and the milliseconds it took.

use std::fmt::Display;
use std::time::Instant;

/// The running account of the story.
pub(super) struct Timeline {
    began: Instant,
    checks: u32,
    failed: Vec<String>,
}

/// What a step cost.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cost {
    /// Bytes on the wire, where the step moved any worth counting.
    pub(super) bytes: Option<usize>,
    /// Duration in milliseconds.
    pub(super) millis: Option<u128>,
}

impl Cost {
    pub(super) fn since(start: Instant) -> Self {
        Self {
            bytes: None,
            millis: Some(start.elapsed().as_millis()),
        }
    }

    pub(super) const fn bytes(mut self, bytes: usize) -> Self {
        self.bytes = Some(bytes);
        self
    }
}

impl Timeline {
    pub(super) fn new() -> Self {
        Self {
            began: Instant::now(),
            checks: 0,
            failed: Vec::new(),
        }
    }

    /// A heading.
    pub(super) fn chapter(&self, title: impl Display) {
        println!("\n{title}");
        println!(
            "{:>7}  {:<16} {:<72} {:>9} {:>8}",
            "t", "who", "what", "bytes", "ms"
        );
    }

    /// Something that happened.
    pub(super) fn step(&self, who: &str, what: impl Display, cost: Cost) {
        self.line(' ', who, what, cost);
    }

    /// Something that had to hold. A failure is remembered, and the story goes on so that all of it is seen.
    pub(super) fn check(&mut self, holds: bool, who: &str, what: impl Display, cost: Cost) {
        self.checks += 1;
        let what = what.to_string();
        self.line(if holds { '+' } else { 'X' }, who, &what, cost);
        if !holds {
            self.failed.push(format!("{who}: {what}"));
        }
    }

    /// The last lines. Whether every check held.
    pub(super) fn close(&self) -> bool {
        println!(
            "\n{} passed, {} failed",
            self.checks as usize - self.failed.len(),
            self.failed.len()
        );
        for failure in &self.failed {
            println!("  failed: {failure}");
        }
        self.failed.is_empty()
    }

    fn line(&self, mark: char, who: &str, what: impl Display, cost: Cost) {
        let seconds = self.began.elapsed().as_secs_f64();
        let number = |value: Option<String>| value.unwrap_or_default();
        println!(
            "{seconds:>6.1}s{mark} {who:<16} {:<72} {:>9} {:>8}",
            what.to_string(),
            number(cost.bytes.map(|bytes| bytes.to_string())),
            number(cost.millis.map(|millis| millis.to_string())),
        );
    }
}
