//! The table `overhead` of `objects.json`: bytes that protection adds to a small payload, in both forms.

use crate::json::Item;
use crate::params::signing_key;
use crate::report::{Checked, During, Section, same};
use crate::sealing::sender_at;
use crate::set::VectorSet;
use iotchain::core::AccessKey;
use iotchain::oscar::{
    Clients, Echo, EchoRule, Failures, Group, Keys, Method, PairContexts, Policy, Receiver,
    Sessions, Uptime, compact,
};
use iotchain::{
    Claims, Gid, GroupKey, PublicKey, ResourceId, Result, Secret, Session, Sid, Suite, Thumbprint,
};

/// PIV of every object of the table.
const PIV: u32 = 5;
const GROUP_KEY: [u8; 16] = [7; 16];

/// One row: the `small` payload at PIV 5 in session j of the parameters.
pub(crate) fn check(set: &VectorSet, row: &Item<'_>, section: &mut Section<'_>) {
    let Some(name) = section.read("overhead", || row.get("name")?.text()) else {
        return;
    };
    section.check(name, || {
        let payload = vec![0; set.file("params").get("parameters")?.get("small")?.int()?];
        let object = sealed(set, name, &payload)?;
        let mut out = vec![0; object.len()];
        let len = compact(&object, Suite::DEFAULT.aead, &mut out).during("compacting")?;
        same(
            "bytes added",
            object.len() - payload.len(),
            row.get("cose")?.int()?,
        )?;
        same(
            "bytes added, compact",
            len - payload.len(),
            row.get("compact")?.int()?,
        )
    });
}

fn sealed(set: &VectorSet, name: &str, payload: &[u8]) -> Checked<Vec<u8>> {
    let (mode, params) = (name.split(' ').next(), set.file("params"));
    let owner = if mode == Some("P") { "client" } else { "rs" };
    let mut kid = params.get("sid")?.get(owner)?.bytes()?;
    match name.rsplit_once(", ") {
        Some((_, "1-byte boot salt")) => kid.push(1),
        Some((_, "8-byte boot salt")) => kid.extend([1; 8]),
        _ => {}
    }
    let parameters = params.get("parameters")?;
    let (iat, session) = (
        parameters.get("now")?.time()?,
        parameters.get("j")?.session()?,
    );
    let group = Group {
        gid: Gid::new(params.get("gid")?.array()?),
        ks: Thumbprint::new(params.get("ks")?.array()?),
        suite: Suite::DEFAULT,
        sid_len: set.sid_len()?,
    };
    let mut sender = sender_at(group, &kid, session, &GroupKey::new(GROUP_KEY), PIV)?;
    let resource = ResourceId::new(params.get("rs")?.address()?, &[], &[])?;
    let mut out = vec![0; payload.len() + 256];
    let len = match mode {
        Some("P") => {
            let client = Sid::from_slice(kid.get(..group.sid_len).unwrap_or_default())?;
            let secret = Secret::new([8; 32]);
            let access = AccessKey::derive(&secret, group.gid, &client)?;
            let mut put = |payload: &[u8], out: &mut [u8]| {
                sender.seal_request(&resource, Method::Put, b"echo", &access, payload, out)
            };
            let (len, _) = put(payload, &mut out).during("asking")?;
            if name.contains("response") {
                let request = out.get(..len).unwrap_or_default().to_vec();
                answer(&group, &secret, &resource, &request, payload, &mut out)
            } else {
                Ok(len)
            }
        }
        Some("S") => {
            let exp = name.contains("exp").then(|| iat.saturating_add(60));
            let key = signing_key(set, "rs")?;
            sender.seal_signed(&resource, Claims { iat, exp }, payload, &key, &mut out)
        }
        _ => sender.seal_response(&resource, 69, &[0; 8], payload, &mut out),
    };
    out.truncate(len.during("sealing")?);
    Ok(out)
}

/// Answers a request, as its resource server.
fn answer(
    group: &Group,
    secret: &Secret<32>,
    resource: &ResourceId<'_>,
    request: &[u8],
    payload: &[u8],
    out: &mut [u8],
) -> Result<usize> {
    let mut failures = Failures::<8>::new();
    let mut receiver = Receiver {
        group,
        sessions: &Held,
        directory: &[] as &[(Sid, iotchain::Address, PublicKey)],
        policy: Policy::default(),
        failures: &mut failures,
        keys: &mut Keys::<4>::new(),
    };
    let mut clients = Clients {
        secret,
        retired: &[],
        contexts: &mut PairContexts::<4>::new(),
        rule: EchoRule::First,
        now: Uptime::new(0),
    };
    let echo = Echo::Valid {
        value: b"echo",
        until: Uptime::new(1),
    };
    let (_, reply) =
        receiver.open_request(request, resource, Method::Put, echo, &mut clients, out)?;
    reply.seal(resource, 68, payload, out)
}

struct Held;

impl Sessions for Held {
    fn key(&self, _: Session) -> Result<GroupKey> {
        Ok(GroupKey::new(GROUP_KEY))
    }

    fn may_open(&self, _: Session) -> Result<()> {
        Ok(())
    }
}
