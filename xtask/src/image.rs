//! Images that hold one function of a library and what it calls.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::run::{output, succeeds};
use crate::target::Target;

/// What the panic handlers of measured and of proven libraries call; nothing defines it.
pub(crate) const ON_PANIC: &str = "iotchain_on_panic";
/// Has the C library leave it to the program, or to the linker, what happens on a panic.
pub(crate) const PANICS_OUTSIDE: &str = "--features panic-extern";

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
    let can_panic = !links(target, library, name, []);
    if can_panic {
        output(&mut link(target, library, name, [ON_PANIC]))?;
    }
    let [flash, 0, 0] = sizes(target, &image(library))? else {
        return Err(format!("{name} has global variables"));
    };
    Ok(Alone { flash, can_panic })
}

/// Whether `name` needs nothing but `library` and what is `defined` elsewhere.
pub(crate) fn links<'a>(
    target: &Target,
    library: &Path,
    name: &str,
    defined: impl IntoIterator<Item = &'a str>,
) -> bool {
    succeeds(&mut link(target, library, name, defined))
}

/// Bytes of code and constants of an image that holds all of `names`.
pub(crate) fn together<'a>(
    target: &Target,
    library: &Path,
    names: &[&str],
    defined: impl IntoIterator<Item = &'a str>,
) -> Result<u64, String> {
    let image = whole(target, library, names, defined)?;
    let [flash, 0, 0] = sizes(target, &image)? else {
        return Err(String::from("an image has global variables"));
    };
    Ok(flash)
}

/// Links all of `names` into an image, which keeps its relocations.
pub(crate) fn whole<'a>(
    target: &Target,
    library: &Path,
    names: &[&str],
    defined: impl IntoIterator<Item = &'a str>,
) -> Result<PathBuf, String> {
    let [first, ..] = names else {
        return Err(String::from("an image of nothing"));
    };
    let mut link = link(target, library, first, defined);
    link.arg("--emit-relocs");
    for name in names {
        link.args(["-u", name]);
    }
    output(&mut link)?;
    Ok(image(library))
}

fn link<'a>(
    target: &Target,
    library: &Path,
    name: &str,
    defined: impl IntoIterator<Item = &'a str>,
) -> Command {
    let mut link = target.linker(&format!("--gc-sections -e {name} -u {name}"));
    for (index, symbol) in defined.into_iter().enumerate() {
        // each at an address of its own, below the image
        link.arg(format!("--defsym={symbol}={:#x}", 16 * index));
    }
    link.arg(library).arg("-o").arg(image(library));
    link
}

fn image(library: &Path) -> PathBuf {
    library.with_file_name("alone.elf")
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
