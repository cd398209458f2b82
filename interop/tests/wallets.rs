//! eth-account, ethers and viem are wallets of a client: what they sign we recover, what we sign they recover, and they
//! read the contract as we do.

mod stack;

use iotchain::core::GroupName;
use iotchain::token::{
    Challenge, ChannelBinding, Claims, Class, ClientKey, GetToken, PopInput, PopSignature, Scope,
    TokenRef, resource_slot, token_slot,
};
use iotchain::{Address, Error, Roles, Thumbprint, UnixTime};
use serde_json::json;
use stack::{Stack, bytes, hex};

/// Private keys whose addresses and public keys have nothing in common.
const KEYS: [[u8; 32]; 2] = [[7; 32], [0xe1; 32]];
const RES: Address = Address::new([0xfa; 20]);

/// Runs `test` with each wallet: its process and the prefix of its operations.
fn with_each_wallet(test: impl Fn(&mut Stack, &str)) {
    if let Some(mut python) = Stack::python() {
        test(&mut python, "wallet");
    }
    if let Some(mut node) = Stack::node() {
        test(&mut node, "ethers");
        test(&mut node, "viem");
    }
}

/// The text and the digest that the client with this key signs to join.
fn proof(key: &ClientKey) -> (String, [u8; 32]) {
    let token = TokenRef {
        chain: 1337,
        contract: Address::new([0xc0; 20]),
        client: key.address(),
    };
    let input = PopInput {
        binding: &ChannelBinding::Exporter([0xcb; 32]),
        key_server: &Thumbprint::new([3; 32]),
        token: &token,
        scope: &Scope {
            group: GroupName::new("0007.fafafafa").unwrap(),
            roles: Roles::GET,
        },
        challenge: &Challenge::from_slice(&[0x17; Challenge::LEN]).unwrap(),
        cnonce: b"a nonce of ours",
    };
    let text = input.text().unwrap().as_str().to_owned();
    (text, input.digest().unwrap())
}

#[test]
fn wallets_sign_the_challenge_text_and_we_recover() {
    with_each_wallet(|stack, wallet| {
        for private in KEYS {
            let key = ClientKey::from_bytes(&private).unwrap();
            let (text, digest) = proof(&key);
            let args = json!({"private": hex(private), "text": text});
            let signature = stack.bytes(&format!("{wallet}.sign"), &args);
            let parsed = PopSignature::parse(&signature).unwrap();
            assert_eq!(parsed.recover(&digest), Ok(key.address()), "{wallet}");
            assert_eq!(
                key.sign(&digest).unwrap().encode()[..],
                signature,
                "{wallet}"
            );

            for at in 0..PopSignature::LEN {
                let mut flipped = signature.clone();
                flipped[at] ^= 1 << (at % 8);
                let recovered = PopSignature::parse(&flipped).and_then(|s| s.recover(&digest));
                assert_ne!(recovered, Ok(key.address()), "{wallet}: byte {at}");
            }
            let without_v = PopSignature::parse(&signature[..64]);
            assert_eq!(without_v, Err(Error::PopFormat), "{wallet}");
        }
    });
}

#[test]
fn wallets_recover_what_we_sign() {
    with_each_wallet(|stack, wallet| {
        for private in KEYS {
            let key = ClientKey::from_bytes(&private).unwrap();
            let (text, digest) = proof(&key);
            let signature = key.sign(&digest).unwrap().encode();
            let recover = format!("{wallet}.recover");
            let mut args = json!({"text": text, "signature": hex(signature)});
            assert_eq!(
                stack.bytes(&recover, &args),
                key.address().as_bytes(),
                "{wallet}"
            );

            // A flipped bit gives nobody or somebody else.
            for at in (0..64).step_by(3) {
                let mut flipped = signature;
                flipped[at] ^= 1 << (at % 8);
                args["signature"] = hex(flipped);
                let recovered = stack.ask(&recover, &args).map(|value| bytes(&value));
                assert_ne!(recovered, Ok(key.address().as_bytes().to_vec()), "{wallet}");
            }
            let other = text.replace("0007", "0008");
            let args = json!({"text": other, "signature": hex(signature)});
            let recovered = stack.ask(&recover, &args).map(|value| bytes(&value));
            assert_ne!(recovered, Ok(key.address().as_bytes().to_vec()), "{wallet}");
        }
    });
}

#[test]
fn wallets_derive_the_same_addresses_and_slots() {
    with_each_wallet(|stack, wallet| {
        for private in KEYS {
            let client = ClientKey::from_bytes(&private).unwrap().address();
            let args = json!({"private": hex(private)});
            let address = stack.bytes(&format!("{wallet}.address"), &args);
            assert_eq!(address, client.as_bytes(), "{wallet}");

            let args = json!({"client": hex(client.as_bytes()), "res": hex(RES.as_bytes())});
            let slots = stack.ask(&format!("{wallet}.slots"), &args).unwrap();
            assert_eq!(slots[0], hex(token_slot(&client, &RES)), "{wallet}");
            assert_eq!(slots[1], hex(resource_slot(&RES)), "{wallet}");
        }
    });
}

#[test]
fn wallets_read_and_write_the_answer_of_get_token() {
    let claims = Claims::new(Roles::GET, Class::new(7)).unwrap();
    let answer = GetToken::new(RES, UnixTime::new(1_769_817_600), &claims);
    let fields = json!([hex(RES.as_bytes()), 1_769_817_600, hex(claims.encode())]);
    with_each_wallet(|stack, wallet| {
        let args = json!({"abi": hex(answer.encode())});
        let read = stack.ask(&format!("{wallet}.read_answer"), &args);
        assert_eq!(read.as_ref(), Ok(&fields), "{wallet}");

        let args = json!({"res": fields[0], "ttl": fields[1], "claims": fields[2]});
        let made = stack.bytes(&format!("{wallet}.make_answer"), &args);
        assert_eq!(GetToken::parse(&made), Ok(answer), "{wallet}");
    });
}
