//! The command line from outside: the binary, an embedded ledger, exit codes and single clear messages.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use iotchain_ledger::embedded::{Config, Sealing};
use iotchain_ledger::{AccessToken, EmbeddedLedger, Ledger, rpc};
use iotchain_node::catalogue::Catalogue;
use iotchain_node::{address, keyfile};

const CHAIN: u64 = 1337;

struct Site {
    directory: tempfile::TempDir,
    ledger: Arc<EmbeddedLedger>,
    server: rpc::Server,
}

impl Site {
    fn new() -> Self {
        let sealing = Sealing::every(Duration::from_millis(20));
        let config = Config {
            chain_id: CHAIN,
            sealing,
            ..Config::default()
        };
        let ledger = Arc::new(EmbeddedLedger::in_memory(&config).unwrap());
        let server = rpc::Server::start(ledger.clone(), "127.0.0.1:0").unwrap();
        Self {
            directory: tempfile::tempdir().unwrap(),
            ledger,
            server,
        }
    }

    fn path(&self, name: &str) -> String {
        self.directory.path().join(name).display().to_string()
    }

    fn run(&self, line: &str) -> Output {
        run(self.directory.path(), line)
    }

    fn owner(&self, line: &str) -> String {
        succeeded(&self.run(&format!("owner --data owner {line}")))
    }

    fn client(&self, name: &str, line: &str) -> Output {
        self.run(&format!(
            "client --data {name} --catalogue owner/catalogue.json {line}"
        ))
    }

    /// Owner, contract with a policy, certificates and the resource server `meter`.
    fn set_up(&self, policy: &str) {
        self.owner(&format!("init --ledger {}", self.server.url()));
        self.owner(&format!("deploy --policy {policy}"));
        self.owner("certify key-server --out ks --ip 127.0.0.1");
        self.owner("new-key --out rs.key");
        self.owner("add-resource-server --name meter --key rs.key --coap 127.0.0.1:5683 --class 0007=load,log/*");
        self.owner("certify resource-server --key-file rs.key --out rs");
    }
}

fn run(directory: &Path, line: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_iotchain"))
        .args(line.split_whitespace())
        .current_dir(directory)
        .env_remove("RUST_LOG")
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn succeeded(output: &Output) -> String {
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// The one line on stderr of a command that failed with `code`.
fn failed(output: &Output, code: i32) -> String {
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(code), "{text}");
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("iotchain: "))
        .collect();
    assert_eq!(lines.len(), 1, "{text}");
    assert!(!text.contains("panicked"), "{text}");
    lines[0].to_owned()
}

fn word<'a>(line: &'a str, name: &str) -> &'a str {
    let words = line
        .split_whitespace()
        .filter_map(|word| word.split_once('='));
    words
        .into_iter()
        .find(|(known, _)| *known == name)
        .unwrap_or_else(|| panic!("no {name} in {line}"))
        .1
}

#[test]
fn an_owner_sets_up_and_a_client_with_a_grant_gets_its_token() {
    let site = Site::new();
    site.set_up("attestation");
    let catalogue = Catalogue::read(Path::new(&site.path("owner/catalogue.json"))).unwrap();
    let meter = catalogue.resource_server("meter").unwrap();
    assert_eq!(
        site.owner("catalogue"),
        fs::read_to_string(site.path("owner/catalogue.json")).unwrap()
    );
    assert!(catalogue.key_server.ca.exists());

    let client = succeeded(&site.client("c", "address"));
    let client = client.trim();
    let request = "request-token --rs meter --class 0007 --roles get --ttl 600";
    let refused = failed(&site.client("c", request), 1);
    assert!(refused.contains("refused"), "{refused}");

    site.owner(&format!(
        "attest {client} --rs meter --class 0007 --roles get --ttl 600 --out grant.json"
    ));
    let receipt = succeeded(&site.client("c", &format!("{request} --grant grant.json")));
    assert_eq!(word(&receipt, "confirmations"), "2");
    let head = site.ledger.head().unwrap();
    let block: u64 = word(&receipt, "block").parse().unwrap();
    assert!(block + 2 <= head.number);
    let token = |head| {
        AccessToken::at(catalogue.contract)
            .get_token(
                &*site.ledger,
                address::parse(client).unwrap(),
                meter.rs,
                head,
            )
            .unwrap()
    };
    assert_eq!(token(head.hash).unwrap().claims, [1, 0x10, 0, 7]);

    // A grant is good once, for its client, for what it says.
    failed(
        &site.client("c", &format!("{request} --grant grant.json")),
        1,
    );
    let other = failed(
        &site.client("d", &format!("{request} --grant grant.json")),
        3,
    );
    assert!(other.contains("the grant is for client"), "{other}");
    site.owner(&format!(
        "attest {client} --rs meter --class 0007 --roles get --ttl 600 --out grant2.json"
    ));
    let wider =
        "request-token --rs meter --class 0007 --roles get,put --ttl 600 --grant grant2.json";
    succeeded(&site.client("c", wider));
    let narrowed = token(site.ledger.head().unwrap().hash).unwrap();
    assert_eq!(narrowed.claims, [1, 0x10, 0, 7]);

    site.owner(&format!("revoke {client} --rs meter"));
    assert_eq!(token(site.ledger.head().unwrap().hash), None);
}

