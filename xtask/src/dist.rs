//! The C library as it is given away: one folder for each target, with archive, header, and files for pkg-config and
//! CMake.
//!
//! ```text
//! dist/TARGET/lib/libiotchain.a
//!            /lib/pkgconfig/iotchain.pc
//!            /lib/cmake/IotChain/IotChainConfig.cmake, IotChainConfigVersion.cmake
//!            /include/iotchain.h, iotchain_port.h
//!            /SHA256SUMS
//! ```
//!
//! The archive is linked once already: it holds one object, which exports the functions of the header alone. It can
//! therefore lie beside another Rust library in one program, and be linked as a whole.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::header;
use crate::run::{Outcome, command, output, root, run_quietly, target_dir};
use crate::target::{TARGETS, Target};

/// Where the folders lie.
const DIST: &str = "dist";
/// The files for pkg-config and CMake, with `@VERSION@` where the version stands.
const TEMPLATES: &str = "iotchain-ffi/package";
const CMAKE: &str = "lib/cmake/IotChain";
/// The compiler's own notes for another linking, and a note that only some compilers for devices write: a linker warns
/// when objects differ in it.
const REMOVED: &str = "-R .llvmbc -R .llvmcmd";
const REMOVED_ON_DEVICES: &str = "-R .note.GNU-stack";

/// What rustc is told to take the platform's AES and ES256K.
pub(crate) const PORTS: &str = r#"--cfg iotchain_aes="port" --cfg iotchain_es256k="port""#;

/// `dist [TARGET..] [-- OPTION-OF-CARGO..]`: for all targets, and with all of the library, unless told otherwise.
pub(crate) fn dist(arguments: impl Iterator<Item = String>) -> Outcome {
    let arguments: Vec<String> = arguments.collect();
    let mut parts = arguments.splitn(2, |argument| argument == "--");
    let names = parts.next().unwrap_or_default();
    let options = parts.next().unwrap_or_default().join(" ");
    let named: Result<Vec<&Target>, String> =
        names.iter().map(|name| Target::named(name)).collect();
    let targets = match named? {
        none if none.is_empty() => TARGETS.iter().collect(),
        some => some,
    };
    for target in targets {
        package(target, &options)?;
    }
    Ok(())
}

/// What was built for a target.
pub(crate) struct Package {
    /// The folder that is given away.
    pub(crate) folder: PathBuf,
    /// The archive in it.
    pub(crate) archive: PathBuf,
    /// The archive's object with all its symbols.
    pub(crate) object: PathBuf,
    /// Options that make a linker take all functions of the header.
    pub(crate) roots: PathBuf,
}

/// Builds the folder of a target.
pub(crate) fn package(target: &Target, options: &str) -> Result<Package, String> {
    let library = build(target, options)?;
    let folder = root().join(DIST).join(target.triple);
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    let archive = folder.join("lib/libiotchain.a");
    let object = library.with_file_name("prelinked.o");
    for path in ["include", "lib/pkgconfig", CMAKE] {
        fs::create_dir_all(folder.join(path)).map_err(|error| format!("{path}: {error}"))?;
    }
    prelink(target, &library, &object, &archive)?;
    for (_, header) in header::HEADERS {
        let copied = fs::copy(root().join(header), folder.join(header));
        copied.map_err(|error| format!("{header}: {error}"))?;
    }
    for (template, place) in [
        ("iotchain.pc", "lib/pkgconfig"),
        ("IotChainConfig.cmake", CMAKE),
        ("IotChainConfigVersion.cmake", CMAKE),
    ] {
        let text = fs::read_to_string(root().join(TEMPLATES).join(template));
        let text = text.map_err(|error| format!("{template}: {error}"))?;
        let text = text.replace("@VERSION@", env!("CARGO_PKG_VERSION"));
        fs::write(folder.join(place).join(template), text)
            .map_err(|error| format!("{template}: {error}"))?;
    }
    write_sums(&folder)?;
    println!("{DIST}/{}", target.triple);
    Ok(Package {
        folder,
        archive,
        object,
        roots: roots(&library),
    })
}

