//! `objects.json`: every intermediate value, sealing byte for byte, opening; and attacks on opening.

use crate::json::Item;
use crate::kdf::{kid, same_content};
use crate::ops::Verdict;
use crate::overhead;
use crate::params::{sign_alg, signing_key_of};
use crate::receiver::{World, method};
use crate::report::{Checked, During, Fault, Section, same, same_bytes, same_number};
use crate::sealing::{is_within_reach, sender_at};
use crate::set::VectorSet;
use crate::structure;
use iotchain::core::kdf::{Direction, SenderUse};
use iotchain::core::{AdditionalData, AeadKey, ContentKey, SessionSecret};
use iotchain::oscar::{Mode, PairRequest, Plaintext, compact, expand};
use iotchain::{AeadAlg, Claims, Kid, Piv, ResourceId, Signer};

/// Fills what must be left alone, or wiped, when nothing is opened.
const UNTOUCHED: u8 = 0xee;

pub(crate) fn check(set: &VectorSet, section: &mut Section<'_>) {
    let cases = section
        .read("cases", || set.cases("objects"))
        .unwrap_or_default();
    check_cases(set, &cases, section);
    let rows = section
        .read("overhead", || set.file("objects").get("overhead")?.some())
        .unwrap_or_default();
    for row in &rows {
        overhead::check(set, row, section);
    }
}

