//! `cargo xtask`: everything a reader must be able to repeat.
//!
//! Each check is one function that prints what it does and fails with a reason. `ci` is the list of
//! all of them; CI runs nothing else.

mod archive;
mod bench;
mod boards;
mod budget;
mod build;
mod c;
mod c_client;
mod ci;
mod constant_time;
mod consumers;
mod contracts;
mod deps;
mod disassembly;
mod dist;
mod firmware;
mod footprint;
mod functions;
mod fuzz;
mod header;
mod image;
mod interop;
mod labels;
mod over_port;
mod port;
mod run;
mod setup;
mod source;
mod stack;
mod target;
mod tree;

use std::process::ExitCode;

use run::Outcome;

/// One chore: its name on the command line, what it does, and the function.
struct Task {
    name: &'static str,
    about: &'static str,
    run: fn() -> Outcome,
}

/// All chores, in the order in which the help lists them.
const TASKS: &[Task] = &[
    Task {
        name: "ci",
        about: "install what the checks need, then run all of them",
        run: ci::ci,
    },
    Task {
        name: "setup",
        about: "install what the checks need (Debian, npm and Python packages)",
        run: setup::setup,
    },
    Task {
        name: "lint",
        about: "formatting and clippy, warnings are errors",
        run: build::lint,
    },
    Task {
        name: "panics",
        about: "device crates hold no call that can panic",
        run: build::panics,
    },
    Task {
        name: "test",
        about: "build and test every crate",
        run: build::test,
    },
    Task {
        name: "doctest",
        about: "the examples in the documentation",
        run: build::doctest,
    },
    Task {
        name: "doc",
        about: "the documentation builds without a warning",
        run: build::doc,
    },
    Task {
        name: "features",
        about: "device crates build with each feature alone and with none",
        run: build::features,
    },
    Task {
        name: "no-std",
        about: "device crates build for a bare-metal Cortex-M4",
        run: build::no_std,
    },
    Task {
        name: "firmware",
        about: "instructions, stack and flash on emulated cores",
        run: firmware::firmware,
    },
    Task {
        name: "port",
        about: "AES and ES256K of a platform give the same bytes as ours",
        run: port::port,
    },
    Task {
        name: "constant-time",
        about: "no jump depends on a secret, in the compiled code (valgrind)",
        run: constant_time::constant_time,
    },
    Task {
        name: "deps",
        about: "device graph, licences and sources of all dependencies",
        run: deps::deps,
    },
    Task {
        name: "source",
        about: "no machine paths, no unfinished work",
        run: source::source,
    },
    Task {
        name: "spec",
        about: "rules of the specification stand in the text and have tests",
        run: labels::labels,
    },
    Task {
        name: "contracts",
        about: "contract build output is what the source gives; forge tests",
        run: contracts::contracts,
    },
    Task {
        name: "c",
        about: "the C header is up to date; C99, C11 and C++17 tests, memory watched",
        run: c::c,
    },
    Task {
        name: "archive",
        about: "C archives for every target: what they export, need, and panic in",
        run: archive::archive,
    },
    Task {
        name: "c-client",
        about: "a client in C, over libcoap and OpenSSL, reads from running roles",
        run: c_client::c_client,
    },
    Task {
        name: "boards",
        about: "the bare-metal example on emulated boards, checked over their serial line",
        run: boards::boards,
    },
    Task {
        name: "vectors",
        about: "the conformance runner over vectors/",
        run: build::vectors,
    },
    Task {
        name: "interop",
        about: "Python and JavaScript stacks agree, official test vectors",
        run: interop::interop,
    },
    Task {
        name: "demo",
        about: "the paper's whole flow on one machine",
        run: build::demo,
    },
    Task {
        name: "fuzz-smoke",
        about: "each fuzz target for a few seconds",
        run: fuzz::smoke,
    },
];

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let outcome = match arguments.next().as_deref() {
        Some("bench") => bench::bench(arguments),
        Some("dist") => dist::dist(arguments),
        Some("footprint") => firmware::footprint(),
        Some("fuzz") => fuzz::one(arguments.next().as_deref()),
        Some("stack") => functions::stack(arguments.next().as_deref()),
        Some("header") => header::header(arguments.next().as_deref()),
        Some(name) => match TASKS.iter().find(|task| task.name == name) {
            Some(task) => (task.run)(),
            None => Err(format!("no task `{name}`\n\n{}", help())),
        },
        None => {
            println!("{}", help());
            return ExitCode::SUCCESS;
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("error: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn help() -> String {
    let mut text = String::from("usage: cargo xtask TASK\n\n");
    for task in TASKS {
        text.push_str(&format!("  {:<13} {}\n", task.name, task.about));
    }
    text.push_str("  dist          C archives: dist [TARGET..] [-- OPTION-OF-CARGO..]\n");
    text.push_str("  footprint     measure as `firmware` does and write docs/footprint.md\n");
    text.push_str(
        "  stack         how deep functions of the header go; with NAME, the deepest way through one\n",
    );
    text.push_str("  header        write include/iotchain.h; with --check, compare it\n");
    text.push_str(
        "  bench NAME    measure side by side with peers; without NAME, show the options\n",
    );
    text.push_str("  fuzz TARGET   fuzz one target until stopped; without TARGET, list them\n");
    text
}
