//! Our server and client against libcoap, an implementation of others. Where it is not installed
//! (Debian: `libcoap3-bin`), each test says so and passes.

mod bench;

use bench::{ANYWHERE, BRISK, Pki, Store, settings};
use iotchain_node::{
    coap::{Call, Client, Code, content_format},
    runtime::{Handle, Server},
};
use std::{
    fs,
    net::{SocketAddr, UdpSocket},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

fn installed(program: &str) -> bool {
    let found = Command::new(program)
        .arg("-h")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok();
    if !found {
        println!("skipped: {program} is not installed");
    }
    found
}

fn server(pki: &Pki) -> Handle {
    let builder = Server::builder(Store::default())
        .coap(ANYWHERE)
        .coaps(ANYWHERE, pki.server());
    builder.transmission(BRISK).spawn().unwrap()
}

fn body() -> Vec<u8> {
    (0..10_000u32).map(|i| (i * 7 + i / 256) as u8).collect()
}

/// Runs a client of libcoap and returns what it printed.
fn run(program: &str, arguments: &[&str], uri: &str) -> String {
    let output = Command::new(program)
        .args(["-v", "3", "-B", "20"])
        .args(arguments)
        .arg(uri)
        .output()
        .unwrap();
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// A body there and back, in blocks of libcoap's choice and of 64 bytes.
fn round_trips(program: &str, base: &str, security: &[&str], directory: &Path) {
    let (there, back) = (directory.join("there"), directory.join("back"));
    fs::write(&there, body()).unwrap();
    let (there, back) = (there.to_str().unwrap(), back.to_str().unwrap());
    for block in [&[][..], &["-b", "64"]] {
        let _ = fs::remove_file(back);
        let uri = format!("{base}/files/a");
        let put = run(
            program,
            &[security, block, &["-m", "put", "-f", there]].concat(),
            &uri,
        );
        let get = run(
            program,
            &[security, block, &["-m", "get", "-o", back]].concat(),
            &uri,
        );
        assert_eq!(
            fs::read(back).unwrap_or_default(),
            body(),
            "{program} {block:?}: {put} {get}"
        );
    }
    assert!(
        run(
            program,
            &[security, &["-m", "get"]].concat(),
            &format!("{base}/slow")
        )
        .contains("at last")
    );
    let links = run(
        program,
        &[security, &["-m", "get"]].concat(),
        &format!("{base}/.well-known/core"),
    );
    assert!(links.contains("</a>;ct=42;obs"), "{links}");
}

#[test]
fn plain_clients_of_libcoap_are_served() {
    if !installed("coap-client-notls") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let server = server(&Pki::new());
    let base = format!("coap://{}", server.coap_addr().unwrap());
    round_trips("coap-client-notls", &base, &[], directory.path());
    let missing = run("coap-client-notls", &["-m", "get"], &format!("{base}/none"));
    assert!(missing.contains("4.04"), "{missing}");
}

#[test]
fn an_observer_of_libcoap_hears_of_changes() {
    if !installed("coap-client-notls") {
        return;
    }
    let server = server(&Pki::new());
    let addr = server.coap_addr().unwrap();
    let mut writer = Client::udp(addr, settings()).unwrap();
    let mut put = |text: &str| {
        writer
            .request(&Call::put("a", content_format::TEXT_PLAIN, text))
            .unwrap();
    };
    put("state-0");
    let mut command = Command::new("coap-client-notls");
    command
        .args(["-v", "3", "-s", "3", "-B", "4", "-m", "get"])
        .arg(format!("coap://{addr}/a"));
    let observer = command
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    for n in 1..4 {
        std::thread::sleep(Duration::from_millis(400));
        put(&format!("state-{n}"));
    }
    let seen = String::from_utf8_lossy(&observer.wait_with_output().unwrap().stdout).into_owned();
    for n in 0..4 {
        assert!(
            seen.contains(&format!("state-{n}")),
            "state {n} is missing in {seen:?}"
        );
    }
}

#[test]
fn secured_clients_of_libcoap_are_served_with_and_without_certificate() {
    let pki = Pki::new();
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    pki.authority
        .anchor()
        .write(Path::new(&path("ca.pem")))
        .unwrap();
    pki.rs
        .write(Path::new(&path("rs.pem")), Path::new(&path("rs.key")))
        .unwrap();
    let server = server(&pki);
    let base = format!("coaps://{}", server.coaps_addr().unwrap());
    let (ca, certificate, key) = (path("ca.pem"), path("rs.pem"), path("rs.key"));
    for program in ["coap-client-openssl", "coap-client-gnutls"] {
        if installed(program) {
            let named = ["-C", &ca, "-R", &ca, "-c", &certificate, "-j", &key];
            round_trips(program, &base, &named, directory.path());
            let who = run(
                program,
                &[&named[..], &["-m", "get"]].concat(),
                &format!("{base}/who"),
            );
            assert!(who.contains("the resource server"), "{who}");
            let who = run(program, &["-R", &ca, "-m", "get"], &format!("{base}/who"));
            assert!(who.contains("nobody"), "{who}");
        }
    }
}

/// A server of libcoap on a port that was free a moment ago; ends with the test.
struct Theirs(Child, SocketAddr);

impl Theirs {
    fn start(program: &str, arguments: &[&str]) -> Self {
        let port = UdpSocket::bind(ANYWHERE)
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let mut command = Command::new(program);
        command
            .args(["-A", "127.0.0.1", "-d", "10", "-p", &port.to_string()])
            .args(arguments);
        let child = command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(300));
        Theirs(child, ([127, 0, 0, 1], port).into())
    }
}

impl Drop for Theirs {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn talk_to_theirs(mut client: Client) {
    assert_eq!(
        client
            .request(&Call::put("a", content_format::OCTET_STREAM, body()))
            .unwrap()
            .code,
        Code::CREATED
    );
    assert_eq!(client.get("a").unwrap().payload, body());
    assert!(
        !client.get("async?1").unwrap().payload.is_empty(),
        "a separate response"
    );
    let mut observation = client.observe(&Call::get("time")).unwrap();
    let first = observation.next(Duration::from_secs(5)).unwrap().unwrap();
    let second = observation.next(Duration::from_secs(5)).unwrap().unwrap();
    assert_ne!(first.payload, second.payload);
    observation.cancel().unwrap();
}

#[test]
fn a_plain_server_of_libcoap_serves_our_client() {
    if installed("coap-server-notls") {
        let theirs = Theirs::start("coap-server-notls", &[]);
        talk_to_theirs(Client::udp(theirs.1, settings()).unwrap());
    }
}

#[test]
fn a_secured_server_of_libcoap_serves_our_client() {
    let pki = Pki::new();
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    pki.authority.anchor().write(&path("ca.pem")).unwrap();
    pki.server.write(&path("ks.pem"), &path("ks.key")).unwrap();
    let text = |name: &str| path(name).to_str().unwrap().to_owned();
    let (ca, certificate, key) = (text("ca.pem"), text("ks.pem"), text("ks.key"));
    for program in ["coap-server-openssl", "coap-server-gnutls"] {
        if installed(program) {
            let theirs = Theirs::start(
                program,
                &["-C", &ca, "-R", &ca, "-c", &certificate, "-j", &key, "-n"],
            );
            let mut secured = theirs.1;
            secured.set_port(theirs.1.port() + 1);
            talk_to_theirs(Client::dtls(secured, &pki.rs_client(), settings()).unwrap());
        }
    }
}
