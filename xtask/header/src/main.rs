//! `header CRATE FILE`: writes the C header of `CRATE` to `FILE`. A warning of cbindgen is a failure, because it means
//! that something of the interface is missing in the header.

use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};

use log::{LevelFilter, Log, Metadata, Record};

/// Prints and counts what cbindgen complains about.
struct Complaints(AtomicUsize);

static COMPLAINTS: Complaints = Complaints(AtomicUsize::new(0));

impl Log for Complaints {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        eprintln!("{}: {}", record.level(), record.args());
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn flush(&self) {}
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [source, header] = arguments.as_slice() else {
        eprintln!("usage: header CRATE FILE");
        return ExitCode::from(2);
    };
    match write(Path::new(source), Path::new(header)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("error: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn write(source: &Path, header: &Path) -> Result<(), String> {
    log::set_logger(&COMPLAINTS).map_err(|error| error.to_string())?;
    log::set_max_level(LevelFilter::Warn);
    let config = cbindgen::Config::from_file(source.join("cbindgen.toml"))?;
    let bindings = cbindgen::Builder::new()
        .with_crate(source)
        .with_config(config)
        .generate();
    let bindings = bindings.map_err(|error| error.to_string())?;
    match COMPLAINTS.0.load(Ordering::Relaxed) {
        0 => {
            bindings.write_to_file(header);
            Ok(())
        }
        complaints => Err(format!("{complaints} warnings")),
    }
}
