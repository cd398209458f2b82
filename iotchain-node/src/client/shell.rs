//! The client's shell: commands from stdin, one JSON object per command on stdout.

use std::io::{BufRead, Write};
use std::path::Path;
use std::str::FromStr;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use iotchain::{GroupName, Method, Roles, Session};
use serde_json::{Value, json};

use super::{Client, Group, Source, Target, report};
use crate::catalogue::ClassKey;
use crate::clock::Stop;
use crate::runtime::NetError;
use crate::{NodeError, keyfile, roles};

/// What `--help` says.
pub(super) const HELP: &str = "\
Obey commands from stdin, one a line; for each, one JSON object on stdout

Commands:
  join NAME/CLASS [SECONDS] [ROLES]   join a group; wait up to SECONDS for the confirmations of the token
  get NAME/PATH [server|proxy|any]    read a resource
  put NAME/PATH [WORDS]               replace a resource by WORDS
  post NAME/PATH [WORDS]              let a resource act on WORDS
  fetch NAME/PATH                     read a resource so that no other member could have forged the answer
  open NAME/PATH FILE                 open a signed object that was kept in a file
  status [NAME/CLASS]                 where a membership stands
  events [NAME/CLASS]                 the broadcasts that came in
  wait-session N [SECONDS]            wait until session N is announced (60 seconds unless said otherwise)
  quit

Every object has ok, command and ms; a failure has error, and number and name of the registry where there is one.
The plaintext of a resource is in hex, and as text if it is UTF-8. Without ROLES, such as get,put, a group is joined with
those that the token was asked for. status, events and wait-session are about the group
joined last unless another is named.";

const STOP_POLL: Duration = Duration::from_millis(100);
const WAIT_LIMIT: Duration = Duration::from_secs(60);

/// Obeys until `quit`, the end of stdin, or `stop`.
pub(super) fn run(client: Client, stop: &Stop) -> Result<(), NodeError> {
    let lines = read_lines()?;
    let mut shell = Shell { client, last: None };
    let mut stdout = std::io::stdout();
    while !stop.is_stopped() {
        let line = match lines.recv_timeout(STOP_POLL) {
            Ok(line) => line,
            Err(RecvTimeoutError::Timeout) => continue,
            Err(RecvTimeoutError::Disconnected) => break,
        };
        let words: Vec<&str> = line.split_whitespace().collect();
        let Some((command, arguments)) = words.split_first() else {
            continue;
        };
        let start = Instant::now();
        let outcome = shell.obey(command, arguments);
        let answer = report::answer(command, outcome, start.elapsed());
        writeln!(stdout, "{answer}")
            .and_then(|()| stdout.flush())
            .map_err(|source| NodeError::io("stdout", source))?;
        if *command == "quit" {
            break;
        }
    }
    Ok(())
}

/// Reads stdin on a thread of its own: a read cannot be interrupted.
fn read_lines() -> Result<Receiver<String>, NodeError> {
    let (sender, lines) = sync_channel(16);
    let read = move || {
        let stdin = std::io::stdin().lock();
        for line in stdin.lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    };
    thread::Builder::new()
        .name("shell-input".into())
        .spawn(read)
        .map_err(NetError::Thread)?;
    Ok(lines)
}

struct Shell {
    client: Client,
    /// The group joined last.
    last: Option<GroupName>,
}

