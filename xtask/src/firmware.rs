//! What devices pay: instructions, stack and flash on emulated cores, compared with the committed figures.

use std::path::{Path, PathBuf};

use crate::budget;
use crate::footprint::{self, Cost, Costs, number};
use crate::functions;
use crate::image::{ON_PANIC, alone};
use crate::run::{Outcome, command, none, output, run_quietly, target_dir};
use crate::target::{CORTEX_M4, Target};

/// A core that measures.
struct Core {
    name: &'static str,
    triple: &'static str,
    script: &'static str,
    /// The machine of the emulator that it stands in.
    machine: &'static str,
}

const CORES: &[Core] = &[
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
    budget::write()?;
    functions::write()
}

impl Core {
    fn measure(&self) -> Result<Costs, String> {
        let target = Target::named(self.triple)?;
        let library = build(target)?;
        let image = library.with_extension("elf");
        // an operation with ECDSA may reach a panic of the curve crate; the image ends with a fault then
        let script = format!("--gc-sections -T {} --defsym {ON_PANIC}=fault", self.script);
        run_quietly(target.linker(&script).arg(&library).arg("-o").arg(&image))?;
        let mut costs = Costs::new();
        for line in self.run(&image)?.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            let [name, instructions, stack] = words[..] else {
                return Err(format!("the image printed `{line}`"));
            };
            let alone = alone(target, &library, name)?;
            let cost = Cost {
                instructions: number(instructions)?,
                stack: number(stack)?,
                flash: alone.flash,
                can_panic: alone.can_panic,
            };
            costs.insert(name.to_owned(), cost);
        }
        Ok(costs)
    }

    /// What the image prints in the emulator.
    fn run(&self, image: &Path) -> Result<String, String> {
        let emulator = format!(
            "60 {} -display none -monitor none -serial none -icount shift=0 -chardev stdio,id=out \
             -semihosting-config enable=on,target=native,chardev=out -kernel",
            self.machine
        );
        output(command("timeout", &emulator).arg(image))
    }

    fn table(&self, costs: &Costs) -> String {
        footprint::table(self.name, costs, self.triple == CORTEX_M4)
    }
}

/// The library of all operations, as cargo builds it.
pub(crate) fn build(target: &Target) -> Result<PathBuf, String> {
    let place = target_dir("firmware");
    let arguments = "build --release --locked --manifest-path firmware/Cargo.toml";
    run_quietly(target.cargo(arguments)?.env("CARGO_TARGET_DIR", &place))?;
    Ok(place
        .join(target.triple)
        .join("release/libiotchain_firmware.a"))
}
