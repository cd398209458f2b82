//! A broadcast of a group manager.

use std::convert::Infallible;

use iotchain::selfheal::rsd::{GroupManager, Parameters, Plan};
use iotchain::{Gid, Session, Signer, UnixTime};
use rand_core::{TryCryptoRng, TryRng};

use super::GID;

/// Counts; only for bytes that these tests do not look at.
struct Counter(u8);

impl TryRng for Counter {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from(self.0))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from(self.0))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        for byte in out {
            self.0 = self.0.wrapping_add(1);
            *byte = self.0;
        }
        Ok(())
    }
}

impl TryCryptoRng for Counter {}

/// The first event of a group with two members.
pub fn event(signer: &impl Signer) -> Vec<u8> {
    let sessions = Session::new(1)..=Session::new(100);
    let mut parameters = Parameters::new(Gid::new(GID), 1, 10, sessions);
    parameters.starts = UnixTime::new(1_767_225_600);
    let mut rng = Counter(0);
    let mut manager = GroupManager::generate(parameters, &mut rng).unwrap();
    manager.join().unwrap();
    manager.join().unwrap();
    manager
        .advance(Plan::KEEP, &mut rng, signer)
        .unwrap()
        .event
        .unwrap()
}
