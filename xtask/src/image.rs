//! Images that hold one function of a library and what it calls.

use std::collections::BTreeSet;
use std::path::Path;

use crate::run::{output, succeeds};
use crate::target::Target;

/// What the panic handlers of measured and of proven libraries call; nothing defines it.
pub(crate) const ON_PANIC: &str = "iotchain_on_panic";

/// A function linked without anything else.
pub(crate) struct Alone {
    /// Bytes of code and constants.
    pub(crate) flash: u64,
    /// Whether the linker finds a way from it to the panic handler.
    pub(crate) can_panic: bool,
}

/// Links `name` and what it calls out of `library`. A function that leads to the panic handler does not link, because
/// what the handler calls is undefined; without global variables, since devices keep none for us.
pub(crate) fn alone(target: &Target, library: &Path, name: &str) -> Result<Alone, String> {
    alone_with(target, library, name, &BTreeSet::new())
}

/// As [`alone`], with `hooks` that the program would define.
pub(crate) fn alone_with(
    target: &Target,
    library: &Path,
    name: &str,
    hooks: &BTreeSet<String>,
) -> Result<Alone, String> {
    let image = library.with_file_name("alone.elf");
    let mut entry = format!("--gc-sections -e {name} -u {name}");
    for hook in hooks {
        entry.push_str(&format!(" --defsym {hook}=0"));
    }
    let link = |more: &str| {
        let mut link = target.linker(&format!("{entry} {more}"));
        link.arg(library).arg("-o").arg(&image);
        link
    };
    let can_panic = !succeeds(&mut link(""));
    if can_panic {
        output(&mut link(&format!("--defsym {ON_PANIC}=0")))?;
    }
    let [flash, 0, 0] = sizes(target, &image)? else {
        return Err(format!("{name} has global variables"));
    };
    Ok(Alone { flash, can_panic })
}

/// Bytes of code with constants, of variables with values, and of variables without.
pub(crate) fn sizes(target: &Target, image: &Path) -> Result<[u64; 3], String> {
    let printed = output(target.tool("size", "").arg(image))?;
    let line = printed.lines().nth(1).unwrap_or_default();
    let mut words = line.split_whitespace().map(str::parse);
    match (words.next(), words.next(), words.next()) {
        (Some(Ok(text)), Some(Ok(data)), Some(Ok(bss))) => Ok([text, data, bss]),
        _ => Err(format!("`size` printed `{line}`")),
    }
}
