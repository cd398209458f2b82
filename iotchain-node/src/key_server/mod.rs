//! The key server: group manager and key distribution center (paper, II-C third phase, II-E; spec 4).
//!
//! ```text
//!  coaps  join, num, creds, nodes --> service --> queue --> ledger (head, head-n)
//!                                        |          |
//!                                        v          v
//!                                      office: groups -- store (groups.redb)      persist, then answer
//!                                        ^
//!  coap   bc, bn  <-- notify --------- sessions <-- clock, ledger                 persist, then publish
//! ```
//!
//! A client is admitted by a proof of its address and a token that is n blocks deep; a resource server by its certificate
//! and the key its owner published. [`admission`](self) is the one place where either turns into a personal key. At each
//! session change the tokens are read again: whoever's is gone gets no key of the next session. A ledger that does not
//! answer revokes nobody, but after two sessions of silence none begins (spec 8, A8).
//!
//! ```text
//! DIR/iotchain      whose directory this is, and the lock of the process that uses it
//! DIR/ks.key        the signing key, ES256K
//! DIR/groups.redb   every group: secret
//! DIR/witness       tells when groups.redb was put back from a backup
//! ```
//! A group manager that goes back in time would give one slot or one session to two secrets (spec 8, A7). So a store that
//! is recognised as an old copy is not continued: every group begins anew with another gid, and members join again. A
//! snapshot of a whole file system or machine cannot be recognised from inside; after putting one back, delete
//! `groups.redb` before the start. A group also begins anew when its sids (65536) are used up. Otherwise one
//! epoch follows the other inside the gid: after `--epoch` seconds, when the slots are used up, or when events outgrow what
//! members accept (`--max-event`). Members get the personal key of the next epoch ahead of its end (spec 4.7).

mod admission;
mod answer;
mod group;
mod ledger;
mod member;
mod office;
mod queue;
mod record;
mod roll;
mod rows;
mod server;
mod service;
mod sessions;
mod store;
mod witness;

use std::collections::HashSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use iotchain::Address;
use iotchain::token::Policy;
use iotchain_ledger::JsonRpcLedger;

use crate::catalogue::Catalogue;
use crate::clock::Stop;
use crate::dtls::ServerConfig;
use crate::dtls::pki::{Identity, TrustAnchor};
use crate::{NodeError, address, ready};

use group::{MAX_SESSIONS, MIN_SESSIONS};

pub use group::Terms;
pub use server::{Config, KeyServer};

/// How often a running key server is looked at.
const WATCH: Duration = Duration::from_millis(500);
/// How long a ledger node may take to answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);
/// Slots and sids for one client within a day (spec 8, A6).
const ADMISSIONS: usize = 4;

/// Admit members and let their group keys heal.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Data directory
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// The owner's catalogue
    #[arg(long, value_name = "FILE")]
    pub catalogue: PathBuf,
    /// Certificate, PEM
    #[arg(long, value_name = "FILE")]
    pub cert: PathBuf,
    /// Key of the certificate, PEM
    #[arg(long, value_name = "FILE")]
    pub cert_key: PathBuf,
    /// Address for broadcasts, instead of the catalogue's
    #[arg(long, value_name = "ADDRESS")]
    pub coap: Option<SocketAddr>,
    /// Address for DTLS, instead of the catalogue's
    #[arg(long, value_name = "ADDRESS")]
    pub coaps: Option<SocketAddr>,
    /// Length of a session in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..))]
    pub session: u32,
    /// Length of an epoch in seconds, at least 4 sessions: how long a stolen personal key is good for at most
    #[arg(long, value_name = "SECONDS", default_value_t = 86_400)]
    pub epoch: u32,
    /// How long a key outlives its session, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    pub grace: u32,
    /// Blocks on top of a token's block before it counts, instead of the catalogue's
    #[arg(long, value_name = "N")]
    pub confirmations: Option<u64>,
    /// Depth of the key tree: a group has room for 2^D - 1 members
    #[arg(long, value_name = "D", default_value_t = 10, value_parser = clap::value_parser!(u8).range(1..=16))]
    pub depth: u8,
    /// Longest event in bytes. Members with less memory than the default cannot follow, unless they read it as a stream;
    /// ones with more follow longer, and the group can revoke more members before it needs new keys
    #[arg(long, value_name = "BYTES", default_value_t = 4096, value_parser = clap::value_parser!(u16).range(512..))]
    pub max_event: u16,
    /// Have the ledger node prove every word it reads from the state (eth_getProof), instead of believing it
    #[arg(long)]
    pub prove: bool,
    /// The accounts that seal in a network by proof of authority (Clique), all of them: a head that no majority of them
    /// sealed does not count
    #[arg(long, value_name = "ADDRESS,..", requires = "prove", value_delimiter = ',', value_parser = address::parse)]
    pub sealers: Vec<Address>,
}

