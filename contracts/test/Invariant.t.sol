// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {AccessToken} from "../src/AccessToken.sol";
import {Actors} from "./support/Actors.sol";
import {vm} from "./support/Vm.sol";

/// Whatever the actors do, in any order, the contract holds what the model says.
contract InvariantTest {
    Actors private actors;

    function setUp() public {
        actors = new Actors();
    }

    /// The only contract that forge calls at random.
    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(actors);
    }

    function invariant_EveryWordIsWhatTheModelSays() public {
        vm.warp(actors.time());
        for (uint256 c = 0; c < 3; ++c) {
            for (uint256 r = 0; r < 2; ++r) {
                check(actors.client(c), actors.resource(r));
            }
        }
    }

    function check(address client, address res) private view {
        AccessToken ledger = actors.ledger();
        Actors.Held memory held = actors.expected(client, res);
        AccessToken.Token memory token = ledger.tokenOf(client, res);
        require(token.serial == held.serial && token.serial <= actors.lastSerial(), "serial");
        require(token.claims == held.claims && token.expiresAt == held.expiresAt, "token");
        require(token.epoch == held.epoch && ledger.resourceOf(res).epoch == actors.epochs(res), "epoch");

        bool live = held.claims != 0 && held.epoch == actors.epochs(res) && actors.time() < held.expiresAt;
        (address found, uint256 ttl, bytes4 claims) = ledger.getToken(client, res);
        require(found == (live ? res : address(0)), "live");
        require(ttl == (live ? held.expiresAt : 0) && claims == (live ? held.claims : bytes4(0)), "triple");
    }
}