/// The static library as cargo builds it, with `options` such as a choice of features.
pub(crate) fn build(target: &Target, options: &str) -> Result<PathBuf, String> {
    let place = target_dir("dist");
    let mut build = target.cargo(&build_arguments(options))?;
    run_quietly(build.env("CARGO_TARGET_DIR", &place))?;
    Ok(library_in(&place, target))
}

/// As [`build`], with AES and ES256K of the platform.
pub(crate) fn build_for_ports(target: &Target, options: &str) -> Result<PathBuf, String> {
    let place = target_dir("dist-ports");
    let mut build = target.cargo_with(PORTS, &build_arguments(options))?;
    run_quietly(build.env("CARGO_TARGET_DIR", &place))?;
    Ok(library_in(&place, target))
}

fn build_arguments(options: &str) -> String {
    format!("build --release --locked --manifest-path iotchain-ffi/staticlib/Cargo.toml {options}")
}

fn library_in(place: &Path, target: &Target) -> PathBuf {
    place.join(target.triple).join("release/libiotchain.a")
}

fn roots(library: &Path) -> PathBuf {
    library.with_file_name("roots")
}

/// Links what the header's functions need of `library` into one object, which hides all but those functions.
fn prelink(target: &Target, library: &Path, object: &Path, archive: &Path) -> Outcome {
    let clean = library.with_file_name("clean.a");
    let stripped = library.with_file_name("iotchain.o");
    let (list, roots) = (library.with_file_name("exported"), roots(library));
    let mut removed = target.tool("objcopy", REMOVED);
    if !target.is_hosted() {
        removed.args(REMOVED_ON_DEVICES.split(' '));
    }
    run_quietly(removed.arg(library).arg(&clean))?;

    let declared = header::declared()?;
    let (mut lines, mut options) = (String::new(), String::new());
    for name in defined(target, &clean)?.intersection(&declared) {
        lines.push_str(&format!("{name}\n"));
        options.push_str(&format!("-u {name}\n"));
    }
    fs::write(&list, lines).map_err(|error| format!("{}: {error}", list.display()))?;
    fs::write(&roots, options).map_err(|error| format!("{}: {error}", roots.display()))?;
    let mut link = target.linker("-r --gc-sections");
    link.arg(format!("@{}", roots.display()));
    run_quietly(link.arg(&clean).arg("-o").arg(object))?;

    let mut hide = target.tool("objcopy", "--strip-unneeded");
    hide.arg(format!("--keep-global-symbols={}", list.display()));
    run_quietly(hide.arg(object).arg(&stripped))?;
    run_quietly(target.tool("ar", "rcsD").arg(archive).arg(&stripped))
}

/// The symbols that an object or archive defines for others.
pub(crate) fn defined(target: &Target, library: &Path) -> Result<BTreeSet<String>, String> {
    symbols(target, "--defined-only", library)
}

/// The symbols of an object or archive that `nm` lists with `filter`, local ones left out.
pub(crate) fn symbols(
    target: &Target,
    filter: &str,
    library: &Path,
) -> Result<BTreeSet<String>, String> {
    let arguments = format!("--quiet --extern-only --format=posix {filter}");
    let lines = output(target.tool("nm", &arguments).arg(library))?;
    let names = lines.lines().filter_map(|line| line.split_once(' '));
    Ok(names.map(|(name, _)| name.to_owned()).collect())
}

/// Writes the checksums of all files of a folder into it.
fn write_sums(folder: &Path) -> Outcome {
    let files = output(command("find", ". -type f -printf %P\\n").current_dir(folder))?;
    let files: BTreeSet<&str> = files.lines().collect();
    let sums = output(command("sha256sum", "").args(files).current_dir(folder))?;
    fs::write(folder.join("SHA256SUMS"), sums).map_err(|error| format!("SHA256SUMS: {error}"))
}
