//! CAIP-10 account names: an accepted name prints as the same text.
#![no_main]

use iotchain_token::AccountId;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(account) = AccountId::parse(text) {
        account.with_text(|again| assert_eq!(again, text));
    }
});
