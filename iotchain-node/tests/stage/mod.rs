//! A deployment on the loopback around one resource server: catalogue, certificates, key, and a key server reduced to what
//! a resource server sees of it. It believes every proof; that proofs are checked is tested where that is done.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use iotchain::core::AccessKey;
use iotchain::join::{
    Ccs, JoinRequest, JoinResponse, KeyMap, List, ProblemDetails, ServerAccess, TransferResponse,
    kdc_proof,
};
use iotchain::oscar::{MAX_OBJECT_LIMIT, Policy};
use iotchain::selfheal::rsd::{GroupManager, Parameters, Plan};
use iotchain::token::{AccountId, Challenge};
use iotchain::{
    Address, Boot, Error, Exchange, Freshness, Gid, Method, Opened, PairRequest, ResourceId, Roles,
    Secret, Sender, Session, Sid, SignAlg, Signer, SigningKey, StoredState, Suite, UnixTime,
    Zeroizing,
};
use iotchain_node::catalogue::Catalogue;
use iotchain_node::coap::{
    Call, Client, Code, Message, Options, Outcome, Reply, Request, Response, Service, Settings,
    Token, Type, content_format, option::number,
};
use iotchain_node::dtls::ServerConfig;
use iotchain_node::dtls::pki::{Authority, Name};
use iotchain_node::join::HostMembership;
use iotchain_node::resource_server::{Args, BootSalt};
use iotchain_node::runtime::{Handle, Server};
use iotchain_node::{address, clock, cose_key, keyfile};

pub(crate) const ANYWHERE: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);
/// Seconds that a session lasts. Three may begin at once within the tolerance for clocks.
pub(crate) const DURATION: u32 = 20;
const GRACE: u64 = 2;
const CHAIN: u64 = 1337;

pub(crate) struct Rng;

impl rand_core::TryRng for Rng {
    type Error = getrandom::Error;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        getrandom::u32()
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        getrandom::u64()
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Self::Error> {
        getrandom::fill(out)
    }
}

impl rand_core::TryCryptoRng for Rng {}

/// The deployment.
pub(crate) struct Stage {
    pub(crate) directory: tempfile::TempDir,
    pub(crate) rs: SigningKey,
    pub(crate) office: Arc<Mutex<Office>>,
    key_server: Handle,
    json: serde_json::Value,
}

/// Every group, and how the key server behaves.
pub(crate) struct Office {
    key: SigningKey,
    rs: SigningKey,
    groups: HashMap<String, Group>,
    /// Broadcasts cannot be had without DTLS.
    pub(crate) mute: bool,
    /// Broadcasts without DTLS do not verify.
    pub(crate) garbled: bool,
    /// Refuses joins.
    pub(crate) refuse: Option<Error>,
    /// Sends these broadcasts with a join, whatever the session.
    pub(crate) stale: Option<[Vec<u8>; 2]>,
    /// Gives no member its material again.
    pub(crate) silent: bool,
    /// The rights that every token has.
    pub(crate) granted: Roles,
    pub(crate) joins: usize,
}

struct Group {
    manager: GroupManager,
    gid: Gid,
    /// Members by the names of their nodes.
    nodes: HashMap<String, Node>,
    rsk: Secret<32>,
    clients: u8,
}

#[derive(Clone)]
struct Node {
    slot: u32,
    sid: Sid,
    cnonce: Vec<u8>,
}

impl Stage {
    /// With the classes of `classes` (JSON) and sessions counted from `age` seconds ago.
    pub(crate) fn new(classes: serde_json::Value, age: u64) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let file = |name: &str| directory.path().join(name);
        let rs = keyfile::signing_key(&keyfile::create_key(&file("rs.key")).unwrap()).unwrap();
        let authority = Authority::create("owner", 2).unwrap();
        authority.anchor().write(&file("ca.pem")).unwrap();
        let address = rs.public().address().unwrap();
        let names = [Name::ResourceServer(*address.as_bytes())];
        let identity = authority.issue("meter", &names, 2).unwrap();
        identity
            .write(&file("rs.pem"), &file("rs-tls.key"))
            .unwrap();

