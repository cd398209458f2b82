//! Where the data of a resource comes from: files of this host, what its kernel says, or what a command prints.
//!
//! ```text
//! file:PATH           one regular file
//! dir:PATH            the files below a directory; for resources that end in `*`
//! cmd:COMMAND LINE    what `/bin/sh -c` prints within five seconds
//! proc:NAME           /proc/NAME, of a short list
//! ```
//! Data is read anew for every answer, bounded in size and time. Nothing of a request reaches a shell, and no path leaves
//! its directory, not even by a symbolic link.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Component, Path, PathBuf};
use std::str::FromStr;
use std::time::SystemTime;

use iotchain::oscar::MAX_OBJECT_LIMIT;

use super::command::{self, CommandError};
use crate::coap::content_format;

/// Longest representation in bytes: what a signed object of the largest size has room for.
pub(crate) const MAX_REPRESENTATION: usize = MAX_OBJECT_LIMIT - 256;
/// Most files of a directory that are published.
const MAX_FILES: usize = 256;
/// Levels of directories below the one that was named.
const MAX_DEPTH: usize = 4;
/// What `proc:` offers: small, readable by everybody, and nobody's secret.
const KERNEL: [&str; 8] = [
    "loadavg",
    "meminfo",
    "uptime",
    "stat",
    "vmstat",
    "version",
    "diskstats",
    "net/dev",
];

/// A source of data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    File(PathBuf),
    Directory(PathBuf),
    Command(String),
    Kernel(PathBuf),
}

/// Data as it was at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Representation {
    /// CoAP Content-Format, `None` for plain bytes.
    pub(super) content_format: Option<u16>,
    pub(super) bytes: Vec<u8>,
}

/// Tells two states of a file apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    len: u64,
    modified: SystemTime,
}

/// Why there is no data.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    #[error("there is no {}", .0.display())]
    Absent(PathBuf),
    #[error("{} is not a regular file", .0.display())]
    NotAFile(PathBuf),
    #[error("{} has more than {MAX_REPRESENTATION} bytes", .0.display())]
    TooLarge(PathBuf),
    #[error("{}: {source}", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Command(#[from] CommandError),
}

impl Source {
    /// Whether reading may take long enough to keep other requests waiting.
    pub(super) const fn is_slow(&self) -> bool {
        matches!(self, Self::Command(_))
    }

    /// The file that a PUT replaces, and what its name says about its content; `None` for what cannot be replaced.
    pub(super) fn file(&self) -> Option<(&Path, Option<u16>)> {
        match self {
            Self::File(path) => Some((path, format_of(path))),
            Self::Directory(_) | Self::Command(_) | Self::Kernel(_) => None,
        }
    }

    /// Whether it has resources below its own path.
    pub(super) const fn is_directory(&self) -> bool {
        matches!(self, Self::Directory(_))
    }

    /// The data; `below` is what follows the path of a directory.
    pub(super) fn read(&self, below: &[&str]) -> Result<Representation, ReadError> {
        match self {
            Self::File(path) => read_file(path),
            Self::Kernel(path) => Ok(Representation {
                content_format: Some(content_format::TEXT_PLAIN),
                ..read_file(path)?
            }),
            Self::Directory(root) => read_file(&resolve(root, below)?),
            Self::Command(line) => {
                let bytes = command::run(line, b"", MAX_REPRESENTATION)?;
                Ok(Representation::printed(bytes))
            }
        }
    }

    /// The state of the file behind it, if that is how its data changes.
    pub(super) fn stamp(&self, below: &[&str]) -> Option<Stamp> {
        let path = match self {
            Self::File(path) => path.clone(),
            Self::Directory(root) => resolve(root, below).ok()?,
            Self::Command(_) | Self::Kernel(_) => return None,
        };
        let metadata = fs::metadata(path).ok()?;
        Some(Stamp {
            len: metadata.len(),
            modified: metadata.modified().ok()?,
        })
    }

    /// The files of a directory, as paths below it; hidden ones and those that no path can name are left out.
    pub(super) fn files(&self) -> Vec<Vec<String>> {
        let mut found = Vec::new();
        if let Self::Directory(root) = self {
            walk(root, &mut Vec::new(), &mut found);
        }
        found.sort();
        found
    }
}

