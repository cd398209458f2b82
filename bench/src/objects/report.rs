//! What the bench says: tables with ratios, and the goals.

use super::ours::BATCH;
use super::pairwise::{OPEN_REPLY, OPEN_REQUEST, SEAL_REPLY, SEAL_REQUEST};
use super::{
    ALLOY, CCM, COSE_RUST, COSET, K256, LARGEST, LIBOSCORE, OPENSSL, OURS, Results, SIZES,
};
use crate::format::{table, time};
use crate::goal::{Goal, goal_table};
use crate::machine::machine;
use crate::row::Row;

const OBJECTS: &str = "\
A whole object with its header, the key installed before; ours is mode G with all its checks, libOSCORE a protected POST
request, the others a COSE_Encrypt0 with additional data of the same length. In brackets: our time divided by theirs;
open-batch is the time per object when a gateway opens many at once.
";
const REQUESTS: &str = "\
Mode P: a client's POST, and the reply to it; the server knows the client from before. In brackets: our time divided by that of
libOSCORE, which protects and unprotects a POST of the same size.
";
const CIPHERS: &str = "\
AES-CCM-16-64-128 alone under a key that was expanded before, with 31 bytes of additional data. In brackets: the time of
our whole object divided by theirs.
";
const SIGNATURES: &str = "\
ES256K over 100 bytes, keys loaded before, verified by this build or as hosts do it; a CWT of one scope; a client's proof; a proof of
one account. In brackets: our time divided by that of the bare operation: sign, verify or recover of k256, the same proof by
alloy-trie. coset, with k256, checks less of a CWT: signature, audience and expiry.
";
const INSTRUCTIONS: &str = "\
Machine instructions as callgrind counts them: the same on any machine with AES instructions and the same compiler.
";

/// Ours divided by theirs: op of ours, peer, its op, sizes, and at most how much.
const RATIOS: [(&str, &str, &str, &[usize], f64); 24] = [
    ("seal", COSET, "seal", &[16, 64], 0.15),
    ("open", COSET, "open", &[16, 64], 0.15),
    ("seal", COSE_RUST, "seal", &[16, 64], 0.10),
    ("open", COSE_RUST, "open", &[16, 64], 0.10),
    ("seal", LIBOSCORE, "seal", &[16, 64], 0.30),
    ("open", LIBOSCORE, "open", &[16, 64], 0.30),
    (SEAL_REQUEST, LIBOSCORE, "seal", &[16, 64], 1.0),
    (OPEN_REQUEST, LIBOSCORE, "open", &[16, 64], 1.0),
    ("seal", CCM, "ccm-seal", &[1024], 0.80),
    ("open", CCM, "ccm-open", &[1024], 0.80),
    ("seal", OPENSSL, "ccm-seal", &[1024], 0.95),
    ("open", OPENSSL, "ccm-open", &[1024], 0.95),
    ("seal", OPENSSL, "ccm-seal", &[LARGEST], 1.2),
    ("open", OPENSSL, "ccm-open", &[LARGEST], 1.2),
    ("sign", K256, "sign", &[0], 1.03),
    ("verify", K256, "verify", &[0], 1.03),
    ("cwt-issue", K256, "sign", &[0], 1.02),
    ("cwt-validate", K256, "verify", &[0], 1.02),
    ("cwt-issue", COSET, "cwt-issue", &[0], 1.0),
    ("cwt-validate", COSET, "cwt-validate", &[0], 1.0),
    ("pop-check", K256, "recover", &[0], 1.02),
    ("proof", ALLOY, "proof", &[0], 1.0),
    ("ccm-seal", CCM, "ccm-seal", &[1024], 0.80),
    ("ccm-open", CCM, "ccm-open", &[1024], 0.80),
];
/// The goal for a whole object of 16 bytes.
const INSTRUCTIONS_GOAL: u64 = 600;

/// The text of a run.
pub(crate) fn text(Results { rows, notes }: &Results) -> String {
    let parts = [
        ("Goals", goal_table(&goals(rows)), ""),
        (
            "Objects",
            figures(
                rows,
                &["seal", "open", BATCH],
                &[OURS, COSET, COSE_RUST, LIBOSCORE],
                same,
            ),
            OBJECTS,
        ),
        ("Requests", requests(rows), REQUESTS),
        (
            "Ciphers",
            figures(
                rows,
                &["ccm-seal", "ccm-open"],
                &[OURS, CCM, OPENSSL],
                object,
            ),
            CIPHERS,
        ),
        ("Signatures and tokens", signatures(rows), SIGNATURES),
        ("Instructions", instructions(rows), INSTRUCTIONS),
    ];
    let mut text = format!("Measured on {}.\n", machine());
    for note in notes {
        text.push_str(&format!("{note}\n"));
    }
    for (title, table, about) in parts {
        let blank = if about.is_empty() { "" } else { "\n" };
        text.push_str(&format!("\n### {title}\n\n{about}{blank}{table}"));
    }
    text
}