        let office = Arc::new(Mutex::new(Office {
            key: SigningKey::generate(SignAlg::Es256k, &mut Rng).unwrap(),
            rs: rs.clone(),
            groups: HashMap::new(),
            mute: false,
            garbled: false,
            refuse: None,
            stale: None,
            silent: false,
            granted: Roles::new(0x7f),
            joins: 0,
        }));
        let names = [Name::Dns("key-server".into())];
        let identity = authority.issue("key-server", &names, 2).unwrap();
        let config = ServerConfig::new(identity, Some(authority.anchor()));
        let key_server = Server::builder(Desk(Arc::clone(&office)))
            .coap(ANYWHERE)
            .coaps(ANYWHERE, config)
            .spawn()
            .unwrap();
        let json = serde_json::json!({
            "chain_id": CHAIN, "ledger": "http://127.0.0.1:1", "confirmations": 2,
            "contract": format!("0x{}", "11".repeat(20)), "owner": format!("0x{}", "22".repeat(20)),
            "key_server": {
                "coap": key_server.coap_addr().unwrap(), "coaps": key_server.coaps_addr().unwrap(),
                "name": "key-server", "ca": "ca.pem"
            },
            "resource_servers": [{
                "name": "meter", "rs": address::text(&address), "key": cose_key::text(&rs.public()),
                "coap": ANYWHERE, "classes": classes
            }]
        });
        let stage = Self {
            directory,
            rs,
            office,
            key_server,
            json,
        };
        stage.write();
        for group in stage.catalogue().groups() {
            stage.begin(group.name().as_str(), age);
        }
        stage
    }

    /// Says in the catalogue where the resource server is.
    pub(crate) fn with_server(mut self, server: SocketAddr) -> Self {
        self.json["resource_servers"][0]["coap"] = server.to_string().into();
        self.write();
        self
    }

    /// Names a proxy in the catalogue.
    pub(crate) fn with_proxy(mut self, proxy: SocketAddr) -> Self {
        self.json["resource_servers"][0]["proxy"] = format!("coap://{proxy}").into();
        self.write();
        self
    }

    fn write(&self) {
        std::fs::write(self.file("catalogue.json"), self.json.to_string()).unwrap();
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn catalogue(&self) -> Catalogue {
        Catalogue::read(&self.file("catalogue.json")).unwrap()
    }

    pub(crate) fn address(&self) -> Address {
        self.rs.public().address().unwrap()
    }

    /// The name of the group of a class, four hex digits.
    pub(crate) fn group(&self, class: &str) -> String {
        let catalogue = self.catalogue();
        let mut names = catalogue
            .groups()
            .map(|group| group.name().as_str().to_owned());
        names.find(|name| name.starts_with(class)).unwrap()
    }

    /// Arguments for a resource server with `resources`.
    pub(crate) fn args(&self, resources: &[&str]) -> Args {
        Args {
            data: self.file("data"),
            catalogue: self.file("catalogue.json"),
            name: "meter".into(),
            key_file: Some(self.file("rs.key")),
            cert: self.file("rs.pem"),
            cert_key: self.file("rs-tls.key"),
            coap: Some(ANYWHERE),
            resources: resources.iter().map(|text| (*text).to_owned()).collect(),
            writable: Vec::new(),
            actions: Vec::new(),
            publish: 3600,
            boot_salt: BootSalt::Counter,
        }
    }

    pub(crate) fn office(&self) -> MutexGuard<'_, Office> {
        self.office.lock().unwrap()
    }

    /// Begins a group, or begins it anew under another gid.
    pub(crate) fn begin(&self, name: &str, age: u64) {
        let mut gid = [0; 4];
        getrandom::fill(&mut gid).unwrap();
        let gid = Gid::new(gid);
        let parameters = Parameters {
            starts: clock::now().saturating_sub(age),
            duration: DURATION,
            ..Parameters::new(gid, 1, 8, Session::new(1)..=Session::new(1000))
        };
        let manager = GroupManager::generate(parameters, &mut Rng).unwrap();
        let group = Group {
            manager,
            gid,
            nodes: HashMap::new(),
            rsk: fresh_secret(),
            clients: 0,
        };
        self.office().groups.insert(name.to_owned(), group);
        self.advance(name, Plan::KEEP);
    }

    /// Begins the next session of a group and tells the observers.
    pub(crate) fn advance(&self, name: &str, plan: Plan) -> Session {
        let session = self.office().advance(name, plan);
        for resource in ["bc", "bn"] {
            self.key_server
                .notify(&format!("ace-group/{name}/{resource}"));
        }
        session
    }

    /// A client that is a member of the group from the present session on.
    pub(crate) fn member(&self, name: &str) -> Reader {
        self.member_with(name, Roles::GET)
    }

    /// As [`Stage::member`], with other rights.
    pub(crate) fn member_with(&self, name: &str, roles: Roles) -> Reader {
        let mut office = self.office();
        let group = office.groups.get_mut(name).unwrap();
        let Node { slot, sid, .. } = group.admit(roles, b"a client");
        let access = AccessKey::derive(&group.rsk, group.gid, &sid).unwrap();
        let wire = office.response(name, slot, sid, b"a client");
        let response = JoinResponse::parse(&wire).unwrap();
        let ks = office.key.public().thumbprint();
        let response = response.verify(b"a client", &ks).unwrap();
        let secret = Zeroizing::new(response.personal_key.to_vec());
        let mut membership = HostMembership::new(&response, secret).unwrap();
        membership.set_policy(Policy {
            max_object: MAX_OBJECT_LIMIT,
            ..Policy::default()
        });
        for broadcast in response.broadcasts.iter() {
            membership.receive(broadcast, Some(clock::now())).unwrap();
        }
        Reader {
            membership,
            rs: self.address(),
            office: Arc::clone(&self.office),
            group: name.to_owned(),
            slot,
            access,
            sender: None,
        }
    }

    /// Takes a member its rights, and begins the session from which on they are gone.
    pub(crate) fn revoke(&self, member: &Reader) -> Session {
        let mut office = self.office();
        let group = office.groups.get_mut(&member.group).unwrap();
        group.manager.revoke(member.slot).unwrap();
        group.rsk = fresh_secret();
        drop(office);
        self.advance(&member.group, Plan::KEEP)
    }
}

