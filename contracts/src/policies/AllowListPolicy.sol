// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Claims} from "../Claims.sol";
import {IAccessPolicy} from "../IAccessPolicy.sol";

/// @title A client gets what a published list says
/// @notice The list is a Merkle tree of which only the root is on the chain: any length costs the same to deploy.
/// Leaf = keccak256(keccak256(abi.encode(client, res, claims, maxTtl))), inner node = keccak256 of the two children, smaller
/// one first: trees made by OpenZeppelin's merkle-tree fit. Another list is another policy.
contract AllowListPolicy is IAccessPolicy {
    using Claims for bytes4;

    bytes32 public immutable root;

    error NotListed();

    constructor(bytes32 root_) {
        root = root_;
    }

    /// @param proof abi.encode(bytes4 claims, uint40 maxTtl, bytes32[] siblings), siblings from the leaf upwards
    function grant(Request calldata request, bytes calldata proof) external payable returns (bytes4 claims, uint40 ttl) {
        if (msg.value != 0) revert ValueNotAccepted();
        if (request.requester != request.client) revert NotTheClient();

        (bytes4 listed, uint40 maxTtl, bytes32[] memory siblings) = abi.decode(proof, (bytes4, uint40, bytes32[]));
        // Hashed twice, so that no inner node (64 bytes) can pass for a leaf.
        bytes32 node = keccak256(bytes.concat(keccak256(abi.encode(request.client, request.res, listed, maxTtl))));
        for (uint256 i = 0; i < siblings.length; ++i) {
            node = _parent(node, siblings[i]);
        }
        if (node != root) revert NotListed();

        ttl = request.ttl < maxTtl ? request.ttl : maxTtl;
        return (request.claims.within(listed), ttl);
    }

    function _parent(bytes32 a, bytes32 b) private pure returns (bytes32) {
        return a < b ? keccak256(abi.encode(a, b)) : keccak256(abi.encode(b, a));
    }
}
