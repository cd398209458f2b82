//! What devices pay: instructions, stack and flash on emulated cores, compared with the committed figures.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::budget;
use crate::footprint::{self, Cost, Costs, number};
use crate::functions;
use crate::image::{ON_PANIC, alone};
use crate::over_port;
use crate::run::{Outcome, command, none, output, run_quietly, target_dir};
use crate::stack::{Depth, Stacks};
use crate::target::{CORTEX_M4, Target};

/// A core that measures.
struct Core {
    name: &'static str,
    triple: &'static str,
    script: &'static str,
    /// The machine of the emulator that it stands in.
    machine: &'static str,
}

const CORES: [Core; 4] = [
    Core {
        name: "Cortex-M4",
        triple: CORTEX_M4,
        script: "firmware/cortex-m.ld",
        machine: "qemu-system-arm -M mps2-an386",
    },
    Core {
        name: "Cortex-M3",
        triple: "thumbv7m-none-eabi",
        script: "firmware/cortex-m.ld",
        machine: "qemu-system-arm -M mps2-an385",
    },
    // its instructions are a part of those of the core that runs them
    Core {
        name: "Cortex-M0",
        triple: "thumbv6m-none-eabi",
        script: "firmware/cortex-m.ld",
        machine: "qemu-system-arm -M mps2-an385",
    },
    Core {
        name: "RISC-V (rv32imac)",
        triple: "riscv32imac-unknown-none-elf",
        script: "firmware/risc-v.ld",
        machine: "qemu-system-riscv32 -M virt -bios none",
    },
];

const BUILD: &str = "build --release --locked --manifest-path firmware/Cargo.toml";
/// What rustc is told to take the platform's AES.
const AES_OF_PLATFORM: &str = r#"--cfg iotchain_aes="port""#;
/// Shifts of the emulator's clock: the program counts one instruction per nanosecond by a timer of 25 MHz, but one in 64
/// nanoseconds over a platform.
const COUNTED_BY_40: u32 = 0;
const COUNTED_ONE_BY_ONE: u32 = 6;

/// What the program prints of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Figures {
    pub(crate) instructions: u64,
    /// Bytes below the stack pointer of the caller.
    pub(crate) stack: u64,
    /// Blocks that AES of the platform encrypted.
    pub(crate) blocks: u64,
}

/// Measures, and fails if an operation costs more than the committed tables say.
pub(crate) fn firmware() -> Outcome {
    let committed = footprint::committed()?;
    let mut findings = Vec::new();
    for core in CORES {
        let fresh = core.measure()?;
        print!("{}", core.table(&fresh));
        let old = committed
            .get(core.name)
            .ok_or(format!("no table of {}", core.name))?;
        let grown = footprint::grown(old, &fresh);
        findings.extend(
            grown
                .iter()
                .map(|finding| format!("{}: {finding}", core.name)),
        );
    }
    findings.extend(over_port::check()?);
    none(
        "costs above the committed ones; if they must be, run `cargo xtask footprint`",
        &findings,
    )
}

/// Measures, and writes the tables.
pub(crate) fn footprint() -> Outcome {
    let tables: Result<Vec<String>, String> = CORES
        .iter()
        .map(|core| Ok(core.table(&core.measure()?)))
        .collect();
    footprint::write(&tables?.concat())?;
    over_port::write()?;
    budget::write()?;
    functions::write()
}

impl Core {
    fn measure(&self) -> Result<Costs, String> {
        let target = Target::named(self.triple)?;
        let library = build(target)?;
        let image = self.link(&library)?;
        let mut bounds = match self.triple {
            CORTEX_M4 => Some(Stacks::of(target, &image, &[])?),
            _ => None,
        };
        let mut costs = Costs::new();
        for (name, figures) in self.run(&image, COUNTED_BY_40)? {
            let alone = alone(target, &library, &name)?;
            let cost = Cost {
                instructions: figures.instructions,
                stack: figures.stack,
                flash: alone.flash,
                can_panic: alone.can_panic,
            };
            if let Some(bounds) = &mut bounds {
                bounded(&name, cost.stack, &bounds.depth(&name)?)?;
            }
            costs.insert(name, cost);
        }
        Ok(costs)
    }

    fn link(&self, library: &Path) -> Result<PathBuf, String> {
        let image = library.with_extension("elf");
        let target = Target::named(self.triple)?;
        // an operation with ECDSA may reach a panic of the curve crate; the image ends with a fault then
        let script = format!("--gc-sections -T {} --defsym {ON_PANIC}=fault", self.script);
        run_quietly(target.linker(&script).arg(library).arg("-o").arg(&image))?;
        Ok(image)
    }

    /// What the image measures in the emulator, one instruction taking 2^`shift` nanoseconds.
    fn run(&self, image: &Path, shift: u32) -> Result<BTreeMap<String, Figures>, String> {
        let emulator = format!(
            "60 {} -display none -monitor none -serial none -icount shift={shift} -chardev stdio,id=out \
             -semihosting-config enable=on,target=native,chardev=out -kernel",
            self.machine
        );
        let printed = output(command("timeout", &emulator).arg(image))?;
        let lines = printed.lines().map(|line| {
            let words: Vec<&str> = line.split(' ').collect();
            let [name, instructions, stack, blocks] = words[..] else {
                return Err(format!("the image printed `{line}`"));
            };
            let figures = Figures {
                instructions: number(instructions)?,
                stack: number(stack)?,
                blocks: number(blocks)?,
            };
            Ok((name.to_owned(), figures))
        });
        lines.collect()
    }

    fn table(&self, costs: &Costs) -> String {
        footprint::table(self.name, costs, self.triple == CORTEX_M4)
    }
}

/// Whether a stack that was painted is within the bound that the code gives.
fn bounded(name: &str, painted: u64, bound: &Depth) -> Outcome {
    if bound.callback.is_some() {
        return Err(format!("{name} calls by a pointer, nobody knows whom"));
    }
    println!("  {name}: {painted} B of stack, at most {}", bound.stack);
    match painted <= bound.stack {
        true => Ok(()),
        false => Err(format!("the bound of {name} is below what it takes")),
    }
}

/// What the first core measures with AES of the platform.
pub(crate) fn over_port() -> Result<BTreeMap<String, Figures>, String> {
    let [core, ..] = &CORES;
    let target = Target::named(core.triple)?;
    let library = build_in(
        "firmware-port",
        target.cargo_with(AES_OF_PLATFORM, BUILD)?,
        target,
    )?;
    core.run(&core.link(&library)?, COUNTED_ONE_BY_ONE)
}

/// The library of all operations, as cargo builds it.
pub(crate) fn build(target: &Target) -> Result<PathBuf, String> {
    build_in("firmware", target.cargo(BUILD)?, target)
}

fn build_in(place: &str, mut cargo: Command, target: &Target) -> Result<PathBuf, String> {
    let place = target_dir(place);
    run_quietly(cargo.env("CARGO_TARGET_DIR", &place))?;
    Ok(place
        .join(target.triple)
        .join("release/libiotchain_firmware.a"))
}
