//! Programs that find the library as their users would: by hand, with pkg-config, and with CMake.

use std::fs;
use std::path::Path;

use crate::run::{Outcome, command, root, run_quietly, target_dir};

/// A program with a makefile that asks pkg-config, and a project of CMake.
const EXAMPLE: &str = "examples/c";
/// What the applications for RIOT and Contiki-NG share.
const SHARED: &str = "examples/c-coap/group.c";

/// Builds and runs the example in each way, against a copy of the package: nothing in it may depend on where it lies.
pub(crate) fn consume(package: &Path) -> Outcome {
    let place = target_dir("consumers");
    if place.exists() {
        fs::remove_dir_all(&place).map_err(|error| format!("{}: {error}", place.display()))?;
    }
    fs::create_dir_all(&place).map_err(|error| format!("{}: {error}", place.display()))?;
    let prefix = place.join("prefix");
    let example = place.join("example");
    run_quietly(command("cp", "-R").args([package, &prefix]))?;
    run_quietly(command("cp", "-R").args([&root().join(EXAMPLE), &example]))?;
    let here = |program: &str, arguments: &str| {
        let mut command = command(program, arguments);
        command.current_dir(&example);
        command
    };

    run_quietly(here("sha256sum", "--check --strict --quiet SHA256SUMS").current_dir(&prefix))?;
    run_quietly(&mut here(
        "gcc",
        "-o by-hand example.c -I../prefix/include -L../prefix/lib -liotchain",
    ))?;
    run_quietly(&mut command(example.join("by-hand"), ""))?;

    let shared = "-c -o group.o -std=c99 -Wall -Wextra -Wpedantic -Werror -I../prefix/include";
    run_quietly(here("gcc", shared).arg(root().join(SHARED)))?;

    run_quietly(here("make", "--silent").env("PKG_CONFIG_PATH", prefix.join("lib/pkgconfig")))?;
    run_quietly(&mut command(example.join("example"), ""))?;

    run_quietly(
        here("cmake", "-B build -G Ninja").arg(format!("-DCMAKE_PREFIX_PATH={}", prefix.display())),
    )?;
    run_quietly(&mut here("cmake", "--build build"))?;
    run_quietly(&mut command(example.join("build/example"), ""))
}
