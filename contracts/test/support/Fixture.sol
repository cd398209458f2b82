// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {AccessToken} from "../../src/AccessToken.sol";
import {IAccessPolicy} from "../../src/IAccessPolicy.sol";
import {OpenPolicy} from "../../src/policies/OpenPolicy.sol";
import {vm} from "./Vm.sol";

/// One owner, one authorization server, two clients, one open resource server.
abstract contract Fixture {
    uint40 internal constant NOW = 1_800_000_000;
    uint32 internal constant HEIGHT = 1000;
    uint40 internal constant MAX_TTL = 30 days;
    uint24 internal constant POLICY_GAS = 100_000;

    bytes4 internal constant READ = 0x01100007;
    bytes4 internal constant READ_WRITE = 0x05100007;

    address internal immutable owner = address(0xb055);
    address internal immutable authServer = address(0xa5);
    address internal immutable alice = address(0xa11ce);
    address internal immutable bob = address(0xb0b);
    address internal immutable mallory = address(0xbad);
    address internal immutable rs = address(0x5e);

    AccessToken internal ledger;

    function setUp() public virtual {
        vm.warp(NOW);
        vm.roll(HEIGHT);
        ledger = new AccessToken(owner);
        open(rs, new OpenPolicy());
        vm.prank(owner);
        ledger.setAuthorizer(authServer, true);
    }

    function open(address res, IAccessPolicy policy) internal {
        vm.prank(owner);
        ledger.setResource(res, policy, MAX_TTL, POLICY_GAS);
    }

    /// `client` asks for itself, for an hour.
    function add(address client, address res, bytes4 claims) internal returns (uint48 serial) {
        vm.prank(client);
        return ledger.addToken(res, claims, 1 hours, "");
    }

    function hasToken(address client, address res) internal view returns (bool) {
        (address found,,) = ledger.getToken(client, res);
        return found != address(0);
    }

    function assertEq(uint256 left, uint256 right) internal pure {
        require(left == right, "values differ");
    }

    function assertEq(bytes32 left, bytes32 right) internal pure {
        require(left == right, "words differ");
    }

    function assertEq(address left, address right) internal pure {
        require(left == right, "addresses differ");
    }

    function assertTrue(bool condition) internal pure {
        require(condition, "false");
    }
}
