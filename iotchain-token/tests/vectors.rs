//! Known answers: `token.json`, `pop.json` and the cases T, A and Q of `negative.json`.
#![allow(missing_docs)]

mod support;

use iotchain_core::{Error, Result, Thumbprint};
use iotchain_token::{
    Challenge, ChallengeKey, ChannelBinding, Claims, ClientKey, GetToken, GetTokenView, LedgerView,
    PopInput, PopSignature, Scope, TokenWord, UsedChallenges, resource_epoch, resource_slot,
    token_slot, validate_get_token, validate_record,
};
use serde_json::Value;
use support::{
    address, array, classes, expect_all, hex, negative, number, outcome, policy, positive,
    published, query, time, token, vectors,
};

#[test]
fn word_slots_and_names() {
    let record = &vectors("token")["record"];
    let word: [u8; 32] = array(&record["word"]);
    let fields = TokenWord::parse(&word).unwrap();
    assert_eq!(u64::from(fields.extra), number(&record["extra"]));
    assert_eq!(u64::from(fields.issued_at), number(&record["issuedAt"]));
    assert_eq!(fields.serial, number(&record["serial"]));
    assert_eq!(u64::from(fields.epoch), number(&record["epoch"]));
    assert_eq!(fields.claims, array(&record["claims"]));
    assert_eq!(fields.expires_at, time(&record["expiresAt"]));
    assert_eq!(fields.not_before, time(&record["notBefore"]));
    assert_eq!(fields.encode(), Ok(word));

    let (client, res) = (address(&record["client"]), address(&record["res"]));
    assert_eq!(token_slot(&client, &res), array(&record["token_slot"]));
    assert_eq!(resource_slot(&res), array(&record["resource_slot"]));
    assert_eq!(
        resource_epoch(&hex(&record["resource_word"])),
        Ok(fields.epoch)
    );

    let claims = Claims::parse(fields.claims).unwrap();
    assert_eq!(
        claims.class().group(&res).as_str(),
        record["gname"].as_str().unwrap()
    );

    let answer = GetToken::new(res, fields.expires_at, &claims);
    assert_eq!(answer.encode(), array(&record["get_token_return"]));
    assert_eq!(GetToken::parse(&answer.encode()), Ok(answer));
    assert_eq!(answer.expires_at(), Some(fields.expires_at));
}

fn run_record(case: &Value) -> u64 {
    let env = &case["env"];
    let (word_head, word_confirmed, resource_head) = (
        hex(&case["word_head"]),
        hex(&case["word_conf"]),
        hex(&case["resource_head"]),
    );
    let view = LedgerView {
        head: number(&env["head"]),
        head_age: number(&env["head_age"]),
        word_head: &word_head,
        word_confirmed: &word_confirmed,
        resource_head: &resource_head,
    };
    let classes = classes(env);
    let published = published(env, &classes);
    let query = query(&case["query"]);
    let result = validate_record(
        &query,
        &policy(env),
        published.as_slice(),
        &view,
        time(&env["now"]),
    );
    if let Ok(grant) = &result {
        assert_eq!(grant.query(), &query);
        assert!(grant.mask().contains(grant.roles()));
    }
    outcome(result)
}

#[test]
fn records() {
    expect_all(&positive("token.record"), run_record);
    expect_all(&negative("token.record"), run_record);
}

fn run_get_token(case: &Value) -> u64 {
    let env = &case["env"];
    let (head, confirmed) = (hex(&case["abi_head"]), hex(&case["abi_conf"]));
    let view = GetTokenView {
        head_age: number(&env["head_age"]),
        head: &head,
        confirmed: &confirmed,
    };
    let classes = classes(env);
    let published = published(env, &classes);
    outcome(validate_get_token(
        &query(&case["query"]),
        &policy(env),
        published.as_slice(),
        &view,
        time(&env["now"]),
    ))
}

#[test]
fn get_token_answers() {
    expect_all(&positive("token.get_token"), run_get_token);
    expect_all(&negative("token.get_token"), run_get_token);
}