impl Group {
    fn admit(&mut self, roles: Roles, cnonce: &[u8]) -> Node {
        self.clients += 1;
        Node {
            slot: self.manager.join().unwrap(),
            sid: Sid::from_slice(&[roles.bits(), 0, self.clients]).unwrap(),
            cnonce: cnonce.to_vec(),
        }
    }
}

fn fresh_secret() -> Secret<32> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).unwrap();
    Secret::new(bytes)
}

impl Office {
    fn advance(&mut self, name: &str, plan: Plan) -> Session {
        let Self { key, groups, .. } = self;
        let manager = &mut groups.get_mut(name).unwrap().manager;
        manager.advance(plan, &mut Rng, key).unwrap().session
    }

    /// Event and beacon of the present session.
    pub(crate) fn broadcasts(&self, name: &str) -> [Vec<u8>; 2] {
        let manager = &self.groups.get(name).unwrap().manager;
        [manager.event().to_vec(), manager.beacon().unwrap()]
    }

    fn response(&self, name: &str, slot: u32, sid: Sid, cnonce: &[u8]) -> Vec<u8> {
        let group = self.groups.get(name).unwrap();
        let personal_key = group.manager.personal_key(slot).unwrap();
        let subject = Some(AccountId {
            chain: CHAIN,
            address: self.rs.public().address().unwrap(),
        });
        let creds = [Ccs {
            subject,
            key: self.rs.public(),
        }];
        let present = self.broadcasts(name);
        let broadcasts = self
            .stale
            .as_ref()
            .filter(|_| sid.roles().is_producer())
            .unwrap_or(&present);
        let (event, beacon) = (&broadcasts[0][..], &broadcasts[1][..]);
        let (sids, broadcasts) = ([producer()], [event, beacon]);
        let access = [ServerAccess {
            rs: self.rs.public().address().unwrap(),
            key: AccessKey::derive(&group.rsk, group.gid, &sid).unwrap(),
        }];
        let server = sid.roles().is_producer();
        let response = JoinResponse {
            key_map: KeyMap {
                gid: group.gid,
                sid,
                suite: Suite::DEFAULT,
                grace: GRACE,
                access_keys: (!server).then_some(List::new(&access)),
                server_secret: server.then(|| group.rsk.clone()),
                boot_salt: None,
            },
            session: group.manager.session().unwrap(),
            expires_at: clock::now().saturating_add(10_000),
            expires_in: 10_000,
            creds: List::new(&creds),
            peer_roles: List::new(&[Roles::PRODUCER]),
            peer_identifiers: List::new(&sids),
            policies: None,
            key_server: self.key.public(),
            kdc_nonce: b"kdcnonce",
            kdc_proof: kdc_proof(&self.key, cnonce, b"kdcnonce").unwrap(),
            personal_key: &personal_key,
            control_uri: None,
            broadcasts: List::new(&broadcasts),
            next_personal_key: None,
        };
        let mut wire = vec![0; JoinResponse::MAX_LEN];
        let len = response.encode(&mut wire).unwrap();
        wire.truncate(len);
        wire
    }

