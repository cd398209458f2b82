//! Joining, and what members may ask afterwards.

use std::collections::HashSet;

use iotchain::core::AccessKey;
use iotchain::core::cbor::Reader;
use iotchain::join::{JoinResponse, List};
use iotchain::{Error, Membership, Roles, Session, Zeroizing};
use iotchain_node::coap::{Call, Code, content_format};
use iotchain_node::join::{Identity, join};

use crate::world::{CNONCE, World, address, client_key, plain, refusal};

#[test]
fn a_resource_server_and_a_client_come_to_share_a_key() {
    let world = World::new();
    let server = world.start();
    let (mut rs, producer) = world.join_meter(&server);
    assert_eq!(
        (producer.code, producer.sid.roles()),
        (Code::CREATED, Roles::PRODUCER)
    );
    assert!(producer.access_key.is_none());

    world.grant(1, Roles::GET);
    let (mut link, reader) = world.join(&server, 1, Roles::GET);
    assert_eq!(
        (reader.code, reader.sid.roles(), reader.sid.as_bytes().len()),
        (Code::CREATED, Roles::GET, 3)
    );
    assert_eq!(reader.gid, producer.gid);
    assert!(reader.server_secret.is_none());
    assert_eq!(reader.peers, [(producer.sid, address(&world.meter))]);

    // the pairwise key of both ends is one
    let secret = producer.server_secret.as_ref().unwrap();
    let derived = AccessKey::derive(secret, reader.gid, &reader.sid).unwrap();
    assert_eq!(reader.access_key.as_ref(), Some(derived.expose()));
    assert_eq!(
        link.access_key(address(&world.meter)).as_ref(),
        Ok(derived.expose())
    );

    // K_j of the current session, from S_i and the broadcasts that came along
    let ks = link.transfer(world.token(1)).key_server.thumbprint();
    let mut keys = [&producer, &reader].map(|material| {
        let response = JoinResponse::parse(&material.payload)
            .unwrap()
            .verify(&CNONCE, &ks)
            .unwrap();
        let key = Zeroizing::new(response.personal_key.to_vec());
        let mut membership: Membership<_> = Membership::new(&response, key).unwrap();
        for message in response.broadcasts {
            membership.receive(message, None).unwrap();
        }
        membership
    });

    // and of the next one, from the beacon that anybody can fetch
    let next = rs.later_than(reader.session);
    let mut public = plain(&server);
    let mut shared = Vec::new();
    for membership in &mut keys {
        for kind in ["bc", "bn"] {
            let reply = public
                .get(&format!("ace-group/{}/{kind}", world.group()))
                .unwrap();
            let _ = membership.receive(&reply.payload, None);
        }
        shared.push(*membership.member().key(next).unwrap().expose());
    }
    assert_eq!(shared[0], shared[1]);

    // exp: the token's end; the key server's time is told by it
    assert!(reader.expires_at.since(reader.time) <= crate::world::TTL);
    assert!(iotchain_node::clock::now().since(reader.time) < 30);
}

#[test]
fn the_nodes_own_client_joins_follows_and_leaves() {
    let world = World::new();
    let server = world.start();
    let mut published = world.catalogue.key_server.clone();
    (published.coap, published.coaps) = (server.coap(), server.coaps());
    let certificate = world.certify(&world.meter);
    let rs = Identity::ResourceServer {
        key: &world.meter,
        rs: address(&world.meter),
        certificate: &certificate,
    };
    let producer = join(&published, rs, &world.group(), Roles::PRODUCER).unwrap();
    assert!(producer.pair_keys.lock().unwrap().server_secret.is_some());
    world.grant(1, Roles::GET);
    let key = client_key(1);
    let client = Identity::Client {
        key: &key,
        token: world.token(1),
    };
    let mut joined = join(&published, client, &world.group(), Roles::GET).unwrap();
    assert!(joined.current_session().unwrap() >= joined.session);
    assert_eq!(joined.own_node().unwrap().code, Code::CONTENT);
    joined.leave().unwrap();
    let stranger = Identity::Client {
        key: &client_key(2),
        token: world.token(2),
    };
    let error = join(&published, stranger, &world.group(), Roles::GET).unwrap_err();
    assert_eq!(error.number(), Some(Error::TokenAbsent));
}

