//! Where the C library runs: the targets, and the programs that build for them.

use std::path::Path;
use std::process::Command;

use crate::run::{cargo, command, output, succeeds};

/// The Linux that checks run on.
pub(crate) const HOST: &str = "x86_64-unknown-linux-gnu";
/// The target of checks that need only one device: a Cortex-M4 without an operating system.
pub(crate) const CORTEX_M4: &str = "thumbv7em-none-eabi";
/// Debian's own cargo: its compiler comes with the source of `core` as a package.
pub(crate) const DEBIAN_CARGO: &str = "/usr/bin/cargo";
/// The compiler that belongs to [`DEBIAN_CARGO`].
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";

/// Small AES and SHA-256, and 32-bit limbs: the `cpubits` crate would take an ARMv7 core for a 64-bit machine.
const DEVICE_FLAGS: &str =
    r#"--cfg cpubits="32" --cfg aes_backend_soft="compact" --cfg sha2_backend_soft="compact""#;

/// A target of the library.
pub(crate) struct Target {
    /// Its name for rustc.
    pub(crate) triple: &'static str,
    /// How the names of its binutils begin.
    binutils: &'static str,
    /// Its name for the linker.
    emulation: &'static str,
    /// What rustc is told about it alone.
    rustc: &'static str,
}

/// All targets that archives are built for.
pub(crate) const TARGETS: &[Target] = &[
    Target {
        triple: HOST,
        binutils: "",
        emulation: "elf_x86_64",
        rustc: "",
    },
    arm("thumbv6m-none-eabi", ""),
    arm("thumbv7m-none-eabi", ""),
    arm(CORTEX_M4, ""),
    // with the FPU, the generic core is taken for a smaller one: a quarter more instructions in a signature
    arm("thumbv7em-none-eabihf", "-Ctarget-cpu=cortex-m4"),
    arm("thumbv8m.main-none-eabi", ""),
    Target {
        triple: "riscv32imac-unknown-none-elf",
        binutils: "riscv64-unknown-elf-",
        emulation: "elf32lriscv",
        rustc: "",
    },
];

const fn arm(triple: &'static str, rustc: &'static str) -> Target {
    Target {
        triple,
        binutils: "arm-none-eabi-",
        emulation: "armelf",
        rustc,
    }
}

impl Target {
    /// The target that rustc calls `triple`.
    pub(crate) fn named(triple: &str) -> Result<&'static Self, String> {
        let known = TARGETS.iter().find(|target| target.triple == triple);
        known.ok_or_else(|| {
            let names: Vec<&str> = TARGETS.iter().map(|target| target.triple).collect();
            format!("no target `{triple}`; there are {}", names.join(", "))
        })
    }

    /// Whether it has an operating system and a C library of its own.
    pub(crate) fn is_hosted(&self) -> bool {
        self.triple == HOST
    }

    /// A cargo that builds for the target: ours if rustup has the target, else the one of Debian with the source of
    /// `core`. What the caller says in `RUSTFLAGS` counts, `--cfg iotchain_aes="port"` for one.
    pub(crate) fn cargo(&self, arguments: &str) -> Result<Command, String> {
        let flags = std::env::var("RUSTFLAGS").unwrap_or_default();
        self.cargo_with(&flags, arguments)
    }

    /// As [`Target::cargo`], with `flags` for rustc.
    pub(crate) fn cargo_with(&self, flags: &str, arguments: &str) -> Result<Command, String> {
        let mut ours = cargo(arguments);
        ours.args(["--target", self.triple]);
        if self.is_hosted() {
            ours.env("RUSTFLAGS", flags);
            return Ok(ours);
        }
        let flags = format!("{DEVICE_FLAGS} {} {flags}", self.rustc);
        if self.is_installed() {
            ours.env("RUSTFLAGS", flags);
            return Ok(ours);
        }
        if !succeeds(&mut command(DEBIAN_CARGO, "--version")) {
            return Err(format!(
                "no toolchain for {}; run `cargo xtask setup`",
                self.triple
            ));
        }
        let mut debian = command(DEBIAN_CARGO, arguments);
        debian
            .args(["--target", self.triple, "-Zbuild-std=core"])
            .env("RUSTC_BOOTSTRAP", "1")
            .env("RUSTFLAGS", flags)
            .env("RUSTC", DEBIAN_RUSTC);
        debian
            .env_remove("RUSTUP_TOOLCHAIN")
            .env_remove("CARGO")
            .env_remove("RUSTDOC");
        Ok(debian)
    }

    /// Whether the toolchain that runs us has the target's standard library.
    pub(crate) fn is_installed(&self) -> bool {
        let sysroot = output(&mut command("rustc", "--print sysroot"));
        sysroot.is_ok_and(|path| {
            Path::new(path.trim())
                .join("lib/rustlib")
                .join(self.triple)
                .is_dir()
        })
    }

    /// One of the target's binutils, such as `nm`.
    pub(crate) fn tool(&self, name: &str, arguments: &str) -> Command {
        command(format!("{}{name}", self.binutils), arguments)
    }

    /// The target's linker.
    pub(crate) fn linker(&self, arguments: &str) -> Command {
        self.tool("ld", &format!("-m {} {arguments}", self.emulation))
    }
}