fn find<'a>(rows: &'a [Row], peer: &str, op: &str, size: usize) -> Option<&'a Row> {
    rows.iter()
        .find(|row| row.peer == peer && row.op == op && row.size.unwrap_or(0) == size)
}

fn ns(rows: &[Row], peer: &str, op: &str, size: usize) -> Option<f64> {
    find(rows, peer, op, size)?.ns
}

fn goals(rows: &[Row]) -> Vec<Goal> {
    let mut goals = Vec::new();
    for (own, peer, op, sizes, most) in RATIOS {
        for size in sizes {
            let pair = ns(rows, OURS, own, *size).zip(ns(rows, peer, op, *size));
            let Some((ours, theirs)) = pair else {
                continue;
            };
            let of = if *size == 0 {
                String::new()
            } else {
                format!(" {size} B")
            };
            let ratio = ours / theirs;
            goals.push(Goal {
                goal: format!("{own}{of}: at most {most:.2} of {peer}"),
                figure: format!("{ratio:.2}"),
                met: ratio <= most,
            });
        }
    }
    for op in ["seal", "open"] {
        let counted = find(rows, OURS, op, 16).and_then(|row| row.instructions);
        goals.extend(counted.map(|counted| Goal {
            goal: format!("{op} 16 B: at most {INSTRUCTIONS_GOAL} instructions"),
            figure: counted.to_string(),
            met: counted <= INSTRUCTIONS_GOAL,
        }));
    }
    goals
}

/// The operation of ours that another's is compared with.
fn same(op: &'static str) -> &'static str {
    op
}

fn object(op: &'static str) -> &'static str {
    match op {
        "ccm-seal" => "seal",
        _ => "open",
    }
}

/// Ours, and libOSCORE's requests with how ours compare.
fn requests(rows: &[Row]) -> String {
    let ours = [SEAL_REQUEST, OPEN_REQUEST, SEAL_REPLY, OPEN_REPLY];
    let request = |op: &'static str| match op {
        "seal" => SEAL_REQUEST,
        _ => OPEN_REQUEST,
    };
    let ours = figures(rows, &ours, &[OURS], same);
    let theirs = figures(rows, &["seal", "open"], &[LIBOSCORE], request);
    format!("{ours}\n{theirs}")
}

fn figures(
    rows: &[Row],
    ops: &[&'static str],
    peers: &[&'static str],
    ours: fn(&'static str) -> &'static str,
) -> String {
    let mut lines = Vec::new();
    for op in ops {
        for peer in peers {
            let cell = |size| {
                let Some(theirs) = ns(rows, peer, op, size) else {
                    return "-".to_owned();
                };
                match ns(rows, OURS, ours(op), size) {
                    Some(own) if *peer != OURS => format!("{} ({:.2})", time(theirs), own / theirs),
                    _ => time(theirs),
                }
            };
            let cells = SIZES.map(cell);
            if cells.iter().all(|cell| cell == "-") {
                continue;
            }
            lines.push([&[(*op).to_owned(), (*peer).to_owned()], &cells[..]].concat());
        }
    }
    table(&["", "peer", "16 B", "64 B", "1 KiB", "largest"], &lines)
}

fn signatures(rows: &[Row]) -> String {
    let ops = rows.iter().filter(|row| row.size.is_none());
    let line = |row: &Row| {
        let bare = RATIOS.iter().find(|(own, ..)| *own == row.op);
        let theirs = bare.and_then(|(_, peer, op, ..)| ns(rows, peer, op, 0));
        let theirs = theirs.filter(|_| row.peer == OURS);
        let ratio = theirs
            .zip(row.ns)
            .map(|(theirs, own)| format!(" ({:.2})", own / theirs));
        let figure = row.ns.map_or("-".to_owned(), time) + &ratio.unwrap_or_default();
        vec![row.op.to_owned(), row.peer.to_owned(), figure]
    };
    table(&["", "peer", "time"], &ops.map(line).collect::<Vec<_>>())
}

fn instructions(rows: &[Row]) -> String {
    let counted = rows.iter().filter_map(|row| Some((row, row.instructions?)));
    let line = |(row, count): (&Row, u64)| {
        let size = row.size.map_or(String::new(), |size| size.to_string());
        vec![
            row.op.to_owned(),
            size,
            row.peer.to_owned(),
            count.to_string(),
        ]
    };
    table(
        &["", "bytes", "peer", "instructions"],
        &counted.map(line).collect::<Vec<_>>(),
    )
}
