//! `negative.json`: one attack per case, which must fail with exactly its number. What an operation does is told by
//! the module of its subject.

use crate::json::Item;
use crate::report::{Checked, Fault, Section, same, same_number};
use crate::set::VectorSet;
use crate::{cwt, keyserver, manager, objects, polynomials, pop, steps, tokens};
use iotchain::{Error, Result};

/// What became of a case.
pub(crate) enum Verdict {
    /// It was carried out.
    Done(Result<()>),
    /// The crates have no such operation; names the missing part.
    Skipped(&'static str),
}

pub(crate) fn check(set: &VectorSet, section: &mut Section<'_>) {
    let cases = section
        .read("cases", || set.cases("negative"))
        .unwrap_or_default();
    for case in &cases {
        let name = case.name();
        section.check(format!("{name} expect_name"), || {
            let number = case.get("expect")?.int()?;
            same(
                "name",
                Error::from_number(number).map(Error::name),
                Some(case.get("expect_name")?.text()?),
            )
        });
        run(case, &name, section);
    }
}

/// Carries out a case and compares its number.
pub(crate) fn run(case: &Item<'_>, name: &str, section: &mut Section<'_>) {
    let Some(verdict) = section.read(name, || carry_out(case)) else {
        return;
    };
    match verdict {
        Verdict::Skipped(part) => section.skip(part),
        Verdict::Done(result) => {
            section.check(name, || {
                let attack = case.optional("attack", Item::text)?.unwrap_or("result");
                same_number(attack, &result, case.get("expect")?.int()?)
            });
        }
    }
}

fn carry_out(case: &Item<'_>) -> Checked<Verdict> {
    match case.get("op")?.text()? {
        "object.open" => objects::open(case),
        "proxy.check" => objects::proxy_check(case),
        "group.step" => steps::group_step(case),
        "personal_key.decode" => steps::decode(case),
        "gm.join" => manager::join(case),
        "token.record" => tokens::record(case),
        "token.get_token" => tokens::get_token(case),
        "challenge.check" => pop::challenge(case),
        "pop.verify" => pop::verify(case),
        "join.parse" => keyserver::parse(case),
        "compact.expand" => objects::expand_op(case),
        "cwt.validate" => cwt::validate(case),
        "gm.revoke" => polynomials::revoke(case),
        other => Err(Fault::new(format!("unknown op {other}"))),
    }
}
