//! The group of the bench: a key server for one board and one client.

use getrandom::SysRng;
use iotchain::core::AccessKey;
use iotchain::join::{
    Ccs, JoinRequest, JoinResponse, KeyMap, List, ServerAccess, TransferResponse, kdc_proof,
};
use iotchain::selfheal::rsd::{EpochManager, Parameters, Plan};
use iotchain::token::{AccountId, Challenger, ChannelBinding, TokenRef};
use iotchain::{
    Address, Error, Gid, GroupName, Membership, PublicKey, Result, Roles, Secret, Session, Sid,
    SignAlg, Signer, SigningKey, Suite, UnixTime, Zeroizing,
};

use crate::NodeError;
use crate::runtime::random;

const CHAIN: u64 = 1337;
const CLASS: u16 = 1;
const DEPTH: u8 = 6;
const GRACE: u32 = 30;
const SESSION: u32 = 100;
const SESSIONS: u32 = 1000;
const START: u64 = 1_800_000_000;

/// The client's side, on this machine.
pub(super) type Client = Membership<Zeroizing<Vec<u8>>>;

/// A key server that knows one resource server, the board, and one client.
pub(super) struct Bench {
    key: SigningKey,
    manager: EpochManager,
    challenger: Challenger<4>,
    exporter: [u8; 32],
    server_secret: Secret<32>,
    rs: Address,
    rs_key: PublicKey,
    seat: Option<u32>,
    /// What was broadcast last: event and beacon of the session.
    pub(super) broadcasts: Vec<Vec<u8>>,
}

impl Bench {
    /// A group that the board with this key is to join.
    ///
    /// # Errors
    /// [`NodeError::Protocol`] for a key of another suite or if there is no randomness.
    pub(super) fn found(rs_key: PublicKey) -> std::result::Result<Self, NodeError> {
        let mut parameters = Parameters::new(
            Gid::new(random()?),
            1,
            1 << (DEPTH - 1),
            Session::new(1)..=Session::new(SESSIONS),
        );
        parameters.depth = DEPTH;
        parameters.starts = UnixTime::new(START);
        parameters.duration = SESSION;
        let mut bench = Self {
            key: SigningKey::generate(SignAlg::Es256k, &mut SysRng)?,
            manager: EpochManager::generate(parameters, &mut SysRng)?,
            challenger: Challenger::new(&mut SysRng, UnixTime::new(START))?,
            exporter: random()?,
            server_secret: Secret::new(random()?),
            rs: rs_key.address().ok_or(Error::Alg)?,
            rs_key,
            seat: None,
            broadcasts: Vec::new(),
        };
        bench.advance()?;
        Ok(bench)
    }

    /// The address of the board.
    pub(super) const fn rs(&self) -> Address {
        self.rs
    }

    /// The exporter value of the connection that a serial line is not.
    pub(super) const fn exporter(&self) -> &[u8; 32] {
        &self.exporter
    }

    /// The name of the group.
    pub(super) fn name(&self) -> GroupName {
        GroupName::of_class(CLASS, &self.rs)
    }

    /// The present: shortly after the start of the current session.
    pub(super) fn now(&self) -> UnixTime {
        let session = self.session().map_or(1, Session::get);
        UnixTime::new(START + u64::from(SESSION) * u64::from(session - 1) + 1)
    }

    /// When the present session and its grace are over.
    pub(super) fn after_all(&self) -> UnixTime {
        self.now().saturating_add((SESSION + 2 * GRACE).into())
    }

    /// The session that was announced last.
    pub(super) fn session(&self) -> Option<Session> {
        self.manager.current().session()
    }

    /// N_S and the key server's credential, encoded.
    ///
    /// # Errors
    /// [`Error::Random`].
    pub(super) fn challenge(&mut self) -> Result<Vec<u8>> {
        let (now, binding) = (self.now(), self.binding());
        let token = TokenRef::resource_server(self.rs);
        let response = TransferResponse {
            key_server: self.key.public(),
            challenge: self.challenger.issue(&mut SysRng, now, &token, &binding)?,
        };
        encoded(|out| response.encode(out))
    }

    const fn binding(&self) -> ChannelBinding {
        ChannelBinding::Exporter(self.exporter)
    }

    /// Judges the join request of the board as a key server does, and admits it.
    ///
    /// # Errors
    /// The registry's for whatever is wrong with it.
    pub(super) fn admit(&mut self, request: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let (now, binding) = (self.now(), self.binding());
        let request = JoinRequest::parse(request)?;
        let credential = request.credential.ok_or(Error::Scope)?;
        let pinned = self.key.public().thumbprint();
        let input = request.pop_input(&binding, &pinned);
        let proven = self
            .challenger
            .prove_server(&input, &credential.key, request.proof, now)?;
        if *proven.rs() != self.rs || *proven.key() != self.rs_key {
            return Err(Error::Subject);
        }
        let seat = self.manager.join()?;
        self.seat = Some(seat);
        let response = self.response(seat, board_sid()?, request.cnonce)?;
        Ok(response)
    }

