//! A deployment in this process: an embedded chain with the contract, one authority, two resource servers, a key server on
//! the loopback.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use iotchain::core::cbor::Reader;
use iotchain::join::{
    AccessResponse, Ccs, JoinRequest, JoinResponse, ProblemDetails, TransferRequest,
    TransferResponse,
};
use iotchain::token::{
    AccountId, ChannelBinding, Claims, Class, ClientKey, Policy, Scope, TokenRef,
};
use iotchain::{
    Address, Error, Gid, GroupName, Roles, Secret, Session, Sid, SignAlg, Signer, SigningKey,
    Thumbprint, UnixTime,
};
use iotchain_ledger::contract::ResourcePolicy;
use iotchain_ledger::embedded::{Config as Chain, Sealing};
use iotchain_ledger::{
    AccessToken, Account, Call as LedgerCall, EmbeddedLedger, Hash, Header, Ledger, LedgerError,
    Log, Receipt, Sender, Word,
};
use iotchain_node::NodeError;
use iotchain_node::catalogue::{Catalogue, ClassKey, KeyServer as Published, ResourceServer};
use iotchain_node::coap::{Call, Client, Code, Reply, Settings, Transmission, content_format};
use iotchain_node::dtls::pki::{Authority, Identity, Name};
use iotchain_node::dtls::{ClientConfig, ServerConfig, ServerName};
use iotchain_node::key_server::{Config, KeyServer, Terms};
use tempfile::TempDir;

pub(crate) const ANYWHERE: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);
pub(crate) const CLASS: Class = Class::new(7);
/// Seconds a token lives unless a test says otherwise.
pub(crate) const TTL: u64 = 3600;
const PATIENCE: Duration = Duration::from_secs(30);

/// A chain that can be made to fall silent.
pub(crate) struct Switch {
    pub(crate) chain: Arc<EmbeddedLedger>,
    silent: AtomicBool,
    /// Milliseconds until it answers.
    delay: AtomicU64,
    /// Seconds that its head is dated ahead.
    ahead: AtomicU64,
}

impl Switch {
    /// Lets the chain take its time.
    pub(crate) fn slow_down(&self, delay: Duration) {
        self.delay
            .store(delay.as_millis().try_into().unwrap(), Ordering::SeqCst);
    }

    /// Dates the head ahead of the clock.
    pub(crate) fn date_ahead(&self, seconds: u64) {
        self.ahead.store(seconds, Ordering::SeqCst);
    }

    pub(crate) fn silence(&self, silent: bool) {
        self.silent.store(silent, Ordering::SeqCst);
    }

    fn asked(&self) -> Result<&EmbeddedLedger, LedgerError> {
        if self.silent.load(Ordering::SeqCst) {
            return Err(LedgerError::Unavailable("switched off".into()));
        }
        Ok(&self.chain)
    }
}

impl Ledger for Switch {
    fn chain_id(&self) -> Result<u64, LedgerError> {
        self.asked()?.chain_id()
    }
    fn head(&self) -> Result<Header, LedgerError> {
        std::thread::sleep(Duration::from_millis(self.delay.load(Ordering::SeqCst)));
        let head = self.asked()?.head()?;
        let ahead = self.ahead.load(Ordering::SeqCst);
        Ok(Header {
            timestamp: head.timestamp.saturating_add(ahead),
            ..head
        })
    }
    fn header(&self, number: u64) -> Result<Option<Header>, LedgerError> {
        self.asked()?.header(number)
    }
    fn header_by_hash(&self, hash: Hash) -> Result<Option<Header>, LedgerError> {
        self.asked()?.header_by_hash(hash)
    }
    fn storage_at(&self, contract: Address, slot: Word, block: Hash) -> Result<Word, LedgerError> {
        self.asked()?.storage_at(contract, slot, block)
    }
    fn code_hash(&self, contract: Address, block: Hash) -> Result<Hash, LedgerError> {
        self.asked()?.code_hash(contract, block)
    }
    fn call(&self, call: &LedgerCall<'_>, block: Hash) -> Result<Vec<u8>, LedgerError> {
        self.asked()?.call(call, block)
    }
    fn logs(
        &self,
        contract: Address,
        blocks: RangeInclusive<u64>,
    ) -> Result<Vec<Log>, LedgerError> {
        self.asked()?.logs(contract, blocks)
    }
    fn nonce(&self, account: Address) -> Result<u64, LedgerError> {
        self.asked()?.nonce(account)
    }
    fn send(&self, transaction: &[u8]) -> Result<Hash, LedgerError> {
        self.asked()?.send(transaction)
    }
    fn receipt(&self, transaction: Hash) -> Result<Option<Receipt>, LedgerError> {
        self.asked()?.receipt(transaction)
    }
}