#[test]
fn an_open_policy_takes_requests_until_the_client_is_blocked() {
    let site = Site::new();
    site.set_up("open");
    let client = succeeded(&site.client("c", "address"));
    let request = "request-token --rs meter --class 0007 --ttl 600 --no-wait";
    let receipt = succeeded(&site.client("c", request));
    assert_eq!(word(&receipt, "confirmations"), "0");
    site.owner(&format!("block {} --rs meter", client.trim()));
    let refused = failed(&site.client("c", request), 1);
    assert!(refused.contains("Blocked"), "{refused}");
    let issue = format!(
        "issue {} --rs meter --class 0007 --roles get,put --ttl 60",
        client.trim()
    );
    // A block holds against everybody until it is lifted.
    let barred = failed(&site.run(&format!("owner --data owner {issue}")), 1);
    assert!(barred.contains("Blocked"), "{barred}");
    site.owner(&format!("revoke {} --rs meter", client.trim()));
    site.owner(&issue);
    site.owner("revoke-all --rs meter");
    let attest = format!(
        "owner --data owner attest {} --rs meter --class 0007 --roles get --ttl 9 --out g",
        client.trim()
    );
    assert!(failed(&site.run(&attest), 3).contains("asks for no grants"));
}

#[test]
fn an_interrupted_or_repeated_setup_is_told_apart() {
    let site = Site::new();
    let before = site.run("owner --data owner deploy");
    assert!(failed(&before, 3).contains("run `init` first"));
    site.owner(&format!("init --ledger {}", site.server.url()));
    assert!(
        failed(
            &site.run(&format!(
                "owner --data owner init --ledger {}",
                site.server.url()
            )),
            3
        )
        .contains("already")
    );
    assert!(failed(&site.run("owner --data owner catalogue"), 3).contains("not complete yet"));
    site.owner("deploy --policy open");
    assert!(
        failed(&site.run("owner --data owner deploy --policy open"), 3)
            .contains("deployed already")
    );
    assert!(
        failed(&site.run("owner --data owner revoke-all --rs nobody"), 3)
            .contains("no resource server `nobody`")
    );
    let missing = "owner --data owner add-resource-server --name m --key none --coap 127.0.0.1:1 --class 0007=a";
    assert!(failed(&site.run(missing), 3).contains("none"));
    fs::write(site.path("owner/owner.json"), "{").unwrap();
    assert!(failed(&site.run("owner --data owner catalogue"), 6).contains("owner.json"));
}