/// The cases of one file: answers are among the same cases as their requests.
pub(crate) fn check_cases(set: &VectorSet, cases: &[Item<'_>], section: &mut Section<'_>) {
    for case in cases {
        let name = case.name();
        section.check(format!("{name} compact"), || check_compact(case));
        section.check(format!("{name} intermediates"), || {
            check_intermediates(set, case)
        });
        let Some(mode) = section.read(&name, || case.get("mode")?.text()) else {
            continue;
        };
        if is_answer(case) {
            section.check(format!("{name} seal"), || check_answering(cases, case));
        } else if section.read(&name, || can_seal(set, case)) == Some(false) {
            section.skip("sealing at a PIV that takes too long to reach");
        } else {
            section.check(format!("{name} seal"), || check_sealing(set, case));
        }
        section.check(format!("{name} open"), || check_opening(set, case));
        if mode == "S" {
            section.check(format!("{name} proxy"), || check_proxy(case));
        }
    }
}

/// A response of mode P: its sender stands in its request.
fn is_answer(case: &Item<'_>) -> bool {
    case.find("request_object").is_some()
}

/// The sender context of a case: the one it names, or that of its request.
fn sender_of(set: &VectorSet, world: &World, case: &Item<'_>) -> Checked<(Kid, Piv)> {
    if is_answer(case) {
        let request = PairRequest::parse(&case.get("request_object")?.bytes()?, &world.group)?;
        return Ok((request.kid(), request.piv()));
    }
    let piv = Piv::new(case.get("piv")?.int()?)?;
    Ok((kid(set, &case.get("kid")?)?, piv))
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
    let ((kid, _), alg) = (sender_of(set, &world, case)?, world.group.suite.aead);
    Ok(match case.get("mode")?.text()? {
        "G" => resource.sender(SenderUse::Group, alg, &kid)?,
        "S" => resource.sender(SenderUse::Signed, alg, &kid)?,
        _ => {
            let access = world.access(&kid.sid(set.sid_len()?)?)?;
            let direction = if is_answer(case) {
                Direction::Response
            } else {
                Direction::Request
            };
            resource.pair(&access).direction(direction, alg, &kid)?
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
    let (_, piv) = sender_of(set, &World::read(&case.get("env")?)?, case)?;
    let nonce = content.nonce(piv);
    same_bytes("nonce", nonce, bytes("nonce")?)?;

    let protected = if is_answer(case) {
        structure::protected_answer(case)?
    } else {
        structure::protected(case, &case.get("env")?.get("gid")?.bytes()?)?
    };
    same_bytes("protected", &protected, bytes("protected")?)?;
    let external_aad = structure::external_aad(case)?;
    same_bytes("external_aad", &external_aad, bytes("external_aad")?)?;
    let aad = structure::enc_structure(&protected, &external_aad)?;
    same_bytes("enc_structure", &aad, bytes("enc_structure")?)?;

    let (plaintext, ciphertext) = (bytes("plaintext")?, bytes("ciphertext")?);
    let mut sealed = vec![0; plaintext.len() + alg.tag_len()];
    let aad = AdditionalData::<32>::of(&[&aad])?;
    AeadKey::new(alg, &case.get("key")?.array()?).seal(
        &nonce,
        aad.blocks(),
        &plaintext,
        &mut sealed,
    )?;
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

/// Both ways between the COSE form and the compact form.
fn check_compact(case: &Item<'_>) -> Checked {
    let (object, expected) = (case.get("object")?.bytes()?, case.get("compact")?.bytes()?);
    let alg = AeadAlg::from_cose(case.get("alg")?.int()?)?;
    let mut out = vec![0; object.len()];
    let len = compact(&object, alg, &mut out).during("compacting")?;
    same_bytes("compact", out.get(..len).unwrap_or_default(), &expected)?;
    let payload = case.get("plaintext")?.bytes()?.len();
    same(
        "compact_overhead",
        len - payload,
        case.get("compact_overhead")?.int()?,
    )?;
    let len = expand(&expected, alg, &mut out).during("expanding")?;
    same_bytes("object", out.get(..len).unwrap_or_default(), object)
}

/// op `compact.expand`.
pub(crate) fn expand_op(case: &Item<'_>) -> Checked<Verdict> {
    let alg = AeadAlg::from_cose(case.get("alg")?.int()?)?;
    let compact = case.get("compact")?.bytes()?;
    let mut out = vec![UNTOUCHED; compact.len() + 64];
    Ok(Verdict::Done(expand(&compact, alg, &mut out).map(|_| ())))
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
        bytes: (&bytes).into(),
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
    let code = case.get("code")?.int()?;
    let len = match claims(case)? {
        None if case.get("mode")?.text()? == "P" => {
            let access = world.access(&sender.kid().sid(set.sid_len()?)?)?;
            let echo = case.get("bind")?.bytes()?;
            sender
                .seal_request(
                    &resource,
                    method(code)?,
                    &echo,
                    &access,
                    plaintext,
                    &mut out,
                )
                .map(|(len, _)| len)
        }
        None => sender.seal_response(
            &resource,
            code,
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

/// Takes the request of a response in, and answers it.
fn check_answering(cases: &[Item<'_>], case: &Item<'_>) -> Checked {
    let id = case.get("request_id")?.text()?;
    let request = cases.iter().find(|request| request.name() == id);
    let request = request.ok_or_else(|| Fault::new(format!("no request {id}")))?;
    let mut world = World::read(&request.get("env")?)?;
    let (path, query) = (case.get("path")?.texts()?, case.get("query")?.texts()?);
    let resource = ResourceId::new(case.get("rs")?.address()?, &path, &query)?;
    let object = case.get("request_object")?.bytes()?;
    let (bind, asked) = (
        request.get("bind")?.bytes()?,
        method(request.get("code")?.int()?)?,
    );
    let (_, reply) = world
        .open_request(&object, &resource, asked, &bind, &mut vec![0; object.len()])
        .during("taking the request")?;
    let bytes = case.get("plaintext")?.bytes()?;
    let plaintext = Plaintext {
        content_format: case.optional("content_format", Item::int)?,
        bytes: (&bytes).into(),
    };
    let expected = case.get("object")?.bytes()?;
    let mut out = vec![0; expected.len()];
    let len = reply
        .seal(&resource, case.get("code")?.int()?, plaintext, &mut out)
        .during("answering")?;
    same_bytes("object", out.get(..len).unwrap_or_default(), expected)
}

fn check_opening(set: &VectorSet, case: &Item<'_>) -> Checked {
    let mut world = World::read(&case.get("env")?)?;
    for step in case.optional("pre", Item::list)?.unwrap_or_default() {
        let mut out = vec![0; step.get("object")?.bytes()?.len()];
        world.open(&step, &mut out)?.during("pre")?;
    }
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
    let (kid, piv) = sender_of(set, &world, case)?;
    same("kid", opened.kid, kid)?;
    same("piv", opened.piv, piv)?;
    same("claims", opened.claims, claims(case)?)?;
    let mode = match case.get("mode")?.text()? {
        "G" => Mode::Group,
        "P" => Mode::Pairwise,
        _ => Mode::Signed,
    };
    same("mode", opened.mode, mode)?;
    let signer = opened
        .signer
        .map_or_else(Vec::new, |signer| signer.as_bytes().to_vec());
    let published = case.optional("signer_thumbprint", Item::bytes)?;
    same_bytes("signer", signer, published.unwrap_or_default())
}

fn check_proxy(case: &Item<'_>) -> Checked {
    let world = World::read(&case.get("env")?)?;
    let verified = world.proxy(case, None)?.during("proxy")?;
    same("claims", Some(verified.claims), claims(case)?)?;
    same("session", verified.session, case.get("j")?.session()?)?;
    same("piv", verified.piv.get(), case.get("piv")?.int()?)
}

/// op `object.open`: one receiver opens every object of `pre`, then the object.
pub(crate) fn open(case: &Item<'_>) -> Checked<Verdict> {
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
