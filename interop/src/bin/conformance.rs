//! `conformance DIR`: checks a directory of vector files, in the schema of `vectors/README.md`, against the crates.
//!
//! One line per failure, what was skipped, and `N passed, N failed` as the last line. Exit code 0 if nothing failed,
//! 1 if something did, 2 if the directory cannot be read or a file is missing or no JSON.

use std::io::{self, Write};
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(directory), None) = (arguments.next(), arguments.next()) else {
        eprintln!(
            "usage: conformance DIR\n\nDIR holds vector files in the schema of vectors/README.md"
        );
        return ExitCode::from(2);
    };
    let report = match iotchain_interop::run(directory.as_ref()) {
        Ok(report) => report,
        Err(unreadable) => {
            eprintln!("error: {unreadable}");
            return ExitCode::from(2);
        }
    };
    // a reader that left early (`| head`) is no reason to panic; the exit code still tells
    let _ = write!(io::stdout().lock(), "{report}");
    if report.is_success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
