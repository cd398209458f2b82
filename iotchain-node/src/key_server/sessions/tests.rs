//! When an epoch ends, and what its group is told.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use iotchain::token::{Class, Policy, TokenRef};
use iotchain::{Address, Gid, Roles, SignAlg, Signer, SigningKey};
use iotchain_ledger::EmbeddedLedger;
use iotchain_ledger::embedded::{Config, Sealing};
use tempfile::TempDir;

use super::super::group::Terms;
use super::super::office::Equipment;
use super::super::store::Store;
use super::*;
use crate::catalogue::{Catalogue, ClassKey, KeyServer, ResourceServer};
use crate::data_dir::DataDir;

const NOTHING: Verdicts = Verdicts {
    standings: Vec::new(),
    answered: true,
};

fn key() -> SigningKey {
    SigningKey::from_bytes(SignAlg::Es256k, &[1; 32]).unwrap()
}

/// A key server with one group, stored in `directory`.
fn office(directory: &TempDir) -> Office {
    let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let chain = Config {
        sealing: Sealing::Manual,
        ..Config::default()
    };
    let catalogue = Catalogue {
        chain_id: chain.chain_id,
        ledger: String::new(),
        contract: Address::new([3; 20]),
        owner: Address::new([5; 20]),
        confirmations: 2,
        key_server: KeyServer {
            coap: anywhere,
            coaps: anywhere,
            name: String::new(),
            ca: directory.path().into(),
        },
        resource_servers: vec![ResourceServer {
            name: "meter".into(),
            rs: Address::new([2; 20]),
            key: key().public(),
            coap: anywhere,
            proxy: None,
            classes: [(ClassKey(Class::new(7)), Vec::new())].into(),
        }],
    };
    let equipment = Equipment {
        catalogue,
        terms: Terms {
            session: 60,
            grace: 5,
            epoch: 100,
            depth: 4,
            max_event: 4096,
            admissions: 4,
        },
        policy: Policy::default(),
        ledger: Arc::new(EmbeddedLedger::in_memory(&chain).unwrap()),
        key: key(),
    };
    let data = DataDir::open(directory.path(), "key-server").unwrap();
    let store = Store::open(&data, &key().public().thumbprint()).unwrap();
    Office::open(equipment, store, clock::now()).unwrap()
}

fn name(office: &Office) -> GroupName {
    *office.groups().keys().next().unwrap()
}

fn look<T>(office: &Office, look: impl FnOnce(&Group) -> T) -> T {
    let seen = office.look(&name(office), |group| Ok(look(group)));
    seen.unwrap()
}

fn join(group: &mut Group, client: u8) -> Result<(), NodeError> {
    let token = TokenRef {
        chain: 1,
        contract: Address::new([3; 20]),
        client: Address::new([client; 20]),
    };
    let seat = group.manager.join()?;
    let (number, sid) = group.fresh_sid(Roles::GET)?;
    group.members.insert(Member {
        number,
        seat,
        sid,
        subject: Subject::Client {
            token,
            expires_at: UnixTime::MAX,
        },
        issued: Vec::new(),
        live: true,
    });
    Ok(())
}

/// What tells the group from all others, and where it stands.
fn place(office: &Office) -> (Gid, u32, u32) {
    look(office, |group| {
        (group.gid(), group.epoch(), group.session().get())
    })
}

#[test]
fn events_too_long_begin_an_epoch_and_then_another_group() {
    let directory = tempfile::tempdir().unwrap();
    let mut office = office(&directory);
    let name = name(&office);
    let founded = look(&office, |group| group.newest_event().len());
    let joined = office.change(&name, |group| (1..9).try_for_each(|n| join(group, n)));
    joined.unwrap();
    let (gid, _, _) = place(&office);
    let rsk = look(&office, |group| group.server_secret.clone());

    // every second one leaves: one subset for each who stays, but neighbours in the next epoch
    let leave = |group: &mut Group| (0..4).try_for_each(|n| Ok(group.retire(2 * n)?));
    office.change(&name, leave).unwrap();
    office.terms.max_event = founded + 30;
    let begun = begin(&office, &name, &NOTHING).unwrap();
    assert!(begun.event && begun.session == Session::new(2));
    assert_eq!(place(&office), (gid, 2, 2));
    look(&office, |group| {
        assert!(group.newest_event().len() <= founded + 30);
        let has_key = |number: u16| {
            let seat = group.members.get(number).unwrap().seat;
            group.manager.personal_key(seat).is_ok()
        };
        assert!((0..8).all(|number| has_key(number) == (number % 2 == 1)));
        assert!(
            group.server_secret.ct_eq(&rsk),
            "nobody could do more than read"
        );
    });

    // not even that epoch is short enough: nobody is left, and all have to join again
    office.terms.max_event = founded + 10;
    office.change(&name, |group| Ok(group.retire(1)?)).unwrap();
    begin(&office, &name, &NOTHING).unwrap();
    let (other, epoch, session) = place(&office);
    assert!(other != gid && (epoch, session) == (1, 1));
    assert_eq!(look(&office, |group| group.members.len()), 0);

    // and no group at all: the one there is stays as it is stored
    office.terms.max_event = founded - 10;
    office.change(&name, |group| join(group, 1)).unwrap();
    office.change(&name, |group| Ok(group.retire(0)?)).unwrap();
    let outcome = begin(&office, &name, &NOTHING);
    assert!(matches!(outcome, Err(NodeError::Protocol(Error::Size))));
    assert_eq!(place(&office), (other, 1, 1));
    drop(office);
    let office = self::office(&directory);
    assert_eq!(place(&office), (other, 1, 1));
    assert_eq!(look(&office, |group| group.members.live().count()), 0);
}

#[test]
fn a_group_founded_again_in_its_first_interval_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let office = office(&directory);
    let (name, (gid, ..)) = (name(&office), place(&office));
    let use_up = |group: &mut Group| {
        group.next_index = 1 << 16;
        Ok(())
    };
    office.change(&name, use_up).unwrap();
    let begun = begin(&office, &name, &NOTHING).unwrap();
    assert_ne!(place(&office).0, gid);
    assert!(begun.event, "the first event of the new gid is news");
}

#[test]
fn an_epoch_that_begins_early_is_not_longer() {
    let directory = tempfile::tempdir().unwrap();
    let office = office(&directory);
    let name = name(&office);
    let longest = office.terms.epoch + office.terms.pre_issue();
    for turn in 0..10 {
        let early = |group: &mut Group| roll_over(&office, group, clock::now());
        office.change(&name, early).unwrap();
        let left = look(&office, |group| group.manager.current().sessions_left());
        assert!(left <= longest, "turn {turn}: {left} sessions");
    }
}
