//! pycose, python-cwt and cbor2 agree with us, in both directions.

mod cbor;
mod objects;
mod regroup;
mod signed;
mod tokens;

#[path = "../messages/mod.rs"]
mod messages;
#[path = "../stack/mod.rs"]
mod stack;
#[path = "../world/mod.rs"]
mod world;
