//! What may enter the dependency graph: device graph, licences, sources.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::run::{Outcome, cargo, none, output};
use crate::target::CORTEX_M4;
use crate::tree::text;

/// Crates that need an operating system, an allocator or a random source of their own.
const HOST_ONLY: &[&str] = &[
    "getrandom",
    "libc",
    "openssl",
    "openssl-sys",
    "hashbrown",
    "serde_json",
    "hex",
    "redb",
    "tracing",
    "rand",
];
/// Features that would bring the standard library or an allocator.
const HOST_FEATURES: &[&str] = &["std", "alloc", "getrandom", "os_rng", "sys_rng"];

/// Checks the three.
pub(crate) fn deps() -> Outcome {
    let mut findings = device_graph()?;
    findings.extend(licences()?);
    findings.extend(sources()?);
    none("dependencies that may not enter", &findings)
}

/// The C library's graph holds nothing that a device lacks, and one version of each crate.
fn device_graph() -> Result<Vec<String>, String> {
    let mut findings = Vec::new();
    let mut versions = BTreeMap::<String, BTreeSet<String>>::new();
    for (package, features) in packages(
        &format!("-p iotchain-ffi -e normal,no-proc-macro --target {CORTEX_M4}"),
        "{f}",
    )? {
        let (name, version) = package.split_once(' ').unwrap_or((&package, ""));
        versions
            .entry(name.to_owned())
            .or_default()
            .insert(version.to_owned());
        if HOST_ONLY.contains(&name) {
            findings.push(format!("{name} in the device graph"));
        }
        let host = features
            .split(',')
            .filter(|feature| HOST_FEATURES.contains(feature));
        findings.extend(
            host.map(|feature| format!("{name} has feature {feature} in the device graph")),
        );
    }
    println!("{} crates in the device graph", versions.len());
    let twice = versions.iter().filter(|(_, versions)| versions.len() > 1);
    findings.extend(twice.map(|(name, versions)| {
        format!("{name} in {} versions in the device graph", versions.len())
    }));
    Ok(findings)
}

/// Every licence is one that `deny.toml` allows.
fn licences() -> Result<Vec<String>, String> {
    let deny = text(Path::new("deny.toml")).ok_or("deny.toml is missing")?;
    let allowed: BTreeSet<&str> = allowed(&deny).collect();
    let all = packages(
        "--workspace -e normal,build,dev --target all --all-features",
        "{l}",
    )?;
    println!(
        "{} crates in all, {} licences allowed",
        all.len(),
        allowed.len()
    );
    let refused = all
        .iter()
        .filter(|(_, licence)| !satisfied(licence, &allowed));
    Ok(refused
        .map(|(package, licence)| format!("{package} has licence `{licence}`"))
        .collect())
}

/// Every crate in the lock file comes from one registry, none from a repository.
fn sources() -> Result<Vec<String>, String> {
    let lock = text(Path::new("Cargo.lock")).ok_or("Cargo.lock is missing")?;
    let sources: BTreeSet<&str> = lock
        .lines()
        .filter_map(|line| line.strip_prefix("source = "))
        .map(|source| source.trim_matches('"'))
        .collect();
    let registries = sources
        .iter()
        .filter(|source| source.starts_with("registry+"));
    if registries.count() == 1 && sources.len() == 1 {
        return Ok(Vec::new());
    }
    Ok(sources
        .iter()
        .map(|source| format!("source {source}"))
        .collect())
}

/// `(name version, detail)` of each package in a part of the graph, once.
fn packages(part: &str, detail: &str) -> Result<BTreeSet<(String, String)>, String> {
    let mut tree = cargo(&format!("tree --locked --prefix none --no-dedupe {part}"));
    let lines = output(tree.args(["--format", &format!("{{p}}|{detail}")]))?;
    let pairs = lines.lines().filter_map(|line| line.split_once('|'));
    let named = pairs.map(|(package, detail)| {
        let name: Vec<&str> = package.split(' ').take(2).collect();
        (name.join(" "), detail.to_owned())
    });
    Ok(named.collect())
}

/// The licences in the `allow` list of the `[licenses]` table.
fn allowed(deny: &str) -> impl Iterator<Item = &str> {
    let section = deny.lines().skip_while(|line| line.trim() != "[licenses]");
    let list = section
        .skip_while(|line| !line.starts_with("allow = ["))
        .skip(1);
    list.take_while(|line| !line.starts_with(']'))
        .map(|line| line.trim().trim_matches([',', '"']))
}

/// Whether an SPDX expression can be met with the allowed licences; `AND` binds tighter than `OR`.
fn satisfied(expression: &str, allowed: &BTreeSet<&str>) -> bool {
    let expression = expression
        .replace('/', " OR ")
        .replace('(', " ( ")
        .replace(')', " ) ");
    let words: Vec<&str> = expression.split_whitespace().collect();
    let mut rest = words.as_slice();
    let met = any_of(&mut rest, allowed);
    met && rest.is_empty()
}

fn any_of(words: &mut &[&str], allowed: &BTreeSet<&str>) -> bool {
    let mut met = all_of(words, allowed);
    while take(words, "OR") {
        met |= all_of(words, allowed);
    }
    met
}

fn all_of(words: &mut &[&str], allowed: &BTreeSet<&str>) -> bool {
    let mut met = one(words, allowed);
    while take(words, "AND") {
        met &= one(words, allowed);
    }
    met
}

fn one(words: &mut &[&str], allowed: &BTreeSet<&str>) -> bool {
    if take(words, "(") {
        let met = any_of(words, allowed);
        return take(words, ")") && met;
    }
    let Some((licence, rest)) = words.split_first() else {
        return false;
    };
    *words = rest;
    if !take(words, "WITH") {
        return allowed.contains(licence);
    }
    let Some((exception, rest)) = words.split_first() else {
        return false;
    };
    *words = rest;
    allowed.contains(format!("{licence} WITH {exception}").as_str())
}

fn take(words: &mut &[&str], word: &str) -> bool {
    match words.split_first() {
        Some((first, rest)) if *first == word => {
            *words = rest;
            true
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn licence_expressions() {
        let allowed = BTreeSet::from(["MIT", "Unicode-3.0", "Apache-2.0 WITH LLVM-exception"]);
        for met in [
            "MIT",
            "GPL-3.0 OR MIT",
            "MIT/Apache-2.0",
            "(MIT OR X) AND Unicode-3.0",
            "Apache-2.0 WITH LLVM-exception OR X",
        ] {
            assert!(satisfied(met, &allowed), "{met}");
        }
        for unmet in [
            "",
            "GPL-3.0",
            "MIT AND GPL-3.0",
            "(MIT OR X) AND Y",
            "Apache-2.0",
            "(MIT",
            "MIT MIT",
        ] {
            assert!(!satisfied(unmet, &allowed), "{unmet}");
        }
    }
}
