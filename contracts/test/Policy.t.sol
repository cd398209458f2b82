// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {AccessToken} from "../src/AccessToken.sol";
import {IAccessPolicy} from "../src/IAccessPolicy.sol";
import {OpenPolicy} from "../src/policies/OpenPolicy.sol";
import {Fixture} from "./support/Fixture.sol";
import {EndlessPolicy, ScriptedPolicy} from "./support/ScriptedPolicy.sol";
import {vm} from "./support/Vm.sol";

/// What AccessToken does with any policy, however it behaves.
contract PolicyTest is Fixture {
    ScriptedPolicy private policy;

    function setUp() public override {
        super.setUp();
        policy = new ScriptedPolicy();
        policy.answer(READ, 60);
        vm.prank(owner);
        ledger.setResource(rs, policy, MAX_TTL, 1_000_000);
    }

    function request(bytes4 claims, uint40 ttl) private {
        vm.prank(alice);
        ledger.addToken(rs, claims, ttl, "");
    }

    function test_PolicyMayNarrow() public {
        request(READ_WRITE, 3600);
        AccessToken.Token memory token = ledger.tokenOf(alice, rs);
        assertTrue(token.claims == READ);
        assertEq(token.expiresAt, NOW + 60);
    }

    function test_PolicyCannotAddRoles() public {
        policy.answer(READ_WRITE, 60);
        vm.prank(alice);
        vm.expectRevert(AccessToken.BadClaims.selector);
        ledger.addToken(rs, READ, 60, "");
    }

    /// Clearing bits of a class names another class.
    function test_PolicyCannotTurnOneClassIntoAnother() public {
        policy.answer(0x01100003, 60);
        vm.prank(alice);
        vm.expectRevert(AccessToken.BadClaims.selector);
        ledger.addToken(rs, 0x01100007, 60, "");
    }

    function test_PolicyCannotLeaveNoRole() public {
        policy.answer(0x00100007, 60);
        vm.prank(alice);
        vm.expectRevert(AccessToken.BadClaims.selector);
        ledger.addToken(rs, READ, 60, "");
    }

    function test_PolicyCannotProlong() public {
        policy.answer(READ, 61);
        vm.prank(alice);
        vm.expectRevert(AccessToken.BadTtl.selector);
        ledger.addToken(rs, READ, 60, "");
    }

    /// Whatever a policy answers, a token is within what was asked for, within the resource's limit, and well formed.
    function testFuzz_PolicyNeverWidens(bytes4 asked, uint40 askedTtl, bytes4 answered, uint40 answeredTtl) public {
        policy.answer(answered, answeredTtl);
        vm.prank(alice);
        try ledger.addToken(rs, asked, askedTtl, "") {
            AccessToken.Token memory token = ledger.tokenOf(alice, rs);
            uint32 given = uint32(token.claims);
            assertTrue(given & ~uint32(asked) == 0 && given << 8 == uint32(asked) << 8);
            assertTrue(given >> 24 != 0 && given >> 31 == 0 && given >> 16 & 0xff == 0x10);
            assertTrue(token.expiresAt > NOW && token.expiresAt <= uint256(NOW) + askedTtl);
            assertTrue(token.expiresAt <= NOW + MAX_TTL);
        } catch {
            assertEq(ledger.tokenOf(alice, rs).serial, 0);
        }
    }

    /// As above where random bytes seldom come: an honest request, an answer of the right class.
    function testFuzz_RolesAreASubset(uint8 asked, uint8 answered) public {
        bytes4 wanted = bytes4(uint32(asked) << 24 | 0x00100007);
        bytes4 given = bytes4(uint32(answered) << 24 | 0x00100007);
        policy.answer(given, 60);
        bool fine = answered != 0 && answered < 128 && answered & ~asked == 0;
        vm.prank(alice);
        if (!fine) vm.expectRevert(AccessToken.BadClaims.selector);
        ledger.addToken(rs, wanted, 60, "");
        assertTrue(ledger.tokenOf(alice, rs).claims == (fine ? given : bytes4(0)));
    }

    function test_EndlessPolicyBurnsItsAllowanceOnly() public {
        open(rs, new EndlessPolicy());
        uint256 before = gasleft();
        vm.prank(alice);
        (bool ok,) = address(ledger).call(abi.encodeCall(ledger.addToken, (rs, READ, 60, "")));
        assertTrue(!ok);
        assertTrue(before - gasleft() < uint256(POLICY_GAS) + 60_000);
    }

    function test_PolicyWithoutCodeRefuses() public {
        open(rs, IAccessPolicy(address(0xc0de)));
        vm.prank(alice);
        vm.expectRevert(bytes(""));
        ledger.addToken(rs, READ, 60, "");
    }

    function test_EtherGoesToThePolicyOrComesBack() public {
        vm.deal(alice, 1 ether);
        vm.prank(alice);
        ledger.addToken{value: 0.25 ether}(rs, READ, 60, "");
        assertEq(address(policy).balance, 0.25 ether);

        open(rs, new OpenPolicy());
        vm.prank(alice);
        vm.expectRevert(IAccessPolicy.ValueNotAccepted.selector);
        ledger.addToken{value: 0.25 ether}(rs, READ, 60, "");
        assertEq(address(ledger).balance, 0);
        assertEq(alice.balance, 0.75 ether);
    }

    // ------------------------------------------------------------------------------------------------- re-entrancy

    function test_PolicyMayAskForATokenItself() public {
        address second = address(0x5e2);
        open(second, new OpenPolicy());
        policy.callBack(address(ledger), abi.encodeCall(ledger.addToken, (second, READ, 60, "")));
        request(READ, 60);
        assertEq(ledger.tokenOf(address(policy), second).serial, 1);
        assertEq(ledger.tokenOf(alice, rs).serial, 2);
    }

    function test_BarDuringTheCallHolds() public {
        vm.prank(owner);
        ledger.setAuthorizer(address(policy), true);
        policy.callBack(address(ledger), abi.encodeCall(ledger.blockClient, (alice, rs)));
        vm.prank(alice);
        vm.expectRevert(AccessToken.Blocked.selector);
        ledger.addToken(rs, READ, 60, "");
    }

    function test_RevocationDuringTheCallHolds() public {
        vm.prank(owner);
        ledger.setAuthorizer(address(policy), true);
        policy.callBack(address(ledger), abi.encodeCall(ledger.revokeResource, (rs)));
        vm.prank(alice);
        vm.expectRevert(AccessToken.ResourceChanged.selector);
        ledger.addToken(rs, READ, 60, "");
    }

    function test_AnotherPolicyDuringTheCallIsNotBypassed() public {
        ownByPolicy();
        bytes memory change = abi.encodeCall(ledger.setResource, (rs, new OpenPolicy(), MAX_TTL, POLICY_GAS));
        policy.callBack(address(ledger), change);
        vm.prank(alice);
        vm.expectRevert(AccessToken.ResourceChanged.selector);
        ledger.addToken(rs, READ, 60, "");
    }

    function test_ShorterLimitDuringTheCallHolds() public {
        ownByPolicy();
        policy.callBack(address(ledger), abi.encodeCall(ledger.setResource, (rs, policy, 59, 1_000_000)));
        vm.prank(alice);
        vm.expectRevert(AccessToken.BadTtl.selector);
        ledger.addToken(rs, READ, 60, "");
    }

    function ownByPolicy() private {
        vm.prank(owner);
        ledger.transferOwnership(address(policy));
        policy.act(address(ledger), abi.encodeCall(ledger.acceptOwnership, ()));
    }
}
