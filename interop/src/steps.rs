//! Attacks on the members of both schemes: the ops `group.step` and `personal_key.decode`.

use crate::groups::authority;
use crate::json::Item;
use crate::ops::Verdict;
use crate::report::{Checked, Fault, same_number};
use iotchain::Result;
use iotchain::core::cbor::Reader;
use iotchain::selfheal::{Authority, Policy, polynomial, rsd};

/// Room for every broadcast that a message can name: "without a capacity, unlimited" (spec C2).
pub(crate) const UNLIMITED: usize = 255;

/// First element of a personal key of scheme polynomial.
const POLYNOMIAL: u64 = 1;
/// First element of a personal key of scheme rsd.
const RSD: u64 = 2;

/// A member of either scheme.
pub(crate) trait Participant: Sized {
    fn open(key: Vec<u8>, authority: Authority, policy: Policy) -> Result<Self>;

    /// One input: a broadcast, or the question for a key or for the session to seal in. Gives the `value` of a trace:
    /// "ok", "duplicate" or a key.
    fn take(&mut self, step: &Item<'_>) -> Checked<Result<Option<String>>>;
}

/// A member with the key server and the tolerances of an `env`.
pub(crate) fn member<M: Participant>(
    env: &Item<'_>,
    personal_key: Vec<u8>,
) -> Checked<Result<Box<M>>> {
    let policy = Policy {
        skew: env
            .optional("skew", Item::int)?
            .unwrap_or(Policy::DEFAULT.skew),
        grace: env
            .optional("grace", Item::int)?
            .unwrap_or(Policy::DEFAULT.grace),
        ..Policy::DEFAULT
    };
    Ok(M::open(personal_key, authority(env)?, policy).map(Box::new))
}

/// The first element of a personal key, `None` if there is none to be read.
fn scheme(personal_key: &[u8]) -> Option<u64> {
    let mut reader = Reader::new(personal_key);
    reader.array().ok()?;
    reader.uint().ok()
}

/// op `group.step`: a member with the capacity `cap` takes the steps of `pre`, then `step`.
pub(crate) fn group_step(case: &Item<'_>) -> Checked<Verdict> {
    let is_polynomial = scheme(&case.get("personal_key")?.bytes()?) == Some(POLYNOMIAL);
    let capacity = case
        .get("env")?
        .optional("cap", Item::int::<usize>)?
        .unwrap_or(UNLIMITED);
    macro_rules! with_capacity {
        ($($n:literal)*) => {
            match capacity {
                $($n if is_polynomial => steps::<polynomial::Member<Vec<u8>, $n>>(case),
                $n => steps::<rsd::Member<Vec<u8>, $n>>(case),)*
                _ => Ok(Verdict::Skipped("member of an unusual capacity")),
            }
        };
    }
    with_capacity!(1 2 3 4 5 6 7 8 12 16 24 32 48 64 96 128 192 255)
}

fn steps<M: Participant>(case: &Item<'_>) -> Checked<Verdict> {
    let env = case.get("env")?;
    let mut member: Box<M> = match member(&env, case.get("personal_key")?.bytes()?)? {
        Ok(member) => member,
        Err(error) => return Ok(Verdict::Done(Err(error))),
    };
    for step in case.optional("pre", Item::list)?.unwrap_or_default() {
        let expected = step.optional("expect", Item::int)?.unwrap_or(0);
        same_number("pre", &member.take(&step)?, expected)?;
    }
    Ok(Verdict::Done(member.take(&case.get("step")?)?.map(|_| ())))
}

/// op `personal_key.decode`.
pub(crate) fn decode(case: &Item<'_>) -> Checked<Verdict> {
    let key = case.get("personal_key")?.bytes()?;
    match case.get("scheme")?.int()? {
        POLYNOMIAL => Ok(Verdict::Done(
            polynomial::PersonalKey::parse(key).map(|_| ()),
        )),
        RSD => Ok(Verdict::Done(rsd::PersonalKey::parse(key).map(|_| ()))),
        other => Err(Fault::new(format!("unknown scheme {other}"))),
    }
}
