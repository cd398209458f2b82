// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAccessPolicy} from "../../src/IAccessPolicy.sol";

/// A policy that gives a fixed answer, and may first call somebody back.
contract ScriptedPolicy is IAccessPolicy {
    bytes4 private claims;
    uint40 private ttl;
    address private target;
    bytes private data;

    function answer(bytes4 claims_, uint40 ttl_) external {
        claims = claims_;
        ttl = ttl_;
    }

    /// The next grant calls `target_` once.
    function callBack(address target_, bytes calldata data_) external {
        target = target_;
        data = data_;
    }

    /// Makes this contract do something outside a grant.
    function act(address target_, bytes calldata data_) external {
        _call(target_, data_);
    }

    function grant(Request calldata, bytes calldata) external payable returns (bytes4, uint40) {
        if (target != address(0)) {
            address once = target;
            target = address(0);
            _call(once, data);
        }
        return (claims, ttl);
    }

    function _call(address to, bytes memory what) private {
        (bool ok,) = to.call(what);
        require(ok, "the call back failed");
    }
}

/// A policy that never comes back.
contract EndlessPolicy is IAccessPolicy {
    function grant(Request calldata, bytes calldata) external payable returns (bytes4, uint40) {
        while (gasleft() != 0) {}
        return (0, 0);
    }
}
