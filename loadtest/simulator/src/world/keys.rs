//! Signing keys and how ATProto writes them: Multikey text and 64-byte low-S signatures.
//!
//! Specification: <https://atproto.com/specs/cryptography>.

use k256::ecdsa::signature::Signer;
use k256::ecdsa::{Signature, SigningKey};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// The varint multicodec of a compressed secp256k1 public key.
const SECP256K1_PUB: [u8; 2] = [0xe7, 0x01];

const BASE58: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/// A secp256k1 key of an account.
#[derive(Debug)]
pub(crate) struct AccountKey(SigningKey);

impl AccountKey {
    pub(crate) fn generate(rng: &mut ChaCha8Rng) -> Self {
        loop {
            let mut secret = [0; 32];
            rng.fill_bytes(&mut secret);
            // Zero and values above the group order are not keys; that happens once in 2^128.
            if let Ok(key) = SigningKey::from_slice(&secret) {
                return Self(key);
            }
        }
    }

    /// ECDSA over the SHA-256 of `message`, deterministic (RFC 6979) and low-S: `r || s`.
    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 64] {
        let signature: Signature = self.0.sign(message);
        signature.to_bytes().into()
    }

    /// The public key as `publicKeyMultibase`, and after `did:key:`.
    pub(crate) fn public_multibase(&self) -> String {
        let point = self.0.verifying_key().to_sec1_point(true);
        format!("z{}", base58(&[&SECP256K1_PUB, point.as_bytes()].concat()))
    }
}

fn base58(bytes: &[u8]) -> String {
    let mut digits: Vec<u8> = Vec::with_capacity(bytes.len() * 2);
    for &byte in bytes {
        let mut carry = u32::from(byte);
        for digit in &mut digits {
            carry += u32::from(*digit) << 8;
            *digit = (carry % 58) as u8;
            carry /= 58;
        }
        while carry > 0 {
            digits.push((carry % 58) as u8);
            carry /= 58;
        }
    }
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    std::iter::repeat_n('1', zeros)
        .chain(
            digits
                .iter()
                .rev()
                .map(|digit| char::from(BASE58[usize::from(*digit)])),
        )
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base58_known_answers() {
        assert_eq!(base58(b"Hello World!"), "2NEpo7TZRRrLZSi2U");
        assert_eq!(base58(&[0, 0, 0x28, 0x7f, 0xb4, 0xcd]), "11233QC4");
        assert_eq!(base58(b""), "");
    }
}