    /// A join always gives a member the same slot back (A6).
    fn join(&mut self, name: &str, body: &[u8]) -> Response {
        self.joins += 1;
        if let Some(error) = self.refuse {
            return refusal(error);
        }
        let request = JoinRequest::parse(body).unwrap();
        let (roles, cnonce) = (request.scope.roles, request.cnonce.to_vec());
        if !roles.is_producer() && !self.granted.contains(roles) {
            return refusal(Error::Scope);
        }
        let Some(group) = self.groups.get_mut(name) else {
            return Code::NOT_FOUND.into();
        };
        let named = hex::encode(request.token.client.as_bytes());
        let mut node = match group.nodes.remove(&named) {
            Some(known) => known,
            None => group.admit(roles, &cnonce),
        };
        if roles.is_producer() {
            node.sid = producer();
        }
        node.cnonce = cnonce;
        let Node { slot, sid, cnonce } = node.clone();
        group.nodes.insert(named.clone(), node);
        let wire = self.response(name, slot, sid, &cnonce);
        Response::new(Code::CREATED)
            .body(content_format::ACE_GROUPCOMM, wire)
            .location(&["ace-group", name, "nodes", &named])
    }

    /// A member's material once more.
    fn tell(&self, name: &str, node: &str) -> Response {
        let known = self
            .groups
            .get(name)
            .and_then(|group| group.nodes.get(node));
        match known.filter(|_| !self.silent) {
            Some(Node { slot, sid, cnonce }) => {
                let wire = self.response(name, *slot, *sid, cnonce);
                Response::content(content_format::ACE_GROUPCOMM, wire)
            }
            None => Code::UNAUTHORIZED.into(),
        }
    }
}

fn refusal(error: Error) -> Response {
    let mut out = [0; 128];
    let problem = ProblemDetails::new(error, "no");
    let len = problem.encode(&mut out).unwrap();
    Response::new(Code(problem.code())).body(content_format::PROBLEM_DETAILS, &out[..len])
}

fn producer() -> Sid {
    Sid::from_slice(&[Roles::PRODUCER.bits(), 0, 0]).unwrap()
}

/// The CoAP face of the key server.
struct Desk(Arc<Mutex<Office>>);

impl Service for Desk {
    fn call(&mut self, request: &Request<'_>) -> Outcome {
        let mut office = self.0.lock().unwrap();
        let response = match (request.code, request.path) {
            (Code::POST, ["authz-info"]) => {
                let challenge = Challenge::from_slice(&[7; 28]).unwrap();
                let answer = TransferResponse {
                    key_server: office.key.public(),
                    challenge,
                };
                let mut out = [0; TransferResponse::MAX_LEN];
                let len = answer.encode(&mut out).unwrap();
                Response::new(Code::CREATED).body(content_format::ACE_CBOR, &out[..len])
            }
            (Code::POST, ["ace-group", name]) => office.join(name, request.payload),
            (Code::GET, ["ace-group", name, "nodes", node]) => office.tell(name, node),
            (Code::GET, ["ace-group", name, "bc"]) if !office.mute => {
                let [mut event, _] = office.broadcasts(name);
                if let Some(last) = event.last_mut().filter(|_| office.garbled) {
                    *last ^= 1;
                }
                Response::content(content_format::COSE_SIGN1, event).observable()
            }
            (Code::GET, ["ace-group", name, "bn"]) if !office.mute => {
                let [_, beacon] = office.broadcasts(name);
                Response::content(content_format::CBOR, beacon).observable()
            }
            _ => Code::NOT_FOUND.into(),
        };
        response.into()
    }
}

/// A client that opens what it gets.
pub(crate) struct Reader {
    pub(crate) membership: HostMembership,
    pub(crate) rs: Address,
    office: Arc<Mutex<Office>>,
    group: String,
    slot: u32,
    pub(crate) access: AccessKey,
    sender: Option<Sender>,
}

impl Reader {
    /// Takes in what was broadcast last.
    pub(crate) fn catch_up(&mut self) {
        let broadcasts = self.office.lock().unwrap().broadcasts(&self.group);
        for message in broadcasts {
            // what is known already is no harm
            let _ = self.membership.receive(&message, Some(clock::now()));
        }
    }

