//! Signed CWTs and claims sets: the cases W, the known answers of `token.json`, and what no case names.
#![allow(missing_docs)]

mod support;

use iotchain_core::cbor::Writer;
use iotchain_core::sign::sig_structure;
use iotchain_core::{
    Address, Error, GroupName, PublicKey, Roles, SignAlg, Signature, Signer, SigningKey, UnixTime,
};
use iotchain_token::{
    AccountId, Aif, Claims, ClaimsSet, Class, Confirmation, CwtClaims, CwtGrant, CwtIssuer,
    CwtTrust, Policy, Query, Scope, SignedCwt, TokenRef, TokenWord, validate_cwt,
};
use serde_json::Value;
use support::{
    Counter, address, array, cwt_policy, expect_all, hex, issuers, negative, outcome, positive,
    query, time, vectors,
};

fn run(case: &Value) -> u64 {
    let (env, query) = (&case["env"], query(&case["query"]));
    let alg = SignAlg::from_cose(env["sign_alg"].as_i64().unwrap()).unwrap();
    let issuers = issuers(env, query.rs);
    let trust = CwtTrust {
        alg,
        issuers: &issuers,
    };
    outcome(validate_cwt(
        &hex(&case["cwt"]),
        &query,
        &cwt_policy(env),
        &trust,
        time(&env["now"]),
    ))
}

#[test]
fn cases() {
    expect_all(&positive("cwt.validate"), run);
    expect_all(&negative("cwt.validate"), run);
}

/// The record of `token.json`.
fn record() -> (TokenRef, Address, TokenWord) {
    let file = vectors("token");
    let case = &positive("token.record")[0];
    let word = TokenWord::parse(&hex(&file["record"]["word"])).unwrap();
    let query = query(&case["query"]);
    (query.token, query.rs, word)
}

#[test]
fn a_word_becomes_the_published_claims_set_and_comes_back() {
    let (token, rs, word) = record();
    let file = vectors("token");
    let set = ClaimsSet::of_word(&token, &rs, &word).unwrap();
    assert_eq!(*set.token_id(), array(&file["record"]["cti"]));
    let mut out = [0; ClaimsSet::MAX_LEN];
    let len = set.encode(&mut out).unwrap();
    assert_eq!(out[..len], hex(&file["uccs"]["hex"]));
    assert_eq!(ClaimsSet::parse(&out[..len]), Ok(set));
    assert_eq!(set.word(&word), Ok(word));
    assert_eq!((set.token(), set.rs()), (&token, &rs));
    assert_eq!(set.scope().group.as_str(), "0007.fa870181");
    assert_eq!(set.confirmation(), &Confirmation::Account(token.client));

    let other = TokenWord {
        serial: word.serial + 1,
        ..word
    };
    assert_eq!(set.word(&other), Err(Error::Cti));
}

#[test]
fn after_the_proof_cnf_holds_the_key_of_the_client_alone() {
    let (token, rs, word) = record();
    let set = ClaimsSet::of_word(&token, &rs, &word).unwrap();
    let client = SigningKey::from_bytes(
        SignAlg::Es256k,
        &array(&vectors("pop")["cases"][0]["private"]),
    )
    .unwrap()
    .public();
    let confirmed = set.confirm(&client).unwrap();
    let mut out = [0; ClaimsSet::MAX_LEN];
    let len = confirmed.encode(&mut out).unwrap();
    assert_eq!(ClaimsSet::parse(&out[..len]), Ok(confirmed));
    assert_eq!(confirmed.confirmation(), &Confirmation::Key(client));

    assert_eq!(set.confirm(&key(9).public()), Err(Error::Cnf));
    let off_curve = PublicKey::ec2(SignAlg::Es256k, [1; 32], [1; 32]);
    assert_eq!(set.confirm(&off_curve), Err(Error::Cnf));
}

#[test]
fn words_without_claims_have_no_claims_set() {
    let (token, rs, word) = record();
    let tombstone = TokenWord {
        claims: [0; 4],
        ..word
    };
    assert_eq!(
        ClaimsSet::of_word(&token, &rs, &tombstone),
        Err(Error::Claims)
    );
    let eternal = TokenWord {
        expires_at: UnixTime::new(1 << 40),
        ..word
    };
    assert_eq!(ClaimsSet::of_word(&token, &rs, &eternal), Err(Error::Type));
}

