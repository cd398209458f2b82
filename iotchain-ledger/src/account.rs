//! An account: a secp256k1 key that signs transactions (EIP-1559) and digests.

use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{B256, Bytes, Signature, TxKind, U256};
use iotchain_core::Address;
use iotchain_core::hash::keccak256;
use k256::ecdsa::SigningKey;

use crate::convert::to_alloy;
use crate::{LedgerError, Result};

/// A transaction before it is signed. It moves no ether.
#[derive(Clone, Debug)]
pub struct Transaction {
    /// The chain it is meant for.
    pub chain_id: u64,
    /// The sender's nonce.
    pub nonce: u64,
    /// The contract to call, or `None` to deploy one.
    pub to: Option<Address>,
    /// Call data or, for a deployment, init code with its arguments.
    pub data: Vec<u8>,
    /// Greatest amount of gas it may use.
    pub gas_limit: u64,
    /// Greatest price per unit of gas in wei; 0 on gas-free chains.
    pub gas_price: u128,
}

/// A secp256k1 key pair with its Ethereum address. The key is wiped on drop and never printed.
#[derive(Clone)]
pub struct Account {
    key: SigningKey,
    address: Address,
}

impl Account {
    /// From the 32-byte secret scalar.
    ///
    /// # Errors
    /// [`LedgerError::Config`] if it is zero or not below the group order.
    pub fn from_bytes(secret: &[u8; 32]) -> Result<Self> {
        let key = SigningKey::from_slice(secret).map_err(|_| {
            LedgerError::Config("the account key is not a valid secp256k1 scalar".into())
        })?;
        let point = key.verifying_key().to_sec1_point(false);
        let hash = keccak256(&[&point.as_bytes()[1..]]);
        let mut address = [0; 20];
        address.copy_from_slice(&hash[12..]);
        Ok(Self {
            key,
            address: Address::new(address),
        })
    }

    /// A fresh account from the operating system's random numbers.
    ///
    /// # Errors
    /// [`LedgerError::Config`] if there are none.
    pub fn generate() -> Result<Self> {
        let mut secret = zeroize::Zeroizing::new([0; 32]);
        loop {
            getrandom::fill(&mut *secret)
                .map_err(|e| LedgerError::Config(format!("no random numbers: {e}")))?;
            // A scalar out of range has probability 2^-127.
            if let Ok(account) = Self::from_bytes(&secret) {
                return Ok(account);
            }
        }
    }

    /// The address: the last 20 bytes of Keccak-256 of the public key.
    #[must_use]
    pub const fn address(&self) -> Address {
        self.address
    }

    /// The secret scalar, for storing it in a key file. Wiped on drop.
    #[must_use]
    pub fn to_bytes(&self) -> zeroize::Zeroizing<[u8; 32]> {
        zeroize::Zeroizing::new(self.key.to_bytes().into())
    }

    /// r ‖ s ‖ v over a 32-byte digest, low-S, v in {27, 28}. Never sign a digest that somebody else chose: it could be
    /// that of a transaction.
    #[must_use]
    pub fn sign_digest(&self, digest: &[u8; 32]) -> [u8; 65] {
        self.signature(digest).as_bytes()
    }

    /// Signs a transaction; the result is its EIP-2718 encoding.
    #[must_use]
    pub fn sign(&self, transaction: &Transaction) -> Vec<u8> {
        let unsigned = TxEip1559 {
            chain_id: transaction.chain_id,
            nonce: transaction.nonce,
            gas_limit: transaction.gas_limit,
            max_fee_per_gas: transaction.gas_price,
            max_priority_fee_per_gas: 0,
            to: transaction
                .to
                .map_or(TxKind::Create, |to| TxKind::Call(to_alloy(to))),
            value: U256::ZERO,
            access_list: Default::default(),
            input: Bytes::copy_from_slice(&transaction.data),
        };
        let signature = self.signature(&unsigned.signature_hash().0);
        TxEnvelope::from(unsigned.into_signed(signature)).encoded_2718()
    }

    pub(crate) fn signature(&self, digest: &[u8; 32]) -> Signature {
        let (signature, recovery) = self.key.sign_prehash_recoverable(digest);
        let (r, s) = signature.split_bytes();
        Signature::from_scalars_and_parity(
            B256::from_slice(&r),
            B256::from_slice(&s),
            recovery.is_y_odd(),
        )
    }
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Account({})", self.address)
    }
}
