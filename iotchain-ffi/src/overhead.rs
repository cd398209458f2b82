//! How much longer an object is than its plaintext, at most.

/// Of a response for the group (`iotchain_sender_seal_response`) and of a request of one client
/// (`iotchain_sender_seal_request`), in bytes.
pub const IOTCHAIN_GROUP_OVERHEAD: usize = 59;
/// Of the response to a request of one client (`iotchain_reply_seal`), in bytes.
pub const IOTCHAIN_REPLY_OVERHEAD: usize = 27;
/// Of a signed object (`iotchain_sender_seal_signed`), in bytes.
pub const IOTCHAIN_SIGNED_OVERHEAD: usize = 148;
/// Of any object, in bytes: a buffer of so much more than the plaintext takes every object.
pub const IOTCHAIN_OBJECT_OVERHEAD: usize = 148;

#[cfg(test)]
mod tests {
    use super::*;

    /// array(3), the head of the ciphertext up to 65535 bytes, the longer tag.
    const FRAME: usize = 1 + 3 + 16;
    /// Map, alg 30, a Content-Format, the longest kid, PIV and kid context.
    const HEADER: usize = 1 + 3 + 4 + (2 + 11) + (2 + 3) + (2 + 8);
    /// Claims with two times below 2^40.
    const CLAIMS: usize = 2 + 2 * (1 + 9);
    /// A map with one label of 64 bytes.
    const SIGNATURE: usize = 2 + 2 + 64;

    #[test]
    fn lengths_add_up_from_the_parts_of_an_object() {
        assert_eq!(IOTCHAIN_GROUP_OVERHEAD, FRAME + (2 + HEADER) + 1);
        assert_eq!(IOTCHAIN_REPLY_OVERHEAD, FRAME + (1 + 1 + 4) + 1);
        assert_eq!(
            IOTCHAIN_SIGNED_OVERHEAD,
            FRAME + (2 + HEADER + CLAIMS) + SIGNATURE
        );
        assert_eq!(IOTCHAIN_OBJECT_OVERHEAD, IOTCHAIN_SIGNED_OVERHEAD);
    }

    #[test]
    fn numbers_are_those_of_the_library() {
        use iotchain::StoredState;
        use iotchain::oscar::COMPACT_CONTENT_FORMAT;
        assert_eq!(crate::IOTCHAIN_MAX_STORED, StoredState::MAX_LEN);
        assert_eq!(crate::IOTCHAIN_MAX_TOKEN, iotchain::Exchange::MAX_TOKEN);
        assert_eq!(
            crate::IOTCHAIN_COMPACT_CONTENT_FORMAT,
            COMPACT_CONTENT_FORMAT
        );
    }
}