impl FromStr for Source {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form =
            || format!("`{text}` is none of file:PATH, dir:PATH, cmd:COMMAND LINE, proc:NAME");
        let (kind, rest) = text.split_once(':').ok_or_else(form)?;
        if rest.trim().is_empty() {
            return Err(form());
        }
        match kind {
            "file" => Ok(Self::File(rest.into())),
            "dir" => Ok(Self::Directory(rest.into())),
            "cmd" => Ok(Self::Command(rest.to_owned())),
            "proc" if KERNEL.contains(&rest) => Ok(Self::Kernel(Path::new("/proc").join(rest))),
            "proc" => Err(format!("proc: has {}, but no `{rest}`", KERNEL.join(", "))),
            _ => Err(form()),
        }
    }
}

impl Representation {
    /// What a command printed: text if it can be read as such.
    pub(super) fn printed(bytes: Vec<u8>) -> Self {
        let text = !bytes.is_empty() && std::str::from_utf8(&bytes).is_ok();
        Self {
            content_format: text.then_some(content_format::TEXT_PLAIN),
            bytes,
        }
    }
}

/// The file that `below` names under `root`.
fn resolve(root: &Path, below: &[&str]) -> Result<PathBuf, ReadError> {
    let mut path = root.to_owned();
    for segment in below {
        path.push(segment);
        if !is_plain(segment) {
            return Err(ReadError::Absent(path));
        }
    }
    let canonical = |path: &Path| fs::canonicalize(path).map_err(|error| failure(path, error));
    let file = canonical(&path)?;
    if !file.starts_with(canonical(root)?) {
        return Err(ReadError::Absent(path));
    }
    Ok(file)
}

/// Whether a path segment is the name of one file: no slash, no `..`, not hidden.
fn is_plain(segment: &str) -> bool {
    let mut components = Path::new(segment).components();
    let one = matches!(components.next(), Some(Component::Normal(name)) if name == segment);
    one && components.next().is_none() && !segment.starts_with('.') && !segment.contains('\0')
}

fn read_file(path: &Path) -> Result<Representation, ReadError> {
    // Without O_NONBLOCK, opening a pipe would wait for its other end.
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(path)
        .map_err(|error| failure(path, error))?;
    let metadata = file.metadata().map_err(|error| failure(path, error))?;
    if !metadata.is_file() {
        return Err(ReadError::NotAFile(path.to_owned()));
    }
    let bytes = read_bounded(&file).map_err(|error| failure(path, error))?;
    let bytes = bytes.ok_or_else(|| ReadError::TooLarge(path.to_owned()))?;
    Ok(Representation {
        content_format: format_of(path),
        bytes,
    })
}

/// The whole of a file, `None` if it is too large. Files of the kernel do not tell their length beforehand.
fn read_bounded(file: &File) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    file.take(MAX_REPRESENTATION as u64 + 1)
        .read_to_end(&mut bytes)?;
    Ok((bytes.len() <= MAX_REPRESENTATION).then_some(bytes))
}

fn failure(path: &Path, source: io::Error) -> ReadError {
    match source.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::InvalidInput => {
            ReadError::Absent(path.to_owned())
        }
        _ => ReadError::File {
            path: path.to_owned(),
            source,
        },
    }
}

/// What the name of a file says about its content.
fn format_of(path: &Path) -> Option<u16> {
    match path.extension()?.to_str()? {
        "txt" | "log" | "md" | "csv" => Some(content_format::TEXT_PLAIN),
        "json" => Some(content_format::JSON),
        "cbor" => Some(content_format::CBOR),
        _ => None,
    }
}

