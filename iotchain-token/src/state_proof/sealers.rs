//! Who may seal blocks in a network by proof of authority (Clique, EIP-225).
//!
//! ```text
//! extraData = vanity (32) || [checkpoint: signers] || seal r || s || v (65, v in {0, 1})
//! the seal is over Keccak-256(header without the last 65 bytes of extraData)
//! ```

use super::rlp::{self, Kind};
use crate::signature::PopSignature;
use iotchain_core::hash::keccak256;
use iotchain_core::{Address, Error, Result};

const VANITY: usize = 32;
/// Place of extraData in a header.
const EXTRA_DATA: u8 = 12;

/// One of the N accounts that may seal. Each seals at most one of floor(N/2) + 1 blocks in a row.
///
/// A minority can therefore add at most floor(N/2) blocks of its own. A grant is as safe as its depth: ask for more
/// confirmations than that. The set is fixed; votes that change it on the chain are not followed, and the seals of a
/// sealer that joined later are refused.
#[derive(Clone, Copy, Debug)]
pub struct Sealer {
    account: Address,
    /// First block that it may seal.
    free_from: u64,
}

impl Sealer {
    /// A sealer as the genesis block or a checkpoint names it.
    #[must_use]
    pub const fn new(account: Address) -> Self {
        Self {
            account,
            free_from: 0,
        }
    }
}

/// Checks that one of all `sealers` sealed block `number`, and that its turn may be.
pub(super) fn check(sealers: &mut [Sealer], number: u64, header: &[u8]) -> Result<()> {
    let (hash, seal) = sealed(header)?;
    let signer = seal.recover(&hash).map_err(|_| Error::Sig)?;
    let pause = (sealers.len() as u64 >> 1).saturating_add(1);
    let sealer = sealers
        .iter_mut()
        .find(|sealer| sealer.account == signer)
        .filter(|sealer| sealer.free_from <= number)
        .ok_or(Error::Signer)?;
    sealer.free_from = number.saturating_add(pause);
    Ok(())
}

/// What a seal is over, and the seal.
fn sealed(header: &[u8]) -> Result<([u8; 32], PopSignature)> {
    let all = rlp::list(header)?;
    let mut items = all;
    for _ in 0..EXTRA_DATA {
        items.next()?;
    }
    let before = items.remaining();
    let extra = items.string()?;
    let after = items.remaining();
    let (kept, seal) = extra
        .split_last_chunk::<{ PopSignature::LEN }>()
        .filter(|(kept, _)| kept.len() >= VANITY)
        .ok_or(Error::Sig)?;
    let fields = all.remaining();
    let before = fields
        .get(..fields.len().saturating_sub(before.len()))
        .unwrap_or_default();

    let (mut extra_head, mut list_head) = ([0; 9], [0; 9]);
    let extra_head = rlp::head(Kind::String, kept.len(), &mut extra_head);
    let parts = [before, extra_head, kept, after];
    let len = parts.iter().map(|part| part.len()).sum();
    let list_head = rlp::head(Kind::List, len, &mut list_head);
    let hash = keccak256(&[list_head, before, extra_head, kept, after]);
    Ok((hash, PopSignature::parse_seal(seal)?))
}
