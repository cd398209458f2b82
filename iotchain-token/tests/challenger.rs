//! The key server's side of a proof, walked through, and every way to get it wrong.
#![allow(missing_docs)]

mod support;

use iotchain_core::{
    Address, Error, GroupName, Roles, SignAlg, Signer, SigningKey, Thumbprint, UnixTime,
};
use iotchain_token::{
    Challenge, ChallengeKey, Challenger, ChannelBinding, ClientKey, LedgerView, Policy, PopInput,
    Proven, Publication, Scope, TokenRef,
};
use support::{Broken, Counter};

const NOW: UnixTime = UnixTime::new(1_767_225_600);
const KEY_SERVER: Thumbprint = Thumbprint::new([9; 32]);
const EXPORTER: ChannelBinding = ChannelBinding::Exporter([5; 32]);
const CERTIFICATE: ChannelBinding = ChannelBinding::Certificate([5; 32]);
const CNONCE: [u8; 8] = [4; 8];

struct Side {
    key: ClientKey,
    token: TokenRef,
    scope: Scope,
    binding: ChannelBinding,
}

impl Side {
    fn new(binding: ChannelBinding) -> Self {
        let key = ClientKey::from_bytes(&[7; 32]).unwrap();
        let token = TokenRef {
            chain: 1337,
            contract: Address::new([1; 20]),
            client: key.address(),
        };
        Self {
            key,
            token,
            scope: scope(Roles::GET),
            binding,
        }
    }

    fn input<'a>(&'a self, challenge: &'a Challenge) -> PopInput<'a> {
        PopInput {
            binding: &self.binding,
            key_server: &KEY_SERVER,
            token: &self.token,
            scope: &self.scope,
            challenge,
            cnonce: &CNONCE,
        }
    }

    fn sign(&self, challenge: &Challenge) -> [u8; 65] {
        self.key
            .sign(&self.input(challenge).digest().unwrap())
            .unwrap()
            .encode()
    }
}

fn scope(roles: Roles) -> Scope {
    Scope {
        group: GroupName::new("0007.03030303").unwrap(),
        roles,
    }
}

fn challenger<const N: usize>() -> Challenger<N> {
    Challenger::new(&mut Counter(0), NOW).unwrap()
}

fn later(seconds: u64) -> UnixTime {
    NOW.saturating_add(seconds)
}

#[test]
fn a_good_answer_is_proven_and_says_for_what() {
    for binding in [EXPORTER, CERTIFICATE] {
        let (mut server, side) = (challenger::<4>(), Side::new(binding));
        let challenge = server
            .issue(&mut Counter(1), NOW, &side.token, &binding)
            .unwrap();
        let proven = server
            .prove_client(&side.input(&challenge), &side.sign(&challenge), later(59))
            .unwrap();
        assert_eq!(
            (proven.token(), proven.client()),
            (&side.token, &side.key.address())
        );
        assert_eq!((proven.scope(), proven.binding()), (&side.scope, &binding));
    }
}

/// n - s, by the subtraction of schools.
fn other_half(mut signature: [u8; 64]) -> [u8; 64] {
    let order = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
    let order = hex::decode(order).unwrap();
    let mut borrow = 0;
    for (s, n) in signature[32..].iter_mut().zip(order).rev() {
        let difference = i16::from(n) - i16::from(*s) - borrow;
        borrow = i16::from(difference < 0);
        *s = difference.rem_euclid(256).try_into().unwrap();
    }
    signature
}

#[test]
fn a_signer_may_keep_v_to_itself_and_take_either_half() {
    let side = Side::new(EXPORTER);
    let challenge = Challenge::from_slice(&[9; 28]).unwrap();
    let input = side.input(&challenge);
    let expected = side.sign(&challenge);
    let rs: [u8; 64] = expected[..64].try_into().unwrap();
    for answer in [rs, other_half(rs)] {
        let signature = input.sign_as_client(|digest| {
            assert_eq!(Ok(*digest), input.digest());
            Ok(answer)
        });
        assert_eq!(signature.unwrap().encode(), expected);
    }
    let mut other = rs;
    other[63] ^= 1;
    for (answer, error) in [
        (Ok(other), Error::Pop),
        (Ok([0; 64]), Error::Pop),
        (Ok([0xff; 64]), Error::Pop),
        (Err(Error::Sig), Error::Sig),
    ] {
        assert_eq!(input.sign_as_client(|_| answer).unwrap_err(), error);
    }
}

