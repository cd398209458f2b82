//! The command line: one binary, one subcommand per role.

use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

use crate::clock::Stop;
use crate::{NodeError, board, chain, client, demo, key_server, owner, proxy, resource_server};

/// End-to-end authorized access to IoT resources, with a ledger in place of an authorization server.
#[derive(Debug, Parser)]
#[command(name = "iotchain", version, arg_required_else_help = true, after_long_help = OVERVIEW)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// What to log on stderr, such as `debug` or `iotchain_node::key_server=trace,warn`; otherwise RUST_LOG, or `info`
    #[arg(long, global = true, value_name = "FILTER")]
    log: Option<String>,
}

const OVERVIEW: &str = "\
The whole story on this machine, with every check:
  iotchain demo

By hand, in this order, each role in a terminal of its own:
  iotchain ledger --data L
  iotchain owner --data O init --ledger http://127.0.0.1:8545
  iotchain owner --data O deploy --policy open
  iotchain owner --data O certify key-server --out K
  iotchain owner --data O new-key --out rs.key
  iotchain owner --data O add-resource-server --name meter --key rs.key --coap 127.0.0.1:5683 \\
                          --proxy coap://127.0.0.1:5690 --class 0007=load,doc
  iotchain owner --data O certify resource-server --key-file rs.key --out R
  iotchain key-server --data KD --catalogue O/catalogue.json --cert K/key-server.pem --cert-key K/key-server.key
  iotchain proxy --data P --catalogue O/catalogue.json
  iotchain resource-server --data RD --catalogue O/catalogue.json --name meter --key-file rs.key \\
                          --cert R/resource-server.pem --cert-key R/resource-server.key --resource load=proc:loadavg
  iotchain client --data C --catalogue O/catalogue.json request-token --rs meter --class 0007 --roles get --ttl 3600
  iotchain client --data C --catalogue O/catalogue.json get meter/load

Exit codes: 0 done, 1 refused or a check failed, 2 wrong command line, 3 settings or files, 4 network, 5 ledger,
6 stored state damaged, foreign or in use.";

#[derive(Debug, Subcommand)]
enum Command {
    Ledger(chain::Args),
    Owner(owner::Args),
    KeyServer(key_server::Args),
    ResourceServer(resource_server::Args),
    Proxy(proxy::Args),
    Client(client::Args),
    Demo(demo::Args),
    Board(board::Args),
}

/// Runs the command line of this process. One line on stderr tells what went wrong.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    match start_log(cli.log.as_deref()).and_then(|()| run(cli.command)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // nobody may be listening any more
            let _ = writeln!(std::io::stderr(), "iotchain: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}

fn run(command: Command) -> Result<(), NodeError> {
    // A single command may be killed at any point: what it keeps, it writes whole.
    let stop = match &command {
        Command::Owner(_) => Stop::new(),
        Command::Client(args) if !args.is_shell() => Stop::new(),
        _ => Stop::on_signals()?,
    };
    match command {
        Command::Ledger(args) => chain::run(args, &stop),
        Command::Owner(args) => owner::run(args, &stop),
        Command::KeyServer(args) => key_server::run(args, &stop),
        Command::ResourceServer(args) => resource_server::run(args, &stop),
        Command::Proxy(args) => proxy::run(args, &stop),
        Command::Client(args) => client::run(args, &stop),
        Command::Demo(args) => demo::run(args, &stop),
        Command::Board(args) => board::run(args, &stop),
    }
}

fn start_log(filter: Option<&str>) -> Result<(), NodeError> {
    let fault = |error: &dyn std::fmt::Display| NodeError::Config(format!("log filter: {error}"));
    let filter = match filter {
        Some(filter) => EnvFilter::try_new(filter).map_err(|error| fault(&error))?,
        None if std::env::var_os("RUST_LOG").is_some() => {
            EnvFilter::try_from_default_env().map_err(|error| fault(&error))?
        }
        None => EnvFilter::new("info"),
    };
    let colours = std::io::IsTerminal::is_terminal(&std::io::stderr());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        // A log that cannot be written, on a full disk for instance, must not take its role along.
        .log_internal_errors(false)
        .with_ansi(colours)
        .init();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_explains_itself() {
        for command in Cli::command().get_subcommands() {
            assert!(command.get_about().is_some(), "{}", command.get_name());
        }
    }
}
