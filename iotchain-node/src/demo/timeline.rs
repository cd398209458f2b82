//! What the demo prints: one line per step, with the bytes that moved and the milliseconds it took.

use std::fmt::{self, Display};
use std::io::{self, Write};
use std::time::Instant;

use crate::clock::Stop;

/// The running account of the story.
pub(super) struct Timeline {
    began: Instant,
    checks: u32,
    failed: Vec<String>,
    /// Raised when nobody reads any more.
    stop: Stop,
    lost: Option<io::Error>,
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
    pub(super) fn new(stop: &Stop) -> Self {
        Self {
            began: Instant::now(),
            checks: 0,
            failed: Vec::new(),
            stop: stop.clone(),
            lost: None,
        }
    }

    /// A line as it is. If it cannot be printed, the story ends.
    pub(super) fn print(&mut self, line: fmt::Arguments<'_>) {
        let mut stdout = io::stdout();
        let printed = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
        if let Err(error) = printed {
            self.lost.get_or_insert(error);
            self.stop.stop();
        }
    }

    /// Why a line could not be printed.
    pub(super) fn lost(&mut self) -> Option<io::Error> {
        self.lost.take()
    }

    /// A heading.
    pub(super) fn chapter(&mut self, title: impl Display) {
        self.print(format_args!(
            "\n{title}\n{:>7}  {:<16} {:<72} {:>9} {:>8}",
            "t", "who", "what", "bytes", "ms"
        ));
    }

    /// Something that happened.
    pub(super) fn step(&mut self, who: &str, what: impl Display, cost: Cost) {
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
    pub(super) fn close(&mut self) -> bool {
        let failed = std::mem::take(&mut self.failed);
        let passed = self.checks as usize - failed.len();
        self.print(format_args!("\n{passed} passed, {} failed", failed.len()));
        for failure in &failed {
            self.print(format_args!("  failed: {failure}"));
        }
        failed.is_empty()
    }

    fn line(&mut self, mark: char, who: &str, what: impl Display, cost: Cost) {
        let seconds = self.began.elapsed().as_secs_f64();
        let number = |value: Option<String>| value.unwrap_or_default();
        self.print(format_args!(
            "{seconds:>6.1}s{mark} {who:<16} {:<72} {:>9} {:>8}",
            what.to_string(),
            number(cost.bytes.map(|bytes| bytes.to_string())),
            number(cost.millis.map(|millis| millis.to_string())),
        ));
    }
}
