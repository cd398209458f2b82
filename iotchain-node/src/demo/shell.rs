//! A client process, driven through its shell: one command a line in, one JSON object a line out.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::roles;
use super::timeline::Cost;
use crate::NodeError;
use crate::clock::Stop;

/// How long a command may take. Waiting for a session is the longest.
const ANSWER_LIMIT: Duration = Duration::from_secs(120);

/// A running `iotchain client shell`. Killed when dropped.
pub(super) struct Shell {
    name: &'static str,
    child: Child,
    input: ChildStdin,
    answers: Receiver<Value>,
    stop: Stop,
}

/// What the client said to one command.
pub(super) struct Answer {
    value: Value,
    /// What it cost.
    pub(super) cost: Cost,
}

impl Shell {
    /// Starts a client; `arguments` are those before the subcommand `shell`.
    pub(super) fn start(
        directory: &Path,
        name: &'static str,
        arguments: &[String],
        stop: &Stop,
    ) -> Result<Self, NodeError> {
        let mut arguments = arguments.to_vec();
        arguments.push("shell".into());
        let log = directory.join(format!("{name}.log"));
        let log =
            std::fs::File::create(&log).map_err(|source| NodeError::io(log.display(), source))?;
        let mut child = roles::command(&arguments)?
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .map_err(|source| NodeError::io(name, source))?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(NodeError::State(format!("{name}: no pipes")));
        };
        let (sender, answers) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines() {
                let Ok(line) = line else { break };
                let Ok(value) = serde_json::from_str(&line) else {
                    continue;
                };
                if sender.send(value).is_err() {
                    break;
                }
            }
        });
        Ok(Self {
            name,
            child,
            input,
            answers,
            stop: stop.clone(),
        })
    }

    /// Sends one command and waits for its answer, which may be a refusal.
    pub(super) fn ask(&mut self, command: &str) -> Result<Answer, NodeError> {
        let start = Instant::now();
        writeln!(self.input, "{command}").map_err(|source| NodeError::io(self.name, source))?;
        let value = roles::receive(&self.answers, ANSWER_LIMIT, &self.stop)
            .ok_or_else(|| NodeError::State(format!("{}: no answer to `{command}`", self.name)))?;
        let mut cost = Cost::since(start);
        if let Some(bytes) = value["bytes"].as_u64() {
            cost = cost.bytes(usize::try_from(bytes).unwrap_or(usize::MAX));
        }
        Ok(Answer { value, cost })
    }

    pub(super) const fn name(&self) -> &'static str {
        self.name
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        // it may have ended by itself; either way it is gone after the wait
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Answer {
    /// Whether the command did what it was asked.
    pub(super) fn ok(&self) -> bool {
        self.value["ok"] == true
    }

    /// The registry number of the error, 0 if there was none.
    pub(super) fn number(&self) -> u64 {
        self.value["number"].as_u64().unwrap_or_default()
    }

    /// The error in words, for the timeline.
    pub(super) fn error(&self) -> String {
        match (self.value["name"].as_str(), self.value["error"].as_str()) {
            (Some(name), _) => format!("{name} ({})", self.number()),
            (None, Some(error)) => error.to_owned(),
            (None, None) => "no error".to_owned(),
        }
    }

    /// A number among the answer's fields.
    pub(super) fn u64(&self, field: &str) -> Option<u64> {
        self.value[field].as_u64()
    }

    /// A text among the answer's fields.
    pub(super) fn text(&self, field: &str) -> Option<&str> {
        self.value[field].as_str()
    }

    /// The plaintext of an opened object.
    pub(super) fn plaintext(&self) -> Option<Vec<u8>> {
        hex::decode(self.value["plaintext"].as_str()?).ok()
    }
}