    /// Seals a P request, as the member it is.
    pub(crate) fn seal(
        &mut self,
        path: &[&str],
        method: Method,
        echo: &[u8],
        data: &[u8],
    ) -> Result<(Vec<u8>, PairRequest), Error> {
        self.catch_up();
        let membership = &self.membership;
        let sender = self.sender.get_or_insert_with(|| {
            let boot = Boot::random(&mut Rng).unwrap();
            membership.sender(boot, UnixTime::new(0)).unwrap()
        });
        membership.enter(sender, clock::now())?;
        let resource = ResourceId::new(self.rs, path, &[])?;
        let mut out = vec![0; data.len() + 256];
        let (len, request) =
            sender.seal_request(&resource, method, echo, &self.access, data, &mut out)?;
        out.truncate(len);
        Ok((out, request))
    }

    /// Opens the answer to a P request.
    pub(crate) fn open_reply(
        &mut self,
        path: &[&str],
        request: &PairRequest,
        reply: &Message,
    ) -> Result<Vec<u8>, Error> {
        let resource = ResourceId::new(self.rs, path, &[])?;
        let mut out = vec![0; reply.payload.len()];
        let opened = self.membership.open_reply(
            &reply.payload,
            &resource,
            reply.code.0,
            request,
            &self.access,
            clock::now(),
            &mut out,
        )?;
        out.truncate(opened.len);
        Ok(out)
    }

    /// Opens a direct answer.
    pub(crate) fn open(
        &mut self,
        path: &[&str],
        reply: &Reply,
    ) -> Result<(Vec<u8>, Opened), Error> {
        assert_eq!(
            (reply.code, reply.content_format()),
            (Code::CONTENT, Some(content_format::COSE_ENCRYPT0))
        );
        let mut exchange = Exchange::new(reply.token.as_bytes())?;
        self.open_in(path, reply, &mut exchange)
    }

    /// Opens the next answer of one exchange: a notification.
    pub(crate) fn open_in(
        &mut self,
        path: &[&str],
        reply: &Reply,
        exchange: &mut Exchange,
    ) -> Result<(Vec<u8>, Opened), Error> {
        self.catch_up();
        let resource = ResourceId::new(self.rs, path, &[])?;
        let mut out = vec![0; reply.payload.len()];
        let opened = self.membership.open_response(
            &reply.payload,
            &resource,
            reply.code.0,
            exchange,
            Freshness::Demanded,
            clock::now(),
            &mut out,
        )?;
        out.truncate(opened.len);
        Ok((out, opened))
    }

    /// Opens an object from the proxy.
    pub(crate) fn open_stored(
        &mut self,
        path: &[&str],
        object: &[u8],
        state: &mut StoredState,
    ) -> Result<(Vec<u8>, Opened), Error> {
        self.catch_up();
        let resource = ResourceId::new(self.rs, path, &[])?;
        let mut out = vec![0; object.len()];
        let opened =
            self.membership
                .open_stored(object, &resource, state, clock::now(), &mut out)?;
        out.truncate(opened.len);
        Ok((out, opened))
    }
}

/// A client with little patience: on the loopback nothing is slow.
pub(crate) fn client(server: SocketAddr) -> Client {
    let mut settings = Settings {
        response_timeout: Duration::from_secs(20),
        ..Settings::default()
    };
    settings.transmission.ack_timeout = Duration::from_millis(500);
    Client::udp(server, settings).unwrap()
}

pub(crate) fn get(server: SocketAddr, path: &str) -> Reply {
    client(server).request(&Call::get(path)).unwrap()
}

/// Asks until `wanted` says that it has seen enough.
pub(crate) fn until<T>(what: &str, mut wanted: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(40);
    loop {
        if let Some(found) = wanted() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// One request as given and its answer, without any help of a client.
pub(crate) fn exchange(
    server: SocketAddr,
    code: Code,
    path: &[&str],
    token: &[u8],
    payload: &[u8],
) -> Message {
    let socket = std::net::UdpSocket::bind(ANYWHERE).unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    let mut message = Message::new(Type::Con, code, 1, Token::new(token).unwrap());
    let mut options = Options::new();
    for segment in path {
        options.add(number::URI_PATH, segment.as_bytes());
    }
    message.options = options;
    message.payload = payload.to_vec();
    socket.send_to(&message.encode(), server).unwrap();
    let mut buffer = vec![0; 65_535];
    let len = socket.recv(&mut buffer).unwrap();
    Message::parse(&buffer[..len]).unwrap()
}