#[test]
fn longest_claims_set_fits_its_bound() {
    let client = key(7).public();
    let token = TokenRef {
        chain: u64::MAX,
        contract: Address::new([1; 20]),
        client: client.address().unwrap(),
    };
    let word = TokenWord {
        extra: u32::MAX,
        issued_at: u32::MAX,
        serial: (1 << 48) - 1,
        epoch: u32::MAX,
        claims: Claims::new(Roles::new(0x7f), Class::new(u16::MAX))
            .unwrap()
            .encode(),
        expires_at: UnixTime::MAX,
        not_before: UnixTime::MAX,
    };
    let set = ClaimsSet::of_word(&token, &Address::new([3; 20]), &word)
        .unwrap()
        .confirm(&client)
        .unwrap();
    let mut out = [0; ClaimsSet::MAX_LEN];
    let len = set.encode(&mut out).unwrap();
    assert_eq!(ClaimsSet::parse(&out[..len]), Ok(set));
    assert_eq!(
        set.encode(&mut out[..len - 1]),
        Err(Error::Buffer { needed: len })
    );
}

/// One claim of the published claims set put in another's place.
fn changed(from: &str, to: &str) -> Result<ClaimsSet, Error> {
    let published = vectors("token")["uccs"]["hex"].as_str().unwrap().to_owned();
    assert_eq!(published.matches(from).count(), 1, "{from}");
    ClaimsSet::parse(&hex::decode(published.replace(from, to)).unwrap())
}

#[test]
fn claims_sets_of_other_shapes_are_refused() {
    let cases = [
        ("d90259a9", "a9", Error::Type),
        ("d90259a9", "d83da9", Error::Item),
        ("061a6955b6a8", "061a6955b6a9", Error::Type),
        ("051a6955b6a8", "0501", Error::Type),
        ("041a697d4600", "041b0000010000000000", Error::Type),
        (
            "0750e0490a482092893748fb48d44fd7792d",
            "074fe0490a482092893748fb48d44fd779",
            Error::Cti,
        ),
        (
            "08a103542d96245276c9e097cf2760cc3584f07decc9d47e",
            "08a10354fa8701814c564311ecdb0fc262da6f6b25a04cb7",
            Error::Cnf,
        ),
        (
            "08a103542d96245276c9e097cf2760cc3584f07decc9d47e",
            "08a10254fa8701814c564311ecdb0fc262da6f6b25a04cb7",
            Error::Cnf,
        ),
        (
            "095181826d303030372e666138373031383107",
            "095181826d303030372e666138373031383207",
            Error::Claims,
        ),
        (
            "095181826d303030372e666138373031383107",
            "095181826d303030472e666138373031383107",
            Error::Claims,
        ),
        (
            "095181826d303030372e666138373031383107",
            "094180",
            Error::Claims,
        ),
        (
            "095181826d303030372e666138373031383107",
            "09582182826d303030372e666138373031383107826d303030372e666138373031383107",
            Error::Claims,
        ),
    ];
    for (from, to, error) in cases {
        assert_eq!(changed(from, to), Err(error), "{to}");
    }
    let chain_2 = changed(
        "02783665697031353 53a313333373a".replace(' ', "").as_str(),
        "0278366569703135353a313333383a",
    );
    assert_eq!(chain_2, Err(Error::Type));
}

#[test]
fn claims_sets_survive_nothing() {
    let published = hex(&vectors("token")["uccs"]["hex"]);
    let set = ClaimsSet::parse(&published).unwrap();
    for len in 0..published.len() {
        assert!(ClaimsSet::parse(&published[..len]).is_err(), "{len} bytes");
    }
    let (_, _, word) = record();
    for bit in 0..published.len() * 8 {
        let mut flipped = published.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        // An accepted change is another claims set, which no longer fits the word or the place it was read from.
        if let Ok(other) = ClaimsSet::parse(&flipped) {
            let mut out = [0; ClaimsSet::MAX_LEN];
            let len = other.encode(&mut out).unwrap();
            assert_eq!(out[..len], flipped);
            assert_ne!(other, set, "bit {bit}");
            assert!(other.word(&word) != Ok(word), "bit {bit}");
        }
    }
}

