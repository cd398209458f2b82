//! `errors.json`: the registry, both ways.

use crate::json::Item;
use crate::report::{Checked, Fault, Section, same};
use crate::set::VectorSet;
use iotchain::Error;
use std::collections::BTreeSet;

/// Numbers from here on never leave a node and are not part of the published registry (spec 7).
const LOCAL: u16 = 100;

pub(crate) fn check(set: &VectorSet, section: &mut Section<'_>) {
    let codes = section
        .read("codes", || set.file("errors").get("codes")?.fields())
        .unwrap_or_default();
    let mut published = BTreeSet::new();
    for (name, entry) in codes {
        published.extend(section.check(name, || check_entry(set, name, &entry)));
    }
    section.check("completeness", || {
        let ours = (1..LOCAL).filter_map(Error::from_number);
        let missing: Vec<&str> = ours
            .filter(|error| !published.contains(&error.number()))
            .map(Error::name)
            .collect();
        same("errors that the file lacks", missing, Vec::new())
    });
}

fn check_entry(set: &VectorSet, name: &str, entry: &Item<'_>) -> Checked<u16> {
    let number = entry.get("number")?.int()?;
    let error =
        Error::from_number(number).ok_or_else(|| Fault::new(format!("{number} is no error")))?;
    same("number", error.number(), number)?;
    let prefix = set.file("errors").get("prefix")?.text()?;
    same("name", error.name(), format!("{prefix}{name}").as_str())?;
    same(
        "CoAP code",
        error.coap(),
        entry.optional("coap", coap_code)?,
    )?;
    same(
        "groupcomm",
        error.group_comm(),
        entry.optional("groupcomm", Item::int)?,
    )?;
    Ok(number)
}

/// "4.01" as it stands in the header; "4.01+Echo" names an option beside it.
fn coap_code(item: &Item<'_>) -> Checked<u8> {
    let text = item.text()?;
    let code = text.split('+').next().and_then(|code| code.split_once('.'));
    let parsed = code
        .and_then(|(class, detail)| Some((class.parse::<u8>().ok()?, detail.parse::<u8>().ok()?)));
    match parsed {
        Some((class @ 0..=7, detail @ 0..=31)) => Ok(class << 5 | detail),
        _ => Err(Fault::new(format!("{text} is no CoAP code"))),
    }
}