#[test]
fn a_member_asks_for_its_own_again() {
    let world = World::new();
    let server = world.start();
    let (mut rs, producer) = world.join_meter(&server);
    world.grant(1, Roles::GET | Roles::PUT);
    let (mut link, material) = world.join(&server, 1, Roles::GET | Roles::PUT);

    for target in [String::new(), format!("/nodes/{}", material.node)] {
        let reply = link.get(&target);
        assert_eq!(reply.code, Code::CONTENT);
        let again = link.accept(&reply);
        assert_eq!((again.sid, again.gid), (material.sid, material.gid));
        assert_eq!(again.personal_key, material.personal_key);
        assert_eq!(again.access_key, material.access_key);
        assert!(again.session >= material.session);
    }
    assert!(link.num().unwrap() >= material.session);
    let reply = link.get("/num");
    assert_eq!(reply.content_format(), Some(content_format::CBOR));

    let creds = link.get("/creds");
    assert_eq!(
        (creds.code, creds.content_format()),
        (Code::CONTENT, Some(content_format::ACE_GROUPCOMM))
    );
    assert_eq!(sids(&creds.payload), [producer.sid]);
    // {4: [true, [], [the sid]]} and its opposite
    for (flag, expected) in [(0xf5, vec![producer.sid]), (0xf4, vec![])] {
        let filter = [
            &[0xa1, 0x04, 0x83, flag, 0x80, 0x81, 0x43],
            producer.sid.as_bytes(),
        ]
        .concat();
        let target = format!("ace-group/{}/creds", world.group());
        let call = Call::new(Code::FETCH, &target).body(content_format::ACE_GROUPCOMM, filter);
        let reply = link.client.request(&call).unwrap();
        assert_eq!(
            (reply.code, sids(&reply.payload)),
            (Code::CONTENT, expected)
        );
    }

    // a resource server holds the secret itself
    assert_eq!(
        rs.access_key(address(&world.meter)),
        Err((Code::FORBIDDEN, Some(Error::Forbidden)))
    );
    assert_eq!(
        link.access_key(address(&world.valve)),
        Err((Code::FORBIDDEN, Some(Error::TokenAbsent)))
    );
    assert_eq!(
        refusal(&link.get("/ak?rs=12")),
        (Code::BAD_REQUEST, Some(Error::Path))
    );
    assert_eq!(refusal(&link.get("/nothing")), (Code::NOT_FOUND, None));
    assert_eq!(
        refusal(&link.call(Code::PUT, "/num")),
        (Code::METHOD_NOT_ALLOWED, None)
    );

    // leaving is final
    let node = format!("/nodes/{}", material.node);
    assert_eq!(link.call(Code::DELETE, &node).code, Code::DELETED);
    assert_eq!(
        refusal(&link.get(&node)),
        (Code::FORBIDDEN, Some(Error::RevokedMember))
    );
    assert_eq!(
        refusal(&link.get("/num")),
        (Code::FORBIDDEN, Some(Error::RevokedMember))
    );
}

fn sids(creds: &[u8]) -> Vec<iotchain::Sid> {
    let mut reader = Reader::new(creds);
    for _ in 0..reader.map().unwrap() {
        if reader.uint().unwrap() == 15 {
            return List::<iotchain::Sid>::read(&mut reader)
                .unwrap()
                .iter()
                .collect();
        }
        reader.skip().unwrap();
    }
    panic!("no peer identifiers");
}

#[test]
fn a_grant_counts_once_it_is_deep_enough() {
    let mut world = World::new();
    world.confirmations = 40;
    let server = world.start();
    world.issue(1, Roles::GET, 3600);
    let mut link = world.connect(&server);
    let reply = link.join(world.token(1), 1, Roles::GET);
    assert_eq!(
        refusal(&reply),
        (Code::SERVICE_UNAVAILABLE, Some(Error::Unconfirmed))
    );
    assert!((1..=60).contains(&reply.max_age()));
    world.confirm();
    let reply = link.join(world.token(1), 1, Roles::GET);
    assert_eq!(link.accept(&reply).code, Code::CREATED);
}

#[test]
fn a6_a_member_that_joins_again_gets_the_same_personal_key() {
    let world = World::new();
    let server = world.start();
    world.grant(1, Roles::GET | Roles::POST);
    let (mut first, one) = world.join(&server, 1, Roles::GET);
    let (mut second, two) = world.join(&server, 1, Roles::GET);
    assert_eq!((one.code, two.code), (Code::CREATED, Code::CHANGED));
    assert_eq!(one.personal_key, two.personal_key);
    assert_eq!((one.sid, &one.node), (two.sid, &two.node));
    // the newer association is the member's
    assert_eq!(refusal(&first.get("/num")), (Code::UNAUTHORIZED, None));
    assert!(second.num().is_some());

    // other rights: another sid in the same slot
    let reply = second.join(world.token(1), 1, Roles::GET | Roles::POST);
    let three = second.accept(&reply);
    assert_eq!(
        (three.code, &three.personal_key),
        (Code::CHANGED, &one.personal_key)
    );
    assert_ne!(three.sid, one.sid);
}

#[test]
fn a6_nobody_takes_more_than_a_few_sids_a_day() {
    let world = World::new();
    let server = world.start();
    world.grant(1, Roles::GET | Roles::POST);
    let mut link = world.connect(&server);
    let mut seen = HashSet::new();
    for n in 0..world.terms.admissions {
        let roles = if n % 2 == 0 { Roles::GET } else { Roles::POST };
        let reply = link.join(world.token(1), 1, roles);
        assert!(seen.insert(link.accept(&reply).sid), "a sid was used twice");
    }
    let reply = link.join(world.token(1), 1, Roles::GET);
    assert_eq!(
        refusal(&reply),
        (Code::TOO_MANY_REQUESTS, Some(Error::Rate))
    );
    // what is held stays held
    let reply = link.join(world.token(1), 1, Roles::POST);
    assert_eq!(link.accept(&reply).code, Code::CHANGED);
}

