//! `objects.json`: every intermediate value, sealing byte for byte, opening; and attacks on opening.

use crate::json::Item;
use crate::kdf::{kid, same_content};
use crate::ops::Verdict;
use crate::params::{sign_alg, signing_key, signing_key_of};
use crate::receiver::World;
use crate::report::{Checked, During, Fault, Section, same, same_bytes, same_number};
use crate::sealing::{is_within_reach, sender_at};
use crate::set::VectorSet;
use crate::structure;
use iotchain::core::kdf::{Direction, SenderUse};
use iotchain::core::{AccessKey, AeadKey, ContentKey, SessionSecret};
use iotchain::oscar::{Group, Mode, Plaintext};
use iotchain::{
    AeadAlg, Claims, Gid, GroupKey, Piv, ResourceId, Secret, Session, Signer, Suite, Thumbprint,
};

/// Fills what must be left alone, or wiped, when nothing is opened.
const UNTOUCHED: u8 = 0xee;

pub(crate) fn check(set: &VectorSet, section: &mut Section<'_>) {
    let cases = section
        .read("cases", || set.cases("objects"))
        .unwrap_or_default();
    for case in &cases {
        let name = case.name();
        if case.find("compact").is_some() {
            section.skip("compact form");
        }
        if case.find("request_object").is_some() {
            section.skip("mode P");
            continue;
        }
        section.check(format!("{name} intermediates"), || {
            check_intermediates(set, case)
        });
        let Some(mode) = section.read(&name, || case.get("mode")?.text()) else {
            continue;
        };
        if mode == "P" {
            section.skip("mode P");
            continue;
        }
        if section.read(&name, || can_seal(set, case)) == Some(false) {
            section.skip("sealing at a PIV that takes too long to reach");
        } else {
            section.check(format!("{name} seal"), || check_sealing(set, case));
        }
        section.check(format!("{name} open"), || check_opening(set, case));
        if mode == "S" {
            section.check(format!("{name} proxy"), || check_proxy(case));
        }
    }
    let rows = section
        .read("overhead", || set.file("objects").get("overhead")?.some())
        .unwrap_or_default();
    for row in &rows {
        check_overhead(set, row, section);
    }
}

/// The key of the object, as its sender and its receivers derive it.
fn content_key(set: &VectorSet, case: &Item<'_>) -> Checked<ContentKey> {
    let world = World::read(&case.get("env")?)?;
    let session = case.get("j")?.session()?;
    let secret = SessionSecret::derive(
        &world.key(session)?,
        world.group.gid,
        session,
        &world.group.ks,
    );
    let resource = secret.resource(case.get("rs")?.address()?, &case.get("path")?.texts()?)?;
    let (kid, alg) = (kid(set, &case.get("kid")?)?, world.group.suite.aead);
    Ok(match case.get("mode")?.text()? {
        "G" => resource.sender(SenderUse::Group, alg, &kid)?,
        "S" => resource.sender(SenderUse::Signed, alg, &kid)?,
        _ => {
            let rsk = Secret::new(case.get("env")?.get("rsk")?.array()?);
            let access = AccessKey::derive(&rsk, world.group.gid, &kid.sid(set.sid_len()?)?)?;
            resource
                .pair(&access)
                .direction(Direction::Request, alg, &kid)?
        }
    })
}

