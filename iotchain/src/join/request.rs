//! Join Request, Content-Format 261 (RFC 9594, 4.3.1; spec 4.2).
//!
//! ```text
//! {3: scope, ? 5: client_cred, 6: cnonce, 24: client_cred_verify, 30: kdcchallenge echoed, -65537: token reference}
//! ```

use super::credential::Ccs;
use super::parameter::{PRIVATE_USE, Unknown, check_nonce, each_parameter, wrap};
use iotchain_core::cbor::Writer;
use iotchain_core::{Error, Result, Roles, Thumbprint};
use iotchain_token::{Challenge, ChannelBinding, PopInput, Scope, TokenRef};

const SCOPE: i64 = 3;
const CLIENT_CRED: i64 = 5;
const CNONCE: i64 = 6;
const CLIENT_CRED_VERIFY: i64 = 24;
const KDC_CHALLENGE: i64 = 30;
const TOKEN_REFERENCE: i64 = PRIVATE_USE;

/// What somebody asks for and offers as proof. Nothing in it is verified: `iotchain_token::Challenger` does that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JoinRequest<'a> {
    /// Group and rights.
    pub scope: Scope,
    /// The key of a resource server; absent for a client, whose address is recovered from the proof.
    pub credential: Option<Ccs>,
    /// N_C, 8 to 32 bytes.
    pub cnonce: &'a [u8],
    /// 65 bytes of a client, 64 of a resource server. The form is for the verifier to judge.
    pub proof: &'a [u8],
    /// N_S as the key server sent it.
    pub challenge: Challenge,
    /// The token.
    pub token: TokenRef,
}

impl<'a> JoinRequest<'a> {
    /// Longest acceptable encoding in bytes (A20).
    pub const MAX_LEN: usize = 2048;

    /// From its encoding. A resource server's credential must name the address it joins as.
    ///
    /// # Errors
    /// [`Error::Size`]; the CBOR errors 1 to 11; [`Error::Type`] for missing or ill-typed parameters;
    /// [`Error::Challenge`] unless N_S has 28 bytes; [`Error::Scope`] for no rights, or the producer role together with
    /// other roles, with a client's token or without a credential; [`Error::Subject`] for somebody else's credential.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        if bytes.len() > Self::MAX_LEN {
            return Err(Error::Size);
        }
        let (mut scope, mut credential, mut cnonce) = (None, None, None);
        let (mut proof, mut challenge, mut token) = (None, None, None);
        each_parameter(bytes, Unknown::Skip, |label, reader| {
            match label {
                SCOPE => scope = Some(reader.bytes()?),
                CLIENT_CRED => credential = Some(reader.bytes()?),
                CNONCE => cnonce = Some(check_nonce(reader.bytes()?)?),
                CLIENT_CRED_VERIFY => proof = Some(reader.bytes()?),
                KDC_CHALLENGE => challenge = Some(reader.bytes()?),
                TOKEN_REFERENCE => token = Some(reader.bytes()?),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        let (Some(scope), Some(cnonce), Some(proof), Some(challenge), Some(token)) =
            (scope, cnonce, proof, challenge, token)
        else {
            return Err(Error::Type);
        };
        let challenge = Challenge::from_slice(challenge)?;
        let token = TokenRef::parse(token)?;
        let scope = Scope::parse(scope)?;
        let credential = match (scope.roles.is_producer(), credential) {
            (false, _) => None,
            (true, Some(credential))
                if scope.roles == Roles::PRODUCER && token.is_resource_server() =>
            {
                Some(Ccs::parse(credential)?)
            }
            (true, _) => return Err(Error::Scope),
        };
        if credential.is_some_and(|credential| !credential.is_of(&token.client)) {
            return Err(Error::Subject);
        }
        Ok(Self {
            scope,
            credential,
            cnonce,
            proof,
            challenge,
            token,
        })
    }

    /// Writes the encoding and returns its length.
    ///
    /// # Errors
    /// [`Error::Size`] above [`JoinRequest::MAX_LEN`]; [`Error::Buffer`] if `out` is too small.
    pub fn encode(&self, out: &mut [u8]) -> Result<usize> {
        let mut writer = Writer::new(out);
        writer
            .map(if self.credential.is_some() { 6 } else { 5 })
            .int(SCOPE);
        wrap::<{ Scope::MAX_LEN }>(&mut writer, |out| self.scope.encode(out))?;
        if let Some(credential) = &self.credential {
            writer.int(CLIENT_CRED);
            wrap::<{ Ccs::MAX_LEN }>(&mut writer, |out| credential.encode(out))?;
        }
        writer.int(CNONCE).bytes(self.cnonce);
        writer.int(CLIENT_CRED_VERIFY).bytes(self.proof);
        writer.int(KDC_CHALLENGE).bytes(self.challenge.as_bytes());
        writer.int(TOKEN_REFERENCE);
        wrap::<{ TokenRef::MAX_LEN }>(&mut writer, |out| self.token.encode(out))?;
        if writer.position() > Self::MAX_LEN {
            return Err(Error::Size);
        }
        writer.finish()
    }

    /// What the proof has to be over, seen from a connection to the key server with the thumbprint `key_server`.
    #[must_use]
    pub const fn pop_input<'b>(
        &'b self,
        binding: &'b ChannelBinding,
        key_server: &'b Thumbprint,
    ) -> PopInput<'b> {
        PopInput {
            binding,
            key_server,
            token: &self.token,
            scope: &self.scope,
            challenge: &self.challenge,
            cnonce: self.cnonce,
        }
    }
}
