//! What the threads of a key server share: the groups, their store, the ledger, and the rule that nothing is told before it
//! is stored.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use iotchain::token::Policy;
use iotchain::{Error, GroupName, Signer, SigningKey, Thumbprint, UnixTime};
use iotchain_ledger::Ledger;

use super::group::{Group, Terms};
use super::rows::Change;
use super::store::{Found, Store};
use crate::NodeError;
use crate::catalogue::{Catalogue, ResourceServer};

/// The key server behind its sockets.
pub(super) struct Office {
    pub(super) catalogue: Catalogue,
    pub(super) terms: Terms,
    pub(super) policy: Policy,
    pub(super) ledger: Arc<dyn Ledger>,
    pub(super) key: SigningKey,
    /// `ks`.
    pub(super) ks: Thumbprint,
    store: Store,
    groups: Mutex<HashMap<GroupName, Group>>,
}

/// What an office works with.
pub(super) struct Equipment {
    pub(super) catalogue: Catalogue,
    pub(super) terms: Terms,
    pub(super) policy: Policy,
    pub(super) ledger: Arc<dyn Ledger>,
    pub(super) key: SigningKey,
}

impl Office {
    /// Takes up the stored groups of the catalogue and founds those that are missing.
    ///
    /// # Errors
    /// [`NodeError::State`] for groups that cannot be continued, [`NodeError::Io`].
    pub(super) fn open(
        equipment: Equipment,
        (store, found): (Store, Found),
        now: UnixTime,
    ) -> Result<Self, NodeError> {
        let Equipment {
            catalogue,
            terms,
            policy,
            ledger,
            key,
        } = equipment;
        if found == Found::Restored {
            tracing::warn!(
                "the store was restored from a backup: every group begins anew, with another gid"
            );
        }
        let ks = key.public().thumbprint();
        let stored = store.groups()?;
        let mut stored: HashMap<GroupName, Group> = stored
            .into_iter()
            .map(|group| (group.name, group))
            .collect();
        let office = Self {
            terms,
            policy,
            ledger,
            key,
            ks,
            store,
            groups: Mutex::default(),
            catalogue: catalogue.clone(),
        };
        for wanted in catalogue.groups() {
            let name = wanted.name();
            let group = match stored.remove(&name) {
                Some(group) if group.rs != wanted.server.rs => {
                    return Err(NodeError::State(format!(
                        "the group {name} belongs to 0x{}, but the catalogue gives it to 0x{}",
                        group.rs, wanted.server.rs
                    )));
                }
                Some(group) => office.take_up(group, wanted.server)?,
                None => office.found(name, wanted.server, now)?,
            };
            office.groups().insert(name, group);
        }
        Ok(office)
    }

    /// The groups. A thread that died while it changed one must not be survived: what it left was never stored.
    pub(super) fn groups(&self) -> MutexGuard<'_, HashMap<GroupName, Group>> {
        #[expect(
            clippy::expect_used,
            reason = "continuing could give one slot, or one session, to two secrets (A7)"
        )]
        self.groups
            .lock()
            .expect("a thread died while it changed a group")
    }

    /// Changes a group and stores what changed. If either fails, the group is as it was stored last.
    ///
    /// # Errors
    /// Those of `change`; [`Error::GroupGone`] for a name that is not in the catalogue; those of the store.
    pub(super) fn change<T>(
        &self,
        name: &GroupName,
        change: impl FnOnce(&mut Group) -> Result<T, NodeError>,
    ) -> Result<T, NodeError> {
        let mut groups = self.groups();
        let group = groups.get_mut(name).ok_or(Error::GroupGone)?;
        let changed = change(group).and_then(|value| {
            let unsaved = group.unsaved()?;
            Ok((value, self.keep(group, unsaved)?))
        });
        match changed {
            Ok((value, ())) => Ok(value),
            Err(error) => {
                // A refusal changes nothing, and then there is nothing to undo.
                if !group.unsaved().is_ok_and(|change| change.is_empty()) {
                    // These rows were read or written before; going on without them is forbidden.
                    match group.gone_back() {
                        Ok(stored) => *group = stored,
                        Err(_) => drop(groups.remove(name)),
                    }
                }
                Err(error)
            }
        }
    }

    /// Looks at a group.
    ///
    /// # Errors
    /// Those of `look`; [`Error::GroupGone`] for a name that is not in the catalogue.
    pub(super) fn look<T>(
        &self,
        name: &GroupName,
        look: impl FnOnce(&Group) -> iotchain::Result<T>,
    ) -> iotchain::Result<T> {
        look(self.groups().get(name).ok_or(Error::GroupGone)?)
    }

    /// A group in place of one that is used up, or of none, with a gid of its own.
    ///
    /// # Errors
    /// [`NodeError::Protocol`], or those of the store.
    pub(super) fn refound(&self, group: &mut Group, now: UnixTime) -> Result<Group, NodeError> {
        let gid = self.store.fresh_gid()?;
        let owner = (group.name, group.rs);
        let founded = Group::found(owner, gid, &self.terms, &self.key, now)?;
        Ok(Group {
            stored: std::mem::take(&mut group.stored),
            ..founded
        })
    }

    /// Brings the witness of the store up to date.
    pub(super) fn attest(&self) {
        if let Err(error) = self.store.attest() {
            tracing::error!(%error, "an old copy of the store would not be recognised");
        }
    }

    /// Stores what changed of a group.
    fn keep(&self, group: &mut Group, change: Change) -> Result<(), NodeError> {
        if !change.is_empty() {
            let put = self.store.put(group, &change);
            put.inspect_err(|_| group.afresh = true)?;
        }
        group.saved(change);
        Ok(())
    }

    fn found(
        &self,
        name: GroupName,
        server: &ResourceServer,
        now: UnixTime,
    ) -> Result<Group, NodeError> {
        let gid = self.store.fresh_gid()?;
        let mut group = Group::found((name, server.rs), gid, &self.terms, &self.key, now)?;
        let all = group.unsaved()?;
        self.keep(&mut group, all)?;
        tracing::info!(%name, %gid, "founded a group");
        Ok(group)
    }

    /// Goes on with a stored group. A resource server whose key the owner replaced is out.
    fn take_up(&self, mut group: Group, server: &ResourceServer) -> Result<Group, NodeError> {
        let former = group.live_member(&server.rs).filter(|number| {
            group
                .members
                .get(*number)
                .is_some_and(|member| !member.subject.has_key(&server.key))
        });
        if let Some(number) = former {
            group.retire(number)?;
            let unsaved = group.unsaved()?;
            self.keep(&mut group, unsaved)?;
        }
        tracing::info!(name = %group.name, gid = %group.gid(), session = %group.session(), "took up a group");
        Ok(group)
    }
}