const NOW: UnixTime = UnixTime::new(1_767_225_600);
const RS: Address = Address::new([3; 20]);
const ID: Address = Address::new([4; 20]);

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(SignAlg::Es256k, &[seed; 32]).unwrap()
}

fn account(address: Address) -> AccountId {
    AccountId {
        chain: 1337,
        address,
    }
}

fn scope(name: &str, roles: Roles) -> Scope {
    Scope {
        group: GroupName::new(name).unwrap(),
        roles,
    }
}

/// A token that [`asked`] may have.
fn claims<'a>(scope: &'a [Scope]) -> CwtClaims<'a> {
    let client = key(7).public();
    CwtClaims {
        issuer: account(Address::new([1; 20])),
        subject: account(client.address().unwrap()),
        audience: account(RS),
        expires_at: NOW.saturating_add(600),
        not_before: NOW,
        issued_at: NOW,
        token_id: &[5; 8],
        confirmation: Confirmation::Key(client),
        scope,
    }
}

fn asked(scope: Scope) -> Query {
    Query {
        token: TokenRef {
            chain: 1337,
            contract: Address::new([1; 20]),
            client: key(7).public().address().unwrap(),
        },
        rs: RS,
        scope,
    }
}

fn issuer(key: &PublicKey) -> CwtIssuer {
    CwtIssuer {
        account: account(Address::new([1; 20])),
        rs: RS,
        id: ID,
        key: *key,
    }
}

fn validate(cwt: &[u8], key: &PublicKey, query: &Query) -> Result<CwtGrant, Error> {
    let trust = CwtTrust {
        alg: key.alg(),
        issuers: &[issuer(key)],
    };
    validate_cwt(cwt, query, &Policy::default(), &trust, NOW)
}

#[test]
fn issued_by_every_algorithm() {
    for alg in [SignAlg::Es256k, SignAlg::Esp256, SignAlg::Ed25519] {
        let signer = SigningKey::generate(alg, &mut Counter(1)).unwrap();
        let scopes = [scope("a", Roles::GET), scope("b", Roles::GET | Roles::PUT)];
        let mut out = [0; 512];
        let len = claims(&scopes).issue(&signer, &ID, &mut out).unwrap();
        let wanted = asked(scope("b", Roles::PUT));
        let grant = validate(&out[..len], &signer.public(), &wanted).unwrap();
        assert_eq!(grant.mask(), Roles::GET | Roles::PUT);
        assert_eq!(grant.expires_at(), NOW.saturating_add(600));
        assert_eq!(grant.key(), &key(7).public());
        assert_eq!(grant.query(), &wanted);
        let unwanted = asked(scope("a", Roles::PUT));
        assert_eq!(
            validate(&out[..len], &signer.public(), &unwanted),
            Err(Error::Scope)
        );

        let mut again = [0; 512];
        let parsed = SignedCwt::parse(&out[..len]).unwrap();
        assert_eq!(parsed.encode(&mut again), Ok(len));
        assert_eq!(again, out);
        assert_eq!(
            claims(&scopes).issue(&signer, &ID, &mut out[..len - 1]),
            Err(Error::Buffer { needed: len })
        );
        assert!(out[..len - 1].iter().all(|byte| *byte == 0));
    }
}

#[test]
fn the_published_cwt_is_what_issuing_gives() {
    let published = hex(&vectors("token")["signed_cwt"]["hex"]);
    let case = &positive("cwt.validate")[0];
    let query = query(&case["query"]);
    let owner = &vectors("params")["keys"]["owner"];
    let signer = SigningKey::from_bytes(SignAlg::Es256k, &array(&owner["private"])).unwrap();
    let client = SigningKey::from_bytes(
        SignAlg::Es256k,
        &array(&vectors("pop")["cases"][0]["private"]),
    )
    .unwrap();
    let (token, rs, word) = record();
    let of = |address| AccountId {
        chain: token.chain,
        address,
    };
    let claims = CwtClaims {
        issuer: of(token.contract),
        subject: of(token.client),
        audience: of(rs),
        expires_at: word.expires_at,
        not_before: word.not_before,
        issued_at: word.not_before,
        token_id: &[0x6f, 0x53, 0x6c, 0xbc, 0x5f, 0xd5, 0xdc, 0x79],
        confirmation: Confirmation::Key(client.public()),
        scope: &[query.scope],
    };
    let mut out = [0; 512];
    let id = address(&case["env"]["issuers"][0]["id"]);
    let len = claims.issue(&signer, &id, &mut out).unwrap();
    assert_eq!(out[..len], published);
}