#[test]
fn bad_surroundings_end_with_one_message_and_their_code() {
    let site = Site::new();
    site.set_up("open");
    // 2: the command line
    assert_eq!(site.run("client").status.code(), Some(2));
    assert_eq!(
        site.run("owner --data owner add-resource-server --name m --key k --coap x --class 7=a")
            .status
            .code(),
        Some(2)
    );
    // 3: files and settings
    assert!(
        failed(
            &site.run("client --data c --catalogue nowhere.json get meter/load"),
            3
        )
        .contains("nowhere.json")
    );
    fs::write(site.path("bad.json"), "[]").unwrap();
    assert!(
        failed(
            &site.run("client --data c --catalogue bad.json get meter/load"),
            3
        )
        .contains("bad.json")
    );
    assert!(failed(&site.client("c", "get nobody/load"), 3).contains("nobody"));
    assert!(failed(&site.client("c", "get meter/secret"), 3).contains("no class"));
    keyfile::atomic_write(
        Path::new(&site.path("c/client.key")),
        "1".repeat(64).as_bytes(),
    )
    .unwrap();
    assert!(failed(&site.client("c", "address"), 3).contains("chmod 600"));
    assert!(
        failed(
            &site.run("--log =x= client --data d --catalogue bad.json address"),
            3
        )
        .contains("log filter")
    );
    // 5: the ledger
    let (_, port) = site
        .server
        .url()
        .rsplit_once(':')
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .unwrap();
    let text = fs::read_to_string(site.path("owner/catalogue.json")).unwrap();
    fs::write(
        site.path("owner/dead.json"),
        text.replace(&format!(":{port}"), ":1"),
    )
    .unwrap();
    let dead = site.run(
        "client --data e --catalogue owner/dead.json request-token --rs meter --class 0007 --ttl 9",
    );
    assert!(failed(&dead, 5).contains("ledger"));
    fs::write(site.path("owner/other.json"), text.replace("1337", "1338")).unwrap();
    let other = site.run("client --data e --catalogue owner/other.json request-token --rs meter --class 0007 --ttl 9");
    assert!(failed(&other, 3).contains("chain 1337"));
    // 6: stored state
    fs::create_dir(site.path("full")).unwrap();
    fs::write(site.path("full/letter"), "dear").unwrap();
    assert!(failed(&site.client("full", "address"), 6).contains("not a data directory"));
    assert!(failed(&site.client("owner", "address"), 6).contains("belongs to"));
    fs::create_dir(site.path("chain")).unwrap();
    fs::write(site.path("chain/x"), "y").unwrap();
    failed(&site.run("ledger --data chain --listen 127.0.0.1:0"), 6);
    assert_eq!(fs::read_dir(site.path("chain")).unwrap().count(), 1);
}

#[test]
fn the_ledger_command_serves_and_ends_when_told() {
    let directory = tempfile::tempdir().unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_iotchain"))
        .args([
            "ledger",
            "--data",
            "chain",
            "--listen",
            "127.0.0.1:0",
            "--block-time",
            "20",
        ])
        .current_dir(directory.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let stdout = child.stdout.take().unwrap();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut line).unwrap();
    assert!(
        line.starts_with("ready ledger rpc=http://127.0.0.1:"),
        "{line}"
    );
    assert_eq!(
        iotchain_node::chain::connect(word(&line, "rpc"), CHAIN)
            .unwrap()
            .chain_id()
            .unwrap(),
        CHAIN
    );
    let second = run(directory.path(), "ledger --data chain --listen 127.0.0.1:0");
    failed(&second, 6);
    let pid = i32::try_from(child.id()).unwrap();
    assert!(
        Command::new("kill")
            .args(["-TERM", &pid.to_string()])
            .status()
            .unwrap()
            .success()
    );
    assert!(child.wait().unwrap().success(), "SIGTERM ends it cleanly");
    assert!(
        run(
            directory.path(),
            "ledger --data chain --chain-id 7 --listen 127.0.0.1:0"
        )
        .status
        .code()
            == Some(6)
    );
}

#[test]
fn help_is_worth_reading() {
    let directory = tempfile::tempdir().unwrap();
    let overview = succeeded(&run(directory.path(), "--help"));
    assert!(
        overview.contains("iotchain demo") && overview.contains("Exit codes"),
        "{overview}"
    );
    for command in [
        "ledger",
        "owner",
        "client",
        "client get",
        "client shell",
        "owner certify key-server",
    ] {
        let help = succeeded(&run(directory.path(), &format!("{command} --help")));
        assert!(help.lines().count() > 5, "{help}");
    }
    assert!(succeeded(&run(directory.path(), "client shell --help")).contains("wait-session"));
}

