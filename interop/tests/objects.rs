//! Objects are COSE_Encrypt0: coset opens what we seal, with RustCrypto and with OpenSSL, and we open what coset seals.

mod world;

use ciborium::Value;
use coset::{CborSerializable, CoseEncrypt0, CoseEncrypt0Builder, HeaderBuilder, Label, iana};
use iotchain::core::AccessKey;
use iotchain::oscar::{Clients, EchoRule, Failures, Keys, Uptime};
use iotchain::{
    Claims, Echo, Error, Exchange, Freshness, Method, PairContexts, Secret, Sid, Signer,
    StoredState,
};
use k256::ecdsa::signature::Verifier;
use k256::ecdsa::{Signature, VerifyingKey};
use openssl::cipher::Cipher;
use openssl::cipher_ctx::CipherCtx;
use openssl::error::ErrorStack;
use world::{
    CLIENT_KID, CONTENT, GID, GROUP, KID, NOW, PLAINTEXT, SERVER_SECRET, SESSION, TOKEN, array,
    bytes, cbor, ccm_open, ccm_seal, content_key, directory, external_aad, pair_key, receiver,
    resource, sender, sender_of, signer,
};

/// Our G object with PIV 0, so that the nonce is the context IV.
fn response() -> Vec<u8> {
    let mut out = [0; 128];
    let len = sender()
        .seal_response(&resource(), CONTENT, &TOKEN, PLAINTEXT, &mut out)
        .unwrap();
    out[..len].to_vec()
}

fn kid_context() -> Vec<u8> {
    [&GID[..], &[SESSION.get() as u8]].concat()
}

#[test]
fn coset_opens_a_group_object() {
    let object = CoseEncrypt0::from_slice(&response()).unwrap();
    let header = &object.protected.header;
    assert_eq!(
        header.alg,
        Some(coset::Algorithm::Assigned(
            iana::Algorithm::AES_CCM_16_64_128
        ))
    );
    assert_eq!(header.key_id, KID);
    assert_eq!(header.partial_iv, [0]);
    assert_eq!(header.rest, [(Label::Int(10), bytes(kid_context()))]);
    assert!(object.unprotected.is_empty());
    assert_eq!(
        object.clone().to_vec().unwrap(),
        response(),
        "the same bytes again"
    );

    let (key, iv) = content_key("grp");
    let open = |aad: &[u8]| {
        object.decrypt_ciphertext(aad, || (), |text, aad| ccm_open(&key, &iv, text, aad))
    };
    assert_eq!(
        open(&external_aad(0, CONTENT, &TOKEN, &[])).as_deref(),
        Ok(PLAINTEXT)
    );
    assert_eq!(open(&external_aad(0, CONTENT, b"another!", &[])), Err(()));
}

#[test]
fn coset_opens_a_signed_object_and_k256_verifies_it() {
    let key = signer();
    let claims = Claims {
        iat: NOW,
        exp: Some(NOW.saturating_add(60)),
    };
    let mut out = [0; 256];
    let len = sender()
        .seal_signed(&resource(), claims, PLAINTEXT, &key, &mut out)
        .unwrap();
    let object = CoseEncrypt0::from_slice(&out[..len]).unwrap();
    let times = Value::Map(vec![
        (4.into(), (NOW.get() + 60).into()),
        (6.into(), NOW.get().into()),
    ]);
    assert_eq!(
        object.protected.header.rest,
        [
            (Label::Int(10), bytes(kid_context())),
            (Label::Int(15), times)
        ]
    );

    let aad = external_aad(2, 0, &[], key.public().thumbprint().as_bytes());
    let (content, iv) = content_key("sig");
    let opened =
        object.decrypt_ciphertext(&aad, || (), |text, aad| ccm_open(&content, &iv, text, aad));
    assert_eq!(opened.as_deref(), Ok(PLAINTEXT));

    let [(Label::Int(12), Value::Bytes(signature))] = object.unprotected.rest.as_slice() else {
        panic!("{:?}", object.unprotected);
    };
    let protected = object.protected.original_data.unwrap();
    let ciphertext = object.ciphertext.unwrap();
    let message = cbor(&array([
        "CounterSignature0".into(),
        bytes(protected),
        bytes(aad),
        bytes(ciphertext),
    ]));
    let point = [&[4][..], key.public().x(), key.public().y()].concat();
    let verifier = VerifyingKey::from_sec1_bytes(&point).unwrap();
    verifier
        .verify(&message, &Signature::from_slice(signature).unwrap())
        .unwrap();

    let (mut stored, mut memory, mut plaintext) =
        (StoredState::new(), (Failures::new(), Keys::new()), [0; 64]);
    let directory = directory();
    let opened = receiver(&directory, &mut memory).open_stored(
        &out[..len],
        &resource(),
        &mut stored,
        NOW,
        &mut plaintext,
    );
    assert_eq!(
        opened.map(|opened| plaintext[..opened.len].to_vec()),
        Ok(PLAINTEXT.to_vec())
    );
}

/// A G object by coset; `code` is the response code that it is bound to.
fn response_of_coset(code: u8) -> Vec<u8> {
    let (key, iv) = content_key("grp");
    let header = HeaderBuilder::new()
        .algorithm(iana::Algorithm::AES_CCM_16_64_128)
        .key_id(KID.to_vec())
        .partial_iv(vec![0])
        .value(10, bytes(kid_context()));
    let object = CoseEncrypt0Builder::new()
        .protected(header.build())
        .create_ciphertext(
            PLAINTEXT,
            &external_aad(0, code, &TOKEN, &[]),
            |text, aad| ccm_seal(&key, &iv, text, aad),
        );
    object.build().to_vec().unwrap()
}

