//! `kdf.json`: the key schedule, every step of it.

use crate::json::Item;
use crate::report::{Checked, Fault, Section, same, same_bytes};
use crate::set::VectorSet;
use iotchain::core::kdf::{Direction, ResourceKey, SenderUse, hkdf_expand, hkdf_extract};
use iotchain::core::{AccessKey, AeadKey, Blocks, ContentKey, KidContext, SessionSecret};
use iotchain::{AeadAlg, Gid, GroupKey, Kid, Piv, Secret, Thumbprint};

pub(crate) fn check(set: &VectorSet, section: &mut Section<'_>) {
    let cases = section
        .read("cases", || set.cases("kdf"))
        .unwrap_or_default();
    for (index, case) in cases.iter().enumerate() {
        let name = |part: &str| format!("case {index} {part}");
        section.check(name("session and resource"), || {
            session_and_resource(set, case)
        });
        section.check(name("senders"), || {
            case.get("senders")?
                .some()?
                .iter()
                .try_for_each(|sender| check_sender(set, case, sender))
        });
        section.check(name("pair"), || check_pair(set, case, &case.get("pair")?));
        section.check(name("nonces"), || {
            case.get("nonces")?
                .some()?
                .iter()
                .try_for_each(|nonce| check_nonce(set, case, nonce))
        });
    }
}

fn gid(set: &VectorSet) -> Checked<Gid> {
    set.file("params").get("gid")?.array().map(Gid::new)
}

pub(crate) fn kid(set: &VectorSet, item: &Item<'_>) -> Checked<Kid> {
    Ok(Kid::parse(&item.bytes()?, set.sid_len()?)?)
}

fn alg(item: &Item<'_>) -> Checked<AeadAlg> {
    Ok(AeadAlg::from_cose(item.get("alg")?.int()?)?)
}

fn session_secret(set: &VectorSet, case: &Item<'_>) -> Checked<SessionSecret> {
    let ks = Thumbprint::new(set.file("params").get("ks")?.array()?);
    let key = GroupKey::new(case.get("K_j")?.array()?);
    Ok(SessionSecret::derive(
        &key,
        gid(set)?,
        case.get("j")?.session()?,
        &ks,
    ))
}

fn resource_key(set: &VectorSet, case: &Item<'_>) -> Checked<ResourceKey> {
    let secret = session_secret(set, case)?;
    Ok(secret.resource(case.get("rs")?.address()?, &case.get("path")?.texts()?)?)
}

fn session_and_resource(set: &VectorSet, case: &Item<'_>) -> Checked {
    let j = case.get("j")?;
    let published = set
        .file("params")
        .get("K")?
        .get(&j.int::<u32>()?.to_string())?;
    same("K_j", case.get("K_j")?.text()?, published.text()?)?;
    let secret = session_secret(set, case)?;
    same_bytes("PRK_j", secret.expose(), case.get("PRK_j")?.bytes()?)?;
    let extracted = hkdf_extract(&case.get("salt")?.bytes()?, &case.get("K_j")?.bytes()?);
    same_bytes("PRK_j from salt", extracted.expose(), secret.expose())?;

    let context = KidContext {
        gid: gid(set)?,
        session: j.session()?,
    };
    let encoded = case.get("kid_context")?.bytes()?;
    context.with_bytes(|bytes| same_bytes("kid_context", bytes, &encoded))?;
    same("parsed kid_context", KidContext::parse(&encoded)?, context)?;

    let resource = resource_key(set, case)?;
    same_bytes("RK", resource.expose(), case.get("RK")?.bytes()?)?;
    let expanded = hkdf_expand::<32>(&extracted, &case.get("info_res")?.bytes()?);
    same_bytes("RK from info_res", expanded.expose(), resource.expose())
}

