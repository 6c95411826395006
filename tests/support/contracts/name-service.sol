// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

/// An ENS registry that is its own resolver: what a lookup of an address by name reads, and nothing else.
contract NameService {
    mapping(bytes32 => address) public resolver;
    mapping(bytes32 => address) public addr;

    /// A name with the zero address is registered but points nowhere.
    function register(bytes32 node, address target) external {
        resolver[node] = address(this);
        addr[node] = target;
    }

    /// No extension of a resolver is supported, wildcards among them.
    function supportsInterface(bytes4) external pure returns (bool) {
        return false;
    }
}