    /// The answer to a request that the board never made.
    ///
    /// # Errors
    /// [`Error::NotMember`] before it joined.
    pub(super) fn answer_to_nobody(&self) -> Result<Zeroizing<Vec<u8>>> {
        let cnonce = random::<16>().map_err(|_| Error::Random)?;
        self.response(self.seat.ok_or(Error::NotMember)?, board_sid()?, &cnonce)
    }

    /// A client of the board, with the right to everything.
    ///
    /// # Errors
    /// None in practice.
    pub(super) fn client(&mut self) -> std::result::Result<(Client, AccessKey), NodeError> {
        let (seat, cnonce) = (self.manager.join()?, random::<8>()?);
        let sid = client_sid()?;
        let response = self.response(seat, sid, &cnonce)?;
        let pinned = self.key.public().thumbprint();
        let response = JoinResponse::parse(&response)?.verify(&cnonce, &pinned)?;
        let own = Zeroizing::new(response.personal_key.to_vec());
        let mut client = Client::new(&response, own)?;
        for message in &self.broadcasts {
            client.receive(message, Some(self.now()))?;
        }
        let access = AccessKey::derive(
            &self.server_secret,
            self.manager.current().parameters().gid,
            &sid,
        )?;
        Ok((client, access))
    }

    fn response(&self, seat: u32, sid: Sid, cnonce: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let kdc_nonce = random::<16>().map_err(|_| Error::Random)?;
        let gid = self.manager.current().parameters().gid;
        let is_server = sid.roles().is_producer();
        let access = [ServerAccess {
            rs: self.rs,
            key: AccessKey::derive(&self.server_secret, gid, &sid)?,
        }];
        let subject = Some(AccountId {
            chain: CHAIN,
            address: self.rs,
        });
        let creds = [Ccs {
            subject,
            key: self.rs_key,
        }];
        let sids = [board_sid()?];
        let broadcasts: Vec<&[u8]> = self.broadcasts.iter().map(Vec::as_slice).collect();
        let personal_key = self.manager.personal_key(seat)?;
        let response = JoinResponse {
            key_map: KeyMap {
                gid,
                sid,
                suite: Suite::DEFAULT,
                grace: GRACE.into(),
                access_keys: (!is_server).then_some(List::new(&access)),
                server_secret: is_server.then(|| self.server_secret.clone()),
                boot_salt: None,
            },
            session: self.session().ok_or(Error::Session)?,
            expires_at: self.now().saturating_add(86_400),
            expires_in: 86_400,
            creds: List::new(&creds),
            peer_roles: List::new(&[Roles::PRODUCER]),
            peer_identifiers: List::new(&sids),
            policies: None,
            key_server: self.key.public(),
            kdc_nonce: &kdc_nonce,
            kdc_proof: kdc_proof(&self.key, cnonce, &kdc_nonce)?,
            personal_key: &personal_key,
            control_uri: None,
            broadcasts: List::new(&broadcasts),
            next_personal_key: None,
        };
        encoded(|out| response.encode(out)).map(Zeroizing::new)
    }

    /// Goes on to the next session, with a fresh chain state: its event and its beacon.
    ///
    /// # Errors
    /// None in practice.
    pub(super) fn advance(&mut self) -> Result<()> {
        let announced = self
            .manager
            .advance(Plan::REFRESH, &mut SysRng, &self.key)?;
        self.broadcasts = announced
            .event
            .into_iter()
            .chain([announced.beacon])
            .collect();
        Ok(())
    }

    /// Revokes the board from the next session on.
    ///
    /// # Errors
    /// [`Error::NotMember`] before it joined.
    pub(super) fn revoke(&mut self) -> Result<()> {
        self.manager.revoke(self.seat.ok_or(Error::NotMember)?)
    }
}

fn board_sid() -> Result<Sid> {
    Sid::from_slice(&[Roles::PRODUCER.bits(), 1])
}

fn client_sid() -> Result<Sid> {
    let roles = Roles::GET | Roles::POST | Roles::PUT | Roles::FETCH;
    Sid::from_slice(&[roles.bits(), 2])
}

fn encoded(write: impl FnOnce(&mut [u8]) -> Result<usize>) -> Result<Vec<u8>> {
    let mut out = vec![0; JoinResponse::MAX_LEN];
    let len = write(&mut out)?;
    out.truncate(len);
    Ok(out)
}
