//! `keyserver.json`: every message of joining, read, verified, and written again byte for byte.

use crate::json::Item;
use crate::ops::Verdict;
use crate::params::{public_key, sign_alg, signing_key};
use crate::report::{Checked, During, Fault, Section, same, same_bytes};
use crate::set::VectorSet;
use iotchain::core::AccessKey;
use iotchain::join::{
    JoinRequest, JoinResponse, ProblemDetails, TransferRequest, TransferResponse, kdc_proof,
};
use iotchain::token::{ChannelBinding, PopInput, TokenRef};
use iotchain::{Gid, Membership, Result, Secret, Signer, Thumbprint};

pub(crate) fn check(set: &VectorSet, section: &mut Section<'_>) {
    section.check("token_reference", || check_token(set));
    section.check("token transfer", || check_transfer(set));
    section.check("join_request_client", || check_client_request(set));
    section.check("join_request_rs", || check_server_request(set));
    for name in [
        "join_response_client_rsd",
        "join_response_client_polynomial",
        "join_response_rs",
    ] {
        section.check(name, || check_response(set, name));
    }
    for name in ["join_response_client_rsd", "join_response_rs"] {
        section.check(format!("{name} membership"), || check_membership(set, name));
    }
    section.check("join_response_client_rsd keys", || check_client_keys(set));
    section.check("join_response_rs keys", || check_server_keys(set));
    section.check("kdc_cred_verify", || check_kdc_proof(set));
    for name in ["problem_details", "problem_details_groupcomm"] {
        section.check(name, || {
            let bytes = message(set, name)?;
            let problem = ProblemDetails::parse(&bytes)?;
            same("a known error", problem.error.is_some(), true)?;
            same_bytes("written again", encoded(|out| problem.encode(out))?, &bytes)
        });
    }
}

fn entry<'a>(set: &'a VectorSet, name: &str) -> Checked<Item<'a>> {
    set.file("keyserver").get(name)
}

/// A message, which is as long as the file says.
fn message(set: &VectorSet, name: &str) -> Checked<Vec<u8>> {
    let bytes = entry(set, name)?.get("hex")?.bytes()?;
    same(
        &format!("length of {name}"),
        bytes.len(),
        entry(set, name)?.get("len")?.int()?,
    )?;
    Ok(bytes)
}

fn encoded(encode: impl FnOnce(&mut [u8]) -> Result<usize>) -> Checked<Vec<u8>> {
    let mut out = vec![0; JoinResponse::MAX_LEN];
    let len = encode(&mut out).during("encoding")?;
    out.truncate(len);
    Ok(out)
}

fn pinned(set: &VectorSet) -> Checked<Thumbprint> {
    set.file("params").get("ks")?.array().map(Thumbprint::new)
}

fn gid(set: &VectorSet) -> Checked<Gid> {
    set.file("params").get("gid")?.array().map(Gid::new)
}

fn cnonce(set: &VectorSet) -> Checked<Vec<u8>> {
    entry(set, "kdc_cred_verify")?.get("cnonce")?.bytes()
}

fn check_token(set: &VectorSet) -> Checked {
    let bytes = message(set, "token_reference")?;
    let token = TokenRef::parse(&bytes)?;
    same("token", token, crate::tokens::token(&set.file("params"))?)?;
    same_bytes("written again", encoded(|out| token.encode(out))?, &bytes)
}

fn check_transfer(set: &VectorSet) -> Checked {
    let bytes = message(set, "token_transfer_request")?;
    let request = TransferRequest::parse(&bytes).during("request")?;
    same(
        "token",
        request.token,
        TokenRef::parse(&message(set, "token_reference")?)?,
    )?;
    same_bytes(
        "request written again",
        encoded(|out| request.encode(out))?,
        &bytes,
    )?;

    let bytes = message(set, "token_transfer_response")?;
    let response = TransferResponse::parse(&bytes).during("response")?;
    same("key server", response.key_server.thumbprint(), pinned(set)?)?;
    same_bytes(
        "response written again",
        encoded(|out| response.encode(out))?,
        &bytes,
    )
}

/// The first case of `pop.json`, which both join requests answer.
fn pop(set: &VectorSet) -> Checked<Item<'_>> {
    set.file("pop").get("cases")?.at(0)
}

fn exporter(set: &VectorSet) -> Checked<ChannelBinding> {
    Ok(ChannelBinding::new(
        pop(set)?.get("cb_type")?.int()?,
        &pop(set)?.get("cb")?.bytes()?,
    )?)
}

fn check_client_request(set: &VectorSet) -> Checked {
    let bytes = message(set, "join_request_client")?;
    let request = JoinRequest::parse(&bytes)?;
    same_bytes("written again", encoded(|out| request.encode(out))?, &bytes)?;
    same_bytes("cnonce", request.cnonce, cnonce(set)?)?;
    same_bytes("proof", request.proof, pop(set)?.get("signature")?.bytes()?)?;
    let (binding, key_server) = (exporter(set)?, pinned(set)?);
    check_input(&request.pop_input(&binding, &key_server), &pop(set)?)
}

fn check_input(input: &PopInput<'_>, expected: &Item<'_>) -> Checked {
    same_bytes(
        "pop_input",
        encoded(|out| input.encode(out))?,
        expected.get("pop_input")?.bytes()?,
    )
}

