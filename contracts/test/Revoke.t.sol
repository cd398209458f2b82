// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {AccessToken} from "../src/AccessToken.sol";
import {OpenPolicy} from "../src/policies/OpenPolicy.sol";
import {Fixture} from "./support/Fixture.sol";
import {vm} from "./support/Vm.sol";

/// Deleting, barring, and revoking a whole resource server.
contract RevokeTest is Fixture {
    function test_DeletedTokenIsGone() public {
        address[3] memory allowed = [alice, authServer, owner];
        for (uint256 i = 0; i < allowed.length; ++i) {
            uint48 serial = add(alice, rs, READ);
            vm.expectEmit(address(ledger));
            emit AccessToken.TokenDeleted(alice, rs, serial, allowed[i], false);
            vm.prank(allowed[i]);
            ledger.deleteToken(alice, rs);
            assertTrue(!hasToken(alice, rs));
            assertEq(ledger.tokenOf(alice, rs).serial, 0);
        }
    }

    function test_NothingToDelete() public {
        vm.prank(authServer);
        vm.expectRevert(AccessToken.NoToken.selector);
        ledger.deleteToken(alice, rs);
    }

    function test_SerialIsNotReusedAfterDeletion() public {
        assertEq(add(alice, rs, READ), 1);
        vm.prank(alice);
        ledger.deleteToken(alice, rs);
        assertEq(add(alice, rs, READ), 2);
    }

    function test_DeletedClientMayAskAgainButABlockedOneMayNot() public {
        add(alice, rs, READ);
        vm.prank(authServer);
        ledger.deleteToken(alice, rs);
        uint48 serial = add(alice, rs, READ);

        vm.expectEmit(address(ledger));
        emit AccessToken.TokenDeleted(alice, rs, serial, authServer, true);
        vm.prank(authServer);
        ledger.blockClient(alice, rs);
        assertTrue(!hasToken(alice, rs));

        vm.prank(alice);
        vm.expectRevert(AccessToken.Blocked.selector);
        ledger.addToken(rs, READ, 60, "");
        vm.prank(alice);
        vm.expectRevert(AccessToken.Blocked.selector);
        ledger.deleteToken(alice, rs);
        vm.prank(bob);
        ledger.addToken(rs, READ, 60, "");
    }

    function test_TombstoneHasASerialAndNoClaims() public {
        vm.prank(authServer);
        ledger.blockClient(alice, rs);
        AccessToken.Token memory tombstone = ledger.tokenOf(alice, rs);
        assertEq(tombstone.serial, 1);
        assertEq(tombstone.issuedAt, HEIGHT);
        assertTrue(tombstone.claims == 0 && tombstone.expiresAt == 0 && tombstone.notBefore == 0 && tombstone.extra == 0);
    }

    function test_ClientIsBarredAtOneResourceServerOnly() public {
        address second = address(0x5e2);
        open(second, new OpenPolicy());
        vm.prank(authServer);
        ledger.blockClient(alice, rs);
        add(alice, second, READ);
        assertTrue(hasToken(alice, second));
    }

    function test_OnlyDeletionByAnAuthorizerLiftsABar() public {
        vm.prank(authServer);
        ledger.blockClient(alice, rs);
        // Not by accident: a batch of tokens prepared before the bar must not undo it.
        vm.prank(owner);
        vm.expectRevert(AccessToken.Blocked.selector);
        ledger.issueToken(alice, rs, READ, 60, 0);

        vm.prank(owner);
        ledger.deleteToken(alice, rs);
        assertEq(add(alice, rs, READ), 2);
    }

    function test_RevokedResourceServerHasNoTokensUntilItIssuesMore() public {
        add(alice, rs, READ);
        add(bob, rs, READ);
        vm.expectEmit(address(ledger));
        emit AccessToken.ResourceRevoked(rs, 1, authServer);
        vm.prank(authServer);
        ledger.revokeResource(rs);
        assertTrue(!hasToken(alice, rs) && !hasToken(bob, rs));

        add(alice, rs, READ);
        assertTrue(hasToken(alice, rs) && !hasToken(bob, rs));
        assertEq(ledger.tokenOf(alice, rs).epoch, 1);
    }

    function test_RevokingAResourceServerKeepsTheBars() public {
        vm.prank(authServer);
        ledger.blockClient(alice, rs);
        vm.prank(authServer);
        ledger.revokeResource(rs);
        vm.prank(alice);
        vm.expectRevert(AccessToken.Blocked.selector);
        ledger.addToken(rs, READ, 60, "");
    }

    function test_OpeningAResourceServerAgainKeepsTheEpoch() public {
        add(alice, rs, READ);
        vm.prank(authServer);
        ledger.revokeResource(rs);
        open(rs, new OpenPolicy());
        assertEq(ledger.resourceOf(rs).epoch, 1);
        assertTrue(!hasToken(alice, rs));
    }
}