fn check_intermediates(set: &VectorSet, case: &Item<'_>) -> Checked {
    let bytes = |field: &str| case.get(field)?.bytes();
    let alg = AeadAlg::from_cose(case.get("alg")?.int()?)?;
    let content = content_key(set, case)?;
    same_content(
        &content,
        alg,
        &case.get("key")?.array()?,
        &case.get("context_iv")?.array()?,
    )?;
    let nonce = content.nonce(Piv::new(case.get("piv")?.int()?)?);
    same_bytes("nonce", nonce, bytes("nonce")?)?;

    let protected = structure::protected(case, &case.get("env")?.get("gid")?.bytes()?)?;
    same_bytes("protected", &protected, bytes("protected")?)?;
    let external_aad = structure::external_aad(case)?;
    same_bytes("external_aad", &external_aad, bytes("external_aad")?)?;
    let aad = structure::enc_structure(&protected, &external_aad)?;
    same_bytes("enc_structure", &aad, bytes("enc_structure")?)?;

    let (plaintext, ciphertext) = (bytes("plaintext")?, bytes("ciphertext")?);
    let mut sealed = vec![0; plaintext.len() + alg.tag_len()];
    AeadKey::new(alg, &case.get("key")?.array()?).seal(&nonce, &[&aad], &plaintext, &mut sealed)?;
    same_bytes("ciphertext", sealed, &ciphertext)?;

    let signature = case.optional("signature", Item::bytes)?;
    if case.get("mode")?.text()? == "S" {
        let message = structure::to_be_signed(&protected, &external_aad, &ciphertext)?;
        same_bytes("to_be_signed", &message, bytes("to_be_signed")?)?;
        let signer = signing_key_of(set, &case.get("signer_thumbprint")?)?.public();
        let signature = signature
            .as_deref()
            .ok_or_else(|| Fault::new("no signature"))?;
        signer
            .verify(sign_alg(&case.get("sign_alg")?)?, &[&message], signature)
            .during("signature")?;
    }
    let object = structure::object(&protected, signature.as_deref(), &ciphertext)?;
    same_bytes("object", &object, bytes("object")?)?;
    same("object_len", object.len(), case.get("object_len")?.int()?)?;
    same(
        "overhead",
        object.len() - plaintext.len(),
        case.get("overhead")?.int()?,
    )
}

fn claims(case: &Item<'_>) -> Checked<Option<Claims>> {
    let exp = case.optional("exp", Item::time)?;
    Ok(case
        .optional("iat", Item::time)?
        .map(|iat| Claims { iat, exp }))
}

fn can_seal(set: &VectorSet, case: &Item<'_>) -> Checked<bool> {
    let kid = case.get("kid")?.bytes()?;
    let salt = kid.get(set.sid_len()?..).unwrap_or_default();
    Ok(is_within_reach(salt, case.get("piv")?.int()?))
}

fn check_sealing(set: &VectorSet, case: &Item<'_>) -> Checked {
    let world = World::read(&case.get("env")?)?;
    let session = case.get("j")?.session()?;
    let (path, query) = (case.get("path")?.texts()?, case.get("query")?.texts()?);
    let resource = ResourceId::new(case.get("rs")?.address()?, &path, &query)?;
    let bytes = case.get("plaintext")?.bytes()?;
    let plaintext = Plaintext {
        content_format: case.optional("content_format", Item::int)?,
        bytes: &bytes,
    };
    let expected = case.get("object")?.bytes()?;

    let kid = case.get("kid")?.bytes()?;
    let mut sender = sender_at(
        world.group,
        &kid,
        session,
        &world.key(session)?,
        case.get("piv")?.int()?,
    )?;
    let mut out = vec![0; expected.len()];
    let len = match claims(case)? {
        None => sender.seal_response(
            &resource,
            case.get("code")?.int()?,
            &case.get("bind")?.bytes()?,
            plaintext,
            &mut out,
        ),
        Some(claims) => {
            let key = signing_key_of(set, &case.get("signer_thumbprint")?)?;
            sender.seal_signed(&resource, claims, plaintext, &key, &mut out)
        }
    };
    let len = len.during("sealing")?;
    same_bytes("object", out.get(..len).unwrap_or_default(), expected)
}

fn check_opening(set: &VectorSet, case: &Item<'_>) -> Checked {
    let mut world = World::read(&case.get("env")?)?;
    let mut out = vec![UNTOUCHED; case.get("object")?.bytes()?.len()];
    let opened = world.open(case, &mut out)?.during("opening")?;
    same_bytes(
        "plaintext",
        out.get(..opened.len).unwrap_or_default(),
        case.get("plaintext")?.bytes()?,
    )?;
    same(
        "content_format",
        opened.content_format,
        case.optional("content_format", Item::int)?,
    )?;
    same("session", opened.session, case.get("j")?.session()?)?;
    same("kid", opened.kid, kid(set, &case.get("kid")?)?)?;
    same("piv", opened.piv.get(), case.get("piv")?.int()?)?;
    same("claims", opened.claims, claims(case)?)?;
    let mode = if case.get("mode")?.text()? == "G" {
        Mode::Group
    } else {
        Mode::Signed
    };
    same("mode", opened.mode, mode)?;
    let signer = opened
        .signer
        .map_or_else(Vec::new, |signer| signer.as_bytes().to_vec());
    same_bytes("signer", signer, case.get("signer_thumbprint")?.bytes()?)
}

