//! Accounts and contracts as people write them: `0x` and 40 hex digits.

use iotchain::Address;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serializer};

/// Reads an address in either case.
///
/// # Errors
/// What is wrong with the text.
pub fn parse(text: &str) -> Result<Address, String> {
    let mut bytes = [0; Address::LEN];
    text.strip_prefix("0x")
        .and_then(|digits| hex::decode_to_slice(digits, &mut bytes).ok())
        .map(|()| Address::new(bytes))
        .ok_or_else(|| format!("`{text}` is not an address (0x and 40 hex digits)"))
}

/// Writes an address, lower case.
#[must_use]
pub fn text(address: &Address) -> String {
    format!("0x{address}")
}

pub(crate) fn serialize<S: Serializer>(
    address: &Address,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&text(address))
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Address, D::Error> {
    parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_read_as_written() {
        let written = "0xfa8701814c564311ecdb0fc262da6f6b25a04cb7";
        assert_eq!(text(&parse(written).unwrap()), written);
        assert_eq!(
            parse("0xFA8701814C564311ecdb0fc262da6f6b25a04cb7"),
            parse(written)
        );
        for bad in [
            "",
            "0x",
            "fa8701814c564311ecdb0fc262da6f6b25a04cb7",
            &written[..41],
            "0xzz",
        ] {
            assert!(parse(bad).unwrap_err().contains("40 hex digits"), "{bad}");
        }
    }
}
