// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAccessPolicy} from "../src/IAccessPolicy.sol";
import {Fixture} from "./support/Fixture.sol";
import {vm} from "./support/Vm.sol";

/// What off-chain verifiers rely on: where words are, how they are packed, and which code wrote them (spec 5.1).
contract LayoutTest is Fixture {
    function testFuzz_TokenWord(address client, address res, uint8 roles, uint16 class, uint40 ttl, uint32 extra) public {
        bytes4 claims = bytes4(uint32(1 + uint32(roles) % 127) << 24 | 0x00100000 | class);
        ttl = 1 + ttl % MAX_TTL;
        open(res, IAccessPolicy(address(0)));
        vm.prank(authServer);
        ledger.revokeResource(res);
        vm.prank(authServer);
        ledger.issueToken(client, res, claims, ttl, extra);

        bytes32 slot = keccak256(abi.encode(res, keccak256(abi.encode(client, uint256(0)))));
        // Big-endian: the last field of the structure comes first.
        bytes memory word = abi.encodePacked(extra, HEIGHT, uint48(1), uint32(1), claims, NOW + ttl, NOW);
        assertEq(vm.load(address(ledger), slot), bytes32(word));
    }

    function testFuzz_ResourceWord(address res, address policy, uint40 maxTtl, uint24 policyGas) public {
        vm.prank(owner);
        ledger.setResource(res, IAccessPolicy(policy), maxTtl, policyGas);
        vm.prank(authServer);
        ledger.revokeResource(res);

        bytes32 slot = keccak256(abi.encode(res, uint256(1)));
        bytes memory word = abi.encodePacked(policyGas, maxTtl, uint32(1), policy);
        assertEq(vm.load(address(ledger), slot), bytes32(word));
    }

    function test_FixedSlots() public {
        add(alice, rs, READ);
        vm.prank(owner);
        ledger.transferOwnership(bob);
        assertEq(vm.load(address(ledger), bytes32(uint256(2))), bytes32(abi.encodePacked(uint48(0), uint48(1), owner)));
        assertEq(vm.load(address(ledger), bytes32(uint256(3))), bytes32(uint256(uint160(bob))));
        assertEq(vm.load(address(ledger), keccak256(abi.encode(authServer, uint256(4)))), bytes32(uint256(1)));
    }

    /// What is deployed has the code hash that verifiers pin.
    function test_CodeHashIsThePinnedOne() public view {
        bytes32 pinned = vm.parseBytes32(string.concat("0x", vm.trim(vm.readFile("out/AccessToken.codehash"))));
        assertEq(address(ledger).codehash, pinned);
    }
}
