// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

/// @title The four bytes of rights in a token
/// @notice Byte 0 is a set of roles: the REST methods of RFC 9237 (GET 1, POST 2, PUT 4, DELETE 8, FETCH 16, PATCH 32,
/// iPATCH 64), never empty, bit 7 clear. Byte 1 is the layout, 0x10. Bytes 2-3 are the class, big-endian: the resource
/// owner's name for a set of paths. (spec 5.1)
library Claims {
    bytes4 private constant ROLES = 0xff000000;
    bytes4 private constant RESERVED_ROLE = 0x80000000;
    bytes4 private constant LAYOUT = 0x00ff0000;
    bytes4 private constant LAYOUT_1 = 0x00100000;

    /// Two classes were mixed: rights for one may never be turned into rights for another.
    error OtherClass();

    /// True for claims that every verifier accepts.
    function isWellFormed(bytes4 claims) internal pure returns (bool) {
        return (claims & ROLES) != 0 && (claims & RESERVED_ROLE) == 0 && (claims & LAYOUT) == LAYOUT_1;
    }

    /// True if `granted` is what was `asked`, perhaps with fewer roles. Bytes 1-3 must be equal: the class is a number, not a
    /// set, and clearing bits of class 0x0007 would give 0x0003, which nobody granted.
    function narrows(bytes4 granted, bytes4 asked) internal pure returns (bool) {
        return ((granted ^ asked) & ~ROLES) == 0 && (granted & ~asked) == 0;
    }

    /// The roles both `asked` for and `allowed`, in the class that both name.
    function within(bytes4 asked, bytes4 allowed) internal pure returns (bytes4) {
        if (((asked ^ allowed) & ~ROLES) != 0) revert OtherClass();
        return asked & allowed;
    }
}
