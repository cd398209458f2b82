//! `pop.json`: challenge, input, text and signature of the proof of possession; operations on them.

use crate::json::Item;
use crate::ops::Verdict;
use crate::report::{Checked, During, Section, same, same_bytes};
use crate::script::Script;
use crate::set::VectorSet;
use crate::tokens::token;
use iotchain::token::{
    Challenge, ChallengeKey, ChannelBinding, ClientKey, PopInput, PopSignature, Scope,
    UsedChallenges,
};
use iotchain::{Error, Thumbprint};

pub(crate) fn check(set: &VectorSet, section: &mut Section<'_>) {
    let cases = section
        .read("cases", || set.cases("pop"))
        .unwrap_or_default();
    for (index, case) in cases.iter().enumerate() {
        section.check(format!("case {index} challenge"), || check_challenge(case));
        section.check(format!("case {index} proof"), || check_proof(case));
    }
}

fn binding(case: &Item<'_>) -> Checked<ChannelBinding> {
    Ok(ChannelBinding::new(
        case.get("cb_type")?.int()?,
        &case.get("cb")?.bytes()?,
    )?)
}

fn check_challenge(case: &Item<'_>) -> Checked {
    let made = case.get("challenge")?;
    let (token, binding, time) = (token(&made)?, binding(case)?, made.get("t")?.time()?);
    let key = ChallengeKey::new(made.get("key")?.array()?);
    let mut rng = Script::of([made.get("rnd")?.bytes()?]);
    let challenge = key.issue(&mut rng, time, &token, &binding)?;
    same_bytes("value", challenge.as_bytes(), made.get("value")?.bytes()?)?;
    key.check(&challenge, time, &token, &binding)
        .during("check")
}

fn check_proof(case: &Item<'_>) -> Checked {
    let made = case.get("challenge")?;
    let (token, binding) = (token(&made)?, binding(case)?);
    let scope = Scope::parse(&case.get("scope")?.bytes()?)?;
    let key_server = Thumbprint::new(case.get("ks")?.array()?);
    let challenge = Challenge::from_slice(&made.get("value")?.bytes()?)?;
    let cnonce = case.get("cnonce")?.bytes()?;
    let input = PopInput {
        binding: &binding,
        key_server: &key_server,
        token: &token,
        scope: &scope,
        challenge: &challenge,
        cnonce: &cnonce,
    };
    let mut buffer = [0; PopInput::MAX_LEN];
    let len = input.encode(&mut buffer)?;
    same_bytes(
        "pop_input",
        buffer.get(..len).unwrap_or_default(),
        case.get("pop_input")?.bytes()?,
    )?;
    same("text", input.text()?.as_str(), case.get("text")?.text()?)?;
    let digest = input.digest()?;
    same_bytes("eip191_digest", digest, case.get("eip191_digest")?.bytes()?)?;

    let client = ClientKey::from_bytes(&case.get("private")?.array()?)?;
    same("client", client.address(), case.get("client")?.address()?)?;
    let published = case.get("signature")?.bytes()?;
    same_bytes("signature", client.sign(&digest)?.encode(), &published)?;
    same(
        "recovered",
        PopSignature::parse(&published)?.recover(&digest)?,
        case.get("recovered")?.address()?,
    )
}

/// op `challenge.check`, with the challenges of `used` recorded before.
pub(crate) fn challenge(case: &Item<'_>) -> Checked<Verdict> {
    let key = ChallengeKey::new(case.get("key")?.array()?);
    let (now, token) = (case.get("now")?.time()?, token(case)?);
    let (cb_type, cb) = (case.get("cb_type")?.int()?, case.get("cb")?.bytes()?);
    let bytes = case.get("challenge")?.bytes()?;
    let mut used = UsedChallenges::<64>::new();
    for earlier in case.optional("used", Item::list)?.unwrap_or_default() {
        used.record(&Challenge::from_slice(&earlier.bytes()?)?, now)
            .during("used")?;
    }
    let check = || {
        let binding = ChannelBinding::new(cb_type, &cb)?;
        let challenge = Challenge::from_slice(&bytes)?;
        key.check(&challenge, now, &token, &binding)?;
        used.check(&challenge, now)
    };
    Ok(Verdict::Done(check()))
}

/// op `pop.verify`.
pub(crate) fn verify(case: &Item<'_>) -> Checked<Verdict> {
    let (digest, client) = (case.get("digest")?.array()?, case.get("client")?.address()?);
    let signature = case.get("signature")?.bytes()?;
    let recovered =
        PopSignature::parse(&signature).and_then(|signature| signature.recover(&digest));
    Ok(Verdict::Done(recovered.and_then(|signer| {
        if signer == client {
            Ok(())
        } else {
            Err(Error::Pop)
        }
    })))
}
