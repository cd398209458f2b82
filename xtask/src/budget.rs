//! What whole firmwares take of flash: the functions of the header that a kind of device calls, linked into one image.

use std::collections::BTreeMap;

use crate::dist;
use crate::footprint;
use crate::header;
use crate::image::{ON_PANIC, PANICS_OUTSIDE, together};
use crate::run::{Outcome, none};
use crate::target::{CORTEX_M4, Target};

/// A kind of device.
struct Device {
    name: &'static str,
    /// What it calls of the header; nothing stands for everything.
    functions: &'static [&'static str],
    /// Whether the platform does the arithmetic of the curve.
    has_port: bool,
    /// Bytes.
    goal: u64,
}

const MEMBER: &[&str] = &[
    "iotchain_member_receive",
    "iotchain_member_key",
    "iotchain_member_open_response",
];

const SERVER: &[&str] = &[
    "iotchain_member_receive",
    "iotchain_member_key",
    "iotchain_sender_init_random",
    "iotchain_sender_enter",
    "iotchain_sender_seal_response",
    "iotchain_member_open_request",
    "iotchain_reply_seal",
];

const DEVICES: &[Device] = &[
    Device {
        name: "member that opens, curve of the platform",
        functions: MEMBER,
        has_port: true,
        goal: 12_288,
    },
    Device {
        name: "resource server, curve of the platform",
        functions: SERVER,
        has_port: true,
        goal: 14_336,
    },
    Device {
        name: "member that opens, own curve",
        functions: MEMBER,
        has_port: false,
        goal: 36_864,
    },
    Device {
        name: "all functions of the header",
        functions: &[],
        has_port: false,
        goal: 43_008,
    },
];

/// Compares with the committed figures.
pub(crate) fn check() -> Outcome {
    let fresh = measure()?;
    for (name, flash) in &fresh {
        println!("  {name}: {flash} B of flash");
    }
    let grown = footprint::grown_firmwares(&footprint::committed_firmwares()?, &fresh);
    none("firmwares above the committed size", &grown)
}

/// Writes the figures.
pub(crate) fn write() -> Outcome {
    let fresh = measure()?;
    let mut table = String::from("| firmware, Cortex-M4 | flash, B | goal |\n|---|--:|--:|\n");
    for device in DEVICES {
        let flash = fresh.get(device.name).copied().unwrap_or_default();
        let verdict = if flash <= device.goal {
            "met"
        } else {
            "missed"
        };
        table.push_str(&format!(
            "| {} | {flash} | {} {verdict} |\n",
            device.name, device.goal
        ));
    }
    footprint::write_firmwares(&table)
}

/// Bytes of code and constants of every kind of device.
fn measure() -> Result<BTreeMap<String, u64>, String> {
    let target = Target::named(CORTEX_M4)?;
    let all = header::declared()?;
    let hooks = header::hooks()?;
    let ports = dist::build_for_ports(target, PANICS_OUTSIDE)?;
    let own = dist::build(target, PANICS_OUTSIDE)?;
    let mut sizes = BTreeMap::new();
    for device in DEVICES {
        let functions: Vec<&str> = match device.functions {
            [] => all.iter().map(String::as_str).collect(),
            some => some.to_vec(),
        };
        let library = if device.has_port { &ports } else { &own };
        let defined = hooks.iter().map(String::as_str).chain([ON_PANIC]);
        let flash = together(target, library, &functions, defined)?;
        sizes.insert(device.name.to_owned(), flash);
    }
    Ok(sizes)
}
