//! Every parser against round trips, truncations, single-bit flips and noise.
#![allow(missing_docs)]

use iotchain_core::{Address, Error, GroupName, Roles, UnixTime};
use iotchain_token::{
    AccountId, Challenge, ChannelBinding, Claims, Class, GetToken, PopSignature, Scope, TokenRef,
    TokenWord, resource_epoch,
};
use proptest::prelude::*;

fn encoded<const N: usize>(encode: impl FnOnce(&mut [u8]) -> Result<usize, Error>) -> Vec<u8> {
    let mut buffer = [0; N];
    let len = encode(&mut buffer).unwrap();
    buffer[..len].to_vec()
}

fn a_token_ref() -> impl Strategy<Value = TokenRef> {
    any::<(u64, [u8; 20], [u8; 20])>().prop_map(|(chain, contract, client)| TokenRef {
        chain,
        contract: Address::new(contract),
        client: Address::new(client),
    })
}

fn a_scope() -> impl Strategy<Value = Scope> {
    ("[A-Za-z0-9._-]{1,32}", 1..=255u8).prop_map(|(name, roles)| Scope {
        group: GroupName::new(&name).unwrap(),
        roles: Roles::new(roles),
    })
}

/// Truncations fail, and a flipped bit never gives the same value.
fn check_robust<T: PartialEq + core::fmt::Debug>(
    bytes: &[u8],
    parse: impl Fn(&[u8]) -> Result<T, Error>,
) {
    let value = parse(bytes).unwrap();
    for len in 0..bytes.len() {
        assert!(parse(&bytes[..len]).is_err(), "{len} bytes");
    }
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert_ne!(parse(&flipped), Ok(parse(bytes).unwrap()), "bit {bit}");
    }
    let longer = [bytes, &[0]].concat();
    assert!(parse(&longer).is_err());
    drop(value);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn token_references(token in a_token_ref()) {
        let bytes = encoded::<{ TokenRef::MAX_LEN }>(|out| token.encode(out));
        prop_assert_eq!(TokenRef::parse(&bytes), Ok(token));
        check_robust(&bytes, TokenRef::parse);
        let needed = bytes.len();
        prop_assert_eq!(token.encode(&mut vec![0; needed - 1]), Err(Error::Buffer { needed }));
    }

    #[test]
    fn scopes(scope in a_scope()) {
        let bytes = encoded::<{ Scope::MAX_LEN }>(|out| scope.encode(out));
        prop_assert_eq!(Scope::parse(&bytes), Ok(scope));
        check_robust(&bytes, Scope::parse);
    }

    #[test]
    fn words(bytes in any::<[u8; 32]>()) {
        let word = TokenWord::parse(&bytes).unwrap();
        prop_assert_eq!(word.encode(), Ok(bytes));
        check_robust(&bytes, TokenWord::parse);
        prop_assert_eq!(TokenWord::parse(&bytes[..31]), Err(Error::Truncated));
        prop_assert_eq!(TokenWord::parse(&[0; 33]), Err(Error::Trailing));
        prop_assert_eq!(resource_epoch(&bytes[..31]), Err(Error::Truncated));
    }

    #[test]
    fn get_token_answers(res in any::<[u8; 20]>(), expiry in 0..1u64 << 40, mask in 1..0x80u8, class in any::<u16>()) {
        let claims = Claims::new(Roles::new(mask), Class::new(class)).unwrap();
        let answer = GetToken::new(Address::new(res), UnixTime::new(expiry), &claims);
        prop_assert_eq!(answer.expires_at(), Some(UnixTime::new(expiry)));
        check_robust(&answer.encode(), GetToken::parse);
    }

    #[test]
    fn accounts(chain in any::<u64>(), address in any::<[u8; 20]>()) {
        let account = AccountId { chain, address: Address::new(address) };
        account.with_text(|text| {
            assert_eq!(AccountId::parse(text), Ok(account));
            assert!(text.len() <= AccountId::MAX_LEN);
        });
    }

    #[test]
    fn noise_is_no_trouble(bytes in proptest::collection::vec(any::<u8>(), 0..100), text in ".{0,80}") {
        let _ = (TokenRef::parse(&bytes), Scope::parse(&bytes), TokenWord::parse(&bytes), GetToken::parse(&bytes));
        let _ = (PopSignature::parse(&bytes), Challenge::from_slice(&bytes), AccountId::parse(&text));
        if let Ok(signature) = PopSignature::parse(&bytes) {
            let _ = signature.recover(&[1; 32]);
        }
    }
}

#[test]
fn words_that_do_not_fit_are_refused() {
    let word = TokenWord::parse(&[0; 32]).unwrap();
    assert!(word.is_absent() && !word.is_tombstone());
    assert_eq!(
        TokenWord {
            serial: 1 << 48,
            ..word
        }
        .encode(),
        Err(Error::Type)
    );
    assert_eq!(
        TokenWord {
            expires_at: UnixTime::new(1 << 40),
            ..word
        }
        .encode(),
        Err(Error::Type)
    );
    assert_eq!(
        TokenWord {
            not_before: UnixTime::new(1 << 40),
            ..word
        }
        .encode(),
        Err(Error::Type)
    );
    assert!(TokenWord { serial: 1, ..word }.is_tombstone());
}

#[test]
fn scopes_of_other_shapes_are_refused() {
    let cases: [(&[u8], Error); 8] = [
        (&[0x82, 0x61, b'a', 0x00], Error::Scope),
        (&[0x82, 0x60, 0x01], Error::Scope),
        (&[0x82, 0x61, b'/', 0x01], Error::Scope),
        (&[0x82, 0x61, b'a', 0x19, 0x01, 0x00], Error::Type),
        (&[0x82, 0x61, b'a', 0x20], Error::Type),
        (&[0x82, 0x41, b'a', 0x01], Error::Type),
        (&[0x81, 0x61, b'a'], Error::Type),
        (&[0x82, 0x61, b'a', 0x18, 0x01], Error::NonMinimal),
    ];
    for (bytes, error) in cases {
        assert_eq!(Scope::parse(bytes), Err(error), "{bytes:02x?}");
    }
}

#[test]
fn channel_bindings_have_two_types_of_32_bytes() {
    assert_eq!(
        ChannelBinding::new(1, &[1; 32]),
        Ok(ChannelBinding::Exporter([1; 32]))
    );
    assert_eq!(
        ChannelBinding::new(2, &[1; 32]),
        Ok(ChannelBinding::Certificate([1; 32]))
    );
    for (cb_type, len) in [(0, 32), (3, 32), (255, 32), (1, 31), (1, 33), (2, 0)] {
        assert_eq!(
            ChannelBinding::new(cb_type, &vec![1; len]),
            Err(Error::Channel)
        );
    }
}
