//! What the C archives promise, proven on each of them: what they export, what they need, where they can panic, and that
//! programs find them.

use std::collections::BTreeSet;

use crate::budget;
use crate::consumers;
use crate::dist::{self, Package};
use crate::firmware;
use crate::functions;
use crate::header;
use crate::image::{ON_PANIC, PANICS_OUTSIDE, alone, links, sizes};
use crate::run::{Outcome, none, output, run_quietly};
use crate::target::{CORTEX_M4, TARGETS, Target};

/// Functions of the C library that the archive of an operating system takes from there.
const HOSTED: &[&str] = &["memcpy", "memmove", "memset", "memcmp", "bcmp", "strlen"];
/// Parts of the standard library that no archive may hold: the allocator, and formatted text.
const REFUSED: &[&str] = &["__rust_alloc", "__rust_realloc", "core::fmt::", "alloc::"];
/// The hooks by which a platform does the arithmetic of the curve.
const CURVE: &str = "iotchain_port_es256k_";

/// Builds the archive of every target, and proves what it promises.
pub(crate) fn archive() -> Outcome {
    let declared = header::declared()?;
    let (curve, mut findings) = with_ports(Target::named(CORTEX_M4)?, &declared)?;
    println!("  {} functions reach the curve:", curve.len());
    for name in &curve {
        println!("    {name}");
    }
    for target in TARGETS {
        let package = dist::package(target, "")?;
        let mut broken = symbols(target, &package, &declared)?;
        if target.is_hosted() {
            consumers::consume(&package.folder)?;
        } else {
            broken.extend(variables(target, &package)?);
            broken.extend(panics(target, &declared, &curve)?);
        }
        if target.triple == CORTEX_M4 {
            beside_another_rust_library(target, &package)?;
        }
        findings.extend(
            broken
                .iter()
                .map(|finding| format!("{}: {finding}", target.triple)),
        );
    }
    budget::check()?;
    functions::check()?;
    none("promises that an archive does not keep", &findings)
}

/// With the platform's AES and ES256K, no function at all can panic. Returns those that call the latter, too.
fn with_ports(
    target: &Target,
    declared: &BTreeSet<String>,
) -> Result<(BTreeSet<String>, Vec<String>), String> {
    let library = dist::build_for_ports(target, PANICS_OUTSIDE)?;
    let hooks = header::hooks()?;
    let all = || hooks.iter().map(String::as_str);
    let but_the_curve = || all().filter(|hook| !hook.starts_with(CURVE));
    let (mut curve, mut findings) = (BTreeSet::new(), Vec::new());
    for name in declared {
        if !links(target, &library, name, all()) {
            findings.push(format!("{name} can panic, or calls an undeclared hook"));
        }
        if !links(target, &library, name, but_the_curve().chain([ON_PANIC])) {
            curve.insert(name.clone());
        }
    }
    Ok((curve, findings))
}

/// It exports the functions of the header and nothing else, needs nothing but the memory functions of an operating
/// system's C library, and holds no part that is refused.
fn symbols(
    target: &Target,
    package: &Package,
    declared: &BTreeSet<String>,
) -> Result<Vec<String>, String> {
    let exported = dist::defined(target, &package.archive)?;
    let needed = dist::symbols(target, "--undefined-only", &package.archive)?;
    let all = output(target.tool("nm", "--demangle").arg(&package.object))?;
    let missing = declared.difference(&exported);
    let mut findings: Vec<String> = missing.map(|name| format!("{name} is missing")).collect();
    let surplus = exported.difference(declared);
    findings.extend(surplus.map(|name| format!("{name} is exported")));
    let unmet = needed
        .iter()
        .filter(|name| !(target.is_hosted() && HOSTED.contains(&name.as_str())));
    findings.extend(unmet.map(|name| format!("{name} is needed")));
    let held = REFUSED.iter().filter(|part| all.contains(**part));
    findings.extend(held.map(|part| format!("{part} is in it")));
    Ok(findings)
}

/// A device's archive has no variables.
fn variables(target: &Target, package: &Package) -> Result<Vec<String>, String> {
    let [text, data, bss] = sizes(target, &package.archive)?;
    println!("  {text} B of code and constants, {data} B of data, {bss} B of bss");
    Ok(match data + bss {
        0 => Vec::new(),
        bytes => vec![format!("{bytes} B of variables")],
    })
}

/// Each function links alone without what a panic handler would call, except those that reach the arithmetic of the
/// curve: `crypto-bigint` and `k256` check the lengths of their own arrays, which are fixed there, in code that the
/// compiler cannot see through.
fn panics(
    target: &Target,
    declared: &BTreeSet<String>,
    curve: &BTreeSet<String>,
) -> Result<Vec<String>, String> {
    let library = dist::build(target, PANICS_OUTSIDE)?;
    let mut findings = Vec::new();
    for name in declared.difference(curve) {
        if alone(target, &library, name)?.can_panic {
            findings.push(format!("{name} can panic"));
        }
    }
    Ok(findings)
}

/// The archive links with another Rust library, as usual and as a whole.
fn beside_another_rust_library(target: &Target, package: &Package) -> Outcome {
    let other = firmware::build(target)?;
    let image = other.with_extension("elf");
    for mode in ["--no-whole-archive", "--whole-archive"] {
        let script = format!("-T firmware/cortex-m.ld --defsym {ON_PANIC}=fault {mode}");
        let mut link = target.linker(&script);
        link.arg(format!("@{}", package.roots.display()));
        run_quietly(link.args([&other, &package.archive]).arg("-o").arg(&image))?;
    }
    Ok(())
}
