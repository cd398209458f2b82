//! Public keys as people pass them on: the hex digits of a COSE_Key (RFC 9052, 7).

use iotchain::PublicKey;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serializer};

/// Longest encoding: two coordinates of 32 bytes with their labels.
const MAX_LEN: usize = 96;

/// Reads a key.
///
/// # Errors
/// What is wrong with the text.
pub fn parse(text: &str) -> Result<PublicKey, String> {
    let bytes = hex::decode(text.trim()).map_err(|error| format!("COSE_Key: {error}"))?;
    PublicKey::parse(&bytes).map_err(|error| format!("COSE_Key: {} {error}", error.name()))
}

/// Writes a key.
#[must_use]
pub fn text(key: &PublicKey) -> String {
    let mut buffer = [0; MAX_LEN];
    // The buffer takes every key there is.
    let len = key.encode(&mut buffer).unwrap_or(0);
    hex::encode(&buffer[..len])
}

pub(crate) fn serialize<S: Serializer>(key: &PublicKey, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&text(key))
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<PublicKey, D::Error> {
    parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;
    use iotchain::{SignAlg, Signer, SigningKey};

    #[test]
    fn keys_of_every_algorithm_survive_as_text() {
        for alg in [SignAlg::Es256k, SignAlg::Esp256, SignAlg::Ed25519] {
            let key = SigningKey::from_bytes(alg, &[7; 32]).unwrap().public();
            assert_eq!(parse(&format!("{}\n", text(&key))).unwrap(), key);
        }
        assert!(parse("a1").unwrap_err().contains("E_"));
        assert!(parse("zz").is_err());
    }
}
