//! Measures IoTChain side by side with its peers, in one run.
//!
//! ```text
//! iotchain-bench selfheal|objects [--json FILE] [--docs FILE] [--quick]
//! ```

mod callgrind;
mod draw;
mod format;
mod goal;
mod machine;
mod measure;
mod objects;
mod page;
mod row;
mod selfheal;

use row::Row;
use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

/// What can go wrong ends the run with one line.
type Outcome<T = ()> = Result<T, Box<dyn Error>>;

const USAGE: &str = "usage: cargo xtask bench selfheal|objects [--json FILE] [--docs FILE] [--quick]

  selfheal     group keys: events, personal keys, one removal next to MLS
  objects      protected objects, signatures and tokens next to other libraries
  --json FILE  write every row, an array of objects; selfheal: {bench, peer, op, n, r, w, bytes, ns},
               objects: {bench, peer, op, size, ns, instructions}
  --docs FILE  replace the part of FILE between the markers of the bench
  --quick      little of it: does it run?";

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
        ["start", snapshot] => selfheal::start::serve(snapshot.as_ref()),
        ["probe", "selfheal", name] => selfheal::instructions::probe(name),
        ["probe", "objects", peer, op, size] => objects::instructions::probe(peer, op, size),
        ["selfheal", ref options @ ..] => parse(options).and_then(|options| {
            let results = selfheal::run(options.quick)?;
            let text = selfheal::report::text(&results);
            publish(&options, "selfheal", &results.rows, &text)
        }),
        ["objects", ref options @ ..] => parse(options).and_then(|options| {
            let results = objects::run(options.quick)?;
            let text = objects::report::text(&results);
            publish(&options, "objects", &results.rows, &text)
        }),
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

fn publish(options: &Options, bench: &str, rows: &[Row], text: &str) -> Outcome {
    print!("{text}");
    if let Some(file) = &options.json {
        std::fs::write(file, row::json(bench, rows))?;
    }
    if let Some(file) = &options.docs {
        page::replace(file, bench, text)?;
    }
    Ok(())
}
