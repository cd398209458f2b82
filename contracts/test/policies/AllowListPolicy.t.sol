// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Claims} from "../../src/Claims.sol";
import {IAccessPolicy} from "../../src/IAccessPolicy.sol";
import {AllowListPolicy} from "../../src/policies/AllowListPolicy.sol";
import {Fixture} from "../support/Fixture.sol";
import {vm} from "../support/Vm.sol";

contract AllowListPolicyTest is Fixture {
    bytes32 private aliceLeaf;
    bytes32 private bobLeaf;

    /// Alice may read and write, Bob may read, each for ten minutes.
    function setUp() public override {
        super.setUp();
        aliceLeaf = leaf(alice, READ_WRITE);
        bobLeaf = leaf(bob, READ);
        open(rs, new AllowListPolicy(parent(aliceLeaf, bobLeaf)));
    }

    function leaf(address client, bytes4 claims) private view returns (bytes32) {
        return keccak256(bytes.concat(keccak256(abi.encode(client, rs, claims, uint40(600)))));
    }

    function parent(bytes32 a, bytes32 b) private pure returns (bytes32) {
        return a < b ? keccak256(bytes.concat(a, b)) : keccak256(bytes.concat(b, a));
    }

    function proofOf(bytes4 claims, uint40 maxTtl, bytes32 sibling) private pure returns (bytes memory) {
        bytes32[] memory siblings = new bytes32[](1);
        siblings[0] = sibling;
        return abi.encode(claims, maxTtl, siblings);
    }

    function test_ListedClientsGetWhatTheListSays() public {
        vm.prank(alice);
        ledger.addToken(rs, READ_WRITE, 600, proofOf(READ_WRITE, 600, bobLeaf));
        assertTrue(ledger.tokenOf(alice, rs).claims == READ_WRITE);
        vm.prank(bob);
        ledger.addToken(rs, READ_WRITE, 3600, proofOf(READ, 600, aliceLeaf));
        assertTrue(ledger.tokenOf(bob, rs).claims == READ);
        assertEq(ledger.tokenOf(bob, rs).expiresAt, NOW + 600);
    }

    function test_StrangerIsRefused() public {
        vm.prank(mallory);
        vm.expectRevert(AllowListPolicy.NotListed.selector);
        ledger.addToken(rs, READ_WRITE, 600, proofOf(READ_WRITE, 600, bobLeaf));
    }

    function test_ListedClientCannotClaimMore() public {
        vm.prank(bob);
        vm.expectRevert(AllowListPolicy.NotListed.selector);
        ledger.addToken(rs, READ_WRITE, 600, proofOf(READ_WRITE, 600, aliceLeaf));
        vm.prank(bob);
        vm.expectRevert(AllowListPolicy.NotListed.selector);
        ledger.addToken(rs, READ, 601, proofOf(READ, 601, aliceLeaf));
        vm.prank(bob);
        vm.expectRevert(Claims.OtherClass.selector);
        ledger.addToken(rs, 0x01100003, 600, proofOf(READ, 600, aliceLeaf));
    }

    function test_ListOfAnotherResourceServerIsRefused() public {
        address second = address(0x5e2);
        AllowListPolicy shared = new AllowListPolicy(parent(aliceLeaf, bobLeaf));
        open(second, shared);
        vm.prank(bob);
        vm.expectRevert(AllowListPolicy.NotListed.selector);
        ledger.addToken(second, READ, 600, proofOf(READ, 600, aliceLeaf));
    }

    function test_RelayIsRefused() public {
        vm.prank(mallory);
        vm.expectRevert(IAccessPolicy.NotTheClient.selector);
        ledger.addTokenFor(bob, rs, READ, 1, proofOf(READ, 600, aliceLeaf));
    }

    function test_EtherIsRefused() public {
        vm.deal(bob, 1);
        vm.prank(bob);
        vm.expectRevert(IAccessPolicy.ValueNotAccepted.selector);
        ledger.addToken{value: 1}(rs, READ, 600, proofOf(READ, 600, aliceLeaf));
    }
}
