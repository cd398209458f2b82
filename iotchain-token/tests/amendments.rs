//! The rules of the adversarial review that a token can break: A8, A14, A20.
#![allow(missing_docs)]

mod support;

use iotchain_core::{Address, Error, Roles, UnixTime};
use iotchain_token::{
    Claims, Class, GetToken, GetTokenView, LedgerView, Policy, Publication, Query, Scope, Standing,
    StorageWord, TokenRef, TokenWord, revalidate, validate_get_token, validate_record,
};

const NOW: UnixTime = UnixTime::new(1_767_225_600);
const CONTRACT: Address = Address::new([1; 20]);
const CLIENT: Address = Address::new([2; 20]);
const RS: Address = Address::new([3; 20]);
const CLASS: Class = Class::new(7);
const HEAD: u64 = 1012;
const READ_WRITE: u8 = 1 | 4;

fn token_word() -> TokenWord {
    TokenWord {
        extra: 0,
        issued_at: 1000,
        serial: 41,
        epoch: 0,
        claims: claims(READ_WRITE),
        expires_at: NOW.saturating_add(86_400),
        not_before: NOW.saturating_sub(600),
    }
}

fn claims(mask: u8) -> [u8; 4] {
    Claims::new(Roles::new(mask), CLASS).unwrap().encode()
}

fn tombstone() -> TokenWord {
    TokenWord {
        claims: [0; 4],
        ..token_word()
    }
}

const ABSENT: StorageWord = [0; 32];

fn query(roles: u8) -> Query {
    Query {
        token: TokenRef {
            chain: 1337,
            contract: CONTRACT,
            client: CLIENT,
        },
        rs: RS,
        scope: Scope {
            group: CLASS.group(&RS),
            roles: Roles::new(roles),
        },
    }
}

fn view<'a>(head: &'a StorageWord, confirmed: &'a StorageWord) -> LedgerView<'a> {
    LedgerView {
        head: HEAD,
        head_age: 5,
        word_head: head,
        word_confirmed: confirmed,
        resource_head: &[0; 32],
    }
}

