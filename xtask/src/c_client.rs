//! The client in C of `examples/c` against the roles as processes.

use std::fs;

use crate::dist;
use crate::run::{Outcome, cargo, command, root, run, run_quietly, target_dir};
use crate::target::{HOST, Target};

const EXAMPLE: &str = "examples/c";
const COMPILERS: &[&str] = &["gcc", "clang"];
const FLAGS: &str = "-g -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror -fsanitize=address,undefined \
                     -fno-sanitize-recover=all";
/// The features are those of the step `test`, so that nothing is built twice.
const TEST: &str = "test --workspace --all-features --locked --test c_client";

/// Builds the client with each compiler and has it read what its token grants.
pub(crate) fn c_client() -> Outcome {
    let package = dist::package(Target::named(HOST)?, "")?.folder;
    for compiler in COMPILERS {
        let place = target_dir("c-client").join(compiler);
        fs::create_dir_all(&place).map_err(|error| format!("{}: {error}", place.display()))?;
        for file in ["Makefile", "client.c"] {
            fs::copy(root().join(EXAMPLE).join(file), place.join(file))
                .map_err(|error| format!("{file}: {error}"))?;
        }
        let mut make = command("make", "--silent --always-make client");
        make.current_dir(&place).env("CC", compiler);
        make.env("CFLAGS", FLAGS)
            .env("PKG_CONFIG_PATH", package.join("lib/pkgconfig"));
        run_quietly(&mut make)?;
        run(cargo(TEST).env("IOTCHAIN_C_CLIENT", place.join("client")))?;
    }
    Ok(())
}
