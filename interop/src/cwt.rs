//! `token.json`: the claims set of a record and the signed CWT; operations on CWTs.

use crate::json::Item;
use crate::ops::Verdict;
use crate::params::{public_key, sign_alg, signing_key};
use crate::report::{Checked, Fault, Section, same, same_bytes};
use crate::set::VectorSet;
use crate::tokens::{query, token};
use iotchain::core::cbor::Reader;
use iotchain::core::sign::sig_structure;
use iotchain::token::{
    AccountId, ClaimsSet, Confirmation, CwtClaims, CwtIssuer, CwtTrust, Policy, SignedCwt,
    TokenWord, validate_cwt,
};
use iotchain::{Address, Signer};

pub(crate) fn check(set: &VectorSet, section: &mut Section<'_>) {
    let file = set.file("token");
    let case = || {
        let cases = file.get("positive")?.some()?;
        let cwt = |case: &Item<'_>| case.find("cwt").is_some();
        let found = cases.into_iter().find(cwt);
        found.ok_or_else(|| Fault::new("no case with a CWT"))
    };
    section.check("uccs", || {
        check_claims_set(&file.get("record")?, &file.get("uccs")?, &case()?)
    });
    section.check("signed_cwt", || {
        let published = file.get("signed_cwt")?;
        check_signed(set, &file.get("record")?, &published, &case()?)
    });
}

fn check_claims_set(record: &Item<'_>, uccs: &Item<'_>, case: &Item<'_>) -> Checked {
    let query = query(&case.get("query")?)?;
    let word = TokenWord::parse(&record.get("word")?.bytes()?)?;
    let claims = ClaimsSet::of_word(&query.token, &query.rs, &word)?;
    same_bytes("cti", claims.token_id(), record.get("cti")?.bytes()?)?;
    let published = uccs.get("hex")?.bytes()?;
    let mut out = [0; ClaimsSet::MAX_LEN];
    let len = claims.encode(&mut out)?;
    same_bytes("hex", out.get(..len).unwrap_or_default(), &published)?;
    same("len", len, uccs.get("len")?.int()?)?;
    let parsed = ClaimsSet::parse(&published)?;
    same("parsed", parsed, claims)?;
    same("word", parsed.word(&word)?, word)
}

fn check_signed(
    set: &VectorSet,
    record: &Item<'_>,
    published: &Item<'_>,
    case: &Item<'_>,
) -> Checked {
    let query = query(&case.get("query")?)?;
    let (protected, payload) = (
        published.get("protected")?.bytes()?,
        published.get("payload")?.bytes()?,
    );
    let to_be_signed = sig_structure(&protected, &[], &payload, |parts| Ok(parts.concat()))?;
    same_bytes(
        "to_be_signed",
        to_be_signed,
        published.get("to_be_signed")?.bytes()?,
    )?;

    let account = |address| AccountId {
        chain: query.token.chain,
        address,
    };
    let (expires_at, not_before) = (
        record.get("expiresAt")?.time()?,
        record.get("notBefore")?.time()?,
    );
    let claims = CwtClaims {
        issuer: account(query.token.contract),
        subject: account(query.token.client),
        audience: account(query.rs),
        expires_at,
        not_before,
        issued_at: not_before,
        token_id: token_id(&payload)?,
        confirmation: Confirmation::Key(signing_key(set, "client")?.public()),
        scope: &[query.scope],
    };
    let signer = signing_key(set, published.get("signer")?.text()?)?;
    let id = case
        .get("env")?
        .get("issuers")?
        .at(0)?
        .get("id")?
        .address()?;
    let encoded = published.get("hex")?.bytes()?;
    let mut out = vec![0; encoded.len()];
    let len = claims.issue(&signer, &id, &mut out)?;
    same("len", len, published.get("len")?.int()?)?;
    same_bytes("hex", &out, &encoded)?;
    let len = SignedCwt::parse(&encoded)?.encode(&mut out)?;
    same_bytes("parsed", out.get(..len).unwrap_or_default(), &encoded)
}

/// The cti, which nothing but the payload tells.
fn token_id(payload: &[u8]) -> Checked<&[u8]> {
    let mut reader = Reader::new(payload);
    for _ in 0..reader.map()? {
        if reader.uint()? == 7 {
            return Ok(reader.bytes()?);
        }
        reader.skip()?;
    }
    Err(Fault::new("no cti in the payload"))
}

/// Whose CWTs the owner of `rs` accepts.
fn issuers(env: &Item<'_>, rs: Address) -> Checked<Vec<CwtIssuer>> {
    let issuer = |issuer: &Item<'_>| {
        Ok(CwtIssuer {
            account: AccountId::parse(issuer.get("iss")?.text()?)?,
            rs,
            id: issuer.get("id")?.address()?,
            key: public_key(&issuer.get("cose_key")?)?,
        })
    };
    env.get("issuers")?.list()?.iter().map(issuer).collect()
}

/// op `cwt.validate`.
pub(crate) fn validate(case: &Item<'_>) -> Checked<Verdict> {
    let env = case.get("env")?;
    let query = query(&case.get("query")?)?;
    let issuers = issuers(&env, query.rs)?;
    let trust = CwtTrust {
        alg: sign_alg(&env.get("sign_alg")?)?,
        issuers: &issuers,
    };
    let policy = Policy {
        leeway: env.get("leeway")?.int()?,
        max_life: env.get("max_life")?.int()?,
        ..Policy::default()
    };
    let (cwt, now) = (case.get("cwt")?.bytes()?, env.get("now")?.time()?);
    let result = validate_cwt(&cwt, &query, &policy, &trust, now);
    if let Ok(grant) = &result {
        same("query of the grant", grant.query(), &query)?;
        same(
            "account of the key",
            grant.key().address(),
            Some(token(&case.get("query")?)?.client),
        )?;
    }
    Ok(Verdict::Done(result.map(|_| ())))
}