#[test]
fn form_comes_before_challenge_and_challenge_before_signature() {
    let (mut server, side) = (challenger::<4>(), Side::new(EXPORTER));
    let foreign = ChallengeKey::new([8; 32])
        .issue(&mut Counter(1), NOW, &side.token, &EXPORTER)
        .unwrap();
    let wrong_signer = Side {
        key: ClientKey::from_bytes(&[6; 32]).unwrap(),
        ..Side::new(EXPORTER)
    };
    assert_eq!(
        server.prove_client(&side.input(&foreign), &[0; 65], NOW),
        Err(Error::PopFormat)
    );
    let signature = wrong_signer.sign(&foreign);
    assert_eq!(
        server.prove_client(&side.input(&foreign), &signature, NOW),
        Err(Error::Challenge)
    );
    let challenge = server
        .issue(&mut Counter(1), NOW, &side.token, &EXPORTER)
        .unwrap();
    let signature = wrong_signer.sign(&challenge);
    assert_eq!(
        server.prove_client(&side.input(&challenge), &signature, later(60)),
        Err(Error::ChallengeExpired)
    );
    assert_eq!(
        server.prove_client(&side.input(&challenge), &signature, NOW),
        Err(Error::Pop)
    );
}

#[test]
fn a_proof_holds_for_nothing_else() {
    let (mut server, side) = (challenger::<4>(), Side::new(EXPORTER));
    let challenge = server
        .issue(&mut Counter(1), NOW, &side.token, &EXPORTER)
        .unwrap();
    let signature = side.sign(&challenge);
    let mut prove = |input: &PopInput<'_>| server.prove_client(input, &signature, NOW);
    let input = side.input(&challenge);

    let other = ChannelBinding::Exporter([6; 32]);
    assert_eq!(
        prove(&PopInput {
            binding: &other,
            ..input
        }),
        Err(Error::Challenge)
    );
    let other = ChannelBinding::Certificate([5; 32]);
    assert_eq!(
        prove(&PopInput {
            binding: &other,
            ..input
        }),
        Err(Error::Challenge)
    );
    let other = TokenRef {
        chain: 1,
        ..side.token
    };
    assert_eq!(
        prove(&PopInput {
            token: &other,
            ..input
        }),
        Err(Error::Challenge)
    );
    let other = TokenRef {
        client: Address::new([8; 20]),
        ..side.token
    };
    assert_eq!(
        prove(&PopInput {
            token: &other,
            ..input
        }),
        Err(Error::Challenge)
    );
    assert_eq!(
        prove(&PopInput {
            key_server: &Thumbprint::new([8; 32]),
            ..input
        }),
        Err(Error::Pop)
    );
    assert_eq!(
        prove(&PopInput {
            scope: &scope(Roles::PUT),
            ..input
        }),
        Err(Error::Pop)
    );
    assert_eq!(
        prove(&PopInput {
            cnonce: &[5; 8],
            ..input
        }),
        Err(Error::Pop)
    );
    assert_eq!(
        prove(&PopInput {
            cnonce: &[5; 7],
            ..input
        }),
        Err(Error::Type)
    );
    assert_eq!(
        prove(&PopInput {
            cnonce: &[5; 33],
            ..input
        }),
        Err(Error::Type)
    );
    assert_eq!(
        prove(&PopInput {
            scope: &scope(Roles::PRODUCER),
            ..input
        }),
        Err(Error::Scope)
    );
    assert!(prove(&input).is_ok());
}

