//! Scheme polynomial: where perfect secrecy ends (spec 3.5.5, 3.6), by linear algebra over the field with real messages.

use crate::support::Told;
use iotchain_core::cbor::Reader;
use iotchain_core::{Error, Gid, Secret, Session, SignAlg, Signer, SigningKey};
use iotchain_selfheal::polynomial::{Element, GroupManager, Parameters, Plan};
use iotchain_selfheal::{Authority, Envelope};

const T: u32 = 3;
const GID: Gid = Gid::new(*b"line");

fn signer() -> SigningKey {
    SigningKey::from_bytes(SignAlg::Es256k, &[5; 32]).unwrap()
}

fn session(j: u32) -> Session {
    Session::new(j)
}

/// Members 1 to 6 for the sessions 1 to 9.
fn manager() -> GroupManager {
    let parameters = Parameters {
        degree: T,
        window: 1,
        ..Parameters::new(GID, 1, session(1))
    };
    let mut manager = GroupManager::new(parameters, Secret::new([3; 16])).unwrap();
    for id in 1..=6 {
        manager.join(id, session(1)..=session(9)).unwrap();
    }
    manager
}

/// The shares h_1(x_i)..h_9(x_i) of S_i: `[1, gid, epoch, id, s, e, t, shares]`.
fn shares(manager: &GroupManager, id: u32) -> Vec<Element> {
    let personal_key = manager.personal_key(id).unwrap();
    let mut reader = Reader::new(&personal_key);
    reader.array().unwrap();
    (0..7).for_each(|_| {
        reader.skip().unwrap();
    });
    let (shares, _) = reader.bytes().unwrap().as_chunks();
    shares.iter().map(|share| Element::new(*share)).collect()
}

/// P_j of the newest session, from `[1, epoch, t, first, nbf, dur, rev, kcvs, polys]`.
fn polynomial(message: &[u8]) -> Vec<[u8; 16]> {
    let authority = Authority::new(GID, signer().public());
    let envelope = Envelope::open(&authority, message).unwrap();
    let mut reader = Reader::new(envelope.payload());
    reader.array().unwrap();
    (0..8).for_each(|_| {
        reader.skip().unwrap();
    });
    let (coefficients, _) = reader.bytes().unwrap().as_chunks();
    coefficients[coefficients.len() - (T as usize + 1)..].to_vec()
}

/// g_a(x): everybody can compute it from the revoked ids, padded with 2^31, 2^31 + 1, ...
fn g(revoked: &[u32], x: &Element) -> Element {
    let padding = (0..).map(|v| (1u32 << 31) + v);
    let roots = revoked.iter().copied().chain(padding).take(T as usize);
    roots.fold(Element::UNIT, |product, root| {
        product.times(&x.plus(&Element::from(root)))
    })
}

fn divide(a: &Element, b: &Element) -> [u8; 16] {
    assert_ne!(b.to_bytes(), [0; 16]);
    a.times(&b.invert()).to_bytes()
}

/// A point that is nobody's.
fn elsewhere() -> Element {
    let mut dice = Told::seed(4);
    Element::new(std::array::from_fn(|_| dice.next() as u8))
}

/// The value at `x` of the polynomial of least degree through some points.
fn interpolate(points: &[(Element, Element)], x: &Element) -> Element {
    points.iter().fold(Element::ZERO, |sum, (at, value)| {
        let others = points
            .iter()
            .filter(|(other, _)| other.to_bytes() != at.to_bytes());
        let term = others.fold(value.clone(), |term, (other, _)| {
            let slope = at.plus(other).invert();
            term.times(&x.plus(other)).times(&slope)
        });
        sum.plus(&term)
    })
}

/// Two key servers from one backup announce the same session with different revocations: nobody needs a personal key.
#[test]
fn two_messages_for_one_session_give_its_key_to_everybody() {
    let mut manager = manager();
    manager.advance(Plan::KEEP, &signer()).unwrap();
    let backup = manager.export().unwrap();
    // a key server that asks first is not let in
    let late = GroupManager::import(&backup, session(2));
    assert_eq!(late.err(), Some(Error::Equivocation));
    let announce = |revoked: u32| {
        let mut copy = GroupManager::import(&backup, session(1)).unwrap();
        copy.revoke(revoked).unwrap();
        let announced = copy.advance(Plan::KEEP, &signer()).unwrap();
        let key = *copy.group_key(session(2)).unwrap().expose();
        (polynomial(&announced.message), key)
    };
    let ((one, key), (other, same)) = (announce(1), announce(2));
    assert_eq!(key, same);
    let x = elsewhere();
    let difference = x.evaluate(one.iter()).plus(&x.evaluate(other.iter()));
    let slope = g(&[1], &x).plus(&g(&[2], &x));
    assert_eq!(divide(&difference, &slope), key);
}

/// Constant storage, one mask for all sessions: whoever was in one session knows the mask, and with it every later key.
#[test]
fn a_mask_used_again_outlives_the_revocation() {
    let mut manager = manager();
    let message = manager.advance(Plan::KEEP, &signer()).unwrap().message;
    let mask_at = |x: &Element, revoked: &[u32], message: &[u8], key: [u8; 16]| {
        let key = g(revoked, x).times(&Element::new(key));
        x.evaluate(polynomial(message).iter()).plus(&key)
    };
    let x = elsewhere();
    let first = *manager.group_key(session(1)).unwrap().expose();
    let mask = mask_at(&x, &[], &message, first);
    manager.revoke(1).unwrap();
    let message = manager.advance(Plan::KEEP, &signer()).unwrap().message;
    let second = *manager.group_key(session(2)).unwrap().expose();
    // the scheme draws another mask; with the same one, member 1 would subtract it and divide
    let drawn = mask_at(&x, &[1], &message, second);
    assert_ne!(mask.to_bytes(), drawn.to_bytes());
    let used_again = x
        .evaluate(polynomial(&message).iter())
        .plus(&drawn)
        .plus(&mask);
    let found = divide(&used_again.plus(&mask), &g(&[1], &x));
    assert_eq!(found, second);
}

/// t revoked users learn nothing at their points, which are roots of g; with one more share the mask is known
/// everywhere. The manager refuses to revoke that one.
#[test]
fn one_more_than_t_shares_give_the_key() {
    let mut manager = manager();
    let held: Vec<(u32, Element)> = (1..=T + 1)
        .map(|id| (id, shares(&manager, id)[0].clone()))
        .collect();
    let revoked: Vec<u32> = (1..=T).collect();
    for id in &revoked {
        manager.revoke(*id).unwrap();
    }
    assert_eq!(manager.revoke(T + 1), Err(Error::TooManyRevoked));
    let message = manager.advance(Plan::KEEP, &signer()).unwrap().message;
    let masked = polynomial(&message);
    let key = *manager.group_key(session(1)).unwrap().expose();

    for (id, share) in &held[..T as usize] {
        // P(x) = 0 K + h(x): true for every key
        let x = Element::from(*id);
        assert_eq!(g(&revoked, &x).to_bytes(), [0; 16]);
        assert_eq!(x.evaluate(masked.iter()).to_bytes(), share.to_bytes());
    }
    let points: Vec<(Element, Element)> = held
        .into_iter()
        .map(|(id, share)| (Element::from(id), share))
        .collect();
    let x = elsewhere();
    let find = |points: &[(Element, Element)]| {
        let mask = interpolate(points, &x);
        divide(&x.evaluate(masked.iter()).plus(&mask), &g(&revoked, &x))
    };
    assert_eq!(find(&points), key);
    assert_ne!(find(&points[..T as usize]), key);
}
