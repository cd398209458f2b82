//! The roll of a group: its members by number and by address, and which of them changed since it was stored.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use iotchain::Address;

use super::member::Member;

/// All members a gid ever had, live or retired.
#[derive(Debug, Default)]
pub(super) struct Roll {
    members: BTreeMap<u16, Member>,
    by_address: HashMap<Address, Vec<u16>>,
    changed: BTreeSet<u16>,
}

impl Roll {
    /// One of them.
    pub(super) fn get(&self, number: u16) -> Option<&Member> {
        self.members.get(&number)
    }

    /// One of them, to be changed. Its address stays.
    pub(super) fn get_mut(&mut self, number: u16) -> Option<&mut Member> {
        let member = self.members.get_mut(&number)?;
        self.changed.insert(number);
        Some(member)
    }

    /// Puts a member on the roll.
    pub(super) fn insert(&mut self, member: Member) {
        let number = member.number;
        let address = *member.subject.address();
        self.by_address.entry(address).or_default().push(number);
        self.members.insert(number, member);
        self.changed.insert(number);
    }

    /// Everybody, by number.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Member> {
        self.members.values()
    }

    /// Those who take part in the sessions to come.
    pub(super) fn live(&self) -> impl Iterator<Item = &Member> {
        self.iter().filter(|member| member.live)
    }

    /// Every membership that an address had.
    pub(super) fn of(&self, address: &Address) -> impl Iterator<Item = &Member> {
        let numbers = self.by_address.get(address).into_iter().flatten();
        numbers.filter_map(|number| self.members.get(number))
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.members.len()
    }

    /// Those who changed since [`Roll::settle`].
    pub(super) fn changed(&self) -> impl Iterator<Item = &Member> {
        self.changed
            .iter()
            .filter_map(|number| self.members.get(number))
    }

    /// Every change was stored.
    pub(super) fn settle(&mut self) {
        self.changed.clear();
    }
}
