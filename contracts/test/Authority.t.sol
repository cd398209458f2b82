// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {AccessToken} from "../src/AccessToken.sol";
import {IAccessPolicy} from "../src/IAccessPolicy.sol";
import {Fixture} from "./support/Fixture.sol";
import {vm} from "./support/Vm.sol";

/// Who may do what.
contract AuthorityTest is Fixture {
    function testFuzz_StrangerCannotDelete(address stranger) public {
        vm.assume(stranger != alice && stranger != authServer && stranger != owner);
        add(alice, rs, READ);
        vm.prank(stranger);
        vm.expectRevert(AccessToken.NotAllowed.selector);
        ledger.deleteToken(alice, rs);
        assertTrue(hasToken(alice, rs));
    }

    function testFuzz_StrangerCannotAddForAnother(address stranger) public {
        vm.assume(stranger != alice);
        vm.prank(stranger);
        vm.expectRevert(IAccessPolicy.NotTheClient.selector);
        ledger.addTokenFor(alice, rs, READ, 60, "");
    }

    function testFuzz_StrangerCannotDoWhatAuthorizersDo(address stranger) public {
        vm.assume(stranger != authServer && stranger != owner);
        vm.prank(stranger);
        vm.expectRevert(AccessToken.NotAuthorizer.selector);
        ledger.issueToken(stranger, rs, READ, 60, 0);
        vm.prank(stranger);
        vm.expectRevert(AccessToken.NotAuthorizer.selector);
        ledger.blockClient(alice, rs);
        vm.prank(stranger);
        vm.expectRevert(AccessToken.NotAuthorizer.selector);
        ledger.revokeResource(rs);
    }

    function testFuzz_OnlyTheOwnerAdministers(address other) public {
        vm.assume(other != owner && other != address(0));
        vm.prank(other);
        vm.expectRevert(AccessToken.NotOwner.selector);
        ledger.setResource(rs, IAccessPolicy(address(0)), 1, 1);
        vm.prank(other);
        vm.expectRevert(AccessToken.NotOwner.selector);
        ledger.setAuthorizer(other, true);
        vm.prank(other);
        vm.expectRevert(AccessToken.NotOwner.selector);
        ledger.transferOwnership(other);
        vm.prank(other);
        vm.expectRevert(AccessToken.NotOwner.selector);
        ledger.acceptOwnership();
    }

    function test_AuthorizerLosesItsRights() public {
        vm.expectEmit(address(ledger));
        emit AccessToken.AuthorizerSet(authServer, false);
        vm.prank(owner);
        ledger.setAuthorizer(authServer, false);
        vm.prank(authServer);
        vm.expectRevert(AccessToken.NotAuthorizer.selector);
        ledger.issueToken(alice, rs, READ, 60, 0);
    }

    function test_OwnershipChangesHandsInTwoSteps() public {
        vm.prank(owner);
        ledger.transferOwnership(bob);
        assertEq(ledger.owner(), owner);
        assertEq(ledger.pendingOwner(), bob);

        vm.expectEmit(address(ledger));
        emit AccessToken.OwnershipTransferred(owner, bob);
        vm.prank(bob);
        ledger.acceptOwnership();
        assertEq(ledger.owner(), bob);
        assertEq(ledger.pendingOwner(), address(0));

        vm.prank(owner);
        vm.expectRevert(AccessToken.NotOwner.selector);
        ledger.setAuthorizer(mallory, true);
    }

    function test_OfferOfOwnershipCanBeWithdrawn() public {
        vm.prank(owner);
        ledger.transferOwnership(bob);
        vm.prank(owner);
        ledger.transferOwnership(address(0));
        vm.prank(bob);
        vm.expectRevert(AccessToken.NotOwner.selector);
        ledger.acceptOwnership();
    }

    function test_TakingOverKeepsTheSerials() public {
        add(alice, rs, READ);
        vm.prank(owner);
        ledger.transferOwnership(bob);
        vm.prank(bob);
        ledger.acceptOwnership();
        assertEq(add(alice, rs, READ), 2);
    }

    function test_ContractNeedsAnOwner() public {
        vm.expectRevert(AccessToken.ZeroOwner.selector);
        new AccessToken(address(0));
    }
}