#[test]
fn with_a_certificate_binding_each_challenge_is_good_once() {
    let (mut server, side) = (challenger::<2>(), Side::new(CERTIFICATE));
    let mut rng = Counter(1);
    let first = server
        .issue(&mut rng, NOW, &side.token, &CERTIFICATE)
        .unwrap();
    let second = server
        .issue(&mut rng, NOW, &side.token, &CERTIFICATE)
        .unwrap();
    let third = server
        .issue(&mut rng, later(1), &side.token, &CERTIFICATE)
        .unwrap();

    // a failed proof spends nothing
    let forged = Side {
        key: ClientKey::from_bytes(&[6; 32]).unwrap(),
        ..Side::new(CERTIFICATE)
    }
    .sign(&first);
    assert_eq!(
        server.prove_client(&side.input(&first), &forged, NOW),
        Err(Error::Pop)
    );
    assert!(
        server
            .prove_client(&side.input(&first), &side.sign(&first), NOW)
            .is_ok()
    );
    assert_eq!(
        server.prove_client(&side.input(&first), &side.sign(&first), NOW),
        Err(Error::ChallengeReplay)
    );
    assert!(
        server
            .prove_client(&side.input(&second), &side.sign(&second), NOW)
            .is_ok()
    );
    // full until the first ones expire
    assert_eq!(
        server.prove_client(&side.input(&third), &side.sign(&third), later(59)),
        Err(Error::Rate)
    );
    assert!(
        server
            .prove_client(&side.input(&third), &side.sign(&third), later(60))
            .is_ok()
    );
    assert_eq!(
        server.prove_client(&side.input(&third), &side.sign(&third), later(60)),
        Err(Error::ChallengeReplay)
    );
}

#[test]
fn the_key_rotates_daily_and_the_previous_one_lasts_a_minute() {
    const DAY: u64 = 86_400;
    let (mut server, side) = (challenger::<1>(), Side::new(EXPORTER));
    let old = server
        .issue(&mut Counter(1), later(DAY - 1), &side.token, &EXPORTER)
        .unwrap();
    let fresh = server
        .issue(&mut Counter(50), later(DAY), &side.token, &EXPORTER)
        .unwrap();
    for challenge in [&old, &fresh] {
        assert!(
            server
                .prove_client(
                    &side.input(challenge),
                    &side.sign(challenge),
                    later(DAY + 58)
                )
                .is_ok()
        );
    }
    let result = server.prove_client(&side.input(&old), &side.sign(&old), later(DAY + 59));
    assert_eq!(result, Err(Error::ChallengeExpired));
    let result = server.prove_client(&side.input(&old), &side.sign(&old), later(DAY + 60));
    assert_eq!(result, Err(Error::Challenge));
    // the key before the previous one is gone
    server
        .issue(&mut Counter(90), later(2 * DAY), &side.token, &EXPORTER)
        .unwrap();
    server
        .issue(&mut Counter(99), later(3 * DAY), &side.token, &EXPORTER)
        .unwrap();
    let result = server.prove_client(&side.input(&fresh), &side.sign(&fresh), later(DAY));
    assert_eq!(result, Err(Error::Challenge));
}

#[test]
fn without_randomness_there_is_no_challenge_and_no_key() {
    assert_eq!(
        Challenger::<1>::new(&mut Broken, NOW).unwrap_err(),
        Error::Random
    );
    assert_eq!(ClientKey::generate(&mut Broken).unwrap_err(), Error::Random);
    let (mut server, side) = (challenger::<1>(), Side::new(EXPORTER));
    assert_eq!(
        server.issue(&mut Broken, NOW, &side.token, &EXPORTER),
        Err(Error::Random)
    );
    let after_2106 = UnixTime::new(1 << 32);
    let result =
        ChallengeKey::new([1; 32]).issue(&mut Counter(0), after_2106, &side.token, &EXPORTER);
    assert_eq!(result, Err(Error::ChallengeExpired));
    assert_eq!(ClientKey::from_bytes(&[0; 32]).unwrap_err(), Error::Type);
    assert_eq!(ClientKey::from_bytes(&[0xff; 32]).unwrap_err(), Error::Type);
}

