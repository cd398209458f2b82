//! The conformance runner over the vectors of the tree, and over copies with one thing changed.

use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;

const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../vectors");

/// A copy of the vectors.
fn copy() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(VECTORS).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), directory.path().join(entry.file_name())).unwrap();
    }
    directory
}

fn edit(directory: &Path, file: &str, change: impl FnOnce(&mut Value)) {
    let path = directory.join(file);
    let mut content = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    change(&mut content);
    fs::write(path, content.to_string()).unwrap();
}

/// The failures after one value was replaced.
fn failures_with(file: &str, pointer: &str, change: impl FnOnce(&Value) -> Value) -> Vec<String> {
    let directory = copy();
    edit(directory.path(), file, |content| {
        let place = content
            .pointer_mut(pointer)
            .unwrap_or_else(|| panic!("{file} has no {pointer}"));
        *place = change(place);
    });
    iotchain_interop::run(directory.path())
        .unwrap()
        .failures()
        .to_vec()
}

/// The last digit of a hex text changed.
fn flipped(value: &Value) -> Value {
    let mut text = value.as_str().unwrap().to_owned();
    let last = text.pop().unwrap().to_digit(16).unwrap();
    text.push(char::from_digit(last ^ 1, 16).unwrap());
    Value::from(text)
}

fn conformance(arguments: &[&Path]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_conformance"))
        .args(arguments)
        .output()
        .unwrap()
}

#[test]
fn the_vectors_of_the_tree_pass() {
    let report = iotchain_interop::run(VECTORS.as_ref()).unwrap();
    assert_eq!(report.failures(), [""; 0]);
    assert!(report.passed() > 2500, "{report}");
}

#[test]
fn one_changed_digit_is_found_in_every_file() {
    for (file, pointer) in [
        ("params.json", "/keys/rs/address"),
        ("kdf.json", "/cases/0/pair/rsp_iv"),
        ("objects.json", "/cases/0/object"),
        ("objects.json", "/cases/0/plaintext"),
        ("objects.json", "/cases/5/signature"),
        ("objects-of-groups.json", "/cases/0/object"),
        ("objects-of-groups.json", "/cases/11/env/echo/key"),
        ("broadcast-rsd.json", "/cases/0/events/1/message"),
        ("broadcast-rsd.json", "/cases/0/sessions/3/chain"),
        ("broadcast-rsd.json", "/cases/1/members/0/personal_key"),
        ("broadcast-rsd.json", "/cases/0/labels/0/label"),
        ("broadcast-polynomial.json", "/cases/0/sessions/4/message"),
        ("broadcast-polynomial.json", "/cases/0/sessions/4/P/2"),
        ("broadcast-polynomial.json", "/cases/0/sessions/4/mask/0"),
        (
            "broadcast-polynomial.json",
            "/cases/1/members/0/personal_key",
        ),
        ("broadcast-polynomial.json", "/cases/0/worked/g_at_inv"),
        ("field.json", "/unit"),
        ("field.json", "/mul/3/ab"),
        ("field.json", "/revocation_polynomial/1/g/0"),
        ("field.json", "/rfc8452/polyval"),
        ("sd-cover.json", "/cases/2/exact/0"),
        ("keyserver.json", "/join_response_client_rsd/hex"),
        ("keyserver.json", "/kdc_cred_verify/signature"),
        ("token.json", "/record/token_slot"),
        ("pop.json", "/cases/1/eip191_digest"),
    ] {
        let failures = failures_with(file, pointer, flipped);
        assert!(
            failures.iter().any(|line| line.starts_with(file)),
            "{file} {pointer}: {failures:?}"
        );
    }
}

#[test]
fn a_wrong_expectation_is_found() {
    for (file, pointer) in [
        ("negative.json", "/cases/0/expect"),
        ("errors.json", "/codes/AEAD/number"),
        ("broadcast-rsd.json", "/cases/0/heal/0/3/0/0"),
        (
            "broadcast-rsd.json",
            "/cases/0/traces/0/steps/0/high_water/1",
        ),
        ("broadcast-polynomial.json", "/cases/0/expect/0/2"),
        ("token.json", "/positive/0/expect"),
    ] {
        let failures = failures_with(file, pointer, |value| json!(value.as_u64().unwrap() + 1));
        assert!(!failures.is_empty(), "{file} {pointer}");
    }
}

#[test]
fn values_of_another_shape_are_failures_and_say_where() {
    let failures = failures_with("kdf.json", "/cases/0/senders/1/iv", |_| json!("abc"));
    assert_eq!(
        failures,
        ["kdf.json case 0 senders: senders[1].iv: not hex"]
    );
    let failures = failures_with("negative.json", "/cases/0/op", |_| json!("object.burn"));
    assert_eq!(failures, ["negative.json F01: unknown op object.burn"]);
    let failures = failures_with("sd-cover.json", "/cases", |_| json!([]));
    assert_eq!(failures, ["sd-cover.json cases: cases: empty"]);
    for shape in [json!(-1), json!("\n"), json!([[]])] {
        for (file, pointer) in [
            ("params.json", "/sid"),
            ("objects.json", "/cases/0/env/sessions"),
            ("broadcast-rsd.json", "/cases/0/depth"),
            ("broadcast-rsd.json", "/cases/0/last"),
            ("broadcast-polynomial.json", "/cases/0/t"),
            ("broadcast-polynomial.json", "/cases/0/expect/0"),
            ("field.json", "/revocation_polynomial/0/t"),
            ("negative.json", "/cases/0/env"),
        ] {
            let failures = failures_with(file, pointer, |_| shape.clone());
            assert!(!failures.is_empty(), "{file} {pointer} {shape}");
            assert!(
                failures
                    .iter()
                    .all(|line| !line.contains('\n') && !line.contains("panicked")),
                "{failures:?}"
            );
        }
    }
}

#[test]
fn the_program_counts_and_tells_by_its_exit_code() {
    let output = conformance(&[VECTORS.as_ref()]);
    let printed = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = printed.lines().collect();
    assert_eq!(output.status.code(), Some(0), "{printed}");
    assert!(
        lines.len() == 2 && lines[0].starts_with("skipped: "),
        "{printed}"
    );
    assert!(lines[1].ends_with(" passed, 0 failed"), "{printed}");

    let directory = copy();
    edit(directory.path(), "pop.json", |content| {
        content["cases"][0]["text"] = json!("another text")
    });
    let output = conformance(&[directory.path()]);
    let printed = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        printed.starts_with("FAIL pop.json case 0 proof: text: "),
        "{printed}"
    );
    assert!(
        printed
            .lines()
            .last()
            .unwrap()
            .ends_with(" passed, 1 failed"),
        "{printed}"
    );
}

#[test]
fn what_cannot_be_read_ends_with_one_message() {
    let missing = copy();
    fs::remove_file(missing.path().join("field.json")).unwrap();
    let garbage = copy();
    fs::write(garbage.path().join("kdf.json"), b"{\"cases\": [\xff").unwrap();
    let deep = copy();
    fs::write(deep.path().join("token.json"), "[".repeat(100_000)).unwrap();
    let file = missing.path().join("kdf.json");
    let nowhere = missing.path().join("nowhere");
    let cases: [&[&Path]; 6] = [
        &[missing.path()],
        &[garbage.path()],
        &[deep.path()],
        &[&file],
        &[&nowhere],
        &[],
    ];
    for arguments in cases {
        let output = conformance(arguments);
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{message}");
        assert!(output.stdout.is_empty());
        assert!(
            message.starts_with("error: ") && message.lines().count() == 1 || arguments.is_empty(),
            "{message}"
        );
    }
}
