// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Claims} from "../../src/Claims.sol";
import {IAccessPolicy} from "../../src/IAccessPolicy.sol";
import {AttestationPolicy} from "../../src/policies/AttestationPolicy.sol";
import {Fixture} from "../support/Fixture.sol";
import {vm} from "../support/Vm.sol";

contract AttestationPolicyTest is Fixture {
    uint256 private constant KEY = 0xa77e57;
    uint256 private constant ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;

    AttestationPolicy private policy;

    function setUp() public override {
        super.setUp();
        policy = new AttestationPolicy(address(ledger), vm.addr(KEY));
        open(rs, policy);
    }

    function grantOf(bytes4 claims) private pure returns (AttestationPolicy.Grant memory) {
        return AttestationPolicy.Grant(claims, 600, NOW + 60, bytes32(uint256(7)));
    }

    function attest(uint256 key, address client, AttestationPolicy.Grant memory attested) private view returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, policy.digest(client, rs, attested));
        return abi.encode(attested, abi.encodePacked(r, s, v));
    }

    function proofFor(address client, bytes4 claims) private view returns (bytes memory) {
        return attest(KEY, client, grantOf(claims));
    }

    function refuse(address sender, bytes4 claims, uint40 ttl, bytes memory proof, bytes4 fault) private {
        vm.prank(sender);
        vm.expectRevert(fault);
        ledger.addTokenFor(alice, rs, claims, ttl, proof);
    }

    function test_ClientUsesItsGrantOnce() public {
        bytes memory proof = proofFor(alice, READ_WRITE);
        vm.prank(alice);
        ledger.addToken(rs, READ_WRITE, 600, proof);
        assertTrue(ledger.tokenOf(alice, rs).claims == READ_WRITE);
        refuse(alice, READ_WRITE, 600, proof, AttestationPolicy.GrantSpent.selector);
    }

    function test_SpentGrantStaysSpentAfterDeletion() public {
        bytes memory proof = proofFor(alice, READ);
        vm.prank(alice);
        ledger.addToken(rs, READ, 600, proof);
        vm.prank(authServer);
        ledger.deleteToken(alice, rs);
        refuse(alice, READ, 600, proof, AttestationPolicy.GrantSpent.selector);
    }

    function test_ClientMayAskForLess() public {
        bytes memory proof = proofFor(alice, READ_WRITE);
        vm.prank(alice);
        ledger.addToken(rs, READ, 60, proof);
        assertTrue(ledger.tokenOf(alice, rs).claims == READ);
        assertEq(ledger.tokenOf(alice, rs).expiresAt, NOW + 60);
    }

    function test_ClientGetsNoMoreThanAttested() public {
        bytes memory proof = proofFor(alice, READ);
        vm.prank(alice);
        ledger.addToken(rs, READ_WRITE, 3600, proof);
        assertTrue(ledger.tokenOf(alice, rs).claims == READ);
        assertEq(ledger.tokenOf(alice, rs).expiresAt, NOW + 600);
    }

    function test_ClassMustBeTheAttestedOne() public {
        refuse(alice, 0x01100003, 600, proofFor(alice, 0x01100007), Claims.OtherClass.selector);
    }

    function test_RelayDeliversExactlyWhatWasAttested() public {
        bytes memory proof = proofFor(alice, READ_WRITE);
        refuse(mallory, READ, 600, proof, AttestationPolicy.NotAsAttested.selector);
        refuse(mallory, READ_WRITE, 599, proof, AttestationPolicy.NotAsAttested.selector);
        vm.prank(mallory);
        ledger.addTokenFor(alice, rs, READ_WRITE, 600, proof);
        assertTrue(ledger.tokenOf(alice, rs).claims == READ_WRITE);
        assertEq(ledger.tokenOf(mallory, rs).serial, 0);
    }

    function test_GrantOfAnotherClientIsRefused() public {
        refuse(alice, READ, 600, proofFor(bob, READ), AttestationPolicy.BadSignature.selector);
    }

    function test_GrantForAnotherResourceServerIsRefused() public {
        address second = address(0x5e2);
        open(second, policy);
        bytes memory proof = proofFor(alice, READ);
        vm.prank(alice);
        vm.expectRevert(AttestationPolicy.BadSignature.selector);
        ledger.addToken(second, READ, 600, proof);
    }

    function test_SignatureOfAnotherKeyIsRefused() public {
        bytes memory proof = attest(KEY + 1, alice, grantOf(READ));
        refuse(alice, READ, 600, proof, AttestationPolicy.BadSignature.selector);
    }

    function test_GrantForAnotherChainIsRefused() public {
        bytes memory proof = proofFor(alice, READ);
        vm.chainId(block.chainid + 1);
        refuse(alice, READ, 600, proof, AttestationPolicy.BadSignature.selector);
    }

    function test_GrantForAnotherPolicyIsRefused() public {
        bytes memory proof = proofFor(alice, READ);
        open(rs, new AttestationPolicy(address(ledger), vm.addr(KEY)));
        refuse(alice, READ, 600, proof, AttestationPolicy.BadSignature.selector);
    }

    function test_ChangedGrantIsRefused() public {
        (, bytes memory signature) = abi.decode(proofFor(alice, READ), (AttestationPolicy.Grant, bytes));
        AttestationPolicy.Grant memory changed = grantOf(READ_WRITE);
        refuse(alice, READ_WRITE, 600, abi.encode(changed, signature), AttestationPolicy.BadSignature.selector);
        changed = grantOf(READ);
        changed.nonce = 0;
        refuse(alice, READ, 600, abi.encode(changed, signature), AttestationPolicy.BadSignature.selector);
    }

    function test_GrantEndsWithItsDeadline() public {
        bytes memory proof = proofFor(alice, READ);
        vm.warp(NOW + 61);
        refuse(alice, READ, 600, proof, AttestationPolicy.DeadlinePassed.selector);
        vm.warp(NOW + 60);
        vm.prank(alice);
        ledger.addToken(rs, READ, 600, proof);
    }

    /// Each signature has one form: of the two values of s the lower, v 27 or 28, 65 bytes.
    function test_OtherFormsOfASignatureAreRefused() public {
        AttestationPolicy.Grant memory attested = grantOf(READ);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(KEY, policy.digest(alice, rs, attested));
        bytes[4] memory forms = [
            abi.encodePacked(r, ORDER - uint256(s), v == 27 ? uint8(28) : uint8(27)),
            abi.encodePacked(r, s, v - 27),
            abi.encodePacked(r, s),
            abi.encodePacked(r, s, v, uint8(0))
        ];
        for (uint256 i = 0; i < forms.length; ++i) {
            refuse(alice, READ, 600, abi.encode(attested, forms[i]), AttestationPolicy.BadSignature.selector);
        }
        vm.prank(alice);
        ledger.addToken(rs, READ, 600, abi.encode(attested, abi.encodePacked(r, s, v)));
    }

    function test_OnlyTheLedgerSpendsGrants() public {
        bytes memory proof = proofFor(alice, READ);
        vm.prank(mallory);
        vm.expectRevert(IAccessPolicy.WrongCaller.selector);
        policy.grant(IAccessPolicy.Request(alice, alice, rs, READ, 600), proof);
    }

    function test_EtherIsRefused() public {
        bytes memory proof = proofFor(alice, READ);
        vm.deal(alice, 1);
        vm.prank(alice);
        vm.expectRevert(IAccessPolicy.ValueNotAccepted.selector);
        ledger.addToken{value: 1}(rs, READ, 600, proof);
    }

    function test_AttesterCannotBeZero() public {
        vm.expectRevert(AttestationPolicy.ZeroAttester.selector);
        new AttestationPolicy(address(ledger), address(0));
    }
}
