//! Other people's stacks in other languages: one process each, asked over JSON lines.
//!
//! `cargo xtask setup` installs them. A test that finds none says so and passes, unless `IOTCHAIN_INTEROP=required`, which
//! is how `cargo xtask interop` runs it.
#![allow(dead_code, unreachable_pub)] // each test file includes this one and uses its own part

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

/// A foreign stack. Dropped, it ends.
pub struct Stack {
    process: Child,
    requests: Option<ChildStdin>,
    replies: BufReader<ChildStdout>,
}

impl Stack {
    /// pycose, python-cwt, cbor2 and eth-account, of the pinned versions.
    pub fn python() -> Option<Self> {
        let program = installed(python_home().join("bin/python"))?;
        Some(Self::start(&program, &folder("python"), "agree.py"))
    }

    /// ethers and viem, of the pinned versions.
    pub fn node() -> Option<Self> {
        installed(folder("js").join("node_modules"))?;
        Some(Self::start(Path::new("node"), &folder("js"), "wallets.mjs"))
    }

    fn start(program: &Path, folder: &Path, script: &str) -> Self {
        let mut process = Command::new(program)
            .arg(script)
            .current_dir(folder)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let replies = BufReader::new(process.stdout.take().unwrap());
        let requests = process.stdin.take();
        Self {
            process,
            requests,
            replies,
        }
    }

    /// What the stack answers, or the text of its refusal.
    pub fn ask(&mut self, op: &str, args: &Value) -> Result<Value, String> {
        let request = json!({"op": op, "args": args});
        writeln!(self.requests.as_mut().unwrap(), "{request}").unwrap();
        let mut line = String::new();
        self.replies.read_line(&mut line).unwrap();
        let mut reply: Value = serde_json::from_str(&line).unwrap();
        match reply.get_mut("ok") {
            Some(result) => Ok(result.take()),
            None => Err(reply["error"].as_str().unwrap().to_owned()),
        }
    }

    /// [`Stack::ask`] where the answer is a byte string.
    #[track_caller]
    pub fn bytes(&mut self, op: &str, args: &Value) -> Vec<u8> {
        bytes(&self.ask(op, args).unwrap())
    }

    /// The stack accepts `args`, and refuses them after one bit was flipped in a byte of the byte string `field`, whichever.
    #[track_caller]
    pub fn refuses_every_flip(&mut self, op: &str, args: &Value, field: &str) {
        self.ask(op, args).unwrap();
        let genuine = bytes(&args[field]);
        for at in 0..genuine.len() {
            let mut flipped = genuine.clone();
            flipped[at] ^= 1 << (at % 8);
            let mut args = args.clone();
            args[field] = hex(&flipped);
            let answer = self.ask(op, &args);
            assert!(answer.is_err(), "{op}: byte {at} of {field}: {answer:?}");
        }
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        drop(self.requests.take());
        let _ = self.process.wait();
    }
}

/// Bytes as the stacks read them.
pub fn hex(bytes: impl AsRef<[u8]>) -> Value {
    format!("0x{}", hex::encode(bytes)).into()
}

/// Bytes as the stacks write them.
#[track_caller]
pub fn bytes(value: &Value) -> Vec<u8> {
    let text = value.as_str().and_then(|text| text.strip_prefix("0x"));
    hex::decode(text.unwrap_or_else(|| panic!("no bytes: {value}"))).unwrap()
}

/// A file of NIST's or the IETF's in the Python package cryptography_vectors.
pub fn official_vectors(path: &str) -> Option<String> {
    let library = installed(python_home().join("lib"))?;
    let versions = library.read_dir().unwrap();
    let found = versions
        .map(|version| version.unwrap().path())
        .map(|version| {
            version
                .join("site-packages/cryptography_vectors")
                .join(path)
        })
        .find(|file| file.exists());
    Some(std::fs::read_to_string(found.unwrap()).unwrap())
}

/// The virtual environment that `cargo xtask setup` makes beside the build.
fn python_home() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
        .parent()
        .unwrap()
        .join("python")
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn installed(path: PathBuf) -> Option<PathBuf> {
    if path.exists() {
        return Some(path);
    }
    let required = env::var("IOTCHAIN_INTEROP").is_ok_and(|value| value == "required");
    assert!(!required, "{} is missing", path.display());
    println!("skipped: run `cargo xtask setup` first");
    None
}
