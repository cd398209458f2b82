//! The C ABI of IoTChain: every function and type of `include/iotchain.h`, which is generated from this crate.
//!
//! ```text
//! C or C++ application --- include/iotchain.h ------> libiotchain.a (iotchain-ffi/staticlib) ---> this crate ---> iotchain
//!            |                                                                                                   |
//!            `---------------- include/iotchain_port.h <--- AES, ES256K of the platform, if it is told to ----- iotchain-core
//! ```
//!
//! Names begin with `iotchain_`. Nothing allocates, nothing is global, and no call panics on its input. State is an opaque structure
//! that the caller allocates; every fallible function returns an [`iotchain_err`] and writes its results only on success.
//!
//! ```
//! use iotchain_ffi::{IOTCHAIN_ABI_VERSION, iotchain_abi_version};
//!
//! assert_eq!(iotchain_abi_version(), IOTCHAIN_ABI_VERSION);
//! ```
//!
//! | file | functions | feature |
//! |---|---|---|
//! | `version`, `error` | is header and library of one version; a text for each result | |
//! | `sign` | private keys in memory; signers, which are such keys or secure elements | |
//! | `join` | requests to a key server and its answers; `pop`: the proof in them | `member` |
//! | `join_response` | what a key server gives to a member | `member` |
//! | `member`, `status`, `event`, `sleep` | a member: joins, follows its group, heals; events in pieces; deep sleep | `member` |
//! | `exchange`, `open`, `stored` | opening responses, and what lay at a proxy: what was asked, what was accepted so far | `member` |
//! | `pair` | a client's requests to one server: opening the response | `member` |
//! | `compact`, `overhead` | objects in small frames; how long an object gets | `member` |
//! | `proxy` | the check of signed objects by those who have no key | `member` |
//! | `sender`, `seal` | counters of one boot; sealing in every mode | `server` |
//! | `clients`, `reply`, `commands` | requests at a resource server, the one response to each; commands that wait for it | `server` |
//! | `cwt` | verification of signed CWTs | `token` |
//! | `block`, `proof` | proofs of ledger tokens, from a trusted block on | `token` |
//!
//! Beside them, `object` (structures in memory of the caller) and `memory` (pointers become slices there and nowhere else), `random`,
//! `resource`, `token`, `query`, `opened` and `personal_key` (plain structures).
//!
//! | feature | adds |
//! |---|---|
//! | `member` (default) | group keys that heal, opening objects |
//! | `server` (default) | sealing objects, and what a resource server opens |
//! | `token` (default) | CWTs, proofs of ledger tokens |
//! | `es256k` (default) | ES256K signatures |
//! | `small-ecdsa` | ES256K in 3 kB of stack, at half the speed; what the archive has |
//! | `esp256` | ESP256 signatures |
//!
//! Cost: the stack of each function, and flash and instructions of each operation, stand in `docs/footprint.md`; the size of an object is that of its structure, the same in every build.
//!
//! Beside `iotchain-port` the only crate of the family that may hold `unsafe`.
#![no_std]
#![cfg_attr(
    not(feature = "server"),
    allow(dead_code, reason = "helpers that only sealing uses")
)]

#[cfg(test)]
extern crate std;

#[cfg(feature = "token")]
mod block;
#[cfg(feature = "server")]
mod clients;
#[cfg(feature = "server")]
mod commands;
#[cfg(feature = "member")]
mod compact;
#[cfg(feature = "token")]
mod cwt;
mod error;
#[cfg(feature = "member")]
mod event;
#[cfg(feature = "member")]
mod exchange;
#[cfg(feature = "member")]
mod join;
#[cfg(feature = "member")]
mod join_response;
#[cfg(feature = "member")]
mod member;
mod memory;
mod object;
#[cfg(feature = "member")]
mod open;
#[cfg(feature = "member")]
mod opened;
#[cfg(feature = "member")]
mod overhead;
#[cfg(feature = "member")]
mod pair;
#[cfg(feature = "member")]
mod personal_key;
#[cfg(feature = "member")]
mod pop;
#[cfg(feature = "token")]
mod proof;
#[cfg(feature = "member")]
mod proxy;
#[cfg(feature = "token")]
mod query;
mod random;
#[cfg(feature = "server")]
mod reply;
mod resource;
#[cfg(feature = "server")]
mod seal;
#[cfg(feature = "server")]
mod sender;
mod sign;
#[cfg(feature = "member")]
mod sleep;
#[cfg(feature = "member")]
mod status;
#[cfg(feature = "member")]
mod stored;
#[cfg(any(feature = "member", feature = "token"))]
mod token;
mod version;

