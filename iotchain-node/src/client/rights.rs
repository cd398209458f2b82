//! What rights a client joins each group with: always all it asked a token for. Other rights in every command would be
//! another sid each time, and retiring one costs the whole group its access keys (spec 1.1, A2).

use std::collections::BTreeMap;
use std::path::PathBuf;

use iotchain::{GroupName, Roles};

use crate::data_dir::DataDir;
use crate::{NodeError, keyfile, roles};

const FILE: &str = "rights.json";

/// Group names and rights, kept in a file.
#[derive(Debug)]
pub(super) struct Rights {
    path: PathBuf,
    /// As people write them: `get,put`.
    known: BTreeMap<String, String>,
}

impl Rights {
    /// # Errors
    /// [`NodeError::State`] for a damaged file.
    pub(super) fn open(data: &DataDir) -> Result<Self, NodeError> {
        let path = data.file(FILE);
        let damaged = |what: String| NodeError::State(format!("{}: {what}", path.display()));
        let known: BTreeMap<String, String> = match keyfile::read_if_present(&path)? {
            Some(bytes) => {
                serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?
            }
            None => BTreeMap::new(),
        };
        known
            .values()
            .try_for_each(|text| roles::parse(text).map(drop))
            .map_err(damaged)?;
        Ok(Self { path, known })
    }

    /// What is known of a group: no right if nothing is.
    pub(super) fn of(&self, group: &GroupName) -> Roles {
        let text = self.known.get(group.as_str());
        text.and_then(|text| roles::parse(text).ok())
            .unwrap_or_default()
    }

    /// Remembers the rights in a group. On the disk before this returns.
    ///
    /// # Errors
    /// [`NodeError::Io`].
    pub(super) fn keep(&mut self, group: &GroupName, rights: Roles) -> Result<(), NodeError> {
        if self.of(group) == rights {
            return Ok(());
        }
        self.known
            .insert(group.as_str().to_owned(), roles::text(rights));
        let json = serde_json::to_vec_pretty(&self.known)
            .map_err(|error| NodeError::State(format!("{}: {error}", self.path.display())))?;
        keyfile::atomic_write(&self.path, &json)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights_last_and_damage_is_told() {
        let root = tempfile::tempdir().unwrap();
        let data = DataDir::open(root.path(), "client").unwrap();
        let (group, other) = (
            GroupName::new("0007.fa870181").unwrap(),
            GroupName::new("0008.fa870181").unwrap(),
        );
        let mut rights = Rights::open(&data).unwrap();
        assert_eq!(rights.of(&group), Roles::default());
        rights.keep(&group, Roles::GET | Roles::PUT).unwrap();
        let rights = Rights::open(&data).unwrap();
        assert_eq!(rights.of(&group), Roles::GET | Roles::PUT);
        assert_eq!(rights.of(&other), Roles::default());
        for text in ["{", "{\"0007.fa870181\": \"fly\"}"] {
            std::fs::write(data.file(FILE), text).unwrap();
            assert_eq!(Rights::open(&data).unwrap_err().exit_code(), 6);
        }
    }
}