#[test]
fn what_nobody_would_accept_is_not_issued() {
    let good = [scope("a", Roles::GET)];
    let mut out = [0; 512];
    let mut refused = |claims: CwtClaims<'_>| claims.issue(&key(9), &ID, &mut out).unwrap_err();
    for bad in [
        &[][..],
        &[scope("a", Roles::new(0))],
        &[scope("a", Roles::PRODUCER)],
    ] {
        assert_eq!(refused(claims(bad)), Error::Claims);
    }
    for token_id in [&[][..], &[0; 33]] {
        assert_eq!(
            refused(CwtClaims {
                token_id,
                ..claims(&good)
            }),
            Error::Cti
        );
    }
    let stranger = Confirmation::Key(key(8).public());
    let unproved = Confirmation::Account(key(7).public().address().unwrap());
    for confirmation in [stranger, unproved] {
        assert_eq!(
            refused(CwtClaims {
                confirmation,
                ..claims(&good)
            }),
            Error::Cnf
        );
    }
    for expires_at in [NOW, UnixTime::new(1 << 40)] {
        assert_eq!(
            refused(CwtClaims {
                expires_at,
                ..claims(&good)
            }),
            Error::TtlRange
        );
    }
    let issued_at = NOW.saturating_add(600);
    assert_eq!(
        refused(CwtClaims {
            issued_at,
            ..claims(&good)
        }),
        Error::Iat
    );
}

/// A signer without a hand.
struct Mute;

impl Signer for Mute {
    fn public(&self) -> PublicKey {
        key(9).public()
    }

    fn sign(&self, _: &[&[u8]]) -> Result<Signature, Error> {
        Err(Error::Sig)
    }
}

#[test]
fn nothing_is_written_without_a_signature() {
    let mut out = [1; 512];
    let scopes = [scope("a", Roles::GET)];
    assert_eq!(claims(&scopes).issue(&Mute, &ID, &mut out), Err(Error::Sig));
    assert_eq!(out, [0; 512]);
}

/// Signs a header and claims as they are.
fn sign(header: &[u8], claims: &[u8]) -> Vec<u8> {
    let signature = sig_structure(header, &[], claims, |message| key(9).sign(message)).unwrap();
    envelope(header, &[0xa0], claims, &signature)
}

fn envelope(header: &[u8], unprotected: &[u8], claims: &[u8], signature: &[u8]) -> Vec<u8> {
    let mut out = vec![0; 1024];
    let mut writer = Writer::new(&mut out);
    writer
        .tag(61)
        .tag(18)
        .array(4)
        .bytes(header)
        .raw(unprotected);
    writer.bytes(claims).bytes(signature);
    let len = writer.finish().unwrap();
    out.truncate(len);
    out
}

/// Header of a good token.
fn header() -> Vec<u8> {
    [&[0xa2, 0x01, 0x38, 0x2e, 0x04, 0x54][..], ID.as_bytes()].concat()
}

/// A CBOR item.
fn item(write: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
    let mut out = vec![0; 1024];
    let mut writer = Writer::new(&mut out);
    write(&mut writer);
    let len = writer.finish().unwrap();
    out.truncate(len);
    out
}

/// Good claims with one put in place or, if empty, left out; labels in order.
fn claims_with(label: u64, value: &[u8]) -> Vec<u8> {
    let client = key(7).public();
    let text = |address| {
        item(|writer| {
            account(address).with_text(|text| {
                writer.text(text);
            })
        })
    };
    let scope = item(|w| {
        w.array(1).array(2).text("a").uint(1);
    });
    let mut claims = vec![
        (1, text(Address::new([1; 20]))),
        (2, text(client.address().unwrap())),
        (3, text(RS)),
        (
            4,
            item(|w| {
                w.uint(NOW.get() + 600);
            }),
        ),
        (
            5,
            item(|w| {
                w.uint(NOW.get());
            }),
        ),
        (
            6,
            item(|w| {
                w.uint(NOW.get());
            }),
        ),
        (
            7,
            item(|w| {
                w.bytes(&[5; 8]);
            }),
        ),
        (8, item(|w| client.write(w.map(1).uint(1)))),
        (
            9,
            item(|w| {
                w.bytes(&scope);
            }),
        ),
    ];
    claims.retain(|(l, _)| *l != label);
    if !value.is_empty() {
        claims.push((label, value.to_vec()));
    }
    claims.sort();
    item(|w| {
        w.map(claims.len() as u64);
        for (label, value) in &claims {
            w.uint(*label).raw(value);
        }
    })
}

