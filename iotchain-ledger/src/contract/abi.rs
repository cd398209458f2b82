//! The contract's interface as the Solidity compiler sees it.
#![allow(missing_docs, unreachable_pub)]

alloy_sol_types::sol! {
    function addToken(address res, bytes4 claims, uint40 ttl, bytes proof) external payable returns (uint48);
    function addTokenFor(address client, address res, bytes4 claims, uint40 ttl, bytes proof) external payable returns (uint48);
    function issueToken(address client, address res, bytes4 claims, uint40 ttl, uint32 extra) external returns (uint48);
    function deleteToken(address client, address res) external;
    function blockClient(address client, address res) external;
    function revokeResource(address res) external;
    function setResource(address res, address policy, uint40 maxTtl, uint24 policyGas) external;
    function setAuthorizer(address account, bool allowed) external;
    function getToken(address client, address res) external view returns (address res, uint256 ttl, bytes4 claims);
    function owner() external view returns (address);

    event TokenAdded(address indexed client, address indexed res, uint48 indexed serial, bytes4 claims, uint40 notBefore, uint40 expiresAt);
    event TokenDeleted(address indexed client, address indexed res, uint48 indexed serial, address by, bool blocked);
    event ResourceSet(address indexed res, address policy, uint40 maxTtl, uint24 policyGas);
    event ResourceRevoked(address indexed res, uint32 epoch, address by);
    event AuthorizerSet(address indexed account, bool allowed);
    event OwnershipTransferStarted(address indexed from, address indexed to);
    event OwnershipTransferred(address indexed from, address indexed to);
}

macro_rules! errors {
    ($($name:ident),* $(,)?) => {
        alloy_sol_types::sol! { $(error $name();)* }

        /// Name of the error with this selector.
        pub(super) fn error_name(selector: &[u8; 4]) -> Option<&'static str> {
            use alloy_sol_types::SolError;
            match *selector {
                $($name::SELECTOR => Some(stringify!($name)),)*
                _ => None,
            }
        }
    };
}

errors!(
    NotOwner,
    NotAuthorizer,
    NotAllowed,
    UnknownResource,
    NoPolicy,
    ResourceChanged,
    BadTtl,
    BadClaims,
    NoToken,
    Blocked,
    BlockNumberOutOfRange,
    ZeroOwner,
);

/// The events' signatures, sorted.
#[cfg(test)]
pub(super) fn event_signatures() -> [&'static str; 7] {
    use alloy_sol_types::SolEvent;
    [
        AuthorizerSet::SIGNATURE,
        OwnershipTransferStarted::SIGNATURE,
        OwnershipTransferred::SIGNATURE,
        ResourceRevoked::SIGNATURE,
        ResourceSet::SIGNATURE,
        TokenAdded::SIGNATURE,
        TokenDeleted::SIGNATURE,
    ]
}
