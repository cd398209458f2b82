//! Reading vector files: every access is checked and says where it failed.

use crate::report::{Checked, Fault};
use iotchain::{Address, Session, UnixTime};
use serde_json::Value;

/// A value in a vector file and the way to it.
#[derive(Clone)]
pub(crate) struct Item<'a> {
    value: &'a Value,
    place: String,
}

impl<'a> Item<'a> {
    pub(crate) const fn root(value: &'a Value) -> Self {
        Self {
            value,
            place: String::new(),
        }
    }

    /// The same value, with places told from here on.
    pub(crate) fn rebased(&self) -> Self {
        Self::root(self.value)
    }

    fn fault(&self, what: &str) -> Fault {
        if self.place.is_empty() {
            Fault::new(what)
        } else {
            Fault::new(what).at(&self.place)
        }
    }

    fn below(&self, value: &'a Value, step: &str) -> Self {
        Self {
            value,
            place: format!("{}{step}", self.place),
        }
    }

    /// The field `key` if it is there and not null.
    pub(crate) fn find(&self, key: &str) -> Option<Item<'a>> {
        let value = self.value.get(key).filter(|value| !value.is_null())?;
        let dot = if self.place.is_empty() { "" } else { "." };
        Some(self.below(value, &format!("{dot}{key}")))
    }

    /// The field `key`.
    pub(crate) fn get(&self, key: &str) -> Checked<Item<'a>> {
        self.find(key)
            .ok_or_else(|| self.fault(&format!("no `{key}`")))
    }

    /// The element at `index`.
    pub(crate) fn at(&self, index: usize) -> Checked<Item<'a>> {
        let value = self.value.get(index);
        let value = value.ok_or_else(|| self.fault(&format!("no element {index}")))?;
        Ok(self.below(value, &format!("[{index}]")))
    }

    /// The elements of a list.
    pub(crate) fn list(&self) -> Checked<Vec<Item<'a>>> {
        let list = self
            .value
            .as_array()
            .ok_or_else(|| self.fault("not a list"))?;
        let items = list.iter().enumerate();
        Ok(items
            .map(|(index, value)| self.below(value, &format!("[{index}]")))
            .collect())
    }

    /// The elements of a list that cannot be empty.
    pub(crate) fn some(&self) -> Checked<Vec<Item<'a>>> {
        let list = self.list()?;
        if list.is_empty() {
            Err(self.fault("empty"))
        } else {
            Ok(list)
        }
    }

    /// The fields of an object.
    pub(crate) fn fields(&self) -> Checked<Vec<(&'a str, Item<'a>)>> {
        let fields = self
            .value
            .as_object()
            .ok_or_else(|| self.fault("not an object"))?;
        Ok(fields
            .iter()
            .map(|(key, value)| (key.as_str(), self.below(value, key)))
            .collect())
    }

    pub(crate) fn text(&self) -> Checked<&'a str> {
        self.value.as_str().ok_or_else(|| self.fault("not a text"))
    }

    pub(crate) fn texts(&self) -> Checked<Vec<&'a str>> {
        self.list()?.iter().map(Item::text).collect()
    }

    pub(crate) fn flag(&self) -> Checked<bool> {
        self.value
            .as_bool()
            .ok_or_else(|| self.fault("not true or false"))
    }

    /// A whole number in the range of `T`.
    pub(crate) fn int<T: TryFrom<i128>>(&self) -> Checked<T> {
        let signed = self.value.as_i64().map(i128::from);
        let number = signed.or(self.value.as_u64().map(i128::from));
        let number = number.ok_or_else(|| self.fault("not a whole number"))?;
        T::try_from(number).map_err(|_| self.fault("out of range"))
    }

    pub(crate) fn ints<T: TryFrom<i128>>(&self) -> Checked<Vec<T>> {
        self.list()?.iter().map(Item::int).collect()
    }

    pub(crate) fn bytes(&self) -> Checked<Vec<u8>> {
        hex::decode(self.text()?).map_err(|_| self.fault("not hex"))
    }

    pub(crate) fn array<const N: usize>(&self) -> Checked<[u8; N]> {
        self.bytes()?
            .try_into()
            .map_err(|_| self.fault(&format!("not {N} bytes")))
    }

    pub(crate) fn address(&self) -> Checked<Address> {
        self.array().map(Address::new)
    }

    pub(crate) fn session(&self) -> Checked<Session> {
        self.int().map(Session::new)
    }

    pub(crate) fn time(&self) -> Checked<UnixTime> {
        self.int().map(UnixTime::new)
    }

    /// A field read with `read`, `None` if it is absent or null.
    pub(crate) fn optional<T>(
        &self,
        key: &str,
        read: impl FnOnce(&Item<'a>) -> Checked<T>,
    ) -> Checked<Option<T>> {
        self.find(key).as_ref().map(read).transpose()
    }

    /// The `id` or `name` of a case, else its place.
    pub(crate) fn name(&self) -> String {
        let named = ["id", "name"]
            .iter()
            .find_map(|key| self.value.get(key)?.as_str());
        match named {
            Some(name) => name.to_owned(),
            None if self.place.is_empty() => "unnamed case".to_owned(),
            None => self.place.clone(),
        }
    }
}
