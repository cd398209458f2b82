//! CBOR Web Tokens by python-cwt, and claims sets by cbor2.

use std::time::SystemTime;

use iotchain::core::GroupName;
use iotchain::token::{
    AccountId, Claims, ClaimsSet, Class, Confirmation, CwtClaims, CwtIssuer, CwtTrust, Policy,
    Query, Scope, TokenRef, TokenWord, validate_cwt,
};
use iotchain::{Address, Error, PublicKey, Roles, SignAlg, Signer, SigningKey, UnixTime};
use serde_json::{Value, json};

use crate::stack::{Stack, hex};

const CHAIN: u64 = 1337;
const CONTRACT: Address = Address::new([0xc0; 20]);
const RES: Address = Address::new([0xfa; 20]);
const ISSUER: [u8; 32] = [7; 32];
const TOKEN_ID: &[u8] = b"sixteen bytes id";

fn key(private: [u8; 32]) -> SigningKey {
    SigningKey::from_bytes(SignAlg::Es256k, &private).unwrap()
}

fn issuer() -> SigningKey {
    key(ISSUER)
}

fn client() -> PublicKey {
    key([8; 32]).public()
}

/// python-cwt looks at the clock of the machine, and so do these tests.
fn now() -> UnixTime {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    UnixTime::new(since.unwrap().as_secs())
}

fn account(address: Address) -> AccountId {
    AccountId {
        chain: CHAIN,
        address,
    }
}

fn scope() -> Scope {
    Scope {
        group: GroupName::new("0007.fafafafa").unwrap(),
        roles: Roles::GET,
    }
}

fn query() -> Query {
    let token = TokenRef {
        chain: CHAIN,
        contract: CONTRACT,
        client: client().address().unwrap(),
    };
    Query {
        token,
        rs: RES,
        scope: scope(),
    }
}

fn cose_key(key: &PublicKey) -> Value {
    let mut out = [0; PublicKey::MAX_ENCODED];
    let len = key.encode(&mut out).unwrap();
    hex(&out[..len])
}

fn text(address: Address) -> Value {
    account(address).with_text(|text| text.into())
}

/// The claims as Python shows them: cnf and scope taken apart.
fn claims(begin: UnixTime, end: UnixTime, token_id: &[u8], cnf: Value) -> Value {
    let client = client().address().unwrap();
    json!({
        "1": text(CONTRACT), "2": text(client), "3": text(RES),
        "4": end.get(), "5": begin.get(), "6": begin.get(),
        "7": hex(token_id), "8": cnf, "9": [[scope().group.as_str(), 1]],
    })
}

fn cwt_claims(begin: UnixTime, end: UnixTime) -> Value {
    claims(begin, end, TOKEN_ID, json!([1, cose_key(&client())]))
}

fn issue(begin: UnixTime, end: UnixTime) -> Vec<u8> {
    let claims = CwtClaims {
        issuer: account(CONTRACT),
        subject: account(client().address().unwrap()),
        audience: account(RES),
        expires_at: end,
        not_before: begin,
        issued_at: begin,
        token_id: TOKEN_ID,
        confirmation: Confirmation::Key(client()),
        scope: &[scope()],
    };
    let mut out = vec![0; 512];
    let id = issuer().public().address().unwrap();
    let len = claims.issue(&issuer(), &id, &mut out).unwrap();
    out.truncate(len);
    out
}

fn validate(cwt: &[u8], now: UnixTime) -> iotchain::Result<Roles> {
    let key = issuer().public();
    let issuers = [CwtIssuer {
        account: account(CONTRACT),
        rs: RES,
        id: key.address().unwrap(),
        key,
    }];
    let trust = CwtTrust {
        alg: SignAlg::Es256k,
        issuers: &issuers,
    };
    validate_cwt(cwt, &query(), &Policy::default(), &trust, now).map(|grant| grant.mask())
}

/// What names the issuer to python-cwt.
fn issuer_args() -> Value {
    let key = issuer().public();
    let id = hex(key.address().unwrap().as_bytes());
    json!({"alg": SignAlg::Es256k.cose(), "id": id})
}

#[test]
fn python_cwt_validates_what_we_issue() {
    let Some(mut python) = Stack::python() else {
        return;
    };
    let (begin, end) = (now(), now().saturating_add(3600));
    let mut args = issuer_args();
    args["key"] = cose_key(&issuer().public());
    args["cwt"] = hex(issue(begin, end));
    assert_eq!(
        python.ask("tokens.validate", &args),
        Ok(cwt_claims(begin, end))
    );
    python.refuses_every_flip("tokens.validate", &args, "cwt");

    let hour_ago = UnixTime::new(begin.get() - 3600);
    args["cwt"] = hex(issue(hour_ago, UnixTime::new(begin.get() - 120)));
    let expired = python.ask("tokens.validate", &args).unwrap_err();
    assert!(expired.contains("expired"), "{expired}");
    args["cwt"] = hex(issue(end, end.saturating_add(60)));
    let early = python.ask("tokens.validate", &args).unwrap_err();
    assert!(early.contains("not yet valid"), "{early}");
}

#[test]
fn we_validate_what_python_cwt_issues() {
    let Some(mut python) = Stack::python() else {
        return;
    };
    let (begin, end) = (now(), now().saturating_add(3600));
    let mut args = issuer_args();
    args["private"] = hex(ISSUER);
    args["claims"] = cwt_claims(begin, end);
    let theirs = python.bytes("tokens.issue", &args);
    assert_eq!(validate(&theirs, begin), Ok(Roles::GET));
    assert_eq!(validate(&theirs, end), Err(Error::Expired));
    let (ours, signature) = (issue(begin, end), 64);
    assert_eq!(
        hex::encode(&theirs[..theirs.len() - signature]),
        hex::encode(&ours[..ours.len() - signature]),
        "the same bytes up to the signature, whose nonce is random there"
    );

    let mut flipped = theirs;
    for at in 0..flipped.len() {
        flipped[at] ^= 1 << (at % 8);
        assert!(validate(&flipped, begin).is_err(), "byte {at}");
        flipped[at] ^= 1 << (at % 8);
    }
}

#[test]
fn claims_sets_are_the_same_in_cbor2() {
    let Some(mut python) = Stack::python() else {
        return;
    };
    let word = TokenWord {
        extra: 0,
        issued_at: 1000,
        serial: 41,
        epoch: 3,
        claims: Claims::new(Roles::GET, Class::new(7)).unwrap().encode(),
        expires_at: UnixTime::new(1_769_817_600),
        not_before: UnixTime::new(1_767_225_000),
    };
    let token = query().token;
    let by_account = ClaimsSet::of_word(&token, &RES, &word).unwrap();
    let by_key = by_account.confirm(&client()).unwrap();
    // 54: a byte string of 20
    let address = hex([&[0x54], &token.client.as_bytes()[..]].concat());
    for (set, cnf) in [
        (by_account, json!([3, address])),
        (by_key, json!([1, cose_key(&client())])),
    ] {
        let mut out = [0; ClaimsSet::MAX_LEN];
        let len = set.encode(&mut out).unwrap();
        let item = hex(&out[..len]);
        let shown = python
            .ask("tokens.claims_set", &json!({"item": item}))
            .unwrap();
        let expected = claims(word.not_before, word.expires_at, set.token_id(), cnf);
        assert_eq!(shown, expected);
        let made = python.bytes("tokens.make_claims_set", &json!({"claims": shown}));
        assert_eq!(hex(&made), item);
        assert_eq!(ClaimsSet::parse(&made), Ok(set));
    }
}