#[test]
fn we_open_a_group_object_of_coset() {
    let open = |object: &[u8]| -> iotchain::Result<Vec<u8>> {
        let (mut exchange, mut memory, mut out) = (
            Exchange::new(&TOKEN)?,
            (Failures::new(), Keys::new()),
            [0; 64],
        );
        let directory = directory();
        let mut receiver = receiver(&directory, &mut memory);
        let opened = receiver.open_response(
            object,
            &resource(),
            CONTENT,
            &mut exchange,
            Freshness::Demanded,
            &mut out,
        )?;
        Ok(out[..opened.len].to_vec())
    };
    assert_eq!(
        response_of_coset(CONTENT),
        response(),
        "the same bytes from either side"
    );
    assert_eq!(open(&response_of_coset(CONTENT)).as_deref(), Ok(PLAINTEXT));
    assert_eq!(open(&response_of_coset(67)), Err(Error::Aead));
}

#[test]
fn coset_opens_a_pairwise_request_and_its_response() {
    let client = Sid::from_slice(&CLIENT_KID[..2]).unwrap();
    let secret = Secret::new(SERVER_SECRET);
    let access = AccessKey::derive(&secret, GROUP.gid, &client).unwrap();
    let (mut object, mut out) = ([0; 128], [0; 128]);
    let (len, request) = sender_of(CLIENT_KID)
        .seal_request(
            &resource(),
            Method::Put,
            b"echo",
            &access,
            PLAINTEXT,
            &mut object,
        )
        .unwrap();
    let open = |object: &[u8], label, aad: &[u8]| {
        let (key, iv) = pair_key(label);
        let object = CoseEncrypt0::from_slice(object).unwrap();
        object.decrypt_ciphertext(aad, || (), |text, aad| ccm_open(&key, &iv, text, aad))
    };
    let asked = external_aad(1, 3, b"echo", &[]);
    let opened = open(&object[..len], "p-req", &asked);
    assert_eq!(opened.as_deref(), Ok(PLAINTEXT));
    assert_eq!(open(&object[..len], "p-rsp", &asked), Err(()));

    let (directory, mut memory) = (directory(), (Failures::new(), Keys::new()));
    let mut clients = Clients {
        secret: &secret,
        retired: &[],
        contexts: &mut PairContexts::<4>::new(),
        rule: EchoRule::First,
        now: Uptime::new(0),
    };
    let echo = Echo::Valid {
        value: b"echo",
        until: Uptime::new(1),
    };
    let mut receiver = receiver(&directory, &mut memory);
    let (_, reply) = receiver
        .open_request(
            &object[..len],
            &resource(),
            Method::Put,
            echo,
            &mut clients,
            &mut out,
        )
        .unwrap();
    let header = CoseEncrypt0::from_slice(&object[..len]).unwrap().protected;
    let bind = header.original_data.unwrap();
    let len = reply.seal(&resource(), 68, PLAINTEXT, &mut object).unwrap();
    let answered = external_aad(1, 68, &bind, &[]);
    let opened = open(&object[..len], "p-rsp", &answered);
    assert_eq!(opened.as_deref(), Ok(PLAINTEXT));

    // and the client opens what coset seals
    let (key, iv) = pair_key("p-rsp");
    let answer = CoseEncrypt0Builder::new()
        .create_ciphertext(PLAINTEXT, &answered, |text, aad| {
            ccm_seal(&key, &iv, text, aad)
        })
        .build()
        .to_vec()
        .unwrap();
    assert_eq!(answer, &object[..len], "the same bytes from either side");
    let opened = receiver.open_reply(&answer, &resource(), 68, &request, &access, &mut out);
    assert_eq!(&out[..opened.unwrap().len], PLAINTEXT);
}

/// AES-CCM-16-64-128 by OpenSSL, which wants every length before the key.
fn openssl_open(
    key: &[u8; 16],
    nonce: &[u8; 13],
    ciphertext: &[u8],
    aad: &[u8],
) -> Result<Vec<u8>, ErrorStack> {
    let (text, tag) = ciphertext.split_at(ciphertext.len() - 8);
    let mut plaintext = vec![0; text.len()];
    let mut context = CipherCtx::new()?;
    context.decrypt_init(Some(Cipher::aes_128_ccm()), None, None)?;
    context.set_iv_length(nonce.len())?;
    context.set_tag(tag)?;
    context.decrypt_init(None, Some(key), Some(nonce))?;
    context.set_data_len(text.len())?;
    context.cipher_update(aad, None)?;
    context.cipher_update(text, Some(&mut plaintext))?;
    Ok(plaintext)
}

#[test]
fn openssl_opens_a_group_object() {
    let object = CoseEncrypt0::from_slice(&response()).unwrap();
    let (key, iv) = content_key("grp");
    let open = |aad: &[u8]| {
        object.decrypt_ciphertext(aad, ErrorStack::get, |text, aad| {
            openssl_open(&key, &iv, text, aad)
        })
    };
    assert_eq!(
        open(&external_aad(0, CONTENT, &TOKEN, &[])).unwrap(),
        PLAINTEXT
    );
    assert!(open(&external_aad(0, CONTENT, b"another!", &[])).is_err());
}
