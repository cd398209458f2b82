// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Claims} from "../Claims.sol";
import {IAccessPolicy} from "../IAccessPolicy.sol";

/// @title A client gets what is on offer, once per solved puzzle
/// @notice Slows down floods of requests where transactions are free, after HIP (RFC 7401, 4.1.2): I is the hash of a recent
/// block, K the difficulty in bits, J the solution. A solution counts for one client, one resource server and one number in
/// that client's own count, so it works once, and no other client can use it up.
contract PuzzlePolicy is IAccessPolicy {
    using Claims for bytes4;

    address public immutable accessToken;
    /// What a solution is worth: the roles of one class.
    bytes4 public immutable offer;
    uint8 public immutable difficulty;
    /// Puzzles that a client has solved for a resource server. Never goes back, whatever happens to the token.
    mapping(address client => mapping(address res => uint64)) public solved;

    /// The block is not one of the last 256.
    error StaleBlock();
    error NotSolved();

    /// @param accessToken_ the only contract that may count solutions
    /// @param offer_ most a client may get, see Claims
    /// @param difficulty_ leading zero bits of a solution; about 2^difficulty hashes
    constructor(address accessToken_, bytes4 offer_, uint8 difficulty_) {
        accessToken = accessToken_;
        offer = offer_;
        difficulty = difficulty_;
    }

    /// @param proof abi.encode(uint64 blockNumber, uint64 j)
    function grant(Request calldata request, bytes calldata proof) external payable returns (bytes4 claims, uint40 ttl) {
        if (msg.value != 0) revert ValueNotAccepted();
        // Anybody else could count a client's solution without a token coming of it.
        if (msg.sender != accessToken) revert WrongCaller();
        if (request.requester != request.client) revert NotTheClient();

        (uint64 blockNumber, uint64 j) = abi.decode(proof, (uint64, uint64));
        bytes32 i = blockhash(blockNumber);
        if (i == 0) revert StaleBlock();
        uint64 count = solved[request.client][request.res]++;
        uint256 hash = uint256(puzzle(i, request.client, request.res, count, j));
        if (hash >> (256 - uint256(difficulty)) != 0) revert NotSolved();
        return (request.claims.within(offer), request.ttl);
    }

    /// @notice The hash whose first `difficulty` bits must be zero.
    function puzzle(bytes32 i, address client, address res, uint64 count, uint64 j) public view returns (bytes32) {
        return keccak256(abi.encode(i, address(this), client, res, count, j));
    }
}
