//! The peer: an MLS group of mls-rs in which the key server is the only one that commits, as a server of sleeping devices
//! must be. Members never update, so the tree above the leaves stays blank and a removal encrypts to every leaf.

use crate::Outcome;
use crate::measure::{Case, cpu_time};
use crate::row::Row;
use mls_rs::client_builder::MlsConfig;
use mls_rs::identity::SigningIdentity;
use mls_rs::identity::basic::{BasicCredential, BasicIdentityProvider};
use mls_rs::{
    CipherSuite, CipherSuiteProvider, Client, CryptoProvider, ExtensionList, Group, MlsMessage,
};
use std::time::Duration;

/// X25519, AES-128-GCM, SHA-256, Ed25519: the suite that every implementation has.
const SUITE: CipherSuite = CipherSuite::CURVE25519_AES128;

/// The key server's view and that of one member.
struct Pair<C: MlsConfig> {
    server: Group<C>,
    member: Group<C>,
}

/// What is measured of one group.
pub(crate) struct Peer {
    pub(crate) cases: Vec<Case>,
    /// The tree that each member keeps.
    pub(crate) state: Row,
    /// CPU time of building the group.
    pub(crate) built_in: Duration,
}

/// Removing one of `n` members, at both ends.
pub(crate) fn cases(
    peer: &'static str,
    crypto: impl CryptoProvider + Clone + 'static,
    n: u32,
) -> Outcome<Peer> {
    let begin = cpu_time();
    let pair = build(&crypto, n)?;
    let built_in = cpu_time().saturating_sub(begin);
    eprintln!(
        "{peer}: a group of {n} built in {:.1} s",
        built_in.as_secs_f64()
    );
    let tree = pair.server.export_tree().to_bytes()?.len();
    let commit = remove(&mut pair.server.clone(), n / 2)?;
    let bytes = commit.to_bytes()?.len();
    pair.member
        .clone()
        .process_incoming_message(commit.clone())?;

    let Pair { server, member } = pair;
    let row = move |op| Row::new(peer, op).n(n).r(1).bytes(bytes);
    let revoke = Case::new(
        row("revoke"),
        move || server.clone(),
        move |server| remove(server, n / 2),
    );
    let event = Case::new(
        row("event"),
        move || (member.clone(), Some(commit.clone())),
        |(member, commit)| {
            commit
                .take()
                .map(|commit| member.process_incoming_message(commit))
        },
    );
    let state = Row::new(peer, "personal_key").n(n).bytes(tree);
    Ok(Peer {
        cases: vec![revoke, event],
        state,
        built_in,
    })
}

fn remove<C: MlsConfig>(server: &mut Group<C>, index: u32) -> Outcome<MlsMessage> {
    let commit = server.commit_builder().remove_member(index)?.build()?;
    server.apply_pending_commit()?;
    Ok(commit.commit_message)
}

/// The server adds everybody in one commit; one member joins for real.
fn build<P: CryptoProvider + Clone>(crypto: &P, n: u32) -> Outcome<Pair<impl MlsConfig + use<P>>> {
    let mut server = client(crypto, 0)?.create_group(
        ExtensionList::default(),
        ExtensionList::default(),
        None,
    )?;
    let watched = client(crypto, 1)?;
    let package = |client: &Client<_>| {
        client.generate_key_package_message(
            ExtensionList::default(),
            ExtensionList::default(),
            None,
        )
    };
    let mut commit = server.commit_builder().add_member(package(&watched)?)?;
    for id in 2..n {
        commit = commit.add_member(package(&client(crypto, id)?)?)?;
    }
    let commit = commit.build()?;
    server.apply_pending_commit()?;
    let welcome = commit.welcome_messages.first().ok_or("no welcome")?;
    let (member, _) = watched.join_group(None, welcome, None)?;
    Ok(Pair { server, member })
}

fn client<P: CryptoProvider + Clone>(
    crypto: &P,
    id: u32,
) -> Outcome<Client<impl MlsConfig + use<P>>> {
    let suite = crypto.cipher_suite_provider(SUITE).ok_or("no such suite")?;
    let keys = suite.signature_key_generate();
    let (secret, public) = keys.map_err(|_| "no signature key")?;
    let name = id.to_be_bytes().to_vec();
    let identity = SigningIdentity::new(BasicCredential::new(name).into_credential(), public);
    Ok(Client::builder()
        .identity_provider(BasicIdentityProvider)
        .crypto_provider(crypto.clone())
        .signing_identity(identity, secret, SUITE)
        .build())
}
