//! `token-proof.json`: proofs that nodes of real chains gave. A set need not have them.

use crate::json::Item;
use crate::report::{Checked, Section, same, same_bytes};
use crate::set::VectorSet;
use crate::tokens::token;
use iotchain::token::{TokenPlace, TrustedBlock, verify_token_proof};

pub(crate) fn check(set: &VectorSet, section: &mut Section<'_>) {
    if !set.has("token-proof") {
        return;
    }
    let cases = section
        .read("cases", || set.cases("token-proof"))
        .unwrap_or_default();
    for case in &cases {
        section.check(case.name(), || check_proof(case));
    }
}

fn check_proof(case: &Item<'_>) -> Checked {
    let list = |name: &str| -> Checked<Vec<Vec<u8>>> {
        case.get(name)?.list()?.iter().map(Item::bytes).collect()
    };
    let (tip, headers) = (case.get("tip")?.array()?, list("headers")?);
    let place = TokenPlace {
        token: token(case)?,
        rs: case.get("res")?.address()?,
        code_hash: case.get("code_hash")?.array()?,
    };
    let nodes = [list("account")?, list("token")?, list("resource")?].concat();
    let newest = headers.iter().take(1).map(Vec::as_slice);
    let proven = verify_token_proof(&tip, newest, &place, nodes.iter().map(Vec::as_slice))?;
    same_bytes("word", proven.word(), case.get("word")?.bytes()?)?;
    let resource = case.get("resource_word")?.bytes()?;
    same_bytes("resource_word", proven.resource(), resource)?;
    let block = proven.block();
    same("number", block.number(), case.get("number")?.int()?)?;
    same(
        "timestamp",
        block.timestamp(),
        case.get("timestamp")?.time()?,
    )?;

    let earlier = headers.iter().skip(1);
    earlier
        .map(Vec::as_slice)
        .try_fold(*block, |block: TrustedBlock, header| block.parent(header))?;
    Ok(())
}
