//! `group-sim`: plays a lossy, sleepy group against several ways to key it, and prints who read what at what cost.

use clap::{Parser, ValueEnum};
use group_sim::strategy::{Mode, Settings, Strategy};
use group_sim::trace::{Link, Population, Sleep, Trace};
use group_sim::{Outcome, plots, report};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{fs, io};

/// Simulates a lossy, sleepy group: who reads which session, and at what cost.
///
/// All strategies meet the same trace, which depends on the arguments and the seed alone. A member that was revoked
/// hears everything and reads nothing, or the run fails.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Members before the first session
    #[arg(long, default_value_t = 1000)]
    members: u32,
    /// Sessions; 24 are a day of an hour each
    #[arg(long, default_value_t = 24)]
    sessions: u32,
    /// Members that join later, each in a random session
    #[arg(long, default_value_t = 20)]
    joins: u32,
    /// Members that are revoked, each in a random session
    #[arg(long, default_value_t = 12)]
    revocations: u32,
    /// Share of transmissions that are lost
    #[arg(long, default_value_t = 0.2)]
    loss: f64,
    /// Mean length of a bad period in sessions (Gilbert-Elliott); without it losses are independent
    #[arg(long)]
    burst: Option<f64>,
    /// Share of transmissions lost in a bad period
    #[arg(long, default_value_t = 1.0, requires = "burst")]
    bad_loss: f64,
    /// Share of members that sleep
    #[arg(long, default_value_t = 0.3)]
    sleepers: f64,
    /// Sessions that they sleep in a row
    #[arg(long, default_value_t = 8)]
    asleep: u32,
    /// Sessions that they are awake in between
    #[arg(long, default_value_t = 4)]
    awake: u32,
    /// rsd: events that one event heals (1..=64)
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u8).range(1..=64))]
    window: u8,
    /// rsd: transmit the newest event again every so many sessions, 0 for never
    #[arg(long, default_value_t = 4)]
    repeat: u32,
    /// rsd: a fresh chain state every so many sessions without a revocation, 0 for never
    #[arg(long, default_value_t = 0)]
    refresh: u32,
    /// polynomial: t, how many members may be revoked in one epoch
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=1024))]
    degree: u32,
    /// polynomial: w, earlier sessions that one message heals (0..=63)
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u8).range(0..=63))]
    earlier: u8,
    /// Strategies to compare
    #[arg(long, value_delimiter = ',', value_enum, default_values_t = Strategy::value_variants().to_vec())]
    strategies: Vec<Strategy>,
    /// What the link allows; without it both are played
    #[arg(long, value_enum)]
    mode: Option<Mode>,
    /// Members in the map of the first strategy, 0 for no map
    #[arg(long, default_value_t = 12)]
    map: usize,
    /// Writes plots as SVG files to this directory
    #[arg(long, value_name = "DIR")]
    svg: Option<PathBuf>,
    /// Seed of everything
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let population = Population {
        members: arguments.members,
        sessions: arguments.sessions,
        joins: arguments.joins,
        revocations: arguments.revocations,
    };
    let link = match arguments.burst {
        None => Link::independent(arguments.loss),
        Some(burst) => Link::bursty(arguments.loss, burst, arguments.bad_loss),
    };
    let sleep = Sleep {
        share: arguments.sleepers,
        asleep: arguments.asleep,
        awake: arguments.awake,
    };
    let settings = Settings {
        window: arguments.window,
        repeat: arguments.repeat,
        refresh: arguments.refresh,
        degree: arguments.degree,
        earlier: arguments.earlier,
        seed: arguments.seed,
    };
    let trace = Trace::draw(population, link, sleep, arguments.seed)?;
    println!(
        "{} members, {} sessions, {} joins, {} revocations, {:.1} % loss{}, {:.0} % sleep {} of {} sessions, seed {}",
        arguments.members,
        arguments.sessions,
        arguments.joins,
        arguments.revocations,
        100.0 * arguments.loss,
        arguments
            .burst
            .map_or(String::new(), |burst| format!(" in bursts of {burst}")),
        100.0 * arguments.sleepers,
        arguments.asleep,
        arguments.asleep + arguments.awake,
        arguments.seed
    );
    let modes = arguments
        .mode
        .map_or_else(|| Mode::value_variants().to_vec(), |mode| vec![mode]);
    let mut leaks = 0;
    for mode in modes {
        leaks += play(arguments, &trace, mode, &settings)?;
    }
    println!(
        "\nat once, later, never: share of the sessions of all members, as known when the run ends\n\
         leaks: sessions read by non-members\n\
         air: bytes on air per session; a broadcast counts once, unicast for each member\n\
         rx, tx, AES, SHA-256, verify, GF, M4: per member and session; join: bytes of the personal key or its peer\n\
         AES: blocks, each under a fresh key; SHA-256: compressions; M4: their instructions on a Cortex-M4\n\
         * a cost model, see the documentation of its module; the others are the real key server and members"
    );
    if leaks == 0 {
        Ok(())
    } else {
        Err("a non-member read a session".into())
    }
}

/// One mode: plays all strategies, prints and draws; the number of leaks.
fn play(
    arguments: &Arguments,
    trace: &Trace,
    mode: Mode,
    settings: &Settings,
) -> Result<u64, Box<dyn Error>> {
    let (title, name) = match mode {
        Mode::OneWay => ("one-way: nobody answers the key server", "one-way"),
        Mode::TwoWay => (
            "two-way: a member without the key of the session asks for it",
            "two-way",
        ),
    };
    let mut runs: Vec<(Strategy, Outcome)> = Vec::new();
    let mut refused = String::new();
    for strategy in &arguments.strategies {
        match strategy.run(trace, mode, settings) {
            Ok(outcome) => runs.push((*strategy, outcome)),
            Err(iotchain_core::Error::TooManyRevoked) => {
                refused = format!(
                    "{}: more revocations than t, it would need another epoch\n",
                    strategy.name()
                );
            }
            Err(error) => return Err(error.into()),
        }
    }
    println!("\n{title}\n\n{}{refused}", report::table(trace, &runs));
    if let Some((strategy, outcome)) = runs.first().filter(|_| arguments.map > 0) {
        println!(
            "{}: member and sessions; # read in its session, + later, - never\n{}",
            strategy.name(),
            report::map(trace, outcome, arguments.map)
        );
    }
    if let Some(folder) = &arguments.svg {
        draw(folder, name, title, trace, &runs)?;
    }
    Ok(runs
        .iter()
        .map(|(_, outcome)| outcome.summary(trace).leaks)
        .sum())
}

fn draw(
    folder: &Path,
    name: &str,
    title: &str,
    trace: &Trace,
    runs: &[(Strategy, Outcome)],
) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let write = |plot: &str, svg: String| fs::write(folder.join(format!("{plot}-{name}.svg")), svg);
    write(
        "reading",
        plots::reading(&format!("Sessions read, {title}"), trace, runs),
    )?;
    write(
        "air",
        plots::air(
            &format!("Bytes on air since the start, {title}"),
            trace,
            runs,
        ),
    )?;
    if let Some((strategy, outcome)) = runs.first() {
        let title = format!("Who read which session: {}, {title}", strategy.name());
        write("map", plots::map(&title, trace, outcome))?;
    }
    Ok(())
}
