//! The group manager of a case: the operations again, with the published randomness, byte for byte.

use crate::groups::Published;
use crate::json::Item;
use crate::ops::Verdict;
use crate::params::secret;
use crate::report::{Checked, During, Fault, Section, same, same_bytes};
use crate::script::Script;
use crate::set::VectorSet;
use iotchain::core::cbor::Reader;
use iotchain::core::hash::sha256;
use iotchain::selfheal::rsd::{GroupManager, Parameters, Plan};
use iotchain::selfheal::{Authority, Journaled as _};
use iotchain::{Error, Gid, Result, Secret, Session, SignAlg, Signer, SigningKey};

/// Longest epoch that is played: a manager walks its beacon chain from the last session.
const MAX_SESSIONS: u32 = 1 << 20;

pub(crate) fn check(set: &VectorSet, published: &Published<'_>, section: &mut Section<'_>) {
    let case = published.case;
    let name = case.name();
    let Some(mut play) = section.read(format!("{name} manager"), || Play::open(set, published))
    else {
        return;
    };
    let operations = section
        .read(&name, || case.get("operations")?.some())
        .unwrap_or_default();
    for (index, operation) in operations.iter().enumerate() {
        // whatever follows an operation that failed would fail with it
        if section
            .check(format!("{name} operation {index}"), || {
                play.operate(operation)
            })
            .is_none()
        {
            return;
        }
        if play.is_full {
            section.skip("chain state of a full group");
        }
    }
    section.check(format!("{name} randomness"), || play.rng.check_spent());
    for (j, row) in &published.sessions {
        section.check(format!("{name} session {j} members"), || {
            play.check_members(*j, row)
        });
    }
    for slot in published.members.keys() {
        section.check(format!("{name} slot {slot}"), || {
            play.check_personal_key(*slot)
        });
    }
    let labels = section
        .read(&name, || case.get("labels")?.some())
        .unwrap_or_default();
    for (index, label) in labels.iter().enumerate() {
        match section.check(format!("{name} label {index}"), || check_label(case, label)) {
            Some(Holder::Slot) | None => {}
            Some(Holder::Nobody) => section.skip("label that no member can hold"),
        }
    }
}

fn parameters(case: &Item<'_>) -> Checked<Parameters> {
    let (first, last): (u32, u32) = (case.get("first")?.int()?, case.get("last")?.int()?);
    if last.saturating_sub(first) > MAX_SESSIONS {
        return Err(Fault::new(format!(
            "an epoch of more than {MAX_SESSIONS} sessions is not played"
        )));
    }
    Ok(Parameters {
        gid: Gid::new(case.get("gid")?.array()?),
        epoch: case.get("epoch")?.int()?,
        depth: case.get("depth")?.int()?,
        first: Session::new(first),
        last: Session::new(last),
        window: case.get("window")?.int()?,
        history: case.get("history")?.int()?,
        starts: case.get("events")?.at(0)?.get("nbf")?.time()?,
        duration: case.get("dur")?.int()?,
    })
}

fn manager(case: &Item<'_>) -> Checked<GroupManager> {
    GroupManager::new(parameters(case)?, Secret::new(case.get("mk")?.array()?)).during("parameters")
}

/// The key server's key of a case: the secret "ks", for Ed25519 "ks-ed25519".
pub(crate) fn signer(set: &VectorSet, authority: &Authority) -> Checked<SigningKey> {
    let alg = authority.sign_alg();
    let name = if alg == SignAlg::Ed25519 {
        "ks-ed25519"
    } else {
        "ks"
    };
    let key = SigningKey::from_bytes(alg, &secret(set, name)?)?;
    same("ks_key", key.public(), *authority.key())?;
    Ok(key)
}

