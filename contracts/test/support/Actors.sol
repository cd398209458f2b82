// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {AccessToken} from "../../src/AccessToken.sol";
import {OpenPolicy} from "../../src/policies/OpenPolicy.sol";
import {vm} from "./Vm.sol";

/// Three clients, two resource servers, an authorization server and an owner that act in any order, beside a plain model of
/// what must come of it. Every call here must succeed exactly when the model says so.
contract Actors {
    struct Held {
        uint48 serial;
        uint40 expiresAt;
        uint32 epoch;
        bytes4 claims; // 0 with a serial: barred
    }

    AccessToken public immutable ledger;
    uint48 public lastSerial;
    uint40 public time = 1_800_000_000;
    mapping(address client => mapping(address res => Held)) private held;
    mapping(address res => uint32) public epochs;

    address private constant AUTH_SERVER = address(0xa5);
    uint40 private constant MAX_TTL = 1 hours;

    constructor() {
        vm.warp(time);
        ledger = new AccessToken(address(this));
        ledger.setAuthorizer(AUTH_SERVER, true);
        OpenPolicy policy = new OpenPolicy();
        for (uint256 i = 0; i < 2; ++i) {
            ledger.setResource(resource(i), policy, MAX_TTL, 100_000);
        }
    }

    function client(uint256 i) public pure returns (address) {
        return address(uint160(0xc0 + i % 3));
    }

    function resource(uint256 i) public pure returns (address) {
        return address(uint160(0xe0 + i % 2));
    }

    function expected(address who, address res) external view returns (Held memory) {
        return held[who][res];
    }

    // ---- actions

    function add(uint256 c, uint256 r, uint8 roles, uint40 ttl) external {
        (address who, address res) = (client(c), resource(r));
        bytes4 claims = claimsOf(roles);
        ttl = 1 + ttl % MAX_TTL;
        bool barred = isBarred(who, res);
        vm.prank(who);
        if (barred) vm.expectRevert(AccessToken.Blocked.selector);
        ledger.addToken(res, claims, ttl, "");
        if (!barred) put(who, res, claims, ttl);
    }

    function issue(uint256 c, uint256 r, uint8 roles, uint40 ttl) external {
        (address who, address res) = (client(c), resource(r));
        bytes4 claims = claimsOf(roles);
        ttl = 1 + ttl % MAX_TTL;
        bool barred = isBarred(who, res);
        vm.prank(AUTH_SERVER);
        if (barred) vm.expectRevert(AccessToken.Blocked.selector);
        ledger.issueToken(who, res, claims, ttl, 0);
        if (!barred) put(who, res, claims, ttl);
    }

    function giveBack(uint256 c, uint256 r) external {
        (address who, address res) = (client(c), resource(r));
        bool nothing = held[who][res].serial == 0;
        bool barred = isBarred(who, res);
        vm.prank(who);
        if (nothing) vm.expectRevert(AccessToken.NoToken.selector);
        else if (barred) vm.expectRevert(AccessToken.Blocked.selector);
        ledger.deleteToken(who, res);
        if (!nothing && !barred) delete held[who][res];
    }

    function takeAway(uint256 c, uint256 r) external {
        (address who, address res) = (client(c), resource(r));
        bool nothing = held[who][res].serial == 0;
        vm.prank(AUTH_SERVER);
        if (nothing) vm.expectRevert(AccessToken.NoToken.selector);
        ledger.deleteToken(who, res);
        delete held[who][res];
    }

    function bar(uint256 c, uint256 r) external {
        (address who, address res) = (client(c), resource(r));
        vm.prank(AUTH_SERVER);
        ledger.blockClient(who, res);
        held[who][res] = Held(++lastSerial, 0, epochs[res], 0);
    }

    function revokeAll(uint256 r) external {
        vm.prank(AUTH_SERVER);
        ledger.revokeResource(resource(r));
        ++epochs[resource(r)];
    }

    /// A client reaches for the token of another.
    function steal(uint256 c, uint256 r) external {
        vm.prank(client(c));
        vm.expectRevert(AccessToken.NotAllowed.selector);
        ledger.deleteToken(client(c % 3 + 1), resource(r));
    }

    function wait(uint16 secondsToWait) external {
        time += secondsToWait;
        vm.warp(time);
    }

    // ---- model

    function claimsOf(uint8 roles) private pure returns (bytes4) {
        return bytes4(uint32(1 + uint32(roles) % 127) << 24 | 0x00100007);
    }

    function isBarred(address who, address res) private view returns (bool) {
        return held[who][res].serial != 0 && held[who][res].claims == 0;
    }

    function put(address who, address res, bytes4 claims, uint40 ttl) private {
        held[who][res] = Held(++lastSerial, time + ttl, epochs[res], claims);
    }
}