fn with_published<T>(f: impl FnOnce(&[Publication<'_>]) -> T) -> T {
    f(&[Publication {
        chain: 1337,
        contract: CONTRACT,
        rs: RS,
        classes: &[CLASS],
    }])
}

fn admit(head: &StorageWord, confirmed: &StorageWord) -> Result<(), Error> {
    with_published(|published| {
        validate_record(
            &query(READ_WRITE),
            &Policy::default(),
            published,
            &view(head, confirmed),
            NOW,
        )
        .map(|_| ())
    })
}

fn standing_in(view: Result<&LedgerView<'_>, Error>) -> Standing {
    with_published(|published| {
        revalidate(&query(READ_WRITE), &Policy::default(), published, view, NOW)
    })
}

fn standing(head: &TokenWord, confirmed: &TokenWord) -> Standing {
    standing_in(Ok(&view(
        &head.encode().unwrap(),
        &confirmed.encode().unwrap(),
    )))
}

#[test]
fn a14_a_tombstone_at_the_head_revokes_whatever_lies_below() {
    let (word, tombstone) = (
        token_word().encode().unwrap(),
        tombstone().encode().unwrap(),
    );
    assert_eq!(admit(&word, &word), Ok(()));
    for confirmed in [&word, &tombstone, &ABSENT] {
        assert_eq!(admit(&tombstone, confirmed), Err(Error::TokenRevoked));
        let standing = standing_in(Ok(&view(&tombstone, confirmed)));
        assert_eq!(standing, Standing::Revoke(Error::TokenRevoked));
    }
}

#[test]
fn a14_a_tombstone_below_a_fresh_token_waits_for_confirmation() {
    let (word, tombstone) = (
        token_word().encode().unwrap(),
        tombstone().encode().unwrap(),
    );
    assert_eq!(admit(&word, &tombstone), Err(Error::Unconfirmed));
    assert_eq!(
        standing_in(Ok(&view(&word, &tombstone))),
        Standing::Unknown(Error::Unconfirmed)
    );
}

#[test]
fn a8_an_outage_revokes_nobody() {
    let word = token_word().encode().unwrap();
    assert_eq!(standing_in(Ok(&view(&word, &word))), Standing::Keep);
    assert_eq!(
        standing_in(Err(Error::LedgerUnavailable)),
        Standing::Unknown(Error::LedgerUnavailable)
    );
    let stale = LedgerView {
        head_age: 61,
        ..view(&ABSENT, &ABSENT)
    };
    assert_eq!(
        standing_in(Ok(&stale)),
        Standing::Unknown(Error::LedgerStale)
    );
    assert_eq!(
        standing_in(Ok(&view(&word, &ABSENT))),
        Standing::Unknown(Error::Unconfirmed)
    );
    let garbled = LedgerView {
        word_head: &[0; 31],
        ..view(&word, &word)
    };
    assert_eq!(
        standing_in(Ok(&garbled)),
        Standing::Unknown(Error::Truncated)
    );
}

#[test]
fn a8_the_states_that_do_revoke() {
    let word = token_word().encode().unwrap();
    assert_eq!(
        standing_in(Ok(&view(&ABSENT, &ABSENT))),
        Standing::Revoke(Error::TokenAbsent)
    );
    assert_eq!(
        standing_in(Ok(&view(&ABSENT, &word))),
        Standing::Revoke(Error::TokenRevoked)
    );
    let bumped = LedgerView {
        resource_head: &[1; 32],
        ..view(&word, &word)
    };
    assert_eq!(
        standing_in(Ok(&bumped)),
        Standing::Revoke(Error::TokenRevoked)
    );
    let over = TokenWord {
        expires_at: NOW,
        ..token_word()
    };
    assert_eq!(standing(&over, &over), Standing::Revoke(Error::Expired));
    let unpublished = revalidate(
        &query(1),
        &Policy::default(),
        &[][..],
        Ok(&view(&word, &word)),
        NOW,
    );
    assert_eq!(unpublished, Standing::Revoke(Error::Issuer));
}

#[test]
fn a8_a_renewal_is_kept_while_both_words_hold() {
    let old = token_word();
    let renewed = TokenWord {
        serial: 42,
        issued_at: 1010,
        expires_at: NOW.saturating_add(172_800),
        ..old
    };
    assert_eq!(standing(&renewed, &old), Standing::Keep);
    // the old word is over, the new one not yet confirmed: what was confirmed has ended
    let ended = TokenWord {
        expires_at: NOW,
        ..old
    };
    assert_eq!(standing(&renewed, &ended), Standing::Revoke(Error::Expired));
    // newer rights do not count before they are confirmed, smaller ones at once
    let smaller = TokenWord {
        claims: claims(1),
        ..renewed
    };
    assert_eq!(standing(&smaller, &old), Standing::Narrowed(Roles::GET));
    assert_eq!(
        standing(&smaller, &smaller),
        Standing::Unknown(Error::Unconfirmed)
    );
    let deep = TokenWord {
        issued_at: 1000,
        ..smaller
    };
    assert_eq!(standing(&deep, &deep), Standing::Narrowed(Roles::GET));
    let lesser = TokenWord {
        claims: claims(1),
        ..old
    };
    assert_eq!(standing(&renewed, &lesser), Standing::Narrowed(Roles::GET));
    let other = TokenWord {
        claims: claims(2),
        ..renewed
    };
    assert_eq!(standing(&other, &old), Standing::Revoke(Error::Scope));
    let foreign = TokenWord {
        claims: [1, 0x10, 0, 8],
        ..renewed
    };
    assert_eq!(standing(&foreign, &old), Standing::Revoke(Error::Claims));
}

#[test]
fn a20_the_full_address_decides_not_the_group_name() {
    // the same first four bytes give the same group name
    let mut twin = *RS.as_bytes();
    twin[19] ^= 1;
    let twin = Address::new(twin);
    assert_eq!(CLASS.group(&twin), CLASS.group(&RS));
    let word = token_word().encode().unwrap();
    let query = Query {
        rs: twin,
        ..query(READ_WRITE)
    };
    let result = with_published(|p| {
        validate_record(&query, &Policy::default(), p, &view(&word, &word), NOW)
    });
    assert_eq!(result, Err(Error::Issuer));
}

#[test]
fn a20_a_contract_speaks_on_its_own_chain_only() {
    let word = token_word().encode().unwrap();
    let mut query = query(READ_WRITE);
    query.token.chain = 1;
    let result = with_published(|p| {
        validate_record(&query, &Policy::default(), p, &view(&word, &word), NOW)
    });
    assert_eq!(result, Err(Error::Issuer));
}

#[test]
fn a20_get_token_sees_the_same_token_but_gives_no_grant() {
    let answer = GetToken::new(
        RS,
        token_word().expires_at,
        &Claims::parse(claims(READ_WRITE)).unwrap(),
    )
    .encode();
    let view = GetTokenView {
        head_age: 5,
        head: &answer,
        confirmed: &answer,
    };
    // a Glance has no serial, no epoch, no depth: no function of this crate turns it into a Grant
    let glance =
        with_published(|p| validate_get_token(&query(1), &Policy::default(), p, &view, NOW))
            .unwrap();
    assert_eq!(
        (glance.mask(), glance.class()),
        (Roles::new(READ_WRITE), CLASS)
    );
    assert_eq!(glance.expires_at(), token_word().expires_at);
}

#[test]
fn boundaries_of_time() {
    let run = |word: TokenWord, now: UnixTime| {
        let word = word.encode().unwrap();
        with_published(|p| {
            validate_record(&query(1), &Policy::default(), p, &view(&word, &word), now).map(|_| ())
        })
    };
    let word = token_word();
    assert_eq!(run(word, UnixTime::new(word.expires_at.get() - 1)), Ok(()));
    assert_eq!(run(word, word.expires_at), Err(Error::Expired));
    let life = Policy::default().max_life;
    assert_eq!(
        run(
            TokenWord {
                expires_at: NOW.saturating_add(life),
                ..word
            },
            NOW
        ),
        Ok(())
    );
    assert_eq!(
        run(
            TokenWord {
                expires_at: NOW.saturating_add(life + 1),
                ..word
            },
            NOW
        ),
        Err(Error::TtlRange)
    );
    assert_eq!(
        run(
            TokenWord {
                not_before: NOW.saturating_add(60),
                ..word
            },
            NOW
        ),
        Ok(())
    );
    assert_eq!(
        run(
            TokenWord {
                not_before: NOW.saturating_add(61),
                ..word
            },
            NOW
        ),
        Err(Error::NotYet)
    );
    assert_eq!(
        run(
            TokenWord {
                issued_at: 1000,
                ..word
            },
            NOW
        ),
        Ok(())
    );
    assert_eq!(
        run(
            TokenWord {
                issued_at: 1001,
                ..word
            },
            NOW
        ),
        Err(Error::Unconfirmed)
    );
    assert_eq!(
        run(
            TokenWord {
                issued_at: u32::MAX,
                ..word
            },
            NOW
        ),
        Err(Error::Unconfirmed)
    );
}
