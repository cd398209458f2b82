//! `params.json`: key pairs, addresses, and secrets from the seed phrase.

use crate::json::Item;
use crate::report::{Checked, Section, same, same_bytes};
use crate::set::VectorSet;
use iotchain::core::hash::sha256;
use iotchain::{PublicKey, SignAlg, Signer, SigningKey};

/// secret(name) = first bytes of SHA-256(seed phrase || name).
pub(crate) fn secret(set: &VectorSet, name: &str) -> Checked<[u8; 32]> {
    let phrase = set.file("params").get("seed_phrase")?.text()?;
    Ok(sha256(&[phrase.as_bytes(), name.as_bytes()]))
}

pub(crate) fn sign_alg(item: &Item<'_>) -> Checked<SignAlg> {
    Ok(SignAlg::from_cose(item.int()?)?)
}

pub(crate) fn public_key(item: &Item<'_>) -> Checked<PublicKey> {
    Ok(PublicKey::parse(&item.bytes()?)?)
}

/// The key pair `name` of `params.json`.
pub(crate) fn signing_key(set: &VectorSet, name: &str) -> Checked<SigningKey> {
    key_pair(&set.file("params").get("keys")?.get(name)?)
}

fn key_pair(key: &Item<'_>) -> Checked<SigningKey> {
    Ok(SigningKey::from_bytes(
        sign_alg(&key.get("alg")?)?,
        &key.get("private")?.array()?,
    )?)
}

/// The key pair whose thumbprint is `thumbprint`.
pub(crate) fn signing_key_of(set: &VectorSet, thumbprint: &Item<'_>) -> Checked<SigningKey> {
    let thumbprint = thumbprint.text()?;
    for (_, key) in set.file("params").get("keys")?.fields()? {
        if key.get("thumbprint")?.text()? == thumbprint {
            return key_pair(&key);
        }
    }
    Err(crate::report::Fault::new(format!(
        "params.json has no key with thumbprint {thumbprint}"
    )))
}

pub(crate) fn check(set: &VectorSet, section: &mut Section<'_>) {
    let params = set.file("params");
    let keys = section
        .read("keys", || params.get("keys")?.fields())
        .unwrap_or_default();
    for (name, key) in keys {
        section.check(name, || check_key(&key));
    }
    section.check("identities", || {
        let key = |name: &str| params.get("keys")?.get(name);
        same(
            "ks",
            params.get("ks")?.text()?,
            key("ks")?.get("thumbprint")?.text()?,
        )?;
        for name in ["rs", "client", "owner"] {
            same(
                name,
                params.get(name)?.text()?,
                key(name)?.get("address")?.text()?,
            )?;
        }
        Ok(())
    });
    section.check("secrets", || check_secrets(set, &params));
    section.check("parameters", || {
        let parameters = params.get("parameters")?;
        same(
            "gid",
            parameters.get("gid")?.text()?,
            params.get("gid")?.text()?,
        )?;
        for number in ["now", "chain"] {
            same::<u64>(
                number,
                parameters.get(number)?.int()?,
                params.get(number)?.int()?,
            )?;
        }
        for (role, sid) in params.get("sid")?.fields()? {
            same(role, parameters.get("sid")?.get(role)?.text()?, sid.text()?)?;
            same("length of the sids", sid.bytes()?.len(), set.sid_len()?)?;
        }
        Ok(())
    });
}

fn check_key(key: &Item<'_>) -> Checked {
    let public = key_pair(key)?.public();
    let mut encoded = [0; PublicKey::MAX_ENCODED];
    let len = public.encode(&mut encoded)?;
    same_bytes(
        "cose_key",
        encoded.get(..len).unwrap_or_default(),
        key.get("cose_key")?.bytes()?,
    )?;
    same(
        "parsed cose_key",
        public_key(&key.get("cose_key")?)?,
        public,
    )?;
    same_bytes(
        "thumbprint",
        public.thumbprint().as_bytes(),
        key.get("thumbprint")?.bytes()?,
    )?;
    same(
        "address",
        public.address(),
        key.optional("address", Item::address)?,
    )
}

/// What the seed phrase gives, by the rule that the file states.
fn check_secrets(set: &VectorSet, params: &Item<'_>) -> Checked {
    let from_seed = |what: &str, name: &str, item: Item<'_>| {
        let expected = item.bytes()?;
        let secret = secret(set, name)?;
        same_bytes(
            what,
            secret.get(..expected.len()).unwrap_or_default(),
            expected,
        )
    };
    for (name, key) in params.get("keys")?.fields()? {
        from_seed(name, &name.replace('_', "-"), key.get("private")?)?;
    }
    for (session, key) in params.get("K")?.fields()? {
        from_seed("K", &format!("K_{session}"), key)?;
    }
    for name in ["rsk", "contract", "token", "echo"] {
        from_seed(name, name, params.get(name)?)?;
    }
    Ok(())
}
