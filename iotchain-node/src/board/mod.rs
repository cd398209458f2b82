//! A bench for boards: plays key server and client towards firmware on a serial line, so that a port of the C library can be
//! checked without network, ledger or DTLS.
//!
//! ```text
//! iotchain board --serial PATH                              firmware: examples/c-bare-metal/board.c
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

use std::path::PathBuf;

use crate::NodeError;
use crate::clock::Stop;
use line::Line;

/// Check firmware on a serial line: join, heal, read, command, revoke
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A serial device, set to raw mode (`stty raw -echo`), or a Unix socket such as that of an emulator
    #[arg(long, value_name = "PATH")]
    serial: PathBuf,
}

/// Runs `iotchain board`.
///
/// # Errors
/// [`NodeError::Io`] if the line cannot be used, [`NodeError::Failed`] for the first check that does not hold.
pub fn run(args: Args, _: &Stop) -> Result<(), NodeError> {
    story::tell(&mut Line::open(&args.serial)?)
}
