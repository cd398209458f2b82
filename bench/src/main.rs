//! Measures IoTChain side by side with its peers, in one run.
//!
//! ```text
//! iotchain-bench selfheal [--json FILE] [--docs FILE] [--quick]
//! ```

mod draw;
mod format;
mod group;
mod instructions;
mod measure;
mod mls;
mod page;
mod report;
mod row;
mod selfheal;
mod start;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

/// What can go wrong ends the run with one line.
type Outcome<T = ()> = Result<T, Box<dyn Error>>;

const USAGE: &str = "usage: cargo xtask bench selfheal [--json FILE] [--docs FILE] [--quick]

  --json FILE  write every row: {bench, peer, op, n, r, w, bytes, ns}
  --docs FILE  replace the part of FILE between the markers of the bench
  --quick      small groups only: does it run?";

/// The options of a run.
#[derive(Default)]
struct Options {
    json: Option<PathBuf>,
    docs: Option<PathBuf>,
    quick: bool,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        // what the bench starts itself, in a process of its own
        ["start", snapshot] => start::serve(snapshot.as_ref()),
        ["probe", name] => instructions::probe(name),
        ["selfheal", ref options @ ..] => parse(options).and_then(|options| selfheal(&options)),
        _ => Err(USAGE.into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("error: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn parse(arguments: &[&str]) -> Outcome<Options> {
    let mut options = Options::default();
    let mut rest = arguments.iter();
    while let Some(option) = rest.next() {
        let mut file = || rest.next().map(PathBuf::from).ok_or(USAGE);
        match *option {
            "--json" => options.json = Some(file()?),
            "--docs" => options.docs = Some(file()?),
            "--quick" => options.quick = true,
            _ => return Err(USAGE.into()),
        }
    }
    Ok(options)
}

fn selfheal(options: &Options) -> Outcome {
    let results = selfheal::run(options.quick)?;
    let text = report::selfheal(&results);
    print!("{text}");
    if let Some(file) = &options.json {
        std::fs::write(file, row::json(&results.rows))?;
    }
    if let Some(file) = &options.docs {
        page::replace(file, "selfheal", &text)?;
    }
    Ok(())
}
