//! The client in C of `examples/c` against the roles as processes. `cargo xtask c-client` builds it and names it in
//! `IOTCHAIN_C_CLIENT`; without that, the test says so and passes.

use std::io::{BufRead, BufReader};
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use iotchain_ledger::embedded::{Config, Sealing};
use iotchain_ledger::{EmbeddedLedger, rpc};
use iotchain_node::address;
use iotchain_node::catalogue::Catalogue;

/// Everything that runs, in a directory of its own.
struct Site {
    client: PathBuf,
    directory: tempfile::TempDir,
    ledger: rpc::Server,
    roles: Vec<Role>,
}

/// A role that serves; it ends with the test.
struct Role(Child);

impl Drop for Role {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Whose key, over which way, from where.
#[derive(Clone, Copy)]
struct Reading<'a> {
    account: &'a str,
    key_server: &'a str,
    ca: &'a str,
    proxy: bool,
}

const USUAL: Reading<'static> = Reading {
    account: "alice",
    key_server: "127.0.0.1",
    ca: "owner/ca.pem",
    proxy: false,
};

impl Site {
    /// Ledger, key server, proxy, and a resource server `meter` with the resource `doc`.
    fn new(client: PathBuf, document: &str) -> Self {
        let config = Config {
            chain_id: 1337,
            sealing: Sealing::every(Duration::from_millis(20)),
            ..Config::default()
        };
        let ledger = Arc::new(EmbeddedLedger::in_memory(&config).unwrap());
        let ledger = rpc::Server::start(ledger, "127.0.0.1:0").unwrap();
        let url = ledger.url();
        let mut site = Self {
            client,
            directory: tempfile::tempdir().unwrap(),
            ledger,
            roles: Vec::new(),
        };
        std::fs::write(site.path("doc"), document).unwrap();
        let [ks, ks_tls, rs, proxy] = free_addresses();
        site.owner(&format!("init --ledger {url}"));
        site.owner("deploy --policy open");
        site.owner(&format!(
            "certify key-server --out ks --ip 127.0.0.1 --coap {ks} --coaps {ks_tls}"
        ));
        site.owner("new-key --out rs.key");
        site.owner(&format!(
            "add-resource-server --name meter --key rs.key --coap {rs} --proxy coap://{proxy} --class 0007=doc"
        ));
        site.owner("certify resource-server --key-file rs.key --out rs");
        site.start("key-server --data k --cert ks/key-server.pem --cert-key ks/key-server.key");
        site.start(&format!("proxy --data p --coap {proxy}"));
        site.start(
            "resource-server --data r --name meter --key-file rs.key --cert rs/resource-server.pem \
             --cert-key rs/resource-server.key --publish 1 --resource doc=file:doc",
        );
        site
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_iotchain"));
        command.args(line.split_whitespace());
        command
            .current_dir(self.directory.path())
            .stdin(Stdio::null());
        command
    }

    fn run(&self, line: &str) -> String {
        succeeded(&self.command(line).output().unwrap())
    }

    fn owner(&self, line: &str) -> String {
        self.run(&format!("owner --data owner {line}"))
    }

    fn account(&self, name: &str, line: &str) -> String {
        self.run(&format!(
            "client --data {name} --catalogue owner/catalogue.json {line}"
        ))
    }

    /// Starts a role and waits until it says that it serves.
    fn start(&mut self, line: &str) {
        let mut command = self.command(&format!("{line} --catalogue owner/catalogue.json"));
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let stdout = child.stdout.take().unwrap();
        self.roles.push(Role(child));
        let ready = BufReader::new(stdout).lines().map_while(Result::ok);
        assert!(
            ready.take(5).any(|line| line.starts_with("ready ")),
            "{line}"
        );
    }

    /// Runs the client in C.
    fn read(&self, how: Reading<'_>) -> Output {
        let catalogue = Catalogue::read(&self.path("owner/catalogue.json")).unwrap();
        let meter = catalogue.expect_resource_server("meter").unwrap();
        let group = catalogue.groups().next().unwrap().name();
        let port = catalogue.key_server.coaps.port();
        let mut command = Command::new(&self.client);
        command.current_dir(self.directory.path());
        if how.proxy {
            command.arg("--stored");
        }
        command
            .arg(format!("coaps://{}:{port}", how.key_server))
            .args([how.ca, &format!("{}/client.key", how.account)])
            .arg(catalogue.chain_id.to_string())
            .arg(address::text(&catalogue.contract))
            .arg(self.account(how.account, "address").trim())
            .arg(address::text(&meter.rs))
            .arg(group.as_str())
            .arg(match meter.proxy.filter(|_| how.proxy) {
                Some(proxy) => format!("coap://{}/meter/doc", proxy.0),
                None => format!("coap://{}/doc", meter.coap),
            });
        command.output().unwrap()
    }

    /// That the client gets nothing, and what it says about that.
    #[track_caller]
    fn refused(&self, how: Reading<'_>) -> String {
        let output = self.read(how);
        assert_eq!(output.status.code(), Some(1));
        assert!(output.stdout.is_empty());
        String::from_utf8(output.stderr).unwrap()
    }
}

fn succeeded(output: &Output) -> String {
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaints}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Addresses that were free a moment ago; all held at once, so that they differ.
fn free_addresses() -> [String; 4] {
    let sockets = [(); 4].map(|()| UdpSocket::bind("127.0.0.1:0").unwrap());
    sockets.map(|socket| socket.local_addr().unwrap().to_string())
}

#[test]
fn the_client_in_c_reads_from_server_and_proxy_what_its_token_grants() {
    let Some(client) = std::env::var_os("IOTCHAIN_C_CLIENT") else {
        println!("skipped: IOTCHAIN_C_CLIENT names no client");
        return;
    };
    // Longer than one block.
    let document = "what only the holder of a token reads\n".repeat(50);
    let site = Site::new(Path::new(&client).into(), &document);
    site.account("alice", "request-token --rs meter --class 0007 --ttl 600");
    assert_eq!(succeeded(&site.read(USUAL)), document);

    // The first signed object reaches the proxy a moment after the resource server serves.
    let stored = Reading {
        proxy: true,
        ..USUAL
    };
    let deadline = Instant::now() + Duration::from_secs(40);
    let mut output = site.read(stored);
    while !output.status.success() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(200));
        output = site.read(stored);
    }
    assert_eq!(succeeded(&output), document);

    let stranger = Reading {
        account: "bob",
        ..USUAL
    };
    let reason = site.refused(stranger);
    assert!(reason.contains("no token"), "{reason}");

    let url = site.ledger.url();
    site.run(&format!("owner --data other init --ledger {url}"));
    let anchored_elsewhere = Reading {
        ca: "other/ca.pem",
        ..USUAL
    };
    let reason = site.refused(anchored_elsewhere);
    assert!(reason.contains("certified key server"), "{reason}");

    // Another spelling of the same address, which does not stand in the certificate.
    let misnamed = Reading {
        key_server: "127.1",
        ..USUAL
    };
    let reason = site.refused(misnamed);
    assert!(reason.contains("certified key server"), "{reason}");

    site.owner(&format!(
        "revoke {} --rs meter",
        site.account("alice", "address").trim()
    ));
    let reason = site.refused(USUAL);
    assert!(reason.contains("no token"), "{reason}");
}
