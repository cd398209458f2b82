//! What `docs/c-guide.md` says is so.
#![cfg(all(feature = "server", feature = "token"))]
#![allow(missing_docs)]

use iotchain_ffi::*;

fn read(name: &str) -> String {
    std::fs::read_to_string(format!("{}/../{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// `sizes![iotchain_a => iotchain_a_size, ..]`
macro_rules! sizes {
    ($($object:ident => $size:ident),* $(,)?) => { [$((stringify!($object), $size())),*] };
}

#[test]
fn the_guide_states_the_sizes_of_all_objects() {
    let sizes = sizes![
        iotchain_block => iotchain_block_size,
        iotchain_clients => iotchain_clients_size,
        iotchain_commands => iotchain_commands_size,
        iotchain_event => iotchain_event_size,
        iotchain_exchange => iotchain_exchange_size,
        iotchain_join_response => iotchain_join_response_size,
        iotchain_member => iotchain_member_size,
        iotchain_pair_request => iotchain_pair_request_size,
        iotchain_proof => iotchain_proof_size,
        iotchain_proxy => iotchain_proxy_size,
        iotchain_reply => iotchain_reply_size,
        iotchain_sender => iotchain_sender_size,
        iotchain_signing_key => iotchain_signing_key_size,
        iotchain_stored => iotchain_stored_size,
    ];
    let declared = read("include/iotchain.h").matches("_size(void);").count();
    assert_eq!(declared, sizes.len(), "each object has a size");
    let guide = read("docs/c-guide.md");
    for (object, size) in sizes {
        assert!(
            guide.contains(&format!("| `{object}` | {size} |")),
            "{object} has {size} bytes"
        );
    }
}

#[test]
fn the_guide_names_what_there_is() {
    let headers = read("include/iotchain.h") + &read("include/iotchain_port.h");
    let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    // what a program defines for the feature `panic-extern`
    let own = "iotchain_on_panic";
    for page in ["docs/c-guide.md", "README.md"] {
        for name in read(page).split(|c| !is_name(c)) {
            let is_ours = name.starts_with("iotchain_") && name != own;
            assert!(!is_ours || headers.contains(name), "{page}: {name}");
        }
    }
}