fn walk(directory: &Path, below: &mut Vec<String>, found: &mut Vec<Vec<String>>) {
    let Ok(entries) = fs::read_dir(directory) else {
        return;
    };
    for entry in entries.flatten() {
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        // The kind of a link is "link": what it points to may lie elsewhere.
        let Ok(kind) = entry.file_type() else {
            continue;
        };
        if !is_plain(&name) || found.len() >= MAX_FILES {
            continue;
        }
        below.push(name);
        if kind.is_file() {
            found.push(below.clone());
        } else if kind.is_dir() && below.len() < MAX_DEPTH {
            walk(&entry.path(), below, found);
        }
        below.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn source(text: &str) -> Source {
        text.parse().unwrap()
    }

    #[test]
    fn sources_read_as_written() {
        assert_eq!(source("file:/a:b"), Source::File("/a:b".into()));
        assert_eq!(source("cmd:date -u"), Source::Command("date -u".into()));
        assert_eq!(source("proc:uptime"), Source::Kernel("/proc/uptime".into()));
        for bad in [
            "",
            "load",
            "file:",
            "cmd: ",
            "http://x",
            "proc:kcore",
            "proc:../etc/passwd",
        ] {
            assert!(bad.parse::<Source>().is_err(), "{bad}");
        }
    }

    #[test]
    fn the_kernel_and_commands_give_data_of_this_host() {
        let load = source("proc:loadavg").read(&[]).unwrap();
        assert_eq!(load.content_format, Some(content_format::TEXT_PLAIN));
        assert!(load.bytes.iter().filter(|byte| **byte == b'.').count() >= 3);
        let said = source("cmd:printf %s hello | tr a-z A-Z")
            .read(&[])
            .unwrap();
        assert_eq!(said.bytes, b"HELLO");
        let binary = source("cmd:printf '\\377'").read(&[]).unwrap();
        assert_eq!(binary.content_format, None);
    }

    #[test]
    fn files_are_read_anew_and_bounded() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state.json");
        let file = Source::File(path.clone());
        assert!(matches!(file.read(&[]), Err(ReadError::Absent(_))));
        fs::write(&path, "{}").unwrap();
        let stamp = file.stamp(&[]);
        let read = file.read(&[]).unwrap();
        assert_eq!(
            (read.content_format, &read.bytes[..]),
            (Some(content_format::JSON), &b"{}"[..])
        );
        fs::write(&path, vec![b'x'; MAX_REPRESENTATION]).unwrap();
        assert_eq!(file.read(&[]).unwrap().bytes.len(), MAX_REPRESENTATION);
        assert_ne!(file.stamp(&[]), stamp);
        fs::write(&path, vec![b'x'; MAX_REPRESENTATION + 1]).unwrap();
        let error = file.read(&[]).unwrap_err();
        assert!(
            error.to_string().contains("state.json has more than"),
            "{error}"
        );
        // what never ends is no file
        assert!(matches!(
            source("file:/dev/zero").read(&[]),
            Err(ReadError::NotAFile(_))
        ));
        assert!(matches!(
            source("file:/tmp").read(&[]),
            Err(ReadError::NotAFile(_))
        ));
    }

    #[test]
    fn a_pipe_without_a_writer_does_not_block() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        assert!(made.unwrap().success());
        assert!(matches!(
            Source::File(path).read(&[]),
            Err(ReadError::NotAFile(_))
        ));
    }

    #[test]
    fn no_path_leaves_its_directory() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("log");
        fs::create_dir_all(root.join("old")).unwrap();
        fs::write(root.join("today.txt"), "today").unwrap();
        fs::write(root.join("old/yesterday"), "yesterday").unwrap();
        fs::write(root.join(".hidden"), "hidden").unwrap();
        fs::write(directory.path().join("secret"), "secret").unwrap();
        symlink(directory.path().join("secret"), root.join("link")).unwrap();
        symlink(directory.path(), root.join("up")).unwrap();
        let log = Source::Directory(root);
        assert_eq!(log.read(&["today.txt"]).unwrap().bytes, b"today");
        assert_eq!(log.read(&["old", "yesterday"]).unwrap().bytes, b"yesterday");
        for path in [
            &["..", "secret"][..],
            &["../secret"],
            &["old/yesterday"],
            &["/etc/passwd"],
            &["link"],
            &["up", "secret"],
            &[".hidden"],
            &["."],
            &[""],
            &["today.txt\0"],
            &["today.txt", "x"],
            &["none"],
        ] {
            assert!(
                matches!(log.read(path), Err(ReadError::Absent(_))),
                "{path:?}"
            );
        }
        assert!(matches!(log.read(&["old"]), Err(ReadError::NotAFile(_))));
        assert_eq!(log.files(), [vec!["old", "yesterday"], vec!["today.txt"]]);
    }
}