fn judge(cwt: &[u8]) -> u64 {
    outcome(validate(
        cwt,
        &key(9).public(),
        &asked(scope("a", Roles::GET)),
    ))
}

#[test]
fn envelopes_of_other_shapes_are_refused() {
    let claims = claims_with(0, &[]);
    assert_eq!(judge(&sign(&header(), &claims)), 0);

    let wrong = |error: Error| u64::from(error.number());
    let id = [&[0x54][..], ID.as_bytes()].concat();
    let with = |head: &[u8], tail: &[u8]| [head, &id, tail].concat();
    let headers = [
        (vec![], Error::Header),
        (vec![0xa0], Error::Header),
        (vec![0x80], Error::Type),
        (vec![0xa1, 0x01, 0x38, 0x2e], Error::Header),
        (with(&[0xa1, 0x04], &[]), Error::Header),
        (
            with(&[0xa3, 0x01, 0x38, 0x2e, 0x03, 0x00, 0x04], &[]),
            Error::Header,
        ),
        (
            with(&[0xa3, 0x01, 0x38, 0x2e, 0x02, 0x80, 0x04], &[]),
            Error::Crit,
        ),
        (with(&[0xa2, 0x01, 0x26, 0x04], &[]), Error::Alg),
        (with(&[0xa2, 0x01, 0x60, 0x04], &[]), Error::Alg),
        (vec![0xa2, 0x01, 0x38, 0x2e, 0x04, 0x00], Error::CwtKey),
        (with(&[0xa2, 0x04], &[0x01, 0x38, 0x2e]), Error::Order),
    ];
    for (header, error) in headers {
        assert_eq!(
            judge(&sign(&header, &claims)),
            wrong(error),
            "{header:02x?}"
        );
    }
    let signed = |unprotected: &[u8]| envelope(&header(), unprotected, &claims, &[0; 64]);
    assert_eq!(judge(&signed(&[0xa1, 0x02, 0x80])), wrong(Error::Header));
    assert_eq!(judge(&signed(&[0x80])), wrong(Error::CwtType));
    assert_eq!(judge(&signed(&[0xa0])), wrong(Error::Sig));
    assert_eq!(
        judge(&envelope(&header(), &[0xa0], &claims, &[0; 63])),
        wrong(Error::Sig)
    );

    let good = sign(&header(), &claims);
    assert_eq!(judge(&good[2..]), wrong(Error::CwtType));
    assert_eq!(judge(&good[3..]), wrong(Error::CwtType));
    let swapped = [&[0xd2, 0xd8, 0x3d][..], &good[3..]].concat();
    assert_eq!(judge(&swapped), wrong(Error::CwtType));
    let twice = [&[0xd8, 0x3d][..], &good].concat();
    assert_eq!(judge(&twice), wrong(Error::CwtType));
    assert_eq!(judge(&[good, vec![0]].concat()), wrong(Error::Trailing));
}