impl Shell {
    fn obey(&mut self, command: &str, arguments: &[&str]) -> Result<Value, NodeError> {
        match (command, arguments) {
            ("join", [group]) => self.join(group, Duration::ZERO, None),
            ("join", [group, seconds]) => self.join(group, patience(seconds)?, None),
            ("join", [group, seconds, roles]) => {
                let roles = roles::parse(roles).map_err(NodeError::Config)?;
                self.join(group, patience(seconds)?, Some(roles))
            }
            ("get", [target]) => self.get(target, Source::Any),
            ("get", [target, from]) => self.get(target, source(from)?),
            ("put", [target, words @ ..]) => self.ask(target, Method::Put, words),
            ("post", [target, words @ ..]) => self.ask(target, Method::Post, words),
            ("fetch", [target]) => self.ask(target, Method::Fetch, &[]),
            ("open", [target, file]) => self.open(target, file),
            ("status", group) => self.group(group).map(report::status),
            ("events", group) => Ok(report::events(&self.group(group)?.follower.journal())),
            ("wait-session", [session]) => self.wait_session(number(session)?, WAIT_LIMIT),
            ("wait-session", [session, seconds]) => {
                self.wait_session(number(session)?, patience(seconds)?)
            }
            ("quit", []) => Ok(Value::Null),
            _ => Err(NodeError::Config(format!(
                "`{command}` with {} words; see `client shell --help`",
                arguments.len()
            ))),
        }
    }

    fn join(
        &mut self,
        group: &str,
        patience: Duration,
        roles: Option<Roles>,
    ) -> Result<Value, NodeError> {
        let (name, class) = split(group)?;
        let server = self.client.catalogue().expect_resource_server(name)?;
        let usual = || self.client.usual_rights(&class.0.group(&server.rs));
        let roles = roles.unwrap_or_else(usual);
        let group = self.client.join(name, class.0, roles, patience)?;
        let answer = report::joined(group);
        self.last = Some(*group.joined.group());
        Ok(answer)
    }

    fn get(&mut self, target: &str, from: Source) -> Result<Value, NodeError> {
        let target = Target::parse(target, self.client.catalogue())?;
        self.client
            .get(&target, from)
            .map(|fetched| report::fetched(&fetched))
    }

    fn ask(&mut self, target: &str, method: Method, words: &[&str]) -> Result<Value, NodeError> {
        let target = Target::parse(target, self.client.catalogue())?;
        let data = words.join(" ");
        let answered = self.client.ask(&target, method, data.as_bytes().into())?;
        answered
            .success(&target)
            .map(|answered| report::answered(&answered))
    }

    fn open(&mut self, target: &str, file: &str) -> Result<Value, NodeError> {
        let target = Target::parse(target, self.client.catalogue())?;
        let object = keyfile::read(Path::new(file))?;
        self.client
            .open_stored(&target, &object)
            .map(|fetched| report::fetched(&fetched))
    }

    fn wait_session(&self, session: u32, limit: Duration) -> Result<Value, NodeError> {
        let group = self.group(&[])?;
        let reached = group.follower.wait_session(Session::new(session), limit);
        let newest = group.follower.newest().map(Session::get);
        if reached {
            return Ok(json!({ "session": newest }));
        }
        Err(NodeError::Failed(format!(
            "session {session} was not announced within {} s",
            limit.as_secs()
        )))
    }

    fn group(&self, arguments: &[&str]) -> Result<&Group, NodeError> {
        let name = match arguments {
            [] => self.last,
            [group, ..] => {
                let (name, class) = split(group)?;
                Some(
                    class
                        .0
                        .group(&self.client.catalogue().expect_resource_server(name)?.rs),
                )
            }
        };
        name.and_then(|name| self.client.group(&name))
            .ok_or_else(|| NodeError::Config("not a member of this group; join first".into()))
    }
}

fn split(group: &str) -> Result<(&str, ClassKey), NodeError> {
    let (name, class) = group
        .split_once('/')
        .ok_or_else(|| NodeError::Config(format!("`{group}` is not NAME/CLASS")))?;
    Ok((name, class.parse().map_err(NodeError::Config)?))
}

fn source(text: &str) -> Result<Source, NodeError> {
    clap::ValueEnum::from_str(text, false)
        .map_err(|_| NodeError::Config(format!("`{text}` is none of server, proxy, any")))
}

fn patience(seconds: &str) -> Result<Duration, NodeError> {
    number(seconds).map(|seconds| Duration::from_secs(u64::from(seconds)))
}

fn number(text: &str) -> Result<u32, NodeError> {
    u32::from_str(text).map_err(|_| NodeError::Config(format!("`{text}` is not a number")))
}
