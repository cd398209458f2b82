//! A directory of vector files.

use crate::json::Item;
use crate::report::Checked;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::{fmt, fs};

/// The files of a vector set, without `.json`.
const FILES: [&str; 12] = [
    "params",
    "kdf",
    "objects",
    "broadcast-rsd",
    "broadcast-polynomial",
    "sd-cover",
    "field",
    "keyserver",
    "token",
    "pop",
    "negative",
    "errors",
];

/// Files that a set may have besides.
const MORE_FILES: [&str; 2] = ["objects-of-groups", "token-proof"];

/// One vector set, read and parsed.
#[derive(Clone, Debug)]
pub struct VectorSet {
    files: BTreeMap<&'static str, Value>,
    strangers: Vec<String>,
}

/// Why a set could not be read: one message.
#[derive(Debug)]
pub struct Unreadable(String);

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unreadable {}

impl VectorSet {
    /// Reads every file of the schema.
    ///
    /// # Errors
    /// [`Unreadable`] if the directory or a file cannot be read, or a file is not JSON.
    pub fn read(directory: &Path) -> Result<Self, Unreadable> {
        let unreadable =
            |path: &Path, why: &dyn fmt::Display| Unreadable(format!("{}: {why}", path.display()));
        let entries = fs::read_dir(directory).map_err(|error| unreadable(directory, &error))?;
        let mut strangers = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|error| unreadable(directory, &error))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let known = |stem: &str| FILES.contains(&stem) || MORE_FILES.contains(&stem);
            if name.strip_suffix(".json").is_some_and(|stem| !known(stem)) {
                strangers.push(name);
            }
        }
        strangers.sort();
        let mut files = BTreeMap::new();
        let there = |name: &&str| directory.join(format!("{name}.json")).exists();
        for name in FILES
            .into_iter()
            .chain(MORE_FILES.into_iter().filter(there))
        {
            let path = directory.join(format!("{name}.json"));
            let text = fs::read(&path).map_err(|error| unreadable(&path, &error))?;
            let value = serde_json::from_slice(&text).map_err(|error| unreadable(&path, &error))?;
            files.insert(name, value);
        }
        Ok(Self { files, strangers })
    }

    /// Whether the set has a file, without `.json`.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.files.contains_key(name)
    }

    /// A file of the schema, without `.json`.
    pub(crate) fn file(&self, name: &str) -> Item<'_> {
        static ABSENT: Value = Value::Null;
        Item::root(self.files.get(name).unwrap_or(&ABSENT))
    }

    /// Names of JSON files that are not of the schema.
    pub(crate) fn strangers(&self) -> &[String] {
        &self.strangers
    }

    /// The `cases` of a file; there is at least one. Places are told from the case on.
    pub(crate) fn cases(&self, name: &str) -> Checked<Vec<Item<'_>>> {
        Ok(self
            .file(name)
            .get("cases")?
            .some()?
            .iter()
            .map(Item::rebased)
            .collect())
    }

    /// Length of every sid of the set in bytes.
    pub(crate) fn sid_len(&self) -> Checked<usize> {
        Ok(self.file("params").get("sid")?.get("rs")?.bytes()?.len())
    }
}
