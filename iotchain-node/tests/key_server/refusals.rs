//! Every way not to join, each with its number (spec 4.5, 5.3, 5.6).

use iotchain::token::{Challenge, Scope, TokenRef};
use iotchain::{Address, Error, GroupName, Roles};
use iotchain_node::coap::{Code, Reply, content_format};

use crate::world::{World, address, refusal, signing_key};

fn number(reply: &Reply) -> Error {
    let (code, error) = refusal(reply);
    let error = error.unwrap_or_else(|| panic!("{code} without a number"));
    assert_eq!(error.coap(), Some(code.0));
    error
}

#[test]
fn tokens_that_do_not_grant_what_is_asked() {
    let mut world = World::new();
    // Deep enough that a deletion does not become part of the confirmed state meanwhile.
    world.confirmations = 30;
    let server = world.start();
    world.issue(1, Roles::GET, 3600);
    world.issue(2, Roles::GET, 1);
    world.issue(3, Roles::GET, 3600);
    world.confirm();
    let mut link = world.connect(&server);
    let mut join = |token: TokenRef, client: u8, roles| {
        let reply = link.join(token, client, roles);
        number(&reply)
    };
    assert_eq!(join(world.token(9), 9, Roles::GET), Error::TokenAbsent);
    assert_eq!(
        join(world.token(1), 1, Roles::GET | Roles::PUT),
        Error::Scope
    );
    assert_eq!(
        join(
            TokenRef {
                contract: Address::new([1; 20]),
                ..world.token(1)
            },
            1,
            Roles::GET
        ),
        Error::Issuer
    );
    assert_eq!(
        join(
            TokenRef {
                chain: 1,
                ..world.token(1)
            },
            1,
            Roles::GET
        ),
        Error::Issuer
    );
    std::thread::sleep(std::time::Duration::from_millis(2100));
    assert_eq!(join(world.token(2), 2, Roles::GET), Error::Expired);
    world.delete(3);
    assert_eq!(join(world.token(3), 3, Roles::GET), Error::TokenRevoked);
}

#[test]
fn proofs_that_prove_nothing() {
    let world = World::new();
    let server = world.start();
    world.grant(1, Roles::GET);
    let mut link = world.connect(&server);
    let token = world.token(1);

    let body = link.request(token, 2, Roles::GET, |_| {});
    assert_eq!(
        number(&link.send(&body)),
        Error::Pop,
        "signed by another account"
    );
    let body = link.request(token, 1, Roles::GET, |request| {
        request.challenge = Challenge::from_slice(&[0; 28]).unwrap()
    });
    assert_eq!(
        number(&link.send(&body)),
        Error::Challenge,
        "a challenge of nobody's"
    );
    let theirs = link.transfer(world.token(2)).challenge;
    let body = link.request(token, 1, Roles::GET, |request| request.challenge = theirs);
    assert_eq!(
        number(&link.send(&body)),
        Error::Challenge,
        "a challenge for another token"
    );

    // a proof that is relayed over another association
    let body = link.request(token, 1, Roles::GET, |_| {});
    let mut relay = world.connect(&server);
    assert_eq!(number(&relay.send(&body)), Error::Challenge);

    // forms of a signature
    let whole = link.request(token, 1, Roles::GET, |_| {});
    let at = whole
        .windows(2)
        .position(|head| head == [0x58, 65])
        .unwrap()
        + 2;
    let mut changed = whole.clone();
    changed[at + 64] = 0;
    assert_eq!(number(&link.send(&changed)), Error::PopFormat);
    let mut changed = whole;
    changed[at + 5] ^= 1;
    assert_eq!(number(&link.send(&changed)), Error::Pop);
}

#[test]
fn requests_that_are_none() {
    let world = World::new();
    let server = world.start();
    world.grant(1, Roles::GET);
    let mut link = world.connect(&server);
    let token = world.token(1);
    let other = GroupName::new("0008.00000000").unwrap();

    let body = link.request(token, 1, Roles::GET, |request| request.cnonce = &[1; 7]);
    assert_eq!(number(&link.send(&body)), Error::Type);
    let body = link.request(token, 1, Roles::GET, |request| {
        request.scope = Scope {
            group: other,
            roles: Roles::GET,
        }
    });
    assert_eq!(
        number(&link.send(&body)),
        Error::Scope,
        "path and scope differ"
    );
    let body = link.request(token, 1, Roles::PRODUCER, |_| {});
    assert_eq!(
        number(&link.send(&body)),
        Error::Scope,
        "a client as producer"
    );
    let body = link.request(token, 1, Roles::new(0), |_| {});
    assert_eq!(number(&link.send(&body)), Error::Scope, "no rights");

    let whole = link.request(token, 1, Roles::GET, |_| {});
    assert_eq!(
        number(&link.send(&[&whole[..], &[0]].concat())),
        Error::Trailing
    );
    assert_eq!(
        number(&link.send(&whole[..whole.len() - 1])),
        Error::Truncated
    );
    assert_eq!(number(&link.send(&[])), Error::Truncated);
    assert_eq!(number(&link.send(&[0; 2049])), Error::Size);
    assert_eq!(
        refusal(&link.send(&[0; 5000])).0,
        Code::REQUEST_ENTITY_TOO_LARGE
    );
    assert_eq!(
        number(&link.post("authz-info", content_format::ACE_CBOR, &[0xa0])),
        Error::Type
    );
    let target = format!("ace-group/{}", world.group());
    for (target, format) in [
        (target.as_str(), content_format::CBOR),
        ("authz-info", content_format::CBOR),
    ] {
        assert_eq!(
            link.post(target, format, &whole).code,
            Code::UNSUPPORTED_CONTENT_FORMAT
        );
    }

    // a group that nobody published; the proof itself is fine
    link.group = other;
    let reply = link.join(token, 1, Roles::GET);
    assert_eq!(number(&reply), Error::GroupGone);
    // and joins without DTLS are none
    let mut plain = crate::world::plain(&server);
    for target in ["authz-info", &target] {
        let call =
            iotchain_node::coap::Call::post(target, content_format::ACE_GROUPCOMM, whole.clone());
        assert_eq!(plain.request(&call).unwrap().code, Code::UNAUTHORIZED);
    }
}

#[test]
fn resource_servers_that_are_not_the_groups() {
    let world = World::new();
    let server = world.start();
    let (meter, valve) = (address(&world.meter), address(&world.valve));
    let mut anonymous = world.connect(&server);
    let reply = anonymous.join_server(&world.meter, meter);
    assert_eq!(number(&reply), Error::Subject, "no certificate");
    let mut other = world.connect_as(&server, Some(&world.certify(&world.valve)));
    let reply = other.join_server(&world.meter, meter);
    assert_eq!(
        number(&reply),
        Error::Subject,
        "a certificate for another address"
    );
    let reply = other.join_server(&world.valve, valve);
    assert_eq!(
        number(&reply),
        Error::Audience,
        "the group of another resource server"
    );
    let mut link = world.connect_as(&server, Some(&world.certify(&world.meter)));
    let reply = link.join_server(&signing_key(0x77), meter);
    assert_eq!(
        number(&reply),
        Error::Subject,
        "a key that the owner did not publish"
    );
    let reply = link.join_server(&world.meter, meter);
    assert_eq!(reply.code, Code::CREATED);
}
