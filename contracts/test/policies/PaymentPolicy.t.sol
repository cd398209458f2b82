// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {AccessToken} from "../../src/AccessToken.sol";
import {Claims} from "../../src/Claims.sol";
import {IAccessPolicy} from "../../src/IAccessPolicy.sol";
import {PaymentPolicy} from "../../src/policies/PaymentPolicy.sol";
import {Fixture} from "../support/Fixture.sol";
import {vm} from "../support/Vm.sol";

contract PaymentPolicyTest is Fixture {
    PaymentPolicy private policy;
    address payable private immutable payee = payable(address(0xca54));

    /// Reading costs 5 wei a second.
    function setUp() public override {
        super.setUp();
        policy = new PaymentPolicy(READ, 5, payee);
        open(rs, policy);
        vm.deal(alice, 1 ether);
        vm.deal(mallory, 1 ether);
    }

    function test_PayingClientGetsItsTimeAndThePayeeTheMoney() public {
        vm.prank(alice);
        ledger.addToken{value: 300}(rs, READ, 60, "");
        assertEq(ledger.tokenOf(alice, rs).expiresAt, NOW + 60);
        assertEq(address(policy).balance, 300);
        vm.prank(mallory);
        policy.withdraw();
        assertEq(payee.balance, 300);
        assertEq(address(policy).balance, 0);
    }

    function test_OtherAmountsAreRefused() public {
        uint256[3] memory amounts = [uint256(0), 299, 301];
        for (uint256 i = 0; i < amounts.length; ++i) {
            vm.prank(alice);
            vm.expectRevert(abi.encodeWithSelector(PaymentPolicy.WrongPrice.selector, 300));
            ledger.addToken{value: amounts[i]}(rs, READ, 60, "");
        }
        assertEq(alice.balance, 1 ether);
    }

    function test_OnlyTheOfferIsForSale() public {
        vm.prank(alice);
        ledger.addToken{value: 300}(rs, READ_WRITE, 60, "");
        assertTrue(ledger.tokenOf(alice, rs).claims == READ);
        vm.prank(alice);
        vm.expectRevert(Claims.OtherClass.selector);
        ledger.addToken{value: 300}(rs, 0x01100008, 60, "");
    }

    function test_RefusedTokenCostsNothing() public {
        vm.prank(authServer);
        ledger.blockClient(alice, rs);
        vm.prank(alice);
        vm.expectRevert(AccessToken.Blocked.selector);
        ledger.addToken{value: 300}(rs, READ, 60, "");
        assertEq(alice.balance, 1 ether);
        assertEq(address(policy).balance, 0);
    }

    function test_RelayIsRefused() public {
        vm.prank(mallory);
        vm.expectRevert(IAccessPolicy.NotTheClient.selector);
        ledger.addTokenFor{value: 5}(alice, rs, READ, 1, "");
    }

    function test_PayeeCannotBeZero() public {
        vm.expectRevert(PaymentPolicy.ZeroPayee.selector);
        new PaymentPolicy(READ, 5, payable(address(0)));
    }

    function test_MoneyStaysWhenThePayeeRefusesIt() public {
        PaymentPolicy toLedger = new PaymentPolicy(READ, 5, payable(address(ledger)));
        open(rs, toLedger);
        vm.prank(alice);
        ledger.addToken{value: 300}(rs, READ, 60, "");
        vm.expectRevert(PaymentPolicy.WithdrawalFailed.selector);
        toLedger.withdraw();
        assertEq(address(toLedger).balance, 300);
    }
}