#[test]
fn claims_of_other_shapes_are_refused() {
    let uint = |value| {
        item(|w| {
            w.uint(value);
        })
    };
    let bytes = |value: &[u8]| {
        item(|w| {
            w.bytes(value);
        })
    };
    let text = |value: &str| {
        item(|w| {
            w.text(value);
        })
    };
    let cnf = |write: &dyn Fn(&mut Writer<'_>)| item(|w| write(w));
    let stranger = Address::new([8; 20]);
    let caip = |account: AccountId| account.with_text(text);
    let chain_2 = |address| AccountId { chain: 2, address };
    let client = key(7).public();
    let bare = item(|w| client.write(w));
    let with_alg = [
        &[0xa1, 0x01, 0xa5, 0x01, 0x02, 0x03, 0x38, 0x2e][..],
        &bare[3..],
    ]
    .concat();
    let now = NOW.get();
    let cases: Vec<(u64, Vec<u8>, Option<Error>)> = vec![
        (1, vec![], Some(Error::Issuer)),
        (1, uint(1), Some(Error::Issuer)),
        (1, text("eip155:1337:0x01"), Some(Error::Issuer)),
        (2, vec![], Some(Error::Type)),
        (2, bytes(&[1]), Some(Error::Type)),
        (2, text("somebody"), Some(Error::Cnf)),
        (2, caip(account(stranger)), Some(Error::Cnf)),
        (
            2,
            caip(chain_2(client.address().unwrap())),
            Some(Error::Subject),
        ),
        (3, vec![], Some(Error::Type)),
        (3, text("somewhere"), Some(Error::Audience)),
        (3, caip(chain_2(RS)), Some(Error::Audience)),
        (4, vec![], Some(Error::Type)),
        (
            4,
            item(|w| {
                w.int(-1);
            }),
            Some(Error::TtlRange),
        ),
        (4, uint(600), Some(Error::TtlRange)),
        (4, uint(1 << 40), Some(Error::TtlRange)),
        (4, uint(u64::MAX), Some(Error::TtlRange)),
        (4, uint(now), Some(Error::TtlRange)),
        (4, uint(now + 366 * 86_400 + 1), Some(Error::TtlRange)),
        (4, uint(now + 366 * 86_400), None),
        (5, vec![], None),
        (5, text("now"), Some(Error::Type)),
        (5, uint(1 << 40), Some(Error::Type)),
        (5, uint(now + 60), None),
        (5, uint(now + 61), Some(Error::NotYet)),
        (6, vec![], None),
        (6, uint(1 << 40), Some(Error::Type)),
        (6, uint(now + 60), None),
        (6, uint(now + 61), Some(Error::Iat)),
        (7, vec![], Some(Error::Type)),
        (7, text("id"), Some(Error::Type)),
        (7, bytes(&[]), Some(Error::Cti)),
        (7, bytes(&[0; 32]), None),
        (8, vec![], Some(Error::Type)),
        (8, bytes(&[]), Some(Error::Type)),
        (
            8,
            cnf(&|w| {
                w.map(0);
            }),
            Some(Error::Cnf),
        ),
        (
            8,
            cnf(&|w| {
                w.map(1).uint(1).uint(1);
            }),
            Some(Error::Cnf),
        ),
        (
            8,
            cnf(&|w| {
                w.map(1).uint(3).bytes(client.address().unwrap().as_bytes());
            }),
            Some(Error::Cnf),
        ),
        (
            8,
            cnf(&|w| key(8).public().write(w.map(1).uint(1))),
            Some(Error::Cnf),
        ),
        (
            8,
            cnf(&|w| PublicKey::okp([1; 32]).write(w.map(1).uint(1))),
            Some(Error::Cnf),
        ),
        (8, with_alg, Some(Error::Cnf)),
        (9, vec![], Some(Error::Type)),
        (9, text("a"), Some(Error::Type)),
        (9, bytes(&[]), Some(Error::Truncated)),
        (9, bytes(&[0x81]), Some(Error::Truncated)),
        (9, bytes(&[0xa0]), Some(Error::Claims)),
        (9, bytes(&[0x80]), Some(Error::Claims)),
        (
            9,
            bytes(&[0x81, 0x82, 0x61, b'a', 0x00]),
            Some(Error::Claims),
        ),
        (
            9,
            bytes(&[0x81, 0x82, 0x61, b'a', 0x18, 0x80]),
            Some(Error::Claims),
        ),
        (
            9,
            bytes(&[0x81, 0x83, 0x61, b'a', 0x01, 0x01]),
            Some(Error::Claims),
        ),
        (
            9,
            bytes(&[0x81, 0x82, 0x41, b'a', 0x01]),
            Some(Error::Claims),
        ),
        (
            9,
            bytes(&[0x82, 0x82, 0x61, b'a', 0x01, 0x82, 0x61, b'b', 0x00]),
            Some(Error::Claims),
        ),
        (
            9,
            bytes(&[0x82, 0x82, 0x61, b'/', 0x01, 0x82, 0x61, b'a', 0x01]),
            None,
        ),
        (
            9,
            bytes(&[0x82, 0x82, 0x61, b'a', 0x02, 0x82, 0x61, b'a', 0x01]),
            None,
        ),
        (
            9,
            bytes(&[0x81, 0x82, 0x61, b'b', 0x01]),
            Some(Error::Scope),
        ),
        (
            9,
            bytes(&[0x81, 0x82, 0x61, b'a', 0x02]),
            Some(Error::Scope),
        ),
        (10, uint(0), None),
        (40, bytes(b"unknown"), None),
    ];
    for (label, value, error) in cases {
        let expected = error.map_or(0, |error| u64::from(error.number()));
        let judged = judge(&sign(&header(), &claims_with(label, &value)));
        assert_eq!(judged, expected, "claim {label}: {value:02x?}");
    }
    let wrong = |claims: &[u8]| judge(&sign(&header(), claims));
    assert_eq!(wrong(&[0x80]), u64::from(Error::Type.number()));
    assert_eq!(wrong(&[0xa1, 0x01]), u64::from(Error::Truncated.number()));
    assert_eq!(wrong(&[0xc1, 0x00]), u64::from(Error::Item.number()));
}

#[test]
fn an_issuer_speaks_for_its_own_server_only() {
    let cwt = sign(&header(), &claims_with(0, &[]));
    let (key, query) = (key(9).public(), asked(scope("a", Roles::GET)));
    let judge = |issuer: CwtIssuer, alg, query: &Query| {
        let trust = CwtTrust {
            alg,
            issuers: &[issuer],
        };
        validate_cwt(&cwt, query, &Policy::default(), &trust, NOW).map(|grant| grant.mask())
    };
    let good = issuer(&key);
    assert_eq!(judge(good, SignAlg::Es256k, &query), Ok(Roles::GET));
    let elsewhere = CwtIssuer {
        rs: Address::new([9; 20]),
        ..good
    };
    assert_eq!(
        judge(elsewhere, SignAlg::Es256k, &query),
        Err(Error::Issuer)
    );
    let renamed = CwtIssuer {
        id: Address::new([9; 20]),
        ..good
    };
    assert_eq!(judge(renamed, SignAlg::Es256k, &query), Err(Error::CwtKey));
    let replaced = CwtIssuer {
        key: PublicKey::okp(*key.x()),
        ..good
    };
    assert_eq!(judge(replaced, SignAlg::Es256k, &query), Err(Error::Sig));
    assert_eq!(judge(good, SignAlg::Esp256, &query), Err(Error::Alg));
    let nothing = Query {
        scope: scope("a", Roles::new(0)),
        ..query
    };
    assert_eq!(judge(good, SignAlg::Es256k, &nothing), Err(Error::Scope));
}

#[test]
fn issuers_of_one_contract_are_told_apart_by_their_ids() {
    let cwt = sign(&header(), &claims_with(0, &[]));
    let query = asked(scope("a", Roles::GET));
    let good = issuer(&key(9).public());
    let retiring = CwtIssuer {
        id: Address::new([9; 20]),
        key: key(8).public(),
        ..good
    };
    for issuers in [[good, retiring], [retiring, good]] {
        let trust = CwtTrust {
            alg: SignAlg::Es256k,
            issuers: &issuers,
        };
        let grant = validate_cwt(&cwt, &query, &Policy::default(), &trust, NOW);
        assert_eq!(grant.map(|grant| grant.mask()), Ok(Roles::GET));
    }
}

#[test]
fn no_prefix_and_no_flipped_bit_is_accepted() {
    let cwt = sign(&header(), &claims_with(0, &[]));
    assert_eq!(judge(&cwt), 0);
    for len in 0..cwt.len() {
        assert_ne!(judge(&cwt[..len]), 0, "{len} bytes");
    }
    for bit in 0..cwt.len() * 8 {
        let mut flipped = cwt.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert_ne!(judge(&flipped), 0, "bit {bit}");
    }
}

#[test]
fn a_scope_is_read_entry_by_entry() {
    let bytes = [0x82, 0x82, 0x61, b'a', 0x01, 0x82, 0x61, b'b', 0x07];
    let aif = Aif::parse(&bytes).unwrap();
    let entries: Vec<_> = aif.entries().collect();
    assert_eq!(entries, [("a", Roles::GET), ("b", Roles::new(7))]);
    assert_eq!(aif.grants(&scope("b", Roles::PUT)), Some(Roles::new(7)));
    assert_eq!(aif.grants(&scope("a", Roles::PUT)), None);
}
