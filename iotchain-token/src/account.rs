//! Accounts as text, the CAIP-10 form `eip155:<chain>:0x<40 lower-case hex>` (spec 5.2).

use crate::text::{Text, hex_value};
use iotchain_core::{Address, Error, Result};

const NAMESPACE: &str = "eip155:";
const SEPARATOR: &str = ":0x";

/// An address on one chain: the subject of a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountId {
    /// EIP-155 chain id.
    pub chain: u64,
    /// The address.
    pub address: Address,
}

impl AccountId {
    /// Longest text in bytes: namespace, 20 digits of the chain, separator, 40 hex digits.
    pub const MAX_LEN: usize = 7 + 20 + 3 + 40;

    /// From its text.
    ///
    /// # Errors
    /// [`Error::Type`] for any other form: another namespace, a chain with leading zeros, upper-case digits.
    pub fn parse(text: &str) -> Result<Self> {
        // from both ends, because a search in text is 3 kB of code
        let parts = || {
            let rest = text.as_bytes().strip_prefix(NAMESPACE.as_bytes())?;
            let (rest, hex) = rest.split_last_chunk()?;
            let chain = rest.strip_suffix(SEPARATOR.as_bytes())?;
            Some(Self {
                chain: parse_chain(chain)?,
                address: parse_address(hex)?,
            })
        };
        parts().ok_or(Error::Type)
    }

    /// Calls `f` with the text.
    pub fn with_text<T>(&self, f: impl FnOnce(&str) -> T) -> T {
        let mut text = Text::<{ Self::MAX_LEN }>::new();
        text.push(NAMESPACE);
        text.push_decimal(self.chain);
        text.push(SEPARATOR);
        text.push_hex(self.address.as_bytes());
        f(text.as_str())
    }
}

/// A decimal number without leading zeros.
fn parse_chain(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || (digits.starts_with(b"0") && digits != b"0") {
        return None;
    }
    digits.iter().try_fold(0u64, |number, digit| {
        let digit = digit.checked_sub(b'0').filter(|digit| *digit < 10)?;
        number.checked_mul(10)?.checked_add(digit.into())
    })
}

fn parse_address(hex: &[u8; 40]) -> Option<Address> {
    let mut bytes = [0; Address::LEN];
    let (pairs, _) = hex.as_chunks::<2>();
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = hex_value(*high)? << 4 | hex_value(*low)?;
    }
    Some(Address::new(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "eip155:1337:0xfa8701814c564311ecdb0fc262da6f6b25a04cb7";

    #[test]
    fn text_and_account_agree_both_ways() {
        let account = AccountId::parse(TEXT).unwrap();
        assert_eq!(account.chain, 1337);
        account.with_text(|text| assert_eq!(text, TEXT));
        for chain in [0, 1, u64::MAX] {
            let account = AccountId { chain, ..account };
            assert_eq!(account.with_text(AccountId::parse), Ok(account));
        }
    }

    #[test]
    fn every_other_spelling_is_refused() {
        let spellings = [
            "",
            "eip155:1337",
            "eip155::0xfa8701814c564311ecdb0fc262da6f6b25a04cb7",
            "eip155:01337:0xfa8701814c564311ecdb0fc262da6f6b25a04cb7",
            "eip155:+1337:0xfa8701814c564311ecdb0fc262da6f6b25a04cb7",
            "eip155:18446744073709551616:0xfa8701814c564311ecdb0fc262da6f6b25a04cb7",
            "eip155:1337:0xFA8701814c564311ecdb0fc262da6f6b25a04cb7",
            "eip155:1337:0xfa8701814c564311ecdb0fc262da6f6b25a04cb",
            "eip155:1337:0xfa8701814c564311ecdb0fc262da6f6b25a04cb70",
            "eip155:1337:fa8701814c564311ecdb0fc262da6f6b25a04cb7",
            "cosmos:1337:0xfa8701814c564311ecdb0fc262da6f6b25a04cb7",
        ];
        for text in spellings {
            assert_eq!(AccountId::parse(text), Err(Error::Type), "{text}");
        }
    }
}
