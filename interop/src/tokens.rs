//! `token.json`: the token word, its slots, `getToken`, and the validation of both; operations on tokens.

use crate::json::Item;
use crate::ops::{self, Verdict};
use crate::report::{Checked, Section, same, same_bytes};
use crate::set::VectorSet;
use iotchain::core::GroupName;
use iotchain::token::{
    Claims, Class, GetToken, GetTokenView, LedgerView, Policy, Publication, Query, Scope, TokenRef,
    TokenWord, resource_epoch, resource_slot, token_slot, validate_get_token, validate_record,
};
use iotchain::{Address, Roles};

pub(crate) fn check(set: &VectorSet, section: &mut Section<'_>) {
    let file = set.file("token");
    section.check("record", || check_word(&file.get("record")?));
    section.check("slots", || check_slots(&file.get("record")?));
    section.check("getToken", || check_get_token(&file.get("record")?));
    let cases = section
        .read("positive", || file.get("positive")?.some())
        .unwrap_or_default();
    for case in &cases {
        ops::run(case, &case.name(), section);
    }
}

fn check_word(record: &Item<'_>) -> Checked {
    let word: [u8; 32] = record.get("word")?.array()?;
    let fields = TokenWord::parse(&word)?;
    let expected = TokenWord {
        extra: record.get("extra")?.int()?,
        issued_at: record.get("issuedAt")?.int()?,
        serial: record.get("serial")?.int()?,
        epoch: record.get("epoch")?.int()?,
        claims: record.get("claims")?.array()?,
        expires_at: record.get("expiresAt")?.time()?,
        not_before: record.get("notBefore")?.time()?,
    };
    same("fields", fields, expected)?;
    same_bytes("word", expected.encode()?, word)
}

fn check_slots(record: &Item<'_>) -> Checked {
    let (client, res) = (
        record.get("client")?.address()?,
        record.get("res")?.address()?,
    );
    same_bytes(
        "token_slot",
        token_slot(&client, &res),
        record.get("token_slot")?.bytes()?,
    )?;
    same_bytes(
        "resource_slot",
        resource_slot(&res),
        record.get("resource_slot")?.bytes()?,
    )?;
    let epoch = resource_epoch(&record.get("resource_word")?.bytes()?)?;
    same("epoch in resource_word", epoch, record.get("epoch")?.int()?)
}

fn check_get_token(record: &Item<'_>) -> Checked {
    let claims = Claims::parse(record.get("claims")?.array()?)?;
    let res = record.get("res")?.address()?;
    same(
        "gname",
        claims.class().group(&res).as_str(),
        record.get("gname")?.text()?,
    )?;
    let expires_at = record.get("expiresAt")?.time()?;
    let answer = GetToken::new(res, expires_at, &claims);
    let published = record.get("get_token_return")?.bytes()?;
    same_bytes("get_token_return", answer.encode(), &published)?;
    let parsed = GetToken::parse(&published)?;
    same("parsed", parsed, answer)?;
    same("expiry", parsed.expires_at(), Some(expires_at))
}

/// A token as `chain`, `contract` and `client` of a case name it.
pub(crate) fn token(item: &Item<'_>) -> Checked<TokenRef> {
    Ok(TokenRef {
        chain: item.get("chain")?.int()?,
        contract: item.get("contract")?.address()?,
        client: item.get("client")?.address()?,
    })
}

/// Who asks for what, as the `query` of a case says.
pub(crate) fn query(item: &Item<'_>) -> Checked<Query> {
    let scope = Scope {
        group: GroupName::new(item.get("gname")?.text()?)?,
        roles: Roles::new(item.get("roles")?.int()?),
    };
    Ok(Query {
        token: token(item)?,
        rs: item.get("rs")?.address()?,
        scope,
    })
}

fn policy(env: &Item<'_>) -> Checked<Policy> {
    Ok(Policy {
        max_head_age: env.get("max_head_age")?.int()?,
        confirmations: env.get("confirmations")?.int()?,
        leeway: env.get("leeway")?.int()?,
        max_life: env.get("max_life")?.int()?,
    })
}

fn classes(env: &Item<'_>) -> Checked<Vec<Class>> {
    Ok(env
        .get("classes")?
        .ints()?
        .into_iter()
        .map(Class::new)
        .collect())
}

/// What the owners of the resource servers published.
fn published<'c>(env: &Item<'_>, classes: &'c [Class]) -> Checked<Vec<Publication<'c>>> {
    let mut published = Vec::new();
    for issuer in env.get("issuers")?.list()? {
        let (chain, contract) = (
            issuer.get("chain")?.int()?,
            issuer.get("contract")?.address()?,
        );
        let servers: Vec<Address> = issuer
            .get("rs")?
            .list()?
            .iter()
            .map(Item::address)
            .collect::<Checked<_>>()?;
        published.extend(servers.into_iter().map(|rs| Publication {
            chain,
            contract,
            rs,
            classes,
        }));
    }
    Ok(published)
}

/// op `token.record`.
pub(crate) fn record(case: &Item<'_>) -> Checked<Verdict> {
    let env = case.get("env")?;
    let word = |name: &str| case.get(name)?.bytes();
    let (word_head, word_confirmed, resource_head) = (
        word("word_head")?,
        word("word_conf")?,
        word("resource_head")?,
    );
    let view = LedgerView {
        head: env.get("head")?.int()?,
        head_age: env.get("head_age")?.int()?,
        word_head: &word_head,
        word_confirmed: &word_confirmed,
        resource_head: &resource_head,
    };
    let classes = classes(&env)?;
    let published = published(&env, &classes)?;
    let (query, policy, now) = (
        query(&case.get("query")?)?,
        policy(&env)?,
        env.get("now")?.time()?,
    );
    let result = validate_record(&query, &policy, published.as_slice(), &view, now);
    if let Ok(grant) = &result {
        same("query of the grant", grant.query(), &query)?;
        same(
            "the mask grants the roles",
            grant.mask().contains(grant.roles()),
            true,
        )?;
    }
    Ok(Verdict::Done(result.map(|_| ())))
}

/// op `token.get_token`.
pub(crate) fn get_token(case: &Item<'_>) -> Checked<Verdict> {
    let env = case.get("env")?;
    let (head, confirmed) = (
        case.get("abi_head")?.bytes()?,
        case.get("abi_conf")?.bytes()?,
    );
    let view = GetTokenView {
        head_age: env.get("head_age")?.int()?,
        head: &head,
        confirmed: &confirmed,
    };
    let classes = classes(&env)?;
    let published = published(&env, &classes)?;
    let (query, policy, now) = (
        query(&case.get("query")?)?,
        policy(&env)?,
        env.get("now")?.time()?,
    );
    let result = validate_get_token(&query, &policy, published.as_slice(), &view, now);
    Ok(Verdict::Done(result.map(|_| ())))
}
