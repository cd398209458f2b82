//! The pseudorandom function of the scheme with a tag per use (spec 3.5.2).

use crate::prf::TaggedPrf;
#[cfg(feature = "manager")]
use iotchain_core::aes::Aes128;
use iotchain_core::{Gid, Secret};

/// What a block is for; no two uses share a block under one key.
#[derive(Clone, Copy)]
#[repr(u8)]
enum Tag {
    #[cfg(feature = "manager")]
    Key = 0x20,
    #[cfg(feature = "manager")]
    Mask = 0x21,
    KeyCheck = 0x23,
}

/// The function family of one (gid, epoch).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Prf(TaggedPrf);

impl Prf {
    pub(crate) fn new(gid: Gid, epoch: u32) -> Self {
        Self(TaggedPrf::new(b"IoTChain-SH1", gid, epoch))
    }

    /// K_a; `master` is the expanded mk of the group manager.
    #[cfg(feature = "manager")]
    pub(crate) fn group_key(&self, master: &Aes128, session: u32) -> Secret<16> {
        self.0.derive_expanded(master, Tag::Key as u8, session, 0)
    }

    /// The coefficient of x^power in the mask h_a.
    #[cfg(feature = "manager")]
    pub(crate) fn mask(&self, master: &Aes128, session: u32, power: u32) -> Secret<16> {
        self.0
            .derive_expanded(master, Tag::Mask as u8, session, power)
    }

    /// kcv_a of K_a.
    pub(crate) fn key_check(&self, key: &Secret<16>, session: u32) -> Secret<16> {
        self.0.derive(key, Tag::KeyCheck as u8, session, 0)
    }
}
