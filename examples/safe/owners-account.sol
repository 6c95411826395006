// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

/// An account of several owners, of whom `threshold` must sign each call. What they sign, and how the signatures are handed in, is
/// as in a Safe: its EIP-712 types, its order by owner, and its two ways for a key to sign. For the example, not for money.
contract OwnersAccount {
    event ExecutionSuccess(bytes32 txHash, uint256 payment);

    error NotSupported();
    error SignaturesMissing();
    error SignatureInvalid(uint256 position);
    error CallFailed();

    bytes32 private constant DOMAIN = keccak256("EIP712Domain(uint256 chainId,address verifyingContract)");
    bytes32 private constant SAFE_TX = keccak256(
        "SafeTx(address to,uint256 value,bytes data,uint8 operation,uint256 safeTxGas,uint256 baseGas,uint256 gasPrice,address gasToken,address refundReceiver,uint256 nonce)"
    );

    uint256 public immutable threshold;
    uint256 public nonce;
    mapping(address => bool) public isOwner;

    constructor(address[] memory owners, uint256 threshold_) payable {
        for (uint256 index = 0; index < owners.length; index++) isOwner[owners[index]] = true;
        threshold = threshold_;
    }

    receive() external payable {}

    /// A call, signed by the owners. Delegate calls and refunds, which a Safe has too, are not supported.
    function execTransaction(
        address to,
        uint256 value,
        bytes calldata data,
        uint8 operation,
        uint256 safeTxGas,
        uint256 baseGas,
        uint256 gasPrice,
        address gasToken,
        address payable refundReceiver,
        bytes calldata signatures
    ) external payable returns (bool) {
        if (operation != 0 || gasPrice != 0) revert NotSupported();
        bytes32 txHash = getTransactionHash(
            to, value, data, operation, safeTxGas, baseGas, gasPrice, gasToken, refundReceiver, nonce++
        );
        checkSignatures(txHash, signatures);
        (bool done, ) = to.call{value: value}(data);
        if (!done) revert CallFailed();
        emit ExecutionSuccess(txHash, 0);
        return true;
    }

    function getTransactionHash(
        address to,
        uint256 value,
        bytes calldata data,
        uint8 operation,
        uint256 safeTxGas,
        uint256 baseGas,
        uint256 gasPrice,
        address gasToken,
        address refundReceiver,
        uint256 nonce_
    ) public view returns (bytes32) {
        // In two halves, since the compiler keeps no more values at a time. All are of 32 bytes, so that joining them is encoding them.
        bytes memory first = abi.encode(SAFE_TX, to, value, keccak256(data), operation, safeTxGas);
        bytes memory second = abi.encode(baseGas, gasPrice, gasToken, refundReceiver, nonce_);
        bytes32 structHash = keccak256(bytes.concat(first, second));
        return keccak256(abi.encodePacked("\x19\x01", domainSeparator(), structHash));
    }

    function domainSeparator() public view returns (bytes32) {
        return keccak256(abi.encode(DOMAIN, block.chainid, address(this)));
    }

    /// 65 bytes each, r, s and v, in ascending order of their owners, so that none counts twice.
    function checkSignatures(bytes32 txHash, bytes calldata signatures) private view {
        if (signatures.length < threshold * 65) revert SignaturesMissing();
        bytes32 messageHash = keccak256(abi.encodePacked("\x19Ethereum Signed Message:\n32", txHash));
        address last = address(0);
        for (uint256 index = 0; index < threshold; index++) {
            bytes calldata one = signatures[index * 65:index * 65 + 65];
            uint8 v = uint8(one[64]);
            // v of 31 or 32 says that the hash was signed as a message (EIP-191), as eth_sign and personal_sign do.
            (bytes32 digest, uint8 parity) = v > 30 ? (messageHash, v - 4) : (txHash, v);
            address owner = ecrecover(digest, parity, bytes32(one[:32]), bytes32(one[32:64]));
            if (owner <= last || !isOwner[owner]) revert SignatureInvalid(index);
            last = owner;
        }
    }
}
