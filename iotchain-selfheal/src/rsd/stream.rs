//! An event taken in as it arrives, for devices that cannot hold the whole message (spec 3.4.8).
//!
//! ```text
//! start(&member) --> push(block) ... push(block) --> finish(&mut member) --> Received
//!                    running hashes, own cover entry,     signature, then what Member::event does
//!                    links and sessions of the window
//! ```

use super::known::fingerprint;
use super::member::Member;
use super::payload::Payload;
use super::receive::Received;
use crate::incoming::{EXTERNAL_AAD, Incoming, Piece};
use iotchain_core::cbor::Writer;
use iotchain_core::hash::{Digest, Sha256};
use iotchain_core::sign::sig_structure;
use iotchain_core::{Error, Result, SignAlg, UnixTime};

/// An event on its way in, in pieces of any size, e.g. CoAP blocks (RFC 7959).
///
/// The same bytes end as in [`Member::event`]: the same result, the same state. Nothing of them is used before the
/// signature is verified, which is the last thing in the message. No heap; below 1 kB for W = 16, of which 32 bytes are
/// per event. The message is hashed twice, once to know it again and once for its signature. Dropping the stream at any
/// time changes nothing.
#[derive(Clone, Debug)]
pub struct EventStream<const W: usize = 16> {
    len: u32,
    digest: Sha256,
    signed: Sha256,
    incoming: Incoming,
    /// The first fault of the envelope.
    envelope: Result<()>,
    payload: Payload<W>,
    /// The first fault of the payload, which counts only if the signature is right.
    event: Result<()>,
}

impl<const W: usize> EventStream<W> {
    /// Begins an event for `member`, which may go on receiving other broadcasts meanwhile.
    ///
    /// # Errors
    /// [`Error::Alg`] if the key server signs with Ed25519, whose signature comes too late to be verified in a stream.
    pub fn start<S: AsRef<[u8]>>(member: &Member<S, W>) -> Result<Self> {
        if member.authority.sign_alg() == SignAlg::Ed25519 {
            return Err(Error::Alg);
        }
        Ok(Self {
            len: 0,
            digest: Sha256::new(),
            signed: Sha256::new(),
            incoming: Incoming::new(member.authority.pinned()),
            envelope: Ok(()),
            payload: member.payload(),
            event: Ok(()),
        })
    }

    /// The epoch of the member that it was started for.
    pub(super) const fn epoch(&self) -> u32 {
        self.payload.owner().epoch
    }

    /// Takes the next bytes, in order and without gaps.
    ///
    /// # Errors
    /// What is wrong with the envelope, see [`Envelope::open`](crate::Envelope::open): the rest need not be fetched.
    /// [`EventStream::finish`] then gives the same error, unless the message turns out longer than the member accepts.
    pub fn push(&mut self, bytes: &[u8]) -> Result<()> {
        let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        self.len = self.len.saturating_add(len);
        self.digest.update(bytes);
        self.envelope?;
        let Self {
            signed,
            payload,
            event,
            ..
        } = self;
        self.envelope = self.incoming.push(bytes, &mut |piece| {
            match piece {
                Piece::Protected(protected, session) => {
                    payload.set_session(session);
                    // up to the payload, which has a head of its own length
                    sig_structure(protected, EXTERNAL_AAD, &[], |parts| {
                        parts.iter().take(2).for_each(|part| signed.update(part));
                        Ok(())
                    })?;
                }
                Piece::Len(len) => {
                    let mut head = [0; 9];
                    let mut writer = Writer::new(&mut head);
                    writer.bytes_head(len);
                    let len = writer.finish()?;
                    signed.update(head.get(..len).unwrap_or_default());
                }
                Piece::Payload(part) => {
                    signed.update(part);
                    *event = event.and_then(|()| payload.push(part));
                }
            }
            Ok(())
        });
        self.envelope
    }

