// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Claims} from "../../src/Claims.sol";
import {IAccessPolicy} from "../../src/IAccessPolicy.sol";
import {PuzzlePolicy} from "../../src/policies/PuzzlePolicy.sol";
import {Fixture} from "../support/Fixture.sol";
import {vm} from "../support/Vm.sol";

contract PuzzlePolicyTest is Fixture {
    uint8 private constant DIFFICULTY = 6;
    PuzzlePolicy private policy;

    function setUp() public override {
        super.setUp();
        policy = new PuzzlePolicy(address(ledger), READ, DIFFICULTY);
        open(rs, policy);
    }

    /// The puzzle of the block before, spelled out: what a client computes.
    function isSolved(address client, uint64 count, uint64 j) private view returns (bool) {
        bytes32 hash = keccak256(abi.encode(blockhash(HEIGHT - 1), address(policy), client, rs, count, j));
        return uint256(hash) >> (256 - DIFFICULTY) == 0;
    }

    /// The first `j` that solves, or does not solve, it.
    function search(address client, uint64 count, bool solving) private view returns (bytes memory proof) {
        uint64 j = 0;
        while (isSolved(client, count, j) != solving) ++j;
        return abi.encode(HEIGHT - 1, j);
    }

    function refuse(address sender, address client, bytes4 claims, bytes memory proof, bytes4 fault) private {
        vm.prank(sender);
        vm.expectRevert(fault);
        ledger.addTokenFor(client, rs, claims, 60, proof);
    }

    function test_SolutionWorksOnce() public {
        bytes memory proof = search(alice, 0, true);
        vm.prank(alice);
        ledger.addToken(rs, READ, 60, proof);
        assertEq(policy.solved(alice, rs), 1);
        refuse(alice, alice, READ, proof, PuzzlePolicy.NotSolved.selector);

        proof = search(alice, 1, true);
        vm.prank(alice);
        ledger.addToken(rs, READ, 60, proof);
    }

    function test_SolutionDoesNotWorkAgainAfterDeletion() public {
        bytes memory proof = search(alice, 0, true);
        vm.prank(alice);
        ledger.addToken(rs, READ, 60, proof);
        vm.prank(alice);
        ledger.deleteToken(alice, rs);
        refuse(alice, alice, READ, proof, PuzzlePolicy.NotSolved.selector);
    }

    function test_WrongSolutionIsRefused() public {
        refuse(alice, alice, READ, search(alice, 0, false), PuzzlePolicy.NotSolved.selector);
        assertEq(policy.solved(alice, rs), 0);
    }

    function test_SolutionOfAnotherClientIsRefused() public {
        uint64 j = 0;
        while (!isSolved(alice, 0, j) || isSolved(bob, 0, j)) ++j;
        refuse(bob, bob, READ, abi.encode(HEIGHT - 1, j), PuzzlePolicy.NotSolved.selector);
    }

    function test_OldAndFutureBlocksAreRefused() public {
        refuse(alice, alice, READ, abi.encode(HEIGHT - 257, 0), PuzzlePolicy.StaleBlock.selector);
        refuse(alice, alice, READ, abi.encode(HEIGHT, 0), PuzzlePolicy.StaleBlock.selector);
    }

    function test_OnlyTheOfferIsGranted() public {
        bytes memory proof = search(alice, 0, true);
        refuse(alice, alice, 0x01100008, proof, Claims.OtherClass.selector);
        vm.prank(alice);
        ledger.addToken(rs, READ_WRITE, 60, proof);
        assertTrue(ledger.tokenOf(alice, rs).claims == READ);
    }

    function test_RelayIsRefused() public {
        refuse(mallory, alice, READ, search(alice, 0, true), IAccessPolicy.NotTheClient.selector);
    }

    function test_OnlyTheLedgerCountsSolutions() public {
        bytes memory proof = search(alice, 0, true);
        vm.prank(mallory);
        vm.expectRevert(IAccessPolicy.WrongCaller.selector);
        policy.grant(IAccessPolicy.Request(alice, alice, rs, READ, 60), proof);
    }

    function test_EtherIsRefused() public {
        bytes memory proof = search(alice, 0, true);
        vm.deal(alice, 1);
        vm.prank(alice);
        vm.expectRevert(IAccessPolicy.ValueNotAccepted.selector);
        ledger.addToken{value: 1}(rs, READ, 60, proof);
    }
}