/// `salt` is sigma of the scheme that `label` names.
pub(crate) fn check_salt(case: &Item<'_>, label: &[u8]) -> Checked {
    let gid = case.get("gid")?.bytes()?;
    let epoch: u32 = case.get("epoch")?.int()?;
    let sigma = sha256(&[label, &gid, &epoch.to_be_bytes()]);
    same_bytes(
        "salt",
        sigma.get(..7).unwrap_or_default(),
        case.get("salt")?.bytes()?,
    )
}

/// A manager at work.
struct Play<'a> {
    published: &'a Published<'a>,
    manager: GroupManager,
    signer: SigningKey,
    rng: Script,
    /// The last session had no room for a newcomer.
    is_full: bool,
}

impl<'a> Play<'a> {
    fn open(set: &VectorSet, published: &'a Published<'a>) -> Checked<Self> {
        let mut draws = Vec::new();
        for event in published.case.get("events")?.list()? {
            for field in ["Z0", "nonce", "v_last"] {
                draws.push(event.get(field)?.bytes()?);
            }
        }
        check_salt(published.case, b"IoTChain-SH2\x04")?;
        Ok(Self {
            published,
            manager: manager(published.case)?,
            signer: signer(set, &published.authority)?,
            rng: Script::of(draws),
            is_full: false,
        })
    }

    fn operate(&mut self, operation: &Item<'_>) -> Checked {
        self.is_full = false;
        let before = self
            .manager
            .parameters()
            .first
            .previous()
            .map_or(0, Session::get);
        let at = self.manager.session().map_or(before, Session::get);
        same("at", at, operation.get("at")?.int()?)?;
        match operation.get("op")?.text()? {
            "join" => self.join(operation),
            "revoke" => self
                .manager
                .revoke(operation.get("slot")?.int()?)
                .during("revoke"),
            "advance" => self.advance(operation),
            other => Err(Fault::new(format!("unknown operation {other}"))),
        }
    }

    fn join(&mut self, operation: &Item<'_>) -> Checked {
        let slot = match operation.optional("grant_from", Item::session)? {
            Some(from) => self.manager.join_with_history(from),
            None => self.manager.join(),
        };
        let slot = slot.during("join")?;
        same("slot", slot, operation.get("slot")?.int()?)?;
        same_bytes(
            "personal_key",
            self.manager.personal_key(slot)?.as_slice(),
            self.published.personal_key(slot)?,
        )
    }

    fn advance(&mut self, operation: &Item<'_>) -> Checked {
        let plan = Plan {
            refresh: operation.get("refresh")?.flag()?,
            starts: operation.optional("nbf", Item::time)?,
            duration: None,
        };
        let announced = self
            .manager
            .advance(plan, &mut self.rng, &self.signer)
            .during("advance")?;
        let row = self.published.session(announced.session.get())?;
        same_bytes("beacon", &announced.beacon, row.get("beacon")?.bytes()?)?;
        same("nbf", announced.starts, row.get("nbf")?.time()?)?;
        let key = self.manager.group_key(announced.session)?;
        same_bytes("key", key.expose(), row.get("key")?.bytes()?)?;
        let event = self.published.event(row.get("event")?.int()?)?;
        same_bytes(
            "event message",
            self.manager.event(),
            event.get("message")?.bytes()?,
        )?;
        let begins: u32 = event.get("session")?.int()?;
        same(
            "begins with an event",
            announced.event.is_some(),
            begins == announced.session.get(),
        )?;
        self.check_chain(&row.get("chain")?)?;
        if announced.event.is_some() {
            self.check_chain(&event.get("C")?)
        } else {
            Ok(())
        }
    }

    /// C_j stands in the personal key of whoever joins in session j. A copy of the manager lets somebody join.
    fn check_chain(&mut self, chain: &Item<'_>) -> Checked {
        let mut copy = GroupManager::import(&self.manager.export()?)?;
        match copy.join() {
            Err(Error::GroupFull) => {
                self.is_full = true;
                Ok(())
            }
            slot => {
                let key = copy.personal_key(slot?)?;
                same_bytes("chain state", Secrets::of(&key)?.state, chain.bytes()?)
            }
        }
    }