#[test]
fn a_resource_server_proves_its_own_key() {
    let key = SigningKey::from_bytes(SignAlg::Es256k, &[3; 32]).unwrap();
    let rs = key.public().address().unwrap();
    let (mut server, token, scope) = (
        challenger::<1>(),
        TokenRef::resource_server(rs),
        scope(Roles::PRODUCER),
    );
    let challenge = server
        .issue(&mut Counter(1), NOW, &token, &EXPORTER)
        .unwrap();
    let input = PopInput {
        binding: &EXPORTER,
        key_server: &KEY_SERVER,
        token: &token,
        scope: &scope,
        challenge: &challenge,
        cnonce: &CNONCE,
    };
    let proof = input.sign_as_server(&key).unwrap();
    let proven = server
        .prove_server(&input, &key.public(), &proof, NOW)
        .unwrap();
    assert_eq!(
        (proven.rs(), proven.scope(), proven.binding()),
        (&rs, &scope, &EXPORTER)
    );
    assert_eq!(proven.key(), &key.public());

    let prove = |server: &mut Challenger<1>, input: &PopInput<'_>, proof: &[u8]| {
        server
            .prove_server(input, &key.public(), proof, NOW)
            .map(|_| ())
            .unwrap_err()
    };
    assert_eq!(prove(&mut server, &input, &proof[..63]), Error::PopFormat);
    assert_eq!(
        prove(
            &mut server,
            &PopInput {
                cnonce: &[5; 8],
                ..input
            },
            &proof
        ),
        Error::Sig
    );
    let client_token = TokenRef {
        chain: 1337,
        ..token
    };
    assert_eq!(
        prove(
            &mut server,
            &PopInput {
                token: &client_token,
                ..input
            },
            &proof
        ),
        Error::Scope
    );
    let more = Scope {
        roles: Roles::PRODUCER | Roles::GET,
        ..scope
    };
    assert_eq!(
        prove(
            &mut server,
            &PopInput {
                scope: &more,
                ..input
            },
            &proof
        ),
        Error::Scope
    );
    let other = SigningKey::from_bytes(SignAlg::Es256k, &[4; 32]).unwrap();
    assert_eq!(
        server
            .prove_server(&input, &other.public(), &proof, NOW)
            .unwrap_err(),
        Error::Sig
    );
    // a resource server's reference is nobody's client
    let as_client = PopInput {
        scope: &Scope {
            roles: Roles::GET,
            ..scope
        },
        ..input
    };
    let signature = ClientKey::from_bytes(&[3; 32])
        .unwrap()
        .sign(&as_client.digest().unwrap())
        .unwrap();
    assert_eq!(
        server.prove_client(&as_client, &signature.encode(), NOW),
        Err(Error::Scope)
    );
}

#[test]
fn authorization_asks_the_ledger_about_the_proven_client_only() {
    use iotchain_token::{Claims, Class, TokenWord};
    let (mut server, side) = (challenger::<1>(), Side::new(EXPORTER));
    let challenge = server
        .issue(&mut Counter(1), NOW, &side.token, &EXPORTER)
        .unwrap();
    let mut prove = || -> Proven {
        server
            .prove_client(&side.input(&challenge), &side.sign(&challenge), NOW)
            .unwrap()
    };
    let (rs, class) = (Address::new([3; 20]), Class::new(7));
    let word = TokenWord {
        extra: 0,
        issued_at: 1,
        serial: 1,
        epoch: 0,
        claims: Claims::new(Roles::GET, class).unwrap().encode(),
        expires_at: later(1000),
        not_before: NOW,
    };
    let word = word.encode().unwrap();
    let view = LedgerView {
        head: 100,
        head_age: 0,
        word_head: &word,
        word_confirmed: &word,
        resource_head: &[0; 32],
    };
    let classes = [class];
    let published = [Publication {
        chain: 1337,
        contract: side.token.contract,
        rs,
        classes: &classes,
    }];
    let authorized = prove()
        .authorize(&rs, &Policy::default(), &published[..], &view, NOW)
        .unwrap();
    let grant = authorized.grant();
    assert_eq!(
        (grant.client(), grant.rs(), grant.roles()),
        (&side.key.address(), &rs, Roles::GET)
    );
    assert_eq!(
        (grant.class(), grant.mask(), grant.serial()),
        (class, Roles::GET, 1)
    );
    assert_eq!(
        (grant.expires_at(), authorized.binding()),
        (later(1000), &EXPORTER)
    );
    let elsewhere = prove().authorize(
        &Address::new([4; 20]),
        &Policy::default(),
        &published[..],
        &view,
        NOW,
    );
    assert_eq!(elsewhere, Err(Error::Issuer));
}
