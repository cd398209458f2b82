//! The word to a parent process that a role serves.

use std::io::Write;

/// Says on stdout that a role serves, in the one form that a parent process waits for.
pub fn announce(role: &str, addresses: &[(&str, String)]) {
    let mut line = format!("ready {role}");
    for (name, address) in addresses {
        line.push_str(&format!(" {name}={address}"));
    }
    // Whoever started us may have closed our stdout; that is no reason to stop serving.
    let mut stdout = std::io::stdout();
    let _ = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
}