    fn check_members(&self, j: u32, row: &Item<'_>) -> Checked {
        let slots = self.published.members.keys().copied();
        let members: Vec<u32> = slots
            .filter(|slot| self.manager.is_member(*slot, Session::new(j)))
            .collect();
        same("members", members, row.get("members")?.ints()?)
    }

    /// S_i is the same whenever it is asked for, and gone with the slot.
    fn check_personal_key(&self, slot: u32) -> Checked {
        match self.manager.personal_key(slot) {
            Ok(key) => same_bytes(
                "personal_key asked for again",
                key.as_slice(),
                self.published.personal_key(slot)?,
            ),
            Err(error) => same(
                "live",
                (error, self.manager.is_live(slot)),
                (Error::NotMember, false),
            ),
        }
    }
}

/// What the encoding of a personal key holds.
struct Secrets<'a> {
    state: &'a [u8],
    labels: &'a [u8],
}

impl<'a> Secrets<'a> {
    /// `[2, gid, epoch, depth, slot, join, last, event, C, v, labels, history]`.
    fn of(personal_key: &'a [u8]) -> Checked<Self> {
        let mut reader = Reader::new(personal_key);
        reader.array()?;
        for _ in 0..8 {
            reader.skip()?;
        }
        let state = reader.bytes()?;
        reader.skip()?;
        Ok(Self {
            state,
            labels: reader.bytes()?,
        })
    }
}

/// Who holds a label.
enum Holder {
    Slot,
    /// Only the last slot of the tree, which is never given out.
    Nobody,
}

/// The label of the node (dj, path_j) with respect to its ancestor at depth di is in the personal key of every member
/// below the node's sibling.
fn check_label(case: &Item<'_>, label: &Item<'_>) -> Checked<Holder> {
    let depth: u32 = case.get("depth")?.int()?;
    let [di, dj, path] = [
        label.get("di")?.int::<u32>()?,
        label.get("dj")?.int()?,
        label.get("path_j")?.int()?,
    ];
    if !(di < dj && dj <= depth && depth <= 22 && path < 1 << dj) {
        return Err(Fault::new("not a subset of the tree"));
    }
    let subset = di << 27 | dj << 22 | path << (22 - dj);
    same_bytes(
        "subset",
        subset.to_be_bytes(),
        label.get("subset")?.bytes()?,
    )?;

    let slot = (path ^ 1) << (depth - dj);
    if slot == (1 << depth) - 1 {
        return Ok(Holder::Nobody);
    }
    let mut manager = manager(case)?;
    while manager.join()? < slot {}
    let key = manager.personal_key(slot)?;
    let index = di * depth - di * di.saturating_sub(1) / 2 + (dj - di - 1);
    let (labels, _) = Secrets::of(&key)?.labels.as_chunks::<16>();
    let ours = labels
        .get(index as usize)
        .ok_or_else(|| Fault::new("no such label"))?;
    same_bytes("label", ours, label.get("label")?.bytes()?)?;
    Ok(Holder::Slot)
}

/// op `gm.join`: the last of `joins` joins into an empty tree.
pub(crate) fn join(case: &Item<'_>) -> Checked<Verdict> {
    let parameters = Parameters {
        gid: Gid::new(case.get("gid")?.array()?),
        epoch: case.get("epoch")?.int()?,
        depth: case.get("depth")?.int()?,
        ..Parameters::new(Gid::new([0; 4]), 0, 1, Session::new(1)..=Session::new(100))
    };
    let joins: u32 = case.get("joins")?.int()?;
    let mut manager = GroupManager::new(parameters, Secret::new(case.get("mk")?.array()?))
        .during("parameters")?;
    // ends with the first refusal, and a tree has at most 2^22 slots
    let result: Result<()> = (0..joins).try_for_each(|_| manager.join().map(|_| ()));
    Ok(Verdict::Done(result))
}