fn sender_key(set: &VectorSet, case: &Item<'_>, sender: &Item<'_>) -> Checked<ContentKey> {
    let purpose = match sender.get("label")?.text()? {
        "grp" => SenderUse::Group,
        "sig" => SenderUse::Signed,
        other => return Err(Fault::new(format!("unknown label {other}"))),
    };
    let kid = kid(set, &sender.get("kid")?)?;
    Ok(resource_key(set, case)?.sender(purpose, alg(sender)?, &kid)?)
}

fn check_sender(set: &VectorSet, case: &Item<'_>, sender: &Item<'_>) -> Checked {
    let content = sender_key(set, case, sender)?;
    let prk = Secret::new(*resource_key(set, case)?.expose());
    let published = [sender.get("key")?, sender.get("iv")?];
    check_content(
        &content,
        alg(sender)?,
        &prk,
        &sender.get("info")?,
        published,
    )
}

fn check_pair(set: &VectorSet, case: &Item<'_>, pair: &Item<'_>) -> Checked {
    let (kid, alg) = (kid(set, &pair.get("kid")?)?, alg(pair)?);
    let rsk = Secret::new(pair.get("rsk")?.array()?);
    let access = AccessKey::derive(&rsk, gid(set)?, &kid.sid(set.sid_len()?)?)?;
    same_bytes("AK", access.expose(), pair.get("AK")?.bytes()?)?;
    let expanded = hkdf_expand::<32>(&rsk, &pair.get("info_ak")?.bytes()?);
    same_bytes("AK from info_ak", expanded.expose(), access.expose())?;

    let key = resource_key(set, case)?.pair(&access);
    same_bytes("PPRK", key.expose(), pair.get("PPRK")?.bytes()?)?;
    let prk = Secret::new(*key.expose());
    for (direction, name) in [(Direction::Request, "req"), (Direction::Response, "rsp")] {
        let published = [
            pair.get(&format!("{name}_key"))?,
            pair.get(&format!("{name}_iv"))?,
        ];
        let content = key.direction(direction, alg, &kid)?;
        check_content(
            &content,
            alg,
            &prk,
            &pair.get(&format!("info_{name}"))?,
            published,
        )?;
    }
    Ok(())
}

/// Key and context IV, from the crate and from the published info.
fn check_content(
    content: &ContentKey,
    alg: AeadAlg,
    prk: &Secret<32>,
    info: &Item<'_>,
    [key, iv]: [Item<'_>; 2],
) -> Checked {
    same_content(content, alg, &key.array()?, &iv.array()?)?;
    let expanded = hkdf_expand::<29>(prk, &info.bytes()?);
    same_bytes(
        "key and IV from info",
        expanded.expose(),
        [key.bytes()?, iv.bytes()?].concat(),
    )
}

/// The AES key is not exposed: it is the right one if it seals the same bytes. The IV shows in the nonce of PIV 0.
pub(crate) fn same_content(
    content: &ContentKey,
    alg: AeadAlg,
    key: &[u8; 16],
    iv: &[u8; 13],
) -> Checked {
    same_bytes("context IV", content.nonce(Piv::ZERO), iv)?;
    let reference = AeadKey::new(alg, key);
    let (mut ours, mut theirs) = ([0; 32], [0; 32]);
    content.key().seal(iv, Blocks::NONE, b"probe", &mut ours)?;
    reference.seal(iv, Blocks::NONE, b"probe", &mut theirs)?;
    same("key seals as the published one", ours == theirs, true)
}

fn check_nonce(set: &VectorSet, case: &Item<'_>, nonce: &Item<'_>) -> Checked {
    let iv = nonce.get("iv")?.text()?;
    for sender in case.get("senders")?.list()? {
        if sender.get("iv")?.text()? == iv {
            let piv = Piv::parse(&nonce.get("piv")?.bytes()?)?;
            let ours = sender_key(set, case, &sender)?.nonce(piv);
            return same_bytes("nonce", ours, nonce.get("nonce")?.bytes()?);
        }
    }
    Err(Fault::new(format!("{iv} is the IV of no sender")))
}
