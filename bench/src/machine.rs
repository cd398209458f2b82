//! What a run was measured on.

use std::fs;

/// The processor, and which of its instructions matter here.
pub(crate) fn machine() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let value = |key: &str| {
        let line = info.lines().find(|line| line.starts_with(key))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let model = value("model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    let flags = value("flags").unwrap_or_default();
    let has = |flag| flags.split(' ').any(|held| held == flag);
    let with: Vec<&str> = [("aes", "AES"), ("sha_ni", "SHA")]
        .into_iter()
        .filter_map(|(flag, name)| has(flag).then_some(name))
        .collect();
    format!("{model}, with instructions for: {}", with.join(", "))
}
