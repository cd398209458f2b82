//! The bare-metal example on emulated boards, each checked by the `iotchain` tool over its serial line.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::dist;
use crate::run::{Outcome, cargo, command, root, run, run_quietly, target_dir};
use crate::target::{CORTEX_M4, HOST, Target};

const EXAMPLE: &str = "examples/c-bare-metal";
/// How long an emulator may take to open its line.
const PATIENCE: Duration = Duration::from_secs(10);

/// A board of the example's makefile, and what emulates it.
struct Board {
    name: &'static str,
    target: &'static str,
    emulator: &'static str,
}

const BOARDS: &[Board] = &[
    Board {
        name: "microbit",
        target: "thumbv6m-none-eabi",
        emulator: "qemu-system-arm -M microbit -semihosting-config enable=on,target=native",
    },
    Board {
        name: "mps2-an385",
        target: "thumbv7m-none-eabi",
        emulator: "qemu-system-arm -M mps2-an385 -semihosting-config enable=on,target=native",
    },
    Board {
        name: "mps2-an386",
        target: CORTEX_M4,
        emulator: "qemu-system-arm -M mps2-an386 -semihosting-config enable=on,target=native",
    },
    Board {
        name: "virt",
        target: "riscv32imac-unknown-none-elf",
        emulator: "qemu-system-riscv32 -M virt -bios none",
    },
];

/// The board that is a process, under the sanitizers of a compiler each.
const HOSTS: &[(&str, &str)] = &[
    (
        "gcc",
        "-g -fsanitize=address,undefined -fno-sanitize-recover=all",
    ),
    (
        "clang",
        "-g -fsanitize=address,undefined -fno-sanitize-recover=all",
    ),
];

/// Builds the example for every board and has each pass the checks of `iotchain board`.
pub(crate) fn boards() -> Outcome {
    run(&mut cargo(
        "build --release --locked --package iotchain-node --bin iotchain",
    ))?;
    dist::package(Target::named(HOST)?, "")?;
    for (compiler, flags) in HOSTS {
        let mut make = command("make", &format!("--always-make -C {EXAMPLE} BOARD=host"));
        run_quietly(
            make.arg(format!("CC={compiler}"))
                .arg(format!("CFLAGS={flags}")),
        )?;
        let firmware = root().join(EXAMPLE).join("build/host/firmware.elf");
        println!("-- host, {compiler}");
        run(command(tool(), "board --program").arg(&firmware))?;
    }
    for board in BOARDS {
        dist::package(Target::named(board.target)?, "")?;
        let make = format!("--always-make -C {EXAMPLE} BOARD={}", board.name);
        run_quietly(&mut command("make", &make))?;
        let firmware = format!("{EXAMPLE}/build/{}/firmware.elf", board.name);
        run(&mut Target::named(board.target)?.tool("size", &firmware))?;
        check(board.name, |line| {
            let (program, arguments) = board.emulator.split_once(' ').unwrap_or_default();
            let mut emulator = command(program, arguments);
            emulator.args(["-display", "none", "-monitor", "none", "-kernel", &firmware]);
            emulator
                .arg("-serial")
                .arg(format!("unix:{},server=on,wait=on", line.display()));
            emulator
                .stdin(Stdio::null())
                .spawn()
                .map_err(|error| format!("{program}: {error}"))
        })?;
    }
    Ok(())
}

/// The tool, as users have it.
fn tool() -> PathBuf {
    target_dir("release").join("iotchain")
}

/// Starts a board on a line, and has the tool check it.
fn check(name: &str, start: impl FnOnce(&Path) -> Result<Child, String>) -> Outcome {
    println!("-- {name}");
    let line = target_dir("").join("board.sock");
    let _ = fs::remove_file(&line);
    let mut board = start(&line)?;
    let began = Instant::now();
    while !line.exists() && began.elapsed() < PATIENCE {
        sleep(Duration::from_millis(20));
    }
    let checked = run(command(tool(), "board --serial").arg(&line));
    let _ = board.kill();
    let _ = board.wait();
    checked.map_err(|error| format!("{name}: {error}"))
}
