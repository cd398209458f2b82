// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Claims} from "../Claims.sol";
import {IAccessPolicy} from "../IAccessPolicy.sol";

/// @title A client gets what an attester signed for it
/// @notice The attester, for instance the desk of an energy company that checks addresses (paper II-B), signs an EIP-712
/// Grant off the chain. Each grant works once, until its deadline, for one client; anybody may carry it to the chain.
contract AttestationPolicy is IAccessPolicy {
    using Claims for bytes4;

    struct Grant {
        bytes4 claims; // most the client may get, see Claims
        uint40 ttl; // longest lifetime, seconds
        uint64 deadline; // unix seconds, last moment of use
        bytes32 nonce; // makes equal grants distinct
    }

    bytes32 private constant DOMAIN_TYPE =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
    bytes32 private constant GRANT_TYPE =
        keccak256("Grant(address client,address res,bytes4 claims,uint40 ttl,uint64 deadline,bytes32 nonce)");
    /// Half the order of secp256k1: of the two values of s that fit a message, only the lower one counts (EIP-2).
    uint256 private constant MAX_S = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0;

    address public immutable accessToken;
    address public immutable attester;
    mapping(bytes32 digest => bool) public spent;

    error DeadlinePassed();
    error GrantSpent();
    error BadSignature();
    /// A relay must deliver exactly what was attested, else it could weaken or shorten the token.
    error NotAsAttested();
    error ZeroAttester();

    /// @param accessToken_ the only contract that may spend grants
    /// @param attester_ the account whose signature counts
    constructor(address accessToken_, address attester_) {
        if (attester_ == address(0)) revert ZeroAttester();
        accessToken = accessToken_;
        attester = attester_;
    }

    /// @param proof abi.encode(Grant, bytes signature), signature = r || s || v, 65 bytes
    function grant(Request calldata request, bytes calldata proof) external payable returns (bytes4 claims, uint40 ttl) {
        if (msg.value != 0) revert ValueNotAccepted();
        // Anybody else could spend a client's grant without a token coming of it.
        if (msg.sender != accessToken) revert WrongCaller();

        (Grant memory attested, bytes memory signature) = abi.decode(proof, (Grant, bytes));
        if (block.timestamp > attested.deadline) revert DeadlinePassed();
        bool exact = request.claims == attested.claims && request.ttl == attested.ttl;
        if (request.requester != request.client && !exact) revert NotAsAttested();

        bytes32 signed = digest(request.client, request.res, attested);
        if (_signer(signed, signature) != attester) revert BadSignature();
        if (spent[signed]) revert GrantSpent();
        spent[signed] = true;

        ttl = request.ttl < attested.ttl ? request.ttl : attested.ttl;
        return (request.claims.within(attested.claims), ttl);
    }

    /// @notice What the attester signs (EIP-712).
    function digest(address client, address res, Grant memory attested) public view returns (bytes32) {
        bytes32 message =
            keccak256(abi.encode(GRANT_TYPE, client, res, attested.claims, attested.ttl, attested.deadline, attested.nonce));
        return keccak256(abi.encodePacked(hex"1901", domainSeparator(), message));
    }

    /// @notice Binds signatures to this policy on this chain (EIP-712). Computed each time: the chain id changes in a fork.
    function domainSeparator() public view returns (bytes32) {
        return keccak256(abi.encode(DOMAIN_TYPE, keccak256("IoTChain"), keccak256("1"), block.chainid, address(this)));
    }

    /// The account that made `signature`, 0 if it has the wrong form.
    function _signer(bytes32 signed, bytes memory signature) private pure returns (address) {
        if (signature.length != 65) return address(0);
        bytes32 r;
        bytes32 s;
        uint8 v;
        assembly ("memory-safe") {
            r := mload(add(signature, 32))
            s := mload(add(signature, 64))
            v := byte(0, mload(add(signature, 96)))
        }
        if (uint256(s) > MAX_S) return address(0);
        return ecrecover(signed, v, r, s);
    }
}