fn check_challenge(case: &Value) -> Result<()> {
    let binding = ChannelBinding::new(
        number(&case["cb_type"]).try_into().unwrap(),
        &hex(&case["cb"]),
    )?;
    let challenge = Challenge::from_slice(&hex(&case["challenge"]))?;
    let now = time(&case["now"]);
    ChallengeKey::new(array(&case["key"])).check(&challenge, now, &token(case), &binding)?;
    let mut used = UsedChallenges::<4>::new();
    for earlier in case["used"].as_array().into_iter().flatten() {
        used.record(&Challenge::from_slice(&hex(earlier)).unwrap(), now)
            .unwrap();
    }
    used.check(&challenge, now)
}

#[test]
fn challenges() {
    expect_all(&negative("challenge.check"), |case| {
        outcome(check_challenge(case))
    });
}

#[test]
fn proofs() {
    expect_all(&negative("pop.verify"), |case| {
        let recovered = PopSignature::parse(&hex(&case["signature"]))
            .and_then(|signature| signature.recover(&array(&case["digest"])))
            .and_then(|signer| {
                if signer == address(&case["client"]) {
                    Ok(())
                } else {
                    Err(Error::Pop)
                }
            });
        outcome(recovered)
    });
}

#[test]
fn proof_step_by_step() {
    let pop = vectors("pop");
    for case in pop["cases"].as_array().unwrap() {
        let made = &case["challenge"];
        let token = token(made);
        let binding = ChannelBinding::new(
            number(&case["cb_type"]).try_into().unwrap(),
            &hex(&case["cb"]),
        )
        .unwrap();
        let key = ChallengeKey::new(array(&made["key"]));
        let mut rng = Fixed(hex(&made["rnd"]));
        let challenge = key
            .issue(&mut rng, time(&made["t"]), &token, &binding)
            .unwrap();
        assert_eq!(challenge.as_bytes(), &array(&made["value"]));
        assert_eq!(
            key.check(&challenge, time(&made["t"]), &token, &binding),
            Ok(())
        );

        let scope = Scope::parse(&hex(&case["scope"])).unwrap();
        let cnonce = hex(&case["cnonce"]);
        let key_server = Thumbprint::new(array(&case["ks"]));
        let input = PopInput {
            binding: &binding,
            key_server: &key_server,
            token: &token,
            scope: &scope,
            challenge: &challenge,
            cnonce: &cnonce,
        };
        let mut buffer = [0; PopInput::MAX_LEN];
        let len = input.encode(&mut buffer).unwrap();
        assert_eq!(buffer[..len], hex(&case["pop_input"]));
        assert_eq!(
            input.text().unwrap().as_str(),
            case["text"].as_str().unwrap()
        );
        let digest = input.digest().unwrap();
        assert_eq!(digest, array(&case["eip191_digest"]));

        let client = ClientKey::from_bytes(&array(&case["private"])).unwrap();
        assert_eq!(client.address(), address(&case["client"]));
        let signature = client.sign(&digest).unwrap();
        assert_eq!(signature.encode().as_slice(), hex(&case["signature"]));
        assert_eq!(PopSignature::parse(&signature.encode()), Ok(signature));
        assert_eq!(signature.recover(&digest), Ok(address(&case["recovered"])));
    }
}

/// Gives the bytes of a vector once.
struct Fixed(Vec<u8>);

impl rand_core::TryRng for Fixed {
    type Error = core::convert::Infallible;
    fn try_next_u32(&mut self) -> std::result::Result<u32, Self::Error> {
        unreachable!("only bytes are drawn")
    }
    fn try_next_u64(&mut self) -> std::result::Result<u64, Self::Error> {
        unreachable!("only bytes are drawn")
    }
    fn try_fill_bytes(&mut self, out: &mut [u8]) -> std::result::Result<(), Self::Error> {
        assert_eq!(out.len(), self.0.len());
        out.copy_from_slice(&self.0);
        Ok(())
    }
}
impl rand_core::TryCryptoRng for Fixed {}
