//! No jump and no address depends on a secret, in the code as compiled.

use std::path::Path;

use crate::run::{Outcome, cargo, command, none, run_quietly, succeeds, target_dir};

/// The operations of `constant-time/src/main.rs`.
const OPERATIONS: &[&str] = &["sign", "seal", "open", "derive", "group-key"];
/// The operation that must be reported: a comparison that stops at the first difference.
const LEAK: &str = "leak";
/// Software AES and SHA-256, in the form that devices run.
const FLAGS: &str = r#"--cfg aes_backend="soft" --cfg sha2_backend="soft" --cfg aes_backend_soft="compact" --cfg sha2_backend_soft="compact""#;

/// Runs each operation on secrets that valgrind takes for undefined.
pub(crate) fn constant_time() -> Outcome {
    if !cfg!(all(target_arch = "x86_64", target_os = "linux")) {
        println!("only on x86-64 Linux: what valgrind is told is machine code");
        return Ok(());
    }
    let target = target_dir("constant-time");
    let build = "build --release --locked --manifest-path constant-time/Cargo.toml";
    run_quietly(
        cargo(build)
            .env("RUSTFLAGS", FLAGS)
            .env("CARGO_TARGET_DIR", &target),
    )?;
    let program = target.join("release/iotchain-constant-time");
    // the leak is one only for valgrind: its comparison succeeds
    run_quietly(&mut command(&program, LEAK))?;
    let mut leaking = Vec::new();
    for operation in OPERATIONS {
        if let Err(reason) = run_quietly(&mut watched(&program, operation)) {
            leaking.push(reason);
        }
    }
    if succeeds(&mut watched(&program, LEAK)) {
        leaking.push(String::from("valgrind did not see the leak that is there"));
    }
    none("operations whose course depends on a secret", &leaking)
}

fn watched(program: &Path, operation: &str) -> std::process::Command {
    let arguments =
        "--quiet --error-exitcode=9 --num-callers=30 --suppressions=constant-time/allowed.supp";
    let mut valgrind = command("valgrind", arguments);
    valgrind.arg(program).arg(operation);
    valgrind
}