#[test]
fn no_sid_is_given_twice() {
    let world = World::new();
    let server = world.start();
    let (_rs, producer) = world.join_meter(&server);
    let (mut sids, mut keys) = (HashSet::from([producer.sid]), HashSet::new());
    (1..=12).for_each(|client| world.issue(client, Roles::GET, 3600));
    world.confirm();
    for client in 1..=12 {
        let (mut link, material) = world.join(&server, client, Roles::GET);
        assert!(sids.insert(material.sid) && keys.insert(material.personal_key));
        if client % 3 == 0 {
            assert_eq!(
                link.call(Code::DELETE, &format!("/nodes/{}", material.node))
                    .code,
                Code::DELETED
            );
            // gone is gone: the next membership is another one
            let reply = link.join(world.token(client), client, Roles::GET);
            let again = link.accept(&reply);
            assert!(
                again.code == Code::CREATED
                    && sids.insert(again.sid)
                    && keys.insert(again.personal_key)
            );
        }
    }
}

#[test]
fn a9_what_is_a_members_is_told_on_its_association_alone() {
    let world = World::new();
    let server = world.start();
    world.grant(1, Roles::GET);
    world.grant(2, Roles::GET);
    let (mut one, first) = world.join(&server, 1, Roles::GET);
    let (_two, second) = world.join(&server, 2, Roles::GET);
    let mut stranger = world.connect(&server);
    let own = format!("/nodes/{}", first.node);
    for target in [
        "",
        "/num",
        "/creds",
        &format!("/ak?rs={}", address(&world.meter)),
        &own,
    ] {
        assert_eq!(
            refusal(&stranger.get(target)),
            (Code::UNAUTHORIZED, None),
            "{target}"
        );
        assert_eq!(one.get(target).code, Code::CONTENT, "{target}");
    }
    // nor does one member speak for another, or without DTLS
    let other = format!("/nodes/{}", second.node);
    for code in [Code::GET, Code::DELETE] {
        assert_eq!(refusal(&one.call(code, &other)), (Code::UNAUTHORIZED, None));
        assert_eq!(
            refusal(&stranger.call(code, &other)),
            (Code::UNAUTHORIZED, None)
        );
    }
    let mut plain = plain(&server);
    for target in [String::new(), "/num".into(), own] {
        let call = Call::get(&format!("ace-group/{}{target}", world.group()));
        assert_eq!(plain.request(&call).unwrap().code, Code::UNAUTHORIZED);
    }
    // membership of one group says nothing about another
    one.group = crate::world::CLASS.group(&address(&world.valve));
    assert_eq!(refusal(&one.get("/num")), (Code::UNAUTHORIZED, None));
}

#[test]
fn broadcasts_are_public_and_retained() {
    let world = World::new();
    let server = world.start();
    let (mut rs, _) = world.join_meter(&server);
    let mut plain = plain(&server);
    let bc = format!("ace-group/{}/bc", world.group());
    let event = plain.get(&bc).unwrap();
    assert_eq!(event.content_format(), Some(content_format::COSE_SIGN1));
    let beacon = plain
        .get(&format!("ace-group/{}/bn", world.group()))
        .unwrap();
    assert_eq!(beacon.content_format(), Some(content_format::CBOR));
    assert!(beacon.max_age() <= world.terms.session);

    let now = rs.later_than(Session::new(1));
    for target in [format!("{bc}?j=1"), format!("{bc}?j={now}")] {
        assert_eq!(plain.get(&target).unwrap().payload, event.payload);
    }
    let several = plain.get(&format!("{bc}?j=1&n=8")).unwrap();
    let mut reader = Reader::new(&several.payload);
    assert_eq!(
        (reader.array().unwrap(), reader.bytes().unwrap()),
        (1, &event.payload[..])
    );

    // a16: what is to come is not told
    for target in [
        format!("{bc}?j={}", now.get() + 1000),
        format!("{bc}?j=0"),
        format!("{bc}?j=100000&n=2"),
    ] {
        assert_eq!(
            refusal(&plain.request(&Call::get(&target)).unwrap()),
            (Code::NOT_FOUND, None),
            "{target}"
        );
    }
    for query in ["j=x", "j=-1", "j=4294967296", "j=1&n=9", "j=1&n=0"] {
        let reply = plain.request(&Call::get(&format!("{bc}?{query}"))).unwrap();
        assert_eq!(
            refusal(&reply),
            (Code::BAD_REQUEST, Some(Error::Path)),
            "{query}"
        );
    }
    for name in ["0009.00000000", "%%", "x y"] {
        let reply = plain
            .request(&Call::get(&format!("ace-group/{name}/bc")))
            .unwrap();
        assert_eq!(
            refusal(&reply),
            (Code::NOT_FOUND, Some(Error::GroupGone)),
            "{name}"
        );
    }
    let core = plain.get(".well-known/core").unwrap();
    assert!(String::from_utf8(core.payload).unwrap().contains(&bc));
}
