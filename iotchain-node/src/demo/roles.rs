//! The roles as processes of their own: this very binary with another subcommand.

use crate::NodeError;
use crate::clock::Stop;
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

/// How long a role may take until it serves.
const START_LIMIT: Duration = Duration::from_secs(30);
/// How often whoever waits for a process looks whether the demo is to end.
const STOP_POLL: Duration = Duration::from_millis(50);

/// A role that serves. Killed when dropped, so that no process outlives the demo.
pub(super) struct Role {
    name: String,
    arguments: Vec<String>,
    log: PathBuf,
    stop: Stop,
    child: Child,
    /// The `key=value` words of its ready line: addresses it bound.
    pub(super) ready: HashMap<String, String>,
}

/// The command that runs `arguments` with this binary.
pub(super) fn command<A: AsRef<str>>(arguments: &[A]) -> Result<Command, NodeError> {
    let binary =
        std::env::current_exe().map_err(|source| NodeError::io("the iotchain binary", source))?;
    let mut command = Command::new(binary);
    command.args(arguments.iter().map(AsRef::as_ref));
    Ok(command)
}

/// Runs a subcommand to its end and gives what it printed.
pub(super) fn run<A: AsRef<str>>(arguments: &[A]) -> Result<String, NodeError> {
    let what = || {
        arguments
            .iter()
            .map(AsRef::as_ref)
            .collect::<Vec<_>>()
            .join(" ")
    };
    let output = command(arguments)?
        .stdin(Stdio::null())
        .output()
        .map_err(|source| NodeError::io(what(), source))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let reason = String::from_utf8_lossy(&output.stderr);
    Err(NodeError::State(format!(
        "`iotchain {}` failed: {}",
        what(),
        reason.trim()
    )))
}

impl Role {
    /// Starts a role and waits for the line with which it says that it serves. Its log goes to `directory/NAME.log`.
    pub(super) fn start<A: AsRef<str>>(
        directory: &Path,
        name: &str,
        arguments: &[A],
        stop: &Stop,
    ) -> Result<Self, NodeError> {
        let arguments: Vec<String> = arguments
            .iter()
            .map(|argument| argument.as_ref().to_owned())
            .collect();
        let log = directory.join(format!("{name}.log"));
        let (child, ready) = launch(name, &arguments, &log, stop)?;
        Ok(Self {
            name: name.to_owned(),
            arguments,
            log,
            stop: stop.clone(),
            child,
            ready,
        })
    }

    /// The address under `key` of the ready line.
    pub(super) fn address(&self, key: &str) -> Result<&str, NodeError> {
        let missing =
            || NodeError::State(format!("{} did not say where it serves {key}", self.name));
        self.ready.get(key).map(String::as_str).ok_or_else(missing)
    }

    /// Whether the process is still there.
    pub(super) fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Its name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The command line, to be shown to a person.
    pub(super) fn command_line(&self) -> String {
        format!("iotchain {}", self.arguments.join(" "))
    }

    /// Kills the process without warning (SIGKILL) and starts it again with the same arguments.
    pub(super) fn kill_and_restart(&mut self) -> Result<(), NodeError> {
        self.kill();
        (self.child, self.ready) = launch(&self.name, &self.arguments, &self.log, &self.stop)?;
        Ok(())
    }

    fn kill(&mut self) {
        // it may have ended by itself; either way it is gone after the wait
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Role {
    fn drop(&mut self) {
        self.kill();
    }
}

fn launch(
    name: &str,
    arguments: &[String],
    log: &Path,
    stop: &Stop,
) -> Result<(Child, HashMap<String, String>), NodeError> {
    let log_file = File::options()
        .create(true)
        .append(true)
        .open(log)
        .map_err(|e| NodeError::io(log.display(), e))?;
    let mut child = command(arguments)?
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log_file)
        .spawn()
        .map_err(|source| NodeError::io(name, source))?;
    let ready = child
        .stdout
        .take()
        .and_then(|stdout| wait_ready(BufReader::new(stdout), stop));
    match ready {
        Some(ready) => Ok((child, ready)),
        None => {
            let _ = child.kill();
            let _ = child.wait();
            let tail = std::fs::read_to_string(log).unwrap_or_default();
            let tail: Vec<&str> = tail.lines().rev().take(3).collect();
            Err(NodeError::State(format!(
                "{name} did not start: {}",
                tail.join(" | ")
            )))
        }
    }
}

/// Reads lines until `ready ...`; the reader thread then keeps the pipe empty for as long as the role lives.
fn wait_ready(
    mut stdout: impl BufRead + Send + 'static,
    stop: &Stop,
) -> Option<HashMap<String, String>> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        while matches!(stdout.read_line(&mut line), Ok(1..)) {
            if let Some(words) = line.strip_prefix("ready ") {
                let pairs = words
                    .split_whitespace()
                    .filter_map(|word| word.split_once('='));
                let _ = sender.send(
                    pairs
                        .map(|(key, value)| (key.to_owned(), value.to_owned()))
                        .collect(),
                );
            }
            line.clear();
        }
    });
    receive(&receiver, START_LIMIT, stop)
}

/// What comes within `limit`, unless its sender is gone or `stop` comes first.
pub(super) fn receive<T>(receiver: &Receiver<T>, limit: Duration, stop: &Stop) -> Option<T> {
    let deadline = Instant::now() + limit;
    while !stop.is_stopped() && Instant::now() < deadline {
        match receiver.recv_timeout(STOP_POLL) {
            Ok(value) => return Some(value),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return None,
        }
    }
    None
}
