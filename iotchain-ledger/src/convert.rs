//! Between our types and alloy's, which stay inside this crate.

use alloy_primitives::{Address as AlloyAddress, B256};
use iotchain_core::Address;

use crate::Hash;

pub(crate) const fn to_alloy(address: Address) -> AlloyAddress {
    AlloyAddress::new(*address.as_bytes())
}

pub(crate) fn from_alloy(address: AlloyAddress) -> Address {
    Address::new(address.into_array())
}

impl From<B256> for Hash {
    fn from(hash: B256) -> Self {
        Self::new(hash.0)
    }
}

impl From<Hash> for B256 {
    fn from(hash: Hash) -> Self {
        Self::new(*hash.as_bytes())
    }
}
