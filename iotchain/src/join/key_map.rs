//! The key map of a join response: everything about the group but K_j, which is never sent (spec 4.3).
//!
//! ```text
//! {1: gid, 2: sid, 3: alg, 4: sign_alg, 5: grace, ? 6: [[rs, AK]...], ? 7: RSK, ? 8: ss}
//! ```

use super::list::{Element, List};
use super::parameter::{Unknown, each_pair};
use iotchain_core::cbor::{Reader, Writer};
use iotchain_core::{
    AccessKey, Address, AeadAlg, BootSalt, Error, Gid, Result, Secret, Sid, SignAlg, Suite,
};

const GID: i64 = 1;
const SID: i64 = 2;
const ALG: i64 = 3;
const SIGN_ALG: i64 = 4;
const GRACE: i64 = 5;
pub(super) const ACCESS_KEYS: i64 = 6;
const RSK: i64 = 7;
const BOOT_SALT: i64 = 8;

/// AK for one resource server.
#[derive(Clone, Debug)]
pub struct ServerAccess {
    /// The resource server.
    pub rs: Address,
    /// What the client shares with it.
    pub key: AccessKey,
}

impl Element<'_> for ServerAccess {
    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        if reader.array()? != 2 {
            return Err(Error::Type);
        }
        Ok(Self {
            rs: Address::new(*reader.array_of()?),
            key: AccessKey::new(*reader.array_of()?),
        })
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<()> {
        writer
            .array(2)
            .bytes(self.rs.as_bytes())
            .bytes(self.key.expose());
        Ok(())
    }
}

/// Identity and parameters of one member in its group.
#[derive(Clone, Debug)]
pub struct KeyMap<'a> {
    /// The group instance.
    pub gid: Gid,
    /// The member's sender id; its length is that of all sids of the group.
    pub sid: Sid,
    /// Algorithms of the group.
    pub suite: Suite,
    /// Seconds for which the previous session is still accepted.
    pub grace: u64,
    /// Access keys of a client; a resource server has none.
    pub access_keys: Option<List<'a, ServerAccess>>,
    /// RSK of a resource server, 32 bytes; a client has none.
    pub server_secret: Option<Secret<32>>,
    /// Boot salt, if the key server assigns one: 1 to 4 bytes.
    pub boot_salt: Option<BootSalt>,
}

impl<'a> KeyMap<'a> {
    pub(super) fn read(reader: &mut Reader<'a>) -> Result<Self> {
        let (mut gid, mut sid, mut aead, mut sign, mut grace) = (None, None, None, None, None);
        let (mut access_keys, mut server_secret, mut boot_salt) = (None, None, None);
        each_pair(reader, Unknown::Refuse, |label, reader| {
            match label {
                GID => gid = Some(Gid::new(*reader.array_of()?)),
                SID => sid = Some(Sid::from_slice(reader.bytes()?)?),
                ALG => aead = Some(AeadAlg::from_cose(reader.int()?)?),
                SIGN_ALG => sign = Some(SignAlg::from_cose(reader.int()?)?),
                GRACE => grace = Some(reader.uint()?),
                ACCESS_KEYS => access_keys = Some(List::read(reader)?),
                RSK => server_secret = Some(Secret::new(*reader.array_of()?)),
                BOOT_SALT => boot_salt = Some(assigned_salt(reader.bytes()?)?),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        let (Some(gid), Some(sid), Some(aead), Some(sign), Some(grace)) =
            (gid, sid, aead, sign, grace)
        else {
            return Err(Error::Type);
        };
        let suite = Suite { aead, sign };
        if !suite.is_allowed() {
            return Err(Error::Alg);
        }
        if access_keys.is_some() && server_secret.is_some() {
            return Err(Error::Type);
        }
        Ok(Self {
            gid,
            sid,
            suite,
            grace,
            access_keys,
            server_secret,
            boot_salt,
        })
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) -> Result<()> {
        let optional = [
            self.access_keys.is_some(),
            self.server_secret.is_some(),
            self.boot_salt.is_some(),
        ];
        writer.map(
            optional
                .into_iter()
                .map(u64::from)
                .fold(5, u64::wrapping_add),
        );
        writer.int(GID).bytes(self.gid.as_bytes());
        writer.int(SID).bytes(self.sid.as_bytes());
        writer.int(ALG).int(self.suite.aead.cose());
        writer.int(SIGN_ALG).int(self.suite.sign.cose());
        writer.int(GRACE).uint(self.grace);
        if let Some(access_keys) = &self.access_keys {
            writer.int(ACCESS_KEYS);
            access_keys.write(writer)?;
        }
        if let Some(server_secret) = &self.server_secret {
            writer.int(RSK).bytes(server_secret.expose());
        }
        if let Some(boot_salt) = &self.boot_salt {
            writer.int(BOOT_SALT).bytes(boot_salt.as_bytes());
        }
        Ok(())
    }
}

/// The key server assigns boot counters, never the empty or a random salt.
fn assigned_salt(bytes: &[u8]) -> Result<BootSalt> {
    if bytes.len() > 4 || bytes.is_empty() {
        Err(Error::Kid)
    } else {
        BootSalt::from_slice(bytes)
    }
}
