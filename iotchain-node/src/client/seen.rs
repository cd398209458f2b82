//! What a client remembers of signed objects, so that no proxy can roll a resource back (spec 2.9).

use std::collections::BTreeMap;
use std::path::PathBuf;

use iotchain::StoredState;

use crate::data_dir::DataDir;
use crate::{NodeError, keyfile};

const FILE: &str = "seen.json";

/// The newest accepted object of each resource, kept in a file.
#[derive(Debug)]
pub(super) struct Seen {
    path: PathBuf,
    /// `0xRS/PATH` and the exported state in hex.
    states: BTreeMap<String, String>,
}

impl Seen {
    /// # Errors
    /// [`NodeError::State`] for a damaged file: starting over would forget what was seen.
    pub(super) fn open(data: &DataDir) -> Result<Self, NodeError> {
        let path = data.file(FILE);
        let states = match keyfile::read_if_present(&path)? {
            Some(bytes) => serde_json::from_slice(&bytes).map_err(|error| damaged(&path, error))?,
            None => BTreeMap::new(),
        };
        Ok(Self { path, states })
    }

    /// What was accepted for a resource, in a group whose sids have `sid_len` bytes.
    ///
    /// # Errors
    /// [`NodeError::State`] for a damaged entry.
    pub(super) fn state(&self, resource: &str, sid_len: usize) -> Result<StoredState, NodeError> {
        let Some(text) = self.states.get(resource) else {
            return Ok(StoredState::new());
        };
        let bytes = hex::decode(text).map_err(|error| damaged(&self.path, error))?;
        StoredState::import(&bytes, sid_len).map_err(|error| damaged(&self.path, error))
    }

    /// Keeps the state of a resource. On the disk before this returns.
    ///
    /// # Errors
    /// [`NodeError::Io`]; what was kept before is still there.
    pub(super) fn keep(&mut self, resource: &str, state: &StoredState) -> Result<(), NodeError> {
        let mut buffer = [0; StoredState::MAX_LEN];
        let len = state.export(&mut buffer)?;
        let text = hex::encode(buffer.get(..len).unwrap_or_default());
        if self.states.get(resource) == Some(&text) {
            return Ok(());
        }
        let before = self.states.insert(resource.to_owned(), text);
        let json =
            serde_json::to_vec_pretty(&self.states).map_err(|error| damaged(&self.path, error))?;
        keyfile::atomic_write(&self.path, &json).inspect_err(|_| {
            match before {
                Some(text) => self.states.insert(resource.to_owned(), text),
                None => self.states.remove(resource),
            };
        })
    }
}

fn damaged(path: &std::path::Path, error: impl std::fmt::Display) -> NodeError {
    NodeError::State(format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_is_told_and_not_overwritten() {
        let root = tempfile::tempdir().unwrap();
        let data = DataDir::open(root.path(), "client").unwrap();
        let mut seen = Seen::open(&data).unwrap();
        seen.keep("0x/a", &StoredState::new()).unwrap();
        assert_eq!(
            Seen::open(&data).unwrap().state("0x/a", 3).unwrap(),
            StoredState::new()
        );
        std::fs::write(data.file(FILE), "{\"0x/a\": \"85\"}").unwrap();
        assert!(matches!(
            Seen::open(&data).unwrap().state("0x/a", 3),
            Err(NodeError::State(_))
        ));
        std::fs::write(data.file(FILE), "{").unwrap();
        assert!(matches!(Seen::open(&data), Err(NodeError::State(_))));
        assert_eq!(std::fs::read(data.file(FILE)).unwrap(), b"{");
    }
}
