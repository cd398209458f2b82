//! Machine instructions, counted by callgrind where it is installed: exact, and the same on every run.

use crate::Outcome;
use std::hint::black_box;
use std::process::Command;

/// Whether instructions can be counted here.
pub(crate) fn is_installed() -> bool {
    let installed = Command::new("valgrind").arg("--version").output().is_ok();
    if !installed {
        eprintln!("valgrind is not installed: no instructions counted");
    }
    installed
}

/// Starts this program again with `arguments` under callgrind, which counts inside [`probed`] only.
pub(crate) fn collected(arguments: &[&str]) -> Outcome<u64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .args([
            "--collect-atstart=no",
            "--toggle-collect=*callgrind::probed*",
        ])
        .arg(std::env::current_exe()?)
        .args(arguments)
        .output()?;
    let log = String::from_utf8_lossy(&output.stderr);
    let count = log.split_once("Collected : ").and_then(|(_, rest)| {
        let digits = rest.split_whitespace().next()?;
        digits.parse().ok()
    });
    let count = count.filter(|_| output.status.success());
    count.ok_or_else(|| format!("callgrind counted nothing in {arguments:?}:\n{log}").into())
}

/// Runs what is to be counted.
#[inline(never)]
pub(crate) fn probed(run: &mut dyn FnMut()) {
    black_box(run)();
}