fn check_server_request(set: &VectorSet) -> Checked {
    let published = entry(set, "join_request_rs")?;
    let bytes = message(set, "join_request_rs")?;
    let request = JoinRequest::parse(&bytes)?;
    same_bytes("written again", encoded(|out| request.encode(out))?, &bytes)?;
    let credential = request
        .credential
        .ok_or_else(|| Fault::new("no credential"))?;
    let rs = signing_key(set, "rs")?;
    same("key", credential.key, rs.public())?;
    same(
        "subject",
        credential.is_of(&set.file("params").get("rs")?.address()?),
        true,
    )?;

    let (binding, key_server) = (exporter(set)?, pinned(set)?);
    let input = request.pop_input(&binding, &key_server);
    check_input(&input, &published)?;
    let signature = published.get("signature")?.bytes()?;
    same_bytes("proof", request.proof, &signature)?;
    same_bytes("signature", input.sign_as_server(&rs)?, &signature)?;
    input
        .verify_server(&credential.key, request.proof)
        .during("proof")?;
    let message = published.get("to_be_signed")?.bytes()?;
    credential
        .key
        .verify(rs.public().alg(), &[&message], &signature)
        .during("signature over to_be_signed")
}

fn check_response(set: &VectorSet, name: &str) -> Checked {
    let bytes = message(set, name)?;
    let response = JoinResponse::parse(&bytes)?.verify(&cnonce(set)?, &pinned(set)?)?;
    same("gid", response.key_map.gid, gid(set)?)?;
    same(
        "time at the key server",
        response.key_server_time(),
        set.file("params").get("now")?.time()?,
    )?;
    same_bytes(
        "written again",
        encoded(|out| response.encode(out))?,
        &bytes,
    )
}

/// The response makes a member, and the broadcasts of its group, which the client's response carries, give it the key
/// of the session.
fn check_membership(set: &VectorSet, name: &str) -> Checked {
    let bytes = message(set, name)?;
    let response = JoinResponse::parse(&bytes)?.verify(&cnonce(set)?, &pinned(set)?)?;
    let mut membership = Membership::<_, 255>::new(&response, response.personal_key)?;
    let bytes = message(set, "join_response_client_rsd")?;
    let broadcasts = JoinResponse::parse(&bytes)?
        .verify(&cnonce(set)?, &pinned(set)?)?
        .broadcasts;
    same("broadcasts", broadcasts.len(), 2)?;
    for broadcast in broadcasts.iter() {
        membership.receive(broadcast, None).during("broadcast")?;
    }
    same(
        "newest session",
        membership.member().newest(),
        Some(response.session),
    )?;
    let key = membership.member().key(response.session);
    key.map(|_| ()).during("key of the newest session")
}

fn check_client_keys(set: &VectorSet) -> Checked {
    let params = set.file("params");
    let bytes = message(set, "join_response_client_rsd")?;
    let response = JoinResponse::parse(&bytes)?.verify(&cnonce(set)?, &pinned(set)?)?;
    let map = &response.key_map;
    same_bytes(
        "sid",
        map.sid.as_bytes(),
        params.get("sid")?.get("client")?.bytes()?,
    )?;
    let expected = AccessKey::derive(&Secret::new(params.get("rsk")?.array()?), map.gid, &map.sid)?;
    let access: Vec<_> = map
        .access_keys
        .iter()
        .flat_map(|keys| keys.iter())
        .collect();
    let [access] = access.as_slice() else {
        return Err(Fault::new("not one access key"));
    };
    same("resource server", access.rs, params.get("rs")?.address()?)?;
    same_bytes("AK", access.key.expose(), expected.expose())?;
    let peers: Vec<_> = response.peers().collect();
    let [peer] = peers.as_slice() else {
        return Err(Fault::new("not one peer"));
    };
    same_bytes(
        "sid of the peer",
        peer.sid.as_bytes(),
        params.get("sid")?.get("rs")?.bytes()?,
    )?;
    same("subject of the peer", peer.subject, access.rs)?;
    same(
        "key of the peer",
        peer.key,
        signing_key(set, "rs")?.public(),
    )
}

fn check_server_keys(set: &VectorSet) -> Checked {
    let params = set.file("params");
    let bytes = message(set, "join_response_rs")?;
    let response = JoinResponse::parse(&bytes)?.verify(&cnonce(set)?, &pinned(set)?)?;
    let map = &response.key_map;
    same_bytes(
        "sid",
        map.sid.as_bytes(),
        params.get("sid")?.get("rs")?.bytes()?,
    )?;
    let secret = map
        .server_secret
        .as_ref()
        .ok_or_else(|| Fault::new("no RSK"))?;
    same_bytes("RSK", secret.expose(), params.get("rsk")?.bytes()?)?;
    same("a boot salt", map.boot_salt.is_some(), true)
}

fn check_kdc_proof(set: &VectorSet) -> Checked {
    let proof = entry(set, "kdc_cred_verify")?;
    let signature = proof.get("signature")?.bytes()?;
    let made = kdc_proof(
        &signing_key(set, "ks")?,
        &cnonce(set)?,
        &proof.get("kdc_nonce")?.bytes()?,
    )?;
    same_bytes("signature", made, &signature)?;
    let key = set.file("params").get("keys")?.get("ks")?;
    let message = proof.get("to_be_signed")?.bytes()?;
    let verified = public_key(&key.get("cose_key")?)?.verify(
        sign_alg(&key.get("alg")?)?,
        &[&message],
        &signature,
    );
    verified.during("signature over to_be_signed")
}

/// op `join.parse`.
pub(crate) fn parse(case: &Item<'_>) -> Checked<Verdict> {
    Ok(Verdict::Done(
        JoinRequest::parse(&case.get("request")?.bytes()?).map(|_| ()),
    ))
}
