//! Running other programs from the root of the tree.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// What a chore ends with: nothing, or the reason why it failed.
pub(crate) type Outcome = Result<(), String>;

/// The root of the source tree.
pub(crate) fn root() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.parent().map_or(here.clone(), PathBuf::from)
}

/// Where a workspace of its own, such as `fuzz`, is built.
pub(crate) fn target_dir(workspace: &str) -> PathBuf {
    let base = std::env::var_os("CARGO_TARGET_DIR");
    base.map_or_else(|| root().join("target"), PathBuf::from)
        .join(workspace)
}

/// The cargo that runs us, with `arguments` split at blanks.
pub(crate) fn cargo(arguments: &str) -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    command(cargo, arguments)
}

/// A program at the root of the tree, with `arguments` split at blanks.
pub(crate) fn command(program: impl AsRef<OsStr>, arguments: &str) -> Command {
    let mut command = Command::new(program);
    command
        .args(arguments.split_whitespace())
        .current_dir(root());
    command
}

/// Shows and runs `command`.
pub(crate) fn run(command: &mut Command) -> Outcome {
    println!("$ {}", shown(command));
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{}` ended with {status}", shown(command))),
        Err(error) => Err(format!("`{}`: {error}", shown(command))),
    }
}

/// Shows and runs `command`, and shows what it printed only if it failed.
pub(crate) fn run_quietly(command: &mut Command) -> Outcome {
    println!("$ {}", shown(command));
    let result = command
        .output()
        .map_err(|error| format!("`{}`: {error}", shown(command)))?;
    if result.status.success() {
        return Ok(());
    }
    print!(
        "{}{}",
        String::from_utf8_lossy(&result.stdout),
        String::from_utf8_lossy(&result.stderr)
    );
    Err(format!("`{}` ended with {}", shown(command), result.status))
}

/// The standard output of `command`, which must succeed.
pub(crate) fn output(command: &mut Command) -> Result<String, String> {
    let result = command.stderr(Stdio::inherit()).output();
    let result = result.map_err(|error| format!("`{}`: {error}", shown(command)))?;
    if !result.status.success() {
        return Err(format!("`{}` ended with {}", shown(command), result.status));
    }
    String::from_utf8(result.stdout).map_err(|_| format!("`{}` printed no text", shown(command)))
}

/// Whether `command` runs and succeeds, silently.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    let quiet = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

/// `findings` as a failure, one per line, or success if there are none.
pub(crate) fn none(what: &str, findings: &[String]) -> Outcome {
    if findings.is_empty() {
        return Ok(());
    }
    for finding in findings {
        println!("  {finding}");
    }
    Err(format!("{}: {what}", findings.len()))
}

fn shown(command: &Command) -> String {
    let program = PathBuf::from(command.get_program());
    let mut text = program
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    for argument in command.get_args() {
        text.push(' ');
        text.push_str(&argument.to_string_lossy());
    }
    text
}