/// The sessions of an epoch. Short sessions make a shorter epoch than was asked for.
fn sessions_of(epoch: u32, session: u32) -> Result<u32, NodeError> {
    let sessions = (epoch / session.max(1)).min(MAX_SESSIONS);
    if sessions >= MIN_SESSIONS {
        Ok(sessions)
    } else {
        Err(NodeError::Config(format!(
            "an epoch of {epoch} s has less than {MIN_SESSIONS} sessions of {session} s"
        )))
    }
}

/// The node of the catalogue, believed as far as the operator wants.
fn ledger_of(
    catalogue: &Catalogue,
    prove: bool,
    sealers: &[Address],
    confirmations: u32,
) -> Result<JsonRpcLedger, NodeError> {
    let mut ledger = JsonRpcLedger::new(catalogue.ledger.clone(), ANSWER_LIMIT);
    if prove {
        ledger = ledger.proving();
    }
    if sealers.is_empty() {
        return Ok(ledger);
    }
    let distinct: HashSet<_> = sealers.iter().collect();
    if distinct.len() < sealers.len() {
        return Err(NodeError::Config("a sealer is named twice".into()));
    }
    // a minority of the sealers can add so many blocks that nobody else agrees with (spec 5.7)
    let minority = sealers.len() / 2;
    if usize::try_from(confirmations).is_ok_and(|confirmations| confirmations <= minority) {
        return Err(NodeError::Config(format!(
            "{} sealers need more than {minority} confirmations",
            sealers.len()
        )));
    }
    Ok(ledger.sealed_by(sealers))
}

/// Runs the role until `stop`.
///
/// # Errors
/// [`NodeError::Config`] for unusable settings, [`NodeError::State`] for a directory that is damaged, foreign or in use,
/// [`NodeError::Net`] for addresses in use.
pub fn run(args: Args, stop: &Stop) -> Result<(), NodeError> {
    let catalogue = Catalogue::read(&args.catalogue)?;
    let anchor = TrustAnchor::read(&catalogue.key_server.ca)?;
    let identity = Identity::read(&args.cert, &args.cert_key)?;
    let confirmations = args.confirmations.unwrap_or(catalogue.confirmations);
    let confirmations = confirmations
        .try_into()
        .map_err(|_| NodeError::Config(format!("{confirmations} confirmations are too many")))?;
    let ledger = ledger_of(&catalogue, args.prove, &args.sealers, confirmations)?;
    let config = Config {
        data: args.data,
        coap: args.coap.unwrap_or(catalogue.key_server.coap),
        coaps: args.coaps.unwrap_or(catalogue.key_server.coaps),
        dtls: ServerConfig::new(identity, Some(anchor)),
        terms: Terms {
            session: args.session,
            grace: args.grace,
            epoch: sessions_of(args.epoch, args.session)?,
            depth: args.depth,
            max_event: args.max_event.into(),
            admissions: ADMISSIONS,
        },
        policy: Policy {
            confirmations,
            ..Policy::default()
        },
        ledger: Arc::new(ledger),
        catalogue,
    };
    let server = KeyServer::start(config)?;
    ready::announce(
        "key-server",
        &[
            ("coap", server.coap().to_string()),
            ("coaps", server.coaps().to_string()),
        ],
    );
    while !stop.wait(WATCH) {
        if !server.is_serving() {
            return Err(NodeError::Failed("a thread of the key server died".into()));
        }
    }
    Ok(())
}
