// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {AccessToken} from "../src/AccessToken.sol";
import {IAccessPolicy} from "../src/IAccessPolicy.sol";
import {OpenPolicy} from "../src/policies/OpenPolicy.sol";
import {Fixture} from "./support/Fixture.sol";
import {vm} from "./support/Vm.sol";

/// Issuing and reading.
contract IssueTest is Fixture {
    function test_TokenIsReadBackUntilItsEnd() public {
        assertEq(add(alice, rs, READ), 1);
        (address res, uint256 ttl, bytes4 claims) = ledger.getToken(alice, rs);
        assertEq(res, rs);
        assertEq(ttl, NOW + 1 hours);
        assertTrue(claims == READ);

        vm.warp(NOW + 1 hours - 1);
        assertTrue(hasToken(alice, rs));
        vm.warp(NOW + 1 hours);
        (res, ttl, claims) = ledger.getToken(alice, rs);
        assertTrue(res == address(0) && ttl == 0 && claims == 0);
    }

    function test_TtlIsAbsolute() public {
        add(alice, rs, READ);
        vm.warp(NOW + 10 minutes);
        (, uint256 ttl,) = ledger.getToken(alice, rs);
        assertEq(ttl, NOW + 1 hours);
    }

    function test_TokenIsNotReadBeforeItsBeginning() public {
        add(alice, rs, READ);
        vm.warp(NOW - 1);
        assertTrue(!hasToken(alice, rs));
    }

    function test_TokenOfOneResourceServerLeavesTheOther() public {
        address second = address(0x5e2);
        open(second, new OpenPolicy());
        add(alice, rs, READ);
        add(alice, second, READ_WRITE);
        (,, bytes4 claims) = ledger.getToken(alice, rs);
        assertTrue(claims == READ);
        (,, claims) = ledger.getToken(alice, second);
        assertTrue(claims == READ_WRITE);
    }

    function test_RenewalReplacesTheTokenUnderANewSerial() public {
        assertEq(add(alice, rs, READ_WRITE), 1);
        vm.warp(NOW + 10);
        vm.roll(HEIGHT + 1);
        assertEq(add(alice, rs, READ), 2);
        AccessToken.Token memory token = ledger.tokenOf(alice, rs);
        assertTrue(token.claims == READ);
        assertEq(token.notBefore, NOW + 10);
        assertEq(token.issuedAt, HEIGHT + 1);
    }

    function test_AddingEmitsTheToken() public {
        vm.expectEmit(address(ledger));
        emit AccessToken.TokenAdded(alice, rs, 1, READ, NOW, NOW + 1 hours);
        add(alice, rs, READ);
    }

    function test_AuthorizerIssuesWithoutAPolicy() public {
        open(rs, IAccessPolicy(address(0)));
        vm.prank(authServer);
        ledger.issueToken(alice, rs, READ, 60, 0xfeedbeef);
        assertEq(ledger.tokenOf(alice, rs).extra, 0xfeedbeef);
        assertTrue(hasToken(alice, rs));

        vm.prank(alice);
        vm.expectRevert(AccessToken.NoPolicy.selector);
        ledger.addToken(rs, READ, 60, "");
    }

    function test_NothingIsIssuedForAnUnknownResourceServer() public {
        address unknown = address(9);
        vm.prank(alice);
        vm.expectRevert(AccessToken.UnknownResource.selector);
        ledger.addToken(unknown, READ, 60, "");
        vm.prank(authServer);
        vm.expectRevert(AccessToken.UnknownResource.selector);
        ledger.issueToken(alice, unknown, READ, 60, 0);
    }

    function test_ClosingAResourceServerKeepsItsTokens() public {
        add(alice, rs, READ);
        OpenPolicy policy = new OpenPolicy();
        vm.prank(owner);
        ledger.setResource(rs, policy, 0, POLICY_GAS);
        assertTrue(hasToken(alice, rs));
        vm.prank(alice);
        vm.expectRevert(AccessToken.UnknownResource.selector);
        ledger.addToken(rs, READ, 60, "");
    }

    function test_TtlHasBounds() public {
        vm.prank(alice);
        vm.expectRevert(AccessToken.BadTtl.selector);
        ledger.addToken(rs, READ, MAX_TTL + 1, "");
        vm.prank(alice);
        vm.expectRevert(AccessToken.BadTtl.selector);
        ledger.addToken(rs, READ, 0, "");
        vm.prank(alice);
        ledger.addToken(rs, READ, MAX_TTL, "");
    }

    function test_TtlDoesNotRunPastFortyBits() public {
        vm.warp(type(uint40).max - 60);
        vm.prank(alice);
        vm.expectRevert(AccessToken.BadTtl.selector);
        ledger.addToken(rs, READ, 61, "");
        vm.prank(alice);
        ledger.addToken(rs, READ, 60, "");
        assertEq(ledger.tokenOf(alice, rs).expiresAt, type(uint40).max);

        vm.warp(uint256(type(uint40).max) + 1);
        vm.prank(alice);
        vm.expectRevert(AccessToken.BadTtl.selector);
        ledger.addToken(rs, READ, 60, "");
    }

    function test_BlockNumberDoesNotWrap() public {
        vm.roll(type(uint32).max);
        add(alice, rs, READ);
        assertEq(ledger.tokenOf(alice, rs).issuedAt, type(uint32).max);
        vm.roll(uint256(type(uint32).max) + 1);
        vm.prank(alice);
        vm.expectRevert(AccessToken.BlockNumberOutOfRange.selector);
        ledger.addToken(rs, READ, 60, "");
    }

    function test_ClaimsMustBeWellFormed() public {
        bytes4[5] memory malformed = [
            bytes4(0), // nothing
            0x00100007, // no role
            0x81100007, // the reserved role
            0x01000007, // no layout
            0x01110007 // another layout
        ];
        for (uint256 i = 0; i < malformed.length; ++i) {
            vm.prank(alice);
            vm.expectRevert(AccessToken.BadClaims.selector);
            ledger.addToken(rs, malformed[i], 60, "");
            vm.prank(authServer);
            vm.expectRevert(AccessToken.BadClaims.selector);
            ledger.issueToken(alice, rs, malformed[i], 60, 0);
        }
    }

    /// getToken shows exactly the tokens that exist and are in time.
    function testFuzz_GetTokenAgreesWithTheWord(address client, uint8 roles, uint16 class, uint40 ttl, uint40 later) public {
        bytes4 claims = bytes4(uint32(1 + uint32(roles) % 127) << 24 | 0x00100000 | class);
        ttl = 1 + ttl % MAX_TTL;
        vm.prank(authServer);
        ledger.issueToken(client, rs, claims, ttl, 0);

        uint256 time = uint256(NOW) + later % (2 * MAX_TTL);
        vm.warp(time);
        (address res, uint256 end, bytes4 rights) = ledger.getToken(client, rs);
        bool inTime = time < NOW + ttl;
        assertEq(res, inTime ? rs : address(0));
        assertEq(end, inTime ? NOW + ttl : 0);
        assertTrue(rights == (inTime ? claims : bytes4(0)));
    }
}
