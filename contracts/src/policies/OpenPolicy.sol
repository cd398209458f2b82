// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAccessPolicy} from "../IAccessPolicy.sol";

/// @title Everybody gets what they ask for, for themselves (paper Fig. 4)
/// @notice For measurements, and for resources whose access is to be recorded rather than restricted.
contract OpenPolicy is IAccessPolicy {
    function grant(Request calldata request, bytes calldata) external payable returns (bytes4 claims, uint40 ttl) {
        if (msg.value != 0) revert ValueNotAccepted();
        if (request.requester != request.client) revert NotTheClient();
        return (request.claims, request.ttl);
    }
}
