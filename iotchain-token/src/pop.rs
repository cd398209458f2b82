//! What a proof of possession is made over (spec 5.6).
//!
//! ```text
//! pop-input = CBOR ["IoTC1-PoP", cb_type, cb, ks, chain, contract, client, scope, N_S, N_C]
//! text      = "IoTChain PoP v1\n" gname "\n" hex(SHA-256(pop-input))
//! digest    = Keccak-256("\x19Ethereum Signed Message:\n" len(text) text)               (EIP-191, version 0x45)
//! ```
//!
//! A client signs the digest with the key of its account, a wallet shows it the text. A resource server signs the
//! pop-input itself with its own key.

use crate::bound::{KeyUse, sign_bound, verify_bound};
use crate::challenge::Challenge;
use crate::channel::ChannelBinding;
use crate::scope::Scope;
use crate::signature::PopSignature;
use crate::text::Text;
use crate::token_ref::TokenRef;
use iotchain_core::cbor::Writer;
use iotchain_core::hash::{keccak256, sha256};
use iotchain_core::sign::with_low_s;
use iotchain_core::{Error, PublicKey, Result, Signature, Signer, Thumbprint};

const LABEL: &str = "IoTC1-PoP";
const TITLE: &str = "IoTChain PoP v1\n";
const EIP191: &str = "\x19Ethereum Signed Message:\n";
const TEXT_LEN: usize = 16 + 32 + 1 + 64;

/// Everything a proof commits to.
#[derive(Clone, Copy, Debug)]
pub struct PopInput<'a> {
    /// The connection, or the key server's certificate.
    pub binding: &'a ChannelBinding,
    /// `ks`, the thumbprint of the key server's signing key.
    pub key_server: &'a Thumbprint,
    /// The token; for a resource server [`TokenRef::resource_server`].
    pub token: &'a TokenRef,
    /// Group and rights.
    pub scope: &'a Scope,
    /// N_S, the key server's challenge.
    pub challenge: &'a Challenge,
    /// N_C, the nonce of the side that proves, 8 to 32 bytes.
    pub cnonce: &'a [u8],
}

impl PopInput<'_> {
    /// Longest encoding in bytes.
    pub const MAX_LEN: usize =
        1 + 10 + 1 + 34 + 34 + 9 + 21 + 21 + (2 + Scope::MAX_LEN) + (2 + Challenge::LEN) + (2 + 32);

    /// Writes pop-input and returns its length, at most [`PopInput::MAX_LEN`].
    ///
    /// # Errors
    /// [`Error::Type`] if N_C has not 8 to 32 bytes; [`Error::Buffer`] if `out` is too small.
    pub fn encode(&self, out: &mut [u8]) -> Result<usize> {
        if !(8..=32).contains(&self.cnonce.len()) {
            return Err(Error::Type);
        }
        let mut scope = [0; Scope::MAX_LEN];
        let scope_len = self.scope.encode(&mut scope)?;
        let mut writer = Writer::new(out);
        writer
            .array(10)
            .text(LABEL)
            .uint(self.binding.cb_type().into())
            .bytes(self.binding.value())
            .bytes(self.key_server.as_bytes())
            .uint(self.token.chain)
            .bytes(self.token.contract.as_bytes())
            .bytes(self.token.client.as_bytes())
            .bytes(scope.get(..scope_len).unwrap_or_default())
            .bytes(self.challenge.as_bytes())
            .bytes(self.cnonce);
        writer.finish()
    }

    /// The text that a wallet shows and signs by `personal_sign`.
    ///
    /// # Errors
    /// [`Error::Type`] if N_C has not 8 to 32 bytes.
    pub fn text(&self) -> Result<PopText> {
        let hash = self.with_encoding(|encoding| Ok(sha256(&[encoding])))?;
        let mut text = Text::new();
        text.push(TITLE);
        text.push(self.scope.group.as_str());
        text.push("\n");
        text.push_hex(&hash);
        Ok(PopText(text))
    }

    /// The EIP-191 digest of the text, 32 bytes: what the client's signature is over.
    ///
    /// # Errors
    /// [`Error::Type`] if N_C has not 8 to 32 bytes.
    pub fn digest(&self) -> Result<[u8; 32]> {
        self.text().map(|text| text.digest())
    }

    /// A client's proof, made by a signer that holds the key of its account and is handed the digest: `sign` gives r and
    /// s, as most secure elements do.
    ///
    /// # Errors
    /// [`Error::Type`] if N_C has not 8 to 32 bytes; [`Error::Pop`] if another key signed than that of the token's client; the
    /// errors of `sign`.
    pub fn sign_as_client(
        &self,
        sign: impl FnOnce(&[u8; 32]) -> Result<Signature>,
    ) -> Result<PopSignature> {
        let digest = self.digest()?;
        PopSignature::complete(&with_low_s(sign(&digest)?), &digest, &self.token.client)
    }

    /// A resource server's proof: its signature over pop-input with external_aad `["IoTC1", "join"]`.
    ///
    /// # Errors
    /// [`Error::Type`] if N_C has not 8 to 32 bytes; the signer's own errors.
    pub fn sign_as_server(&self, signer: &impl Signer) -> Result<Signature> {
        self.with_encoding(|encoding| sign_bound(signer, KeyUse::Join, encoding))
    }

    /// Verifies a resource server's proof by its key.
    ///
    /// # Errors
    /// [`Error::Type`] if N_C has not 8 to 32 bytes; [`Error::Sig`] if the signature is not that of `key`.
    pub fn verify_server(&self, key: &PublicKey, signature: &[u8]) -> Result<()> {
        self.with_encoding(|encoding| verify_bound(key, KeyUse::Join, encoding, signature))
    }

    fn with_encoding<T>(&self, f: impl FnOnce(&[u8]) -> Result<T>) -> Result<T> {
        let mut buffer = [0; Self::MAX_LEN];
        let len = self.encode(&mut buffer)?;
        f(buffer.get(..len).unwrap_or_default())
    }
}

/// The text of a proof, at most 113 ASCII characters in three lines.
#[derive(Clone, Copy)]
pub struct PopText(Text<TEXT_LEN>);

impl PopText {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Its EIP-191 digest (version 0x45, `personal_sign`).
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let text = self.as_str().as_bytes();
        let mut len = Text::<20>::new();
        len.push_decimal(text.len().try_into().unwrap_or(u64::MAX));
        keccak256(&[EIP191.as_bytes(), len.as_str().as_bytes(), text])
    }
}