/// A role or a shell as a process; killed when dropped.
struct Process {
    child: std::process::Child,
    lines: std::io::Lines<std::io::BufReader<std::process::ChildStdout>>,
}

impl Process {
    fn start(site: &Site, line: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_iotchain"))
            .args(line.split_whitespace())
            .current_dir(site.directory.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let stdout = std::io::BufReader::new(child.stdout.take().unwrap());
        Self {
            child,
            lines: std::io::BufRead::lines(stdout),
        }
    }

    fn line(&mut self) -> String {
        self.lines.next().expect("the process ended").unwrap()
    }

    fn ask(&mut self, command: &str) -> serde_json::Value {
        use std::io::Write;
        writeln!(self.child.stdin.as_mut().unwrap(), "{command}").unwrap();
        serde_json::from_str(&self.line()).unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_port() -> u16 {
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.local_addr().unwrap().port()
}

#[test]
fn a_shell_joins_follows_and_is_told_of_its_revocation() {
    let site = Site::new();
    site.set_up("open");
    let (coap, coaps) = (free_port(), free_port());
    site.owner(&format!(
        "certify key-server --out ks --coap 127.0.0.1:{coap} --coaps 127.0.0.1:{coaps}"
    ));
    let mut key_server = Process::start(
        &site,
        "key-server --data kd --catalogue owner/catalogue.json --cert ks/key-server.pem --cert-key ks/key-server.key \
         --session 2 --grace 2 --depth 4",
    );
    assert!(key_server.line().starts_with("ready key-server coap="));

    let shell = "client --data c --catalogue owner/catalogue.json shell";
    let mut stranger = Process::start(&site, shell);
    let refused = stranger.ask("join meter/0007");
    assert_eq!(
        (&refused["ok"], &refused["number"]),
        (&false.into(), &72.into()),
        "{refused}"
    );
    assert_eq!(refused["code"], "4.03");
    for wrong in [
        "join meter/9999",
        "join nobody/0007",
        "get meter/load",
        "status",
        "wait-session x",
        "dance",
    ] {
        let answer = stranger.ask(wrong);
        assert_eq!(answer["ok"], false, "{answer}");
        assert!(answer["error"].is_string());
    }
    assert!(failed(&site.client("c", "address"), 6).contains("in use"));
    assert_eq!(stranger.ask("quit")["ok"], true);
    assert!(stranger.child.wait().unwrap().success());

    let client = succeeded(&site.client("c", "address"));
    succeeded(&site.client(
        "c",
        "request-token --rs meter --class 0007 --ttl 600 --no-wait",
    ));
    let mut member = Process::start(&site, shell);
    let joined = member.ask("join meter/0007 30");
    assert_eq!(joined["ok"], true, "{joined}");
    let session = joined["session"].as_u64().unwrap();
    let waited = member.ask(&format!("wait-session {} 30", session + 2));
    assert_eq!(waited["ok"], true, "{waited}");
    let status = member.ask("status");
    assert_eq!(
        (&status["current"], &status["failed"]),
        (&true.into(), &0.into()),
        "{status}"
    );
    assert!(status["held"].as_u64().unwrap() >= 3, "{status}");
    assert!(
        member.ask("events meter/0007")["events"]
            .as_array()
            .unwrap()
            .len()
            >= 2
    );

    site.owner(&format!("block {} --rs meter", client.trim()));
    let deadline = std::time::Instant::now() + Duration::from_secs(60);
    while member.ask("status")["last_error"] != "E_REVOKED_MEMBER" {
        assert!(
            std::time::Instant::now() < deadline,
            "{}",
            member.ask("events")
        );
        std::thread::sleep(Duration::from_millis(200));
    }
    let refused = member.ask("join meter/0007");
    assert_eq!(refused["number"], 74, "{refused}");
}

/// A demo whose temporary files go into `directory`.
fn demo(directory: &Path, line: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_iotchain"));
    command
        .arg("demo")
        .args(line.split_whitespace())
        .env("TMPDIR", directory)
        .env_remove("RUST_LOG")
        .stdin(Stdio::null());
    command
}

/// Command lines of the processes that work in `directory`.
fn at_work(directory: &Path) -> Vec<String> {
    let directory = directory.display().to_string();
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let lines = entries.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    lines
        .map(|line| String::from_utf8_lossy(&line).into_owned())
        .filter(|line| line.contains(&directory))
        .collect()
}

#[test]
fn a_full_stdout_is_an_error_and_no_panic() {
    let directory = tempfile::tempdir().unwrap();
    let full = || {
        fs::OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .unwrap()
    };
    let output = Command::new(env!("CARGO_BIN_EXE_iotchain"))
        .args(["client", "--data", "c", "--catalogue", "none", "address"])
        .current_dir(directory.path())
        .stdout(full())
        .output()
        .unwrap();
    assert!(failed(&output, 3).contains("stdout: No space left"));

    let temporary = directory.path().join("tmp");
    fs::create_dir(&temporary).unwrap();
    let output = demo(&temporary, "").stdout(full()).output().unwrap();
    assert!(failed(&output, 3).contains("stdout: No space left"));
    assert_eq!(fs::read_dir(&temporary).unwrap().count(), 0);
}

#[test]
fn a_demo_refuses_what_it_cannot_protect_before_it_begins() {
    let directory = tempfile::tempdir().unwrap();
    let large = directory.path().join("large");
    fs::write(&large, vec![0; 65_280]).unwrap();
    for (file, expected) in [
        (directory.path().join("none"), "No such file"),
        (directory.path().to_owned(), "not a regular file"),
        ("/dev/zero".into(), "not a regular file"),
        (large, "room for 65279"),
    ] {
        let line = format!("--file {}", file.display());
        let output = demo(directory.path(), &line).output().unwrap();
        let text = failed(&output, 3);
        assert!(text.contains(expected), "{text}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn an_interrupted_demo_leaves_neither_processes_nor_files() {
    let directory = tempfile::tempdir().unwrap();
    let mut child = demo(directory.path(), "")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    // its end stays open, so that only the signal can be what ends it
    let mut lines = lines.map(Result::unwrap);
    assert!(lines.any(|line| line.contains("publishes signed objects")));
    assert!(!at_work(directory.path()).is_empty());
    let id = child.id().to_string();
    let killed = Command::new("kill").args(["-INT", &id]).status().unwrap();
    assert!(killed.success());
    let start = std::time::Instant::now();
    let rest = lines.count();
    let output = child.wait_with_output().unwrap();
    assert!(failed(&output, 1).contains("interrupted"));
    assert!(
        start.elapsed() < Duration::from_secs(20),
        "{rest} lines later"
    );
    assert_eq!(at_work(directory.path()), [""; 0]);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn a_resource_server_that_waits_for_its_key_server_ends_when_told() {
    let site = Site::new();
    site.set_up("open");
    // nobody answers there, and nobody says so
    let silent = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    site.owner(&format!("certify key-server --out ks --coaps {address}"));
    let mut child = Command::new(env!("CARGO_BIN_EXE_iotchain"))
        .args(
            "resource-server --data meter --catalogue owner/catalogue.json --name meter".split(' '),
        )
        .args("--key-file rs.key --cert rs/resource-server.pem".split(' '))
        .args("--cert-key rs/resource-server.key --coap 127.0.0.1:0".split(' '))
        .args(["--resource", "load=proc:loadavg"])
        .current_dir(site.directory.path())
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    // its ClientHello: it is in the middle of the handshake
    silent
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    silent.recv(&mut [0; 2048]).unwrap();
    let id = child.id().to_string();
    assert!(Command::new("kill").arg(&id).status().unwrap().success());
    let start = std::time::Instant::now();
    assert!(child.wait().unwrap().success());
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[test]
fn what_a_client_is_to_send_has_to_be_named() {
    let site = Site::new();
    site.set_up("open");
    for (line, code) in [
        ("put meter/load", 2),
        ("post meter/load", 2),
        ("put meter/load on --file x", 2),
        ("fetch meter/load body", 2),
        ("put nobody/load on", 3),
        ("put meter/load --file no-such-file", 3),
    ] {
        let output = site.client("c", line);
        assert_eq!(output.status.code(), Some(code), "{line}");
    }
}
