//! `header CRATE FILE`: writes the C header of `CRATE` to `FILE`. A warning of cbindgen is a failure, because it means
//! that something of the interface is missing in the header.

use std::fs;
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
        if is_meant(&record.args().to_string()) {
            return;
        }
        eprintln!("{}: {}", record.level(), record.args());
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn flush(&self) {}
}

/// Callbacks of the library are not declared, nor constants without a name, which only assert; and the header declares every
/// function whichever features a library has.
fn is_meant(warning: &str) -> bool {
    let is_callback = warning.starts_with("Skipping iotchain-ffi::")
        && !warning.starts_with("Skipping iotchain-ffi::iotchain_")
        && warning.contains("not `no_mangle`");
    let is_assertion = warning.starts_with("Skip iotchain-ffi::_ - ");
    is_callback || is_assertion || warning.starts_with("Missing `[defines]` entry for")
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

/// Without the sections `# Safety`, the last of each comment: what they oblige a Rust caller to is what the rest of the comment tells
/// a caller from C.
fn without_safety(header: &str) -> String {
    const SECTION: &str = " *\n * # Safety\n";
    let mut kept = String::new();
    let mut rest = header;
    while let Some((before, after)) = rest.split_once(SECTION) {
        kept.push_str(before);
        rest = after.find(" */").map_or("", |end| &after[end..]);
    }
    kept + rest
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
            let mut text = Vec::new();
            bindings.write(&mut text);
            let text = String::from_utf8(text).map_err(|error| error.to_string())?;
            fs::write(header, without_safety(&text)).map_err(|error| error.to_string())
        }
        complaints => Err(format!("{complaints} warnings")),
    }
}
