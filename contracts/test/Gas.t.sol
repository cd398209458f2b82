// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {AccessToken} from "../src/AccessToken.sol";
import {IAccessPolicy} from "../src/IAccessPolicy.sol";
import {AllowListPolicy} from "../src/policies/AllowListPolicy.sol";
import {AttestationPolicy} from "../src/policies/AttestationPolicy.sol";
import {PaymentPolicy} from "../src/policies/PaymentPolicy.sol";
import {PuzzlePolicy} from "../src/policies/PuzzlePolicy.sol";
import {Fixture} from "./support/Fixture.sol";
import {PaperContract} from "./support/PaperContract.sol";
import {EndlessPolicy} from "./support/ScriptedPolicy.sol";
import {vm} from "./support/Vm.sol";

/// Measures what gas.md shows. Each measured call is a transaction of its own (`--isolate`). Bob and the contract have a history,
/// so that no slot shared by all is touched for the first time.
contract GasTest is Fixture {
    function setUp() public override {
        super.setUp();
        add(bob, rs, READ);
    }

    function measure(string memory name) private {
        vm.snapshotGasLastCall("gas", name);
    }

    function request(bytes4 claims, uint40 ttl, bytes memory proof, string memory name) private {
        vm.prank(alice);
        ledger.addToken(rs, claims, ttl, proof);
        measure(name);
    }

    function test_Paper() public {
        PaperContract paper = new PaperContract();
        paper.addToken(alice, rs, 3600, READ);
        measure("Fig. 4 addToken");
        paper.getToken(alice);
        measure("Fig. 4 getToken");
        paper.deleteToken(alice);
        measure("Fig. 4 deleteToken");
    }

    function test_Tokens() public {
        request(READ, 3600, "", "addToken, OpenPolicy");
        ledger.getToken(alice, rs);
        measure("getToken");
        ledger.tokenOf(alice, rs);
        measure("tokenOf");
        request(READ, 3600, "", "addToken, OpenPolicy, renewal");
        vm.prank(alice);
        ledger.deleteToken(alice, rs);
        measure("deleteToken");
    }

    function test_AllowList() public {
        bytes32 node = keccak256(bytes.concat(keccak256(abi.encode(alice, rs, READ, uint40(3600)))));
        bytes32[] memory siblings = new bytes32[](10);
        for (uint256 i = 0; i < siblings.length; ++i) {
            siblings[i] = keccak256(abi.encode(i));
            bool first = node < siblings[i];
            node = keccak256(first ? abi.encode(node, siblings[i]) : abi.encode(siblings[i], node));
        }
        open(rs, new AllowListPolicy(node));
        request(READ, 3600, abi.encode(READ, uint40(3600), siblings), "addToken, AllowListPolicy of 1024");
    }

    function test_Attestation() public {
        AttestationPolicy policy = new AttestationPolicy(address(ledger), vm.addr(1));
        open(rs, policy);
        AttestationPolicy.Grant memory attested = AttestationPolicy.Grant(READ, 3600, NOW + 60, keccak256("nonce"));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(1, policy.digest(alice, rs, attested));
        request(READ, 3600, abi.encode(attested, abi.encodePacked(r, s, v)), "addToken, AttestationPolicy");
    }

    function test_Payment() public {
        open(rs, new PaymentPolicy(READ, 5, payable(owner)));
        vm.deal(alice, 1 ether);
        vm.prank(alice);
        ledger.addToken{value: 18_000}(rs, READ, 3600, "");
        measure("addToken, PaymentPolicy");
    }

    function test_Puzzle() public {
        PuzzlePolicy policy = new PuzzlePolicy(address(ledger), READ, 0);
        open(rs, policy);
        request(READ, 3600, abi.encode(HEIGHT - 1, uint64(0)), "addToken, PuzzlePolicy");
    }

    function test_EndlessPolicy() public {
        open(rs, new EndlessPolicy());
        vm.prank(alice);
        (bool ok,) = address(ledger).call(abi.encodeCall(ledger.addToken, (rs, READ, 3600, "")));
        assertTrue(!ok);
        measure("addToken, policy without end (fails)");
    }

    function test_Authorizer() public {
        vm.prank(authServer);
        ledger.issueToken(alice, rs, READ, 3600, 0);
        measure("issueToken");
        vm.prank(authServer);
        ledger.blockClient(alice, rs);
        measure("blockClient, token held");
        vm.prank(authServer);
        ledger.blockClient(mallory, rs);
        measure("blockClient, nothing held");
        vm.prank(authServer);
        ledger.revokeResource(rs);
        measure("revokeResource");
    }

    function test_Owner() public {
        vm.prank(owner);
        ledger.setResource(address(0x5e2), IAccessPolicy(address(1)), MAX_TTL, POLICY_GAS);
        measure("setResource");
        vm.prank(owner);
        ledger.setAuthorizer(bob, true);
        measure("setAuthorizer");
        vm.startSnapshotGas("gas", "deploy AccessToken");
        new AccessToken(owner);
        vm.stopSnapshotGas();
    }
}