pub(crate) struct World {
    pub(crate) directory: TempDir,
    pub(crate) ledger: Arc<Switch>,
    pub(crate) owner: Account,
    pub(crate) contract: AccessToken,
    pub(crate) authority: Authority,
    pub(crate) identity: Identity,
    pub(crate) meter: SigningKey,
    pub(crate) valve: SigningKey,
    pub(crate) catalogue: Catalogue,
    pub(crate) terms: Terms,
    pub(crate) confirmations: u32,
}

impl World {
    pub(crate) fn new() -> Self {
        let chain = Chain {
            sealing: Sealing::every(Duration::from_millis(20)),
            ..Chain::default()
        };
        let ledger = Arc::new(Switch {
            chain: Arc::new(EmbeddedLedger::in_memory(&chain).unwrap()),
            silent: AtomicBool::new(false),
            delay: AtomicU64::new(0),
            ahead: AtomicU64::new(0),
        });
        let owner = Account::from_bytes(&[0x11; 32]).unwrap();
        let (meter, valve) = (signing_key(0x21), signing_key(0x22));
        let contract = {
            let sender = Sender::new(&*ledger, &owner);
            let contract = AccessToken::deploy(&sender, owner.address()).unwrap();
            let policy = AccessToken::deploy_open_policy(&sender).unwrap();
            for key in [&meter, &valve] {
                let terms = ResourcePolicy {
                    policy,
                    max_ttl: 30 * 86_400,
                    policy_gas: 200_000,
                };
                contract
                    .set_resource(&sender, address(key), &terms)
                    .unwrap();
            }
            contract
        };
        let directory = tempfile::tempdir().unwrap();
        let authority = Authority::create("owner", 2).unwrap();
        let identity = authority
            .issue("key-server", &[Name::Ip(ANYWHERE.ip())], 2)
            .unwrap();
        let ca = directory.path().join("ca.pem");
        authority.anchor().write(&ca).unwrap();
        let server = |name: &str, key: &SigningKey| ResourceServer {
            name: name.into(),
            rs: address(key),
            key: key.public(),
            coap: ANYWHERE,
            proxy: None,
            classes: [(ClassKey(CLASS), vec!["load".parse().unwrap()])].into(),
        };
        let catalogue = Catalogue {
            chain_id: ledger.chain_id().unwrap(),
            ledger: "http://127.0.0.1:1".into(),
            contract: contract.address(),
            owner: owner.address(),
            confirmations: 2,
            key_server: Published {
                coap: ANYWHERE,
                coaps: ANYWHERE,
                name: ANYWHERE.ip().to_string(),
                ca,
            },
            resource_servers: vec![server("meter", &meter), server("valve", &valve)],
        };
        let terms = Terms {
            session: 1,
            grace: 5,
            epoch: 1000,
            depth: 6,
            max_event: 4096,
            admissions: 4,
        };
        Self {
            directory,
            ledger,
            owner,
            contract,
            authority,
            identity,
            meter,
            valve,
            catalogue,
            terms,
            confirmations: 2,
        }
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    pub(crate) fn config(&self) -> Config {
        Config {
            data: self.data(),
            coap: ANYWHERE,
            coaps: ANYWHERE,
            dtls: ServerConfig::new(self.identity.clone(), Some(self.authority.anchor())),
            terms: self.terms,
            policy: Policy {
                confirmations: self.confirmations,
                ..Policy::default()
            },
            ledger: self.ledger.clone(),
            catalogue: self.catalogue.clone(),
        }
    }

    pub(crate) fn start(&self) -> KeyServer {
        self.try_start().unwrap()
    }

    pub(crate) fn try_start(&self) -> Result<KeyServer, NodeError> {
        KeyServer::start(self.config())
    }

    /// The group of the meter.
    pub(crate) fn group(&self) -> GroupName {
        CLASS.group(&address(&self.meter))
    }

    /// Gives a client a token for the meter.
    pub(crate) fn issue(&self, client: u8, roles: Roles, ttl: u64) {
        let claims = Claims::new(roles, CLASS).unwrap().encode();
        let (client, rs) = (client_key(client).address(), address(&self.meter));
        let sender = Sender::new(&*self.ledger, &self.owner);
        self.contract
            .issue_token(&sender, client, rs, claims, ttl, 0)
            .unwrap();
    }

    /// Gives a token and lets it become deep enough.
    pub(crate) fn grant(&self, client: u8, roles: Roles) {
        self.issue(client, roles, TTL);
        self.confirm();
    }

    pub(crate) fn delete(&self, client: u8) {
        let sender = Sender::new(&*self.ledger, &self.owner);
        self.contract
            .delete_token(&sender, client_key(client).address(), address(&self.meter))
            .unwrap();
    }

    /// Puts as many blocks on top as a token needs.
    pub(crate) fn confirm(&self) {
        (0..=self.confirmations).for_each(|_| _ = self.ledger.chain.seal_block().unwrap());
    }

    pub(crate) fn token(&self, client: u8) -> TokenRef {
        TokenRef {
            chain: self.catalogue.chain_id,
            contract: self.contract.address(),
            client: client_key(client).address(),
        }
    }

    /// A certificate that names a resource server.
    pub(crate) fn certify(&self, key: &SigningKey) -> Identity {
        self.authority
            .issue("rs", &[Name::ResourceServer(*address(key).as_bytes())], 2)
            .unwrap()
    }

    /// An anonymous association.
    pub(crate) fn connect(&self, server: &KeyServer) -> Link {
        self.connect_as(server, None)
    }

    pub(crate) fn connect_as(&self, server: &KeyServer, identity: Option<&Identity>) -> Link {
        self.connect_with(server, identity, settings())
    }

    pub(crate) fn connect_with(
        &self,
        server: &KeyServer,
        identity: Option<&Identity>,
        settings: Settings,
    ) -> Link {
        self.connect_at(server.coaps(), identity, settings)
    }

    pub(crate) fn connect_at(
        &self,
        coaps: SocketAddr,
        identity: Option<&Identity>,
        settings: Settings,
    ) -> Link {
        let config = ClientConfig::new(
            &self.authority.anchor(),
            ServerName::Ip(ANYWHERE.ip()),
            identity,
        )
        .unwrap();
        Link {
            client: Client::dtls(coaps, &config, settings).unwrap(),
            group: self.group(),
        }
    }

    /// Joins the meter's group as a client, on an association of its own.
    pub(crate) fn join(&self, server: &KeyServer, client: u8, roles: Roles) -> (Link, Material) {
        let mut link = self.connect(server);
        let reply = link.join(self.token(client), client, roles);
        let material = link.accept(&reply);
        (link, material)
    }

    /// Joins as the meter.
    pub(crate) fn join_meter(&self, server: &KeyServer) -> (Link, Material) {
        let mut link = self.connect_as(server, Some(&self.certify(&self.meter)));
        let reply = link.join_server(&self.meter, address(&self.meter));
        let material = link.accept(&reply);
        (link, material)
    }
}

pub(crate) fn settings() -> Settings {
    Settings {
        transmission: Transmission {
            ack_timeout: Duration::from_millis(500),
            max_retransmit: 5,
        },
        response_timeout: PATIENCE,
        handshake_timeout: PATIENCE,
        ..Settings::default()
    }
}

pub(crate) fn signing_key(secret: u8) -> SigningKey {
    SigningKey::from_bytes(SignAlg::Es256k, &[secret; 32]).unwrap()
}

pub(crate) fn client_key(client: u8) -> ClientKey {
    ClientKey::from_bytes(&[client; 32]).unwrap()
}

pub(crate) fn address(key: &SigningKey) -> Address {
    key.public().address().unwrap()
}

/// Waits for something that takes a session or two.
pub(crate) fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + PATIENCE;
    loop {
        match look() {
            Some(found) => return found,
            None => assert!(Instant::now() < until, "never: {what}"),
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// One association with the key server.
pub(crate) struct Link {
    pub(crate) client: Client,
    pub(crate) group: GroupName,
}

/// What a test wants to know of a join response; the key server's proof was verified.
#[derive(Clone, Debug)]
pub(crate) struct Material {
    pub(crate) code: Code,
    pub(crate) node: String,
    pub(crate) gid: Gid,
    pub(crate) sid: Sid,
    pub(crate) session: Session,
    pub(crate) expires_at: UnixTime,
    pub(crate) time: UnixTime,
    pub(crate) personal_key: Vec<u8>,
    pub(crate) next_personal_key: Option<Vec<u8>>,
    pub(crate) server_secret: Option<Secret<32>>,
    pub(crate) access_key: Option<[u8; 32]>,
    pub(crate) peers: Vec<(Sid, Address)>,
    pub(crate) payload: Vec<u8>,
}

pub(crate) const CNONCE: [u8; 16] = *b"a nonce of mine.";

impl Link {
    pub(crate) fn binding(&self) -> ChannelBinding {
        ChannelBinding::Exporter(self.client.association().unwrap().exporter)
    }

    pub(crate) fn post(&mut self, target: &str, format: u16, body: &[u8]) -> Reply {
        self.client
            .request(&Call::post(target, format, body))
            .unwrap()
    }

    /// GET below the group, whatever the code.
    pub(crate) fn get(&mut self, below: &str) -> Reply {
        self.call(Code::GET, below)
    }

    pub(crate) fn call(&mut self, code: Code, below: &str) -> Reply {
        let target = format!("ace-group/{}{below}", self.group);
        self.client.request(&Call::new(code, &target)).unwrap()
    }

    pub(crate) fn transfer(&mut self, token: TokenRef) -> TransferResponse {
        let mut body = [0; TransferRequest::MAX_LEN];
        let len = TransferRequest { token }.encode(&mut body).unwrap();
        let reply = self.post("authz-info", content_format::ACE_CBOR, &body[..len]);
        assert_eq!(
            (reply.code, reply.content_format()),
            (Code::CREATED, Some(content_format::ACE_CBOR))
        );
        TransferResponse::parse(&reply.payload).unwrap()
    }

    /// A whole, honest join of a client.
    pub(crate) fn join(&mut self, token: TokenRef, client: u8, roles: Roles) -> Reply {
        let body = self.request(token, client, roles, |_| {});
        self.send(&body)
    }

    /// A join request whose fields `change` may spoil before it is signed.
    pub(crate) fn request(
        &mut self,
        token: TokenRef,
        client: u8,
        roles: Roles,
        change: impl FnOnce(&mut JoinRequest<'_>),
    ) -> Vec<u8> {
        let transfer = self.transfer(token);
        let mut request = JoinRequest {
            scope: Scope {
                group: self.group,
                roles,
            },
            credential: None,
            cnonce: &CNONCE,
            proof: &[],
            challenge: transfer.challenge,
            token,
        };
        change(&mut request);
        let proof = {
            let (binding, ks) = (self.binding(), transfer.key_server.thumbprint());
            // What cannot be signed is sent with a signature of something else.
            let digest = request.pop_input(&binding, &ks).digest().unwrap_or([1; 32]);
            client_key(client).sign(&digest).unwrap().encode()
        };
        request.proof = &proof;
        encode(&request)
    }

    /// A whole join of a resource server that signs with `key` and claims `rs`.
    pub(crate) fn join_server(&mut self, key: &SigningKey, rs: Address) -> Reply {
        let token = TokenRef::resource_server(rs);
        let transfer = self.transfer(token);
        let mut request = JoinRequest {
            scope: Scope {
                group: self.group,
                roles: Roles::PRODUCER,
            },
            credential: Some(Ccs {
                subject: Some(AccountId {
                    chain: 0,
                    address: rs,
                }),
                key: key.public(),
            }),
            cnonce: &CNONCE,
            proof: &[],
            challenge: transfer.challenge,
            token,
        };
        let proof = {
            let (binding, ks) = (self.binding(), transfer.key_server.thumbprint());
            request
                .pop_input(&binding, &ks)
                .sign_as_server(key)
                .unwrap()
        };
        request.proof = &proof;
        let body = encode(&request);
        self.send(&body)
    }

    pub(crate) fn send(&mut self, body: &[u8]) -> Reply {
        let target = format!("ace-group/{}", self.group);
        self.post(&target, content_format::ACE_GROUPCOMM, body)
    }

    /// The material in an answer that must be a success.
    pub(crate) fn accept(&mut self, reply: &Reply) -> Material {
        assert!(
            reply.code.is_success(),
            "{}: {:?}",
            reply.code,
            refusal(reply)
        );
        assert_eq!(reply.content_format(), Some(content_format::ACE_GROUPCOMM));
        let ks = self
            .transfer(TokenRef::resource_server(Address::ZERO))
            .key_server
            .thumbprint();
        material(reply, &ks)
    }

    /// The current session; `None` if the association may not know.
    pub(crate) fn num(&mut self) -> Option<Session> {
        let reply = self.get("/num");
        (reply.code == Code::CONTENT)
            .then(|| Session::new(Reader::new(&reply.payload).u32().unwrap()))
    }

    /// Waits for the start of a session after `session`.
    pub(crate) fn later_than(&mut self, session: Session) -> Session {
        eventually("the next session", || {
            self.num().filter(|num| *num > session)
        })
    }

    pub(crate) fn access_key(&mut self, rs: Address) -> Result<[u8; 32], (Code, Option<Error>)> {
        let reply = self.get(&format!("/ak?rs={rs}"));
        if reply.code != Code::CONTENT {
            return Err(refusal(&reply));
        }
        let keys = AccessResponse::parse(&reply.payload).unwrap().access_keys;
        let key = keys.iter().next().unwrap();
        assert_eq!((keys.len(), key.rs), (1, rs));
        Ok(*key.key.expose())
    }
}

pub(crate) fn encode(request: &JoinRequest<'_>) -> Vec<u8> {
    let mut body = vec![0; 4096];
    let len = request.encode(&mut body).unwrap();
    body.truncate(len);
    body
}

fn material(reply: &Reply, ks: &Thumbprint) -> Material {
    let response = JoinResponse::parse(&reply.payload)
        .unwrap()
        .verify(&CNONCE, ks)
        .unwrap();
    let access = response
        .key_map
        .access_keys
        .and_then(|keys| keys.iter().next());
    Material {
        code: reply.code,
        node: reply
            .location()
            .rsplit('/')
            .next()
            .unwrap_or_default()
            .to_owned(),
        gid: response.key_map.gid,
        sid: response.key_map.sid,
        session: response.session,
        expires_at: response.expires_at,
        time: response.key_server_time(),
        personal_key: response.personal_key.to_vec(),
        next_personal_key: response.next_personal_key.map(<[u8]>::to_vec),
        server_secret: response.key_map.server_secret.clone(),
        access_key: access.map(|access| *access.key.expose()),
        peers: response
            .peers()
            .map(|peer| (peer.sid, peer.subject))
            .collect(),
        payload: reply.payload.clone(),
    }
}

/// Code and number of a refusal.
pub(crate) fn refusal(reply: &Reply) -> (Code, Option<Error>) {
    assert!(!reply.code.is_success());
    if reply.payload.is_empty() {
        return (reply.code, None);
    }
    assert_eq!(
        reply.content_format(),
        Some(content_format::PROBLEM_DETAILS)
    );
    let details = ProblemDetails::parse(&reply.payload).unwrap();
    assert_eq!(details.code(), reply.code.0);
    (reply.code, details.error)
}

/// What a signed event says: its epoch and its session, from `[2, epoch, k, depth, last, nbf, dur, nonce, anchor, kcv,
/// [..., session], ...]`.
pub(crate) fn read_event(event: &[u8]) -> (u32, Session) {
    let mut reader = Reader::new(event);
    assert_eq!(reader.array(), Ok(4));
    reader.skip().unwrap();
    reader.skip().unwrap();
    let mut payload = Reader::new(reader.bytes().unwrap());
    assert_eq!((payload.array(), payload.u32()), (Ok(13), Ok(2)));
    let epoch = payload.u32().unwrap();
    (0..8).for_each(|_| _ = payload.skip().unwrap());
    let sessions = payload.array().unwrap();
    let session = (0..sessions).map(|_| payload.u32().unwrap()).last();
    (epoch, Session::new(session.unwrap()))
}

/// A plain client for broadcasts.
pub(crate) fn plain(server: &KeyServer) -> Client {
    Client::udp(server.coap(), settings()).unwrap()
}

/// The binary, as a key server.
pub(crate) struct Process {
    child: std::process::Child,
    pub(crate) coap: SocketAddr,
    pub(crate) coaps: SocketAddr,
}

impl Process {
    /// SIGKILL: nothing is tidied up.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Lets its files grow to so many bytes only, or as they like.
    pub(crate) fn limit_files(&self, bytes: Option<u64>) {
        let limit = bytes.map_or("unlimited".to_owned(), |bytes| bytes.to_string());
        let status = std::process::Command::new("prlimit")
            .args([
                "--pid",
                &self.child.id().to_string(),
                &format!("--fsize={limit}:unlimited"),
            ])
            .status()
            .unwrap();
        assert!(status.success());
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, name: &str) {
        let status = std::process::Command::new("kill")
            .args(["-s", name, &self.child.id().to_string()])
            .status()
            .unwrap();
        assert!(status.success());
    }

    /// SIGTERM, and how it ended.
    pub(crate) fn terminate(&mut self) -> std::process::ExitStatus {
        self.signal("TERM");
        self.child.wait().unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl World {
    /// JSON-RPC in front of the chain, as other processes need it.
    pub(crate) fn serve_ledger(&self) -> iotchain_ledger::rpc::Server {
        iotchain_ledger::rpc::Server::start(self.ledger.chain.clone(), ANYWHERE).unwrap()
    }

    /// Starts the binary in [`World::data`] and waits until it serves.
    pub(crate) fn spawn(&self) -> Process {
        self.spawn_with(&[])
    }

    /// The command that starts the binary, with more arguments.
    pub(crate) fn command(&self, arguments: &[String]) -> std::process::Command {
        let file = |name: &str| self.directory.path().join(name);
        let mut published = self.catalogue.clone();
        published.key_server.ca = "ca.pem".into();
        std::fs::write(file("catalogue.json"), published.to_json().unwrap()).unwrap();
        self.identity
            .write(&file("ks.pem"), &file("ks-tls.key"))
            .unwrap();
        // A file that may not grow is then an error, as on a full disk, and not a signal.
        let mut command = std::process::Command::new("sh");
        command
            .args([
                "-c",
                "trap '' XFSZ; exec \"$@\"",
                "sh",
                env!("CARGO_BIN_EXE_iotchain"),
            ])
            .args(["key-server", "--session", "1", "--depth", "6"])
            .args(["--epoch", &self.terms.epoch.to_string(), "--data"])
            .arg(self.data())
            .arg("--catalogue")
            .arg(file("catalogue.json"))
            .arg("--cert")
            .arg(file("ks.pem"))
            .arg("--cert-key")
            .arg(file("ks-tls.key"))
            .args(arguments);
        command
    }

    /// As [`World::spawn`], with more arguments.
    pub(crate) fn spawn_with(&self, arguments: &[String]) -> Process {
        use std::io::BufRead;
        let mut child = self
            .command(arguments)
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        std::io::BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let address = |name| {
            let mut words = line.split_whitespace();
            let address = words.find_map(|word| word.strip_prefix(name));
            address.unwrap_or_else(|| panic!("{line}")).parse().unwrap()
        };
        Process {
            coap: address("coap="),
            coaps: address("coaps="),
            child,
        }
    }

    /// As [`World::join`], at an address.
    pub(crate) fn join_at(&self, coaps: SocketAddr, client: u8, roles: Roles) -> (Link, Material) {
        let mut link = self.connect_at(coaps, None, settings());
        let reply = link.join(self.token(client), client, roles);
        let material = link.accept(&reply);
        (link, material)
    }
}
