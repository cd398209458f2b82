//! A bench for boards: plays key server and client towards firmware on a serial line, so that a port of the C library can be
//! checked without network, ledger or DTLS.
//!
//! ```text
//! iotchain board --serial PATH                           firmware: examples/c-bare-metal/board.c
//!   group of its own --- join material, events, beacons --->  member, resource server
//!   client           <-- readings, signed ones, replies ----  sealed objects
//!                    --- commands ------------------------->  opened
//! ```
//!
//! All messages are those of the real roles. What a serial line lacks, DTLS, is stood in for by an exporter value that the bench
//! chooses; never give a board of yours real keys over such a line.

mod group;
mod line;
mod story;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::NodeError;
use crate::clock::Stop;
use line::Line;

/// Check firmware on a serial line: join, heal, read, command, revoke
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A serial device, set to raw mode (`stty raw -echo`), or a Unix socket such as that of an emulator
    #[arg(long, value_name = "PATH", required_unless_present = "program")]
    serial: Option<PathBuf>,
    /// A program that is the board: its standard input and output are the line
    #[arg(long, value_name = "PATH", conflicts_with = "serial")]
    program: Option<PathBuf>,
}

/// Runs `iotchain board`.
///
/// # Errors
/// [`NodeError::Io`] if the line cannot be used, [`NodeError::Failed`] for the first check that does not hold.
pub fn run(args: Args, _: &Stop) -> Result<(), NodeError> {
    match (args.serial, args.program) {
        (_, Some(program)) => with_program(&program),
        (Some(serial), None) => story::tell(&mut Line::open(&serial)?),
        (None, None) => Err(NodeError::Config("no line to a board".to_owned())),
    }
}

/// Tells the story to a process, which ends well when it is told to.
fn with_program(path: &Path) -> Result<(), NodeError> {
    let fault = |source| NodeError::io(path.display(), source);
    let mut board = Command::new(path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(fault)?;
    let streams = board.stdout.take().zip(board.stdin.take());
    let told = match streams {
        Some((input, out)) => story::tell(&mut Line::over(input, out)),
        None => Err(NodeError::Failed("the program has no line".to_owned())),
    };
    if told.is_err() {
        let _ = board.kill();
    }
    let status = board.wait().map_err(fault)?;
    told?;
    if status.success() {
        Ok(())
    } else {
        Err(NodeError::Failed(format!(
            "the program ended with {status}"
        )))
    }
}
