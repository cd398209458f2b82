// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// The contract of the paper's Fig. 4 as printed, for comparison: anybody may call everything, there is one token per client,
/// and a lifetime has no beginning.
contract PaperContract {
    struct Token {
        address res;
        uint256 ttl;
        bytes4 claims;
    }

    mapping(address => Token) private issued;

    function addToken(address clt, address res, uint256 ttl, bytes4 claims) public returns (bool) {
        issued[clt].res = res;
        issued[clt].ttl = ttl;
        issued[clt].claims = claims;
        return true;
    }

    function getToken(address clt) public view returns (address, uint256, bytes4) {
        return (issued[clt].res, issued[clt].ttl, issued[clt].claims);
    }

    function deleteToken(address clt) public returns (bool) {
        delete issued[clt];
        return true;
    }
}