#[cfg(feature = "token")]
pub use block::{
    iotchain_block, iotchain_block_init, iotchain_block_parent, iotchain_block_read,
    iotchain_block_sealed_child, iotchain_block_size, iotchain_block_wipe, iotchain_sealer,
    iotchain_sealer_init,
};
#[cfg(feature = "server")]
pub use clients::{
    IOTCHAIN_CLIENTS, IOTCHAIN_CLIENTS_RETIRED, IOTCHAIN_ECHO, iotchain_clients,
    iotchain_clients_challenge, iotchain_clients_init, iotchain_clients_retire,
    iotchain_clients_size, iotchain_clients_wipe, iotchain_member_open_request, iotchain_request,
};
#[cfg(feature = "server")]
pub use commands::{
    IOTCHAIN_COMMANDS, iotchain_commands, iotchain_commands_init, iotchain_commands_size,
    iotchain_commands_wipe, iotchain_member_open_command,
};
#[cfg(feature = "member")]
pub use compact::{
    IOTCHAIN_COMPACT_CONTENT_FORMAT, IOTCHAIN_CONTENT_FORMAT, iotchain_object_compact,
    iotchain_object_expand,
};
#[cfg(feature = "token")]
pub use cwt::{iotchain_cwt_grant, iotchain_cwt_issuer, iotchain_cwt_verify};
pub use error::{iotchain_err, iotchain_strerror};
#[cfg(feature = "member")]
pub use event::{
    iotchain_event, iotchain_event_finish, iotchain_event_push, iotchain_event_size,
    iotchain_event_start, iotchain_event_wipe,
};
#[cfg(feature = "member")]
pub use exchange::{
    IOTCHAIN_MAX_TOKEN, iotchain_exchange, iotchain_exchange_begin, iotchain_exchange_init,
    iotchain_exchange_size, iotchain_exchange_wipe,
};
#[cfg(feature = "member")]
pub use join::{
    IOTCHAIN_JOIN_REQUEST_MAX, IOTCHAIN_TRANSFER_REQUEST_MAX, iotchain_join_request_encode,
    iotchain_num_parse, iotchain_problem, iotchain_problem_parse, iotchain_transfer_request_encode,
    iotchain_transfer_response, iotchain_transfer_response_parse,
};
#[cfg(feature = "member")]
pub use join_response::{
    iotchain_access_response_key, iotchain_join_info, iotchain_join_response,
    iotchain_join_response_access_key, iotchain_join_response_broadcast,
    iotchain_join_response_info, iotchain_join_response_server_secret, iotchain_join_response_size,
    iotchain_join_response_verify, iotchain_join_response_wipe,
};
#[cfg(feature = "member")]
pub use member::{
    IOTCHAIN_MEMBER_EVENTS, IOTCHAIN_MEMBER_SENDERS, IOTCHAIN_RECEIVED_BEACON,
    IOTCHAIN_RECEIVED_DUPLICATE, IOTCHAIN_RECEIVED_EVENT, iotchain_mark, iotchain_member,
    iotchain_member_announce, iotchain_member_forget, iotchain_member_join, iotchain_member_learn,
    iotchain_member_receive, iotchain_member_renew, iotchain_member_retire, iotchain_member_size,
    iotchain_member_wipe, iotchain_received,
};
#[cfg(feature = "member")]
pub use open::{iotchain_member_open_response, iotchain_member_open_stored};
#[cfg(feature = "member")]
pub use opened::{
    IOTCHAIN_MODE_GROUP, IOTCHAIN_MODE_PAIRWISE, IOTCHAIN_MODE_SIGNED, IOTCHAIN_NO_CONTENT_FORMAT,
    iotchain_opened, iotchain_origin,
};
#[cfg(feature = "member")]
pub use overhead::{
    IOTCHAIN_GROUP_OVERHEAD, IOTCHAIN_OBJECT_OVERHEAD, IOTCHAIN_REPLY_OVERHEAD,
    IOTCHAIN_SIGNED_OVERHEAD,
};
#[cfg(feature = "member")]
pub use pair::{
    iotchain_member_open_reply, iotchain_pair_request, iotchain_pair_request_origin,
    iotchain_pair_request_parse, iotchain_pair_request_size, iotchain_pair_request_wipe,
};
#[cfg(feature = "member")]
pub use pop::{
    IOTCHAIN_BINDING_CERTIFICATE, IOTCHAIN_BINDING_EXPORTER, iotchain_binding, iotchain_pop_digest,
    iotchain_pop_input, iotchain_pop_sign_client, iotchain_pop_sign_server,
};
#[cfg(feature = "token")]
pub use proof::{
    iotchain_grant, iotchain_proof, iotchain_proof_push, iotchain_proof_size, iotchain_proof_start,
    iotchain_proof_validate, iotchain_proof_wipe, iotchain_proof_words, iotchain_token_place,
};
#[cfg(feature = "member")]
pub use proxy::{
    IOTCHAIN_AES_CCM_16_64_128, IOTCHAIN_AES_CCM_16_128_128, IOTCHAIN_COMMAND,
    IOTCHAIN_PROXY_SENDERS, IOTCHAIN_REPRESENTATION, iotchain_proxy, iotchain_proxy_check,
    iotchain_proxy_contradiction, iotchain_proxy_forget, iotchain_proxy_group, iotchain_proxy_init,
    iotchain_proxy_learn, iotchain_proxy_size, iotchain_proxy_wipe, iotchain_verified,
};
#[cfg(feature = "token")]
pub use query::{iotchain_query, iotchain_token_limits};
pub use random::iotchain_rng;
#[cfg(feature = "server")]
pub use reply::{iotchain_reply, iotchain_reply_seal, iotchain_reply_size, iotchain_reply_wipe};
pub use resource::iotchain_resource;
#[cfg(feature = "server")]
pub use seal::{
    iotchain_sender_seal_request, iotchain_sender_seal_response, iotchain_sender_seal_signed,
};
#[cfg(feature = "server")]
pub use sender::{
    iotchain_boot_count, iotchain_checkpoint, iotchain_reserve, iotchain_sender,
    iotchain_sender_checkpoint_due, iotchain_sender_checkpoint_stored, iotchain_sender_enter,
    iotchain_sender_init_assigned, iotchain_sender_init_counted, iotchain_sender_init_persisted,
    iotchain_sender_init_random, iotchain_sender_origin, iotchain_sender_set_max_object,
    iotchain_sender_size, iotchain_sender_wipe,
};
pub use sign::{
    IOTCHAIN_ES256K, IOTCHAIN_ESP256, iotchain_public_key, iotchain_public_key_address,
    iotchain_signer, iotchain_signing_key, iotchain_signing_key_export,
    iotchain_signing_key_generate, iotchain_signing_key_init, iotchain_signing_key_signer,
    iotchain_signing_key_size, iotchain_signing_key_wipe,
};
#[cfg(feature = "member")]
pub use sleep::{
    IOTCHAIN_MEMBER_STATE_MAX, iotchain_member_personal_key, iotchain_member_sleep,
    iotchain_member_wake,
};
#[cfg(feature = "member")]
pub use status::{
    iotchain_beacon_session, iotchain_member_gid, iotchain_member_key, iotchain_member_mark,
    iotchain_member_may_open, iotchain_member_set_policy, iotchain_member_sid,
    iotchain_member_status, iotchain_member_times, iotchain_policy, iotchain_status,
};
#[cfg(feature = "member")]
pub use stored::{
    IOTCHAIN_MAX_STORED, iotchain_stored, iotchain_stored_export, iotchain_stored_iat,
    iotchain_stored_import, iotchain_stored_init, iotchain_stored_size, iotchain_stored_wipe,
};
#[cfg(any(feature = "member", feature = "token"))]
pub use token::{
    IOTCHAIN_ROLE_FETCH, IOTCHAIN_ROLE_GET, IOTCHAIN_ROLE_POST, IOTCHAIN_ROLE_PRODUCER,
    IOTCHAIN_ROLE_PUT, iotchain_scope, iotchain_token_ref,
};
pub use version::{IOTCHAIN_ABI_VERSION, iotchain_abi_version};
