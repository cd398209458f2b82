//! What a command makes of its input, bounded in size and time.

use std::io::{self, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use iotchain::Zeroizing;

/// How long a command may run.
const TIME_LIMIT: Duration = Duration::from_secs(5);
/// How often a command that said everything is looked after until it ends.
const STEP: Duration = Duration::from_millis(5);

/// Why there is no output.
#[derive(Debug, thiserror::Error)]
pub(super) enum CommandError {
    #[error("the output of `{line}` has more than {max} bytes")]
    TooLarge { line: String, max: usize },
    #[error("`{line}`: {what}")]
    Failed { line: String, what: String },
}

/// What `/bin/sh -c line` prints on its standard output, at most `max` bytes, when it finds `input` on its standard input.
/// Whatever it started is killed at the end.
///
/// # Errors
/// [`CommandError::Failed`] if it cannot be started, takes longer than five seconds or does not end with 0;
/// [`CommandError::TooLarge`].
pub(super) fn run(line: &str, input: &[u8], max: usize) -> Result<Vec<u8>, CommandError> {
    run_within(line, input, max, TIME_LIMIT)
}

fn run_within(
    line: &str,
    input: &[u8],
    max: usize,
    limit: Duration,
) -> Result<Vec<u8>, CommandError> {
    let fault = |what: &dyn std::fmt::Display| CommandError::Failed {
        line: line.to_owned(),
        what: what.to_string(),
    };
    let deadline = Instant::now() + limit;
    let mut group = Group::start(line).map_err(|error| fault(&error))?;
    group.feed(input);
    let output = group.0.stdout.take().ok_or_else(|| fault(&"no pipe"))?;
    let too_long = || fault(&format_args!("not done within {limit:?}"));
    let bytes = read(output, max, deadline)
        .ok_or_else(too_long)?
        .map_err(|error| fault(&error))?;
    if bytes.len() > max {
        return Err(CommandError::TooLarge {
            line: line.to_owned(),
            max,
        });
    }
    let status = group.wait(deadline).map_err(|error| fault(&error))?;
    match status {
        Some(status) if status.success() => Ok(bytes),
        Some(status) => Err(fault(&status)),
        None => Err(too_long()),
    }
}

/// Up to one byte more than `max`, or `None` if time is up first.
fn read(output: ChildStdout, max: usize, deadline: Instant) -> Option<io::Result<Vec<u8>>> {
    let (sender, receiver) = mpsc::channel();
    // The thread ends with the pipe, and the pipe with the processes that hold it.
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = output.take(max as u64 + 1).read_to_end(&mut bytes);
        let _ = sender.send(read.map(|_| bytes));
    });
    let left = deadline.saturating_duration_since(Instant::now());
    receiver.recv_timeout(left).ok()
}

/// A process and all it starts; killed when dropped.
struct Group(Child);

impl Group {
    fn start(line: &str) -> io::Result<Self> {
        Command::new("/bin/sh")
            .args(["-c", line])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .map(Self)
    }

    /// Puts `input` on its standard input and closes that.
    fn feed(&mut self, input: &[u8]) {
        let Some(mut pipe) = self.0.stdin.take() else {
            return;
        };
        if input.is_empty() {
            return;
        }
        let input = Zeroizing::new(input.to_vec());
        // The thread ends when all is read, or with the processes that could read it. Not every command reads its input.
        thread::spawn(move || drop(pipe.write_all(&input)));
    }

    fn wait(&mut self, deadline: Instant) -> io::Result<Option<ExitStatus>> {
        loop {
            if let Some(status) = self.0.try_wait()? {
                return Ok(Some(status));
            }
            if Instant::now() >= deadline {
                return Ok(None);
            }
            thread::sleep(STEP);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Once waited for, its number may belong to somebody else.
        if let (Ok(None), Ok(id)) = (self.0.try_wait(), libc::pid_t::try_from(self.0.id())) {
            // SAFETY: kill(2) takes two integers; the group is the one of our own child, which was not waited for yet.
            let _ = unsafe { libc::kill(-id, libc::SIGKILL) };
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_bounded_in_every_way() {
        assert_eq!(run("printf abc", b"", 3).unwrap(), b"abc");
        assert!(matches!(
            run("printf abcd", b"", 3),
            Err(CommandError::TooLarge { .. })
        ));
        assert!(matches!(
            run("yes", b"", 1000),
            Err(CommandError::TooLarge { .. })
        ));
        let error = run("printf abc; exit 3", b"", 3).unwrap_err().to_string();
        assert!(error.contains("exit status: 3"), "{error}");
        assert!(run("no-such-command-at-all", b"", 3).is_err());
        assert_eq!(run("cat", b"", 3).unwrap(), b"", "there is nothing to read");
    }

    #[test]
    fn a_command_finds_its_input_and_need_not_read_it() {
        let long = vec![b'x'; 1 << 20];
        assert_eq!(run("tr a-z A-Z", b"on", 3).unwrap(), b"ON");
        assert_eq!(run("wc -c", &long, 10).unwrap(), b"1048576\n");
        assert_eq!(run("echo done", &long, 10).unwrap(), b"done\n");
        let error = run_within("sleep 60", &long, 10, Duration::from_millis(200)).unwrap_err();
        assert!(error.to_string().contains("not done within"), "{error}");
    }

    #[test]
    fn what_takes_too_long_is_killed_with_all_it_started() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("alive");
        let lines = [
            format!("(sleep 1; touch {}) & sleep 60", file.display()),
            format!("exec >/dev/null; sleep 1; touch {}", file.display()),
        ];
        for line in lines {
            let began = Instant::now();
            let error = run_within(&line, b"", 10, Duration::from_millis(200)).unwrap_err();
            assert!(error.to_string().contains("not done within"), "{error}");
            assert!(began.elapsed() < Duration::from_secs(1));
        }
        thread::sleep(Duration::from_millis(1500));
        assert!(!file.exists());
    }
}
