//! CoAP datagrams: an accepted message, encoded and read again, is the same message.
#![no_main]

use libfuzzer_sys::fuzz_target;

// The codec stands alone; taken as source, it spares the fuzzer the node with its chain and its TLS library.
#[allow(dead_code, unreachable_pub)]
#[path = "../../iotchain-node/src/coap/code.rs"]
mod code;
#[allow(dead_code, unreachable_pub)]
#[path = "../../iotchain-node/src/coap/message.rs"]
mod message;
#[allow(dead_code, unreachable_pub)]
#[path = "../../iotchain-node/src/coap/option.rs"]
mod option;

use message::Message;

fuzz_target!(|datagram: &[u8]| {
    if let Ok(message) = Message::parse(datagram) {
        // Options have more than one valid form on the wire, so the bytes may differ; the message may not.
        assert_eq!(Message::parse(&message.encode()), Ok(message));
    }
});
