//! Runs one operation on secrets that valgrind takes for undefined: it then reports each jump and each address that
//! depends on them, in the code as compiled.
//!
//! `cargo xtask constant-time` runs every operation so, and `leak`, which must be reported.

mod client;

use client::{publish, secret};
use iotchain_core::kdf::SenderUse;
use iotchain_core::{
    AdditionalData, Address, AeadAlg, AeadKey, BootSalt, Gid, GroupKey, Kid, PublicKey, Result,
    Session, SessionSecret, Sid, SignAlg, Signer, SigningKey, Thumbprint,
};
use iotchain_selfheal::Authority;
use iotchain_selfheal::rsd::{Member, PersonalKey};
use std::hint::black_box;
use std::process::ExitCode;

const NONCE: [u8; 13] = [0x0e; 13];
const AAD: [u8; 32] = [0xad; 32];

/// ES256K: the private key is secret, the public key and the signature are not.
fn sign() -> Result<()> {
    let mut private = [7; 32];
    secret(&mut private);
    let key = SigningKey::from_bytes(SignAlg::Es256k, &private)?;
    let mut signature = key.sign(&[b"message"])?;
    let (mut x, mut y) = (*key.public().x(), *key.public().y());
    for public in [&mut signature[..], &mut x, &mut y] {
        publish(public);
    }
    let public = PublicKey::ec2(SignAlg::Es256k, x, y);
    public.verify(SignAlg::Es256k, &[b"message"], &signature)
}

/// AES-CCM: key and plaintext are secret.
fn seal() -> Result<()> {
    let (mut key, mut text, mut out) = ([1; 16], [2; 70], [0; 78]);
    secret(&mut key);
    secret(&mut text);
    let aad = AdditionalData::<3>::of(&[&AAD])?;
    AeadKey::new(AeadAlg::AesCcm16_64_128, &key).seal(&NONCE, aad.blocks(), &text, &mut out)?;
    black_box(out);
    Ok(())
}

/// AES-CCM: key and plaintext are secret; whether the tag is right is not.
fn open() -> Result<()> {
    let (mut key, mut out) = ([1; 16], [0; 78]);
    let aad = AdditionalData::<3>::of(&[&AAD])?;
    AeadKey::new(AeadAlg::AesCcm16_64_128, &key).seal(&NONCE, aad.blocks(), &[2; 70], &mut out)?;
    secret(&mut key);
    AeadKey::new(AeadAlg::AesCcm16_64_128, &key).open_in_place(&NONCE, aad.blocks(), &mut out)?;
    Ok(())
}

/// The key schedule: the group key is secret.
fn derive() -> Result<()> {
    let mut key = [9; 16];
    secret(&mut key);
    let gid = Gid::new([2; 4]);
    let session = SessionSecret::derive(
        &GroupKey::new(key),
        gid,
        Session::new(7),
        &Thumbprint::new([3; 32]),
    );
    let resource = session.resource(Address::new([4; 20]), &["temp"])?;
    let kid = Kid::new(&Sid::from_slice(&[0x80, 0])?, &BootSalt::NONE);
    black_box(resource.sender(SenderUse::Group, AeadAlg::AesCcm16_64_128, &kid)?);
    Ok(())
}

/// Scheme rsd: the labels of the personal key are secret, and so is the group key they lead to.
fn group_key() -> Result<()> {
    let mut personal_key = include_bytes!(concat!(env!("OUT_DIR"), "/personal_key")).to_vec();
    let labels = personal_key
        .windows(2)
        .position(|head| head == [0x58, 160])
        .and_then(|head| personal_key.get_mut(head + 2..head + 162));
    secret(labels.ok_or(iotchain_core::Error::Type)?);
    let server = include_bytes!(concat!(env!("OUT_DIR"), "/key_server"));
    let key = PersonalKey::parse(personal_key)?;
    let authority = Authority::new(key.gid(), PublicKey::parse(server)?);
    let mut member = Member::<_, 16>::new(key, authority)?;
    member.receive(include_bytes!(concat!(env!("OUT_DIR"), "/event")), None)?;
    member.receive(include_bytes!(concat!(env!("OUT_DIR"), "/beacon")), None)?;
    black_box(member.key(Session::new(26))?);
    Ok(())
}

/// Compares byte for byte and stops at the first that differs: what valgrind must find.
fn leak() -> Result<()> {
    let mut tag = [5; 8];
    secret(&mut tag);
    for byte in tag {
        if black_box(byte) != 5 {
            return Err(iotchain_core::Error::Aead);
        }
    }
    Ok(())
}

fn main() -> ExitCode {
    let outcome = match std::env::args().nth(1).as_deref() {
        Some("sign") => sign(),
        Some("seal") => seal(),
        Some("open") => open(),
        Some("derive") => derive(),
        Some("group-key") => group_key(),
        Some("leak") => leak(),
        _ => return ExitCode::FAILURE,
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
