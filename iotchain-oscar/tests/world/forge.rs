//! Objects as an attacker (or a careless sender) could build them: any header, right keys.

use super::World;
use iotchain_core::cbor::Writer;
use iotchain_core::kdf::SenderUse;
use iotchain_core::sign::countersignature0;
use iotchain_core::{
    AdditionalData, BootSalt, GroupKey, Kid, Piv, Session, SessionSecret, Signer, SigningKey,
};

/// A signed object under construction; [`Forged::seal`] signs whatever it says.
#[derive(Clone)]
pub struct Forged<'a> {
    pub alg: i64,
    pub content_format: Option<u64>,
    pub sid: &'a [u8],
    pub salt: &'a [u8],
    pub piv: u32,
    pub session: u32,
    pub iat: u64,
    pub exp: Option<u64>,
    /// Bytes of a further header value under label 33, to make the header long or unknown.
    pub padding: Option<usize>,
    pub plaintext: &'a [u8],
}

impl Forged<'_> {
    pub fn of(now: u64) -> Self {
        Self {
            alg: 10,
            content_format: None,
            sid: &[0x80, 0],
            salt: &[],
            piv: 0,
            session: 7,
            iat: now,
            exp: None,
            padding: None,
            plaintext: b"21.5",
        }
    }

    fn protected(&self, world: &World) -> Vec<u8> {
        let mut out = [0; 256];
        let mut w = Writer::new(&mut out);
        w.map(5 + u64::from(self.content_format.is_some()) + u64::from(self.padding.is_some()));
        w.uint(1).int(self.alg);
        if let Some(format) = self.content_format {
            w.uint(3).uint(format);
        }
        w.uint(4).bytes(&[self.sid, self.salt].concat()).uint(6);
        let piv = self.piv.to_be_bytes();
        w.bytes(&piv[piv.iter().position(|b| *b != 0).unwrap_or(3)..]);
        w.uint(10)
            .bytes(&[world.group.gid.as_bytes(), &[self.session as u8][..]].concat());
        w.uint(15);
        match self.exp {
            Some(exp) => w.map(2).uint(4).uint(exp),
            None => w.map(1),
        };
        w.uint(6).uint(self.iat);
        if let Some(len) = self.padding {
            w.uint(33).bytes(&vec![0; len]);
        }
        let len = w.finish().unwrap();
        out[..len].to_vec()
    }

    /// Seals for `["temp"]` at the world's server and signs with `key`.
    pub fn seal(&self, world: &World, key: &SigningKey) -> Vec<u8> {
        let protected = self.protected(world);
        let signer = key.public().thumbprint();
        let mut aad = [0; 256];
        let mut w = Writer::new(&mut aad);
        w.array(8)
            .uint(1)
            .uint(2)
            .uint(0)
            .bytes(world.rs.as_bytes());
        w.array(1)
            .text("temp")
            .array(0)
            .bytes(b"")
            .bytes(signer.as_bytes());
        let len = w.finish().unwrap();
        let aad = &aad[..len];

        let mut enc = [0; 512];
        let mut w = Writer::new(&mut enc);
        w.array(3).text("Encrypt0").bytes(&protected).bytes(aad);
        let len = w.finish().unwrap();
        let key_bytes = world
            .held
            .keys
            .get(&self.session)
            .copied()
            .unwrap_or_default();
        let alg = world.group.suite.aead;
        // an invalid salt has no key; the object then fails before any key is used
        let kid = Kid::new(
            &super::sid(self.sid),
            &BootSalt::from_slice(self.salt).unwrap_or(BootSalt::NONE),
        );
        let session = Session::new(self.session);
        let secret = SessionSecret::derive(
            &GroupKey::new(key_bytes),
            world.group.gid,
            session,
            &world.group.ks,
        );
        let content = secret
            .resource(world.rs, &["temp"])
            .unwrap()
            .sender(SenderUse::Signed, alg, &kid)
            .unwrap();
        let mut sealed = vec![0; self.plaintext.len() + alg.tag_len()];
        let nonce = content.nonce(Piv::new(self.piv).unwrap());
        let bound = AdditionalData::<16>::of(&[&enc[..len]]).unwrap();
        content
            .key()
            .seal(&nonce, bound.blocks(), self.plaintext, &mut sealed)
            .unwrap();
        let signature = countersignature0(&protected, aad, &sealed, |message| key.sign(message))
            .unwrap_or([1; 64]);

        let mut out = [0; 1024];
        let mut w = Writer::new(&mut out);
        w.array(3)
            .bytes(&protected)
            .map(1)
            .uint(12)
            .bytes(&signature)
            .bytes(&sealed);
        let len = w.finish().unwrap();
        out[..len].to_vec()
    }
}