    /// Ends the event: verifies it and hands it to the member. `now` is the time of the key server if it is known.
    ///
    /// # Errors
    /// As [`Member::event`]. [`Error::NeedEvent`] if the member took an event meanwhile that this one's history names
    /// too far back to have been kept: fetch it again. [`Error::Group`] for another member than the one at the start.
    pub fn finish<S: AsRef<[u8]>>(
        &self,
        member: &mut Member<S, W>,
        now: Option<UnixTime>,
    ) -> Result<Received> {
        let same = self.payload.owner() == member.held.owner()
            && self.incoming.pinned() == &member.authority.pinned();
        if !same {
            return Err(Error::Group);
        }
        let len = usize::try_from(self.len).unwrap_or(usize::MAX);
        member.authority.check_size(len)?;
        let fingerprint = fingerprint(&self.digest.clone().finalize().into());
        if member.holds(&fingerprint) {
            return Ok(Received::Duplicate);
        }
        self.envelope?;
        let signature = self.incoming.finish()?;
        let signed = self.signed.clone().finalize().into();
        member.authority.key().verify_digest(&signed, signature)?;
        self.event?;
        member.take(self.payload.finish()?, fingerprint, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broadcast::{Authority, Envelope};
    use crate::rsd::PersonalKey;
    use crate::rsd::receive::tests::assert_same;
    use iotchain_core::hash::sha256;
    use iotchain_core::{Gid, PublicKey, Session, Signer, SigningKey};
    use serde_json::Value;
    use std::vec::Vec;
    use std::{fs, vec};

    type Owned<const W: usize> = Member<Vec<u8>, W>;

    fn vectors(name: &str) -> Value {
        let path = std::format!("{}/../vectors/{name}.json", env!("CARGO_MANIFEST_DIR"));
        serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
    }

    fn bytes(value: &Value) -> Vec<u8> {
        hex::decode(value.as_str().unwrap()).unwrap()
    }

    fn list(value: &Value) -> &[Value] {
        value.as_array().unwrap()
    }

    fn time(value: &Value) -> Option<UnixTime> {
        value.as_u64().map(UnixTime::new)
    }

    fn member<const W: usize>(env: &Value, key: &Value) -> Option<Owned<W>> {
        let server = PublicKey::parse(&bytes(&env["ks_key"])).unwrap();
        let mut authority = Authority::new(Gid::from_slice(&bytes(&env["gid"])).unwrap(), server);
        if let Some(len) = env["max_len"].as_u64() {
            authority = authority.with_max_len(len as usize);
        }
        Member::new(PersonalKey::parse(bytes(key)).ok()?, authority).ok()
    }

    fn streamed<const W: usize>(
        member: &mut Owned<W>,
        message: &[u8],
        pieces: impl IntoIterator<Item = usize>,
        now: Option<UnixTime>,
    ) -> Result<Received> {
        let mut stream = EventStream::start(member)?;
        let mut rest = message;
        let mut refused = Ok(());
        for len in pieces {
            let (piece, tail) = rest.split_at(len.min(rest.len()));
            let pushed = stream.push(piece);
            // the first fault stays
            assert!(refused.is_ok() || pushed == refused);
            refused = pushed;
            rest = tail;
            if rest.is_empty() {
                break;
            }
        }
        assert!(rest.is_empty());
        let done = stream.finish(member, now);
        if let Err(refused) = refused {
            assert!(matches!(done, Err(done) if done == refused || done == Error::Size));
        }
        done
    }

    /// Both ways in, from the same state: same result, same state.
    fn compare<const W: usize>(
        member: &Owned<W>,
        message: &[u8],
        pieces: impl IntoIterator<Item = usize>,
        now: Option<UnixTime>,
    ) -> Result<Received> {
        let (mut whole, mut pieced) = (member.clone(), member.clone());
        let expected = whole.event(message, now);
        assert_eq!(streamed(&mut pieced, message, pieces, now), expected);
        assert_same(&whole, &pieced);
        if expected.is_err() {
            assert_same(&whole, member);
        }
        expected
    }

    fn of(len: usize) -> impl Iterator<Item = usize> {
        std::iter::repeat(len)
    }

    #[test]
    fn every_event_in_every_chunking() {
        let mut taken = 0;
        let file = vectors("broadcast-rsd");
        let streamable = |case: &&Value| case["sign_alg"] != SignAlg::Ed25519.cose();
        for case in list(&file["cases"]).iter().filter(streamable) {
            for owner in list(&case["members"]) {
                let mut member: Owned<16> = member(&case["env"], &owner["personal_key"]).unwrap();
                for event in list(&case["events"]) {
                    let message = bytes(&event["message"]);
                    for len in [1, 2, 3, 16, 19, 64, 512, 5000] {
                        let done = compare(&member, &message, of(len), None);
                        taken += u32::from(done.is_ok());
                    }
                    let _ = member.event(&message, None);
                    let again = compare(&member, &message, of(16), None);
                    assert!(again == Ok(Received::Duplicate) || again.is_err());
                }
            }
        }
        assert!(taken > 100, "{taken}");
    }

    #[test]
    fn every_cut_in_two() {
        let case = &vectors("broadcast-rsd")["cases"][0];
        let member: Owned<16> = member(&case["env"], &case["members"][0]["personal_key"]).unwrap();
        let message = bytes(&list(&case["events"]).last().unwrap()["message"]);
        for len in 0..=message.len() {
            compare(&member, &message, [len, message.len()], None).unwrap();
        }
    }

    fn negatives<const W: usize>(case: &Value) -> Result<Received> {
        let mut member: Owned<W> = member(&case["env"], &case["personal_key"]).unwrap();
        for step in list(&case["pre"]) {
            let message = step.get("message").unwrap_or(&step["beacon"]);
            let _ = member.receive(&bytes(message), time(&step["now"]));
        }
        let step = &case["step"];
        let message = bytes(&step["message"]);
        let done = compare(&member, &message, of(1), time(&step["now"]));
        assert_eq!(compare(&member, &message, of(7), time(&step["now"])), done);
        done
    }

    #[test]
    fn every_negative_case() {
        let mut seen = 0;
        for case in list(&vectors("negative")["cases"]) {
            let is_event = case["op"] == "group.step"
                && case["step"].get("message").is_some()
                && bytes(&case["personal_key"])[1] == 2;
            if !is_event {
                continue;
            }
            let done = match case["env"]["cap"].as_u64() {
                Some(1) => negatives::<1>(case),
                _ => negatives::<32>(case),
            };
            let number = done.err().map_or(0, |error| error.number().into());
            assert_eq!(Some(number), case["expect"].as_u64(), "{}", case["id"]);
            seen += 1;
        }
        assert!(seen >= 40, "{seen}");
    }

    #[test]
    fn every_truncation_and_every_flipped_bit() {
        let case = &vectors("broadcast-rsd")["cases"][0];
        let mut member: Owned<16> =
            member(&case["env"], &case["members"][0]["personal_key"]).unwrap();
        let events = list(&case["events"]);
        member.event(&bytes(&events[0]["message"]), None).unwrap();
        let message = bytes(&events[1]["message"]);
        for len in 0..message.len() {
            let cut = compare(&member, &message[..len], of(23), None);
            assert_eq!(cut, Err(Error::Truncated), "{len}");
        }
        for bit in 0..message.len() * 8 {
            let mut flipped = message.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            compare(&member, &flipped, of(1 + bit % 40), None).unwrap_err();
        }
        let longer = [&message[..], &[0]].concat();
        assert_eq!(
            compare(&member, &longer, of(50), None),
            Err(Error::Trailing)
        );
        compare(&member, &message, of(50), None).unwrap();
    }

    /// The key server signs whatever it is given, and the member must not be misled in either way.
    #[test]
    fn every_flipped_bit_of_a_payload_that_is_signed_again() {
        let case = &vectors("broadcast-rsd")["cases"][0];
        let seed = vectors("params");
        let secret = sha256(&[seed["seed_phrase"].as_str().unwrap().as_bytes(), b"ks"]);
        let member: Owned<16> = member(&case["env"], &case["members"][0]["personal_key"]).unwrap();
        let key = SigningKey::from_bytes(member.authority.sign_alg(), &secret).unwrap();
        assert_eq!(&key.public(), member.authority.key());
        let event = &case["events"][1];
        let payload = bytes(&event["payload"]);
        let session = Session::new(event["session"].as_u64().unwrap() as u32);
        let sign = |payload: &[u8]| {
            let mut out = vec![0; payload.len() + 99];
            let gid = member.authority.gid();
            let len = Envelope::seal(&key, gid, session, payload, &mut out).unwrap();
            out.truncate(len);
            out
        };
        let mut refused = 0;
        for bit in 0..payload.len() * 8 {
            let mut flipped = payload.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let done = compare(&member, &sign(&flipped), of(1 + bit % 40), None);
            refused += usize::from(done.is_err());
        }
        assert!(refused > payload.len() * 3, "{refused}");
        for len in 0..payload.len() {
            let cut = compare(&member, &sign(&payload[..len]), of(33), None);
            assert_eq!(cut, Err(Error::Truncated), "{len}");
        }
    }

    #[test]
    fn what_cannot_be_streamed() {
        let case = &vectors("broadcast-rsd")["cases"][0];
        let seed: Vec<u8> = vec![9; 32];
        let key = SigningKey::from_bytes(SignAlg::Ed25519, &seed.try_into().unwrap()).unwrap();
        let gid = Gid::from_slice(&bytes(&case["gid"])).unwrap();
        let personal =
            |n: usize| PersonalKey::parse(bytes(&case["members"][n]["personal_key"])).unwrap();
        let member = Owned::<16>::new(personal(0), Authority::new(gid, key.public())).unwrap();
        assert_eq!(EventStream::start(&member).err(), Some(Error::Alg));

        let server = PublicKey::parse(&bytes(&case["ks_key"])).unwrap();
        let [first, mut other] =
            [0, 1].map(|n| Owned::<16>::new(personal(n), Authority::new(gid, server)).unwrap());
        let message = bytes(&case["events"][0]["message"]);
        let mut stream = EventStream::start(&first).unwrap();
        stream.push(&message).unwrap();
        assert_eq!(stream.clone().finish(&mut other, None), Err(Error::Group));
        // the same place in another group of the same key server
        let mut elsewhere = bytes(&case["members"][0]["personal_key"]);
        elsewhere[3] ^= 1;
        let elsewhere = PersonalKey::parse(elsewhere).unwrap();
        let authority = Authority::new(elsewhere.gid(), server);
        let mut elsewhere = Owned::<16>::new(elsewhere, authority).unwrap();
        let crossed = stream.clone().finish(&mut elsewhere, None);
        assert_eq!(crossed, Err(Error::Group));
        // longer than the member accepts, which counts before anything else
        let mut short = Owned::<16>::new(
            personal(0),
            Authority::new(gid, server).with_max_len(message.len() - 1),
        )
        .unwrap();
        assert_eq!(stream.finish(&mut short, None), Err(Error::Size));
    }

    #[test]
    fn a_stream_fits_where_its_event_does_not() {
        assert!(
            size_of::<EventStream<16>>() < 1024,
            "{}",
            size_of::<EventStream<16>>()
        );
    }
}