fn check_proxy(case: &Item<'_>) -> Checked {
    let world = World::read(&case.get("env")?)?;
    let verified = world.proxy(case, None)?.during("proxy")?;
    same("claims", Some(verified.claims), claims(case)?)?;
    same("session", verified.session, case.get("j")?.session()?)?;
    same("piv", verified.piv.get(), case.get("piv")?.int()?)
}

/// A row of `overhead`: bytes that protection adds to the `small` payload at PIV 5 in session j of the parameters.
fn check_overhead(set: &VectorSet, row: &Item<'_>, section: &mut Section<'_>) {
    let Some(name) = section.read("overhead", || row.get("name")?.text()) else {
        return;
    };
    section.skip("compact form");
    if name.starts_with("P ") {
        section.skip("mode P");
        return;
    }
    section.check(name, || {
        let mut kid = set.file("params").get("sid")?.get("rs")?.bytes()?;
        match name.rsplit_once(", ") {
            Some((_, "1-byte boot salt")) => kid.push(1),
            Some((_, "8-byte boot salt")) => kid.extend([1; 8]),
            _ => {}
        }
        let parameters = set.file("params").get("parameters")?;
        let (iat, session) = (
            parameters.get("now")?.time()?,
            parameters.get("j")?.session()?,
        );
        let exp = name.contains("exp").then(|| iat.saturating_add(60));
        let claims = name.starts_with("S ").then_some(Claims { iat, exp });
        let payload = vec![0; parameters.get("small")?.int()?];
        let len = sealed_len(set, &kid, session, claims, &payload)?;
        same("bytes added", len - payload.len(), row.get("cose")?.int()?)
    });
}

fn sealed_len(
    set: &VectorSet,
    kid: &[u8],
    session: Session,
    claims: Option<Claims>,
    payload: &[u8],
) -> Checked<usize> {
    let params = set.file("params");
    let group = Group {
        gid: Gid::new(params.get("gid")?.array()?),
        ks: Thumbprint::new(params.get("ks")?.array()?),
        suite: Suite::DEFAULT,
        sid_len: set.sid_len()?,
    };
    let mut sender = sender_at(group, kid, session, &GroupKey::new([7; 16]), 5)?;
    let resource = ResourceId::new(params.get("rs")?.address()?, &[], &[])?;
    let mut out = vec![0; payload.len() + 256];
    let len = match claims {
        None => sender.seal_response(&resource, 69, &[0; 8], payload, &mut out),
        Some(claims) => sender.seal_signed(
            &resource,
            claims,
            payload,
            &signing_key(set, "rs")?,
            &mut out,
        ),
    };
    len.during("sealing")
}

/// op `object.open`: one receiver opens every object of `pre`, then the object.
pub(crate) fn open(case: &Item<'_>) -> Checked<Verdict> {
    let position = case.get("position")?.text()?;
    if matches!(position, "request" | "p-response") {
        return Ok(Verdict::Skipped("mode P"));
    }
    let mut world = World::read(&case.get("env")?)?;
    for step in case.optional("pre", Item::list)?.unwrap_or_default() {
        let mut out = vec![0; step.get("object")?.bytes()?.len()];
        same_number("pre", &world.open(&step, &mut out)?, 0)?;
    }
    let mut out = vec![UNTOUCHED; case.get("object")?.bytes()?.len()];
    let result = world.open(case, &mut out)?.map(|_| ());
    let is_wiped = out.iter().all(|byte| matches!(*byte, 0 | UNTOUCHED));
    same(
        "no plaintext is left behind",
        result.is_ok() || is_wiped,
        true,
    )?;
    Ok(Verdict::Done(result))
}

/// op `proxy.check`.
pub(crate) fn proxy_check(case: &Item<'_>) -> Checked<Verdict> {
    let world = World::read(&case.get("env")?)?;
    let result = world.proxy(case, case.optional("stored_iat", Item::time)?)?;
    Ok(Verdict::Done(result.map(|_| ())))
}
