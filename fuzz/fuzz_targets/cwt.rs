//! Signed CWTs and claims sets: accepted bytes encode to themselves, and no signed claims do harm.
#![no_main]

use std::sync::LazyLock;

use iotchain_core::cbor::Writer;
use iotchain_core::sign::sig_structure;
use iotchain_core::{Address, GroupName, Roles, SignAlg, Signer, SigningKey, UnixTime};
use iotchain_token::{
    AccountId, Aif, ClaimsSet, CwtIssuer, CwtTrust, Policy, Query, Scope, SignedCwt, TokenRef,
    TokenWord, validate_cwt,
};
use libfuzzer_sys::fuzz_target;

/// Header `{1: -47, 4: 20 bytes}`.
const HEADER: &[u8] = b"\xa2\x01\x38\x2e\x04\x54\x04\x04\x04\x04\x04\x04\x04\x04\x04\x04\x04\x04\x04\x04\x04\x04\x04\x04\x04\x04";

static KEY: LazyLock<SigningKey> =
    LazyLock::new(|| SigningKey::from_bytes(SignAlg::Es256k, &[9; 32]).expect("a key"));

fuzz_target!(|data: &[u8]| {
    let mut again = vec![0; data.len() + 64];
    if let Ok(set) = ClaimsSet::parse(data) {
        let len = set.encode(&mut again).expect("a parsed claims set encodes");
        assert_eq!(&again[..len], data);
        let word = TokenWord::parse(&[0; 32]).expect("32 bytes");
        assert!(set.word(&word).is_err(), "no cti is that of serial 0");
    }
    if let Ok(aif) = Aif::parse(data) {
        assert!(aif.entries().count() > 0);
    }
    if let Ok(cwt) = SignedCwt::parse(data) {
        let len = cwt.encode(&mut again).expect("a parsed CWT encodes");
        assert_eq!(&again[..len], data);
        assert!(validate(data).is_err(), "nobody signed it");
    }
    let signature = sig_structure(HEADER, &[], data, |message| KEY.sign(message)).expect("signs");
    let mut signed = vec![0; data.len() + 128];
    let mut writer = Writer::new(&mut signed);
    writer.tag(61).tag(18).array(4).bytes(HEADER).map(0);
    writer.bytes(data).bytes(&signature);
    let len = writer.finish().expect("it fits");
    let _ = validate(&signed[..len]);
});

fn validate(cwt: &[u8]) -> iotchain_core::Result<Roles> {
    let (contract, rs) = (Address::new([1; 20]), Address::new([3; 20]));
    let account = AccountId {
        chain: 1337,
        address: contract,
    };
    let issuer = CwtIssuer {
        account,
        rs,
        id: Address::new([4; 20]),
        key: KEY.public(),
    };
    let trust = CwtTrust {
        alg: SignAlg::Es256k,
        issuers: &[issuer],
    };
    let query = Query {
        token: TokenRef {
            chain: 1337,
            contract,
            client: KEY.public().address().expect("secp256k1"),
        },
        rs,
        scope: Scope {
            group: GroupName::new("a")?,
            roles: Roles::GET,
        },
    };
    let now = UnixTime::new(1_767_225_600);
    validate_cwt(cwt, &query, &Policy::default(), &trust, now).map(|grant| grant.mask())
}
