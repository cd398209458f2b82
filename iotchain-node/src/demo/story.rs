//! The story: Fig. 1 of the paper, then everything that goes wrong in the field. A file per chapter.

mod access;
mod cuts;
mod evidence;
mod latecomers;
mod losses;
mod noise;
mod proxy;
mod rights;

pub(super) use access::authorized_access;
pub(super) use cuts::power_cuts;
pub(super) use latecomers::late_clients;
pub(super) use losses::losses_and_revocations;
pub(super) use noise::noise;
pub(super) use proxy::dishonest_proxy;
pub(super) use rights::rights;
