//! What was found: passed, failed and skipped checks.

use iotchain::{Error, Result};
use std::collections::BTreeMap;
use std::fmt;
use std::panic::{self, AssertUnwindSafe};

/// Why a check failed.
#[derive(Debug)]
pub(crate) struct Fault(String);

/// What a check gives.
pub(crate) type Checked<T = ()> = std::result::Result<T, Fault>;

impl Fault {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }

    /// Says where it happened.
    pub(crate) fn at(self, place: &str) -> Self {
        Self(format!("{place}: {}", self.0))
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self(format!(
            "refused with {} ({})",
            error.name(),
            error.number()
        ))
    }
}

/// Says at which step a crate refused.
pub(crate) trait During<T> {
    fn during(self, step: &str) -> Checked<T>;
}

impl<T> During<T> for Result<T> {
    fn during(self, step: &str) -> Checked<T> {
        self.map_err(|error| Fault::from(error).at(step))
    }
}

/// Two values that must be equal.
pub(crate) fn same<T>(what: &str, got: T, expected: T) -> Checked
where
    T: PartialEq + fmt::Debug,
{
    if got == expected {
        Ok(())
    } else {
        Err(Fault::new(format!(
            "{what}: got {got:?}, expected {expected:?}"
        )))
    }
}

/// Two byte strings that must be equal; shows them from the first difference on.
pub(crate) fn same_bytes(what: &str, got: impl AsRef<[u8]>, expected: impl AsRef<[u8]>) -> Checked {
    let (got, expected) = (got.as_ref(), expected.as_ref());
    if got == expected {
        return Ok(());
    }
    let common = got.iter().zip(expected).take_while(|(a, b)| a == b).count();
    let shown = |bytes: &[u8]| {
        hex::encode(
            bytes
                .iter()
                .skip(common)
                .take(16)
                .copied()
                .collect::<Vec<_>>(),
        )
    };
    Err(Fault::new(format!(
        "{what}: {} bytes, expected {}; from byte {common} on {}.., expected {}..",
        got.len(),
        expected.len(),
        shown(got),
        shown(expected)
    )))
}

/// The registry number of a result, 0 for success.
pub(crate) fn number<T>(result: &Result<T>) -> u16 {
    result.as_ref().err().map_or(0, |error| error.number())
}

/// A result that must have the registry number `expected`, 0 for success.
pub(crate) fn same_number<T>(what: &str, result: &Result<T>, expected: u16) -> Checked {
    let name = |number: u16| match Error::from_number(number) {
        Some(error) => format!("{number} {}", error.name()),
        None => number.to_string(),
    };
    let got = number(result);
    if got == expected {
        Ok(())
    } else {
        Err(Fault::new(format!(
            "{what}: got {}, expected {}",
            name(got),
            name(expected)
        )))
    }
}

/// Everything that was found in one vector set.
#[derive(Debug, Default)]
pub struct Report {
    passed: usize,
    failures: Vec<String>,
    skipped: BTreeMap<&'static str, usize>,
}

impl Report {
    /// How many checks passed.
    #[must_use]
    pub const fn passed(&self) -> usize {
        self.passed
    }

    /// One line per failed check: file, case, what.
    #[must_use]
    pub fn failures(&self) -> &[String] {
        &self.failures
    }

    /// Whether something was checked and nothing failed.
    #[must_use]
    pub const fn is_success(&self) -> bool {
        self.passed > 0 && self.failures.is_empty()
    }

    /// The part of the report about one file.
    pub(crate) const fn section<'r>(&'r mut self, file: &'r str) -> Section<'r> {
        Section { report: self, file }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for failure in &self.failures {
            writeln!(f, "FAIL {failure}")?;
        }
        if !self.skipped.is_empty() {
            let counts = self
                .skipped
                .iter()
                .map(|(what, count)| format!("{what} ({count})"));
            writeln!(f, "skipped: {}", counts.collect::<Vec<_>>().join(", "))?;
        }
        writeln!(f, "{} passed, {} failed", self.passed, self.failures.len())
    }
}

/// Where the checks of one file report to.
pub(crate) struct Section<'r> {
    report: &'r mut Report,
    file: &'r str,
}

impl Section<'_> {
    /// Makes one check; gives its value if it passed. A panic of the code under test is a failure of this check.
    pub(crate) fn check<T>(
        &mut self,
        case: impl fmt::Display,
        body: impl FnOnce() -> Checked<T>,
    ) -> Option<T> {
        let outcome = panic::catch_unwind(AssertUnwindSafe(body))
            .unwrap_or_else(|_| Err(Fault::new("panicked")));
        match outcome {
            Ok(value) => {
                self.report.passed += 1;
                Some(value)
            }
            Err(Fault(what)) => {
                // one line per failure, whatever a file put into its texts
                let line = format!("{} {case}: {what}", self.file);
                self.report
                    .failures
                    .push(line.replace(char::is_control, " "));
                None
            }
        }
    }

    /// Reads something that the checks of the file depend on; only a failure is reported.
    pub(crate) fn read<T>(
        &mut self,
        case: impl fmt::Display,
        body: impl FnOnce() -> Checked<T>,
    ) -> Option<T> {
        let value = self.check(case, body);
        self.report.passed -= usize::from(value.is_some());
        value
    }

    /// Counts something that cannot be checked.
    pub(crate) fn skip(&mut self, what: &'static str) {
        *self.report.skipped.entry(what).or_default() += 1;
    }
}
